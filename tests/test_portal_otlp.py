"""Traces leave only where two people said so, each run once it has ended; a collector that is not there holds up nobody."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from data import approvals, audit, collector, settings, store, tasks, traces
from data.collector import Ended
from data.errors import Denied, Refused
from data.tables import Person, Proposal, Span, Trace
from data.traces import Step
from data.values import LIVE, Target, new_id, now
from language.call import Call
from portal import doctor, jobs, otlp, otlp_sending, schedules
from tests.conftest import Staff, hire
from tests.model_server import closed_port
from tests.test_screens import button, open_screen, sit_down
from tests.test_screens_evals import drawn, words

SECRET = "otel-key-nobody-is-told"
RECIPE = Target("recipe", "late-parcel", 2)
CANARY, EMAIL = "canary7731", "mara.feldmann@example.org"
SAID = f"My {CANARY} is late, write to {EMAIL}"


@dataclass
class Heard:
    """What a collector was sent, and what it answers: the script's answers in turn, the last one for ever."""

    url: str = ""
    script: list[tuple[int, bytes, dict[str, str]]] = field(default_factory=lambda: [(200, b"{}", {})])
    bodies: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    hangs: bool = False
    chooses: Callable[[str], int] | None = None

    def answers(self, *statuses: int, **headers: str) -> None:
        self.script = [(status, b"{}", headers) for status in statuses]

    def next(self, body: str) -> tuple[int, bytes, dict[str, str]]:
        if self.chooses:
            return self.chooses(body), b"{}", {}
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    @property
    def raw(self) -> str:
        return "\n".join(self.bodies)

    @property
    def spans(self) -> list[dict[str, Any]]:
        found = [json.loads(body)["resourceSpans"] for body in self.bodies]
        return [span for one in found for resource in one for scope in resource["scopeSpans"] for span in scope["spans"]]

    @property
    def runs(self) -> list[str]:
        return [span["traceId"] for span in self.spans if "parentSpanId" not in span]


class Counting(ThreadingHTTPServer):
    daemon_threads = True
    heard: Heard

    def get_request(self) -> Any:
        self.heard.connections += 1
        return super().get_request()


