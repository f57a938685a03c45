"""What became of a recipe between two versions, in sentences for whoever approves it. No change is left untold."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from automations import conditions
from automations.agents import changed
from automations.checking import called
from automations.flowing import money_told, trigger_told
from automations.recipe import ON_FAILURE, Act, Recipe
from knowledge import diff

SHORT = 80  # characters that are told whole
Placed = tuple[str, str, Act]  # its number, the name of the step in whose else-branch it stands, and the act


def told(before: Recipe, after: Recipe) -> list[str]:
    """In the order of the document; empty only where both are the same."""
    return [
        *_head(before, after),
        *_steps(before, after),
        *changed.told(before, after, _value),
        *_limits(before, after),
        *_alone(before, after),
    ]


def _instead(label: str, new: str, old: str, same: bool) -> Iterator[str]:
    """Where both read alike in short, that there is a difference is still said."""
    if not same:
        yield f"{label}: {new} instead of {old}" if new != old else f"{label}: changed where it is too long to be shown, in {new}"


def _head(before: Recipe, after: Recipe) -> Iterator[str]:
    for label, old, new in (
        ("Name", before.name, after.name),
        ("Title", before.title, after.title),
        ("What it is for", before.what, after.what),
    ):
        yield from _value(label, old, new)
    yield from _instead("Language", after.language or "any", before.language or "any", after.language == before.language)
    now, then = ", ".join(after.channels) or "all", ", ".join(before.channels) or "all"
    yield from _instead("Channels", now, then, after.channels == before.channels)
    triggers = f"when {trigger_told(after.trigger)}", f"when {trigger_told(before.trigger)}"
    yield from _instead("Trigger", *triggers, after.trigger == before.trigger)
    yield from _instead("Condition", _condition(after.when), _condition(before.when), _same(after.when, before.when))


def _condition(when: conditions.Condition | None) -> str:
    return "always" if when is None else f"only if {conditions.told(when)}"


def _value(label: str, old: Any, new: Any) -> Iterator[str]:
    """A long text is told by its paragraphs."""
    if isinstance(old, str) and isinstance(new, str) and old != new and max(len(old), len(new)) > SHORT:
        yield f"{label}: {diff.in_words(old, new)}"
    else:
        yield from _instead(label, _shown(new), _shown(old), _same(old, new))


def _same(old: Any, new: Any) -> bool:
    return _exactly(old) == _exactly(new)


def _exactly(value: Any) -> str:
    """1, 1.0 and true are three values."""
    return json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, str):
        return f"'{' '.join(value.split())[:SHORT]}'"
    return "yes" if value is True else "no" if value is False else _exactly(value)[:SHORT]


# Steps: one that keeps its name is the same one


def _placed(recipe: Recipe) -> dict[tuple[str, int], Placed]:
    """By name; should two have one, by which of them it is."""
    found: dict[tuple[str, int], Placed] = {}

    def add(acts: tuple[Act, ...], before: str, parent: str) -> None:
        for count, act in enumerate(acts, start=1):
            nth = sum(1 for name, _ in found if name == act.name)
            found[act.name, nth] = (f"{before}{count}", parent, act)
            add(act.otherwise, f"{before}{count}, else ", act.name)

    add(recipe.acts, "", "")
    return found


def _steps(before: Recipe, after: Recipe) -> Iterator[str]:
    old, new = _placed(before), _placed(after)
    for key, (number, _, act) in old.items():
        if key not in new:
            yield f"Step {number} '{called(act)}' is gone"
    for key, (number, parent, act) in new.items():
        label = f"Step {number} '{called(act)}'"
        if key not in old:
            yield f"{label} is new: {act.step}, {_condition(act.when)}{_given(act)}"
            continue
        _, stood, was = old[key]
        if parent != stood:
            yield f"{label} now stands {_branch(parent)} instead of {_branch(stood)}"
        yield from _act(label, was, act)
    yield from _order(old, new)


def _given(act: Act) -> str:
    words = ", ".join(f"{name.replace('_', ' ')} {_shown(value)}" for name, value in sorted(act.given.items()))
    failing = "" if act.on_failure == Act("", "").on_failure else f"; on failure {ON_FAILURE.get(act.on_failure, act.on_failure)}"
    return f"{f'; with {words}' if words else ''}{failing}"


def _branch(parent: str) -> str:
    return f"in the else-branch of '{parent}'" if parent else "on the main way"


def _act(label: str, was: Act, act: Act) -> Iterator[str]:
    yield from _instead(f"{label} does", act.step, was.step, act.step == was.step)
    yield from _instead(f"{label} is done", _condition(act.when), _condition(was.when), _same(act.when, was.when))
    for name in sorted({*was.given, *act.given}):
        yield from _value(f"{label}, {name.replace('_', ' ')}", was.given.get(name), act.given.get(name))
    failing = (ON_FAILURE.get(act.on_failure, act.on_failure), ON_FAILURE.get(was.on_failure, was.on_failure))
    yield from _instead(f"{label}, on failure", *failing, act.on_failure == was.on_failure)


def _order(old: Mapping[tuple[str, int], Placed], new: Mapping[tuple[str, int], Placed]) -> Iterator[str]:
    """Of those that stood and stand in the same branch."""
    stayed = [key for key in new if key in old and old[key][1] == new[key][1]]
    for parent in dict.fromkeys(new[key][1] for key in stayed):
        now = [key for key in stayed if new[key][1] == parent]
        then = [key for key in old if key in now]
        if now != then:
            yield f"The steps {_branch(parent)} are in another order: {', '.join(called(new[key][2]) for key in now)}"


# Limits, and what it decides alone


def _limits(before: Recipe, after: Recipe) -> Iterator[str]:
    old, new = before.limits, after.limits
    amounts = (("Limit per run", old.money_per_run, new.money_per_run), ("Limit per day", old.money_per_day, new.money_per_day))
    for label, was, now in amounts:
        yield from _instead(label, _amount(now, new.currency), _amount(was, old.currency), was == now)
    yield from _instead("Runs per day", _count(new.runs_per_day), _count(old.runs_per_day), new.runs_per_day == old.runs_per_day)
    yield from _instead("Currency", new.currency or "none", old.currency or "none", new.currency == old.currency)


def _amount(amount: Decimal | None, currency: str) -> str:
    return "none" if amount is None else money_told(amount, currency)


def _count(count: int | None) -> str:
    return "none" if count is None else f"{count:,}"


def _alone(before: Recipe, after: Recipe) -> Iterator[str]:
    old, new = before.alone, after.alone
    if old.money != new.money:
        was, now = money_told(old.money, before.limits.currency), money_told(new.money, after.limits.currency)
        yield f"It now asks for approval above {now} instead of above {was}"
    for name in sorted(set(old.changes) ^ set(new.changes)):
        yield from _allowed(name, after, name in new.changes)
    if old.changes != new.changes and set(old.changes) == set(new.changes):
        yield "What it may do alone is listed in another way; nothing more and nothing less"
    if old.approvers != new.approvers:
        yield f"A proposal is approved by {new.approvers:,} {'person' if new.approvers == 1 else 'people'} instead of {old.approvers:,}"


def _allowed(name: str, recipe: Recipe, alone: bool) -> Iterator[str]:
    """Told of each step that does it."""
    using = [f"{where} '{by.replace('_', ' ').capitalize()}'" for where, by, step in recipe.uses() if step == name]
    for place in using:
        above = f" up to {money_told(recipe.alone.money, recipe.limits.currency)}" if alone and recipe.alone.money else ""
        yield f"{place} {f'needs no approval any more{above}' if alone else 'now asks for approval'}"
    if not using:
        yield f"'{name}' {'is allowed' if alone else 'is no longer allowed'} without approval; no step does it"
