"""The door: nothing leaves before it is written down, nothing leaves twice, and what a recipe may not do alone waits for a person."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DatabaseError
from sqlmodel import col, func, select

from automations import RECIPE, actions, going_on, recipes, running, settling, waiting
from automations.actions import Policy, Real
from automations.conversing import Case, Connected
from automations.door import Held, Waits, Wanted
from automations.recipe import Act, Alone, Limits, Recipe
from automations.running import DONE, HANDED_OVER, WAITING, Told
from automations.settling import Ways
from automations.shop import faults, server
from automations.shop.client import Shop
from automations.shop.ledger import Bill, Ledger, Purchase
from automations.shop.values import Customer, Item
from automations.steps import calling
from automations.steps.all import STEPS
from data import approvals, audit, conversations, people, store, tasks, traces
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Action, Conversation, Person, Proposal, Task, Trace
from data.values import LIVE, SHADOW, Subject, Target, now
from portal import jobs
from tests.conftest import Staff
from tests.conversations import canonical

TOKEN = "the-token-of-the-shop-in-tests"
DAY = timedelta(days=1)
PAID = 8060  # cents, for each order
TWENTY = Decimal("20.00")
ALL = ("refund", "credit", "tag", "route", "set field", "draft reply", "hand over", "send reply", "http call")


@dataclass
class Stand:
    """A shop that runs, and conversations with one paid order each."""

    staff: Staff
    ledger: Ledger
    url: str
    ids: list[str]  # conversations
    customers: list[str]

    @property
    def shop(self) -> Shop:
        return Shop(self.url, TOKEN, seconds=2)

    def order(self, place: int = 0) -> str:
        return f"R-{place + 1}"

    def refunded(self, place: int = 0) -> list[int]:
        return [entry.amount for entry in self.ledger.order(self.order(place), at=now()).entries]

    def entries(self) -> list[int]:
        return [amount for place in range(len(self.ids)) for amount in self.refunded(place)]


def fill(ledger: Ledger, customers: list[str]) -> None:
    at = now() - 30 * DAY
    ledger.write(
        customers=[Customer(key, f"Jo {place}", "Marlow", at.date()) for place, key in enumerate(customers)],
        orders=[
            Purchase(f"R-{place + 1}", key, (Item("bonsai", 1, PAID),), 0, at, (at + DAY).date()) for place, key in enumerate(customers)
        ],
        bills=[Bill(f"I-{place + 1}", f"R-{place + 1}", PAID, at.date(), at.date(), at) for place in range(len(customers))],
    )  # fmt: skip


def arrive(staff: Staff, count: int) -> tuple[list[str], list[str]]:
    """Conversations, each of another customer, and those."""
    came = now() - timedelta(hours=2)
    said = [canonical(number, team="Oak", customer=f"customer {number}", channel="chat", opened_at=came) for number in range(1, count + 1)]
    ids = [
        made for start in range(0, count, 100) for made in door.receive(said[start : start + 100], by=staff.engineer, classify=False).ids
    ]
    found = [conversations.get(made, by=staff.engineer) for made in ids]
    return ids, [one[0].customer_id for one in found if one]


@contextmanager
def standing(staff: Staff, folder: Path, count: int = 1) -> Iterator[Stand]:
    ids, customers = arrive(staff, count)
    ledger = Ledger(folder / "shop.db")
    fill(ledger, customers)
    with server.running(ledger, TOKEN) as url:
        yield Stand(staff, ledger, url, ids, customers)
    ledger.close()


@pytest.fixture
def stand(staff: Staff, home: Path) -> Iterator[Stand]:
    with standing(staff, home) as made:
        yield made


REFUND = Act("refund", "refund", {"order": "{{order.number}}", "amount": "20.00", "reason": "It came late"})
ACTS = (Act("look up order", "order"), REFUND, Act("tag", "tag", {"tag": "refunded"}))
LIMITS = Limits(money_per_run=Decimal(50), money_per_day=Decimal(100_000), runs_per_day=10_000, currency="EUR")
ALONE = Alone(money=Decimal(30), changes=ALL)


def recipe(acts: tuple[Act, ...] = ACTS, *, limits: Limits = LIMITS, alone: Alone = ALONE, name: str = "late parcel") -> Recipe:
    return Recipe(name, "Late parcel", acts=acts, limits=limits, alone=alone)


def kept(made: Recipe, staff: Staff) -> Recipe:
    recipes.save(made, why="So it is.", based_on=None, by=staff.engineer)
    return made


def begun(stand: Stand, made: Recipe, place: int = 0, *, mode: str = LIVE) -> Trace:
    return begun_for(stand.staff, made, stand.ids[place], mode=mode)


def begun_for(staff: Staff, made: Recipe, conversation_id: str, *, mode: str = LIVE) -> Trace:
    with store.writing() as db:
        subject = Subject(conversation_id, 1)
        return traces.begin(db, Target(RECIPE, made.name, 1), by=staff.rep, tokens=0, cost=0.0, subject=subject, mode=mode)


def real(stand: Stand, made: Recipe, trace: Trace | None = None, **more: Any) -> Real:
    told = {"ways": Ways(shop=stand.shop), "by": stand.staff.rep} | more
    return Real(Held(made), (trace or begun(stand, made)).id, **told)


def refund(stand: Stand, amount: Decimal = TWENTY, *, name: str = "refund", place: int = 0) -> Wanted:
    what = {"customer": stand.customers[place], "order": stand.order(place), "amount": f"{amount:f}", "currency": "EUR", "reason": "Late"}
    return Wanted(name, "refund", "refund", what, f"Refund {amount:.2f} EUR of order {stand.order(place)}", amount, "EUR")


def wanted(kind: str, what: dict[str, Any], *, step: str | None = None, name: str = "") -> Wanted:
    steps = {"reply": "send reply", "draft": "draft reply", "field": "set field", "note": "hand over", "call": "http call"}
    return Wanted(name or kind, step or steps.get(kind, kind), kind, what, f"Do {kind}")


def rows() -> list[Action]:
    with store.reading() as db:
        return list(db.exec(select(Action).order_by(Action.id)))


def state_of(trace: Trace) -> str:
    with store.reading() as db:
        return db.get_one(Trace, trace.id, populate_existing=True).state


def trace_row(trace: Trace) -> Trace:
    with store.reading() as db:
        return db.get_one(Trace, trace.id, populate_existing=True)


def proposal_row(proposal_id: str) -> Proposal:
    with store.reading() as db:
        return db.get_one(Proposal, proposal_id, populate_existing=True)


def asked(stand: Stand, made: Recipe, one: Wanted | None = None, **more: Any) -> tuple[Trace, str]:
    """A run that waits for a yes, and the proposal."""
    trace = begun(stand, made)
    gate = real(stand, made, trace, **more)
    with pytest.raises(Waits):
        gate.act(one or refund(stand))
    parked = waiting.park(
        gate, Told(WAITING, (running.Span((one or refund(stand)).name, "refund", WAITING),), {"order": {"total": TWENTY}})
    )
    assert parked.state == "waiting" and parked.proposal_id
    return trace, parked.proposal_id


def through(stand: Stand, made: Recipe, trace: Trace) -> tuple[Told, Real]:
    return run_by(stand.shop, made, trace, by=stand.staff.rep)


def run_by(shop: Shop, made: Recipe, trace: Trace, *, by: Person) -> tuple[Told, Real]:
    """A whole run by the real steps."""
    gate = Real(Held(made), trace.id, by=by, ways=Ways(shop=shop))
    case = case_of(trace)
    return running.run(made, case.facts(), case.world(gate, Connected(shop=shop), now()), STEPS), gate


def resume_by(shop: Shop, made: Recipe, trace: Trace, *, by: Person) -> tuple[Told, Real]:
    """What the task `go_on` does."""
    gate, where = Real(Held(made), trace.id, by=by, ways=Ways(shop=shop)), waiting.stand_of(trace_row(trace))
    with store.reading() as db:
        action = actions.action_of(db, trace.id, where.waits_for)
    assert action is not None
    step: Any = STEPS[action.step]
    world = case_of(trace).world(gate, Connected(shop=shop), now())
    return running.resume(made, where, step.gave(settling.did_of(action)), world, STEPS), gate


def case_of(trace: Trace) -> Case:
    with store.reading() as db:
        conversation = db.get_one(Conversation, trace.conversation_id)
        return Case(conversation, conversations.frozen(conversations.messages_of(db, conversation.id)), "", None, "Oak", "")


WIDE = replace(LIMITS, money_per_run=Decimal(1_000))
ALL_ALONE = Alone(money=Decimal(1_000), changes=ALL)
ALWAYS_ASKS = Alone(money=Decimal(0), changes=ALL)


# What leaves


def test_a_refund_is_written_down_and_made_once_however_often_the_run_comes(stand: Stand) -> None:
    made = kept(recipe(), stand.staff)
    trace = begun(stand, made)
    told, gate = through(stand, made, trace)
    assert (told.state, told.why) == (DONE, "") and stand.refunded() == [2000]
    paid, tag = rows()
    (entry,) = stand.ledger.order("R-1", at=now()).entries
    assert (paid.state, paid.provider_ref, paid.idempotency_key, paid.cents) == ("done", entry.id, f"{trace.id}:refund", 2000)
    assert entry.key == paid.idempotency_key and tag.state == "done"
    assert gate.held.money == TWENTY
    again, gate = through(stand, made, trace)
    assert (again.state, stand.refunded(), len(rows()), gate.held.money) == (DONE, [2000], 2, TWENTY)
    assert again.facts["refund"] == told.facts["refund"]


def test_what_is_written_down_never_changes_and_what_became_of_it_does(stand: Stand) -> None:
    real(stand, recipe()).act(refund(stand))
    for column, value in (
        ("payload", "'{}'"),
        ("cents", "1"),
        ("idempotency_key", "'another'"),
        ("trace_id", "NULL"),
        ("currency", "'USD'"),
    ):
        with pytest.raises(DatabaseError, match="never changes"), store.writing() as db:
            db.execute(text(f"UPDATE action SET {column} = {value}"))
    with store.writing() as db:  # the control
        db.execute(text("UPDATE action SET why = 'so'"))


def test_an_act_that_is_asked_for_otherwise_the_second_time_is_refused(stand: Stand) -> None:
    gate = real(stand, recipe())
    gate.act(refund(stand))
    with pytest.raises(Refused, match=r"This run did otherwise before: Refund 20\.00"):
        gate.act(refund(stand, Decimal("21.00")))
    assert stand.refunded() == [2000]


def test_what_the_shop_refuses_is_refused_in_its_words_and_not_tried_again(stand: Stand) -> None:
    wide = recipe(limits=replace(LIMITS, money_per_run=Decimal(900)), alone=replace(ALONE, money=Decimal(900)))
    gate = real(stand, wide)
    for _ in range(2):
        with pytest.raises(Refused, match=r"at most 80\.60 can be refunded, not 100\.00"):
            gate.act(refund(stand, Decimal(100)))
    (row,) = rows()
    assert row.state == "refused" and stand.refunded() == []
    assert actions.spent("late parcel", by=stand.staff.rep).money_today == 0  # what was refused moved nothing


def test_a_lost_answer_is_asked_for_by_its_key(stand: Stand) -> None:
    with faults.before(stand.url) as line:
        line.next(faults.dies_after)
        gate = real(stand, recipe(), ways=Ways(shop=Shop(line.url, TOKEN, seconds=2)))
        assert gate.act(refund(stand)).ref
        assert stand.refunded() == [2000] and [one.state for one in rows()] == ["done"]
        assert [request.split()[0] for request in line.seen] == [b"POST", b"GET"]


def test_what_the_shop_never_heard_of_is_sent_again_with_the_same_key(stand: Stand) -> None:
    with faults.before(stand.url) as line:
        line.next(faults.dies_before)
        real(stand, recipe(), ways=Ways(shop=Shop(line.url, TOKEN, seconds=2))).act(refund(stand))
    keys = {part for request in line.seen for part in request.split(b"\r\n") if part.lower().startswith(b"idempotency-key")}
    assert stand.refunded() == [2000] and len(keys) == 1


def unknown(stand: Stand, made: Recipe, fault: faults.Fault = faults.dies_after) -> tuple[Trace, Real]:
    """A run that waits: its refund's answer is lost, and the shop is gone."""
    trace = begun(stand, made)
    with faults.before(stand.url) as line:
        line.next(fault, *[faults.dies_before] * 9)
        gate = real(stand, made, trace, ways=Ways(shop=Shop(line.url, TOKEN, seconds=2)))
        with pytest.raises(Waits, match="not known yet"):
            gate.act(refund(stand))
    waiting.park(gate, Told(WAITING, (running.Span("refund", "refund", WAITING),), {}))
    return trace, gate


