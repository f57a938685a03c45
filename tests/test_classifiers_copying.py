"""A classifier copied: the same question, labels and examples as far as the person may read them, and the other one's figures beside it."""

from collections.abc import Sequence

import pytest
from sqlmodel import select

from classifiers import copying, gathering, kinds, labels, shipping, taught, training
from classifiers.taught import Said
from data import audit, deeds, store, undo, versions
from data import labels as known
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Label, Person
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_classifiers_kinds import ASKS
from tests.test_classifiers_kinds import taught as trained


def comes(staff: Staff, first: int, count: int, team: str = "Oak") -> list[str]:
    return list(door.receive([canonical(number, team=team) for number in range(first, first + count)], by=staff.engineer).ids)


def answers(name: str) -> dict[str, Label]:
    return {label.name: label for label in known.of(name, drafts=True)}


def complaint(staff: Staff, yes: Sequence[str], no: Sequence[str], by: Person | None = None) -> None:
    kinds.add("Complaint", kinds.YES_NO, ASKS, by=staff.rep)
    for name, ids in (("Yes", yes), ("No", no)):
        if ids:
            gathering.accept(ids, answers("Complaint")[name].id, found="search", by=by or staff.rep)


def said_of(name: str) -> dict[str, set[str]]:
    """By conversation the names of its labels."""
    with store.reading() as db:
        said = taught.of_classifier(db, name)
    return {one.conversation_id: names_of(one) for one in said}


def as_said(yes: Sequence[str], no: Sequence[str]) -> dict[str, set[str]]:
    return {one: {"Yes"} for one in yes} | {one: {"No"} for one in no}


def names_of(one: Said) -> set[str]:
    return {known.names()[label_id] for label_id in one.label_ids}


def test_a_copy_asks_the_same_and_learns_from_the_same(staff: Staff) -> None:
    ids = comes(staff, 1, 9)
    complaint(staff, ids[:5], ids[5:])
    copied = copying.copy("Complaint", " Upset ", by=staff.lead)
    assert (copied.classifier.name, copied.classifier.kind, copied.classifier.asks) == ("Upset", kinds.YES_NO, ASKS)
    assert (copied.examples, copied.elsewhere, copied.older) == (9, 0, 0)
    assert copied.sentence == "'Upset' begins with 9 examples. Train it here to see how good it is here."
    assert said_of("Upset") == said_of("Complaint") == as_said(ids[:5], ids[5:])
    mine, theirs = answers("Upset"), answers("Complaint")
    assert mine.keys() == {"Yes", "No"} and all(one.draft for one in mine.values())
    assert {one.id for one in mine.values()}.isdisjoint(one.id for one in theirs.values())
    assert "Copied the classifier 'Complaint' as 'Upset', with 9 examples." in [one.sentence for one in audit.newest(by=staff.admin)]


def test_what_is_said_of_a_copy_changes_nothing_of_the_other(staff: Staff) -> None:
    ids = comes(staff, 1, 40)  # of so many customers some are to learn from
    complaint(staff, ids[:20], ids[20:])
    copying.copy("Complaint", "Upset", by=staff.rep)
    kept = [one.conversation_id for one in taught_to_learn("Upset")]
    gathering.accept(kept, answers("Upset")["No"].id, found="search", by=staff.rep)
    assert said_of("Complaint") == as_said(ids[:20], ids[20:])
    assert kept and {name for one in kept for name in said_of("Upset")[one]} == {"No"}


def taught_to_learn(name: str) -> list[Said]:
    with store.reading() as db:
        return [one for one in taught.of_classifier(db, name) if one.use == "train"]


def test_guidelines_go_with_the_labels_and_what_is_no_longer_in_use_does_not(staff: Staff) -> None:
    kinds.add("Topics", kinds.ONE, "Which product comes up?", by=staff.lead)
    told = {"classifier_name": "Topics", "description": "Green things", "do": "Trees too.", "dont": "No pots."}
    labels.add("Plants", by=staff.lead, **told)  # type: ignore[arg-type]
    gone = labels.add("Rakes", by=staff.lead, classifier_name="Topics")
    with store.writing() as db:
        db.get_one(Label, gone.id).retired_at = gone.at
    copying.copy("Topics", "Ours", by=staff.rep)
    (plants,) = answers("Ours").values()
    assert (plants.name, plants.description, plants.do, plants.dont, plants.draft) == (
        "Plants", "Green things", "Trees too.", "No pots.", True,
    )  # fmt: skip


