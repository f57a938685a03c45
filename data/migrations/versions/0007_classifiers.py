"""Classifiers: patterns that nothing covers, labels and examples that come of them, releases that go in steps."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
UNDER_WAY = sa.text("stage IN ('shadow', 'percent')")

revision = "0007_classifiers"
down_revision = "0006_evals"


def upgrade() -> None:
    op.add_column("label", sa.Column("draft", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("example", sa.Column("found", sa.String(), nullable=False, server_default=""))
    op.add_column("release", sa.Column("salt", sa.String(), nullable=False, server_default=""))
    op.add_column("release", sa.Column("by_itself", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "one_release_under_way", "release", ["target_kind", "target_name"], unique=True,
        sqlite_where=UNDER_WAY, postgresql_where=UNDER_WAY,
    )  # fmt: skip
    _patterns()


def _patterns() -> None:
    texts = [sa.Column(name, sa.String(), nullable=False) for name in ("kind", "name", "sentence", "state", "why")]
    told = [sa.Column(name, JSON, nullable=False) for name in ("phrases", "conversation_ids", "signature", "growth")]
    numbers = [sa.Column(name, sa.Integer(), nullable=False) for name in ("size", "customers")]
    times = [sa.Column(name, TIME, nullable=False) for name in ("first_at", "last_at", "seen_at")]
    columns: list[Any] = [
        sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False), sa.Column("by_person_id", sa.String()),
    ]  # fmt: skip
    label = sa.Column("label_id", sa.String(), sa.ForeignKey("label.id"))
    op.create_table("pattern", *columns, *texts, *told, *numbers, *times, label, sa.PrimaryKeyConstraint("id"))
    for column in ("at", "state"):
        op.create_index(f"ix_pattern_{column}", "pattern", [column])
