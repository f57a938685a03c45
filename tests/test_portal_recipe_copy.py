"""A recipe being worked on: what is typed becomes the value that it is, and nothing of a recipe is lost on its way through the cards."""

from typing import Any

import pytest

from automations import conditions
from automations.recipe import Act, Recipe
from portal import recipe_copy, recipe_fields
from portal.recipe_copy import copy_of
from tests.test_automations_recipe import DECLARATIONS, LOST


def test_a_recipe_goes_through_its_cards_unchanged() -> None:
    copy = copy_of(LOST, 1)
    assert copy.recipe() == LOST and not copy.changed
    copy.cards[0].given["number"] = "2"
    assert copy.changed and LOST.acts[0].given["number"] != "2"


@pytest.mark.parametrize("tree", [
    {"a": "is known"}, {"a": {"between": [1, 5.5]}}, {"a": {"is one of": ["x", "y"]}}, {"a": {"equals": True}}, {"a": {"equals": "007"}},
    {"a": {"at most": {"value": "b.c"}}}, {"any": [{"a": {"equals": "5"}}, {"b": {"older than days": 3}}]},
    {"not": {"a": "is known"}}, {"all": [{"any": [{"a": "is known"}, {"b": "is known"}]}, {"c": "is known"}]},
])  # fmt: skip
def test_every_condition_comes_back_as_it_was(tree: dict[str, Any]) -> None:
    assert conditions.faults(tree, None) == [] and copy_of(Recipe("x", when=tree), 1).recipe().when == tree


@pytest.mark.parametrize(("text", "operator", "kind", "value"), [
    ("50", "at most", "money", 50), ("19,90", "at most", "money", 19.9), ("fifty", "at most", "money", None), ("", "equals", "text", None),
    ("50", "equals", "text", "50"), ("50", "equals", "any", 50), ("yes", "equals", "yes_no", True), ("maybe", "equals", "yes_no", None),
    ("10 and 50", "between", "money", [10, 50]), ("10", "between", "money", None), ("a, b ,", "is one of", "text", ["a", "b"]),
    ("1, x", "is one of", "number", None), ("{{order.paid}}", "at most", "money", {"value": "order.paid"}),
    ("{{7*7}}", "at most", "money", None), ("14", "older than days", "text", 14), ("1e9", "at most", "money", None),
    ("broken", "matches word", "text", "broken"), ("anything", "is known", "text", None), ("²", "at most", "money", None),
])  # fmt: skip
def test_what_is_typed_beside_a_comparison_is_the_value_that_it_is(text: str, operator: str, kind: str, value: Any) -> None:
    made = recipe_copy.than_of(text, operator, kind)
    assert made == value and type(made) is type(value)


def test_a_table_is_typed_in_lines() -> None:
    table = {"order": "{{order.number}}", "many": 3, "code": "007", "seven": "7", "share": 0.5}
    assert recipe_fields.table_of(recipe_fields.lines_of(table)) == table
    assert recipe_fields.table_of("no colon") == "no colon" and recipe_fields.table_of("  ") is None


def test_a_new_card_has_a_name_of_its_own_that_means_nothing_else() -> None:
    copy = copy_of(Recipe("x"), None)
    for step in ("look up order", "look up order", "tag", "hand over"):
        recipe_copy.add(copy, copy.cards, DECLARATIONS[step])
    assert [card.name for card in copy.cards] == ["order", "order_2", "tag", "hand_over"]
    assert recipe_copy.free_name(copy, "message") == "step_message" and recipe_copy.free_name(copy, "<b>") == "b"


def test_what_is_known_grows_from_card_to_card_and_a_branch_knows_what_came_before_it() -> None:
    order, maybe = Act("look up order", "order", {"number": "1"}), {"conversation.subject": "is known"}
    inside = Act("look up order", "inner", {"number": "1"})
    recipe = Recipe("x", acts=(order, Act("refund", "refund", when=maybe, otherwise=(inside,)), Act("send reply", "reply")))
    copy = copy_of(recipe, 1)
    known = recipe_copy.known_by_card(copy, DECLARATIONS)
    first, second, inner, third = (known[card.uid] for _, _, card, _ in copy.walk())
    assert "order.total" not in first.all and "order.total" in second.sure and "order.total" in inner.sure
    assert "refund.reference" in third.perhaps and "refund.reference" not in third.sure and "inner.total" in third.perhaps
    assert "conversation.subject" in recipe_copy.inside(copy.cards[1], second).sure and "conversation.subject" not in second.sure


def test_a_title_names_a_recipe_once() -> None:
    named = recipe_copy.with_name(Recipe("", "Lost / found @ sea!"), set())
    assert named.name == "lost found sea" and recipe_copy.with_name(Recipe("", "Lost"), {"lost", "lost 2"}).name == "lost 3"
    assert recipe_copy.with_name(Recipe("", "!!"), set()).name == "recipe"
