"""Review: who has what in hand, what was begun, what was put aside, and why somebody should look."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0004_review"
down_revision = "0003_intake"


def upgrade() -> None:
    _of_a_person("claim", sa.Column("lapses_at", TIME, nullable=False))
    _of_a_person("draft", sa.Column("said", JSON, nullable=False))
    _of_a_person("skip", sa.Column("reason", sa.String(), nullable=False))
    _table("queue_reason", _of("conversation"), _text("kind"), _text("source"), sa.Column("weight", sa.Float(), nullable=False),
           _text("sentence"), sa.UniqueConstraint("conversation_id", "kind", "source"), indexed=("conversation_id",))  # fmt: skip


def _of_a_person(name: str, *columns: Any) -> None:
    """One row a person and conversation."""
    unique = sa.UniqueConstraint("conversation_id", "person_id")
    _table(name, _of("conversation"), _of("person"), *columns, unique, indexed=("conversation_id", "person_id"))


def _of(noun: str) -> Any:
    return sa.Column(f"{noun}_id", sa.String(), sa.ForeignKey(f"{noun}.id"), nullable=False)


def _text(name: str) -> Any:
    return sa.Column(name, sa.String(), nullable=False)


def _table(name: str, *parts: Any, indexed: tuple[str, ...]) -> None:
    columns = (sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False), sa.Column("by_person_id", sa.String()))
    op.create_table(name, *columns, *parts, sa.PrimaryKeyConstraint("id"))
    for column in ("at", *indexed):
        op.create_index(f"ix_{name}_{column}", name, [column])
