"""Alembic's entry: everything in one transaction on the connection that data/migrate.py opened."""

from alembic import context

from data.migrations.search import is_declared
from data.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=True,
    transaction_per_migration=False,
    compare_type=True,
    include_object=is_declared,
)
context.run_migrations()
