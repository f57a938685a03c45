"""What a person did last is taken back whole, by them alone, as long as nothing was built upon it."""

from datetime import timedelta

import pytest
from sqlmodel import select

from classifiers import labels
from data import conversations, deeds, drafts, examples, people, queue, relabelling, reviews, store, undo
from data.errors import Refused
from data.intake import door
from data.tables import Act, Person
from data.values import now
from evals import freezing, sets
from tests.conftest import Staff
from tests.conversations import canonical


def arrive(number: int = 1) -> str:
    return door.receive([canonical(number, team="Oak")], by=people.console()).ids[0]


def is_reviewed(made: str, by: Person) -> bool:
    found = conversations.get(made, by=by)
    assert found is not None
    return found[0].reviewed


def test_a_review_is_taken_back_and_what_was_typed_is_a_draft_again(staff: Staff) -> None:
    made, label = arrive(), labels.add("Refund", by=staff.lead)
    reviews.record(made, "weak", note="Too short.", label_id=label.id, marks={"polite": "no"}, by=staff.rep)
    assert is_reviewed(made, staff.rep)
    undo.last(by=staff.rep)
    assert reviews.of_conversation(made, by=staff.rep) == [] and reviews.mine(made, by=staff.rep) is None
    assert not is_reviewed(made, staff.rep) and [item.listed.id for item in queue.team(by=staff.rep)] == [made]
    kept = {"verdict": "weak", "label_id": label.id, "note": "Too short.", "reply": "", "marks": {"polite": "no"}}
    assert drafts.of(made, by=staff.rep) == kept
    with pytest.raises(Refused, match="Nothing to undo"):
        undo.last(by=staff.rep)
    reviews.record(made, "strong", by=staff.rep)
    assert [review.verdict for review in reviews.of_conversation(made, by=staff.rep)] == ["strong"]


def test_a_correction_is_taken_back_to_what_was_said_before(staff: Staff) -> None:
    made = arrive()
    reviews.record(made, "strong", note="First.", by=staff.rep)
    reviews.record(made, "weak", by=staff.rep)
    undo.last(by=staff.rep)
    assert [(review.verdict, review.note) for review in reviews.of_conversation(made, by=staff.rep)] == [("strong", "First.")]


def test_what_a_colleague_said_in_between_has_the_last_word_again(staff: Staff) -> None:
    made = arrive()
    first, second = (labels.add(name, by=staff.lead) for name in ("Refund", "Order status"))
    reviews.record(made, "strong", label_id=first.id, by=staff.rep)
    reviews.record(made, "strong", label_id=second.id, by=staff.lead)
    reviews.record(made, "weak", label_id=first.id, by=staff.rep)
    undo.last(by=staff.rep)
    found = conversations.get(made, by=staff.rep)
    assert found is not None and found[0].intent_id == second.id
    reviews.record(made, "none", by=staff.rep)  # corrects the one that holds again, not the one that was taken back
    assert sorted(review.verdict for review in reviews.of_conversation(made, by=staff.rep)) == ["none", "strong"]


def test_labelled_together_after_an_undo_each_person_still_has_one_word(staff: Staff) -> None:
    made = arrive()
    first, second = (labels.add(name, by=staff.lead) for name in ("Refund", "Order status"))
    reviews.record(made, "strong", label_id=first.id, by=staff.rep)
    reviews.record(made, "weak", label_id=first.id, by=staff.rep)
    undo.last(by=staff.rep)  # the first holds again, as of then
    assert relabelling.label([made], second.id, by=staff.rep).changed == 1
    assert [(review.verdict, review.label_id) for review in reviews.of_conversation(made, by=staff.rep)] == [("strong", second.id)]
    undo.last(by=staff.rep)
    assert [(review.verdict, review.label_id) for review in reviews.of_conversation(made, by=staff.rep)] == [("strong", first.id)]


def test_a_review_and_its_flag_are_one_deed(staff: Staff) -> None:
    made, label, eval_set = arrive(), labels.add("Refund", by=staff.lead), sets.create("Kept", by=staff.lead)
    examples.review_and_flag(made, "weak", why="Nobody answered.", eval_set_id=eval_set.id, label_id=label.id, by=staff.rep)
    with store.reading() as db:
        assert len(db.exec(select(Act)).all()) == 1
    undo.last(by=staff.rep)
    assert (examples.of_conversation(made, by=staff.rep), reviews.of_conversation(made, by=staff.rep)) == ([], [])
    assert examples.loose_count(eval_set.id) == 0 and drafts.of(made, by=staff.rep)["why"] == "Nobody answered."


def test_what_became_a_test_case_stays_and_so_does_its_review(staff: Staff) -> None:
    made, label, eval_set = arrive(), labels.add("Refund", by=staff.lead), sets.create("Kept", by=staff.lead)
    examples.review_and_flag(made, "weak", why="Nobody answered.", eval_set_id=eval_set.id, label_id=label.id, by=staff.rep)
    freezing.freeze(eval_set.id, by=staff.lead)
    with store.reading() as db:
        (deed,) = db.exec(select(Act))
    with pytest.raises(Refused, match="became a test case since"):
        undo.take_back(deed.id, by=staff.rep)
    with pytest.raises(Refused, match="Nothing to undo"):
        undo.last(by=staff.rep)
    assert len(reviews.of_conversation(made, by=staff.rep)) == len(examples.of_conversation(made, by=staff.rep)) == 1


def test_a_skip_is_taken_back(staff: Staff) -> None:
    made = arrive()
    queue.skip(made, "Not my language", by=staff.rep)
    assert undo.last(by=staff.rep).sentence == "Skipped a conversation."
    assert [item.listed.id for item in queue.team(by=staff.rep)] == [made]


def test_nobody_takes_back_anothers_nor_twice_nor_after_a_day(staff: Staff) -> None:
    made = arrive()
    reviews.record(made, "strong", by=staff.rep)
    deed = deeds.last(by=staff.rep)
    assert deed is not None and deeds.last(by=staff.lead) is None
    with pytest.raises(Refused, match="not done by you"):
        undo.take_back(deed.id, by=staff.lead)
    with pytest.raises(Refused, match="Nothing to undo"):
        undo.last(by=staff.rep, at=now() + timedelta(hours=25))
    undo.take_back(deed.id, by=staff.rep)
    with pytest.raises(Refused, match="already"):
        undo.take_back(deed.id, by=staff.rep)


def test_undone_step_by_step_the_last_first(staff: Staff) -> None:
    first, second = arrive(1), arrive(2)
    reviews.record(first, "strong", by=staff.rep)
    reviews.record(second, "strong", by=staff.rep)
    undo.last(by=staff.rep)
    assert (is_reviewed(first, staff.rep), is_reviewed(second, staff.rep)) == (True, False)
    undo.last(by=staff.rep)
    assert not is_reviewed(first, staff.rep)
