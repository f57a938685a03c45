"""The form of a recipe with agents: the step that begins names one of the recipe's, whatever it is called meanwhile."""

from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from automations import recipes
from automations.recipe import Recipe
from portal import recipe_agents, recipe_copy
from tests.conftest import Staff, hire
from tests.test_automations_agents import with_agents
from tests.test_screens_evals import drawn
from tests.test_screens_knowledge import opened


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


def made(**more: Any) -> Recipe:
    first = with_agents().agents[0].name
    return with_agents({}, {"name": "billing", "title": "Billing", "hands to": [first]}, **more)


def saved(staff: Staff, recipe: Recipe) -> Recipe:
    recipes.save(recipe, why="Often.", based_on=None, by=staff.rep)
    return recipe


def page(staff: Staff, recipe: Recipe) -> AppTest:
    """Its steps, with the first card open."""
    app = opened(staff.rep, "automations", recipe=recipe.name, tab="steps")
    cards = [one for one in app.button if one.label == "Edit"]
    return drawn(cards[1].click().run())  # the first is its head


def choice(app: AppTest) -> Any:
    (found,) = [one for one in app.selectbox if one.label == "Agent"]
    return found


def test_the_agent_that_begins_is_chosen_among_the_recipes(desk: Staff) -> None:
    recipe = saved(desk, made())
    first = recipe.agents[0]
    app = page(desk, recipe)
    assert choice(app).options == [first.title or first.name, "Billing"] and choice(app).value == first.name
    assert not [one for one in app.text_input if one.label == "Agent"]
    app = drawn(choice(app).set_value("billing").run())
    assert choice(app).value == "billing"


def test_what_stands_there_and_is_none_of_them_stays_until_another_is_chosen(desk: Staff) -> None:
    recipe = saved(desk, made())
    copy = recipe_copy.copy_of(recipe, 1)
    (card,) = [card for _, _, card, _ in copy.walk() if card.step == "agent"]
    card.given["agent"] = "gone"
    assert copy.recipe().acts[0].given["agent"] == "gone" and copy.changed


def test_an_agent_that_is_called_otherwise_is_still_the_one_that_begins_and_is_handed_to() -> None:
    copy = recipe_copy.copy_of(made(), 1)
    (card,) = [card for _, _, card, _ in copy.walk() if card.step == "agent"]
    before = copy.agents[0].head.name
    assert card.given["agent"] == before and copy.agents[1].head.hands_to == (before,)
    copy.agents[0].head = replace(copy.agents[0].head, name="money_back")
    recipe_agents.renamed(copy, before, "money_back")
    assert card.given["agent"] == "money_back" and copy.agents[1].head.hands_to == ("money_back",)
    recipe_agents.renamed(copy, "nobody", "somebody")  # the control: of another nothing changes
    assert card.given["agent"] == "money_back" and copy.agents[1].head.hands_to == ("money_back",)
