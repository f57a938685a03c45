"""What a step was given, each value as its declaration calls it: what is missing or of another kind is refused before anything is done."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from automations import filling
from automations.comparisons import number
from automations.conditions import shown
from automations.recipe import LARGEST_AMOUNT, amount_of
from automations.steps.face import Declaration, Field
from data.errors import Refused

Given = Mapping[str, Any]
LONGEST_LINE = 60  # characters of a tag, a team, a field's name
CENTS = Decimal("0.01")


def text(step: Declaration, given: Given, name: str) -> str:
    if not (said := maybe(given, name)):
        raise missing(step, name)
    return said


def maybe(given: Given, name: str) -> str:
    """Empty where nothing was given."""
    value = given.get(name)
    return "" if value is None else filling.written(name, value).strip()


def line(step: Declaration, given: Given, name: str) -> str:
    """A short name in one line."""
    said = text(step, given, name)
    if len(said) > LONGEST_LINE or not said.isprintable():
        raise refused(step, name, f"is one line of at most {LONGEST_LINE} characters, not '{shown(said)}'")
    return said


def choice(step: Declaration, given: Given, name: str) -> str:
    said, choices = maybe(given, name), _field(step, name).choices
    if said and said not in choices:
        raise refused(step, name, f"is one of {', '.join(choices)}, not '{shown(said)}'")
    return said


def amount(step: Declaration, given: Given, name: str) -> Decimal:
    value = given.get(name)
    if value is None or value == "":
        raise missing(step, name)
    made = amount_of(value)
    if made is None or made <= 0 or made.quantize(CENTS) != made:
        raise refused(step, name, f"is in whole cents, above 0.00 and up to {LARGEST_AMOUNT:,}, not '{shown(value)}'")
    return made.quantize(CENTS)


def table(step: Declaration, given: Given, name: str) -> dict[str, Any]:
    """A table of values; empty where nothing was given that need not be."""
    value = given.get(name)
    if (value is None or value == {}) and not _field(step, name).required:
        return {}
    if value is None or value == {}:
        raise missing(step, name)
    if not isinstance(value, dict):
        raise refused(step, name, f"is a table of values, not '{shown(value)}'")
    return dict(value)


def value(step: Declaration, given: Given, name: str) -> Any:
    """A text, a number, yes or no."""
    told = given.get(name)
    if isinstance(told, int | float) and not isinstance(told, bool) and number(told) is None:
        raise refused(step, name, f"is no number that can be kept: '{shown(told)}'")
    return told if isinstance(told, bool | int | float) else text(step, given, name)


def missing(step: Declaration, name: str) -> Refused:
    return refused(step, name, "is missing. Fill it in in the recipe, or ask the customer for it first")


def refused(step: Declaration, name: str, why: str) -> Refused:
    title = _field(step, name).title
    return Refused(f"Not done: '{step.title}': the {title[:1].lower()}{title[1:]} {why}.")


def _field(step: Declaration, name: str) -> Field:
    return next(one for one in step.inputs if one.name == name)
