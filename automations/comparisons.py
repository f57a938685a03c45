"""How two values are compared: the closed list of what a condition may ask.

Each comparison answers True, False, or None where the two cannot be compared: then nothing is decided.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

import re2

Takes = Literal["nothing", "a value", "a number", "two numbers", "a list", "a word", "days"]
Fits = Callable[[Any, Any, datetime], bool | None]  # the value, what it is compared with, and when

LARGEST = 40  # digits before and after the point: what has more is no number that anybody compares
MOST_DAYS = 36_500
LONGEST_WORD = 200  # characters
KNOWN, UNKNOWN = "is known", "is not known"


def number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if isinstance(value, int):
        return Decimal(value) if value.bit_length() <= 3 * LARGEST else None
    made = value if isinstance(value, Decimal) else Decimal(str(value))
    return made if made.is_finite() and abs(made.adjusted()) <= LARGEST else None


def moment(value: Any) -> datetime | None:
    """A day is its first moment; a time without a zone is UTC."""
    if isinstance(value, str) and len(value) <= 40:
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else None


def _folded(text: str) -> str:
    return (text.lower() if text.isascii() else unicodedata.normalize("NFC", text).casefold()).strip()


def _same(one: Any, other: Any) -> bool | None:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other if isinstance(one, bool) and isinstance(other, bool) else None
    if isinstance(one, str) and isinstance(other, str):
        return _folded(one) == _folded(other)
    for kind in (number, moment):
        left, right = kind(one), kind(other)
        if left is not None and right is not None:
            return bool(left == right)
    return None


def _among(one: Any, others: Any) -> bool | None:
    if not isinstance(others, list | tuple):
        return None
    if isinstance(one, str):  # made comparable once, however many there are
        folded, texts = _folded(one), [_folded(other) for other in others if isinstance(other, str)]
        return folded in texts if texts else None
    verdicts = [_same(one, other) for other in others]
    return True if True in verdicts else False if False in verdicts else None


def _contains(whole: Any, part: Any) -> bool | None:
    if isinstance(whole, list | tuple):
        return _among(part, whole) if whole else False
    return _folded(part) in _folded(whole) if isinstance(whole, str) and isinstance(part, str) else None


def _has_word(text: Any, word: Any) -> bool | None:
    """As it stands between two places where no letter or digit stands."""
    if not isinstance(text, str) or not isinstance(word, str) or not word.strip() or len(word) > LONGEST_WORD:
        return None
    searched = _folded(text).encode("utf-8", "replace").decode()  # half a character cannot be looked through
    return _alone(_folded(word).encode("utf-8", "replace").decode()).search(searched) is not None


@lru_cache(maxsize=256)
def _alone(word: str) -> Any:
    """The word is escaped: nobody writes a pattern. The engine takes linear time, whatever stands in a customer's text."""
    return re2.compile(rf"(?:^|[^\pL\pN]){re2.escape(word)}(?:$|[^\pL\pN])")


def _ordered(fits: Callable[[Decimal, Decimal], bool]) -> Fits:
    def compared(one: Any, other: Any, _at: datetime) -> bool | None:
        left, right = number(one), number(other)
        return None if left is None or right is None else fits(left, right)

    return compared


def _between(one: Any, ends: Any, _at: datetime) -> bool | None:
    value = number(one)
    low, high = (number(end) for end in ends)
    return None if value is None or low is None or high is None else low <= value <= high


def _aged(fits: Callable[[timedelta, timedelta], bool]) -> Fits:
    def compared(one: Any, days: Any, at: datetime) -> bool | None:
        when, many = moment(one), number(days)
        if when is None or many is None or abs(many) > MOST_DAYS:
            return None
        return fits(at - when, timedelta(days=float(many)))

    return compared


def negated(verdict: bool | None) -> bool | None:
    return None if verdict is None else not verdict


@dataclass(frozen=True)
class Operator:
    takes: Takes
    words: str  # between the two, as a rep says it
    fits: Fits


OPERATORS: dict[str, Operator] = {
    "equals": Operator("a value", "is {}", lambda one, other, _: _same(one, other)),
    "is not": Operator("a value", "is not {}", lambda one, other, _: negated(_same(one, other))),
    "at least": Operator("a number", "is at least {}", _ordered(lambda one, other: one >= other)),
    "at most": Operator("a number", "is at most {}", _ordered(lambda one, other: one <= other)),
    "more than": Operator("a number", "is more than {}", _ordered(lambda one, other: one > other)),
    "less than": Operator("a number", "is less than {}", _ordered(lambda one, other: one < other)),
    "between": Operator("two numbers", "is between {}", _between),
    "contains": Operator("a value", "contains {}", lambda one, other, _: _contains(one, other)),
    "does not contain": Operator("a value", "does not contain {}", lambda one, other, _: negated(_contains(one, other))),
    "is one of": Operator("a list", "is one of {}", lambda one, others, _: _among(one, others)),
    "is none of": Operator("a list", "is none of {}", lambda one, others, _: negated(_among(one, others))),
    KNOWN: Operator("nothing", "is known", lambda one, _other, _: one is not None),
    UNKNOWN: Operator("nothing", "is not known", lambda one, _other, _: one is None),
    "matches word": Operator("a word", "has the word {}", lambda one, other, _: _has_word(one, other)),
    "older than days": Operator("days", "is more than {} ago", _aged(lambda age, days: age > days)),
    "newer than days": Operator("days", "is less than {} ago", _aged(lambda age, days: age < days)),
}
BARE = [name for name, operator in OPERATORS.items() if operator.takes == "nothing"]