@pytest.mark.parametrize("fault", [faults.dies_after, faults.dies_before])
def test_what_is_not_known_is_settled_in_the_background_and_the_run_goes_on(stand: Stand, fault: faults.Fault) -> None:
    trace, _ = unknown(stand, recipe(), fault)
    assert state_of(trace) == "waiting" and [one.state for one in actions.unsettled(by=stand.staff.lead)] == ["unknown"]
    assert settling.anything_to_settle()
    for _ in range(2):
        settling.settle(ways=Ways(shop=stand.shop))
    assert stand.refunded() == [2000] and [one.state for one in rows()] == ["done"] and not settling.anything_to_settle()
    with store.reading() as db:
        going = list(db.exec(select(Task).where(Task.name == "go_on")))
    assert state_of(trace) == "running" and [task.arguments for task in going] == [{"trace_id": trace.id, "act": "refund"}]


def test_nobody_goes_on_while_the_shop_is_gone(stand: Stand) -> None:
    trace, _ = unknown(stand, recipe())
    gone = Ways(shop=Shop("http://127.0.0.1:9", TOKEN, seconds=1))
    assert settling.settle(ways=gone).startswith("0 of 1 things")
    assert (state_of(trace), rows()[0].state) == ("waiting", "unknown")


def test_what_the_shop_did_not_take_for_a_day_goes_to_a_person(stand: Stand) -> None:
    trace, _ = unknown(stand, recipe(), faults.dies_before)
    settling.settle(ways=Ways(shop=stand.shop), at=now() + 2 * DAY)
    assert stand.refunded() == [] and state_of(trace) == "handed_over"
    assert "did not take it for a day" in rows()[0].why and "did not take it for a day" in str((trace_row(trace).state_json or {})["why"])


