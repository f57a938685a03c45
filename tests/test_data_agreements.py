"""How far the people of a portal agree: what counts, within whose reach, and the same figures as the mathematics alone gives."""

import random
import time
from datetime import timedelta

import pytest

from classifiers import labels
from data import agreement, agreements, disputes, people, reviews, rubric, store, undo
from data.agreement import Rating
from data.errors import Denied
from data.intake import door
from data.tables import Person, Review
from data.values import now
from tests.conftest import SOAK, Staff
from tests.conversations import canonical


def arrive(count: int, first: int = 1, team: str = "Oak") -> list[str]:
    return door.receive([canonical(number, team=team) for number in range(first, first + count)], by=people.console(), classify=False).ids


def hire(staff: Staff, name: str) -> Person:
    return people.add(name, f"{name.lower()}@example.com", "rep", by=people.console(), team=staff.oak)


def two_intents(staff: Staff) -> tuple[str, str]:
    return labels.add("Order status", by=staff.lead).id, labels.add("Refund", by=staff.lead).id


def test_an_empty_portal_says_that_nobody_can_tell_yet(staff: Staff) -> None:
    found = agreements.overview(by=staff.lead)
    assert (found.conversations, found.people, found.labels, found.pairs, found.confused) == (0, 0, {}, [], [])
    assert found.intent.sentence == "Cannot tell: nothing was rated by at least two people yet."
    assert "Nobody has yet." in agreements.finding(found, 0, {})


def test_the_figures_are_those_of_the_mathematics_over_the_last_word_of_each_person(staff: Staff) -> None:
    ids, (status, refund) = arrive(30), two_intents(staff)
    zoe, rng = hire(staff, "Zoe"), random.Random(3)
    ratings = []
    for made in ids:
        reviews.record(made, "none", by=staff.rep, label_id=status)  # corrected below: it counts no longer
        for person in (staff.rep, zoe):
            label = rng.choice([status, refund, refund])
            reviews.record(made, "strong", by=person, label_id=label)
            ratings.append(Rating(made, person.id, label))
    alone = arrive(1, first=100)[0]
    reviews.record(alone, "weak", by=staff.rep, label_id=status)
    found = agreements.overview(by=staff.lead)
    assert (found.conversations, found.people) == (30, 2)
    assert found.intent == agreement.alpha(ratings)
    assert found.labels == agreement.by_label(ratings)
    assert found.confused == agreement.pairs_that_disagree(ratings)
    assert found.verdict.sentence.startswith("Cannot tell: all 30 were given the same answer")
    (pair,) = found.pairs
    assert (pair.one, pair.other, pair.both, pair.intent) == ("Rita", "Zoe", 30, agreement.kappa(ratings, staff.rep.id, zoe.id))
    assert "'Order status' and 'Refund' for each other" in agreements.finding(found, 2, {status: "Order status", refund: "Refund"})


def test_two_people_stand_side_by_side_from_ten_conversations_on_by_name(staff: Staff) -> None:
    ids, (status, _) = arrive(10), two_intents(staff)
    anna, zoe = hire(staff, "Anna"), hire(staff, "Zoe")
    for place, made in enumerate(ids):
        for person in (zoe, anna, *([staff.rep] if place < 9 else [])):
            reviews.record(made, "strong", by=person, label_id=status)
    assert [(pair.one, pair.other) for pair in agreements.overview(by=staff.lead).pairs] == [("Anna", "Zoe")]
    reviews.record(ids[9], "strong", by=staff.rep, label_id=status)
    assert [(pair.one, pair.other) for pair in agreements.overview(by=staff.lead).pairs] == [
        ("Anna", "Rita"),
        ("Anna", "Zoe"),
        ("Rita", "Zoe"),
    ]


