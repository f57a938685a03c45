"""A recipe copied: the copy is a draft of one's own that keeps where it is from and what was measured there."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from automations import RECIPE, backtest, copying, recipes
from automations.conversing import Connected
from automations.recipe import Act, Alone, Limits, Recipe
from automations.steps.all import STEPS
from data import audit, releases, store, traces
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Person
from data.values import LIVE, SHADOW, Subject, Target, now
from tests.conftest import Staff
from tests.conversations import canonical

TAGGED = Recipe(
    "late parcels", "Late parcels are marked", "So that the carrier team finds them.", acts=(Act("tag", "marked", {"tag": "late"}),),
    limits=Limits(runs_per_day=50), alone=Alone(changes=("tag",)),
)  # fmt: skip


def kept(by: Person, made: Recipe = TAGGED, **more: Any) -> None:
    recipes.save(made, **({"why": "A beginning", "based_on": None} | more), by=by)


def ran(staff: Staff, conversation_id: str, state: str, *, mode: str = LIVE, number: int = 1) -> None:
    with store.writing() as db:
        begun = traces.begin(
            db, Target(RECIPE, TAGGED.name, number), by=staff.rep, tokens=0, cost=0.0, subject=Subject(conversation_id, 1), mode=mode
        )
        traces.end(db, begun, state, "")


def comes(staff: Staff, count: int = 1) -> list[str]:
    return list(door.receive([canonical(number, team="Oak") for number in range(1, count + 1)], by=staff.engineer, classify=False).ids)


def test_a_copy_is_a_draft_of_ones_own_that_says_where_it_is_from(staff: Staff) -> None:
    kept(staff.lead)
    kept(staff.lead, replace(TAGGED, what="Newer."), based_on=1)
    made = copying.copy("late parcels", 1, " Fern's  late parcels ", by=staff.other)
    assert (made.target_name, made.target_number, made.by_person_id) == ("Fern's late parcels", 1, staff.other.id)
    read = recipes.read(made)
    assert read == replace(TAGGED, name="Fern's late parcels", title="Fern's late parcels")
    assert made.manifest["why"] == "Copied from Late parcels are marked 1." and made.manifest["copied_from"]["name"] == "late parcels"
    assert releases.live(RECIPE, made.target_name) is None
    assert [one.target_number for one in recipes.history("late parcels", by=staff.rep)] == [2, 1]
    assert audit.newest(by=staff.admin)[0].sentence == "Copied recipe 'late parcels' 1 as 'Fern's late parcels'."


def test_what_was_written_here_has_no_origin_and_a_changed_copy_keeps_its(staff: Staff) -> None:
    kept(staff.lead)
    assert copying.origin("late parcels", by=staff.rep) is None and copying.origin("nothing", by=staff.rep) is None
    copying.copy("late parcels", 1, "ours", by=staff.rep)
    kept(staff.rep, replace(TAGGED, name="ours", title="Another"), based_on=1)
    origin = copying.origin("ours", by=staff.admin)
    assert origin is not None and (origin.name, origin.number, origin.title) == ("late parcels", 1, "Late parcels are marked")
    assert origin.told == "it was neither backtested nor live when it was copied"


def test_the_backtest_and_the_live_runs_of_that_version_go_with_it(staff: Staff) -> None:
    ids = comes(staff, 4)
    kept(staff.lead)
    for made, state in zip(ids, ("done", "done", "handed_over", "failed"), strict=True):
        ran(staff, made, state)
    ran(staff, ids[0], "done", mode=SHADOW)
    ran(staff, ids[0], "done", number=2)
    backtest.run(Target(RECIPE, "late parcels", 1), connected=Connected(), steps=STEPS, by=staff.lead, at=now() + timedelta(days=9))
    looked = backtest.newest(Target(RECIPE, "late parcels", 1), by=staff.lead)
    assert looked is not None
    copying.copy("late parcels", 1, "ours", by=staff.other)
    origin = copying.origin("ours", by=staff.other)
    assert origin is not None and (origin.runs, origin.through, origin.backtest_at) == (4, 2, looked.at)
    day = f"{looked.at.day} {looked.at:%B %Y}"
    assert origin.told == f"in its backtest of {day}: {looked.told['sentence']}; of 4 live runs 2 went through"


def test_figures_are_those_of_the_day_of_the_copy(staff: Staff) -> None:
    (one,) = comes(staff)
    kept(staff.lead)
    copying.copy("late parcels", 1, "ours", by=staff.rep)
    ran(staff, one, "done")
    origin = copying.origin("ours", by=staff.rep)
    assert origin is not None and origin.runs == 0


def test_a_copy_of_a_copy_names_the_copy(staff: Staff) -> None:
    kept(staff.lead)
    copying.copy("late parcels", 1, "ours", by=staff.rep)
    copying.copy("ours", 1, "theirs", by=staff.other)
    origin = copying.origin("theirs", by=staff.rep)
    assert origin is not None and (origin.name, origin.title) == ("ours", "Ours")


@pytest.mark.parametrize(
    ("number", "name", "why"),
    [
        (1, "", "1 to 60 characters"),
        (1, "a/b", "without @ and /"),
        (1, "x" * 61, "1 to 60 characters"),
        (1, "Late Parcels", "there is a recipe 'Late Parcels' already"),
        (2, "ours", "no recipe 'late parcels' number 2"),
    ],
)
def test_what_cannot_be_copied_is_told(staff: Staff, number: int, name: str, why: str) -> None:
    kept(staff.lead)
    with pytest.raises(Refused, match=why):
        copying.copy("late parcels", number, name, by=staff.rep)
    assert [one.name for one in recipes.listed(by=staff.rep)] == ["late parcels"]


def test_who_may_not_draft_may_not_copy(staff: Staff) -> None:
    kept(staff.lead)
    with pytest.raises(Denied):
        copying.copy("late parcels", 1, "ours", by=staff.admin)
    assert [one.name for one in recipes.listed(by=staff.rep)] == ["late parcels"]
