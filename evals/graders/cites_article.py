"""Cites article: the answer stands on an article that a person named. Where they named none, nothing covers it, and it has to decline."""

from typing import Any

from evals.graders import declines
from evals.graders.contains import listed
from evals.graders.face import Asked, Grade, Output, yes_or_no
from evals.graders.values import cut

NAME, NUMBER = "cites article", 1
PERSON_WROTE, LIVE = True, False
NEEDS = ("articles",)
MOST = 200  # articles of an output that are looked at


def grade(case: Asked, output: Output | None) -> Grade:
    if not isinstance(output, dict):  # the target failed, or answered something else
        return yes_or_no(False, "there was no output")
    if not case.expected["articles"]:
        silent = declines.declined(output) and not cited(output)
        return yes_or_no(silent, "declined: nothing covers it" if silent else "answered, though nothing covers it")
    if declines.declined(output):
        return yes_or_no(False, f"declined instead of citing {listed(case.expected['articles'], 'or')}")
    given, wanted = cited(output), case.expected["articles"]
    right = next((slug for slug in given if slug in wanted), None)
    if right is not None:
        return yes_or_no(True, f"cites '{cut(right)}'")
    if not given:
        return yes_or_no(False, f"cites no article instead of {listed(wanted, 'or')}")
    return yes_or_no(False, f"cites {listed(given)} instead of {listed(wanted, 'or')}")


def cited(output: Output) -> list[str]:
    """The articles of its sources. What only found articles, best first, stands by the first one, or finding many would pass."""
    sources, found = (told[:MOST] if isinstance(told, list) else [] for told in (output.get("sources"), output.get("articles")))
    quoted = _slugs([source.get("article") for source in sources if isinstance(source, dict)])
    return quoted or _slugs(found)[:1]


def _slugs(named: list[Any]) -> list[str]:
    return list(dict.fromkeys(slug for slug in named if isinstance(slug, str) and slug))
