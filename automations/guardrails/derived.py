"""Derived: what plain arithmetic makes of known figures, a sum, a difference or so many times the same; and nothing beyond it."""

from collections.abc import Iterable, Iterator, Sequence, Set
from decimal import Decimal, InvalidOperation
from itertools import accumulate, combinations

NEAR = 6  # figures before and behind that are put together: of more, nearly every number is the sum of some
MOST_TIMES = 9


def follows(number: str, before: Sequence[str], behind: Sequence[str], counts: Iterable[str] = (), sums: Set[str] = frozenset()) -> bool:
    """Whether a number is the sum of figures right before or behind it, the sum or difference of two, or one of them so many times."""
    wanted, ahead, after = _value(number), _values(before), _values(behind)
    if wanted is None:
        return False
    made = {*_made(ahead[::-1], after), *map(Decimal, sums)}
    one_by_one = {*ahead[-NEAR:], *after[:NEAR], *map(Decimal, sums)}
    return wanted in made or any(one * many == wanted for one in one_by_one for many in _values(counts) if 1 < many <= MOST_TIMES)


def times(number: str, counts: Sequence[str]) -> bool:
    """Whether two of what was counted make it: two bags for each of two passengers are four."""
    wanted, figures = _value(number), [one for one in _values(counts) if 1 < one <= MOST_TIMES]
    return wanted is not None and any(one * other == wanted for one in figures for other in figures)


def _made(backwards: Sequence[Decimal], after: Sequence[Decimal]) -> Iterator[Decimal]:
    yield from (*accumulate(backwards), *accumulate(after))
    for one, other in combinations([*backwards[:NEAR], *after[:NEAR]], 2):
        yield from (one + other, abs(one - other))


def _values(numbers: Iterable[str]) -> list[Decimal]:
    return [one for one in map(_value, dict.fromkeys(numbers)) if one]


def _value(number: str) -> Decimal | None:
    try:
        return abs(Decimal(number))
    except InvalidOperation:
        return None
