"""Exercises on both engines: the path of three steps, what a lead sets, and that progress is what was answered."""

from datetime import timedelta

import pytest

from classifiers import labels
from data import approvals, audit, calibration, exercises, inbox, people, store
from data.calibration import Wanted
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Example, Label, Person
from data.values import now
from portal import jobs
from tests.conftest import Staff
from tests.conversations import canonical

VERDICT, INTENT, GAPS = range(3)


@pytest.fixture
def refund(staff: Staff) -> Label:
    return labels.add("Refund", by=staff.lead)


def gold(staff: Staff, label: Label | None, count: int, *, first: int = 1, missing: str = "", team: str = "Oak") -> list[str]:
    """So many gold examples, approved by two people: an engineer and the lead of the other team."""
    arrived = [canonical(number, team=team) for number in range(first, first + count)]
    ids = door.receive(arrived, by=people.console(), classify=False).ids
    chosen = [Wanted(made, "strong", label.id if label else None, "It answers what was asked.", missing=missing) for made in ids]
    proposal = calibration.propose_gold(chosen, why="Read together.", by=staff.engineer)
    approvals.approve(proposal.id, by=staff.other)
    jobs.run_waiting()
    with store.reading() as db:
        return [example.id for example in calibration.waiting_for(db, staff.rep) if example.conversation_id in ids]


def answer(example_ids: list[str], by: Person, *, right: int, label: Label | None, missing: str = "") -> None:
    """The first of them rightly."""
    for place, example_id in enumerate(example_ids):
        calibration.answer(example_id, "strong" if place < right else "weak", label.id if label else None, missing=missing, by=by)


# -- the path -----------------------------------------------------------------------------------------------------------------------------


def test_a_step_is_passed_once_so_many_in_a_row_were_right_often_enough_and_stays_passed(staff: Staff, refund: Label) -> None:
    ids = gold(staff, refund, 14)
    answer(ids[:9], staff.rep, right=9, label=refund)
    step = exercises.path(by=staff.rep)[VERDICT]
    assert (step.answers, step.right, step.waiting, step.passed_on) == (9, 9, 5, None)
    assert step.sentence == "9 of 10 answered."
    answer(ids[9:10], staff.rep, right=0, label=refund)
    passed = exercises.path(by=staff.rep)[VERDICT].passed_on
    assert passed is not None
    answer(ids[10:], staff.rep, right=0, label=refund)
    step = exercises.path(by=staff.rep)[VERDICT]
    assert (step.answers, step.right, step.waiting, step.passed_on) == (14, 5, 0, passed)


def test_a_step_that_was_not_passed_says_what_is_needed(staff: Staff, refund: Label) -> None:
    answer(gold(staff, refund, 10), staff.rep, right=7, label=refund)
    verdict, intent, gaps = exercises.path(by=staff.rep)
    assert (verdict.passed_on, verdict.sentence) == (None, "Of the last 10 answers 7 were right; 8 are needed.")
    assert intent.passed_on is not None  # it was named rightly each time
    assert (gaps.answers, gaps.waiting) == (0, 0) and "No gold example asks this yet" in gaps.sentence


def test_what_was_missing_is_asked_where_two_people_said_what_it_was(staff: Staff, refund: Label) -> None:
    plain, lacking = gold(staff, refund, 1), gold(staff, refund, 2, first=20, missing="article")
    with pytest.raises(Refused, match="say also what was missing"):
        calibration.answer(lacking[0], "strong", refund.id, by=staff.rep)
    with pytest.raises(Refused, match="what was missing is one of"):
        calibration.answer(lacking[0], "strong", refund.id, missing="luck", by=staff.rep)
    told = calibration.answer(lacking[0], "strong", refund.id, missing="tool", by=staff.rep)
    assert (told.missing, told.answer.missing, told.differs) == ("article", "tool", ["gap"])
    assert calibration.answer(lacking[1], "strong", refund.id, missing="article", by=staff.rep).differs == []
    unasked = calibration.answer(plain[0], "strong", refund.id, missing="tool", by=staff.rep)
    assert (unasked.missing, unasked.answer.missing, unasked.differs) == ("", "", [])
    step = exercises.path(by=staff.rep)[GAPS]
    assert (step.answers, step.right) == (2, 1)


def test_what_is_missing_stands_in_what_two_people_decide_on(staff: Staff, refund: Label) -> None:
    made, other = door.receive([canonical(number, team="Oak") for number in (1, 2)], by=people.console(), classify=False).ids
    proposal = calibration.propose_gold([Wanted(made, "weak", refund.id, "Nobody could say.", missing="rule")], why="Clear.", by=staff.lead)
    assert "What was missing: It is not said who may decide it (1)." in proposal.evidence["sentence"]
    with pytest.raises(Refused, match="what was missing is one of"):
        calibration.propose_gold([Wanted(other, "weak", refund.id, "Nobody could say.", missing="luck")], why="Clear.", by=staff.lead)


def test_a_step_goes_on_with_the_examples_that_ask_it(staff: Staff, refund: Label) -> None:
    plain, lacking, bare = gold(staff, refund, 1), gold(staff, refund, 1, first=20, missing="article"), gold(staff, None, 1, first=30)
    assert sorted(exercises.of_step("verdict", by=staff.rep)) == sorted(plain + lacking + bare)
    assert sorted(exercises.of_step("intent", by=staff.rep)) == sorted(plain + lacking)
    assert exercises.of_step("gaps", by=staff.rep) == lacking
    item = calibration.next_item(by=staff.rep, among=lacking)
    assert item is not None and (item.example_id, item.left, item.asks_missing) == (lacking[0], 1, True)
    assert calibration.next_item(by=staff.rep, among=[]) is None
    with pytest.raises(Refused, match="the steps of the path are verdict, intent, gaps"):
        exercises.of_step("patience", by=staff.rep)
    with pytest.raises(Denied):
        exercises.path(by=staff.admin)


