"""What recipes did on a conversation, and the reply that one drafted: taken, taken in other words, or refused by a person."""

from datetime import datetime

from sqlmodel import Session, col, select

from automations import RECIPE
from data import access, conversations, store, traces
from data.errors import Refused
from data.masking import masked
from data.tables import Person, Trace
from data.values import LIVE

OUTCOMES = ("accepted", "edited", "refused")


def of_conversation(conversation_id: str, *, by: Person) -> list[Trace]:
    """Runs that counted, the newest first, where the conversation is within reach."""
    access.require(by, "automation.read")
    if not conversations.reachable([conversation_id], by=by):
        return []
    query = select(Trace).where(Trace.conversation_id == conversation_id, Trace.target_kind == RECIPE, Trace.mode == LIVE)
    with store.reading() as db:
        return list(db.exec(query.order_by(col(Trace.id).desc())))


def reply_of(trace: Trace) -> str:
    """What it drafted; empty where it drafted nothing."""
    return str((trace.said or {}).get("reply", ""))


def waiting_for_a_word(traces_: list[Trace]) -> Trace | None:
    """The newest draft that nobody decided on."""
    return next((one for one in traces_ if reply_of(one) and not one.outcome), None)


def decide(trace_id: str, outcome: str, *, by: Person, better: str = "", at: datetime | None = None) -> Trace:
    """The last word counts. What was edited or refused says where the recipe fails."""
    access.require(by, "review.record")
    if outcome not in OUTCOMES:
        raise Refused("Nothing was kept: take the draft, take it in your words, or refuse it.")
    if outcome == "edited" and not better.strip():
        raise Refused("Nothing was kept: write the reply that you would send.")
    with store.writing() as db:
        trace = _draft(db, trace_id, by)
        return traces.decide(db, trace, outcome, better=masked(better.strip()) if outcome == "edited" else "", by=by, at=at)


def _draft(db: Session, trace_id: str, by: Person) -> Trace:
    trace = db.get(Trace, trace_id, populate_existing=True)
    if trace is None or trace.target_kind != RECIPE or trace.mode != LIVE or not trace.conversation_id:
        raise Refused("Nothing was kept: that draft is not here.")
    conversations.within_reach(db, trace.conversation_id, "review.record", by=by)
    if not reply_of(trace):
        raise Refused("Nothing was kept: this run drafted no reply.")
    return trace
