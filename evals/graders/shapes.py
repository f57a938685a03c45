"""What each key of an expectation may hold, and how large it may be."""

import math
from collections.abc import Callable
from typing import Any

from evals.graders import pattern, preferred
from evals.graders.values import cut

LONGEST_FACT, LONGEST_PATTERN, LONGEST_REPLY, LONGEST_RUBRIC, LONGEST_NAME = 500, 1_000, 20_000, 4_000, 200
MOST = 50  # of a list
DEEPEST, MOST_VALUES = 20, 5_000
MOST_WORDS = 100_000


def wrong(key: str, value: Any) -> str | None:
    """A sentence on what is wrong with this part; None where nothing is, or nobody knows the key."""
    return SHAPES[key](value) if key in SHAPES else None


def endless(value: Any) -> str | None:
    """What goes round in a circle, too deep, or holds a number that is none: it could neither be stored nor compared."""
    left, seen = [(value, 0)], 0
    while left:
        part, depth = left.pop()
        seen += 1
        if depth > DEEPEST or seen > MOST_VALUES:
            return f"What is expected has no end: it goes {DEEPEST} levels deep or holds {MOST_VALUES:,} values."
        if isinstance(part, float) and not math.isfinite(part):
            return f"What is expected holds '{part}', which is no number."
        inside = part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple) else ()
        left += [(one, depth + 1) for one in inside]
    return None


def _text(what: str, most: int, value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return f"{what} is empty." if value in (None, "") or isinstance(value, str) else f"{what} is no text."
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        return f"{what} holds half a character."
    return f"{what} has {len(value):,} characters, and {most:,} are the most." if len(value) > most else None


def _lists(what: str, one: str, names: tuple[str, str], most: int, value: Any) -> str | None:
    """Two lists of texts, of which one may be missing."""
    if not isinstance(value, dict) or not set(value) <= set(names):
        return f"{what} are two lists, '{names[0]}' and '{names[1]}'."
    lists = [value.get(name) or [] for name in names]
    if not all(isinstance(found, list) for found in lists):
        return f"{what} are two lists, '{names[0]}' and '{names[1]}'."
    if not any(lists):
        return f"{what} are empty lists: every reply would pass."
    if sum(map(len, lists)) > MOST:
        return f"{what} are {sum(map(len, lists)):,}, and {MOST} are the most."
    return next((told for found in lists for part in found if (told := _text(one, most, part))), None)


def _labels(value: Any) -> str | None:
    """An empty list says that none comes up."""
    if not isinstance(value, list):
        return "The expected labels are no list."
    if len(value) > MOST:
        return f"There are {len(value):,} expected labels, and {MOST} are the most."
    return next((told for one in value if (told := _text("One of the expected labels", LONGEST_NAME, one))), None)


def _articles(value: Any) -> str | None:
    if not isinstance(value, list):
        return "The articles that may be cited are no list. An empty one says that nothing covers it."
    if len(value) > MOST:
        return f"There are {len(value):,} articles that may be cited, and {MOST} are the most."
    return next((told for one in value if (told := _text("One of the articles that may be cited", LONGEST_NAME, one))), None)


def _facts(value: Any) -> str | None:
    return _lists("The facts", "One of the facts", ("must", "must_not"), LONGEST_FACT, value)


def _pattern(value: Any) -> str | None:
    if told := _lists("The patterns", "One of the patterns", ("matches", "not"), LONGEST_PATTERN, value):
        return told
    for one in [*(value.get("matches") or []), *(value.get("not") or [])]:
        try:
            pattern.compiled(one)
        except pattern.Unusable as unusable:
            told = str(unusable)
            return f"{told[0].upper()}{told[1:]}."
    return None


def _tool_calls(value: Any) -> str | None:
    if not isinstance(value, list):
        return "The expected steps are no list."
    if len(value) > MOST:
        return f"There are {len(value):,} expected steps, and {MOST} are the most."
    for number, call in enumerate(value, start=1):
        if not isinstance(call, dict) or _text("name", LONGEST_NAME, call.get("name")):
            return f"Step {number} has no name."
        if not isinstance(call.get("arguments") or {}, dict):
            return f"The arguments of step {number} have no names."
    return None


def _end_state(value: Any) -> str | None:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        return "How things should stand afterwards is told by names and values."
    return None if value else "How things should stand afterwards is empty: every end would pass."


def _length(value: Any) -> str | None:
    if not isinstance(value, dict) or not value or not set(value) <= {"most_words", "least_words"}:
        return "The length is told by 'most_words', by 'least_words', or by both."
    if not all(isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= MOST_WORDS for count in value.values()):
        return f"The length is told in whole words, 1 to {MOST_WORDS:,}."
    return None


def _reading_ease(value: Any) -> str | None:
    least = value.get("least") if isinstance(value, dict) else None
    fair = isinstance(least, int | float) and not isinstance(least, bool) and 0 <= least <= 100
    return None if fair else "The reading ease is told by 'least', 0 (hard) to 100 (easy)."


def _says(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "It is not told which classifier should say what."
    return _text("The classifier's name", LONGEST_NAME, value.get("classifier")) or _text("Its label", LONGEST_NAME, value.get("label"))


def _decline(value: Any) -> str | None:
    return None if isinstance(value, bool) else "Whether it should decline is told by yes or no."


def _preferred(value: Any) -> str | None:
    return (
        None if value == preferred.A_TIE_PASSES else f"'preferred' says '{preferred.A_TIE_PASSES}' or is left out, not '{cut(str(value))}'."
    )


def _of_text(what: str, most: int) -> Callable[[Any], str | None]:
    return lambda value: _text(what, most, value)


SHAPES: dict[str, Callable[[Any], str | None]] = {
    "label": _of_text("The expected intent", LONGEST_NAME),
    "labels": _labels,
    "articles": _articles,
    "text": _of_text("The expected text", LONGEST_REPLY),
    "facts": _facts,
    "pattern": _pattern,
    "reply": _of_text("The expected reply", LONGEST_REPLY),
    "not_reply": _of_text("The reply to keep away from", LONGEST_REPLY),
    "tool_calls": _tool_calls,
    "end_state": _end_state,
    "decline": _decline,
    "length": _length,
    "reading_ease": _reading_ease,
    "says": _says,
    "rubric": _of_text("The rubric", LONGEST_RUBRIC),
    "preferred": _preferred,
}
