"""What a label is taught by: accepted examples, a third of the customers kept for testing, one undo for all of it."""

import pytest
from sqlmodel import select

from classifiers import gathering, labels, shipping, training
from data import audit, examples, reviews, store, undo, versions
from data import labels as known
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Example
from evals import sets
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_classifiers_shipping import candidate


def arrived(staff: Staff, count: int) -> list[str]:
    """Of as many customers."""
    return list(door.receive([canonical(number, team="Oak") for number in range(1, count + 1)], by=staff.engineer).ids)


def uses(label_id: str) -> dict[str, str]:
    with store.reading() as db:
        return dict(db.exec(select(Example.conversation_id, Example.use).where(Example.label_id == label_id)).all())


def test_a_rep_names_a_label_that_nobody_is_asked_about_yet(staff: Staff) -> None:
    made = labels.add("Parcel locker full", by=staff.rep, draft=True)
    assert [one.name for one in known.of()] == [] and [one.name for one in known.of(drafts=True)] == ["Parcel locker full"]
    assert audit.newest(by=staff.admin)[0].sentence == "Named the intent 'Parcel locker full', to be taught."
    with pytest.raises(Denied):
        labels.add("Refund", by=staff.rep)  # the control: an intent that everybody is asked about at once is a lead's to add
    with store.writing() as db:
        labels.take_into_use(db, [made.id], by=staff.lead)
    assert [one.name for one in known.of()] == ["Parcel locker full"]


def test_about_a_third_is_kept_for_testing_by_customer_and_never_learned_from(staff: Staff) -> None:
    ids = arrived(staff, 60)
    label = labels.add("Parcel locker full", by=staff.rep, draft=True)
    told = gathering.accept(ids, label.id, found="pattern", by=staff.rep)
    assert told.taught + told.kept_for_testing == 60 and 10 <= told.kept_for_testing <= 30
    assert told.sentence.startswith(f"{told.taught} to learn from, {told.kept_for_testing} kept for testing.")
    gathering.freeze_kept(by=staff.rep)
    kept = {made for made, use in uses(label.id).items() if use == "eval"}
    learned = {row.conversation_id for row in examples.for_training(by=staff.rep)}
    assert len(kept) == told.kept_for_testing and learned == set(ids) - kept
    version = sets.latest(sets.by_name("Intent: Parcel locker full", by=staff.rep).id)
    assert version is not None and {case.expected["label_id"] for case in sets.cases(version.id)} == {label.id}


def test_a_customer_is_on_one_side_today_and_next_month(staff: Staff) -> None:
    label = labels.add("Parcel locker full", by=staff.rep, draft=True)
    sides = [gathering.is_for_testing(label, f"customer {number}") for number in range(3_000)]
    assert 0.3 < sum(sides) / 3_000 < 0.37
    assert sides == [gathering.is_for_testing(label, f"customer {number}") for number in range(3_000)]


def test_what_was_accepted_before_is_not_accepted_twice(staff: Staff) -> None:
    ids = arrived(staff, 6)
    label = labels.add("Parcel locker full", by=staff.rep, draft=True)
    gathering.accept(ids[:4], label.id, found="pattern", by=staff.rep)
    again = gathering.accept([*ids, *ids], label.id, found="similar", by=staff.rep)
    assert (again.taught + again.kept_for_testing, again.already) == (2, 4) and "4 were accepted before." in again.sentence
    assert len(uses(label.id)) == 6


def test_one_undo_takes_an_acceptance_back_whole(staff: Staff) -> None:
    ids = arrived(staff, 12)
    label = labels.add("Parcel locker full", by=staff.rep, draft=True)
    gathering.accept(ids, label.id, found="search", by=staff.rep)
    undo.last(by=staff.rep)
    assert set(uses(label.id).values()) == {"retired"} and examples.for_training(by=staff.rep) == []


@pytest.mark.parametrize(
    ("count", "found", "told"),
    [(0, "pattern", "choose 1 to 200 conversations, these are 0"), (2, "luck", "examples are found by a pattern")],
)
def test_what_cannot_be_accepted_is_said(staff: Staff, count: int, found: str, told: str) -> None:
    ids = arrived(staff, 2)[:count]
    label = labels.add("Parcel locker full", by=staff.rep, draft=True)
    with pytest.raises(Refused, match=told):
        gathering.accept(ids, label.id, found=found, by=staff.rep)


def test_another_teams_conversation_is_not_accepted_and_nothing_else_of_that_batch(staff: Staff) -> None:
    ids = arrived(staff, 3)
    other = door.receive([canonical(9, team="Fern")], by=staff.engineer).ids
    label = labels.add("Parcel locker full", by=staff.rep, draft=True)
    with pytest.raises((Refused, Denied)):
        gathering.accept([*ids, *other], label.id, found="pattern", by=staff.rep)
    assert uses(label.id) == {}


def test_what_is_kept_for_testing_is_not_learned_from_before_it_is_frozen_either(staff: Staff) -> None:
    ids = arrived(staff, 30)
    label, other = labels.add("Parcel locker full", by=staff.rep, draft=True), labels.add("Delivery", by=staff.lead)
    gathering.accept(ids, label.id, found="pattern", by=staff.rep)
    for made in ids:
        reviews.record(made, "none", by=staff.rep, label_id=other.id)
    kept = {made for made, use in uses(label.id).items() if use == "loose"}
    assert kept and not kept & {row.conversation_id for row in examples.for_training(by=staff.rep)}


def test_what_somebody_named_holds_up_nobody_elses_release(staff: Staff) -> None:
    target = candidate(staff)
    ids = list(door.receive([canonical(number, team="Oak") for number in range(901, 921)], by=staff.engineer).ids)
    label = labels.add("Parcel locker full", by=staff.rep, draft=True)
    gathering.accept(ids, label.id, found="pattern", by=staff.rep)
    gathering.freeze_kept(by=staff.rep)
    assert "Intent: Parcel locker full" in [one.name for one, _ in sets.measured_on("classifier")]
    assert shipping.evidence(target, by=staff.rep).stops() is None  # it was made before, and does not know the label
    second = versions.target_of(training.train(by=staff.rep))
    assert label.id in versions.get(second).manifest["label_ids"]
    assert not shipping.evaluate(second, by=staff.rep).decision.is_open  # the control: of who has learned it the cases ask too few
