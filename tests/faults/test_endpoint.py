"""The model is down, slow, busy or talks nonsense: each call ends in time, with words, and nothing is half done."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from pydantic import BaseModel
from sqlmodel import col, select

from data import asking, store
from data.asking import Budget
from data.tables import Span, Trace
from language import patience
from language.call import Call
from tests import model_server as server
from tests.conftest import Staff
from tests.conftest import hire as hired
from tests.model_server import Answer, Model

TIMEOUT = 1.0  # seconds, where the time is what is tried; the promise is that a call ends one second later at most
ENOUGH = 20.0  # where it is not: a machine under load takes its time
ONCE, FOUR, TWICE = 1, 4, 2  # requests that leave
TOOL = {"name": "find_order", "description": "Finds an order", "parameters": {"type": "object", "properties": {}}}


class Verdict(BaseModel):
    intent: str


@dataclass(frozen=True)
class Fault:
    answer: Answer
    error: str
    requests: int
    told: str

    @property
    def timeout(self) -> float:
        return TIMEOUT if self.error == "slow" or "left alone" in self.told else ENOUGH


FAULTS = {
    "hang": Fault(server.hang, "slow", ONCE, "no whole answer within 1 seconds"),
    "a byte now and then": Fault(server.drip, "slow", ONCE, "no whole answer within 1 seconds"),
    "a byte now and then before the status": Fault(server.drip_head, "slow", ONCE, "no whole answer within 1 seconds"),
    "hung up": Fault(server.hang_up, "down", FOUR, "no connection, or it hung up"),
    "429": Fault(server.status(429), "busy", FOUR, "it answers 429"),
    "429, come back in an hour": Fault(server.status(429, Retry_After="3600"), "busy", ONCE, "left alone for 3,600 seconds, longer"),
    "503, come back in an hour": Fault(server.status(503, Retry_After="3600"), "busy", ONCE, "left alone for 3,600 seconds"),
    "no credit": Fault(server.status(429, "pay", "insufficient_quota"), "refused_key", ONCE, "no credit left"),
    "500": Fault(server.status(500), "down", FOUR, "it answers 500"),
    "wrong key": Fault(server.status(401), "refused_key", ONCE, "it answers 401"),
    "no such model": Fault(server.status(404, "no such model"), "refused", ONCE, "it answers 404 (Error code: 404 - no such model)"),
    "elsewhere": Fault(server.redirect("http://127.0.0.1:9/"), "refused", ONCE, "points elsewhere"),
    "cut JSON": Fault(server.raw(b'{"choices": [{"mess'), "bad_answer", ONCE, "it is not JSON, or it was cut off"),
    "no JSON": Fault(server.raw(b"<html>Welcome</html>"), "bad_answer", ONCE, "it is not JSON"),
    "no chat completion": Fault(server.body({"choices": []}), "bad_answer", ONCE, "it is not a chat completion"),
    "nested without end": Fault(server.raw(b"[" * 200_000), "bad_answer", ONCE, "it is not JSON"),
    "nested deeply": Fault(server.raw(b'{"a":' * 300 + b"1" + b"}" * 300), "bad_answer", ONCE, "it is not JSON"),
    "10 MB": Fault(server.large(10_000_000), "bad_answer", ONCE, "it is longer than 2 MB"),
    "packed": Fault(server.packed(50_000_000), "bad_answer", ONCE, "it is packed"),
    "wrong schema": Fault(server.text('{"mood": "fine"}'), "bad_answer", TWICE, "intent: Field required"),
    "cut at its most tokens": Fault(server.text('{"inte', finish="length"), "bad_answer", ONCE, "most tokens"),
    "declined": Fault(server.body(server.completion({"content": None, "refusal": "I won't"})), "bad_answer", ONCE, "declined (I won't)"),
    "empty": Fault(server.text(""), "bad_answer", TWICE, "it is empty"),
    "wrong language": Fault(server.text("Ich weiß es nicht."), "bad_answer", TWICE, "it is not JSON"),
    "unknown tool": Fault(server.tool("delete_everything", {}), "bad_answer", TWICE, "'delete_everything', and there are: find_order"),
    "broken arguments": Fault(server.tool("find_order", "{"), "bad_answer", TWICE, "no JSON object"),
    "arguments of another kind": Fault(server.tool("find_order", "[]"), "bad_answer", TWICE, "no JSON object"),
}  # fmt: skip


@pytest.fixture
def staff(sqlite_home: object) -> Staff:
    return hired()


@pytest.fixture
def model() -> Iterator[Model]:
    patience.forget()
    with server.running() as running:
        yield running


def ask(model: Model, staff: Staff, **more: Any) -> Call:
    line = model.line(**{"timeout": TIMEOUT, "pause": 0.02, **more})
    return asking.ask(
        "triage", [{"role": "user", "content": "Hello"}], by=staff.engineer, line=line, budget=Budget(), schema=Verdict, tools=[TOOL]
    )  # fmt: skip


def rows() -> tuple[list[Trace], list[Span]]:
    with store.reading() as db:
        return list(db.exec(select(Trace).order_by(col(Trace.id)))), list(db.exec(select(Span).order_by(col(Span.id))))


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_ends_in_time_with_its_reason_and_one_trace_that_failed(model: Model, staff: Staff, name: str) -> None:
    fault = FAULTS[name]
    model.says(server.text('{"intent": "warm"}'))
    assert ask(model, staff, timeout=ENOUGH).parsed == Verdict(intent="warm")  # the control: without the fault it works
    model.says(fault.answer)
    call = ask(model, staff, timeout=fault.timeout)
    assert (call.error, len(model.asked), call.tries) == (fault.error, fault.requests, fault.requests), call.why
    assert fault.told in call.why
    assert call.ms < (fault.timeout + 1) * 1000
    assert (call.parsed, call.tools, call.text) == (None, (), "")
    traces, spans = rows()
    assert [trace.state for trace in traces] == ["done", "failed"]
    assert [span.error for span in spans] == ["", call.why]
    assert spans[-1].output is None


def test_nobody_listens(model: Model, staff: Staff) -> None:
    call = ask(model, staff, url=f"http://127.0.0.1:{server.closed_port()}/v1", timeout=ENOUGH)
    assert (call.error, call.tries) == ("down", 4)
    assert call.why.startswith("The model endpoint does not answer: no connection")


def test_what_passes_by_is_tried_again(model: Model, staff: Staff) -> None:
    model.says(server.status(500), server.hang_up, server.status(429), server.text('{"intent": "at last"}'))
    call = ask(model, staff, timeout=ENOUGH)
    assert (call.parsed, call.tries) == (Verdict(intent="at last"), 4)


def test_a_repair_has_no_tries_of_its_own_beyond_the_three(model: Model, staff: Staff) -> None:
    model.says(server.status(500), server.status(500), server.text("nonsense"), server.status(500))
    call = ask(model, staff, timeout=ENOUGH)
    assert (call.error, len(model.asked)) == ("down", 5)  # the question, its repair, and three tries more


def test_a_wait_that_is_asked_for_is_kept(model: Model, staff: Staff) -> None:
    came: list[float] = []

    def busy(handler: server.Handler) -> None:
        came.append(time.monotonic())
        server.status(429, Retry_After="1")(handler)

    def well(handler: server.Handler) -> None:
        came.append(time.monotonic())
        server.text('{"intent": "x"}')(handler)

    model.says(busy, well)
    assert ask(model, staff, timeout=ENOUGH).ok
    assert came[1] - came[0] >= 1
    model.says(server.status(429), well)  # the control: unasked it comes back sooner
    came[:] = [time.monotonic()]
    assert ask(model, staff, timeout=ENOUGH).ok
    assert came[1] - came[0] < 1


def test_pauses_between_tries_grow_and_no_two_are_alike(model: Model, staff: Staff) -> None:
    came: list[float] = []

    def down(handler: server.Handler) -> None:
        came.append(time.monotonic())
        server.status(500)(handler)

    model.says(down)
    ask(model, staff, timeout=ENOUGH, pause=0.1)
    first, second, third = (later - sooner for sooner, later in pairwise(came))
    assert first >= 0.075
    assert second >= 0.15
    assert third >= 0.3


def test_nothing_of_a_bad_answer_is_kept_where_somebody_could_act_on_it(model: Model, staff: Staff) -> None:
    model.says(server.tool("delete_everything", {"customer": "4111111111111111"}))
    ask(model, staff)
    _, spans = rows()
    assert "delete_everything" not in json.dumps([span.output for span in spans])
    assert "4111111111111111" not in json.dumps([[span.input, span.output, span.error] for span in spans])
