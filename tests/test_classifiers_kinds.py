"""Classifiers beside the one for intents: begun by anybody who builds, tested by sets of their own, asked about each conversation."""

import pytest

from classifiers import arrivals, gathering, kinds, labels, shipping, studies, training
from data import audit, conversations, predictions, store, versions
from data import labels as known
from data.errors import Denied, Refused
from data.intake import door
from data.values import Target
from evals import sets
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_classifiers_shipping import candidate, ship

ASKS = "Is the customer complaining?"


def test_a_question_with_yes_or_no_has_its_two_answers_and_no_other(staff: Staff) -> None:
    made = kinds.add(" Complaint ", kinds.YES_NO, ASKS, by=staff.rep)
    assert (made.name, made.kind, made.asks) == ("Complaint", "yes or no", ASKS)
    assert [label.name for label in known.of("Complaint", drafts=True)] == ["No", "Yes"] and known.of() == []
    assert [one.name for one in kinds.in_use(by=staff.rep)] == ["intent", "Complaint"] == kinds.names()
    assert "Added the classifier 'Complaint': Is the customer complaining?" in [one.sentence for one in audit.newest(by=staff.admin)]
    with pytest.raises(Refused, match="has its answers already"):
        labels.add("Perhaps", by=staff.lead, classifier_name="Complaint")


@pytest.mark.parametrize(
    ("name", "kind", "asks", "why"),
    [
        ("", kinds.ONE, ASKS, "1 to 60 characters"),
        ("x" * 61, kinds.ONE, ASKS, "1 to 60 characters"),
        ("a@1", kinds.ONE, ASKS, "without @ and /"),
        ("Intent", kinds.ONE, ASKS, "there is a classifier 'Intent' already"),
        ("Complaint", "some", ASKS, "any number of its labels"),
        ("Complaint", kinds.ONE, "  ", "say in 1 to 200 characters"),
    ],
)
def test_what_cannot_be_begun_is_told(staff: Staff, name: str, kind: str, asks: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        kinds.add(name, kind, asks, by=staff.rep)
    assert kinds.names() == ["intent"]


def test_who_may_not_begin_one_does_not(staff: Staff) -> None:
    with pytest.raises(Denied):
        kinds.add("Complaint", kinds.YES_NO, ASKS, by=staff.admin)
    with pytest.raises(Refused, match="There is no classifier 'Complaint'"):
        kinds.of("Complaint")
    with pytest.raises(Refused, match="no classifier 'Complaint'"):
        labels.add("Yes", by=staff.lead, classifier_name="Complaint")


def taught(staff: Staff, first: int, count: int) -> Target:
    """Every second conversation is one: the texts of tests repeat with five, so that it can be learned from the rest of the words."""
    kinds.add("Complaint", kinds.YES_NO, ASKS, by=staff.rep)
    ids = list(door.receive([canonical(number, team="Oak") for number in range(first, first + count)], by=staff.engineer).ids)
    by_name = {label.name: label.id for label in known.of("Complaint", drafts=True)}
    with store.reading() as db:
        texts = {made: text for made, (_, text) in conversations.texts(db, ids).items()}
    yes = [made for made in ids if "refund" in texts[made].lower() or "money" in texts[made].lower()]
    gathering.accept(yes, by_name["Yes"], found="search", by=staff.rep)
    gathering.accept([made for made in ids if made not in yes], by_name["No"], found="search", by=staff.rep)
    gathering.freeze_kept("Complaint", by=staff.rep)
    return versions.target_of(training.train("Complaint", by=staff.rep))


def test_a_customer_is_on_one_side_for_all_answers_to_a_question(staff: Staff) -> None:
    kinds.add("Complaint", kinds.YES_NO, ASKS, by=staff.rep)
    no, yes = known.of("Complaint", drafts=True)
    assert [gathering.is_for_testing(no, str(one)) for one in range(500)] == [gathering.is_for_testing(yes, str(one)) for one in range(500)]
    one, other = (labels.add(name, by=staff.lead) for name in ("Refund", "Damage"))  # the control: intents are each on their own
    assert [gathering.is_for_testing(one, str(number)) for number in range(500)] != [
        gathering.is_for_testing(other, str(number)) for number in range(500)
    ]


def test_it_is_released_beside_the_one_for_intents_and_each_is_measured_on_its_own_sets(staff: Staff) -> None:
    ship(staff, candidate(staff))
    target = taught(staff, 500, 180)
    assert {eval_set.about for eval_set, _ in sets.measured_on("classifier", "Complaint")} == {"Complaint"}
    assert {eval_set.about for eval_set, _ in sets.measured_on("classifier")} == {"intent"}
    evidence = shipping.evaluate(target, by=staff.rep)
    assert evidence.stops() is None and evidence.eval_set.name == "Complaint: kept for testing"
    ship(staff, target)
    assert [label.draft for label in known.of("Complaint")] == [False, False]
    ids = list(door.receive([canonical(number, team="Oak") for number in range(900, 910)], by=staff.engineer).ids)
    assert arrivals.by_all(ids) == 20
    with store.reading() as db:
        intents, complaints = (predictions.live_by_conversation(db, ids, name) for name in ("intent", "Complaint"))
    assert intents.keys() == complaints.keys() == set(ids)
    assert not {one.label_id for one in complaints.values()} & {one.label_id for one in intents.values() if one.label_id}


def test_a_set_of_another_classifier_is_no_gate_for_intents(staff: Staff) -> None:
    ship(staff, candidate(staff))
    taught(staff, 500, 150)
    eval_set, _ = sets.measured_on("classifier", "Complaint")[0]
    with pytest.raises(Refused, match="measured on its own sets already"):
        sets.propose_gate(eval_set.id, bar=0.9, approvers=1, why="Stricter.", by=staff.lead)


def test_what_a_job_found_out_stands_beside_the_version_the_newest_first(staff: Staff) -> None:
    version = versions.get(candidate(staff))
    assert studies.newest(version, studies.CURVE, by=staff.rep) is None
    for number in (1, 2):
        studies.keep(version, studies.CURVE, {"number": number}, by=staff.rep)
    found = studies.newest(version, studies.CURVE, by=staff.rep)
    assert found is not None and found.told == {"number": 2} and studies.newest(version, studies.IMPACT, by=staff.rep) is None
