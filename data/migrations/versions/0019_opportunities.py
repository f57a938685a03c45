"""What could be automated, night by night."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0019_opportunities"
down_revision = "0018_use_cases"


def upgrade() -> None:
    op.create_table(
        "opportunity_round", sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False),
        sa.Column("by_person_id", sa.String()), sa.Column("whose", sa.String(), nullable=False), sa.Column("told", JSON, nullable=False),
        sa.Column("evidence", JSON, nullable=False), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    for column in ("at", "whose"):
        op.create_index(f"ix_opportunity_round_{column}", "opportunity_round", [column])