class Handler(BaseHTTPRequestHandler):
    server: Counting

    def do_POST(self) -> None:
        heard, body = self.server.heard, self.rfile.read(int(self.headers["Content-Length"])).decode()
        heard.bodies.append(body)
        heard.headers.append({name.lower(): value for name, value in self.headers.items()})
        heard.paths.append(self.path)
        if heard.hangs:
            heard.over.wait(30)
            return
        status, answer, headers = heard.next(body)
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json", "Content-Length": str(len(answer))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def listening() -> Iterator[Heard]:
    server = Counting(("127.0.0.1", 0), Handler)
    server.heard = Heard(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.heard
    finally:
        server.heard.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def there() -> Iterator[Heard]:
    with listening() as heard:
        yield heard


def proposed(staff: Staff, url: str, *, header: str = "", secret: str = SECRET, contents: bool = False) -> Proposal:
    return collector.propose(url, header, secret, contents=contents, why="To see it beside the rest.", by=staff.engineer)


def in_force(staff: Staff, url: str, *, at: datetime | None = None, **more: Any) -> None:
    proposal = proposed(staff, url, **more)
    approvals.approve(proposal.id, by=staff.admin)
    settings.carry_out(proposal.id, "change_connection", at=at)


def later(minutes: float = 1.0) -> datetime:
    return now() + timedelta(minutes=minutes)


def run(*, state: str = "done", text: str = SAID, by: Person | None = None) -> str:
    """A run of a recipe as it is kept: a look-up, a guardrail, an agent's turn. Its texts are not masked, as if somebody forgot to."""
    steps = [
        Step("step", "order", {"step": "look up order", "given": {"number": text}}, {"state": "done", "gave": {"note": text}}, 12.5),
        Step("guardrail", "policy", {"step": "policy", "given": {}}, {"state": "done", "gave": {}, "why": text}, 1.0),
        Step("model", "cashier", {"step": "gpt-large", "given": {}}, {"state": "done", "gave": {"text": text}}, 800.0, 150, 0.02),
        Step("tool", "money", {"step": "refund", "given": {}}, {"state": "failed", "gave": {}}, 3.0, error=f"Not done: {text}"),
    ]
    with store.writing() as db:
        trace = traces.answered(db, RECIPE, {"reply": text}, steps, by=by, mode=LIVE)
        trace.state = state
        db.add(trace)
        return trace.id


def asked(staff: Staff) -> str:
    """A model's call as it is kept."""
    with store.writing() as db:
        trace = traces.begin(db, Target("model", "triage", 1), by=staff.engineer, tokens=100, cost=0.1)
        messages = ({"role": "user", "content": SAID},)
        traces.record(db, trace, Call("triage", "small", messages, text=SAID, tokens_in=40, tokens_out=2, cost=0.001, ms=250.0))
        return trace.id


def hexed(*ids: str) -> list[str]:
    return [one.replace("-", "") for one in ids]


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


# -- off, and on --------------------------------------------------------------------------------------------------------------------------


def test_off_as_it_is_no_connection_is_made_and_turned_on_by_two_people_runs_are_sent(staff: Staff, there: Heard) -> None:
    run()
    assert otlp_sending.send(at=later()) == "No traces leave: no collector is set."
    assert not otlp_sending.anything_due() and there.connections == 0
    proposal = proposed(staff, there.url)
    with pytest.raises(Denied):
        approvals.approve(proposal.id, by=staff.lead)
    run()
    otlp_sending.send(at=later())
    assert there.connections == 0
    approvals.approve(proposal.id, by=staff.admin)
    settings.carry_out(proposal.id, "change_connection")
    after = run()
    told = otlp_sending.send(at=later())  # the control
    assert told == f"1 run sent to {there.url.removeprefix('http://')}."
    assert there.runs == hexed(after) and there.connections == 1  # what was before it was turned on stays here
    assert there.paths == ["/v1/traces"] and there.headers[0]["authorization"] == f"Bearer {SECRET}"
    assert there.headers[0]["content-type"] == "application/json"


def test_one_person_turns_it_off_and_what_happens_meanwhile_stays_here(staff: Staff, there: Heard) -> None:
    in_force(staff, there.url)
    first = run()
    otlp_sending.send(at=later())
    with pytest.raises(Denied):
        collector.stop(why="Enough.", by=staff.rep)
    with pytest.raises(Refused, match="Not turned off: say why"):
        collector.stop(why=" ", by=staff.engineer)
    collector.stop(why="It costs too much.", by=staff.engineer)
    assert audit.newest(by=staff.admin)[0].sentence == "Traces stay here from now on: It costs too much."
    run()
    otlp_sending.send(at=later())
    in_force(staff, there.url)
    last = run()
    otlp_sending.send(at=later())
    assert there.runs == hexed(first, last)
    collector.stop(why="Again.", by=staff.admin)
    with pytest.raises(Refused, match="no traces leave"):
        collector.stop(why="Again.", by=staff.admin)


@pytest.mark.parametrize(
    ("url", "header", "secret", "why"),
    [
        ("http://otel.example.com", "", "k", "must begin with https"),
        ("https://me:pw@otel.example.com", "", "k", "without a name"),
        ("https://otel.example.com/?key=1", "", "k", "without a name"),
        ("ftp://otel.example.com", "", "k", "reads like"),
        ("https://otel.example.com", "x-api-key", "", "its key is empty"),
        ("https://otel.example.com", "Host", "k", "letters, digits and hyphens"),
        ("https://otel.example.com", "x: y\r\nz", "k", "letters, digits and hyphens"),
        ("https://otel.example.com", "", "k\r\nHost: evil", "signs that no key has"),
    ],
)
def test_an_address_or_a_header_that_would_leak_is_not_proposed(staff: Staff, url: str, header: str, secret: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        proposed(staff, url, header=header, secret=secret)
    assert (
        proposed(staff, "https://otel.example.com:4318/v1/traces").payload["value"]["url"] == "https://otel.example.com:4318"
    )  # the control


def test_the_key_is_kept_sealed_and_goes_under_the_header_that_was_named(staff: Staff, there: Heard) -> None:
    in_force(staff, there.url, header="x-api-key")
    run()
    otlp_sending.send(at=later())
    assert there.headers[0]["x-api-key"] == SECRET and "authorization" not in there.headers[0]
    with store.reading() as db:
        assert SECRET not in str(settings.latest(db, collector.NAME))
    assert SECRET not in str(collector.in_force()) + str(collector.in_force().opened())  # type: ignore[union-attr]


@pytest.mark.parametrize("change", [{"contents": True}, {"url": "http://127.0.0.1:9"}])
def test_an_address_or_contents_that_were_changed_behind_two_peoples_backs_open_no_seal(
    staff: Staff, there: Heard, change: dict[str, Any]
) -> None:
    in_force(staff, there.url)
    run()
    with store.writing() as db:
        value = settings.latest(db, collector.NAME).value  # type: ignore[union-attr]
        settings.put(db, collector.NAME, value | change, by=staff.admin)
    assert "its seal does not open" in otlp_sending.send(at=later())
    assert there.connections == 0 and "its seal does not open" in collector.in_words()[1]


# -- what is sent -------------------------------------------------------------------------------------------------------------------------


def test_without_contents_no_word_of_a_customer_leaves_and_with_them_the_redacted_ones(staff: Staff, there: Heard) -> None:
    in_force(staff, there.url)
    run(), asked(staff)
    otlp_sending.send(at=later())
    assert len(there.spans) == 7 and CANARY not in there.raw and EMAIL not in there.raw and "mara" not in there.raw.lower()
    there.bodies.clear()
    in_force(staff, there.url, contents=True)
    run(), asked(staff)
    otlp_sending.send(at=later())
    assert len(there.spans) == 7 and CANARY in there.raw  # the control: the words go, and who it is does not
    assert EMAIL not in there.raw and "mara.feldmann" not in there.raw
    by_name = {span["name"]: attributes(span) for span in there.spans}
    assert CANARY in by_name["execute_tool look up order"]["gen_ai.tool.call.arguments"]
    assert json.loads(by_name["chat small"]["gen_ai.input.messages"])[0]["role"] == "user"
    assert json.loads(by_name["chat gpt-large"]["gen_ai.output.messages"])["gave"]["text"].startswith(f"My {CANARY}")


def test_a_run_is_told_by_the_names_of_the_conventions(staff: Staff, there: Heard) -> None:
    in_force(staff, there.url)
    made, call = run(), asked(staff)
    otlp_sending.send(at=later())
    spans = {span["name"]: span for span in there.spans}
    assert list(spans) == [
        "invoke_workflow recipe late-parcel", "execute_tool look up order", "guardrail policy", "chat gpt-large", "execute_tool refund",
        "invoke_workflow model triage", "chat small",
    ]  # fmt: skip
    root, tool, model = spans["invoke_workflow recipe late-parcel"], spans["execute_tool refund"], spans["chat gpt-large"]
    assert [span["traceId"] for span in (root, tool, model)] == hexed(made) * 3
    assert spans["chat small"]["traceId"] == hexed(call)[0]
    assert tool["parentSpanId"] == root["spanId"] and "parentSpanId" not in root
    assert all(re.fullmatch("[0-9a-f]{16}", span["spanId"]) and re.fullmatch("[0-9a-f]{32}", span["traceId"]) for span in spans.values())
    assert len({span["spanId"] for span in spans.values()}) == 7
    assert (tool["status"], model["status"], tool["kind"], model["kind"]) == ({"code": 2}, {}, 1, 3)
    assert attributes(root)["portal.state"] == "done" and attributes(root)["gen_ai.workflow.name"] == "recipe late-parcel"
    assert attributes(tool)["gen_ai.tool.name"] == "refund" and attributes(tool)["error.type"] == "_OTHER"
    told = attributes(model)
    assert (told["gen_ai.operation.name"], told["gen_ai.request.model"], told["gen_ai.agent.name"]) == ("chat", "gpt-large", "cashier")
    assert (told["portal.usage.tokens"], told["portal.usage.cost"]) == ("150", 0.02)
    assert attributes(spans["chat small"])["portal.job"] == "triage"


def test_steps_stand_one_behind_the_other_within_their_run(staff: Staff, there: Heard) -> None:
    in_force(staff, there.url)
    run()
    otlp_sending.send(at=later())
    root, *steps = there.spans
    times = [(int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])) for span in steps]
    assert [round((end - start) / 1e6, 1) for start, end in times] == [12.5, 1.0, 800.0, 3.0]
    assert all(one[1] == other[0] for one, other in pairwise(times))
    assert int(root["startTimeUnixNano"]) <= times[0][0] and times[-1][1] <= int(root["endTimeUnixNano"])


