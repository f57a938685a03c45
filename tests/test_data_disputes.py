"""What people see differently: found, settled once with a reason by somebody who is none of the two, told, and taken back whole."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from classifiers import labels
from data import audit, conversations, disputes, inbox, people, queue, reviews, rubric, store, undo
from data.errors import Denied, Refused
from data.intake import door
from data.labels import guideline
from data.tables import Dispute, Label, Person, QueueReason, Review
from data.values import now
from tests.conftest import Staff
from tests.conversations import canonical


def arrive(number: int = 1, team: str = "Oak") -> str:
    return door.receive([canonical(number, team=team)], by=people.console(), classify=False).ids[0]


@pytest.fixture
def zoe(staff: Staff) -> Person:
    return people.add("Zoe", "zoe@example.com", "rep", by=people.console(), team=staff.oak)


@pytest.fixture
def refund(staff: Staff) -> Label:
    return labels.add("Refund", by=staff.lead, description="Money back.", do="The refund is not here.", dont="The parcel is not here.")


@pytest.fixture
def status(staff: Staff) -> Label:
    return labels.add("Order status", by=staff.lead)


def differ(staff: Staff, zoe: Person, one: Label | None, other: Label | None, number: int = 1) -> str:
    """A conversation of which Rita says one thing and Zoe another."""
    made = arrive(number)
    reviews.record(made, "strong", by=staff.rep, label_id=one.id if one else None)
    reviews.record(made, "strong" if other else "weak", by=zoe, label_id=other.id if other else None)
    return made


def waiting(by: Person) -> list[str]:
    return [one.conversation_id for one in disputes.open_ones(by=by)]


def asked_for() -> list[str]:
    with store.reading() as db:
        return list(db.exec(select(QueueReason.kind)).all())


def test_what_contradicts_waits_and_what_does_not_does_not(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    intents = differ(staff, zoe, status, refund, 1)
    verdicts = differ(staff, zoe, None, None, 2)
    made = arrive(3)
    reviews.record(made, "strong", by=staff.rep, label_id=status.id)
    reviews.record(made, "none", by=zoe)  # neither, and no intent: contradicts nobody
    agreed = arrive(4)
    for person in (staff.rep, zoe):
        reviews.record(agreed, "weak", by=person, label_id=refund.id)
    assert set(waiting(staff.lead)) == {intents, verdicts}
    by_id = {one.conversation_id: one for one in disputes.open_ones(by=staff.lead)}
    assert set(by_id[intents].pair) == {status.id, refund.id} and by_id[verdicts].pair == ("strong", "weak")
    assert [review.by_person_id for review in by_id[intents].said] == [staff.rep.id, zoe.id]


def test_what_is_taken_for_each_other_most_comes_first(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    rare = differ(staff, zoe, None, None, 1)
    often = {differ(staff, zoe, status, refund, number) for number in (2, 3)}
    assert waiting(staff.lead)[2] == rare and set(waiting(staff.lead)[:2]) == often


def test_a_decision_counts_last_is_told_to_both_and_stands_in_the_record(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    made = differ(staff, zoe, status, refund)
    assert asked_for() == [queue.DISAGREEMENT]
    dispute = disputes.settle(made, "weak", refund.id, "The customer asks for the money.", by=staff.lead)
    assert (waiting(staff.lead), asked_for()) == ([], [])
    with store.reading() as db:
        counts = reviews.last_said(db)[made]
        assert (counts.by_person_id, counts.label_id, counts.settled_by_dispute_id) == (staff.lead.id, refund.id, dispute.id)
        assert len(dispute.review_ids) == 2
    assert [one.id for one in disputes.settled(by=staff.lead)] == [dispute.id]
    for person, other in ((staff.rep, "Zoe"), (zoe, "Rita")):
        (told,) = inbox.of(person)
        assert told.sentence == (
            f"Leo settled what you and {other} saw differently: it is 'Refund', weak, because: The customer asks for the money."
        )
        assert (told.kind, told.page) == ("moved", f"conversation?conversation={made}")
    assert inbox.of(staff.lead) == []
    assert "Settled what people saw differently: 'Refund', weak." in audit.newest(by=staff.lead)[0].sentence


def test_nobody_is_told_of_a_conversation_that_they_may_not_read_any_more(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    made = differ(staff, zoe, status, refund)
    people.move(zoe.id, staff.fern.id, by=staff.admin)
    people.disable(staff.rep.id, by=staff.admin)
    disputes.settle(made, "weak", refund.id, "The customer asks for the money.", by=staff.lead)
    assert (inbox.of(zoe), inbox.of(staff.rep)) == ([], [])


def test_one_of_the_two_may_not_settle_it_alone(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    made = arrive()
    reviews.record(made, "strong", by=staff.rep, label_id=status.id)
    reviews.record(made, "strong", by=staff.lead, label_id=refund.id)
    with pytest.raises(Denied, match="you are one of the two who see it differently"):
        disputes.settle(made, "strong", refund.id, "I am right.", by=staff.lead)
    ann = people.add("Ann", "ann@example.com", "rep", by=people.console(), team=staff.oak)
    with store.writing() as db:
        db.get_one(Person, ann.id).role = "lead"
    second = people.get(ann.id)
    assert second is not None
    disputes.settle(made, "strong", refund.id, "It is about money.", by=second)  # the control: another lead may
    assert waiting(staff.lead) == []


def test_what_is_no_decision_is_refused_and_nothing_is_kept(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    made, agreed = differ(staff, zoe, status, refund, 1), arrive(2)
    reviews.record(agreed, "weak", by=staff.rep)
    for wrong, told in (
        ((made, "weak", refund.id, " "), "say in a sentence why"),
        ((made, "weak", refund.id, "x" * 501), "may have 500 characters, this one has 501"),
        ((made, "good", refund.id, "Because."), "strong, weak or neither"),
        ((made, "weak", "nothing", "Because."), "no longer in use"),
        ((agreed, "weak", refund.id, "Because."), "nobody sees this one differently"),
    ):
        with pytest.raises(Refused, match=told):
            disputes.settle(*wrong, by=staff.lead)
    with store.reading() as db:
        assert db.exec(select(Dispute)).all() == []
    for person in (staff.rep, staff.other, staff.engineer, staff.admin):
        with pytest.raises(Denied):
            disputes.settle(made, "weak", refund.id, "Because.", by=person)
    assert inbox.of(zoe) == []
    disputes.settle(made, "weak", refund.id, "x" * 500, by=staff.lead)  # the control
    with pytest.raises(Refused, match="Not settled again: Leo decided on it already"):
        disputes.settle(made, "weak", refund.id, "Because.", by=staff.lead)


def test_somebody_who_says_it_otherwise_afterwards_opens_it_again(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    made = differ(staff, zoe, status, refund)
    disputes.settle(made, "strong", refund.id, "It is about money.", by=staff.lead, at=now())
    reviews.record(made, "none", by=staff.rep, label_id=refund.id, at=now() + timedelta(seconds=1))  # takes the decision over
    assert waiting(staff.lead) == []
    reviews.record(made, "strong", by=staff.rep, label_id=status.id, at=now() + timedelta(seconds=2))
    assert waiting(staff.lead) == [made]
    disputes.settle(made, "strong", refund.id, "As I said.", by=staff.lead, at=now() + timedelta(seconds=3))
    assert waiting(staff.lead) == []
    assert len(disputes.settled(by=staff.lead)) == 1  # the second decision stands, the first is history


def test_one_undo_takes_the_decision_back_and_it_waits_again(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    made = differ(staff, zoe, status, refund)
    dispute = disputes.settle(made, "strong", refund.id, "It is about money.", by=staff.lead)
    undo.last(by=staff.lead)
    assert (waiting(staff.lead), asked_for()) == ([made], [queue.DISAGREEMENT])
    assert disputes.settled(by=staff.lead) == []
    with store.reading() as db:
        assert db.get(Dispute, dispute.id) is not None  # history
        assert reviews.last_said(db)[made].by_person_id == zoe.id
    disputes.settle(made, "strong", status.id, "I was wrong.", by=staff.lead)
    assert waiting(staff.lead) == []


def test_what_a_lead_of_another_team_does_not_see(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    made = differ(staff, zoe, status, refund)
    assert (waiting(staff.lead), waiting(staff.other), waiting(staff.engineer)) == ([made], [], [made])
    disputes.settle(made, "strong", refund.id, "It is about money.", by=staff.lead)
    assert [len(disputes.settled(by=person)) for person in (staff.lead, staff.other, staff.engineer)] == [1, 0, 1]


def test_a_card_in_the_reason_is_masked_wherever_it_goes(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    made = differ(staff, zoe, status, refund)
    reason = "Card 4111 1111 1111 1111 was charged."
    labels.settle(made, "strong", refund.id, reason, guideline_for=refund.id, by=staff.lead)
    with store.reading() as db:
        kept = [db.exec(select(Dispute.reason)).one(), db.get_one(Label, refund.id).do, inbox.of(zoe)[0].sentence]
        kept += [entry.sentence for entry in audit.newest(by=staff.engineer)] + list(db.exec(select(Review.note)).all())
    assert not [text for text in kept if "4111" in text]
    assert "was charged." in kept[0]


def test_the_reason_makes_the_guideline_clearer_in_the_same_act(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    made = differ(staff, zoe, status, refund)
    told = "'Where is my money' is a refund."
    dispute = labels.settle(made, "strong", refund.id, "It is about money.", guideline=told, guideline_for=refund.id, by=staff.lead)
    with store.reading() as db:
        label = db.get_one(Label, refund.id, populate_existing=True)
    assert label.do == f"The refund is not here.\n{told}" and dispute.guideline_label_id == refund.id
    assert guideline(label) == f"Money back.\nYes: The refund is not here.\n{told}\nNo: The parcel is not here."
    again = differ(staff, zoe, status, refund, 2)
    labels.settle(again, "strong", refund.id, "A parcel is no refund.", guideline_for=status.id, guideline_is="dont", by=staff.lead)
    with store.reading() as db:
        assert db.get_one(Label, status.id, populate_existing=True).dont == "A parcel is no refund."


def test_one_undo_takes_back_the_decision_and_what_it_added_to_the_guideline(
    staff: Staff, zoe: Person, status: Label, refund: Label
) -> None:
    made = differ(staff, zoe, status, refund)
    labels.settle(made, "strong", refund.id, "It is about money.", guideline_for=refund.id, by=staff.lead)
    assert undo.last(by=staff.lead).told == "Taken back: Settled what people saw differently."
    assert waiting(staff.lead) == [made] and do_of(refund) == "The refund is not here."
    labels.settle(made, "strong", refund.id, "It is about money.", guideline_for=refund.id, by=staff.lead)
    labels.improve(refund.id, do="Money, and vouchers.", by=staff.lead)
    undo.last(by=staff.lead)
    assert waiting(staff.lead) == [made] and do_of(refund) == "Money, and vouchers."  # what was said since stays


def do_of(label: Label) -> str:
    with store.reading() as db:
        return db.get_one(Label, label.id, populate_existing=True).do


def test_a_guideline_that_cannot_be_changed_leaves_the_dispute_open(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    made = differ(staff, zoe, status, refund)
    for wrong, told in (
        ({"guideline_for": "nothing"}, "no longer in use"),
        ({"guideline_for": refund.id, "guideline": "x" * 1_000}, "may have 1,000 characters"),
        ({"guideline_for": refund.id, "guideline_is": "perhaps"}, "what belongs to the intent"),
    ):
        with pytest.raises(Refused, match=told):
            labels.settle(made, "strong", refund.id, "It is about money.", by=staff.lead, **wrong)  # type: ignore[arg-type]
    assert waiting(staff.lead) == [made] and inbox.of(zoe) == []


def test_a_label_is_improved_by_whoever_names_labels_and_says_what_it_said_before(staff: Staff, refund: Label) -> None:
    labels.improve(refund.id, dont="The invoice is wrong.", by=staff.lead)
    with store.reading() as db:
        label = db.get_one(Label, refund.id, populate_existing=True)
    assert (label.do, label.dont) == ("The refund is not here.", "The invoice is wrong.")
    entry = audit.newest(by=staff.engineer)[0]
    assert entry.before == {"do": "The refund is not here.", "dont": "The parcel is not here."} and entry.after is not None
    for person in (staff.rep, staff.admin):
        with pytest.raises(Denied):
            labels.improve(refund.id, do="Anything.", by=person)
    with pytest.raises(Refused, match="says that already"):
        labels.improve(refund.id, dont="The invoice is wrong.", by=staff.engineer)


def test_a_double_look_that_differs_waits_here_and_not_for_a_third(staff: Staff, zoe: Person, status: Label, refund: Label) -> None:
    rubric.change([], share=0.0, double=1.0, reviewers=2, by=staff.lead)
    made = arrive()
    reviews.record(made, "strong", by=staff.rep, label_id=status.id)
    assert asked_for() == [queue.SECOND] and reviews.is_blind(made, by=zoe)
    reviews.record(made, "strong", by=zoe, label_id=refund.id)
    assert (asked_for(), waiting(staff.lead)) == ([queue.DISAGREEMENT], [made])
    disputes.settle(made, "strong", refund.id, "It is about money.", by=staff.lead)
    assert asked_for() == []
    assert conversations.get(made, by=staff.lead) is not None
    with store.reading() as db:
        assert len(db.exec(select(Review).where(col(Review.settled_by_dispute_id).is_not(None))).all()) == 1