def test_of_a_question_with_several_answers_all_that_come_up_is_taken_over(staff: Staff) -> None:
    ids = comes(staff, 1, 3)
    kinds.add("Topics", kinds.SEVERAL, "Which products come up?", by=staff.rep)
    pots, trees = (labels.add(name, by=staff.rep, classifier_name="Topics", draft=True) for name in ("Pots", "Trees"))
    for one, come_up in zip(ids, ([pots.id, trees.id], [trees.id], []), strict=True):
        gathering.say_all(one, "Topics", come_up, found="search", by=staff.rep)
    assert copying.copy("Topics", "Ours", by=staff.rep).examples == 3
    assert said_of("Ours") == {ids[0]: {"Pots", "Trees"}, ids[1]: {"Trees"}, ids[2]: set()}


def test_conversations_of_another_team_stay_there_and_are_counted(staff: Staff) -> None:
    oak, fern = comes(staff, 1, 3), comes(staff, 50, 2, team="Fern")
    complaint(staff, [*oak, *fern], [], by=staff.engineer)
    copied = copying.copy("Complaint", "Upset", by=staff.rep)
    assert (copied.examples, copied.elsewhere) == (3, 2) and said_of("Upset").keys() == set(oak)
    assert "Of other teams' conversations 2 stay there." in copied.sentence
    assert copying.copy("Complaint", "All", by=staff.engineer).examples == 5


def test_more_than_can_be_taken_over_at_once_are_the_newest(staff: Staff) -> None:
    ids = comes(staff, 1, 3)
    complaint(staff, [], [])
    for one in ids:
        gathering.accept([one], answers("Complaint")["Yes"].id, found="search", by=staff.rep)
    copied = copying.copy("Complaint", "Upset", most=2, by=staff.rep)
    assert "1 older stays there too: 2 are taken over at once." in copied.sentence
    assert (copied.examples, copied.older) == (2, 1) and said_of("Upset").keys() == set(ids[1:])


def test_one_undo_takes_the_examples_back_and_says_so(staff: Staff) -> None:
    ids = comes(staff, 1, 4)
    complaint(staff, ids[:2], ids[2:])
    copying.copy("Complaint", "Upset", by=staff.lead)
    last = deeds.last(by=staff.lead)
    assert last is not None and last.sentence == "Took over the examples of 'Complaint' into 'Upset'."
    undo.last(by=staff.lead)
    assert said_of("Upset") == {} and len(said_of("Complaint")) == 4


def test_what_was_measured_there_stands_beside_the_copy(staff: Staff) -> None:
    ids = comes(staff, 1, 2)
    complaint(staff, ids, [])
    assert copying.origin("Complaint", by=staff.rep) is None and copying.origin("intent", by=staff.rep) is None
    copying.copy("Complaint", "Upset", by=staff.rep)
    origin = copying.origin("Upset", by=staff.admin)
    assert origin is not None and (origin.name, origin.told) == ("Complaint", "which was not trained yet when it was copied")


def test_the_figures_are_of_the_newest_version_that_was_trained_there(staff: Staff) -> None:
    version = versions.get(trained(staff, 500, 180))
    copying.copy("Complaint", "Upset", by=staff.lead)
    origin = copying.origin("Upset", by=staff.rep)
    right = shipping.accuracy_of(version)
    assert origin is not None and (origin.number, origin.live, origin.right) == (1, False, right) and right.n > 50
    assert origin.told.startswith(f"of which version 1, not live there, was right in {right} and spoke in ")
    assert versions.all_of("classifier", "Upset") == []
    gathering.freeze_kept("Upset", by=staff.lead)
    here = training.train("Upset", by=staff.lead)  # the copy can be measured here from the first minute
    assert here.target_name == "Upset" and here.manifest["accuracy_n"] > 50


@pytest.mark.parametrize(
    ("name", "as_name", "why"),
    [
        ("intent", "Ours", "intents are the same for all teams"),
        ("Complaint", "complaint", "there is a classifier 'complaint' already"),
        ("Complaint", " ", "1 to 60 characters"),
        ("Nothing", "Ours", "There is no classifier 'Nothing'"),
    ],
)
def test_what_cannot_be_copied_is_told_and_nothing_is_left_of_it(staff: Staff, name: str, as_name: str, why: str) -> None:
    complaint(staff, [], [])
    with pytest.raises(Refused, match=why):
        copying.copy(name, as_name, by=staff.rep)
    assert kinds.names() == ["intent", "Complaint"]
    with store.reading() as db:
        assert len(db.exec(select(Label)).all()) == 2


def test_who_may_not_begin_one_does_not_copy_one(staff: Staff) -> None:
    complaint(staff, [], [])
    with pytest.raises(Denied):
        copying.copy("Complaint", "Upset", by=staff.admin)
    assert kinds.names() == ["intent", "Complaint"]
