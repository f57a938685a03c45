"""Gold examples: two people say what is right, everybody else is asked blind and once, and nobody's figures are shown too early."""

from collections.abc import Callable
from dataclasses import fields

import pytest
from sqlalchemy import text
from sqlmodel import select

from classifiers import labels
from data import agreement, approvals, audit, calibration, examples, people, reviews, store
from data.agreement import Rating
from data.calibration import FEWEST, Item, Wanted
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Example, GoldAnswer, Label, Person, Proposal, Review
from evals import freezing, sets
from portal import jobs
from tests.conftest import Staff
from tests.conversations import canonical


def arrive(count: int = 1, first: int = 1, team: str = "Oak") -> list[str]:
    return door.receive([canonical(number, team=team) for number in range(first, first + count)], by=people.console(), classify=False).ids


@pytest.fixture
def refund(staff: Staff) -> Label:
    return labels.add("Refund", by=staff.lead)


@pytest.fixture
def status(staff: Staff) -> Label:
    return labels.add("Order status", by=staff.lead)


def wanted(ids: list[str], label: Label | None, kind: str = "strong") -> list[Wanted]:
    return [Wanted(made, kind, label.id if label else None, "It answers what was asked.") for made in ids]


def hold_up(staff: Staff, chosen: list[Wanted]) -> list[Example]:
    """Proposed by the engineer, approved by the other team's lead, so that Rita and Leo had no part in it."""
    proposal = calibration.propose_gold(chosen, why="Everybody should see these alike.", by=staff.engineer)
    approvals.approve(proposal.id, by=staff.other)
    return calibration.carry_out(proposal.id)


def gold_count() -> int:
    with store.reading() as db:
        return len(db.exec(select(Example.id).where(Example.use == "gold")).all())


def test_what_is_right_takes_two_people_and_is_carried_out_once(staff: Staff, refund: Label) -> None:
    ids = arrive(2)
    proposal = calibration.propose_gold(wanted(ids, refund), why="Clear cases.", by=staff.lead)
    assert (proposal.title, gold_count()) == ("hold up 2 conversations as gold examples", 0)
    assert "Right would be: Refund, strong (2)." in proposal.evidence["sentence"]
    with pytest.raises(Refused, match="is open"):
        calibration.carry_out(proposal.id)
    with pytest.raises(Denied):
        approvals.approve(proposal.id, by=staff.lead)
    approvals.approve(proposal.id, by=staff.engineer)
    jobs.run_waiting()
    assert gold_count() == 2 and approvals.get(proposal.id, by=staff.lead).state == "done"  # type: ignore[union-attr]
    with pytest.raises(Refused, match="is done"):
        calibration.carry_out(proposal.id)
    assert "Held up a strong gold example: It answers what was asked." in [entry.sentence for entry in audit.newest(by=staff.engineer)]


def test_a_proposal_that_was_changed_after_the_yes_makes_nothing_gold(staff: Staff, refund: Label) -> None:
    (made,) = arrive()
    proposal = calibration.propose_gold(wanted([made], refund), why="Clear.", by=staff.lead)
    approvals.approve(proposal.id, by=staff.engineer)
    with store.writing() as db:
        row = db.get_one(Proposal, proposal.id)
        row.payload = {**row.payload, "add": [row.payload["add"][0] | {"kind": "weak"}]}
        db.add(row)
    with pytest.raises(Refused, match="is not what was approved"):
        calibration.carry_out(proposal.id)
    assert gold_count() == 0


def test_a_flag_that_waits_becomes_gold_itself_and_leaves_its_eval_set(staff: Staff, refund: Label) -> None:
    (made,), eval_set = arrive(), sets.create("Kept", by=staff.lead)
    flagged = examples.flag(made, "weak", why="Nobody answered.", eval_set_id=eval_set.id, label_id=refund.id, by=staff.rep)
    (flag,) = calibration.flags_that_wait(by=staff.lead)
    assert (flag.example_id, flag.why) == (flagged.id, "Nobody answered.")
    hold_up(staff, [flag])
    with store.reading() as db:
        assert db.get_one(Example, flagged.id, populate_existing=True).use == "gold"
    assert examples.loose_count(eval_set.id) == 0 and calibration.flags_that_wait(by=staff.lead) == []
    assert calibration.next_item(by=staff.rep) is None  # who flagged it knows what is right
    assert calibration.next_item(by=staff.lead) is not None


def test_a_flag_that_became_a_test_case_meanwhile_is_not_made_gold(staff: Staff, refund: Label) -> None:
    (made,), eval_set = arrive(), sets.create("Kept", by=staff.lead)
    examples.flag(made, "weak", why="Nobody answered.", eval_set_id=eval_set.id, label_id=refund.id, by=staff.rep)
    proposal = calibration.propose_gold(calibration.flags_that_wait(by=staff.lead), why="Clear.", by=staff.lead)
    approvals.approve(proposal.id, by=staff.engineer)
    freezing.freeze(eval_set.id, by=staff.lead)
    with pytest.raises(Refused, match="became a test case since"):
        calibration.carry_out(proposal.id)
    assert gold_count() == 0
    jobs.run_waiting()
    assert approvals.get(proposal.id, by=staff.lead).state == "failed"  # type: ignore[union-attr]