def test_what_became_known_before_the_run_was_parked_lets_it_go_on_too(stand: Stand) -> None:
    made, trace = recipe(), begun(stand, recipe())
    with faults.before(stand.url) as line:
        line.next(faults.dies_after, *[faults.dies_before] * 9)
        gate = real(stand, made, trace, ways=Ways(shop=Shop(line.url, TOKEN, seconds=2)))
        with pytest.raises(Waits):
            gate.act(refund(stand))
    settling.settle(ways=Ways(shop=stand.shop))
    assert waiting.park(gate, Told(WAITING, (running.Span("refund", "refund", WAITING),), {})).state == "running"


def test_of_a_run_that_was_stopped_nothing_leaves(stand: Stand) -> None:
    made = recipe()
    trace = begun(stand, made)
    set_state(trace, "stopped")
    with pytest.raises(Refused, match="the run is stopped"):
        real(stand, made, trace).act(refund(stand))
    other, gate = unknown(stand, made, faults.dies_before)  # the control of what comes: it would be sent again
    set_state(other, "stopped")
    settling.settle(ways=gate.ways and Ways(shop=stand.shop))
    assert stand.refunded() == [] and "the run was stopped" in rows()[0].why


def set_state(trace: Trace, state: str) -> None:
    with store.writing() as db:
        db.execute(update(Trace).where(col(Trace.id) == trace.id).values(state=state))


