"""A run that waits goes on: when the customer answered what it asked, and with the customer's limit still in force."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from automations import RECIPE, actions, arriving, limits, recipes, replay, settling, waiting
from automations.arriving import Means
from automations.conversing import Connected
from automations.recipe import Act, Alone, Limits, Recipe
from automations.settling import Ways
from automations.steps.all import STEPS
from data import approvals, releases, store
from data.intake import appending, door
from data.intake.canonical import CanonicalMessage
from data.tables import Action, Trace
from data.values import Target, now
from portal import jobs
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_automations_actions import ACTS, ALL, recipe, standing

ASK = Act("ask for a missing detail", "asked", {"question": "Which order is it?", "detail": "order number"})
TAG = Act("tag", "marked", {"tag": "{{asked.answer}}"})
ASKS = Recipe("asks", "Asks", acts=(ASK, TAG), limits=Limits(runs_per_day=50), alone=Alone(changes=("ask for a missing detail", "tag")))


def in_force(staff: Staff, made: Recipe) -> None:
    recipes.save(made, why="So it is.", based_on=None, by=staff.rep)
    with store.writing() as db:
        releases.go_live(db, Target(RECIPE, made.name, 1), proposal_id=None, why_before_ends="", by=staff.rep)


def comes(staff: Staff) -> str:
    told = canonical(1, team="Oak", channel="chat", opened_at=now(), messages=[{"role": "customer", "text": "Where is it?", "id": "a"}])
    (made,) = door.receive([told], by=staff.engineer, classify=False).ids
    return str(made)


def writes(staff: Staff, text: str, number: str = "b") -> None:
    appending.append(("test", "1"), [CanonicalMessage(role="customer", text=text, id=number)], by=staff.engineer)


def means(sent: list[str], *, slow: float = 0.0) -> Means:
    def deliver(action: Action) -> str:
        time.sleep(slow)
        sent.append(str(action.payload["what"]["text"]))
        return f"sent {len(sent)}"

    return Means(Ways(deliver=deliver), Connected(), STEPS)


def arrived(conversation_id: str, with_: Means) -> Trace:
    (trace,) = arriving.arrived([conversation_id], means=with_).live
    return trace


def did(trace: Trace, staff: Staff) -> list[tuple[str, str]]:
    return [(one.act, one.state) for one in actions.of_trace(trace.id, by=staff.rep)]


def test_a_run_that_asked_the_customer_goes_on_with_their_answer_once(staff: Staff) -> None:
    in_force(staff, ASKS)
    made, sent = comes(staff), list[str]()
    waits = arrived(made, means(sent))
    assert (waits.state, sent) == ("waiting", ["Which order is it?"])
    assert arrived(made, means(sent)).state == "waiting" and len(sent) == 1  # nobody wrote yet
    writes(staff, "fg-1")
    assert waits.id in [one.id for one in arriving.arrived([made], means=means(sent)).live]
    with store.reading() as db:
        assert db.get_one(Trace, waits.id).state == "done"
    assert did(waits, staff) == [("asked", "done"), ("marked", "done")]
    assert actions.of_trace(waits.id, by=staff.rep)[1].payload["what"]["tag"] == "fg-1"
    assert replay.replay(waits.id, steps=STEPS, by=staff.rep).exact
    jobs.run_waiting()  # what was put down for a death finds it done
    assert did(waits, staff) == [("asked", "done"), ("marked", "done")]


def test_what_was_put_down_goes_on_where_nobody_got_to_it(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    in_force(staff, ASKS)
    made, sent = comes(staff), list[str]()
    waits = arrived(made, means(sent))
    writes(staff, "fg-2")
    assert waiting.answered(made) == [waits.id]  # and there the process dies
    assert waiting.answered(made) == []
    jobs.run_waiting()
    with store.reading() as db:
        assert db.get_one(Trace, waits.id).state == "done"


def test_a_question_that_needs_a_yes_is_asked_after_it_and_then_waits_for_the_customer(staff: Staff) -> None:
    in_force(staff, replace(ASKS, alone=Alone(changes=("tag",))))
    made, sent = comes(staff), list[str]()
    parked = arrived(made, means(sent))
    assert (parked.state, sent) == ("waiting", []) and parked.proposal_id
    writes(staff, "hello?")  # it is no answer: nothing was asked yet
    assert arriving.waiting.answered(made) == []
    approvals.approve(str(parked.proposal_id), by=staff.lead)
    waiting.continue_run(str(parked.proposal_id), ways=means(sent).ways)
    assert sent == ["Which order is it?"]


def test_the_limit_of_a_customer_holds_in_a_run_that_is_in_force_and_in_one_that_goes_on(staff: Staff, home: Path) -> None:
    again = replace(ACTS[1], name="again")
    twice = replace(recipe((*ACTS, again)), alone=Alone(money=Decimal(100), changes=ALL))
    proposal = limits.propose("30", "EUR", 60, why="Goodwill", by=staff.engineer)
    approvals.approve(proposal.id, by=staff.admin)
    jobs.run_waiting()
    assert limits.policy("EUR") is not None
    with standing(staff, home) as stand:
        in_force(staff, twice)
        trace = arrived(stand.ids[0], Means(Ways(shop=stand.shop), Connected(shop=stand.shop), STEPS))
        assert trace.state == "waiting" and stand.entries() == [2000]
        with store.reading() as db:
            told = db.get_one(approvals.Proposal, trace.proposal_id)
        assert told.kind == "act_twice" and "two people decide" in told.why


def at_once(ask: Callable[[], Any], many: int) -> list[Any]:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(ask())) for _ in range(many)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return found


def test_of_two_who_run_it_at_once_the_slower_one_hears_what_the_first_did(staff: Staff) -> None:
    says = Act("send reply", "reply", {"text": "It comes tomorrow."})
    late = Act("tag", "late", {"tag": "late"})
    in_force(staff, replace(ASKS, acts=(says, late), alone=Alone(changes=("send reply", "tag"))))
    made, sent = comes(staff), list[str]()
    found = at_once(lambda: arrived(made, means(sent, slow=0.7)), 2)
    assert len(sent) == 1 and len({one.id for one in found}) == 1
    with store.reading() as db:
        assert db.get_one(Trace, found[0].id).state == "done"
    assert did(found[0], staff) == [("reply", "done"), ("late", "done")]


def test_where_a_run_stands_is_sealed_and_forgotten_when_it_ends(staff: Staff, home: Path) -> None:
    with standing(staff, home) as stand:
        in_force(staff, recipe((Act("look up customer", "who"), *ACTS), alone=Alone(changes=("tag",))))
        waits = arrived(stand.ids[0], Means(Ways(shop=stand.shop), Connected(shop=stand.shop), STEPS))
        assert waits.state == "waiting" and waiting.stand_of(waits).facts["who"]["name"] == "Jo 0"
        assert "Jo 0" not in str(waits.state_json)
        approvals.refuse(str(waits.proposal_id), by=staff.lead, why="Not this one.")
        settling.settle(ways=Ways(shop=stand.shop))
        with store.reading() as db:
            ended = db.get_one(Trace, waits.id, populate_existing=True)
        assert ended.state == "handed_over" and "facts" not in (ended.state_json or {})