def test_gold_is_never_trained_on(staff: Staff, refund: Label) -> None:
    ids = arrive(3)
    for made in ids:
        reviews.record(made, "strong", by=staff.rep, label_id=refund.id)
    hold_up(staff, wanted(ids[:1], refund))
    assert {row.conversation_id for row in examples.for_training(by=staff.lead)} == set(ids[1:])


def test_what_makes_no_gold_example_is_not_proposed(staff: Staff, refund: Label) -> None:
    one, other = arrive(2)
    (fern,) = arrive(1, first=50, team="Fern")
    hold_up(staff, wanted([other], refund))
    wrong: list[tuple[list[Wanted], str]] = [
        ([], "choose 1 to 50 conversations, these are 0"),
        (wanted([one, one], refund), "stands there twice"),
        (wanted([other], refund), "is a gold example already"),
        (wanted([one], refund, "none"), "is strong or weak"),
        ([Wanted(one, "strong", "nothing", "Clear.")], "no longer in use"),
        ([Wanted(one, "strong", refund.id, " ")], "why that is right"),
        ([Wanted(one, "strong", refund.id, "Clear.", "nothing")], "does not wait any more"),
        (wanted([fern], refund), "belongs to another team"),
    ]
    for chosen, told in wrong:
        with pytest.raises(Refused, match=told):
            calibration.propose_gold(chosen, why="Clear.", by=staff.lead)
    for person in (staff.rep, staff.admin):
        with pytest.raises(Denied):
            calibration.propose_gold(wanted([one], refund), why="Clear.", by=person)
    calibration.propose_gold(wanted([one], refund), why="Clear.", by=staff.lead)  # the control
    with pytest.raises(Refused, match="waits to become one"):
        calibration.propose_gold(wanted([one], refund), why="Clear.", by=staff.engineer)


def test_what_is_asked_holds_nothing_of_what_is_right(staff: Staff, refund: Label) -> None:
    hold_up(staff, wanted(arrive(), refund))
    item = calibration.next_item(by=staff.rep)
    assert item is not None and {field.name for field in fields(Item)} == {"example_id", "conversation", "messages", "left", "asks_missing"}
    assert item.left == 1 and [message.role for message in item.messages] == ["customer", "rep"]
    assert calibration.told(item.example_id, by=staff.rep) is None
    told = calibration.answer(item.example_id, "weak", refund.id, by=staff.rep)
    assert calibration.told(item.example_id, by=staff.rep) == told  # the control: afterwards it is told
    assert (told.verdict, told.label_id, told.why, told.differs) == ("strong", refund.id, "It answers what was asked.", ["verdict"])


def test_each_is_asked_once_and_the_first_word_stays(staff: Staff, refund: Label, status: Label) -> None:
    (example,) = hold_up(staff, wanted(arrive(), refund))
    assert calibration.answer(example.id, "none", status.id, by=staff.rep, seconds=4.5).differs == ["verdict", "intent"]
    assert calibration.next_item(by=staff.rep) is None
    with pytest.raises(Refused, match="you have answered this one"):
        calibration.answer(example.id, "strong", refund.id, by=staff.rep)
    with store.reading() as db:
        (kept,) = db.exec(select(GoldAnswer)).all()
        assert (kept.verdict, kept.label_id, kept.seconds) == ("none", status.id, 4.5)
        assert db.exec(select(Review)).all() == []  # it is no review: nothing learns from it
    with pytest.raises(Exception, match=r"immutable|never|not be changed"), store.writing() as db:
        db.execute(text("UPDATE gold_answer SET verdict = 'strong'"))


@pytest.mark.parametrize("part", ["proposed", "approved"])
def test_who_had_a_part_in_it_is_not_asked(staff: Staff, refund: Label, part: str) -> None:
    (example,) = hold_up(staff, wanted(arrive(), refund))
    person = staff.engineer
    if part == "approved":
        with store.writing() as db:
            db.get_one(Person, staff.other.id).team_id = staff.oak.id
        person = people.get(staff.other.id) or person
    assert calibration.next_item(by=person) is None
    with pytest.raises(Refused, match="you had a part in saying what is right"):
        calibration.answer(example.id, "strong", refund.id, by=person)
    assert calibration.next_item(by=staff.rep) is not None  # the control


def test_nobody_is_asked_about_another_teams_conversation(staff: Staff, refund: Label) -> None:
    (example,) = hold_up(staff, wanted(arrive(1, team="Fern"), refund))
    for person in (staff.rep, staff.lead):
        assert calibration.next_item(by=person) is None
        with pytest.raises(Denied, match="another team"):
            calibration.answer(example.id, "strong", refund.id, by=person)
    for person in (staff.admin, people.console()):
        with pytest.raises(Denied):
            calibration.next_item(by=person)
    with pytest.raises(Denied, match="no such gold example"):
        calibration.answer("nothing", "strong", None, by=staff.rep)
    with pytest.raises(Refused, match="strong, weak or neither"):
        calibration.answer(example.id, "good", None, by=staff.rep)


