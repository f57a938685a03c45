"""Product feedback, its steps, and what was sent of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from data.migrations.immutable import make_immutable

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
INDEXED = {
    "product_feedback": ("at", "team_id"), "product_feedback_step": ("at", "feedback_id"),
    "product_feedback_sent": ("at", "feedback_id", "state"),
}  # fmt: skip

revision = "0020_product_feedback"
down_revision = "0019_opportunities"


def upgrade() -> None:
    op.create_table(
        "product_feedback", *_row(), *_words("title", "text", "wish", "words", "product_team", "state"),
        sa.Column("label_id", sa.String(), sa.ForeignKey("label.id")), sa.Column("pattern_id", sa.String(), sa.ForeignKey("pattern.id")),
        sa.Column("sample_ids", JSON, nullable=False), sa.Column("team_id", sa.String(), sa.ForeignKey("team.id")),
        sa.Column("changed_on", sa.Date()), sa.Column("taken_back_at", TIME), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_table(
        "product_feedback_step", *_row(), _its_own(), *_words("state", "sentence", "product_team"),
        sa.Column("day", sa.Date(), nullable=False), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_table(
        "product_feedback_sent", *_row(), _its_own(), *_words("receiver", "state", "why"), sa.Column("document", JSON, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False), sa.Column("not_before", TIME), sa.Column("sent_at", TIME),
        sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    for table, columns in INDEXED.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])
    make_immutable("product_feedback_step")


def _row() -> tuple[sa.Column[str], ...]:
    """What every row has."""
    return (
        sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False), sa.Column("by_person_id", sa.String()),
    )  # type: ignore[return-value]  # fmt: skip


def _its_own() -> sa.Column[str]:
    return sa.Column("feedback_id", sa.String(), sa.ForeignKey("product_feedback.id"), nullable=False)


def _words(*names: str) -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.String(), nullable=False) for name in names)
