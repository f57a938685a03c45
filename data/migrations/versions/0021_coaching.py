"""Exercises, notes between two people, and what a gold example says was missing."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
INDEXED = {"exercise": ("at", "person_id"), "coaching_note": ("at", "person_id", "lead_id")}

revision = "0021_coaching"
down_revision = "0020_product_feedback"


def upgrade() -> None:
    op.create_table(
        "exercise", *_row(), _person("person_id"), *_words("kind", "why", "criterion"),
        sa.Column("example_ids", JSON, nullable=False), sa.Column("due_on", sa.Date()), sa.Column("taken_back_at", TIME),
        sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_table(
        "coaching_note", *_row(), _person("person_id"), _person("lead_id"), *_words("text", "criterion"),
        sa.Column("conversation_ids", JSON, nullable=False), sa.Column("taken_back_at", TIME), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    for table, columns in INDEXED.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])
    op.add_column("example", sa.Column("missing", sa.String(), nullable=False, server_default=""))
    op.add_column("gold_answer", sa.Column("missing", sa.String(), nullable=False, server_default=""))


def _row() -> tuple[sa.Column[str], ...]:
    """What every row has."""
    return (
        sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False), sa.Column("by_person_id", sa.String()),
    )  # type: ignore[return-value]  # fmt: skip


def _person(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), sa.ForeignKey("person.id"), nullable=False)


def _words(*names: str) -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.String(), nullable=False) for name in names)
