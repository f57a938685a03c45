"""Recipes are kept as versions: nobody overwrites a colleague's, unfinished ones are kept too, and who may not draft may read."""

import pytest

from automations import recipe, recipes
from automations.recipe import Recipe
from data import audit
from data.errors import Denied, Refused
from tests.conftest import Staff


def lost(name: str = "lost-parcel", **more: object) -> Recipe:
    return recipe.of({"name": name, "title": "Lost parcel", **more})


def test_each_saving_is_a_version_that_stays_as_it_was(staff: Staff) -> None:
    first = recipes.save(lost(), why="Asked every day.", based_on=None, by=staff.rep)
    second = recipes.save(lost(what="For parcels that are late."), why="Said what for.", based_on=1, by=staff.lead)
    assert (first.target_number, second.target_number, second.parent_number) == (1, 2, 1)
    assert recipes.read(recipes.get("lost-parcel", 1, by=staff.rep)) == lost()
    assert recipes.read(recipes.get("lost-parcel", by=staff.rep)).what == "For parcels that are late."
    assert [one.target_number for one in recipes.history("lost-parcel", by=staff.rep)] == [2, 1]
    assert audit.newest(by=staff.engineer)[0].sentence == "Drafted recipe 'lost-parcel' 2."


def test_nobody_overwrites_what_a_colleague_saved_meanwhile(staff: Staff) -> None:
    recipes.save(lost(), why="", based_on=None, by=staff.rep)
    recipes.save(lost(what="One."), why="", based_on=1, by=staff.rep)
    with pytest.raises(Refused, match="somebody saved version 2 while you edited version 1"):
        recipes.save(lost(what="Other."), why="", based_on=1, by=staff.lead)
    with pytest.raises(Refused, match="there is a recipe 'lost-parcel' already"):
        recipes.save(lost(what="Other."), why="", based_on=None, by=staff.lead)
    with pytest.raises(Refused, match="there is no recipe 'found-parcel'"):
        recipes.save(lost("found-parcel"), why="", based_on=3, by=staff.lead)
    assert recipes.read(recipes.get("lost-parcel", by=staff.rep)).what == "One."


def test_what_is_as_it_was_is_no_new_version(staff: Staff) -> None:
    recipes.save(lost(), why="", based_on=None, by=staff.rep)
    with pytest.raises(Refused, match="nothing changed since version 1"):
        recipes.save(lost(), why="", based_on=1, by=staff.rep)


@pytest.mark.parametrize("name", ["", "a/b", "a@2", "x" * 61, "two\nlines"])
def test_a_name_that_no_address_can_hold_is_refused(staff: Staff, name: str) -> None:
    with pytest.raises(Refused, match="A recipe has a name of 1 to 60 characters"):
        recipes.save(Recipe(name), why="", based_on=None, by=staff.rep)


def test_one_that_is_not_finished_is_kept_and_says_what_is_missing_before_it_runs(staff: Staff) -> None:
    recipes.save(Recipe("begun"), why="", based_on=None, by=staff.rep)
    with pytest.raises(Refused, match="cannot be used yet"):
        recipes.require_whole(recipes.read(recipes.get("begun", by=staff.rep)), {})


def test_the_list_holds_the_newest_of_each_name(staff: Staff) -> None:
    assert recipes.listed(by=staff.rep) == []
    recipes.save(lost(), why="", based_on=None, by=staff.rep)
    recipes.save(lost(title="Parcel lost"), why="", based_on=1, by=staff.rep)
    recipes.save(lost("broken-pot", title=""), why="", based_on=None, by=staff.rep)
    told = [(one.name, one.title, one.newest.target_number, one.live) for one in recipes.listed(by=staff.admin)]
    assert told == [("broken-pot", "broken-pot", 1, None), ("lost-parcel", "Parcel lost", 2, None)]


def test_who_may_not_draft_may_read(staff: Staff) -> None:
    recipes.save(lost(), why="", based_on=None, by=staff.rep)
    assert recipes.get("lost-parcel", by=staff.admin).target_number == 1
    with pytest.raises(Denied):
        recipes.save(lost(what="Mine."), why="", based_on=1, by=staff.admin)


def test_one_that_is_not_there_is_said_so(staff: Staff) -> None:
    with pytest.raises(Refused, match="There is no recipe 'gone'"):
        recipes.get("gone", by=staff.rep)