def test_a_run_that_went_on_after_a_wait_keeps_the_gap() -> None:
    at = now()
    shape = {"trace_id": "t", "kind": "step", "input": {}, "ms": 1000.0}
    spans = [Span(**shape, seq=1, name="a", at=at), Span(**shape, seq=2, name="b", at=at + timedelta(hours=2))]
    trace = Trace(**RECIPE.columns(), mode=LIVE, state="done", at=at)
    (first, second) = otlp.body([Ended(trace, spans)], contents=False)["resourceSpans"][0]["scopeSpans"][0]["spans"][1:]
    assert int(second["startTimeUnixNano"]) - int(first["endTimeUnixNano"]) == int((7200 - 1) * 1e9)


def test_a_run_that_waits_is_sent_once_it_has_ended(staff: Staff, there: Heard) -> None:
    in_force(staff, there.url)
    waits, done = run(state="waiting"), run()
    otlp_sending.send(at=later())
    assert there.runs == hexed(done) and collector.stand().open == (waits,)
    assert not collector.anything_due(at=later())
    with store.writing() as db:
        db.get_one(Trace, waits).state = "done"
    assert collector.anything_due(at=later())
    otlp_sending.send(at=later())
    otlp_sending.send(at=later())
    assert there.runs == hexed(done, waits) and collector.stand().open == ()


