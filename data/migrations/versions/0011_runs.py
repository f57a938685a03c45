"""Runs of recipes: for whom a release is, what a run began with, and why one failed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0011_runs"
down_revision = "0010_actions"


def upgrade() -> None:
    op.add_column("release", sa.Column("audience", JSON))
    op.add_column("trace", sa.Column("inputs", JSON))
    for name in ("inputs_sha", "cause", "cause_why"):
        op.add_column("trace", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.add_column("trace", sa.Column("cause_by_id", sa.String()))
    op.add_column("trace", sa.Column("cause_at", TIME))
    op.create_index("ix_trace_of_cause", "trace", ["target_kind", "cause"])
