"""What an answerer would learn is kept beside its version, to be looked at: for exactly what was asked, from today's articles."""

import pytest

from data import store, versions
from data.errors import Denied, Refused
from data.tables import Study
from data.values import Target, now
from knowledge import ANSWERER, answerers, in_force, learning
from knowledge.answerers import Setup
from tests.conftest import Staff
from tests.test_knowledge_articles import release, write
from tests.test_knowledge_ladder import UNCOVERED, freeze, publish, questions

RUNGS = ["entities", "keyword", "sentences"]


def live(staff: Staff) -> Target:
    publish(staff)
    made = versions.target_of(answerers.make(Setup(), why="The first.", by=staff.rep))
    with store.writing() as db:
        answerers.put_live(db, made, None, by=staff.lead)
    return made


def test_what_was_learned_is_found_for_the_same_switches_and_no_others(staff: Staff) -> None:
    target = live(staff)
    version = freeze(staff, [*questions(24), *((text, []) for text in UNCOVERED)])
    assert learning.newest(target, RUNGS, version.id, precision=0.9, by=staff.rep) is None
    made = learning.learn(target, RUNGS, version.id, precision=0.9, by=staff.rep)
    assert made.told["sentence"].startswith("Be right 90") and made.version_id == versions.get(target).id
    found = learning.newest(target, RUNGS[::-1], version.id, precision=0.9, by=staff.rep)
    assert found is not None and found.id == made.id and learning.setup_of(found).surety is not None
    assert [one.target_number for one in versions.all_of(ANSWERER, answerers.NAME)] == [1]  # nothing was made of it
    for rungs, precision in ((RUNGS[:2], 0.9), (RUNGS, 0.8)):
        assert learning.newest(target, rungs, version.id, precision=precision, by=staff.rep) is None
    assert learning.newest(Target(ANSWERER, answerers.NAME, 0), RUNGS, version.id, precision=0.9, by=staff.rep) is None
    draft = write(staff, title="Bees", text="Bees sleep in winter.")
    still = learning.newest(target, RUNGS, version.id, precision=0.9, by=staff.rep)
    assert still is not None and still.id == made.id  # what is only written teaches nothing else
    release(staff, draft)
    assert learning.newest(target, RUNGS, version.id, precision=0.9, by=staff.rep) is None  # it was learned from other articles


def test_what_was_kept_with_a_stamp_is_still_found_until_that_changes(staff: Staff) -> None:
    target = live(staff)
    version = freeze(staff, questions(24))
    new = learning.learn(target, RUNGS, version.id, precision=0.9, by=staff.rep)
    told = {name: told for name, told in new.told.items() if name != "in_force"} | {"stamp": in_force.stamp()}
    with store.writing() as db:
        kept = Study(version_id=new.version_id, kind=learning.KIND, told=told, by_person_id=staff.rep.id, at=now())
        db.add(kept)
    found = learning.newest(target, RUNGS, version.id, precision=0.9, by=staff.rep)
    assert found is not None and found.id == kept.id != new.id
    release(staff, write(staff, title="Bees", text="Bees sleep in winter."))
    assert learning.newest(target, RUNGS, version.id, precision=0.9, by=staff.rep) is None


def test_from_no_question_and_without_the_right_nothing_is_learned(staff: Staff) -> None:
    target = live(staff)
    with pytest.raises(Refused, match="Not learned: that set has no questions"):
        learning.learn(target, RUNGS, "none", precision=0.9, by=staff.rep)
    with pytest.raises(Denied):
        learning.learn(target, RUNGS, "none", precision=0.9, by=staff.admin)
    with pytest.raises(Denied):
        learning.combined(Setup(), RUNGS, "none", by=staff.admin)


def test_an_order_is_learned_only_where_people_chose_often_enough(staff: Staff) -> None:
    live(staff)
    version = freeze(staff, questions(12))
    assert learning.combined(Setup(), RUNGS, version.id, by=staff.rep).on("entities")
    with pytest.raises(Refused, match="have a chosen article"):
        learning.combined(Setup(), [*RUNGS, "reranker"], version.id, by=staff.rep)
