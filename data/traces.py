"""What machines did and what it cost: a trace for each piece of work, a span for each step of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlmodel import Session, col, func, select

from data import access, config, store
from data.tables import Person, Span, Trace
from data.values import RUN, Subject, Target, now
from language.call import Call
from language.endpoint import Redaction

COUNTS_FOR = timedelta(minutes=30)  # what a call may use, when its process died before it could say what it did use


@dataclass(frozen=True)
class Spent:
    tokens: int
    money: float


def begin(
    db: Session, target: Target, *, by: Person, tokens: int, cost: float, subject: Subject | None = None, mode: str = RUN,
    at: datetime | None = None,
) -> Trace:  # fmt: skip
    """Work that starts, with the most that it may use. Until it is over that counts as spent."""
    trace = Trace(
        **target.columns(), mode=mode, conversation_id=subject.conversation_id if subject else None, seq=subject.seq if subject else None,
        tokens=tokens, cost=cost, at=at or now(), by_person_id=access.whose(by),
    )  # fmt: skip
    db.add(trace)
    db.flush()
    return trace


def record(db: Session, trace: Trace, call: Call, *, seq: int = 1, at: datetime | None = None) -> Span:
    """A call to a model as a step of the trace, which then is over. What went out is redacted already; what came back is here."""
    parsed = call.parsed.model_dump(mode="json") if isinstance(call.parsed, BaseModel) else call.parsed
    used = [{"name": tool.name, "arguments": tool.arguments} for tool in call.tools]
    span = Span(
        trace_id=trace.id, seq=seq, kind="model", name=f"{call.job}: {call.model}", input={"messages": list(call.messages)},
        output=Redaction().all({"text": call.text, "parsed": parsed, "tools": used}) if call.ok else None,
        ms=call.ms, tokens=call.tokens_in + call.tokens_out, cost=call.cost, error=call.why,
        at=at or now(), by_person_id=trace.by_person_id,
    )  # fmt: skip
    db.add(span)
    trace.state, trace.tokens, trace.cost = ("done" if call.ok else "failed"), span.tokens, span.cost
    db.add(trace)
    db.flush()
    return span


@dataclass(frozen=True)
class Step:
    """Something that was done without a model: what went in, what came out. Both redacted already."""

    kind: str  # retrieval, tool, guardrail; model where the call itself stands in a trace of its own, with what it used
    name: str
    input: dict[str, Any]
    output: dict[str, Any]
    ms: float = 0.0
    tokens: int = 0
    cost: float = 0.0
    error: str = ""  # why it failed


def answered(
    db: Session, target: Target, said: dict[str, Any], steps: Sequence[Step] = (), *, by: Person | None, mode: str = RUN,
    subject: Subject | None = None, at: datetime | None = None,
) -> Trace:  # fmt: skip
    """Something was answered, and how. What came of it is decided by a person later."""
    person_id = access.whose(by) if by else None
    trace = Trace(
        **target.columns(), mode=mode, conversation_id=subject.conversation_id if subject else None, seq=subject.seq if subject else None,
        state="done", said=said, at=at or now(), by_person_id=person_id,
    )  # fmt: skip
    db.add(trace)
    db.flush()
    add_steps(db, trace, steps, person_id=person_id, at=trace.at)
    return trace


def add_steps(
    db: Session, trace: Trace, steps: Sequence[Step], *, after: int = 0, person_id: str | None, at: datetime | None = None
) -> None:  # fmt: skip
    """In their order, behind the first `after`."""
    db.add_all(
        Span(
            trace_id=trace.id, seq=number, kind=step.kind, name=step.name, input=step.input, output=step.output, ms=step.ms,
            tokens=step.tokens, cost=step.cost, error=step.error, at=at or now(), by_person_id=person_id,
        )
        for number, step in enumerate(steps, start=after + 1)
    )  # fmt: skip


def decide(db: Session, trace: Trace, outcome: str, *, by: Person, better: str = "", at: datetime | None = None) -> Trace:
    """What a person made of what was said. Called by the owning domain, which checked the right."""
    trace.outcome, trace.better, trace.decided_at, trace.decided_by_id = outcome, better, at or now(), by.id
    db.add(trace)
    db.flush()
    return trace


def stop(db: Session, trace: Trace) -> None:
    """It ended without a step. What it may have used is unknown, so it is told as stopped and counts no longer."""
    trace.state, trace.tokens, trace.cost = "stopped", 0, 0.0
    db.add(trace)
    db.flush()


def wait(db: Session, trace: Trace, stand: dict[str, Any], *, proposal_id: str | None = None) -> None:
    """It ended for now, and how far it is stands beside it: somebody's yes, a customer's answer or the other side's lets it go on."""
    trace.state, trace.state_json, trace.proposal_id = "waiting", stand, proposal_id
    db.add(trace)
    db.flush()


def go_on(db: Session, trace: Trace) -> None:
    """What it waited for is there."""
    trace.state = "running"
    db.add(trace)
    db.flush()


def end(db: Session, trace: Trace, state: str, why: str = "") -> None:
    """It is over: done, failed, stopped, or a person has it from here. What it knew is of no use any more."""
    trace.state = state
    kept = {name: value for name, value in (trace.state_json or {}).items() if name != "facts"} | ({"why": why} if why else {})
    trace.state_json = kept or None
    db.add(trace)
    db.flush()


def say(db: Session, trace: Trace, more: dict[str, Any]) -> None:
    """What came of it so far: a drafted reply, a note for whoever goes on. Redacted already."""
    trace.said = {**(trace.said or {}), **more}
    db.add(trace)
    db.flush()


def any_of(target_kind: str) -> bool:
    with store.reading() as db:
        return db.exec(select(Trace.id).where(Trace.target_kind == target_kind).limit(1)).first() is not None


def today(at: datetime | None = None) -> datetime:
    """When the day began where the portal stands."""
    return (at or now()).astimezone(ZoneInfo(config.settings().time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)


def spent_today() -> Spent:
    """By everybody, for those who look after it."""
    with store.reading() as db:
        return spent(db, since=today())


def spent(db: Session, *, since: datetime, person_id: str | None = None, at: datetime | None = None) -> Spent:
    """What models used since then, by everybody or by one person; what is under way counts with the most it may use."""
    step = select(func.coalesce(func.sum(Span.tokens), 0), func.coalesce(func.sum(Span.cost), 0.0)).where(
        Span.kind == "model", col(Span.at) >= since
    )
    running = select(func.coalesce(func.sum(Trace.tokens), 0), func.coalesce(func.sum(Trace.cost), 0.0)).where(
        Trace.state == "running", col(Trace.at) >= max(since, (at or now()) - COUNTS_FOR)
    )
    if person_id is not None:
        step, running = step.where(Span.by_person_id == person_id), running.where(Trace.by_person_id == person_id)
    (tokens, money), (more_tokens, more_money) = db.exec(step).one(), db.exec(running).one()
    return Spent(int(tokens) + int(more_tokens), float(money) + float(more_money))