def test_many_runs_go_in_several_requests_and_each_once(staff: Staff, there: Heard) -> None:
    in_force(staff, there.url)
    made = [run() for _ in range(7)]
    for most in (3, 3, 3):
        batch = collector.next_batch(at=later(), most=most)
        assert batch
        collector.was_sent(batch, at=later())
        there.bodies.append(json.dumps(otlp.body(batch.runs, contents=False)))
    assert there.runs == hexed(*made) and collector.next_batch(at=later()) is None
    assert collector.stand().sent == 7


# -- a collector that is not as it should be ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 503, 429, 408, 401, 404, 302])
def test_what_was_not_taken_is_sent_again_and_nothing_is_lost(staff: Staff, there: Heard, status: int) -> None:
    in_force(staff, there.url)
    there.answers(status, Location="http://127.0.0.1:9/")
    made = [run(), run()]
    at = later()
    assert "0 runs sent, then none" in otlp_sending.send(at=at)
    kept = collector.stand()
    assert kept.tries == 1 and kept.sent == 0 and kept.not_before and kept.not_before >= at + timedelta(seconds=60)
    assert otlp_sending.send(at=at + timedelta(seconds=30)).startswith("It is not its turn yet.")
    assert len(there.bodies) == 1 and not collector.anything_due(at=at + timedelta(seconds=30))
    there.answers(200)
    there.bodies.clear()
    assert "2 runs sent" in otlp_sending.send(at=kept.not_before)
    assert there.runs == hexed(*made) and collector.stand().tries == 0 and collector.in_words()[1] == ""


def test_one_that_is_dead_or_hangs_is_left_alone_for_longer_each_time(staff: Staff, there: Heard) -> None:
    in_force(staff, f"http://127.0.0.1:{closed_port()}")
    made, at, pauses = run(), later(), []
    for _ in range(8):
        assert "could not be reached" in otlp_sending.send(at=at)
        following = collector.stand().not_before
        assert following
        pauses.append(int((following - at).total_seconds()))
        at = following
    assert pauses == [60, 120, 300, 900, 1800, 3600, 3600, 3600]
    note, wrong = collector.in_words()
    assert "8 times in a row" in wrong and "Nothing else waits for it." in wrong and "0 runs so far" in note
    assert wrong in doctor.examine()["wrong"] and note in doctor.examine()["notes"]
    in_force(staff, there.url)
    there.hangs = True
    assert "did not answer in time" in otlp_sending.send(at=at, seconds=0.2)
    there.hangs = False
    following = collector.stand().not_before
    there.bodies.clear()
    otlp_sending.send(at=following)
    assert there.runs == hexed(made) and not any("Traces wait" in one for one in doctor.examine()["wrong"])