def test_only_a_live_run_changes_anything(stand: Stand) -> None:
    made = recipe()
    for mode in (SHADOW, "dry", "backtest", "replay", "run"):
        with pytest.raises(Refused, match="only a live run"):
            real(stand, made, begun(stand, made, mode=mode)).act(refund(stand))
    assert rows() == [] and stand.refunded() == []


def test_nothing_leaves_from_within_a_transaction_that_may_still_fail(stand: Stand) -> None:
    gate = real(stand, recipe())
    with pytest.raises(RuntimeError, match="before it is kept"), store.writing():
        gate.act(refund(stand))
    assert stand.refunded() == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "delete"}, "'delete' is nothing that leaves here"), ({"amount": None}, "amounts that were named differ"),
        ({"amount": Decimal("30.00")}, "amounts that were named differ"), ({"amount": Decimal("0.005")}, "amounts that were named differ"),
        ({"amount": Decimal("-20.00")}, "amounts that were named differ"), ({"currency": "USD"}, "limits are in EUR"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_does_not_leave(stand: Stand, change: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        real(stand, recipe()).act(replace(refund(stand), **change))
    for amount in ("0.005", "-5.00", "0.00"):
        with pytest.raises(Refused, match=r"whole cents|more than nothing"):
            real(stand, recipe()).act(refund(stand, Decimal(amount)))
    assert rows() == [] and stand.refunded() == []


def test_money_goes_to_the_customer_of_the_conversation_alone(staff: Staff, home: Path) -> None:
    with standing(staff, home, 2) as stand:
        with pytest.raises(Refused, match="for another customer"):
            real(stand, recipe()).act(refund(stand, place=1))
        assert stand.entries() == [] and rows() == []


def test_without_a_shop_or_a_channel_nothing_is_written_down(stand: Stand) -> None:
    gate = real(stand, recipe(), ways=Ways())
    with pytest.raises(Refused, match="no shop is connected"):
        gate.act(refund(stand))
    with pytest.raises(Refused, match=r"no channel is connected.*Draft the reply instead"):
        gate.act(wanted("reply", {"text": "Hello"}))
    assert rows() == []


def test_a_reply_goes_out_once_and_is_never_sent_again_when_nobody_knows(stand: Stand) -> None:
    sent: list[str] = []

    def deliver(action: Action) -> str:
        sent.append(action.payload["what"]["text"])
        if len(sent) > 1:
            raise settling.NotKnown("The mail server hung up.")
        return "mail 1"

    ways = Ways(shop=stand.shop, deliver=deliver)
    gate = real(stand, recipe(), ways=ways)
    assert gate.act(wanted("reply", {"text": "Hello"})).ref == "mail 1" == gate.act(wanted("reply", {"text": "Hello"})).ref
    for _ in range(2):
        with pytest.raises(Refused, match=r"hung up"):
            gate.act(wanted("reply", {"text": "Bye"}, name="second"))
    settling.settle(ways=ways, at=now() + DAY)
    assert sent == ["Hello", "Bye"] and [one.state for one in rows()] == ["done", "unknown"]


def planned(stand: Stand, one: Wanted) -> tuple[Trace, Action]:
    """Written down, and then the process was killed."""
    trace = begun(stand, recipe())
    with store.writing() as db:
        payload = actions.payload_of(trace, one)
        return trace, actions.add(db, trace, payload, key=f"{trace.id}:{one.name}", customer_id=stand.customers[0], by=stand.staff.rep)


def test_what_was_written_down_before_a_kill_is_let_out_in_the_background(stand: Stand) -> None:
    planned(stand, refund(stand))
    assert not settling.anything_to_settle()  # whoever wrote it may still be about to
    assert settling.anything_to_settle(at=now() + settling.SETTLES_AFTER)
    settling.settle(ways=Ways(shop=stand.shop), at=now() + settling.SETTLES_AFTER)
    assert stand.refunded() == [2000] and rows()[0].state == "done"


def test_what_was_written_down_in_a_run_that_was_stopped_then_does_not_leave(stand: Stand) -> None:
    trace, action = planned(stand, refund(stand))
    set_state(trace, "stopped")
    assert settling.carry_out(action.id, ways=Ways(shop=stand.shop)).state == "refused"
    assert stand.refunded() == [] and rows()[0].why == "Not done: Refund 20.00 EUR of order R-1. Before it left, the run was stopped."


def test_what_is_known_stays_known(stand: Stand) -> None:
    real(stand, recipe()).act(refund(stand))
    (row,) = rows()
    assert settling.end(row.id, "refused", why="No.").state == "done" and rows() == [row]
    assert len(audit.newest(by=stand.staff.admin, noun="action")) == 1


def test_a_credit_goes_out_as_a_refund_does(stand: Stand) -> None:
    what = {"customer": stand.customers[0], "order": "R-1", "amount": "5.00", "currency": "EUR", "reason": "Late"}
    one = Wanted("credit", "credit", "credit", what, "Credit 5.00 EUR", Decimal("5.00"), "EUR")
    with faults.before(stand.url) as line:
        line.next(faults.dies_after)
        gate = real(stand, recipe(), ways=Ways(shop=Shop(line.url, TOKEN, seconds=2)))
        assert gate.act(one).ref == gate.act(one).ref != ""
    assert [(entry.kind, entry.amount) for entry in stand.ledger.order("R-1", at=now()).entries] == [("credit", 500)]


def test_a_call_is_made_once_and_its_answer_kept(stand: Stand) -> None:
    what = {"method": "GET", "address": f"{stand.url}/health", "body": {}}
    gate = real(stand, recipe(), ways=Ways(addresses=frozenset({stand.url.removeprefix("http://")})))
    for _ in range(2):
        did = gate.act(wanted("call", what))
        assert isinstance(did, calling.Called) and (did.status, did.body) == (200, {"status": "ok"})
    with pytest.raises(Refused, match="none of the addresses"):
        real(stand, recipe()).act(wanted("call", what))
    assert [one.state for one in rows()] == ["done", "refused"]


# What is done here


def test_what_is_done_in_the_portal_is_done_with_its_row(stand: Stand) -> None:
    made = recipe()
    trace = begun(stand, made)
    gate = real(stand, made, trace)
    for one in (
        wanted("tag", {"tag": "late"}), wanted("field", {"field": "priority", "value": "high"}), wanted("draft", {"text": "We look."}),
        wanted("note", {"text": "Wants money.", "to": "Fern"}), wanted("tag", {"tag": "late"}, name="once more"),
    ):  # fmt: skip
        assert gate.act(one).state == "done"
    found = conversations.get(stand.ids[0], by=stand.staff.engineer)
    assert found is not None
    assert (found[0].tags, found[0].extra["priority"], found[0].team_id) == (["late"], "high", stand.staff.fern.id)
    assert (trace_row(trace).said or {}) == {"reply": "We look.", "notes": ["Wants money."]}
    assert {one.state for one in rows()} == {"done"} and audit.broken() is None
    listed = conversations.listed(conversations.Filter(words="tag:late"), by=stand.staff.engineer)
    assert [one.id for one in listed] == stand.ids


def test_a_team_that_is_not_there_leaves_nothing_behind(stand: Stand) -> None:
    with pytest.raises(Refused, match=r"There is no team 'Elm'|there is no team 'Elm'"):
        real(stand, recipe()).act(wanted("route", {"team": "Elm"}))
    assert rows() == []


def test_what_is_done_here_after_a_yes_is_done_once_too(stand: Stand) -> None:
    made = kept(recipe(alone=Alone()), stand.staff)
    trace, proposal_id = asked(stand, made, wanted("tag", {"tag": "late"}))
    assert proposal_row(proposal_id).title == "do tag"
    approvals.approve(proposal_id, by=stand.staff.lead)
    for _ in range(2):
        assert waiting.continue_run(proposal_id, ways=Ways()).state == "done"
    found = conversations.get(stand.ids[0], by=stand.staff.engineer)
    assert found is not None and found[0].tags == ["late"] and state_of(trace) == "running"


# Limits


def test_a_day_of_100_lets_five_of_twenty_runs_at_once_refund_20_each(staff: Staff, home: Path) -> None:
    with standing(staff, home, 20) as stand:
        made = recipe(limits=replace(LIMITS, money_per_day=Decimal(100)))
        gates = [(real(stand, made, begun(stand, made, place)), place) for place in range(20)]

        def run(gate: Real, place: int) -> str:
            try:
                return gate.act(refund(stand, place=place)).state
            except Refused as refused:
                assert "120.00 EUR would be moved in a day, and 100.00 are the limit" in str(refused)
                return "refused"

        with ThreadPoolExecutor(20) as pool:
            came = list(pool.map(lambda one: run(*one), gates))
        assert sorted(came) == ["done"] * 5 + ["refused"] * 15
        assert sum(stand.entries()) == 10_000 and len(rows()) == 5
        spent = actions.spent(made.name, by=staff.rep)
        assert (spent.money_today, spent.runs_today) == (Decimal(100), 5)
        assert actions.spent(made.name, by=staff.rep, at=now() + DAY).runs_today == 0


def test_a_run_and_the_number_of_runs_have_limits_too(staff: Staff, home: Path) -> None:
    with standing(staff, home, 3) as stand:
        made = recipe(limits=replace(LIMITS, runs_per_day=2))
        first = begun(stand, made)
        real(stand, made, first).act(refund(stand))
        with pytest.raises(Refused, match=r"60\.00 EUR would be moved in one run"):  # counted in the table, not in the door
            real(stand, made, first).act(refund(stand, Decimal(40), name="second"))
        real(stand, made, begun(stand, made, 1)).act(refund(stand, place=1))
        real(stand, made, first).act(wanted("tag", {"tag": "late"}))  # one that began may end
        with pytest.raises(Refused, match="changed something 2 times today"):
            real(stand, made, begun(stand, made, 2)).act(refund(stand, place=2))


def test_what_a_customer_got_within_60_days_counts_whichever_recipe_gave_it(stand: Stand) -> None:
    policy = Policy(Decimal(30), passage={"title": "Refunds", "text": "Above 30 EUR in 60 days two people look."})
    one, other = recipe(), recipe(name="broken pot")
    real(stand, one, policy=policy, at=now() - 75 * DAY).act(refund(stand))
    real(stand, one, policy=policy, at=now() - 10 * DAY).act(refund(stand))
    trace, proposal_id = asked(stand, other, policy=policy)
    proposal = proposal_row(proposal_id)
    assert (proposal.kind, proposal.needs) == ("act_twice", 2) and "would have got 40.00 EUR within 60 days" in proposal.why
    assert proposal.evidence["policy"]["title"] == "Refunds"
    assert proposal.evidence["amounts"]["customer in 60 days"] == "20.00"
    assert state_of(trace) == "waiting"


# A person decides


def approved(stand: Stand, made: Recipe, **more: Any) -> tuple[Trace, str]:
    trace, proposal_id = asked(stand, made, **more)
    approvals.approve(proposal_id, by=stand.staff.lead)
    return trace, proposal_id


def asks(stand: Stand, **more: Any) -> Recipe:
    return kept(recipe(alone=ALWAYS_ASKS, **more), stand.staff)


def test_what_a_recipe_may_not_do_alone_waits_and_is_done_once_after_a_yes(stand: Stand) -> None:
    made = asks(stand)
    trace = begun(stand, made)
    told, gate = through(stand, made, trace)
    assert told.state == WAITING and stand.refunded() == [] and rows() == []
    parked = waiting.park(gate, told)
    proposal = proposal_row(parked.proposal_id or "")
    assert (proposal.kind, proposal.title) == ("act_once", "refund 20.00 EUR of order R-1")
    assert proposal.payload["what"]["order"] == "R-1" and proposal.evidence["like"] == {"approved": 0, "refused": 0}
    assert approvals.approve(proposal.id, by=stand.staff.lead).state == "approved"
    for _ in range(3):
        assert waiting.continue_run(proposal.id, ways=Ways(shop=stand.shop)).state == "done"
    (row,) = rows()
    assert (row.idempotency_key, row.proposal_id, stand.refunded()) == (proposal.id, proposal.id, [2000])
    with store.reading() as db:
        assert db.exec(select(func.count()).where(Task.name == "go_on")).one() == 1
    went, _ = resume_by(stand.shop, made, trace, by=stand.staff.rep)
    assert (went.state, [one.name for one in went.spans], stand.refunded()) == (DONE, ["refund", "tag"], [2000])


def test_where_a_run_stands_comes_back_as_it_was(stand: Stand) -> None:
    trace, _ = asked(stand, asks(stand))
    where = waiting.stand_of(trace_row(trace))
    assert where.facts == {"order": {"total": TWENTY}} and isinstance(where.facts["order"]["total"], Decimal)
    assert where.waits_for == "refund"


def test_the_approved_act_is_carried_out_by_its_task(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal import shopkeeping

    trace, proposal_id = approved(stand, asks(stand))
    shopkeeping.file(shopkeeping.ADDRESS).write_text(stand.url)
    shopkeeping.file(shopkeeping.TOKEN).write_text(TOKEN)
    with store.reading() as db:
        task = db.exec(select(Task).where(Task.name == "carry_out")).one()
    for _ in range(2):  # a worker dies before it can say so: it is delivered again
        with store.writing() as db:
            db.execute(update(Task).where(col(Task.id) == task.id).values(state="waiting"))
        taken = tasks.take(task.id, "here")
        assert taken is not None
        jobs.run(taken)
        ended = tasks.get(task.id)
        assert ended is not None and (ended.state, ended.error) == ("done", "")
    assert stand.refunded() == [2000] and proposal_row(proposal_id).state == "done" and state_of(trace) == "running"


def test_a_run_that_is_begun_anew_does_not_look_again_at_what_it_changed(stand: Stand) -> None:
    most = f"{Decimal(PAID).scaleb(-2):.2f}"  # all that was paid: nothing is left to be refunded then
    made = kept(
        recipe((ACTS[0], replace(REFUND, given={**REFUND.given, "amount": most}), ACTS[2]), limits=WIDE, alone=ALL_ALONE), stand.staff
    )
    trace = begun(stand, made)
    for _ in range(2):
        told, _ = through(stand, made, trace)
        assert (told.state, told.why, stand.refunded()) == (DONE, "", [PAID])
    assert told.facts["refund"]["ref"]


def test_after_the_yes_the_run_goes_on_to_its_end_by_itself(stand: Stand) -> None:
    from portal import shopkeeping

    shopkeeping.file(shopkeeping.ADDRESS).write_text(stand.url)
    shopkeeping.file(shopkeeping.TOKEN).write_text(TOKEN)
    trace, _ = approved(stand, asks(stand))
    jobs.run_waiting()
    assert stand.refunded() == [2000] and state_of(trace) == "done"
    with store.reading() as db:
        assert [one.act for one in db.exec(select(Action).order_by(Action.id))] == ["refund", "tag"]
        (task,) = db.exec(select(Task).where(Task.name == "go_on"))
    going_on.go_on(trace.id, ways=Ways(shop=stand.shop), connected=Connected(shop=stand.shop), steps=STEPS)  # delivered again
    assert stand.refunded() == [2000] and state_of(trace) == "done" and task.state == "done"


def test_the_same_run_twice_at_once_asks_one_person_once(stand: Stand) -> None:
    made = asks(stand)
    trace = begun(stand, made)
    (told, first), (_, second) = through(stand, made, trace), through(stand, made, trace)
    ids = {waiting.park(gate, told).proposal_id for gate in (first, second)}
    with store.reading() as db:
        assert len(ids) == 1 and db.exec(select(func.count()).select_from(Proposal)).one() == 1


def test_a_payload_that_was_changed_after_the_yes_is_not_done(stand: Stand) -> None:
    _, proposal_id = approved(stand, asks(stand))
    payload = proposal_row(proposal_id).payload
    with store.writing() as db:
        changed = {**payload, "amount": "40.00", "what": {**payload["what"], "amount": "40.00"}}
        db.execute(update(Proposal).where(col(Proposal.id) == proposal_id).values(payload=changed))
    with pytest.raises(Refused, match="is not what was approved"):
        waiting.continue_run(proposal_id, ways=Ways(shop=stand.shop))
    assert rows() == [] and stand.refunded() == []


def test_who_proposed_it_cannot_approve_it_nor_can_another_team(stand: Stand) -> None:
    made = asks(stand)
    _, proposal_id = asked(stand, made, by=stand.staff.lead)
    with pytest.raises(Denied, match="Leo proposed or built this"):
        approvals.approve(proposal_id, by=stand.staff.lead)
    for stranger in (stand.staff.rep, stand.staff.other, stand.staff.engineer, stand.staff.admin):
        with pytest.raises(Denied):
            approvals.approve(proposal_id, by=stranger)
    with pytest.raises(Refused, match="is open"):
        waiting.continue_run(proposal_id, ways=Ways(shop=stand.shop))
    assert stand.refunded() == []


def test_two_have_to_say_yes_where_the_recipe_says_so(stand: Stand) -> None:
    made = kept(recipe(alone=replace(ALWAYS_ASKS, approvers=2)), stand.staff)
    _, proposal_id = asked(stand, made)
    lea = people.add("Lea", "lea@example.com", "lead", by=people.console(), team=stand.staff.oak)
    assert approvals.approve(proposal_id, by=stand.staff.lead).state == "open"
    with pytest.raises(Refused, match="is open"):
        waiting.continue_run(proposal_id, ways=Ways(shop=stand.shop))
    assert approvals.approve(proposal_id, by=lea).state == "approved"
    assert waiting.continue_run(proposal_id, ways=Ways(shop=stand.shop)).state == "done"


def test_who_may_not_propose_it_is_told_so_in_the_step(stand: Stand) -> None:
    with pytest.raises(Denied, match="an engineer may not propose a refund"):
        real(stand, recipe(alone=ALWAYS_ASKS), by=stand.staff.engineer).act(refund(stand))


def test_what_nobody_agreed_to_hands_the_run_to_a_person_with_the_reason(stand: Stand) -> None:
    trace, proposal_id = asked(stand, asks(stand))
    approvals.refuse(proposal_id, by=stand.staff.lead, why="It was not late.")
    assert settling.anything_to_settle()
    assert settling.settle(ways=Ways()).endswith("1 runs were handed to people.")
    assert state_of(trace) == "handed_over"
    assert (trace_row(trace).state_json or {})["why"] == "'refund 20.00 EUR of order R-1' was refused: It was not late."
    other, _ = asked(stand, recipe(alone=ALWAYS_ASKS))
    approvals.lapse_old(at=now() + 15 * DAY)
    settling.settle(ways=Ways())
    assert state_of(other) == "handed_over" and "decided by nobody in time" in str((trace_row(other).state_json or {})["why"])


def test_how_people_decided_on_the_like_stands_beside_it(stand: Stand) -> None:
    made = asks(stand)
    _, first = asked(stand, made)
    approvals.refuse(first, by=stand.staff.lead, why="It was not late.")
    _, second = approved(stand, made)
    waiting.continue_run(second, ways=Ways(shop=stand.shop))
    _, third = asked(stand, made)
    assert proposal_row(third).evidence["like"] == {"approved": 1, "refused": 1}
    assert proposal_row(third).evidence["sentence"].endswith("1 of 2 like it were approved.")


def test_the_days_limit_is_held_when_the_yes_comes_too(staff: Staff, home: Path) -> None:
    with standing(staff, home, 2) as stand:
        made = kept(recipe(limits=replace(LIMITS, money_per_day=Decimal(30)), alone=ALWAYS_ASKS), staff)
        _, proposal_id = approved(stand, made)
        alone = replace(made, alone=ALONE)
        real(stand, alone, begun(stand, made, 1)).act(refund(stand, place=1))
        with pytest.raises(Refused, match=r"40\.00 EUR would be moved in a day, and 30\.00 are the limit"):
            waiting.continue_run(proposal_id, ways=Ways(shop=stand.shop))
        assert stand.refunded(0) == [] and proposal_row(proposal_id).state == "approved"  # the job then says that it failed


def test_of_two_that_did_the_same_run_the_slower_changes_nothing(stand: Stand) -> None:
    made = asks(stand)
    trace = begun(stand, made)
    told, gate = through(stand, made, trace)
    assert waiting.close(gate, told).state == "waiting"
    late = real(stand, made, trace)
    with pytest.raises(Refused, match="the run is waiting"):
        late.act(refund(stand, name="another"))
    assert waiting.close(late, Told(HANDED_OVER, (), {}, "It is waiting.")).state == "waiting"
    other, ended = begun(stand, made), real(stand, made)
    assert waiting.close(ended, Told(HANDED_OVER, (), {}, "Too old.")).state_json == {"why": "Too old."}
    assert state_of(other) == "running"


def test_a_yes_to_a_run_that_was_stopped_meanwhile_does_nothing(stand: Stand) -> None:
    trace, proposal_id = approved(stand, asks(stand))
    set_state(trace, "stopped")
    with pytest.raises(Refused, match="does not wait for it any more: it is stopped"):
        waiting.continue_run(proposal_id, ways=Ways(shop=stand.shop))
    assert rows() == [] and stand.refunded() == []


# Who sees it


def test_who_may_not_read_the_conversation_sees_nothing_of_what_was_done_in_it(stand: Stand) -> None:
    trace = begun(stand, recipe())
    real(stand, recipe(), trace).act(refund(stand))
    for reader, count in ((stand.staff.rep, 1), (stand.staff.engineer, 1), (stand.staff.other, 0), (people.console(), 0)):
        assert len(actions.of_trace(trace.id, by=reader)) == len(actions.of_conversation(stand.ids[0], by=reader)) == count
    with pytest.raises(Denied):
        actions.of_trace(trace.id, by=Person(name="x", email="x", role="visitor"))


def test_everything_that_was_done_stands_in_the_record(stand: Stand) -> None:
    real(stand, recipe()).act(refund(stand))
    (entry,) = audit.newest(by=stand.staff.admin, noun="action")
    assert (entry.verb, entry.sentence) == ("did", "Refund 20.00 EUR of order R-1: done, by recipe 'late parcel' 1.")
    assert entry.after is not None and entry.after["ref"] == rows()[0].provider_ref
