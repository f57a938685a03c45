"""A frozen version: numbered, hashed, never changed, with the earlier cases under the same keys."""

import json
import threading
from collections.abc import Iterable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from classifiers import labels
from data import approvals, audit, examples, people, sealing, settings, store
from data.errors import Denied, Refused
from data.intake import door
from data.labels import of as labels_in_use
from data.tables import EvalSet, Example, Person
from evals import freezing, sets
from tests import worlds
from tests.conftest import Staff
from tests.conversations import WANTS, canonical

NAMES = list(WANTS)


def intents(staff: Staff) -> dict[str, str]:
    """The ids of the tests' four intents; made where they are not there yet."""
    known = {label.name: label.id for label in labels_in_use()}
    return known or {name: labels.add(name, by=staff.lead).id for name in WANTS}


@worlds.remembered
def flagged_set(
    staff: Staff, numbers: Iterable[int], *, into: EvalSet | None = None, by: Person | None = None
) -> tuple[EvalSet, list[str]]:
    """A set in which these conversations wait to be frozen; also their ids."""
    chosen = list(numbers)
    with store.writing():
        known = intents(staff)
        eval_set = into or sets.create("Everyday intents", by=staff.lead, bar=0.6)
        ids = door.receive([canonical(number, team="Oak") for number in chosen], by=staff.engineer).ids
        for number, made in zip(chosen, ids, strict=True):
            label = known[NAMES[number % len(NAMES)]]
            examples.flag(made, "strong", why="A clear case.", eval_set_id=eval_set.id, label_id=label, by=by or staff.rep)
    return eval_set, ids


def digest(cases: list[sets.Case]) -> str:
    return sealing.sha(
        json.dumps(sorted([case.key, case.input, case.expected, case.graders] for case in cases), sort_keys=True, ensure_ascii=False)
    )


def test_each_freeze_has_the_next_number_and_a_hash_of_its_cases(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 7))
    first = freezing.freeze(eval_set.id, by=staff.lead)
    flagged_set(staff, range(7, 9), into=eval_set)
    second = freezing.freeze(eval_set.id, by=staff.rep)
    assert [(version.number, sets.case_count(version.id)) for version in sets.versions(eval_set.id, by=staff.admin)] == [(2, 8), (1, 6)]
    for version in (first, second):
        assert version.sha == digest(sets.cases(version.id))
    changed = sets.cases(first.id)
    changed[0].expected = {**changed[0].expected, "label": "something else"}
    assert digest(changed) != first.sha  # the control: one other expectation is another hash
    latest = sets.latest(eval_set.id)
    assert latest is not None and latest.id == second.id


def test_a_version_carries_the_earlier_cases_under_the_same_keys(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 7))
    first = sets.cases(freezing.freeze(eval_set.id, by=staff.lead).id)
    flagged_set(staff, range(7, 10), into=eval_set)
    second = {case.key: case for case in sets.cases(freezing.freeze(eval_set.id, by=staff.lead).id)}
    assert len(first) == 6 and len(second) == 9
    for case in first:
        carried = second[case.key]
        assert carried.id != case.id
        assert (carried.input, carried.expected, carried.slices, carried.example_id, carried.customer_id) == (
            case.input, case.expected, case.slices, case.example_id, case.customer_id,
        )  # fmt: skip


def test_what_was_frozen_never_changes(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 4))
    version = freezing.freeze(eval_set.id, by=staff.lead)
    acts = ("UPDATE eval_case SET key = 'x'", "DELETE FROM eval_case", "UPDATE set_version SET sha = 'x'", "DELETE FROM set_version")
    for act in acts:
        with pytest.raises(DBAPIError, match="rows never change"), store.writing() as db:
            db.execute(text(act))
    assert version.sha == digest(sets.cases(version.id))
    for column in ("why", "messages", "kind", "conversation_id"):
        with pytest.raises(DBAPIError, match="what was kept in example never changes"), store.writing() as db:
            db.execute(text(f"UPDATE example SET {column} = {column}"))
    with store.writing() as db:  # the control: what is not immutable does change
        assert db.execute(text("UPDATE example SET use = 'retired'")).rowcount == 3  # type: ignore[attr-defined]


def test_the_changelog_says_in_words_who_added_how_much(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 6))
    flagged_set(staff, range(6, 8), into=eval_set, by=staff.lead)
    first = freezing.freeze(eval_set.id, by=staff.lead)
    assert first.changelog == "Rita added 5, Leo added 2. 7 cases in all."
    flagged_set(staff, range(8, 9), into=eval_set, by=staff.engineer)
    assert freezing.freeze(eval_set.id, by=staff.lead).changelog == "Emil added 1. 8 cases in all."
    entry = audit.newest(by=staff.admin, noun="eval_set")[0]
    assert entry.sentence == "Froze 'Everyday intents' 2: Emil added 1. 8 cases in all." and entry.by_person_id == staff.lead.id


def test_a_set_in_which_nothing_waits_is_not_frozen(staff: Staff) -> None:
    empty = sets.create("Empty", by=staff.lead)
    with pytest.raises(Refused, match=r"^'Empty' was not frozen: no flagged example waits in it\. Flag some on Review first\.$"):
        freezing.freeze(empty.id, by=staff.lead)
    assert sets.versions(empty.id, by=staff.lead) == []
    eval_set, _ = flagged_set(staff, range(1, 4))
    freezing.freeze(eval_set.id, by=staff.lead)
    with pytest.raises(Refused, match="no flagged example waits"):
        freezing.freeze(eval_set.id, by=staff.lead)
    assert len(sets.versions(eval_set.id, by=staff.lead)) == 1
    with pytest.raises(Refused, match="there is no such eval set"):
        freezing.freeze("no such id", by=staff.lead)