def test_a_collector_that_says_when_is_asked_then(staff: Staff, there: Heard) -> None:
    in_force(staff, there.url)
    there.answers(429, Retry_After="7200")
    run()
    at = later()
    otlp_sending.send(at=at)
    assert collector.stand().not_before == at + timedelta(hours=2)
    there.answers(503, Retry_After="999999999")
    otlp_sending.send(at=at + timedelta(hours=2))
    assert collector.stand().not_before == at + timedelta(hours=8)  # no longer than that, whatever it says


def test_one_odd_run_holds_up_no_other_and_a_collector_that_takes_none_loses_none(staff: Staff, there: Heard) -> None:
    in_force(staff, there.url)
    made = [run() for _ in range(5)]
    odd = hexed(made[3])[0]
    there.chooses = lambda body: 400 if odd in body else 200
    otlp_sending.send(at=later())
    taken = {one for body in there.bodies if odd not in body for one in hexed(*made) if one in body}
    assert taken == set(hexed(*made)) - {odd}
    assert (collector.stand().sent, collector.stand().refused) == (4, 1) and "1 run not taken" in collector.in_words()[0]
    more = [run(), run()]
    there.chooses = lambda body: 400
    assert "does not take a run (400)" in otlp_sending.send(at=later())
    there.chooses = None
    there.bodies.clear()
    otlp_sending.send(at=later(60))
    assert there.runs == hexed(*more)


def test_what_it_left_out_of_a_run_is_told_and_not_sent_again(staff: Staff, there: Heard) -> None:
    in_force(staff, there.url)
    there.script = [(200, b'{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "x"}}', {})]
    run()
    otlp_sending.send(at=later())
    assert (
        collector.stand().sent == 1
        and collector.stand().why == "The collector left out 2 steps of what it took."
        and not collector.anything_due(at=later())
    )


@pytest.mark.parametrize("answer", [b"", b"not json", b"[1]", b'{"partialSuccess": 7}', b"x" * 300_000])
def test_an_odd_answer_to_what_was_taken_is_no_fault(staff: Staff, there: Heard, answer: bytes) -> None:
    in_force(staff, there.url)
    there.script = [(200, answer, {})]
    run()
    assert otlp_sending.send(at=later()).startswith("1 run sent")


# -- by itself, and on the screen ---------------------------------------------------------------------------------------------------------


def test_a_job_sends_them_where_there_is_something_to_send(staff: Staff, there: Heard) -> None:
    def begun(minutes: float) -> int:
        schedules.begin_due(at=later(minutes))
        return [task.name for task in tasks.waiting(1000)].count(otlp_sending.SEND)

    assert begun(1) == 0
    in_force(staff, there.url, at=later(-5))
    assert begun(2) == 0
    with store.writing() as db:
        db.add(Trace(id=(made := new_id(later(-2))), **RECIPE.columns(), mode=LIVE, state="done"))
    assert begun(3) == 1 and begun(4) == 1  # one that waits is enough
    (task,) = [one for one in tasks.waiting(1000) if one.name == otlp_sending.SEND]
    jobs.run(tasks.take(task.id, "here"))  # type: ignore[arg-type]
    assert there.runs == hexed(made) and begun(5) == 0
    assert otlp_sending.SEND not in jobs.RIGHTS  # nobody starts it


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


def opened(by: Person) -> AppTest:
    return open_screen(sit_down(by), "installation")


def test_a_collector_is_proposed_on_installation_and_turned_off_there(desk: Staff, there: Heard) -> None:
    app = opened(desk.engineer)
    assert "Traces stay here: no collector is set." in words(app)
    for name, value in {"url": there.url, "secret": SECRET, "why": "To see it beside the rest."}.items():
        app.text_input(key=f"installation_collector_{name}").set_value(value)
    drawn(button(app, "Propose the collector").click().run())
    assert "Proposed. An admin decides." in words(app)
    (proposal,) = approvals.waiting(by=desk.admin)
    told = words(open_screen(sit_down(desk.admin), "approvals", proposal=proposal.id))
    assert "names, times, tokens, costs and states, and no contents" in told and SECRET not in told
    approvals.approve(proposal.id, by=desk.admin)
    jobs.run_waiting()
    app = opened(desk.admin)
    assert "names, times, tokens, costs and states only: 0 runs so far." in words(app) and SECRET not in words(app)
    app.text_input(key="installation_collector_off_why").set_value("Enough.")
    drawn(app.button(key="installation_collector_off").click().run())
    assert collector.in_force() is None and "Traces stay here: no collector is set." in words(app)
