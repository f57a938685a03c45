"""A label that looks wrong is looked at once more: what is said then is learned next time, and what stays is not asked again."""

from typing import Any

import pytest

from classifiers import doubting, gathering, labels, taught
from data import audit, examples, reviews, store, undo, versions
from data.errors import Refused
from data.tables import Version
from data.values import now
from tests.conftest import Staff
from tests.test_classifiers_finding import came, tone, topics

TEXTS = tuple(f"Hello, {number}" for number in range(30))


def version_of(name: str, suspects: list[dict[str, Any]]) -> Version:
    with store.writing() as db:
        number = 1 + len(versions.all_of("classifier", name))
        made = Version(target_kind="classifier", target_name=name, target_number=number, sha="none", body={"suspects": suspects}, at=now())
        db.add(made)
        return made


def suspect(conversation_id: str) -> dict[str, Any]:
    return {"conversation_id": conversation_id}


def open_ones(version: Version, staff: Staff) -> list[str]:
    return [one["conversation_id"] for one in doubting.waiting(version, by=staff.rep)]


def learned(name: str, staff: Staff) -> dict[str, tuple[str, ...]]:
    return {row.conversation_id: row.label_ids for row in examples.for_training(name, by=staff.rep)}


def of_learned(name: str, staff: Staff) -> Version:
    return version_of(name, [suspect(made) for made in sorted(learned(name, staff))[:4]])


def test_an_answer_is_mended_by_the_likelier_one_and_no_review_is_written(staff: Staff) -> None:
    made, (loud, calm) = came(staff, *TEXTS), tone(staff.lead)
    gathering.accept(made, loud.id, found="search", by=staff.rep)
    version = of_learned("tone", staff)
    first, second, *others = open_ones(version, staff)
    doubting.say(version, first, [calm.id], by=staff.rep)
    doubting.say(version, second, [loud.id], by=staff.rep)  # as it was
    assert open_ones(version, staff) == others and len(others) == 2
    assert learned("tone", staff)[first] == (calm.id,) and learned("tone", staff)[second] == (loud.id,)
    assert not reviews.since(made, version.at)
    assert audit.newest(by=staff.admin)[0].sentence == "Looked again at what 'tone' is taught by a conversation: it stays as it was said."
    undo.last(by=staff.rep)
    assert learned("tone", staff)[first] == (loud.id,) and first in open_ones(version, staff)


def test_of_several_all_that_come_up_are_said(staff: Staff) -> None:
    made, (damage, delivery) = came(staff, *TEXTS), topics(staff)
    for one in made:
        gathering.say_all(one, "Topics", [damage.id], found="search", by=staff.rep)
    version = of_learned("Topics", staff)
    first, second, third, fourth = open_ones(version, staff)
    doubting.say(version, first, [damage.id, delivery.id], by=staff.rep)
    doubting.say(version, second, [damage.id], by=staff.rep)
    doubting.say(version, third, [], by=staff.rep)
    assert open_ones(version, staff) == [fourth]
    assert [set(learned("Topics", staff)[one]) for one in (first, second, third)] == [{damage.id, delivery.id}, {damage.id}, set()]
    later = of_learned("Topics", staff)
    assert set(open_ones(later, staff)) == {first, second, third, fourth}  # what the next version doubts is asked anew


def test_an_intent_is_said_in_a_review_and_one_that_is_only_taught_as_an_example(staff: Staff) -> None:
    made, refund, draft = came(staff, *TEXTS[:3]), labels.add("Refund", by=staff.lead), labels.add("Locker", by=staff.rep, draft=True)
    version = version_of("intent", [suspect(one) for one in made])
    doubting.say(version, made[0], [refund.id], by=staff.rep)
    doubting.say(version, made[1], [draft.id], by=staff.rep)
    assert open_ones(version, staff) == [made[2]]
    assert reviews.since(made, version.at) == {made[0]} and taught.said_of(made[1], "intent", by=staff.rep) == (draft.id,)


def test_what_cannot_be_said_is_refused_and_other_teams_conversations_are_not_shown(staff: Staff) -> None:
    made, (loud, _) = came(staff, *TEXTS[:2]), tone(staff.lead)
    other = labels.add("Refund", by=staff.lead)
    version = version_of("tone", [suspect(one) for one in made])
    for said in ([], [other.id], [loud.id, other.id], ["none"]):
        with pytest.raises(Refused, match=r"^Not kept: 'tone' says one of its labels"):
            doubting.say(version, made[0], said, by=staff.rep)
    assert doubting.waiting(version, by=staff.other) == [] and open_ones(version, staff) == made
