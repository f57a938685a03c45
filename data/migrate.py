"""Brings the database to this code's shape: whole or not at all, one process at a time."""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from data import config, store
from data.errors import Misuse
from data.values import now


def upgrade(revision: str = "head") -> None:
    if not store.needs_migration():
        return
    try:
        _upgrade(revision)
    except (OSError, DatabaseError, store.sqlite_module().Error) as error:
        why = store.not_our_fault(getattr(error, "orig", error))
        if why is None:
            raise
        raise Misuse(f"The database was not changed: {why} Then start again.") from error


def _upgrade(revision: str) -> None:
    if store.is_sqlite() and store.schema_revision() is not None:
        _copy_first()
    with store.engine().execution_options(writes=True).begin() as connection:
        if not store.is_sqlite():
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('portal migrate'))"))
        command.upgrade(_config(connection), revision)


def _copy_first() -> Path:
    """A migration is whole or not at all, yet can do the wrong thing. On PostgreSQL the database has tools of its own for this."""
    copy = config.folder("backups") / f"before-{store.revisions()[-1]}-{now():%Y%m%d-%H%M%S}.db"
    source = store.engine().raw_connection()
    target = store.sqlite_module().connect(str(copy))
    try:
        source.driver_connection.backup(target)  # type: ignore[union-attr]
    except store.sqlite_module().Error:
        copy.unlink()
        raise
    finally:
        target.close()
        source.close()
    copy.chmod(0o600)
    return copy


def draft(message: str) -> None:
    """Write the next migration from what the tables say and the database does not (a developer reads and corrects it)."""
    number = f"{len(store.revisions()) + 1:04d}_{message.lower().replace(' ', '_')}"
    with store.engine().execution_options(writes=True).begin() as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=number)


def _config(connection: Connection) -> Config:
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.set_main_option("file_template", "%%(rev)s")
    made.attributes["connection"] = connection
    return made


if __name__ == "__main__":
    config.folder("")
    if sys.argv[1:2] == ["draft"]:
        draft(sys.argv[2])
    else:
        upgrade()
