"""What waits for a review is asked for in the order in which it teaches most, and says why."""

from datetime import timedelta

import numpy as np
import pytest
from sqlmodel import select

from classifiers import kinds, model, ordering
from classifiers.noticing import texts_of
from data import encoding, labels, people, queue, releases, reviews, store
from data.errors import Denied, Refused
from data.intake import door
from data.tables import QueueReason
from data.values import now
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_classifiers_shipping import candidate, ship
from tests.test_data_vectors import Counting, tiny

__all__ = ["tiny"]  # a fixture

CLEAR = "Sign-in: I cannot sign in, the login fails and my password does not work."
BETWEEN = "Refund: I want my money back. Sign-in: I cannot sign in."


def came(staff: Staff, said: list[str], *, first: int = 5_000, days_ago: int = 2) -> list[str]:
    sent = []
    for number, text in enumerate(said, start=first):
        at = now() - timedelta(days=days_ago, minutes=number % 600)
        messages = [{"role": "customer", "text": text, "at": at}]
        sent.append(canonical(number, team="Oak", opened_at=at, customer=f"customer {number}", messages=messages))
    return list(door.receive(sent, by=staff.engineer, classify=False).ids)


def given() -> dict[str, QueueReason]:
    with store.reading() as db:
        return {one.conversation_id: one for one in db.exec(select(QueueReason).where(QueueReason.kind == ordering.TEACHES))}


def test_what_lies_between_two_intents_comes_first(staff: Staff) -> None:
    ship(staff, candidate(staff))
    clear = came(staff, [f"{CLEAR} {number}" for number in range(30)])
    between = came(staff, [f"{BETWEEN} {number}" for number in range(5)], first=6_000)
    ordered = ordering.order_queue(by=staff.rep)
    assert ordered.conversations == 35 and set(ordered.asked) == {*clear, *between}
    assert ordered.asked[0] in between
    assert ordered.sentence == "35 conversations of the last 30 days wait; Review asks for the 35 that teach most first."


def test_the_weight_falls_and_stays_below_what_people_disagree_on(staff: Staff) -> None:
    came(staff, [f"{CLEAR} {number}" for number in range(260)])
    ordered = ordering.order_queue(by=staff.rep)
    weights = [given()[made].weight for made in ordered.asked]
    assert len(weights) == ordering.ASKED == len(given()) and weights == sorted(weights, reverse=True)
    assert 0.9 > weights[0] > weights[-1] > 0
    assert queue.team(by=staff.rep)[0].listed.id == ordered.asked[0]


def test_without_a_live_version_it_asks_for_typical_ones(staff: Staff) -> None:
    came(staff, ["The parcel locker is full."] * 20 + ["Do you sell ferns?"] * 3)
    ordered = ordering.order_queue(by=people.console())
    with store.reading() as db:
        texts = texts_of(db, ordered.asked)
    assert texts[ordered.asked[0]] == "The parcel locker is full." and texts[ordered.asked[1]] == "Do you sell ferns?"
    assert {one.sentence for one in given().values()} == {"The classifier would learn most from this one: it is typical of many."}


def test_ordered_anew_what_is_not_among_them_loses_its_reason(staff: Staff) -> None:
    first = came(staff, [f"The parcel locker is full, {number}." for number in range(6)])
    ordering.order_queue(by=staff.rep)
    ordering.order_queue(by=staff.rep)
    assert given().keys() == set(first)
    reviews.record(first[0], "none", by=staff.rep)
    with store.writing() as db:
        queue.suggest(db, first[0], "new pattern", "of another", weight=2.0, source="pattern x")
    ordering.order_queue(by=staff.rep)
    assert given().keys() == set(first[1:])
    kinds.add("other", kinds.ONE, "Which plant is it?", by=staff.rep)
    ordering.order_queue("other", by=staff.rep)
    assert len(given()) == 5, "each classifier's are its own"
    ordering.order_queue(by=staff.rep, at=now() + timedelta(days=60))
    with store.reading() as db:
        assert {one.source for one in db.exec(select(QueueReason))} == {"order other", "pattern x"}


def test_what_is_near_a_reviewed_one_comes_later(staff: Staff) -> None:
    lockers = came(staff, [f"The parcel locker is full, {number}." for number in range(10)])
    ferns = came(staff, [f"Do you sell ferns, {number}?" for number in range(5)], first=6_000)
    assert ordering.order_queue(by=staff.rep).asked[0] in lockers
    for made in lockers[:3]:
        reviews.record(made, "none", by=staff.rep)
    assert ordering.order_queue(by=staff.rep).asked[0] in ferns


def test_the_nearest_labelled_ones_are_told_where_they_say_otherwise(staff: Staff) -> None:
    ship(staff, candidate(staff))
    said = [f"I cannot sign in, my password does not work, the login fails, {number}" for number in range(12)]
    ids = came(staff, said)
    known = {label.name: label.id for label in labels.of()}
    for made in ids[:8]:
        reviews.record(made, "none", label_id=known["Invoice"], by=staff.rep)
    ordering.order_queue(by=staff.rep)
    told = {given()[made].sentence for made in ids[8:]}
    assert "The classifier would learn most from this one: it leans to 'Sign-in', and those most like it are 'Invoice'." in told


def test_vectors_are_kept_where_there_is_an_encoder(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Counting()
    monkeypatch.setattr(encoding, "in_force", lambda: encoder)
    came(staff, ["The parcel locker is full."] * 4 + ["Do you sell ferns?"])
    ordering.order_queue(by=staff.rep)
    seen = len(encoder.seen)
    ordering.order_queue(by=staff.rep)
    assert seen == 2 and len(encoder.seen) == seen


@pytest.mark.parametrize("said", [[], ["🌱"], ["the same"] * 3, ["", "x" * 50_000]])
def test_odd_texts_are_no_trouble(staff: Staff, said: list[str]) -> None:
    came(staff, said)
    ordered = ordering.order_queue(by=staff.rep)
    assert ordered.conversations == len([text for text in said if text])
    assert releases.live("classifier", "intent") is None
    if not said:
        assert ordered.sentence == "Nothing of the last 30 days waits for a review."


def test_who_may_not_see_classifiers_orders_nothing(staff: Staff) -> None:
    with pytest.raises(Denied):
        ordering.order_queue(by=people.console().model_copy(update={"role": "visitor"}))


def test_of_one_that_may_say_several_labels_nothing_is_ordered(staff: Staff) -> None:
    kinds.add("Topics", kinds.SEVERAL, "Which of these come up?", by=staff.rep)
    came(staff, ["The parcel locker is full."] * 3)
    ordered = ordering.order_queue("Topics", by=staff.rep)
    assert given() == {} and ordered.sentence == ordered.skipped
    assert ordered.sentence == "Not ordered: 'Topics' may say several labels at once. Find what teaches it on Examples."
    with pytest.raises(Refused, match="There is no classifier 'Nothing'"):
        ordering.order_queue("Nothing", by=staff.rep)


def test_the_reason_names_the_two_intents_it_is_between() -> None:
    told = {}
    for second in (0.4, 0.05):
        guess = model.Guess(None, 0.5, [["a", 0.5 + (0.4 - second)], ["b", second]])
        seen = ordering._Seen([], np.zeros((1, 2), np.float32), [guess], None, [None])
        told[second] = ordering._why("intent", seen, 0, {"a": "Refund", "b": "Sign-in"})
    assert told[0.4] == "The classifier would learn most from this one: it is between 'Refund' and 'Sign-in'."
    assert told[0.05] == "The classifier would learn most from this one: many are like it, and hardly one of them was reviewed."
