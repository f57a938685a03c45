"""A described service is asked, and told to do things, as its description says; one that fails is a sentence; its key stays sealed."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel

from automations import actions, recipes, running, settling, waiting
from automations.actions import Real
from automations.connectors import connecting, described
from automations.connectors.asking import Connection, Service
from automations.connectors.described import Operation
from automations.conversing import Connected
from automations.door import Held
from automations.recipe import Act, Alone, Limits, Recipe
from automations.running import DONE, HANDED_OVER, WAITING, Told
from automations.settling import Ways
from automations.steps.all import DECLARATIONS, STEPS
from automations.taping import Played, Tape
from data import approvals, store
from data.errors import Refused
from data.tables import Action, Trace
from data.values import now
from portal import catalog
from tests.conftest import Staff
from tests.model_server import closed_port
from tests.test_automations_actions import arrive, begun_for, case_of, rows
from tests.test_automations_connectors import SECRET, document, in_force, propose
from tests.test_automations_steps import faked, world
from tests.test_automations_steps_calling import Program, program

__all__ = ["program"]

ASK = {"service": "delivery", "operation": "getParcel", "parameters": {"id": "QV1"}}
MOVE = {"service": "delivery", "operation": "moveParcel", "parameters": {"id": "QV1", "day": "2026-03-07"}}
PARCEL = b'{"id": "QV1", "state": "delivered", "guard": "Jo Doe"}'
MOVED = {"202": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Moved"}}}}}


def with_moved() -> bytes:
    """The order answers something as well."""
    made = json.loads(document())
    made["paths"]["/parcels/{id}"]["put"]["responses"] = MOVED
    made["components"]["schemas"]["Moved"] = {"type": "object", "required": ["day"], "properties": {"day": {"type": "string"}}}
    return json.dumps(made).encode()


def operations() -> tuple[Operation, ...]:
    return described.read(with_moved()).operations


def connection(program: Program, **changed: Any) -> Connection:
    return replace(Connection(Service("delivery", f"http://{program.named}/v2", operations()), "X-Api-Key", SECRET), **changed)


def ask(one: Connection, **changed: Any) -> Any:
    return STEPS["ask service"].run({**ASK, **changed}, world(services={"delivery": one}))


def refusal(act: Callable[[], Any]) -> str:
    with pytest.raises(Refused) as raised:
        act()
    assert SECRET not in str(raised.value)
    return str(raised.value)


# Asked


def test_a_service_is_asked_as_its_description_says_with_its_credential(program: Program) -> None:
    program.says(PARCEL)
    assert ask(connection(program)) == {"status": 200, "answer": {"id": "QV1", "state": "delivered"}}
    ((method, path, headers, body),) = program.seen
    assert (method, path, body) == ("GET", "/v2/parcels/QV1", b"") and headers["x-api-key"] == SECRET
    assert headers["host"] == program.named and "idempotency-key" not in headers and "authorization" not in headers


def test_a_service_without_a_credential_is_sent_none(program: Program) -> None:
    program.says(PARCEL)
    ask(connection(program, header="", secret=""))
    assert "x-api-key" not in program.seen[0][2]


@pytest.mark.parametrize(
    ("said", "status", "why"),
    [
        ((b'{"id": "QV1"}', "application/json"), 200, "its answer has another shape than its description says: 'state' is missing. Tell"),
        ((b'{"id": 7, "state": "x"}', "application/json"), 200, "'id' is a text, not '7'; 'state' is one of on its way, delivered, not"),
        ((b"[]", "application/json"), 200, "it is a table of values, not 'a list'"), ((b"", "application/json"), 200, "another shape"),
        ((b"<html>", "text/html"), 200, "it answered with a page, not with data"), ((b'{"id": ', "application/json"), 200, "no whole JSON"),
        ((b"{}", "application/json"), 404, "Nothing was learned from delivery: it has nothing of the kind (404). Check what was filled in"),
        ((b"{}", "application/json"), 401, "it does not take the credential (401)"),
        ((b"{}", "application/json"), 429, "it asks to be left alone for a while (429). Try again in a minute"),
        ((b"{}", "application/json"), 500, "it answered with an error of its own (500). Try again in a minute"),
        ((b"x" * 1_000_001, "text/plain"), 200, "it is longer than 1 MB"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_a_sentence(program: Program, said: tuple[bytes, str], status: int, why: str) -> None:
    program.says(*said, status)
    told = refusal(lambda: ask(connection(program)))
    assert told.startswith("Nothing was learned from ") and why in told


def test_a_slow_or_dripping_or_dead_service_is_a_sentence(program: Program) -> None:
    program.says(PARCEL)
    program.drips = True
    assert "it gave no whole answer within 0.4 seconds" in refusal(lambda: ask(connection(program, seconds=0.4)))
    program.hangs.set()
    assert "it gave no whole answer within 0.4 seconds" in refusal(lambda: ask(connection(program, seconds=0.4)))
    gone = Service("delivery", f"http://127.0.0.1:{closed_port()}", operations())
    assert "127.0.0.1 is not reachable" in refusal(lambda: ask(connection(program, service=gone)))


@contextmanager
def another() -> Iterator[Program]:
    made = Program()
    import threading

    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        made.over.set()
        made.server.shutdown()
        made.server.server_close()
        thread.join(10)


def test_nothing_and_no_credential_follows_elsewhere(program: Program) -> None:
    with another() as thief:
        program.says(b"", status=302, Location=f"http://{thief.named}/v2/parcels/QV1")
        assert "that is not followed" in refusal(lambda: ask(connection(program)))
        assert thief.seen == [] and len(program.seen) == 1


def test_what_is_filled_in_wrongly_does_not_leave(program: Program) -> None:
    one = connection(program)
    for changed in (
        {"parameters": {}},
        {"parameters": {"id": "../x"}},
        {"parameters": {"idd": "1"}},
        {"operation": "nothing"},
        {"service": "x"},
    ):
        assert refusal(lambda changed=changed: ask(one, **changed)).startswith("Not called: ")  # type: ignore[misc]
    assert "Take the step 'Call a service' for it" in refusal(lambda: ask(one, **MOVE))
    told = refusal(lambda: STEPS["call service"].run(ASK, world(services={"delivery": one}, door=faked("call service"))))
    assert "Take the step 'Ask a service' for it" in told and program.seen == []


def test_a_service_inside_a_private_network_is_not_called(program: Program) -> None:
    inside = Service("delivery", "https://10.0.0.5/v2", operations())
    assert "inside a private network" in refusal(lambda: ask(connection(program, service=inside)))


# Told to do something


def test_in_a_dry_run_nothing_leaves_and_what_would_is_told(program: Program) -> None:
    door = faked("call service")
    gave = STEPS["call service"].run(MOVE, world(services={"delivery": connection(program)}, door=door))
    assert gave == {"status": 0, "answer": {}} and program.seen == []
    (did,) = door.held.did
    assert did.wanted.told == f"Have delivery do 'moveParcel': PUT {program.named}/parcels/QV1"
    assert did.wanted.what == {
        "service": "delivery", "operation": "moveParcel", "method": "PUT", "address": f"http://{program.named}/v2/parcels/QV1",
        "headers": {}, "body": {"day": "2026-03-07", "id": "QV1"},
    }  # fmt: skip


@dataclass
class Desk:
    """A service that two people connected, and a conversation."""

    staff: Staff
    program: Program
    conversation: str

    def run(self, made: Recipe, trace: Trace | None = None) -> tuple[Told, Real, Trace]:
        trace = trace or begun_for(self.staff, made, self.conversation)
        gate = Real(Held(made), trace.id, by=self.staff.rep, ways=catalog.ways())
        case = case_of(trace)
        world = case.world(gate, Connected(services=connecting.in_force()), now())
        return running.run(made, case.facts(), world, STEPS), gate, trace

    def sent(self, method: str = "PUT") -> list[tuple[str, str, dict[str, str], bytes]]:
        return [one for one in self.program.seen if one[0] == method]


@pytest.fixture
def desk(staff: Staff, program: Program) -> Desk:
    in_force(propose(staff, url=f"http://{program.named}/v2", content=with_moved()), staff)
    ((conversation,), _) = arrive(staff, 1)
    program.says(b'{"day": "2026-03-07", "driver": "Jo Doe"}', status=202)
    return Desk(staff, program, conversation)


def recipe(desk: Desk, *, alone: bool = True) -> Recipe:
    acts = (Act("call service", "move", MOVE), Act("tag", "tag", {"tag": "moved {{move.answer.day}}"}))
    changes = ("call service", "tag") if alone else ("tag",)
    made = Recipe("move it", "Move it", acts=acts, limits=Limits(runs_per_day=100), alone=Alone(changes=changes))
    recipes.save(made, why="So it is.", based_on=None, by=desk.staff.engineer)
    return made


def test_it_is_done_once_under_its_own_key_and_the_recipe_goes_on_with_the_answer(desk: Desk) -> None:
    made = recipe(desk)
    told, _, trace = desk.run(made)
    assert told.state == DONE, told.why
    assert told.facts["move"] == {"status": 202, "answer": {"day": "2026-03-07"}}
    again, _, _ = desk.run(made, trace)
    assert again.facts["move"] == told.facts["move"]
    ((_, path, headers, body),) = desk.sent()
    assert (path, json.loads(body)) == ("/v2/parcels/QV1", {"day": "2026-03-07", "id": "QV1"})
    assert (headers["idempotency-key"], headers["x-api-key"]) == (f"{trace.id}:move", SECRET)
    assert [(one.kind, one.state) for one in rows()] == [("call", "done"), ("tag", "done")]


def unknown(desk: Desk) -> tuple[Told, Action]:
    told, _, _ = desk.run(recipe(desk))
    (action,) = rows()
    for _ in range(2):  # and in the background
        settling.settle(ways=catalog.ways(), at=now() + timedelta(days=1))
    assert len(desk.sent()) == 1, "what nobody knows of was sent again"
    return told, action


@pytest.mark.parametrize(
    ("said", "status", "why"),
    [
        (b"{}", 500, "Whether delivery did 'moveParcel' is not known: it answered with an error of its own (500). Look over there"),
        (b"{}", 409, "it says that this conflicts with something (409)"),
        (b'{"when": "x"}', 202, "its answer has another shape than its description says: 'day' is missing. Look over there"),
        (b"{", 202, "its answer is no whole JSON"),
    ],
)  # fmt: skip
def test_whether_it_was_done_is_not_known_and_it_is_not_done_again(desk: Desk, said: bytes, status: int, why: str) -> None:
    desk.program.says(said, status=status)
    told, action = unknown(desk)
    assert told.state == HANDED_OVER and why in told.why and action.state == "unknown" and why in action.why


def test_after_a_redirect_nobody_knows_either(desk: Desk) -> None:
    desk.program.says(b"", status=307, Location="https://elsewhere.example/")
    assert unknown(desk)[1].state == "unknown"


@pytest.mark.parametrize(("status", "why"), [(422, "it does not take what was sent (422)"), (404, "(404)"), (429, "left alone")])
def test_what_the_service_refuses_was_surely_not_done(desk: Desk, status: int, why: str) -> None:
    desk.program.says(b"{}", status=status)
    told, _, _ = desk.run(recipe(desk))
    (action,) = rows()
    assert told.state == HANDED_OVER and told.why.startswith("Not done: delivery did not do 'moveParcel'") and why in told.why
    assert action.state == "refused" and len(desk.sent()) == 1


def waits(desk: Desk) -> str:
    """The proposal of a run whose recipe may not do it alone."""
    told, gate, _ = desk.run(recipe(desk, alone=False))
    assert told.state == WAITING and desk.sent() == []
    proposal = waiting.park(gate, told).proposal_id
    assert proposal is not None
    return proposal


def test_after_a_yes_it_is_done_once_as_it_was_approved(desk: Desk) -> None:
    proposal = waits(desk)
    approvals.approve(proposal, by=desk.staff.lead)
    for _ in range(2):
        assert waiting.continue_run(proposal, ways=catalog.ways()).state == "done"
    ((_, path, headers, _),) = desk.sent()
    assert (path, headers["idempotency-key"]) == ("/v2/parcels/QV1", proposal)


def test_what_was_approved_for_another_address_does_not_leave(desk: Desk) -> None:
    proposal = waits(desk)
    approvals.approve(proposal, by=desk.staff.lead)
    with another() as moved:
        in_force(propose(desk.staff, url=f"http://{moved.named}/v2"), desk.staff)
        with pytest.raises(Refused, match="is connected otherwise since this was asked for"):
            waiting.continue_run(proposal, ways=catalog.ways())
        assert (moved.seen, desk.sent()) == ([], [])


def test_a_service_that_is_not_connected_any_more_is_told(desk: Desk) -> None:
    trace = begun_for(desk.staff, recipe(desk), desk.conversation)
    with store.writing() as db:
        what = {**MOVE, "method": "PUT", "address": f"http://{desk.program.named}/v2/parcels/QV1", "headers": {}, "body": {}}
        wanted = settling.wanted_from(
            {"act": "move", "step": "call service", "kind": "call", "what": what, "told": "Move", "amount": None, "currency": ""}
        )
        action = actions.add(db, trace, actions.payload_of(trace, wanted), key="k", customer_id=None, by=desk.staff.rep)
    assert "no service is connected" in settling.carry_out(action.id, ways=Ways()).why


# The credential


def everything_kept() -> str:
    """Each row of each table, as text."""
    with store.reading() as db:
        return " ".join(str(row) for table in SQLModel.metadata.sorted_tables for row in db.execute(text(f'SELECT * FROM "{table.name}"')))


def files_of(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_the_credential_stands_nowhere(desk: Desk, home: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Though the other side repeats it in every answer: in a field, an error, a redirect, a content type."""
    caplog.set_level(logging.INFO)
    echo = json.dumps({"day": f"{SECRET} {SECRET.upper()}", SECRET: SECRET}).encode()
    answers: list[tuple[bytes, str, int, dict[str, str]]] = [
        (echo, "application/json", 202, {}), (echo, "application/json", 500, {}), (echo, "application/json", 422, {}),
        (b"x", f"text/{SECRET}", 202, {}), (b"", "text/html", 302, {"Location": f"https://{SECRET}.example/{SECRET}"}),
        (json.dumps({"day": [SECRET]}).encode(), "application/json", 202, {}), (SECRET.encode(), "text/plain", 202, {}),
    ]  # fmt: skip
    made = recipe(desk)
    for body, kind, status, headers in answers:
        desk.program.says(body, kind, status, **headers)
        told, gate, _ = desk.run(made)
        waiting.close(gate, told)
    approvals.approve(waits_of(desk), by=desk.staff.lead)
    assert len(desk.sent()) == len(answers) and all(one[2]["x-api-key"] == SECRET for one in desk.sent())  # the control: it was used
    kept, logged, files = everything_kept(), " ".join(map(str, (record.getMessage() for record in caplog.records))), files_of(home)
    assert "moveParcel" in kept and "(sealed)" in kept  # the control: it is looked for in the right place
    for where in (kept, logged, files.decode("latin-1")):
        assert SECRET not in where and SECRET.upper() not in where
    assert desk.program.named in kept


