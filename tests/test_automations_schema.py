"""The schema takes what a recipe may be, and not what it may not: an editor marks it while it is written."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry

from automations import schema
from automations.comparisons import OPERATORS
from automations.recipe import SHAPES, of
from tests.test_automations_recipe import DECLARATIONS, LOST

SCHEMA = schema.of(DECLARATIONS)
VALIDATOR = Draft202012Validator(SCHEMA, registry=Registry())


def is_valid(body: Any) -> bool:
    return bool(VALIDATOR.is_valid(body))


def least(**more: Any) -> dict[str, Any]:
    return {"name": "x", "title": "X", "steps": [{"name": "a", "step": "hand over"}], **more}


def step(name: str, **given: Any) -> dict[str, Any]:
    return least(steps=[{"name": "a", "step": name, "with": given}])


def test_it_is_a_schema_and_plain_json() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert list(SCHEMA["properties"]) == list(SHAPES["recipe"])
    for name in ("trigger", "limits", "alone"):
        assert set(SCHEMA["properties"][name]["properties"]) == set(SHAPES[name])
    assert set(SCHEMA["$defs"]["act refund"]["properties"]) == set(SHAPES["act"])


COMPARED = {"nothing": None, "a value": "x", "a number": 5, "two numbers": [1, 2], "a list": ["x", 5], "a word": "x", "days": 30}
VALID: list[dict[str, Any]] = [
    LOST.as_body(),
    least(),
    least(trigger={"kind": "new message"}),
    least(trigger={"kind": "button", "button": "Refund"}),
    least(limits={"money per run": 19.9, "money per day": "100"}),
    least(when={"not": {"any": [{"a.b": "is known"}, {"a": {"equals": {"value": "b.c"}}}]}}),
    step("refund", order="1", amount=5),
    step("refund", order="1", amount="{{order.total}}", reason="{{order.status}}"),
    step("tag", label="Lost", sure="{{a.b}}"),
    step("ask server", address="https://shop.example/a?b={{c}}", body={"x": [1]}, times=3),
    *(least(when={"a": name if than is None else {name: than}}) for name, one in OPERATORS.items() for than in [COMPARED[one.takes]]),
]


@pytest.mark.parametrize("body", VALID, ids=[str(place) for place in range(len(VALID))])
def test_what_may_be_is_valid(body: dict[str, Any]) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(body)] == []
    of(body)  # and is read


BROKEN: list[Any] = [
    None,
    [],
    {},
    {"name": "x", "title": "X"},
    least(name=""),
    least(name="a/b"),
    least(title=5),
    least(naem="x"),
    least(language="English"),
    least(channels=["mail"]),
    least(steps=[]),
    least(steps=[{"name": "a", "step": "refnd"}]),
    least(steps=[{"step": "hand over"}]),
    least(steps=[{"name": "A b", "step": "hand over"}]),
    least(steps=[{"name": "a", "step": "hand over", "run": "x"}]),
    least(steps=[{"name": "a", "step": "hand over", "on failure": "retry"}]),
    least(steps=[{"name": "a", "step": "hand over", "otherwise": [{"name": "b", "step": "hand over"}]}]),
    least(steps=[{"name": "a", "step": "refund"}]),
    least(steps=[{"name": "a", "step": "hand over"}] * 31),
    step("refund", order="1"),
    step("refund", order=1, amount=5),
    step("refund", order="1", amount="five"),
    step("refund", order="1", amount=-5),
    step("refund", order="1", amount=5, reason="cold"),
    step("refund", order="1", amount=5, more=1),
    step("tag", label="x", sure="maybe"),
    step("ask server", address="https://{{host}}/"),
    step("ask server", address="file:///etc/passwd"),
    step("ask server", address="https://a.example/", times="3"),
    step("ask server", address="https://a.example/", body="x"),
    least(trigger={}),
    least(trigger={"kind": "cron"}),
    least(trigger={"kind": "intent", "intent": "x"}),
    least(trigger={"kind": "intent", "intent": "x", "confidence": 2}),
    least(trigger={"kind": "arrives", "intent": "x"}),
    least(trigger={"kind": "button"}),
    least(when={}),
    least(when="a > 5"),
    least(when={"all": []}),
    least(when={"all": {"a": "is known"}}),
    least(when={"a": "is known", "b": "is known"}),
    least(when={"a": "equals"}),
    least(when={"a": {"atmost": 5}}),
    least(when={"a": {"at most": "5"}}),
    least(when={"a": {"at most": 5, "at least": 1}}),
    least(when={"a": {"equals": {"valeu": "b"}}}),
    least(when={"a": {"between": [1]}}),
    least(when={"a": {"older than days": -1}}),
    least(when={"a.__class__": "is known"}),
    least(when={"a": {"matches": ".*"}}),
    least(limits={"money per run": "a lot"}),
    least(limits={"runs per day": 1.5}),
    least(limits={"currency": "euro"}),
    least(alone={"approvers": 3}),
    least(alone={"all": True}),
]


@pytest.mark.parametrize("body", BROKEN, ids=[str(place) for place in range(len(BROKEN))])
def test_what_may_not_be_is_not_valid(body: Any) -> None:
    assert not is_valid(body)


def test_a_fault_is_told_of_the_step_in_which_it_is() -> None:
    """Not "it fits none of six steps"."""
    (error,) = VALIDATOR.iter_errors(step("refund", order="1", amount="five"))
    assert list(error.absolute_path) == ["steps", 0, "with", "amount"]


LOOSER: dict[str, Callable[[], dict[str, Any]]] = {"steps": lambda: {**SCHEMA, "$defs": {**SCHEMA["$defs"], "act refund": {}}}}


def test_without_the_steps_declarations_a_wrong_step_would_pass() -> None:
    """The control."""
    loose = Draft202012Validator(LOOSER["steps"](), registry=Registry())
    assert loose.is_valid(step("refund", order="1")) and not is_valid(step("refund", order="1"))
