"""A recipe is run step by step: what each gives the next one knows, what fails ends it as its author said, and a yes continues it once."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from automations import recipe, running
from automations.door import ASKED, WOULD, Did, Faked, Held, Spent, Waits, Wanted
from automations.recipe import Recipe
from automations.running import Stand
from automations.steps.face import Declaration, Field
from automations.world import World
from data.errors import Refused

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
FACTS = {"conversation": {"id": "c1", "channel": "chat"}, "message": {"text": "Where is it?"}}


class Notes:
    """Says what it is given, and remembers."""

    declaration = Declaration("note", "Note", "Says it.", "edit", (Field("text", "Text", "text"),), (), False, "none")

    def __init__(self) -> None:
        self.heard: list[str] = []

    def run(self, given: Mapping[str, Any], world: World) -> dict[str, Any]:
        if given["text"] == "fail":
            raise Refused("It did not work.")
        self.heard.append(given["text"])
        return {"said": given["text"], "ends": given["text"] == "over to you"}


class Pays:
    declaration = Declaration("pay", "Pay", "Pays.", "payments", (Field("amount", "Amount", "money"),), (), True, "high")

    def run(self, given: Mapping[str, Any], world: World) -> dict[str, Any]:
        amount = Decimal(str(given["amount"]))
        did = world.door.act(Wanted(world.act, "pay", "refund", {"amount": str(amount)}, f"Pay {amount} EUR", amount, "EUR"))
        return {"amount": amount, "state": did.state}

    def gave(self, did: Did) -> dict[str, Any]:
        return {"ref": did.ref}


def made(*steps: Any, **more: Any) -> Recipe:
    return recipe.of({"name": "lost-parcel", "title": "Lost parcel", "steps": list(steps), **more})


def note(text: str, name: str = "first", **more: Any) -> dict[str, Any]:
    return {"name": name, "step": "note", "with": {"text": text}, **more}


def pay(amount: str, **more: Any) -> dict[str, Any]:
    return {"name": "money", "step": "pay", "with": {"amount": amount}, **more}


def run(one: Recipe, door: Any = None, notes: Notes | None = None, **more: Any) -> running.Told:
    steps = {"note": notes or Notes(), "pay": Pays()}
    return running.run(one, FACTS | more.pop("facts", {}), World(door or Faked(Held(one)), AT, "k", channel="chat", **more), steps)


# -- through its steps --------------------------------------------------------------------------------------------------------------------


def test_each_step_knows_what_those_before_it_gave() -> None:
    told = run(made(note("{{message.text}}"), note("You asked: {{first.said}}", "second")))
    assert told.state == running.DONE and told.facts["second"]["said"] == "You asked: Where is it?"
    assert [(one.name, one.state) for one in told.spans] == [("first", "done"), ("second", "done")]


def test_what_a_step_says_is_never_read_as_a_gap() -> None:
    told = run(made(note("{{message.text}}"), note("{{first.said}}", "second")), facts={"message": {"text": "{{conversation.id}}"}})
    assert told.facts["second"]["said"] == "{{conversation.id}}"


def test_a_step_whose_condition_does_not_hold_is_left_out_and_the_others_done_instead() -> None:
    when = {"message.text": {"contains": "refund"}}
    one = made(note("yes", when=when, otherwise=[note("no", "instead")]), note("after", "last"))
    assert [(span.name, span.state) for span in run(one).spans] == [("first", "skipped"), ("instead", "done"), ("last", "done")]
    asked = run(one, facts={"message": {"text": "A refund, please"}})
    assert [(span.name, span.state) for span in asked.spans] == [("first", "done"), ("last", "done")]


@pytest.mark.parametrize(("on_failure", "state", "last"), [("hand over", "handed_over", 1), ("stop", "stopped", 1), ("go on", "done", 2)])
def test_a_step_that_fails_ends_it_as_its_author_said(on_failure: str, state: str, last: int) -> None:
    told = run(made(note("fail", **{"on failure": on_failure}), note("after", "second")))
    assert (told.state, len(told.spans)) == (state, last) and told.spans[0].why == "It did not work."
    assert told.why == ("" if on_failure == "go on" else "It did not work.")


def test_a_step_may_hand_over_and_nothing_is_done_behind_it() -> None:
    notes = Notes()
    told = run(made(note("over to you"), note("after", "second")), notes=notes)
    assert told.state == running.HANDED_OVER and notes.heard == ["over to you"]


def test_a_gap_that_nothing_fills_is_a_failure_in_words() -> None:
    told = run(made(note("{{order.total}}")))
    assert told.state == running.HANDED_OVER and "'order.total' is not known" in told.why


# -- what it is for -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "facts", "why"),
    [
        ({"channels": ["email"]}, {}, "It is for email, and this came by chat."),
        ({"trigger": {"kind": "intent", "intent": "refund", "confidence": 0.8}}, {}, "nothing that was recognised"),
        ({"trigger": {"kind": "intent", "intent": "refund", "confidence": 0.8}}, {"intent": {"name": "refund", "confidence": 0.7}}, "80%"),
        ({"when": {"message.text": {"contains": "parcel"}}}, {}, "Its condition does not hold"),
    ],
)
def test_what_it_is_not_for_it_leaves_alone_and_says_why(more: dict[str, Any], facts: dict[str, Any], why: str) -> None:
    told = run(made(note("x"), **more), facts=facts)
    assert told.state == running.SKIPPED and not told.spans and why in told.why


def test_what_it_is_for_it_does() -> None:
    trigger = {"kind": "intent", "intent": "refund", "confidence": 0.8}
    one = made(note("x"), channels=["chat"], trigger=trigger, when={"message.text": {"contains": "where"}})
    assert run(one, facts={"intent": {"name": "refund", "confidence": 0.8}}).state == running.DONE


# -- limits, and what needs a yes ---------------------------------------------------------------------------------------------------------

LIMITS = {"money per run": 50, "money per day": 100, "runs per day": 5, "currency": "EUR"}
ALONE = {"money": 20, "changes": ["pay"]}


def tried(amount: str, *, spent: Spent = Spent(), limits: dict[str, Any] = LIMITS, alone: dict[str, Any] = ALONE) -> tuple[str, list[Did]]:
    one = made(pay(amount), limits=limits, alone=alone)
    door = Faked(Held(one, spent))
    return run(one, door).why, door.held.did


def test_within_its_limits_it_would_be_done_alone_and_above_them_a_person_would_be_asked() -> None:
    assert [did.state for did in tried("20")[1]] == [WOULD]
    assert [did.state for did in tried("20.01")[1]] == [ASKED]
    assert [did.state for did in tried("5", alone={"money": 20})[1]] == [ASKED]  # of a kind that it does not do alone


@pytest.mark.parametrize(
    ("amount", "spent", "words"),
    [
        ("50.01", Spent(), "50.01 EUR would be moved in one run, and 50.00 are the limit"),
        ("30", Spent(Decimal("70.01")), "100.01 EUR would be moved in a day, and 100.00 are the limit"),
        ("1", Spent(runs_today=5), "changed something 5 times today"),
        ("0", Spent(), "An amount is more than nothing"),
    ],
)
def test_above_a_limit_nothing_is_done_whoever_says_yes(amount: str, spent: Spent, words: str) -> None:
    why, did = tried(amount, spent=spent)
    assert words in why and not did


def test_another_currency_than_the_limits_are_in_is_refused() -> None:
    assert "limits are in USD" in tried("5", limits=LIMITS | {"currency": "USD"})[0]


def test_an_act_that_is_named_like_what_it_may_do_alone_needs_a_yes_all_the_same() -> None:
    one = made({**pay("5"), "name": "note"}, limits=LIMITS, alone={"money": 20, "changes": ["note"]})
    door = Faked(Held(one))
    run(one, door)
    assert [did.state for did in door.held.did] == [ASKED]


def test_what_was_done_before_a_run_was_cut_off_is_not_done_again() -> None:
    class Knows(Faked):
        def before(self, name: str) -> Did | None:
            return Did(Wanted(name, "pay", "refund", {}, "Pay 30 EUR"), "done", "ref 1") if name == "money" else None

    one = made(pay("30"), note("{{money.ref}}"), limits=LIMITS, alone=ALONE)
    told = run(one, door := Knows(Held(one)))
    assert told.state == running.DONE and told.facts["first"]["said"] == "ref 1" and not door.held.did


def test_two_payments_of_one_run_count_together() -> None:
    one = made(pay("30"), {**pay("30"), "name": "more"}, limits=LIMITS, alone=ALONE | {"money": 50})
    door = Faked(Held(one))
    assert "60.00 EUR would be moved in one run" in run(one, door).why and len(door.held.did) == 1


# -- a person decides ---------------------------------------------------------------------------------------------------------------------


class Asks:
    def before(self, name: str) -> None:
        return None

    def act(self, wanted: Wanted) -> Did:
        raise Waits(wanted, "Somebody decides.")


def test_a_run_that_waits_goes_on_where_it_was_and_does_nothing_twice() -> None:
    notes, one = (
        Notes(),
        made(note("before"), note("never", "no", when={"message.text": {"contains": "x"}}), pay("10"), note("after", "last")),
    )
    told = run(one, Asks(), notes)
    assert (told.state, told.why) == (running.WAITING, "Somebody decides.") and notes.heard == ["before"]
    stand = Stand.of(told)
    assert (stand.done, stand.skipped, stand.waits_for) == ({"first"}, {"no"}, "money")
    world = World(Asks(), AT, "k", channel="chat")
    again = running.resume(one, stand, {"amount": "10"}, world, {"note": notes, "pay": Pays()})
    assert again.state == running.DONE and notes.heard == ["before", "after"] and again.facts["money"] == {"amount": "10"}
    assert [span.name for span in again.spans] == ["money", "last"]


def test_a_run_may_wait_more_than_once() -> None:
    notes, one = Notes(), made(pay("10"), note("between"), {**pay("5"), "name": "more"}, note("after", "last"))
    first = Stand.of(run(one, Asks(), notes))
    world, steps = World(Asks(), AT, "k", channel="chat"), {"note": notes, "pay": Pays()}
    told = running.resume(one, first, {}, world, steps)
    second = Stand.of(told, first)
    assert (told.state, second.waits_for, second.done) == (running.WAITING, "more", {"money", "first"})
    assert running.resume(one, second, {}, world, steps).state == running.DONE and notes.heard == ["between", "after"]


def test_nothing_that_a_run_learns_changes_what_it_was_given() -> None:
    facts: dict[str, Any] = {"order": {"items": ["fern"]}}
    told = run(made(note("x")), facts=facts)
    told.facts["order"]["items"].append("moss")
    assert facts == {"order": {"items": ["fern"]}}