def test_frozen_examples_are_set_aside_for_testing(staff: Staff) -> None:
    eval_set, ids = flagged_set(staff, range(1, 4))
    assert examples.loose_count(eval_set.id) == 3
    freezing.freeze(eval_set.id, by=staff.lead)
    assert examples.loose_count(eval_set.id) == 0
    assert [example.use for made in ids for example in examples.of_conversation(made, by=staff.rep)] == ["eval"] * 3


def test_a_case_stays_as_it_was_flagged_when_its_conversation_goes_on(staff: Staff) -> None:
    eval_set, ids = flagged_set(staff, range(1, 3))
    later = [canonical(number, team="Oak") for number in (1, 2)]
    for conversation in later:
        conversation.messages[0].text = "Something else entirely."
    assert door.receive(later, by=staff.engineer).counts["updated"] == 2
    cases = sets.cases(freezing.freeze(eval_set.id, by=staff.lead).id)
    assert len(cases) == len(ids)
    assert {sets.text_of(case) for case in cases} == {canonical(number).messages[0].text for number in (1, 2)}


def test_an_admin_may_read_versions_and_not_freeze_them(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 3))
    with pytest.raises(Denied, match=r"an admin may not freeze an eval set"):
        freezing.freeze(eval_set.id, by=staff.admin)
    assert sets.versions(eval_set.id, by=staff.admin) == []


def test_a_set_has_a_name_of_its_own_and_a_bar_that_can_be_reached(staff: Staff) -> None:
    sets.create("Everyday intents", by=staff.lead)
    with pytest.raises(Refused, match="there is a set named 'Everyday intents' already"):
        sets.create(" Everyday intents ", by=staff.engineer)
    with pytest.raises(Refused, match="give the set a name"):
        sets.create("  ", by=staff.lead)
    for wrong in ({"bar": 0.0}, {"bar": 1.01}, {"kind": "other"}, {"purpose": "other"}):
        with pytest.raises(Refused, match="choose a purpose, a kind and a bar between 0 and 100 %"):
            sets.create("Other", by=staff.lead, **wrong)
    assert [made.name for made in sets.all_sets(by=staff.rep)] == ["Everyday intents"]


def test_of_two_who_freeze_at_once_one_makes_the_version(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 9))
    together, outcomes = threading.Barrier(4), []

    def freeze(by: Person) -> None:
        together.wait()
        try:
            outcomes.append(freezing.freeze(eval_set.id, by=by).number)
        except Refused as refused:
            outcomes.append(str(refused))

    threads = [threading.Thread(target=freeze, args=(person,)) for person in (staff.rep, staff.lead, staff.engineer, staff.other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(1) == 1 and sum("no flagged example waits" in str(told) for told in outcomes) == 3
    with store.reading() as db:
        assert {example.use for example in db.exec(sets.select(Example))} == {"eval"}
    assert [version.number for version in sets.versions(eval_set.id, by=staff.lead)] == [1]


def test_a_set_is_handed_over_on_the_record_to_somebody_who_works_here(staff: Staff) -> None:
    eval_set = sets.create("Everyday intents", by=staff.lead)
    assert sets.hand_over(eval_set.id, staff.rep.id, by=staff.engineer).owner_id == staff.rep.id
    entry = audit.newest(by=staff.admin, noun="eval_set")[0]
    assert (entry.sentence, entry.by_person_id) == ("Handed 'Everyday intents' over to Rita.", staff.engineer.id)
    people.disable(staff.other.id, by=staff.admin)
    for set_id, owner in ((eval_set.id, staff.other.id), (eval_set.id, "nobody"), ("no set", staff.rep.id)):
        with pytest.raises(Refused, match=r"^Not handed over: choose a set, and a person who still works here\.$"):
            sets.hand_over(set_id, owner, by=staff.lead)
    with pytest.raises(Denied):
        sets.hand_over(eval_set.id, staff.rep.id, by=staff.rep)
    assert sets.by_name("Everyday intents", by=staff.rep).owner_id == staff.rep.id


def test_what_may_be_lost_is_agreed_on_with_the_bar(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 4))
    freezing.freeze(eval_set.id, by=staff.lead)
    assert sets.loss(eval_set) == "a loss of 2 points counts as no worse"
    asked = sets.propose_gate(eval_set.id, bar=0.7, margin=0.01, approvers=1, why="It is large by now.", by=staff.lead)
    assert "bar 70\u00a0%, a loss of 1 point counts as no worse, one approver. Now it is" in asked.evidence["sentence"]
    assert sets.margin_of(eval_set) == 0.02  # until somebody else says yes
    approvals.approve(asked.id, by=staff.engineer)
    settings.carry_out(asked.id, "change_gate")
    assert (sets.margin_of(eval_set), sets.bar_of(eval_set)) == (0.01, 0.7)
    with pytest.raises(Refused, match="lies between 0 and 20 points"):
        sets.propose_gate(eval_set.id, bar=0.7, margin=0.3, approvers=1, why="Easier.", by=staff.lead)
