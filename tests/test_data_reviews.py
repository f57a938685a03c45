"""What a person found: kept once said, corrected by a new review, and only within reach."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from classifiers import kinds, labels
from data import audit, people, reviews, store
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Label, Review
from data.values import now
from tests.conftest import Staff
from tests.conversations import canonical


def arrive(number: int = 1, team: str = "Oak", **fields: Any) -> str:
    return door.receive([canonical(number, team=team, **fields)], by=people.console()).ids[0]


def count() -> int:
    with store.reading() as db:
        return len(db.exec(select(Review.id)).all())


def test_a_review_is_kept_with_who_said_what_about_how_much(staff: Staff) -> None:
    made, label = arrive(), labels.add("Refund", by=staff.lead)
    reviews.record(made, "strong", label_id=label.id, reply=" Better so. ", note=" n ", seconds=12.5, by=staff.rep)
    (found,) = reviews.of_conversation(made, by=staff.rep)
    assert (found.verdict, found.label_id, found.reply, found.note, found.seconds) == ("strong", label.id, "Better so.", "n", 12.5)
    assert (found.by_person_id, found.seq, found.replaces_review_id) == (staff.rep.id, 2, None)
    assert audit.newest(by=staff.rep)[0].sentence.startswith("Reviewed a")
    assert audit.newest(by=staff.rep)[0].sentence.endswith(" as Refund: strong.")


def test_another_review_of_the_same_person_corrects_their_first_and_both_stay(staff: Staff) -> None:
    made = arrive()
    first = reviews.record(made, "strong", by=staff.rep)
    second = reviews.record(made, "weak", by=staff.rep)
    third = reviews.record(made, "none", by=staff.rep)
    assert [first.replaces_review_id, second.replaces_review_id, third.replaces_review_id] == [None, first.id, second.id]
    assert [review.id for review in reviews.of_conversation(made, by=staff.rep)] == [third.id]
    with store.reading() as db:
        assert set(db.exec(select(Review.id)).all()) == {first.id, second.id, third.id}
    assert [entry.verb for entry in audit.newest(by=staff.rep)][:3] == ["corrected", "corrected", "reviewed"]


def test_another_persons_review_stands_beside_the_first_and_the_last_said_counts(staff: Staff) -> None:
    made, other = arrive(1), arrive(2)
    reviews.record(made, "strong", by=staff.rep)
    lead = reviews.record(made, "weak", by=staff.lead)
    alone = reviews.record(other, "none", by=staff.rep)
    assert lead.replaces_review_id is None
    with store.reading() as db:
        assert {where: review.id for where, review in reviews.last_said(db).items()} == {made: lead.id, other: alone.id}


def test_what_makes_no_review_is_refused_and_nothing_is_kept(staff: Staff) -> None:
    made, label = arrive(), labels.add("Refund", by=staff.lead)
    with store.writing() as db:
        db.execute(update(Label).where(col(Label.id) == label.id).values(retired_at=now()))
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"verdict": "good"}, "say whether the answer was strong, weak or neither"),
        ({"label_id": "nothing"}, "no longer in use"),
        ({"label_id": label.id}, "no longer in use"),
        ({"note": "x" * 20_001}, "may have 20,000 characters, this one has 20,001"),
        ({"reply": "x" * 20_001}, "this one has 20,001"),
    ]
    for fields, told in wrong:
        with pytest.raises(Refused, match=f"^Not saved: .*{told}"):
            reviews.record(made, **{"verdict": "strong", **fields}, by=staff.rep)
    assert count() == 0
    reviews.record(made, "strong", note="x" * 20_000, by=staff.rep)  # the control
    assert count() == 1


def test_nobody_reviews_another_teams_conversation_or_reads_what_was_said_of_it(staff: Staff) -> None:
    made = arrive(team="Fern")
    for person in (staff.rep, staff.lead):
        with pytest.raises(Denied, match="belongs to another team"):
            reviews.record(made, "strong", by=person)
    for person in (staff.admin, people.console()):
        with pytest.raises(Denied, match="may not record a review"):
            reviews.record(made, "strong", by=person)
    with pytest.raises(Denied, match="there is no such conversation"):
        reviews.record("nothing", "strong", by=staff.rep)
    assert count() == 0
    reviews.record(made, "strong", by=staff.other)
    assert reviews.of_conversation(made, by=staff.rep) == []
    assert len(reviews.of_conversation(made, by=staff.engineer)) == 1


def test_a_label_of_another_classifier_is_no_intent(staff: Staff) -> None:
    kinds.add("urgency", kinds.SEVERAL, "Which of these are there?", by=staff.lead)
    made, urgent = arrive(), labels.add("Urgent", by=staff.lead, classifier_name="urgency")
    with pytest.raises(Refused, match="intent"):
        reviews.record(made, "strong", label_id=urgent.id, by=staff.rep)


def test_a_nul_that_somebody_pasted_does_not_lose_their_review(staff: Staff) -> None:
    made = arrive()
    reviews.record(made, "strong", note="a\0b", reply="c\0d", by=staff.rep)
    (found,) = reviews.of_conversation(made, by=staff.rep)
    assert (found.note.replace("\0", ""), found.reply.replace("\0", "")) == ("ab", "cd")


def test_a_person_sees_how_much_they_did_lately(staff: Staff) -> None:
    label = labels.add("Refund", by=staff.lead)
    made = [arrive(number) for number in (1, 2, 3)]
    reviews.record(made[0], "strong", label_id=label.id, by=staff.rep)
    reviews.record(made[1], "weak", by=staff.rep)
    reviews.record(made[2], "weak", by=staff.lead)
    reviews.record(made[2], "weak", by=staff.rep, at=now() - timedelta(days=8))
    assert reviews.tally(by=staff.rep, since=now() - timedelta(days=7)) == reviews.Tally(2, 1)
    assert reviews.tally(by=staff.other, since=now() - timedelta(days=7)) == reviews.Tally(0, 0)
    assert reviews.labelled_count() == 1
