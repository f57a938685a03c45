"""Judging: the rubric, what can be taken back, who was asked, views that are kept, disputes, gold answers."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from data.migrations.immutable import keep_columns, make_immutable

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
FLAGGED = ("conversation_id", "seq", "customer_id", "messages", "subject_line", "kind", "why", "by_person_id")

revision = "0005_judging"
down_revision = "0004_review"


def upgrade() -> None:
    _table("act", _of("person"), _text("sentence"), _json("made"), sa.Column("undone_at", TIME), indexed=("person_id",))
    once = sa.UniqueConstraint("conversation_id", "person_id")
    _table("assignment", _of("conversation"), _of("person"), once, indexed=("conversation_id", "person_id"))
    _table("view", _text("name"), _json("query"), _text("order"), _perhaps("team"), sa.Column("forgotten_at", TIME), indexed=("team_id",))
    _table("dispute", _of("conversation"), _text("verdict"), _perhaps("label"), _text("reason"), _json("review_ids"),
           sa.Column("guideline_label_id", sa.String(), sa.ForeignKey("label.id")), indexed=("conversation_id",))  # fmt: skip
    once = sa.UniqueConstraint("example_id", "person_id")
    _table("gold_answer", _of("example"), _of("person"), _text("verdict"), _perhaps("label"), sa.Column("seconds", sa.Float()), once,
           indexed=("example_id", "person_id"))  # fmt: skip
    _columns()
    for table in ("dispute", "gold_answer"):
        make_immutable(table)


def _columns() -> None:
    op.add_column("review", sa.Column("rubric", JSON))
    op.add_column("review", sa.Column("withdrawn", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("review", sa.Column("settled_by_dispute_id", sa.String()))
    op.add_column("example", sa.Column("grader", sa.String(), nullable=False, server_default=""))
    op.add_column("example", sa.Column("expected", JSON))
    op.add_column("example", sa.Column("redaction", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("person", sa.Column("desk_names", JSON, nullable=False, server_default=sa.text("'[]'")))
    op.add_column("person", sa.Column("quiet_keys", sa.Boolean(), nullable=False, server_default=sa.false()))
    keep_columns("example", FLAGGED)


def _of(noun: str) -> Any:
    return sa.Column(f"{noun}_id", sa.String(), sa.ForeignKey(f"{noun}.id"), nullable=False)


def _perhaps(noun: str) -> Any:
    return sa.Column(f"{noun}_id", sa.String(), sa.ForeignKey(f"{noun}.id"))


def _text(name: str) -> Any:
    return sa.Column(name, sa.String(), nullable=False)


def _json(name: str) -> Any:
    return sa.Column(name, JSON, nullable=False)


def _table(name: str, *parts: Any, indexed: tuple[str, ...]) -> None:
    columns = (sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False), sa.Column("by_person_id", sa.String()))
    op.create_table(name, *columns, *parts, sa.PrimaryKeyConstraint("id"))
    for column in ("at", *indexed):
        op.create_index(f"ix_{name}_{column}", name, [column])