# -- what a lead sets ---------------------------------------------------------------------------------------------------------------------


def test_a_lead_sets_an_exercise_and_sees_how_far_it_is_and_no_answer(staff: Staff, refund: Label) -> None:
    ids = gold(staff, refund, 6)
    made = exercises.assign(staff.rep.id, "judging", why="Before the new month.", by=staff.lead, most=4, criterion="Was it clear?")
    assert len(made.example_ids) == 4 and set(made.example_ids) < set(ids)
    assert ("Leo asks you to do an exercise of 4 conversations: strong or weak, and about what.", exercises.PAGE) in [
        (item.sentence, item.page) for item in inbox.of(staff.rep)
    ]
    answer(made.example_ids[:3], staff.rep, right=1, label=refund)
    (mine,), (theirs,) = exercises.mine(by=staff.rep), exercises.set_for_team(by=staff.lead)
    assert (mine.lead, theirs.person, theirs.answered, theirs.asked, theirs.done) == ("Leo", "Rita", 3, 4, False)
    assert exercises.waiting_in(made.id, by=staff.rep) == made.example_ids[3:]
    answer(made.example_ids[3:], staff.rep, right=0, label=refund)
    assert exercises.set_for_team(by=staff.lead)[0].done
    assert "Set an exercise of 4 conversations for Rita." in [entry.sentence for entry in audit.newest(by=staff.engineer)]


def test_an_exercise_has_only_what_is_new_to_the_person_and_the_intents_in_question_first(staff: Staff, refund: Label) -> None:
    status = labels.add("Order status", by=staff.lead)
    gold(staff, refund, 4)
    wanted = gold(staff, status, 3, first=20)
    answer(wanted[:1], staff.rep, right=1, label=status)
    first = exercises.assign(staff.rep.id, "judging", why="Where it is.", by=staff.lead, first=[status.id], most=3)
    assert set(wanted[1:]) < set(first.example_ids)
    assert exercises.possible(staff.rep.id, "judging", by=staff.lead) == 3
    second = exercises.assign(staff.rep.id, "judging", why="More.", by=staff.lead, most=20)
    assert not set(second.example_ids) & {*first.example_ids, *wanted[:1]}
    with pytest.raises(Refused, match="0 gold examples are left that Rita has not answered, 3 are needed"):
        exercises.assign(staff.rep.id, "judging", why="Still more.", by=staff.lead)
    with pytest.raises(Refused, match="0 gold examples are left"):
        exercises.assign(staff.rep.id, "gaps", why="What was missing?", by=staff.lead)


def test_what_is_no_longer_gold_is_asked_no_longer(staff: Staff, refund: Label) -> None:
    gold(staff, refund, 3)
    made = exercises.assign(staff.rep.id, "judging", why="Three.", by=staff.lead, most=3)
    with store.writing() as db:
        db.get_one(Example, made.example_ids[0]).use = "retired"
    (given,) = exercises.mine(by=staff.rep)
    assert (given.asked, given.answered, given.done) == (2, 0, False)


def test_an_exercise_is_taken_back_and_what_was_answered_stays(staff: Staff, refund: Label) -> None:
    gold(staff, refund, 3)
    made = exercises.assign(staff.rep.id, "judging", why="Three.", by=staff.lead, most=3)
    answer(made.example_ids[:1], staff.rep, right=1, label=refund)
    with pytest.raises(Denied):
        exercises.take_back(made.id, by=staff.other)
    exercises.take_back(made.id, by=staff.lead)
    assert exercises.mine(by=staff.rep) == exercises.set_for_team(by=staff.lead) == []
    assert exercises.path(by=staff.rep)[VERDICT].answers == 1
    with pytest.raises(Denied, match="no such exercise"):
        exercises.take_back(made.id, by=staff.lead)
    with pytest.raises(Denied, match="no such exercise of yours"):
        exercises.waiting_in(made.id, by=staff.rep)


def test_what_makes_no_exercise_is_refused(staff: Staff, refund: Label) -> None:
    gold(staff, refund, 3)
    wrong = [
        ({"kind": "patience"}, "an exercise is one of judging, gaps"),
        ({"why": " "}, "say in 1 to 500 characters what it is for"),
        ({"most": 2}, "3 to 20 conversations, this one would have 2"),
    ]
    for told, sentence in wrong:
        with pytest.raises(Refused, match=sentence):
            exercises.assign(staff.rep.id, **({"kind": "judging", "why": "Three."} | told), by=staff.lead)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="for yourself there is the path"):
        exercises.assign(staff.lead.id, "judging", why="Three.", by=staff.lead)
    for nobody in (staff.rep, staff.other, staff.engineer, staff.admin, people.console()):
        with pytest.raises(Denied):
            exercises.assign(staff.rep.id, "judging", why="Three.", by=nobody)
    assert exercises.mine(by=staff.rep) == []


def test_nobody_opens_another_s_exercise(staff: Staff, refund: Label) -> None:
    gold(staff, refund, 3)
    made = exercises.assign(staff.rep.id, "judging", why="Three.", by=staff.lead, most=3, due_on=(now() + timedelta(days=7)).date())
    for other in (staff.lead, staff.other, staff.engineer):
        with pytest.raises(Denied, match="no such exercise of yours"):
            exercises.waiting_in(made.id, by=other)
    assert exercises.set_for_team(by=staff.other) == []
