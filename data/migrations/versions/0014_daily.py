"""What each day held, and triggers that notice which days must be counted anew."""

import sqlalchemy as sa
from alembic import op

revision = "0014_daily"
down_revision = "0013_positions"

KEYS = ("team_id", "channel", "intent_id", "segment", "language", "version")
# of a conversation: where it counts, and for whom else it may count differently; what it says
MOVES = ("opened_at", "customer_id", "hidden_at")
SAYS = (
    "team_id", "channel", "intent_id", "language", "closed_at", "status", "resolved", "csat", "handle_seconds",
    "revision",  # messages and everything else that is sent along change with it
)  # fmt: skip
OF_IT = "SELECT opened_at, '' FROM conversation WHERE id = {row}.conversation_id"
OF_TRACE = "SELECT coalesce((SELECT opened_at FROM conversation WHERE id = {row}.conversation_id), {row}.at), ''"
OF_SCORE = """SELECT opened_at, '' FROM conversation WHERE id = coalesce({row}.conversation_id,
    (SELECT conversation_id FROM message WHERE id = {row}.message_id), (SELECT conversation_id FROM trace WHERE id = {row}.trace_id),
    (SELECT conversation_id FROM prediction WHERE id = {row}.prediction_id))"""
OF_SPAN = """SELECT coalesce(conversation.opened_at, trace.at), '' FROM trace LEFT JOIN conversation
    ON conversation.id = trace.conversation_id WHERE trace.id = {row}.trace_id AND trace.mode = 'live'"""
OF_CUSTOMER = "SELECT opened_at, '' FROM conversation WHERE customer_id = {row}.id"
EVERY_DAY = "VALUES ('1900-01-01 00:00:00.000000', '')"  # a moment before all others
LIVE = "{row}.mode = 'live'"
COUNTED = "{row}.mode IN ('live', 'run')"  # what models cost is counted wherever a conversation was worked on
# table -> what a change of it makes due, and which rows count
WATCHED = {
    "prediction": (OF_IT, LIVE), "review": (OF_IT, ""), "score": (OF_SCORE, LIVE), "trace": (OF_TRACE, COUNTED), "span": (OF_SPAN, ""),
    "action": (OF_TRACE, ""), "signal": (OF_IT, "{row}.kind = 'reopened'"),
}  # fmt: skip
KEPT = ("prediction", "review", "score", "span", "signal")  # insert only


def upgrade() -> None:
    number = [sa.Column(name, sa.Float(), nullable=False) for name in ("weight", "weight_sq", "sum", "sum_sq")]
    op.create_table(
        "daily", sa.Column("day", sa.Integer(), nullable=False, autoincrement=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("cut", "measure")),
        *(sa.Column(name, sa.String(), nullable=False) for name in KEYS), sa.Column("n", sa.Integer(), nullable=False), *number,
        sa.Column("sketch", sa.LargeBinary()), sa.PrimaryKeyConstraint("day", "cut", "measure", *KEYS), sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "due", sa.Column("moment", sa.DateTime(timezone=True), nullable=False), sa.Column("customer_id", sa.String(), nullable=False)
    )
    op.create_index("ix_score_conversation_id", "score", ["conversation_id"])
    _notice("conversation", "in", "INSERT", [_whole("NEW")])
    _notice("conversation", "out", "DELETE", [_whole("OLD")])
    _notice("conversation", "moved", _update_of(MOVES), [_whole("OLD"), _whole("NEW")], _changed(MOVES))
    _notice("conversation", "said", _update_of(SAYS), ["VALUES (NEW.opened_at, '')"], _changed(SAYS))
    for table, (told, counts) in WATCHED.items():
        _notice(table, "in", "INSERT", [told.format(row="NEW")], counts.format(row="NEW"))
        if table not in KEPT:
            _notice(table, "new", "UPDATE", [told.format(row="NEW")], counts.format(row="NEW"))
    _notice("customer", "new", _update_of(("segment",)), [OF_CUSTOMER.format(row="NEW")], _changed(("segment",)))
    _notice("label", "new", _update_of(("merged_into",)), [EVERY_DAY], _changed(("merged_into",)))


def _whole(row: str) -> str:
    return f"VALUES ({row}.opened_at, {row}.customer_id)"


def _update_of(columns: tuple[str, ...]) -> str:
    return f"UPDATE OF {', '.join(columns)}"


def _changed(columns: tuple[str, ...]) -> str:
    differs = "IS NOT" if _is_sqlite() else "IS DISTINCT FROM"
    return " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in columns)


def _notice(table: str, name: str, event: str, told: list[str], when: str = "") -> None:
    """After such a change write down what is due."""
    acts = " ".join(f"INSERT INTO due (moment, customer_id) {one};" for one in told)
    condition, trigger = (f"WHEN ({when}) " if when else ""), f"due_{table}_{name}"
    if _is_sqlite():
        op.execute(f"CREATE TRIGGER {trigger} AFTER {event} ON {table} {condition}BEGIN {acts} END")
        return
    acts = acts.replace(EVERY_DAY, "VALUES (timestamptz '1900-01-01 00:00:00+00', '')")
    op.execute(f"CREATE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {acts} RETURN NULL; END $$")
    op.execute(f"CREATE TRIGGER {trigger} AFTER {event} ON {table} FOR EACH ROW {condition}EXECUTE FUNCTION {trigger}()")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
