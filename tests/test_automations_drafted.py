"""A recipe's draft waits for a person's word: taken, taken in other words, refused; by whoever may reply to that customer."""

import pytest

from automations import RECIPE, arriving, drafted, recipes
from automations.arriving import Means
from automations.conversing import Connected
from automations.recipe import Act, Alone, Limits, Recipe
from automations.settling import Ways
from automations.steps.all import STEPS
from data import releases, store, traces
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Trace
from data.values import LIVE, SHADOW, Subject, Target, now
from tests.conftest import Staff
from tests.conversations import canonical

DRAFTS = Recipe(
    "thanks", "Thanks", acts=(Act("draft reply", "reply", {"text": "Thank you. Call me at +49 151 23456789."}),),
    limits=Limits(runs_per_day=50), alone=Alone(changes=("draft reply",)),
)  # fmt: skip
MEANS = Means(Ways(), Connected(), STEPS)


def comes(staff: Staff, count: int = 1) -> list[str]:
    said = [canonical(number, team="Oak", opened_at=now()) for number in range(1, count + 1)]
    return list(door.receive(said, by=staff.engineer, classify=False).ids)


def in_force(staff: Staff, made: Recipe = DRAFTS) -> None:
    recipes.save(made, why="So it is.", based_on=None, by=staff.rep)
    with store.writing() as db:
        releases.go_live(db, Target(RECIPE, made.name, 1), proposal_id=None, why_before_ends="", by=staff.lead)


def draft(staff: Staff) -> Trace:
    in_force(staff)
    (one,) = comes(staff)
    (trace,) = arriving.arrived([one], means=MEANS).live
    return trace


def test_a_draft_is_there_once_and_waits_for_a_word(staff: Staff) -> None:
    trace = draft(staff)
    again = arriving.arrived([str(trace.conversation_id)], means=MEANS).live
    assert [one.id for one in again] == [trace.id] and again[0].state == "done"
    (found,) = drafted.of_conversation(str(trace.conversation_id), by=staff.rep)
    assert drafted.reply_of(found).startswith("Thank you.") and "23456789" not in drafted.reply_of(found)
    assert drafted.waiting_for_a_word([found]) == found


@pytest.mark.parametrize(("outcome", "better", "kept"), [
    ("accepted", "", ""), ("edited", "Thanks, call 0151 23456789.", "Thanks, call ‹PHONE›."), ("refused", "", ""),
])  # fmt: skip
def test_what_becomes_of_it_is_kept_and_the_last_word_counts(staff: Staff, outcome: str, better: str, kept: str) -> None:
    trace = draft(staff)
    drafted.decide(trace.id, "refused", by=staff.rep)
    decided = drafted.decide(trace.id, outcome, better=better, by=staff.rep)
    assert (decided.outcome, decided.decided_by_id) == (outcome, staff.rep.id)
    assert "23456789" not in decided.better and bool(decided.better) == bool(kept)
    assert drafted.waiting_for_a_word([decided]) is None


def test_what_cannot_be_decided_is_said(staff: Staff) -> None:
    trace = draft(staff)
    for outcome, better, told in (("perhaps", "", "take the draft"), ("edited", "  ", "write the reply")):
        with pytest.raises(Refused, match=told):
            drafted.decide(trace.id, outcome, better=better, by=staff.rep)
    with pytest.raises(Refused, match="not here"):
        drafted.decide("nothing", "accepted", by=staff.rep)
    with pytest.raises(Denied):
        drafted.decide(trace.id, "accepted", by=staff.other)
    with pytest.raises(Denied):
        drafted.decide(trace.id, "accepted", by=staff.admin)
    assert drafted.of_conversation(str(trace.conversation_id), by=staff.other) == []


def test_what_only_ran_beside_and_what_drafted_nothing_is_not_decided_on(staff: Staff) -> None:
    (one,) = comes(staff)
    with store.writing() as db:
        target, subject = Target(RECIPE, "thanks", 1), Subject(one, 1)
        beside = traces.answered(db, target, {"reply": "Hello"}, by=None, mode=SHADOW, subject=subject)
        silent = traces.answered(db, target, {}, by=None, mode=LIVE, subject=subject)
    for trace, told in ((beside, "not here"), (silent, "drafted no reply")):
        with pytest.raises(Refused, match=told):
            drafted.decide(trace.id, "accepted", by=staff.rep)
    assert [found.id for found in drafted.of_conversation(one, by=staff.rep)] == [silent.id]