def taken(staff: Staff, refund: Label, status: Label, count: int, right: Callable[[int], bool]) -> None:
    """Rita's answers; where she is not right, she takes the one intent for the other."""
    ids = arrive(count)
    chosen = [
        Wanted(made, "strong" if place % 2 else "weak", (refund if place % 3 else status).id, "Clear.") for place, made in enumerate(ids)
    ]
    for start in range(0, count, 40):
        hold_up(staff, chosen[start : start + 40])
    for place in range(count):
        item = calibration.next_item(by=staff.rep)
        assert item is not None
        example = next(one for one in chosen if one.conversation_id == item.conversation.id)
        other = status if example.label_id == refund.id else refund
        calibration.answer(item.example_id, example.kind, example.label_id if right(place) else other.id, by=staff.rep)


def test_ones_own_figures_show_from_the_first_answer_and_a_leads_from_thirty(staff: Staff, refund: Label, status: Label) -> None:
    taken(staff, refund, status, FEWEST, lambda place: place % 5 > 0)
    mine = calibration.my_figures(by=staff.rep)
    assert (mine.n, len(mine.differing), mine.verdict.value) == (30, 6, 1.0)
    assert {one.differs[0] for one in mine.differing} == {"intent"}
    with store.reading() as db:
        rows = db.exec(select(GoldAnswer, Example).where(GoldAnswer.example_id == Example.id)).all()
    ratings = [
        Rating(given.example_id, rater, said) for given, gold in rows for rater, said in (("gold", gold.label_id), ("me", given.label_id))
    ]
    assert mine.intent == agreement.kappa(ratings, "gold", "me")
    theirs = calibration.figures_of(staff.rep.id, by=staff.lead)
    assert (theirs.n, theirs.intent, theirs.differing) == (30, mine.intent, [])  # the figures, not the single answers
    assert sum(count for _, _, count in theirs.taken_for) == 6
    assert [(one.name, one.answers) for one in calibration.colleagues(by=staff.lead)] == [("Rita", 30)]


def test_under_thirty_answers_a_lead_is_told_how_many_there_are(staff: Staff, refund: Label, status: Label) -> None:
    taken(staff, refund, status, 12, lambda place: True)
    assert calibration.my_figures(by=staff.rep).n == 12
    with pytest.raises(Refused, match=r"^Not shown yet: 12 of 30 answers\. Fewer would tell more about chance than about Rita\.$"):
        calibration.figures_of(staff.rep.id, by=staff.lead)
    for person in (staff.other, staff.rep, staff.engineer, staff.admin):
        with pytest.raises(Denied):
            calibration.figures_of(staff.rep.id, by=person)
    with pytest.raises(Denied, match="another team"):
        calibration.figures_of(staff.engineer.id, by=staff.lead)  # who belongs to no team is nobody's report
    with pytest.raises(Denied, match="no such person"):
        calibration.figures_of("nobody", by=staff.lead)
    assert calibration.colleagues(by=staff.other) == []


def test_that_none_fits_is_an_answer_where_an_intent_is_right_and_none_where_none_is_asked(staff: Staff, refund: Label) -> None:
    ids = arrive(2)
    asked, other = hold_up(staff, [*wanted(ids[:1], refund), *wanted(ids[1:], None)])
    assert calibration.answer(asked.id, "strong", None, by=staff.rep).differs == ["intent"]
    assert calibration.answer(other.id, "strong", refund.id, by=staff.rep).differs == []
    mine = calibration.my_figures(by=staff.rep)
    assert (mine.intent.n, mine.verdict.n, mine.taken_for) == (1, 2, [(refund.id, calibration.NONE_FITS, 1)])


def test_what_is_taken_out_by_two_people_counts_no_longer(staff: Staff, refund: Label) -> None:
    one, other = hold_up(staff, wanted(arrive(2), refund))
    for example in (one, other):
        calibration.answer(example.id, "weak", refund.id, by=staff.rep)
    assert [kept.answers for kept in calibration.all_gold(by=staff.lead)] == [1, 1]
    proposal = calibration.propose_taking_out([one.id], why="It was not clear enough.", by=staff.lead)
    assert (proposal.title, proposal.evidence["sentence"]) == ("take a gold example out", "1 answer would count no longer.")
    approvals.approve(proposal.id, by=staff.engineer)
    calibration.carry_out(proposal.id)
    assert (gold_count(), calibration.my_figures(by=staff.rep).n) == (1, 1)
    with pytest.raises(Denied, match="no such gold example"):
        calibration.propose_taking_out([one.id], why="Again.", by=staff.lead)
    with pytest.raises(Refused, match="choose at least one"):
        calibration.propose_taking_out([], why="None.", by=staff.lead)


def test_a_card_in_what_is_right_is_masked(staff: Staff, refund: Label) -> None:
    (example,) = hold_up(staff, [Wanted(arrive()[0], "strong", refund.id, "Card 4111 1111 1111 1111 was refunded.")])
    assert "4111" not in example.why and "was refunded" in example.why
