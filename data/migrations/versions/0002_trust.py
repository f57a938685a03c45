"""Tokens, tickets, deputies, settings, inbox, comments and runners; tries are kept, and tasks know why they failed."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from data.migrations.immutable import make_immutable

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0002_trust"
down_revision = "0001_skeleton"


def upgrade() -> None:
    _table("token", "name", "token_sha", _json("scopes"), _time("expires_at"), _maybe("used_at"), _maybe("revoked_at"),
           _person("person_id"), _proposal(), unique=("token_sha",), indexed=("person_id",))  # fmt: skip
    _table("ticket", "purpose", "ticket_sha", _json("names"), _time("expires_at"), _maybe("used_at"), _person("person_id"),
           unique=("ticket_sha",), indexed=("person_id",))  # fmt: skip
    differ = sa.CheckConstraint("deputy_id <> person_id", name="deputy_is_another_person")
    _table("deputy", _person("person_id"), _person("deputy_id"), _time("starts_at"), _time("ends_at"), differ,
           indexed=("person_id", "deputy_id"))  # fmt: skip
    _table("tries", "key_hmac", _number("count"), sa.Column("free_at", sa.Float(), nullable=False), unique=("key_hmac",))
    _table("inbox_item", "kind", "sentence", "page", "key", _maybe("read_at"), _maybe("mailed_at"), _person("person_id"),
           unique=("key",), indexed=("person_id",))  # fmt: skip
    _table("comment", "noun", "noun_id", "text", "asks", _json("mentions"), _maybe("answered_at"), indexed=("noun", "noun_id"))
    _table("runner", "name", "machine", _number("beats"), _maybe("ended_at"), indexed=("name",))
    _table("setting", "name", _number("number"), _json("value"), _proposal(),
           sa.UniqueConstraint("name", "number"))  # fmt: skip
    make_immutable("setting")
    op.add_column("person", sa.Column("issuer", sa.String(), nullable=True))
    op.add_column("person", sa.Column("subject", sa.String(), nullable=True))
    op.add_column("person", sa.Column("let_in_by", sa.String(), nullable=True))
    op.create_index("ix_person_issuer_subject", "person", ["issuer", "subject"], unique=True)
    op.add_column("proposal", sa.Column("self_approved", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("proposal", _maybe("decided_at"))
    op.add_column("sign_in", _maybe("seen_at"))
    op.add_column("sign_in", sa.Column("browser", sa.String(), nullable=False, server_default=""))
    op.add_column("sign_in", sa.Column("how", sa.String(), nullable=False, server_default="password"))
    for name in ("faults", "deaths", "deaths_alone"):
        op.add_column("task", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("task", sa.Column("not_before", sa.Float(), nullable=False, server_default="0"))
    op.add_column("task", sa.Column("cancel_asked", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("dataset_version", sa.Column("file_key", sa.String(), nullable=False, server_default=""))
    op.drop_column("task", "beat_at")


def _table(name: str, *parts: Any, unique: tuple[str, ...] = (), indexed: tuple[str, ...] = ()) -> None:
    """A table with what every row has, and its own columns; a bare name is a text."""
    columns = [sa.Column(part, sa.String(), nullable=False) if isinstance(part, str) else part for part in parts]
    op.create_table(
        name,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("by_person_id", sa.String(), nullable=True),
        *columns,
        sa.PrimaryKeyConstraint("id"),
        *(sa.UniqueConstraint(column) for column in unique),
    )
    for column in ("at", *indexed):
        op.create_index(op.f(f"ix_{name}_{column}"), name, [column], unique=False)


def _time(name: str) -> sa.Column[Any]:
    return sa.Column(name, TIME, nullable=False)


def _maybe(name: str) -> sa.Column[Any]:
    return sa.Column(name, TIME, nullable=True)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, JSON, nullable=False)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _person(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), sa.ForeignKey("person.id"), nullable=False)


def _proposal() -> sa.Column[Any]:
    return sa.Column("proposal_id", sa.String(), nullable=True)
