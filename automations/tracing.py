"""A run as it is kept: what it began with, and each step with what it was given, what it gave, and how long it took. All redacted.

What began it is frozen with a hash over it, together with what the outside said while it ran: from that replay.py does it again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from automations.running import FAILED, Span, Told
from automations.taping import ASK
from data import masking, traces
from data.sealing import sha
from data.tables import Span as SpanRow
from data.tables import Trace

KIND, STARTS = "step", "starts"  # the latter in what a step came to: ms of work since the run began
SHORTEST, LONGEST = 5, 200  # signs of what was looked up and is masked wherever the run says it again: names, addresses


def begin(db: Session, trace: Trace, began: Mapping[str, Any]) -> None:
    """Before its first step. A run that was cut off begins anew, with what is so then."""
    _put(db, trace, [redacted(began)])


def keep(db: Session, trace: Trace, told: Told, *, at: datetime | None = None) -> None:
    """The steps that the run did since it was last kept, behind those that stand there."""
    before, worked = _until_now(db, trace)
    kept = redacted({"spans": [_plain_span(one) for one in told.spans], "taped": told.taped}, looked_up=told.facts)
    steps = [_step(one, row, told.taped, worked) for one, row in zip(told.spans, kept["spans"], strict=True)]
    traces.add_steps(db, trace, steps, after=before, person_id=trace.by_person_id, at=at)
    if kept["taped"] and trace.inputs:
        _put(db, trace, [*stretches_of(trace), kept["taped"]])


def _until_now(db: Session, trace: Trace) -> tuple[int, float]:
    """How many steps stand there, and after how much work the last of them ended: how long it waited for people is none."""
    rows = db.exec(select(SpanRow.output, SpanRow.ms).where(col(SpanRow.trace_id) == trace.id)).all()
    return len(rows), max((begun + ms for output, ms in rows if (begun := (output or {}).get(STARTS)) is not None), default=0.0)


def stretches_of(trace: Trace) -> list[dict[str, Any]]:
    """Those that came to an end: to the run's, or to where it waited."""
    return [one for one in (trace.inputs or {}).get("stretches", []) if "heard" in one]


def _put(db: Session, trace: Trace, stretches: Sequence[Mapping[str, Any]]) -> None:
    trace.inputs = {"stretches": [dict(one) for one in stretches]}
    trace.inputs_sha = sha_of(trace.inputs)
    db.add(trace)
    db.flush()


def sha_of(inputs: Mapping[str, Any] | None) -> str:
    return sha(json.dumps(inputs, sort_keys=True, ensure_ascii=True))


def steps_of(spans: Sequence[Span]) -> list[traces.Step]:
    kept = redacted([_plain_span(one) for one in spans])
    return [_step(one, row, {}) for one, row in zip(spans, kept, strict=True)]


def _plain_span(one: Span) -> dict[str, Any]:
    return {"given": one.given, "gave": one.gave, "why": one.why}


def _step(one: Span, row: Mapping[str, Any], taped: Mapping[str, Any], worked: float = 0.0) -> traces.Step:
    tokens, cost = (one.tokens, one.cost) if one.kind != KIND else _used(taped, one.name) if one.gave or one.state == FAILED else (0, 0.0)
    told = {"state": one.state, "gave": row["gave"], "why": row["why"]}
    begun = {} if one.starts is None else {STARTS: round(worked + one.starts, 2)}
    given, why = {"step": one.step, "given": row["given"]}, row["why"] if one.state == FAILED else ""
    return traces.Step(one.kind, one.name, given, told | begun, one.ms, tokens, cost, why)


def _used(taped: Mapping[str, Any], act: str) -> tuple[int, float]:
    """Of models, by one act. The calls stand in traces of their own, where they count for the budget."""
    calls = [note["gave"] for note in taped.get("heard", ()) if note["of"] == ASK and note["act"] == act and "gave" in note]
    return sum(one["tokens_in"] + one["tokens_out"] for one in calls), sum(one["cost"] for one in calls)


# -- redacted -----------------------------------------------------------------------------------------------------------------------------


def redacted(value: Any, *, looked_up: Any = None) -> Any:
    """As JSON keeps it, without what tells who somebody is. What of `looked_up` is masked is so wherever it is said again, in any words:
    the run done again, which knows only what is kept, says the same."""
    plain, sources = _plain(value), set(_texts(_plain(looked_up)))
    texts = set(_texts(plain))
    masked = _masked(texts | sources)
    names = _names(sources, masked)
    again = {text: said for text in texts if (said := _with(text, names)) != text}
    masked |= dict(zip(again, _masked_in_order(list(again.values())), strict=True))
    return _mapped(plain, masked)


def _names(sources: set[str], masked: Mapping[str, str]) -> dict[str, str]:
    """What was masked by itself; a text that holds such a one was made of it, and is no source."""
    names: dict[str, str] = {}
    for raw in sorted(sources, key=lambda text: (len(text), text)):
        if SHORTEST <= len(raw) <= LONGEST and masked[raw] != raw and _with(raw, names) == raw:
            names[raw] = masked[raw]
    return names


def _with(text: str, names: Mapping[str, str]) -> str:
    for raw, told in names.items():
        if raw in text:
            text = text.replace(raw, told)
    return text


def _masked(texts: set[str]) -> dict[str, str]:
    ordered = sorted(texts)
    return dict(zip(ordered, _masked_in_order(ordered), strict=True))


def _masked_in_order(texts: list[str]) -> list[str]:
    """All at once: whose names may stay readable is looked up once."""
    return masking.everywhere(texts) if texts else []


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | frozenset):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _mapped(value: Any, masked: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return masked[value]
    if isinstance(value, Mapping):
        return {name: _mapped(inner, masked) for name, inner in value.items()}
    return [_mapped(inner, masked) for inner in value] if isinstance(value, list) else value
