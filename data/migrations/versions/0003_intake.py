"""Intake: a place for each conversation in every list, words to find it by, revisions, signals, vectors, traces, signed requests."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from data.migrations.immutable import make_immutable
from data.migrations.search import make_index
from language import words

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
STEP = 500

revision = "0003_intake"
down_revision = "0002_trust"


def upgrade() -> None:
    _conversations()
    _words()
    for name, kind in (("external_id", sa.String()), ("extra", JSON), ("gone_at", TIME)):
        op.add_column("message", sa.Column(name, kind, nullable=True))
    _table("revision", _conversation(), _number("number"), _json("was"), sa.UniqueConstraint("conversation_id", "number"))
    _table("signal", _conversation(), "kind", "value", "source", "key", sa.UniqueConstraint("key"), indexed=("conversation_id",))
    _table("signed_request", "signature_sha", sa.UniqueConstraint("signature_sha"))
    _table("vector", "text_sha", "encoder", sa.Column("vector", sa.LargeBinary(), nullable=False),
           sa.UniqueConstraint("text_sha", "encoder"))  # fmt: skip
    _traces()
    for table in ("revision", "signal", "span"):
        make_immutable(table)
    for name in ("mapping", "position"):
        op.add_column("import_batch", sa.Column(name, JSON, nullable=False, server_default="{}"))
    for name in ("upload", "problem"):
        op.add_column("import_batch", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.add_column("import_batch", sa.Column("pulled_at", TIME, nullable=True))


def _conversations() -> None:
    """Each gets its line in every list, and what lists ask of it."""
    for column in (
        sa.Column("place", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("certainty", sa.Float(), nullable=True),
        sa.Column("reviewed", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("conversation", column)
    op.execute("ALTER TABLE conversation ADD COLUMN intent_id VARCHAR REFERENCES label(id)")  # Alembic itself cannot on SQLite
    db = op.get_bind()
    table = sa.table("conversation", sa.column("id"), sa.column("opened_at", TIME), sa.column("place"))
    taken: set[int] = set()
    found = db.execute(sa.select(table.c.id, table.c.opened_at).order_by(table.c.opened_at, table.c.id)).all()
    for start in range(0, len(found), STEP):
        rows = []
        for made, opened in found[start : start + STEP]:
            place = int(opened.timestamp()) << 24
            while place in taken:
                place += 1
            taken.add(place)
            rows.append({"made": made, "place": place})
        db.execute(sa.update(table).where(table.c.id == sa.bindparam("made")).values(place=sa.bindparam("place")), rows)
    op.execute("UPDATE conversation SET reviewed = true WHERE id IN (SELECT conversation_id FROM review)")
    first = (
        "(SELECT {} FROM prediction WHERE prediction.conversation_id = conversation.id AND mode = 'live' AND target_name = 'intent' "
        "ORDER BY prediction.at, prediction.id LIMIT 1)"
    )
    last = "(SELECT label_id FROM review WHERE review.conversation_id = conversation.id ORDER BY review.at DESC, review.id DESC LIMIT 1)"
    op.execute(
        f"UPDATE conversation SET certainty = {first.format('confidence')}, "
        f"intent_id = CASE WHEN reviewed THEN {last} ELSE {first.format('label_id').replace('ORDER', 'AND label_id IS NOT NULL ORDER')} END"
    )
    op.drop_index("conversation_newest", "conversation")
    op.create_index("conversation_place", "conversation", ["place"], unique=True)
    op.create_index("conversation_of_team", "conversation", ["team_id", "place"])
    op.create_index("conversation_intent", "conversation", ["intent_id", "place"])
    op.create_index("conversation_waiting", "conversation", ["reviewed", "place"])


def _words() -> None:
    op.create_table(
        "conversation_words",
        sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("conversation_id", sa.String(), sa.ForeignKey("conversation.id"), nullable=False, unique=True),
        sa.Column("words", sa.String(), nullable=False),
    )
    make_index()
    db = op.get_bind()
    query = sa.text(
        "SELECT c.place, c.id, c.subject, c.tags, c.assignee, m.role, m.author, m.text FROM conversation c "
        "JOIN message m ON m.conversation_id = c.id ORDER BY c.place, m.seq"
    ).columns(tags=JSON)
    table = sa.table("conversation_words", sa.column("place"), sa.column("conversation_id"), sa.column("words"))
    waiting: list[dict[str, Any]] = []
    for row in _documents(db.execute(query)):
        waiting.append(row)
        if len(waiting) >= STEP:
            db.execute(sa.insert(table), waiting)
            waiting.clear()
    if waiting:
        db.execute(sa.insert(table), waiting)


def _documents(rows: Any) -> Iterator[dict[str, Any]]:
    for (place, made, subject), spoken in groupby(rows, key=lambda row: (row.place, row.id, row.subject)):
        messages = list(spoken)
        people = {message.author for message in messages if message.role == "rep" and message.author} | {messages[0].assignee or ""}
        yield {
            "place": place,
            "conversation_id": made,
            "words": words.document(subject, [message.text for message in messages], people - {""}, messages[0].tags),
        }


def _traces() -> None:
    _table("trace", "target_kind", "target_name", _number("target_number"), "mode",
           sa.Column("conversation_id", sa.String(), sa.ForeignKey("conversation.id"), nullable=True),
           sa.Column("seq", sa.Integer(), nullable=True), "state", sa.Column("state_json", JSON, nullable=True),
           sa.Column("proposal_id", sa.String(), sa.ForeignKey("proposal.id"), nullable=True), _number("tokens"), _float("cost"),
           indexed=("conversation_id",))  # fmt: skip
    _table("span", sa.Column("trace_id", sa.String(), sa.ForeignKey("trace.id"), nullable=False),
           sa.Column("parent_id", sa.String(), nullable=True), _number("seq"), "kind", "name", _json("input"),
           sa.Column("output", JSON, nullable=True), _float("ms"), _number("tokens"), _float("cost"), "error",
           indexed=("trace_id",))  # fmt: skip


def _table(name: str, *parts: Any, indexed: tuple[str, ...] = ()) -> None:
    """A table with what every row has, and its own columns; a bare name is a text."""
    columns = [sa.Column(part, sa.String(), nullable=False) if isinstance(part, str) else part for part in parts]
    op.create_table(
        name,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("by_person_id", sa.String(), nullable=True),
        *columns,
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("at", *indexed):
        op.create_index(op.f(f"ix_{name}_{column}"), name, [column], unique=False)


def _conversation() -> sa.Column[Any]:
    return sa.Column("conversation_id", sa.String(), sa.ForeignKey("conversation.id"), nullable=False)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, JSON, nullable=False)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _float(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Float(), nullable=False)
