"""Tool calls: the same steps with the same arguments, in any order, each as often as expected."""

from collections import Counter
from typing import Any

from evals.graders.face import Asked, Grade, Output, yes_or_no
from evals.graders.values import same, told

NAME, NUMBER = "tool calls", 2  # 1 wanted the same order
PERSON_WROTE, LIVE = True, False
NEEDS = ("tool_calls",)
MOST_TOLD = 4

Call = dict[str, Any]


def grade(case: Asked, output: Output | None) -> Grade:
    if not isinstance(output, dict):  # the target failed, or answered something else
        return yes_or_no(False, "there was no output")
    wanted, made = case.expected["tool_calls"], output.get("tool_calls") or []
    if not isinstance(made, list) or not all(isinstance(call, dict) for call in made):
        return yes_or_no(False, "its steps cannot be read")
    missing, extra = _unpaired(wanted, made)
    if not missing and not extra:
        return yes_or_no(True, _same(len(wanted)))
    right = len(wanted) - len(missing)
    return Grade(2 * right / (len(wanted) + len(made)), False, _differences(missing, extra))


def _same(count: int) -> str:
    return "took no step, as expected" if not count else "the same step" if count == 1 else f"the same {count} steps"


def _unpaired(wanted: list[Call], made: list[Call]) -> tuple[list[Call], list[Call]]:
    missing, extra = [], list(made)
    for call in wanted:
        place = next((place for place, done in enumerate(extra) if _is(call, done)), None)
        if place is None:
            missing.append(call)
        else:
            del extra[place]
    return missing, extra


def _is(call: Call, done: Call) -> bool:
    return same(call.get("name"), done.get("name")) and same(_arguments(call), _arguments(done))


def _arguments(call: Call) -> Any:
    given = call.get("arguments")
    return {} if given is None else given


def _differences(missing: list[Call], extra: list[Call]) -> str:
    """Where a step was taken with other arguments those are told; the rest is missing or too much."""
    told_of, absent, left = [], [], list(extra)
    for call in missing:
        alike = [done for done in left if same(call.get("name"), done.get("name"))]
        if alike:
            nearest = min(alike, key=lambda done: len(_arguments_differ(call, done)))
            left.remove(nearest)
            told_of.append(f"{_name(call)}: {', '.join(_arguments_differ(call, nearest))}")
        else:
            absent.append(call)
    told_of += [f"{name} is missing" for name in _counted(absent)] + [f"{name} is too much" for name in _counted(left)]
    more = len(told_of) - MOST_TOLD
    return "; ".join(told_of[:MOST_TOLD]) + (f"; and {more} more" if more > 0 else "")


def _arguments_differ(call: Call, done: Call) -> list[str]:
    right, given = _arguments(call), _arguments(done)
    if not isinstance(right, dict) or not isinstance(given, dict):
        return [f"it was given {told(given)} instead of {told(right)}"]
    changed = [name for name in right if name in given and not same(right[name], given[name])]
    return [
        *(f"{name} is {told(given[name])} instead of {told(right[name])}" for name in changed),
        *(f"{name} is not given" for name in right if name not in given),
        *(f"{name} is given as well" for name in given if name not in right),
    ]


def _counted(calls: list[Call]) -> list[str]:
    times = Counter(_name(call) for call in calls)
    return [name if count == 1 else f"{name} ({count} times)" for name, count in times.items()]


def _name(call: Call) -> str:
    return str(call.get("name") or "an unnamed step")