def waits_of(desk: Desk) -> str:
    made = replace(recipe_named(desk, "asks first"), alone=Alone(changes=()))
    told, gate, _ = desk.run(made)
    proposal = waiting.park(gate, told).proposal_id
    assert proposal is not None
    return proposal


def recipe_named(desk: Desk, name: str) -> Recipe:
    made = Recipe(name, "Asks", acts=(Act("call service", "move", MOVE),), limits=Limits(runs_per_day=9), alone=Alone())
    recipes.save(made, why="So it is.", based_on=None, by=desk.staff.engineer)
    return made


def test_what_is_listened_to_holds_no_credential_and_nothing_that_is_not_described(program: Program) -> None:
    """A run that is kept to be done again hears what the service said: behind the place where that is rid of it."""
    one, tape = connection(program), Tape()
    within = tape.around(world(services={"delivery": one}))
    program.says(json.dumps({"id": SECRET, "state": "delivered", "guard": "Jo Doe"}).encode())
    gave = STEPS["ask service"].run(ASK, within)
    program.says(b"x", f"text/{SECRET}")
    refusal(lambda: STEPS["ask service"].run(ASK, within))
    kept = json.dumps(tape.heard)
    assert SECRET not in kept and "Jo Doe" not in kept and kept.count("(sealed)") == 2
    again = Played(tape.heard)._service(one)
    assert STEPS["ask service"].run(ASK, replace(within, services={"delivery": again})) == gave and len(program.seen) == 2


def test_both_steps_say_what_they_are() -> None:
    assert not DECLARATIONS["ask service"].changes and DECLARATIONS["call service"].changes
    assert DECLARATIONS["call service"].stake == "high"
