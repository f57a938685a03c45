"""Traces as OpenTelemetry has them: OTLP in JSON, names by its conventions for generative AI (1.41, in development there).

Without contents there are names, times, tokens, costs and states, and nothing that a customer or an article said. With contents there are
the redacted ones, masked once more on their way out. Only the sum of a call's tokens is kept, so it is told under a name of its own.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from automations import tracing
from data.collector import Ended
from data.tables import Span, Trace

SCHEMA = "https://opentelemetry.io/schemas/1.41.0"
INTERNAL, CLIENT = 1, 3  # kinds of spans
FAILED = 2  # a status
LONGEST = 8_000  # characters of one content
PLANNER = "embedded planner"
Attributes = dict[str, Any]


def body(runs: Sequence[Ended], *, contents: bool) -> dict[str, Any]:
    """An ExportTraceServiceRequest."""
    told = _contents(runs) if contents else {}
    spans = [span for one in runs for span in _run(one, told)]
    scope = {"scope": {"name": "portal"}, "spans": spans, "schemaUrl": SCHEMA}
    return {
        "resourceSpans": [{"resource": {"attributes": _listed({"service.name": "portal"})}, "scopeSpans": [scope], "schemaUrl": SCHEMA}]
    }


def _run(one: Ended, told: dict[str, Attributes]) -> Iterator[dict[str, Any]]:
    times = _times(one.spans)
    began = min([one.trace.at, *(start for start, _ in times)])
    ended = max([one.trace.at, *(end for _, end in times)])
    root = _root(one.trace)
    yield _span(one.trace.id, one.trace.id, "", root[0], INTERNAL, (began, ended), root[1], one.trace.state in ("failed", "stopped"))
    for step, time in zip(one.spans, times, strict=True):
        name, kind, attributes = _step(step)
        above = step.parent_id or one.trace.id
        yield _span(one.trace.id, step.id, above, name, kind, time, attributes | told.get(step.id, {}), bool(step.error))


def _times(spans: Sequence[Span]) -> list[tuple[datetime, datetime]]:
    """One after the other, up to when they were written down: steps that were written together came before that."""
    found: list[tuple[datetime, datetime]] = []
    place = 0
    while place < len(spans):
        together = spans[place : place + _alike(spans, place)]
        start = together[0].at - timedelta(milliseconds=sum(one.ms for one in together))
        start = max(start, found[-1][1]) if found else start
        for one in together:
            end = start + timedelta(milliseconds=one.ms)
            found.append((start, end))
            start = end
        place += len(together)
    return found


def _alike(spans: Sequence[Span], place: int) -> int:
    """How many behind each other were written down at one moment."""
    return next((count for count, one in enumerate(spans[place:]) if one.at != spans[place].at), len(spans) - place)


# -- names --------------------------------------------------------------------------------------------------------------------------------


def _root(trace: Trace) -> tuple[str, Attributes]:
    agent = trace.target_kind == "answerer"
    operation, named = ("invoke_agent", "gen_ai.agent.name") if agent else ("invoke_workflow", "gen_ai.workflow.name")
    name = f"{trace.target_kind} {trace.target_name}".strip()
    return f"{operation} {name}", {
        "gen_ai.operation.name": operation, named: name, "portal.version": trace.target_number, "portal.mode": trace.mode,
        "portal.state": trace.state, "portal.usage.tokens": trace.tokens, "portal.usage.cost": float(trace.cost),
    }  # fmt: skip


def _step(one: Span) -> tuple[str, int, Attributes]:
    step = str(one.input.get("step") or "")
    state = (one.output or {}).get("state")
    attributes: Attributes = {"portal.kind": one.kind, "portal.step": one.name} | (
        {"portal.state": state} if isinstance(state, str) else {}
    )
    if one.error:
        attributes["error.type"] = "_OTHER"
    match one.kind:
        case "model":
            return _model(one, step, attributes)
        case "tool" | "step":
            named = step or one.name
            return f"execute_tool {named}", INTERNAL, attributes | {
                "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": named, "gen_ai.tool.type": "function",
                "gen_ai.tool.call.id": one.id,
            }  # fmt: skip
        case "handoff":
            return (
                f"invoke_agent {one.name}",
                INTERNAL,
                attributes | {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": one.name},
            )
        case "retrieval":
            return f"retrieval {one.name}", INTERNAL, attributes | {"gen_ai.operation.name": "retrieval", "gen_ai.data_source.id": one.name}
    return f"{one.kind} {one.name}", INTERNAL, attributes


def _model(one: Span, step: str, attributes: Attributes) -> tuple[str, int, Attributes]:
    """A call of a job is written 'job: model'; an agent's turn has the model behind its own name."""
    job, _, named = one.name.partition(": ")
    model = step or named or one.name
    planned = model == PLANNER
    told = attributes | {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": model, "gen_ai.provider.name": "portal" if planned else "openai",
        "portal.usage.tokens": one.tokens, "portal.usage.cost": float(one.cost),
    }  # fmt: skip
    if step:
        told["gen_ai.agent.name"] = one.name
    elif named:
        told["portal.job"] = job
    return f"chat {model}", INTERNAL if planned else CLIENT, told


