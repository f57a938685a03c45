"""Monitors, their changes, the alerts that they raised, and those on their way to somebody."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from data.migrations.immutable import make_immutable

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
INDEXED = {
    "monitor": ("at", "owner_id"), "monitor_change": ("at",), "alert": ("at", "monitor_id", "release_id"), "delivery": ("at", "state"),
}  # fmt: skip

revision = "0015_monitors"
down_revision = "0014_daily"


def upgrade() -> None:
    op.create_table(
        "monitor", *_row(), _text("name"), _number("number"), _to("owner", "person"), _to("team", "team", nullable=True),
        sa.Column("retired_at", TIME), sa.Column("snoozed_until", TIME), _text("snoozed_why"),
        sa.Column("quiet", sa.Boolean(), nullable=False), sa.Column("since", sa.Date()), sa.Column("looked_on", sa.Date()),
        _text("state"), _text("said"), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_table(
        "monitor_change", *_row(), _to("monitor", "monitor"), _number("number"), _text("why"),
        sa.Column("definition", JSON, nullable=False),
        sa.UniqueConstraint("monitor_id", "number"), sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_table(
        "alert", *_row(), _to("monitor", "monitor"), _number("monitor_number"), sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False), sa.Column("numbers", JSON, nullable=False), _text("sentence"), _text("state"),
        sa.Column("seen_at", TIME), _to("seen_by", "person", nullable=True), _text("note"), sa.Column("ended_at", TIME),
        _text("ended_why"), _to("release", "release", nullable=True), _to("task", "task", nullable=True), _text("acted"),
        sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_table(
        "delivery", *_row(), _to("alert", "alert"), _text("event"), _text("receiver"), _text("state"), _number("tries"),
        sa.Column("not_before", TIME), _text("why"), sa.Column("sent_at", TIME), sa.UniqueConstraint("alert_id", "event", "receiver"),
        sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    for table, columns in INDEXED.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])
    is_open = sa.text("state = 'open'")
    op.create_index("one_open_alert", "alert", ["monitor_id"], unique=True, sqlite_where=is_open, postgresql_where=is_open)
    make_immutable("monitor_change")


def _row() -> tuple[sa.Column[str], ...]:
    """What every row has."""
    return (
        sa.Column("id", sa.String(), nullable=False), sa.Column("at", TIME, nullable=False), sa.Column("by_person_id", sa.String()),
    )  # type: ignore[return-value]  # fmt: skip


def _to(name: str, table: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(f"{name}_id", sa.String(), sa.ForeignKey(f"{table}.id"), nullable=nullable)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)
