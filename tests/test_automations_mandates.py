"""The policy: whatever a recipe says, a machine does on an intent what people left to it, and stricter holds at once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from automations import (
    arriving,
    backtest,
    causes,
    conversing,
    decision,
    failures,
    gate,
    mandated,
    mandates,
    measuring,
    recipes,
    responding,
    settling,
    trying,
)
from automations.arriving import Means
from automations.conversing import Connected
from automations.door import ASKED, Waits
from automations.mandates import ALONE, NEVER, OTHERS, PROPOSE, UNKNOWN, Line, line
from automations.recipe import BUTTON, GO_ON, INTENT, Act, Alone, Recipe, Trigger
from automations.running import HANDED_OVER
from automations.settling import Ways
from automations.shop import faults
from automations.steps.all import STEPS
from classifiers import labels
from data import access, approvals, audit, people, predictions, releases, reviews, settings, store
from data.errors import Denied, Refused
from data.tables import Proposal, Setting, Trace
from data.values import LIVE, SHADOW, Target, new_id, now
from evals import changes, freezing, sets
from evals.cases import NewCase
from portal import jobs
from tests.conftest import Staff
from tests.test_automations_actions import ACTS, ALL, Stand, real, recipe, refund, rows, standing, state_of, unknown
from tests.test_automations_going_on import in_force
from tests.test_automations_release import KNOWN

REPLY = Act("send reply", "reply", {"text": "It is on its way."})
DRAFT = Act("draft reply", "draft", {"text": "It is on its way."})
NOTE = Act("hand over", "person", {"summary": "Somebody complains."})
FREE = Alone(money=Decimal(30), changes=ALL)
SENTENCE = "'Complaint about staff' is people's work: nothing is done by a machine."


@pytest.fixture
def stand(staff: Staff, home: Path) -> Iterator[Stand]:
    with standing(staff, home) as made:
        yield made


def intent(staff: Staff, name: str = "Complaint about staff") -> str:
    return str(labels.add(name, by=staff.lead).id)


def machine_says(conversation_id: str, label_id: str | None, *also: str) -> None:
    row = {
        "id": new_id(), "conversation_id": conversation_id, "seq": 1, "target_kind": "classifier", "target_name": "intent",
        "target_number": 1, "mode": LIVE, "label_id": label_id, "confidence": 0.9, "top": [], "threshold": 0.5, "at": now(),
        "also": list(also), "why": "",
    }  # fmt: skip
    with store.writing() as db:
        predictions.add(db, [row])


def held(staff: Staff, key: str, may: str, **more: Any) -> Setting:
    return mandates.tighten(key, line(may, **more), why="It takes a person.", by=staff.rep)


def loosened(staff: Staff, key: str, wanted: Line | None) -> Proposal:
    return mandates.propose(key, wanted, why="It went well for a month.", by=staff.lead)


def about(conversation_id: str) -> mandates.Mandate:
    with store.reading() as db:
        found = mandates.of(db, conversation_id)
    assert found is not None
    return found


def means(stand: Stand) -> Means:
    return Means(Ways(shop=stand.shop), Connected(shop=stand.shop), STEPS)


def by_itself(stand: Stand, made: Recipe) -> Trace:
    in_force(stand.staff, made)
    (trace,) = arriving.arrived(stand.ids, means=means(stand)).live
    return trace


def by_a_button(stand: Stand, made: Recipe) -> Trace:
    in_force(stand.staff, replace(made, trigger=Trigger(BUTTON, button="Pay back")))
    return arriving.press(made.name, stand.ids[0], by=stand.staff.rep, means=means(stand))


def by_a_program(stand: Stand, made: Recipe) -> Trace:
    in_force(stand.staff, made)
    (ran,) = responding.respond(stand.ids[0], by=stand.staff.rep, means=means(stand)).runs
    return ran.trace


WAYS = (by_itself, by_a_button, by_a_program)


def why_of(trace: Trace) -> str:
    return str((trace.state_json or {}).get("why", ""))


# -- what the door obeys ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_on_an_intent_that_is_peoples_work_a_recipe_moves_nothing(stand: Stand, way: Callable[[Stand, Recipe], Trace]) -> None:
    machine_says(stand.ids[0], key := intent(stand.staff))
    held(stand.staff, key, NEVER)
    trace = way(stand, recipe(alone=FREE))
    assert trace.state == HANDED_OVER and why_of(trace).endswith(f". {SENTENCE}") and why_of(trace).startswith("Not done: Refund 20.00 EUR")
    assert stand.refunded() == [] and rows() == []


@pytest.mark.parametrize("way", WAYS)
def test_with_the_policy_off_the_same_recipe_pays(stand: Stand, way: Callable[[Stand, Recipe], Trace]) -> None:
    """The control."""
    machine_says(stand.ids[0], intent(stand.staff))
    assert mandates.current() is None
    assert way(stand, recipe(alone=FREE)).state == "done" and stand.refunded() == [2000]


def test_judgement_work_is_peoples_whatever_else_was_said(stand: Stand) -> None:
    machine_says(stand.ids[0], key := intent(stand.staff))
    held(stand.staff, key, ALONE, judgement=True, note="Tell the team lead")
    with pytest.raises(Refused) as refused:
        real(stand, recipe(alone=FREE)).act(refund(stand))
    assert str(refused.value).endswith(f"{SENTENCE} It takes a person's judgement. Tell the team lead.")


@pytest.mark.parametrize("act", [REPLY, DRAFT, Act("tag", "tag", {"tag": "seen"}), Act("route", "route", {"team": "Oak"})])
def test_no_effect_of_any_kind_passes_but_the_note_that_hands_over(stand: Stand, act: Act) -> None:
    machine_says(stand.ids[0], key := intent(stand.staff))
    held(stand.staff, key, NEVER)
    made = recipe((replace(act, on_failure=GO_ON), NOTE), alone=FREE)
    trace = by_itself(stand, made)
    assert trace.state == HANDED_OVER and why_of(trace).startswith("Somebody complains.")
    assert [one.kind for one in rows()] == ["note"]


def test_where_machines_only_propose_a_person_says_yes_and_then_it_is_done(stand: Stand) -> None:
    machine_says(stand.ids[0], key := intent(stand.staff, "Refund"))
    held(stand.staff, key, PROPOSE)
    trace = by_itself(stand, recipe(alone=FREE))
    assert trace.state == "waiting" and stand.refunded() == [] and rows() == []
    with store.reading() as db:
        asked = db.get_one(Proposal, trace.proposal_id)
    assert asked.why.endswith("'Refund' is proposed by machines and decided by people.")
    approvals.approve(asked.id, by=stand.staff.lead)
    arriving.waiting.continue_run(asked.id, ways=Ways(shop=stand.shop))
    assert stand.refunded() == [2000]


def test_drafts_and_notes_need_no_yes_where_machines_propose(stand: Stand) -> None:
    machine_says(stand.ids[0], key := intent(stand.staff, "Refund"))
    held(stand.staff, key, PROPOSE)
    trace = by_itself(stand, recipe((DRAFT, NOTE), alone=FREE))
    assert trace.state == HANDED_OVER and [one.kind for one in rows()] == ["draft", "note"]


def test_left_alone_the_recipes_own_limits_decide(stand: Stand) -> None:
    machine_says(stand.ids[0], key := intent(stand.staff, "Refund"))
    held(stand.staff, OTHERS, NEVER)
    made = loosened(stand.staff, key, line(ALONE))
    approvals.approve(made.id, by=stand.staff.engineer)
    jobs.run_waiting()
    real(stand, recipe(alone=FREE)).act(refund(stand))
    assert stand.refunded() == [2000]
    with pytest.raises(Waits, match=r"Above 30\.00 EUR in a run"):
        real(stand, recipe(alone=FREE)).act(refund(stand, Decimal(40), name="more"))


def test_what_the_recipe_or_its_model_says_of_the_intent_counts_for_nothing(stand: Stand) -> None:
    """A classifier in the recipe says another thing than the store, and so does the text."""
    machine_says(stand.ids[0], key := intent(stand.staff))
    intent(stand.staff, "Refund")
    held(stand.staff, key, NEVER)
    looks = Act("classify", "looked")
    in_force(stand.staff, recipe((looks, *ACTS), alone=FREE))
    sure = Connected(shop=stand.shop, classify=lambda _text: ("Refund", 0.99))
    (trace,) = arriving.arrived(stand.ids, means=Means(Ways(shop=stand.shop), sure, STEPS)).live
    assert trace.state == HANDED_OVER and SENTENCE in why_of(trace) and stand.refunded() == []


# -- what a conversation is about ---------------------------------------------------------------------------------------------------------


def test_what_a_person_said_counts_before_the_machine(stand: Stand) -> None:
    complaint, other = intent(stand.staff), intent(stand.staff, "Refund")
    held(stand.staff, complaint, NEVER)
    machine_says(stand.ids[0], other)
    assert about(stand.ids[0]).may == ALONE
    reviews.record(stand.ids[0], "strong", label_id=complaint, by=stand.staff.rep)
    assert about(stand.ids[0]).may == NEVER and about(stand.ids[0]).about == "'Complaint about staff'"
    reviews.record(stand.ids[0], "strong", label_id=other, by=stand.staff.rep)
    assert about(stand.ids[0]).may == ALONE


def test_a_review_that_names_no_intent_takes_nothing_back(stand: Stand) -> None:
    machine_says(stand.ids[0], key := intent(stand.staff))
    held(stand.staff, key, NEVER)
    reviews.record(stand.ids[0], "weak", by=stand.staff.rep)
    assert about(stand.ids[0]).may == NEVER


def test_of_several_labels_the_strictest_counts(stand: Stand) -> None:
    complaint, other = intent(stand.staff), intent(stand.staff, "Refund")
    held(stand.staff, complaint, NEVER)
    machine_says(stand.ids[0], other, complaint)
    assert about(stand.ids[0]).may == NEVER


def test_without_an_intent_and_with_one_that_nobody_spoke_of_the_two_general_lines_hold(stand: Stand) -> None:
    held(stand.staff, UNKNOWN, NEVER)
    held(stand.staff, OTHERS, PROPOSE)
    assert (about(stand.ids[0]).may, about(stand.ids[0]).about) == (NEVER, "A conversation without a recognised intent")
    machine_says(stand.ids[0], intent(stand.staff, "Refund"))
    assert (about(stand.ids[0]).may, about(stand.ids[0]).about) == (PROPOSE, "'Refund'")


def test_where_the_machine_kept_silent_no_intent_was_recognised(stand: Stand) -> None:
    held(stand.staff, UNKNOWN, NEVER)
    machine_says(stand.ids[0], None)
    assert about(stand.ids[0]).may == NEVER


# -- changing it --------------------------------------------------------------------------------------------------------------------------


def test_looser_is_proposed_approved_by_another_and_then_obeyed(stand: Stand) -> None:
    staff = stand.staff
    machine_says(stand.ids[0], key := intent(staff))
    held(staff, key, NEVER, judgement=True)
    proposal = loosened(staff, key, line(ALONE))
    assert (proposal.kind, proposal.title) == (
        "change_policy", "take the mark of judgement work from 'Complaint about staff': machines act alone",
    )  # fmt: skip
    assert proposal.evidence["sentence"] == (
        "'Complaint about staff': machines act alone, instead of people only, judgement work. What a recipe may do, its own limits say. "
        "It concerns 1 conversation of the last 30 days."
    )
    for person in (staff.lead, staff.rep, staff.other):  # the proposer; without the right
        with pytest.raises(Denied):
            approvals.approve(proposal.id, by=person)
    with pytest.raises(Refused, match="people's work"):
        real(stand, recipe(alone=FREE)).act(refund(stand))
    approvals.approve(proposal.id, by=staff.engineer)
    jobs.run_waiting()
    real(stand, recipe(alone=FREE)).act(refund(stand, name="again"))
    assert stand.refunded() == [2000]
    told = [one.sentence for one in audit.newest(by=staff.admin)]
    assert "Made the policy looser. 'Complaint about staff': machines act alone, instead of people only, judgement work." in told


def test_stricter_holds_at_once_and_stands_in_the_record_with_its_reason(stand: Stand) -> None:
    machine_says(stand.ids[0], key := intent(stand.staff))
    gate_of_it = real(stand, recipe(alone=FREE))
    gate_of_it.act(refund(stand))
    held(stand.staff, key, NEVER)
    with pytest.raises(Refused, match="people's work"):
        gate_of_it.act(refund(stand, name="second"))
    assert stand.refunded() == [2000]
    told = [one.sentence for one in audit.newest(by=stand.staff.admin)]
    assert "Made the policy stricter. 'Complaint about staff': people only, instead of machines act alone. It takes a person." in told


def test_what_a_person_agreed_to_before_is_not_done_once_it_is_peoples_work(stand: Stand) -> None:
    machine_says(stand.ids[0], key := intent(stand.staff))
    held(stand.staff, key, PROPOSE)
    trace = by_itself(stand, recipe(alone=FREE))
    approvals.approve(str(trace.proposal_id), by=stand.staff.lead)
    held(stand.staff, key, NEVER)
    with pytest.raises(Refused, match="people's work"):
        arriving.waiting.continue_run(str(trace.proposal_id), ways=Ways(shop=stand.shop))
    assert stand.refunded() == [] and rows() == []


@pytest.mark.parametrize(("may", "paid"), [(NEVER, []), (PROPOSE, []), (ALONE, [2000])])
def test_what_was_written_down_and_did_not_arrive_is_not_sent_again_under_a_stricter_policy(
    stand: Stand, may: str, paid: list[int]
) -> None:  # fmt: skip
    machine_says(stand.ids[0], key := intent(stand.staff))
    trace, _ = unknown(stand, recipe(), faults.dies_before)
    held(stand.staff, key, may)
    settling.settle(ways=Ways(shop=stand.shop))
    assert stand.refunded() == paid
    if not paid:
        assert state_of(trace) == "handed_over" and "the policy was made stricter: 'Complaint about staff'" in rows()[0].why


def test_setting_refuses_what_loosens_and_proposing_what_does_not(staff: Staff) -> None:
    key = intent(staff)
    held(staff, key, NEVER, judgement=True)
    for wanted in (line(ALONE), line(PROPOSE), line(NEVER), None):  # the mark alone is a step too
        with pytest.raises(Refused, match=r"would be held to less than now \(people only, judgement work\)\. Propose it"):
            mandates.tighten(key, wanted, why="So.", by=staff.lead)
    for wanted in (line(NEVER, judgement=True), line(NEVER, judgement=True, note="Another note.")):
        with pytest.raises(Refused, match="would not be held to less than now"):
            mandates.propose(key, wanted, why="So.", by=staff.lead)
    assert settings.history(mandates.NAME)[0].number == 1
    with pytest.raises(Refused, match="that is so already"):
        held(staff, key, NEVER, judgement=True)
    held(staff, key, NEVER, judgement=True, note="Another note")
    assert settings.history(mandates.NAME)[0].number == 2


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda staff, key: mandates.tighten(key, line(NEVER), why=" ", by=staff.lead), "say in a sentence why"),
        (lambda staff, key: mandates.tighten("gone", line(NEVER), why="So.", by=staff.lead), "there is no such intent any more"),
        (lambda staff, key: mandates.tighten(OTHERS, None, why="So.", by=staff.lead), "is held to nothing else"),
        (lambda staff, key: line("perhaps"), "there is no 'perhaps'. There are alone, propose, never"),
        (lambda staff, key: line(NEVER, note="x" * 301), "300 characters at most, this one has 301"),
    ],
)
def test_what_cannot_be_set_is_said_in_words(staff: Staff, act: Callable[[Staff, str], object], why: str) -> None:
    key = intent(staff)
    with pytest.raises(Refused, match=why):
        act(staff, key)
    assert mandates.current() is None


def test_a_proposal_is_not_carried_out_once_its_line_was_changed_and_others_may_change(staff: Staff) -> None:
    first, second = intent(staff), intent(staff, "Refund")
    held(staff, first, PROPOSE)
    held(staff, second, PROPOSE)
    one, other = loosened(staff, first, line(ALONE)), loosened(staff, second, line(ALONE))
    with pytest.raises(Refused, match="the same change already waits"):
        loosened(staff, first, line(ALONE))
    held(staff, second, NEVER)
    for proposal in (one, other):
        approvals.approve(proposal.id, by=staff.engineer)
    jobs.run_waiting()
    policy = mandates.current()
    assert policy is not None and (policy.line(first).may, policy.line(second).may) == (ALONE, NEVER)
    failed = approvals.get(other.id, by=staff.lead)
    assert failed is not None and failed.state == "failed" and "'Refund' was changed after this was proposed" in failed.outcome


def test_what_follows_everything_else_follows_it_until_it_says_so_itself(staff: Staff) -> None:
    key = intent(staff)
    held(staff, OTHERS, PROPOSE)
    held(staff, key, NEVER)
    policy = mandates.current()
    assert policy is not None and policy.line(key).may == NEVER
    with pytest.raises(Refused, match="Propose it"):
        mandates.tighten(key, None, why="So.", by=staff.lead)
    held(staff, OTHERS, NEVER)
    mandates.tighten(key, None, why="It says the same.", by=staff.lead)
    policy = mandates.current()
    assert policy is not None and policy.intents == {} and policy.line(key).may == NEVER


def test_everybody_may_tighten_and_who_loosens_is_as_with_limits(staff: Staff) -> None:
    key = intent(staff)
    for place, person in enumerate((staff.rep, staff.lead, staff.engineer, staff.admin)):
        mandates.tighten(key, line(PROPOSE, note=f"Note {place}"), why="So.", by=person)
    for person in (staff.rep, staff.admin, people.console()):
        with pytest.raises(Denied):
            mandates.propose(key, line(ALONE), why="So.", by=person)
    with pytest.raises(Denied):
        mandates.tighten(key, line(NEVER), why="So.", by=people.console())
    assert approvals.KINDS[mandates.KIND].approve == "limit.approve" and set(access.TABLE["limit.approve"]) == {"engineer", "admin"}


def test_names_in_a_note_and_a_reason_are_masked(staff: Staff) -> None:
    key = intent(staff)
    mandates.tighten(key, line(NEVER, note="Ask jo.doe@example.org"), why="jo.doe@example.org wrote.", by=staff.lead)
    policy = mandates.current()
    assert policy is not None and "jo.doe" not in policy.line(key).note
    assert not any("jo.doe" in one.sentence for one in audit.newest(by=staff.admin))


# -- where nothing leaves -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("may", "state", "asked"), [(NEVER, HANDED_OVER, 0), (PROPOSE, "done", 2), (ALONE, "done", 0)])
def test_tries_backtests_and_cases_show_what_the_policy_does(stand: Stand, may: str, state: str, asked: int) -> None:
    machine_says(stand.ids[0], key := intent(stand.staff))
    held(stand.staff, key, may)
    made, connected = recipe(alone=FREE), Connected(shop=stand.shop, classify=lambda _text: ("Complaint about staff", 0.9))
    case = conversing.as_it_is(made, stand.ids[0])
    assert case is not None
    past = backtest.line_of(case, made, connected, STEPS)
    assert (past.state, past.asked, past.alone) == (state, asked > 0, may == ALONE) and (SENTENCE in past.breach) == (may == NEVER)
    tried = trying.on(made, stand.ids[0], connected=connected, steps=STEPS, by=stand.staff.rep)
    assert tried.told.state == state and sum(one.state == ASKED for one in tried.did) == asked
    assert (mandates.named("Complaint about staff") or pytest.fail("no policy")).may == may


def test_beside_what_runs_the_policy_of_now_is_noted(stand: Stand) -> None:
    machine_says(stand.ids[0], key := intent(stand.staff))
    held(stand.staff, key, NEVER)
    made = recipe(alone=FREE)
    recipes.save(made, why="So it is.", based_on=None, by=stand.staff.rep)
    with store.writing() as db:
        releases.begin(db, Target("recipe", made.name, 1), proposal_id=None, by_itself=False, by=stand.staff.rep)
    arriving.arrived(stand.ids, means=means(stand))
    with store.reading() as db:
        (trace,) = db.exec(select(Trace).where(Trace.mode == SHADOW)).all()
    assert trace.state == HANDED_OVER and SENTENCE in why_of(trace) and (trace.said or {})["would"] == []


def test_a_case_of_an_eval_set_is_held_to_the_intent_that_the_classifier_gives_it(staff: Staff) -> None:
    held(staff, intent(staff), NEVER)
    made = sets.create("Recipe", purpose="automation", about="late parcel", by=staff.lead)
    does = {"tool_calls": [{"name": "tag", "arguments": {"tag": "seen"}}]}
    changes.add(made.id, [NewCase(({"role": "customer", "text": "He was rude."},), does, ("tool calls",))], known=KNOWN, by=staff.lead)
    (case,) = sets.cases(freezing.freeze(made.id, by=staff.lead).id)
    tags = recipe((Act("tag", "tag", {"tag": "seen"}),), alone=FREE)
    for said, calls in (("Complaint about staff", 0), ("Refund", 1)):
        sees = Connected(classify=lambda _text, said=said: (said, 0.9))  # type: ignore[misc]
        assert len(measuring.output_of(case, tags, sees, STEPS)["tool_calls"]) == calls


# -- before a release, and what is shown --------------------------------------------------------------------------------------------------


def test_a_recipe_for_what_is_peoples_work_says_so_before_it_is_proposed(staff: Staff) -> None:
    key = intent(staff)
    held(staff, key, NEVER)
    trigger = Trigger(INTENT, intent="Complaint about staff", confidence=Decimal("0.8"))
    for name, acts, speaks in (("pays", ACTS, True), ("hands", (NOTE,), False)):
        made = replace(recipe(acts, name=name), trigger=trigger)
        recipes.save(made, why="So.", based_on=None, by=staff.rep)
        shown = gate.shown(Target("recipe", name, 1), steps=STEPS, known=KNOWN, by=staff.rep)
        assert any(one.startswith(f"The policy keeps machines out of it: {SENTENCE}") for one in shown.against) == speaks


def test_among_failure_points_it_counts_as_against_the_policy_whatever_the_note_says(stand: Stand) -> None:
    machine_says(stand.ids[0], key := intent(stand.staff))
    held(stand.staff, key, NEVER, note="The lead is not reachable on Fridays")
    trace = by_itself(stand, recipe(alone=FREE))
    failures.look()
    with store.reading() as db:
        assert db.get_one(Trace, trace.id).cause == causes.POLICY


def test_the_record_of_a_decision_names_what_held_then(stand: Stand) -> None:
    machine_says(stand.ids[0], key := intent(stand.staff))
    held(stand.staff, key, NEVER)
    trace = by_itself(stand, recipe(alone=FREE))
    held(stand.staff, key, NEVER, judgement=True)
    lines = {title: said for part in decision.record(trace.id, by=stand.staff.lead).parts for title, said in part.lines}
    assert lines["Policy for what the machine said it is"] == f"{SENTENCE} Policy number 1."


def test_the_page_counts_what_came_what_machines_did_and_which_recipes(stand: Stand) -> None:
    staff = stand.staff
    machine_says(stand.ids[0], key := intent(staff, "Refund"))
    complaint = intent(staff)
    by_itself(stand, recipe(alone=FREE))
    made = replace(recipe(name="complaints"), title="Complaints first", trigger=Trigger(INTENT, "Complaint about staff", Decimal("0.8")))
    in_force(staff, made)
    before = mandated.shown(by=staff.rep)
    assert not before.is_set and before.any_intent == ("Late parcel",)
    assert {row.title: row.figures for row in before.rows}["Everything else"] == mandated.Figures(1, 1)  # all is held to it
    held(staff, complaint, NEVER, judgement=True)
    held(staff, key, PROPOSE)
    waiting = loosened(staff, key, line(ALONE))
    found = mandated.shown(by=staff.rep)
    told = {row.title: row for row in found.rows}
    assert list(told) == ["Complaint about staff", "Refund", "Everything else", "No intent recognised"] and found.number == 2
    assert told["Everything else"].figures == told["No intent recognised"].figures == mandated.Figures()
    assert told["Refund"].figures == mandated.Figures(1, 1) and told["Refund"].recipes == ("Late parcel",)
    assert [one.id for one in told["Refund"].waiting] == [waiting.id]
    assert told["Complaint about staff"].figures == mandated.Figures(0, 0)
    assert told["Complaint about staff"].recipes == ("Complaints first",) and told["Complaint about staff"].line.judgement
    other_team = {row.title: row.figures for row in mandated.shown(by=staff.other).rows}
    assert other_team["Refund"] == mandated.Figures(0, 0)
    assert {row.figures for row in mandated.shown(by=people.console()).rows} == {None}


def test_each_number_of_the_policy_tells_what_changed_by_whom_and_why(staff: Staff) -> None:
    key = intent(staff, "Refund")
    assert mandated.changes(by=staff.rep) == []
    held(staff, key, NEVER, judgement=True)
    approvals.approve(loosened(staff, key, line(ALONE)).id, by=staff.engineer)
    jobs.run_waiting()
    held(staff, OTHERS, PROPOSE)
    told = [(one.number, one.sentence, one.why, one.by_person_id) for one in mandated.changes(by=staff.rep)]
    assert told == [
        (3, "'Everything else': Machines propose", "It takes a person.", staff.rep.id),
        (2, "'Refund': Machines act alone", "It went well for a month.", staff.engineer.id),
        (1, "'Refund': People only, judgement work", "It takes a person.", staff.rep.id),
    ]


def test_a_note_to_whoever_takes_over_is_nothing_that_a_machine_did(stand: Stand) -> None:
    machine_says(stand.ids[0], intent(stand.staff, "Refund"))
    by_itself(stand, recipe((NOTE,), alone=FREE))
    (row,) = [one for one in mandated.shown(by=stand.staff.rep).rows if one.title == "Refund"]
    assert row.figures == mandated.Figures(1, 0)