# -- contents -----------------------------------------------------------------------------------------------------------------------------


def _contents(runs: Sequence[Ended]) -> dict[str, Attributes]:
    """By the span's id, masked once more: whoever wrote it down may have forgotten to."""
    spans = [span for one in runs for span in one.spans]
    masked = tracing.redacted([[span.input, span.output, span.error] for span in spans])
    return {span.id: dict(_told(span, *told)) for span, told in zip(spans, masked, strict=True)}


def _told(span: Span, given: Any, gave: Any, error: str) -> Iterator[tuple[str, Any]]:
    match span.kind:
        case "model":
            names = ("gen_ai.input.messages", "gen_ai.output.messages")
            given, gave = _messages(given.get("messages", given)), _answer(gave)
        case "tool" | "step":
            names = ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result")
        case _:
            names = ("portal.input", "portal.output")
    yield from ((name, _short(value)) for name, value in zip(names, (given, gave), strict=True) if value)
    if error:
        yield "error.message", error[:LONGEST]


def _messages(told: Any) -> Any:
    if not isinstance(told, list):
        return told
    return [
        {"role": str(one.get("role", "")), "parts": [{"type": "text", "content": one.get("content")}]}
        for one in told
        if isinstance(one, dict)
    ]


def _answer(gave: Any) -> Any:
    if not isinstance(gave, dict):
        return gave
    parts: list[dict[str, Any]] = [{"type": "text", "content": gave["text"]}] if gave.get("text") else []
    tools = gave.get("tools")
    called = tools if isinstance(tools, list) else []
    parts += [{"type": "tool_call", "name": one.get("name"), "arguments": one.get("arguments")} for one in called if isinstance(one, dict)]
    return [{"role": "assistant", "parts": parts}] if parts else gave


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:LONGEST]


# -- as OTLP writes it --------------------------------------------------------------------------------------------------------------------


def _span(
    trace: str, own: str, above: str, name: str, kind: int, time: tuple[datetime, datetime], attributes: Attributes, failed: bool
) -> dict[str, Any]:  # fmt: skip
    told = {
        "traceId": trace.replace("-", ""), "spanId": _short_id(own), "name": name, "kind": kind, "startTimeUnixNano": _nanoseconds(time[0]),
        "endTimeUnixNano": _nanoseconds(time[1]), "attributes": _listed(attributes), "status": {"code": FAILED} if failed else {},
    }  # fmt: skip
    return told | ({"parentSpanId": _short_id(above)} if above else {})


def _short_id(own: str) -> str:
    """The random half of one of ours."""
    return own.replace("-", "")[16:]


def _nanoseconds(at: datetime) -> str:
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return str((since // timedelta(microseconds=1)) * 1000)


def _listed(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in attributes.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}  # as JSON writes 64 bits
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": str(value)}