def test_what_was_taken_back_or_settled_is_nobodys_own_word(staff: Staff) -> None:
    (made, other), (status, refund) = arrive(2), two_intents(staff)
    zoe = hire(staff, "Zoe")
    for one in (made, other):
        reviews.record(one, "strong", by=staff.rep, label_id=status)
        reviews.record(one, "strong", by=zoe, label_id=refund)
    disputes.settle(made, "strong", refund, "It is about money.", by=staff.lead)
    assert (agreements.overview(by=staff.lead).people, agreements.overview(by=staff.lead).conversations) == (2, 2)
    undo.last(by=zoe)
    assert agreements.overview(by=staff.lead).conversations == 1


def test_a_lead_sees_their_own_teams_and_an_engineer_everything(staff: Staff) -> None:
    oak, fern = arrive(2), arrive(3, first=50, team="Fern")
    for made in (*oak, *fern):
        reviews.record(made, "strong", by=staff.engineer)
    for made in oak:
        reviews.record(made, "weak", by=staff.lead)
    for made in fern:
        reviews.record(made, "weak", by=staff.other)
    assert [agreements.overview(by=person).conversations for person in (staff.lead, staff.other, staff.engineer)] == [2, 3, 5]
    for person in (staff.rep, staff.admin, people.console()):
        with pytest.raises(Denied):
            agreements.overview(by=person)


def test_an_answer_counts_where_it_was_asked_in_the_same_words(staff: Staff) -> None:
    ids, zoe = arrive(12), hire(staff, "Zoe")
    ask = {"share": 1.0, "double": 0.0, "reviewers": 2, "by": staff.lead}
    rubric.change([("solved", "Was it solved?"), ("kind", "Was it kind?")], **ask)  # type: ignore[arg-type]
    for place, made in enumerate(ids):
        reviews.record(made, "strong", by=staff.rep, marks={"solved": "yes" if place % 2 else "no", "kind": "unsure"})
        reviews.record(made, "strong", by=zoe, marks={"solved": "yes" if place % 2 else "no", "kind": "yes"})
    marks = agreements.overview(by=staff.lead).marks
    assert marks["Was it solved?"].value == 1.0 and marks["Was it solved?"].n == 12
    assert marks["Was it kind?"].sentence == "Cannot tell: nothing was rated by at least two people yet."  # not sure is no answer
    rubric.change([("solved", "Did we solve it the first time?"), ("kind", "Was it kind?")], **ask)  # type: ignore[arg-type]
    marks = agreements.overview(by=staff.lead).marks
    assert set(marks) == {"Did we solve it the first time?", "Was it kind?"}
    assert marks["Did we solve it the first time?"].n == 0


def test_twenty_thousand_reviews_are_put_side_by_side_within_a_second(staff: Staff) -> None:
    count = 10_000 if SOAK else 2_000
    crew = [hire(staff, f"Person{number}") for number in range(6)]
    ids, rng = [status.id for status in (labels.add(f"Intent {n}", by=staff.lead) for n in range(20))], random.Random(1)
    made = door.receive([canonical(n, team="Oak") for n in range(1000, 1000 + count)], by=people.console(), classify=False).ids
    moment = now() - timedelta(days=1)
    with store.writing() as db:
        rows = []
        for conversation_id in made:
            label = rng.choice(ids)
            for person in rng.sample(crew, 2):
                said = label if rng.random() < 0.8 else rng.choice(ids)
                rows.append(Review(conversation_id=conversation_id, seq=1, verdict="weak" if rng.random() < 0.1 else "strong",
                                   label_id=said, by_person_id=person.id, at=moment))  # fmt: skip
        db.add_all(rows)
    began = time.process_time()
    found, waiting = agreements.overview(by=staff.lead), disputes.open_ones(by=staff.lead)
    took = time.process_time() - began
    print(f"{2 * count:,} reviews: {took:.2f} s")
    assert (found.conversations, found.people, len(found.pairs)) == (count, 6, 15)
    assert 0 < len(waiting) <= count and [pair.one for pair in found.pairs] == sorted(pair.one for pair in found.pairs)
    assert took < 1.0
