"""Whoever approves a recipe reads what became of it, and how it goes."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations.recipe import Act, Alone, Limits, Recipe, Trigger, differences, flow
from tests.test_automations_recipe import LOST

ORDER, REFUND, REPLY, TAG = LOST.acts


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, []),
        ({"title": "New"}, ["Title: 'New' instead of 'A lost parcel is paid back'"]),
        ({"what": "x" * 90}, ["What it is for: 1 paragraph added, 1 removed"]),
        ({"channels": ()}, ["Channels: all instead of chat, email"]),
        ({"language": ""}, ["Language: any instead of en"]),
        ({"trigger": Trigger()}, ["Trigger: when a conversation arrives instead of when the intent is 'Lost parcel', at least 80 % sure"]),
        ({"when": None}, ["Condition: always instead of only if the conversation's subject is known"]),
        ({"limits": replace(LOST.limits, money_per_day=Decimal(200))}, ["Limit per day: 200 EUR instead of 500 EUR"]),
        ({"limits": replace(LOST.limits, runs_per_day=None)}, ["Runs per day: none instead of 40"]),
        ({"alone": replace(LOST.alone, money=Decimal(30))}, ["It now asks for approval above 30 EUR instead of above 19.90 EUR"]),
        ({"alone": replace(LOST.alone, changes=("tag",))}, ["Step 2 'Refund' now asks for approval"]),
        (
            {"alone": replace(LOST.alone, changes=("refund", "tag", "send reply"))},
            ["Step 3 'Reply' needs no approval any more up to 19.90 EUR"],
        ),
        ({"alone": replace(LOST.alone, approvers=1)}, ["A proposal is approved by 1 person instead of 2"]),
        ({"acts": (ORDER, REFUND, REPLY)}, ["Step 4 'Tag' is gone"]),
        ({"acts": (TAG, ORDER, REFUND, REPLY)}, ["The steps on the main way are in another order: Tag, Order, Refund, Reply"]),
        ({"acts": (*LOST.acts, Act("hand over", "last"))}, ["Step 5 'Last' is new: hand over, always"]),
        (
            {"acts": (ORDER, replace(REFUND, given={**REFUND.given, "amount": "5"}), REPLY, TAG)},
            ["Step 2 'Refund', amount: '5' instead of '{{order.total}}'"],
        ),
        (
            {"acts": (ORDER, replace(REFUND, when={"order.total": {"at most": 90}}), REPLY, TAG)},
            ["Step 2 'Refund' is done: only if the order's total is at most 90 instead of only if the order's total is at most 50"],
        ),
        (
            {"acts": (ORDER, replace(REFUND, otherwise=()), *REFUND.otherwise, REPLY, TAG)},
            ["Step 3 'Person' now stands on the main way instead of in the else-branch of 'refund'"],
        ),
        (
            {"acts": (ORDER, REFUND, replace(REPLY, on_failure="stop"), TAG)},
            ["Step 3 'Reply', on failure: nothing more is done instead of the next step is done all the same"],
        ),
        ({"acts": (ORDER, REFUND, REPLY, replace(TAG, step="hand over"))}, ["Step 4 'Tag' does: hand over instead of tag"]),
    ],
)
def test_each_change_is_a_sentence(changed: dict[str, Any], told: list[str]) -> None:
    assert differences(LOST, replace(LOST, **changed)) == told


def test_a_change_that_is_too_long_to_show_is_told_all_the_same() -> None:
    before, after = ({"message.text": {"is one of": [*"abcdefg", last]}} for last in "xy")
    (told,) = differences(replace(LOST, when=before), replace(LOST, when=after))
    assert told.startswith("Condition: changed where it is too long to be shown")


@pytest.mark.parametrize(("old", "new"), [(1, True), (1, "1"), (0, False), (1, 1.5), ([1], [2]), ({"a": 1}, {"b": 1}), (None, 0)])
def test_values_that_look_alike_are_told_apart(old: Any, new: Any) -> None:
    before, after = (replace(LOST, acts=(Act("tag", "tag", {"x": value}),)) for value in (old, new))
    assert len(differences(before, after)) == 1


TEXTS = st.sampled_from(["", "a", "b", "x" * 100, "x" * 99 + "y"])
WHENS = st.sampled_from([None, {"a": "is known"}, {"a": {"is one of": [*"abcdefg", "h"]}}, {"a": {"is one of": [*"abcdefg", "i"]}}])
ACTS = st.recursive(
    st.builds(
        Act, st.sampled_from(["tag", "refund"]), st.sampled_from("ab"), st.dictionaries(st.sampled_from("xy"), TEXTS, max_size=2), WHENS
    ),
    lambda inner: st.builds(Act, st.just("tag"), st.sampled_from("cd"), st.just({}), WHENS, st.lists(inner, max_size=2).map(tuple)),
    max_leaves=4,
)
AMOUNTS = st.sampled_from([None, Decimal(0), Decimal(5)])
LIMITS = st.builds(Limits, AMOUNTS, AMOUNTS, st.sampled_from([None, 1, 2]), st.sampled_from(["", "EUR"]))
STEPS = st.lists(st.sampled_from(["tag", "refund"]), max_size=2).map(tuple)
ALONES = st.builds(Alone, st.sampled_from([Decimal(0), Decimal(1)]), STEPS, st.sampled_from([1, 2]))
TRIGGERS = st.builds(Trigger, st.sampled_from(["arrives", "button"]), button=TEXTS)
RECIPES = st.builds(Recipe, st.just("x"), TEXTS, TEXTS, TRIGGERS, WHENS, st.lists(ACTS, max_size=3).map(tuple), LIMITS, ALONES)


@given(RECIPES, RECIPES, st.sampled_from(["title", "what", "trigger", "when", "acts", "limits", "alone"]))
def test_nothing_is_told_only_where_nothing_changed(before: Recipe, other: Recipe, field: str) -> None:
    after = replace(before, **{field: getattr(other, field)})
    assert (differences(before, after) == []) is (before == after)


@given(RECIPES)
def test_a_recipe_differs_in_nothing_from_itself(recipe: Recipe) -> None:
    assert differences(recipe, recipe) == []


def test_the_way_through_a_recipe_is_told_line_by_line() -> None:
    assert [f"{'  ' * row.depth}{row.kind}: {row.words}" for row in flow(LOST)] == [
        "trigger: When the intent is 'Lost parcel', at least 80 % sure, by chat or email, in en",
        "condition: Only if the conversation's subject is known",
        "step: Step 1, 'Order': look up order",
        "condition: If the order's total is at most 50",
        "  step: Step 2, 'Refund': refund",
        "else: Otherwise",
        "  step: Step 2, else 1, 'Person': hand over",
        "condition: If the refund's reference is known",
        "  step: Step 3, 'Reply': send reply",
        "    failure: If that fails, the next step is done all the same",
        "step: Step 4, 'Tag': tag",
        "limit: At most 50.00 EUR per run, 500 EUR per day, 40 runs per day",
    ]
