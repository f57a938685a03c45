"""Classifiers beside the one for intents, of three kinds; and what a job found out about a version."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from data.migrations.immutable import make_immutable

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0008_several_classifiers"
down_revision = "0007_classifiers"


def upgrade() -> None:
    _table(
        "classifier", *(sa.Column(name, sa.String(), nullable=False) for name in ("name", "kind", "asks")), sa.Column("retired_at", TIME),
        sa.UniqueConstraint("name"),
    )  # fmt: skip
    _table(
        "study", sa.Column("version_id", sa.String(), sa.ForeignKey("version.id"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False), sa.Column("told", JSON, nullable=False),
    )  # fmt: skip
    op.create_index("ix_study_version_id", "study", ["version_id"])
    make_immutable("study")
    op.add_column("prediction", sa.Column("also", JSON, nullable=False, server_default="[]"))
    op.add_column("prediction", sa.Column("ms", sa.Float()))
    op.add_column("eval_set", sa.Column("about", sa.String(), nullable=False, server_default="intent"))


def _table(name: str, *columns: sa.schema.SchemaItem) -> None:
    usual = [sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False), sa.Column("by_person_id", sa.String())]
    op.create_table(name, *usual, *columns, sa.PrimaryKeyConstraint("id"))
    op.create_index(f"ix_{name}_at", name, ["at"])
