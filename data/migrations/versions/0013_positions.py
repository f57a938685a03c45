"""How far traces are that leave for a collector."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0013_positions"
down_revision = "0012_widget"


def upgrade() -> None:
    op.create_table(
        "position", sa.Column("id", sa.String(), nullable=False), sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_person_id", sa.String()), sa.Column("name", sa.String(), nullable=False), sa.Column("value", JSON, nullable=False),
        sa.UniqueConstraint("name"), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_index("ix_position_at", "position", ["at"])
