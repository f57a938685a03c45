"""How far people agree who looked at the same things: beyond chance, with an interval, and in words where it cannot be told.

Both measures are 1 − (how far the answers about one thing lie apart) / (how far they would by chance): 1 is full agreement, 0 is chance.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, fsum, sqrt
from typing import Literal, NamedTuple

Value = Hashable  # a label's id, a verdict, a mark from 1 to 5
Scale = Literal["nominal", "ordinal", "interval"]
Weights = Literal["nominal", "linear", "quadratic"]

Z = 1.959964  # 95 %
FEWEST = 10  # units: with fewer even the interval says nothing
VARIED = 5  # units with an answer beside the most common one: with fewer, one more such unit could turn everything round
HALF = 0.5  # a unit: added before the interval is taken, so that a small sample is not overconfident
WIDE = 0.3
LARGEST = 1e100  # its square can still be told; also no NaN is below


class Rating(NamedTuple):
    """What a rater said of a unit; None is nothing."""

    unit: Hashable
    rater: Hashable
    value: Value | None


@dataclass(frozen=True)
class Agreement:
    value: float | None  # None: it cannot be told, and the sentence says why
    low: float | None
    high: float | None
    n: int  # the units that count: at least two people said something
    raters: int
    sentence: str


@dataclass(frozen=True)
class Disagreement:
    """Two answers that were given to the same units."""

    one: Value
    other: Value
    count: int  # pairs of people who so differ
    units: tuple[Hashable, ...]


class _Spread(NamedTuple):
    """How far one unit's answers lie apart, and how far they would by chance: over all units, sum by sum, 1 − agreement."""

    apart: float
    chance: float
    units: float = 1.0  # so many units are like this


def alpha(ratings: Iterable[Rating], *, scale: Scale = "nominal", order: Sequence[Value] | None = None) -> Agreement:
    """Krippendorff's alpha of any number of raters, who need not all have seen everything.

    `order` names the values from the lowest to the highest; numbers have an order of their own.
    """
    units = _seen_by_two(ratings)
    answers = [list(said.values()) for said in units.values()]
    if reason := _too_little(answers):
        return _untold(reason, units)
    if scale == "nominal":
        return _told(*_spreads_of_kinds(answers), units)
    places = _places({value for said in answers for value in said}, order)
    if scale == "ordinal":
        places = _middle_ranks(places, Counter(value for said in answers for value in said))
    return _told(*_spreads_of_numbers([[places[value] for value in said] for said in answers]), units)


def by_label(ratings: Iterable[Rating]) -> dict[Value, Agreement]:
    """Alpha of each label against all others, the most used first: which of them is it that people see differently?"""
    units = _seen_by_two(ratings)
    patterns = _patterns(units)
    used = {label: sum(said_it * count for (said_it, _), count in counts.items()) for label, counts in patterns.items()}
    return {label: _of_label(patterns[label], units) for label in sorted(used, key=lambda label: (-used[label], repr(label)))}


def kappa(
    ratings: Iterable[Rating], one: Hashable, other: Hashable, *, weights: Weights = "nominal", order: Sequence[Value] | None = None
) -> Agreement:
    """Cohen's kappa of two raters over what both rated; with weights, a near miss counts less than a far one."""
    units = _seen_by_two(rating for rating in ratings if rating[1] in (one, other))
    cells = Counter((said[one], said[other]) for said in units.values())
    if reason := _too_little([list(said.values()) for said in units.values()], two=True):
        return _untold(reason, units)
    if 1 in (len({cell[side] for cell in cells}) for side in (0, 1)):
        return _untold(f"Cannot tell: one of the two gave all {len(units):,} the same answer.", units)
    return _told(*_spreads_of_cells(cells, _distance({value for cell in cells for value in cell}, weights, order)), units)


def pairs_that_disagree(ratings: Iterable[Rating]) -> list[Disagreement]:
    """Which two answers are taken for each other, the most frequent first."""
    counts: Counter[tuple[Value, Value]] = Counter()
    units: defaultdict[tuple[Value, Value], list[Hashable]] = defaultdict(list)
    for unit, said in _seen_by_two(ratings).items():
        given = Counter(said.values())
        for pair in combinations(sorted(given, key=repr), 2):
            counts[pair] += given[pair[0]] * given[pair[1]]
            units[pair].append(unit)
    most_first = sorted(counts, key=lambda pair: (-counts[pair], repr(pair)))
    return [Disagreement(*pair, counts[pair], tuple(sorted(units[pair], key=repr))) for pair in most_first]


# What was said, and whether that is enough.


def _seen_by_two(ratings: Iterable[Rating]) -> dict[Hashable, dict[Hashable, Value]]:
    """Unit -> rater -> value, of the units about which at least two said something."""
    units: defaultdict[Hashable, dict[Hashable, Value]] = defaultdict(dict)
    for unit, rater, value in ratings:
        if value is None:
            continue
        kept = units[unit].setdefault(rater, value)
        if kept is not value and kept != value:
            raise ValueError(f"{rater!r} said two things of {unit!r}: give only the one that counts")
    return {unit: said for unit, said in units.items() if len(said) > 1}


def _too_little(answers: Sequence[Sequence[Value]], *, two: bool = False) -> str | None:
    """Why it cannot be told, if it cannot."""
    n = len(answers)
    whom = "both" if two else "at least two people"
    if not n:
        return f"Cannot tell: nothing was rated by {whom} yet."
    if n < FEWEST:
        return _too_few(n, whom)
    agreed = Counter(said[0] for said in answers if len(set(said)) == 1)
    varied = n - max(agreed.values(), default=0)
    if not varied:
        return f"Cannot tell: all {n:,} were given the same answer, so nobody had anything to tell apart."
    if varied < VARIED:
        return f"Cannot tell: all but {varied} of {n:,} were given the same answer, so there was hardly anything to tell apart."
    return None


def _too_few(n: int, whom: str = "at least two people") -> str:
    return f"Cannot tell: only {n} {'was' if n == 1 else 'were'} rated by {whom}, and {FEWEST} are the fewest that say anything."


def _untold(reason: str, units: Mapping[Hashable, Mapping[Hashable, Value]]) -> Agreement:
    return Agreement(None, None, None, len(units), _raters(units), reason)


def _raters(units: Mapping[Hashable, Mapping[Hashable, Value]]) -> int:
    return len({rater for said in units.values() for rater in said})


def _patterns(units: Mapping[Hashable, Mapping[Hashable, Value]]) -> dict[Value, Counter[tuple[int, int]]]:
    """Label -> (how many said it, how many looked) -> units. Few patterns stand for many units, so that many labels are quick."""
    sizes = Counter(len(said) for said in units.values())
    patterns: defaultdict[Value, Counter[tuple[int, int]]] = defaultdict(Counter)
    for said in units.values():
        for label, said_it in Counter(said.values()).items():
            patterns[label][said_it, len(said)] += 1
    for counts in patterns.values():
        without = Counter(sizes)
        for (_, looked), count in counts.items():
            without[looked] -= count
        counts.update({(0, looked): count for looked, count in without.items() if count})
    return patterns


def _of_label(patterns: Mapping[tuple[int, int], int], units: Mapping[Hashable, Mapping[Hashable, Value]]) -> Agreement:
    n = len(units)
    by_anybody = sum(count for (said_it, _), count in patterns.items() if said_it)
    not_by_all = sum(count for (said_it, looked), count in patterns.items() if said_it < looked)
    if n < FEWEST:
        return _untold(_too_few(n), units)
    if by_anybody < VARIED:
        return _untold(f"Cannot tell: only {by_anybody} of {n:,} {'was' if by_anybody == 1 else 'were'} given this by anybody.", units)
    if not_by_all < VARIED:
        return _untold(f"Cannot tell: all but {not_by_all} of {n:,} were given this by everybody.", units)
    values = sum(looked * count for (_, looked), count in patterns.items())
    share = sum(said_it * count for (said_it, _), count in patterns.items()) / values
    spreads = [
        _Spread(
            (values - 1) / values * said_it * (looked - said_it) / (looked - 1),
            said_it * (1 - share) ** 2 + (looked - said_it) * share**2,
            count,
        )
        for (said_it, looked), count in patterns.items()
    ]
    return _told(spreads, values / n * max(share, 1 - share) ** 2, units)


# How far answers lie apart. Each gives the units' spreads, and what agreement upon the rarest answer weighs.


def _spreads_of_kinds(answers: Sequence[Sequence[Value]]) -> tuple[list[_Spread], float]:
    """Two answers are the same or not. A unit's spread is its variance, with one axis for each value."""
    totals = Counter(value for said in answers for value in said)
    values = totals.total()
    share = {value: count / values for value, count in totals.items()}
    even = fsum(part * part for part in share.values())
    spreads = []
    for said in answers:
        looked = len(said)
        alike = sum(count * count for count in Counter(said).values())
        apart = (looked * looked - alike) / (looked - 1)
        spreads.append(_Spread((values - 1) / values * apart, looked * (1 + even) - 2 * fsum(share[value] for value in said)))
    return spreads, values / len(answers) * (1 + even - 2 * min(share.values()))


def _spreads_of_numbers(answers: Sequence[Sequence[float]]) -> tuple[list[_Spread], float]:
    """Two answers lie as far apart as the square of their difference. A unit's spread is its variance."""
    values = sum(len(said) for said in answers)
    middle = fsum(number for said in answers for number in said) / values
    spreads = []
    for said in answers:
        looked, own = len(said), fsum(said) / len(said)
        apart = looked * fsum((number - own) ** 2 for number in said) / (looked - 1)
        spreads.append(_Spread((values - 1) / values * apart, fsum((number - middle) ** 2 for number in said)))
    return spreads, values / len(answers) * max((number - middle) ** 2 for said in answers for number in said)


def _spreads_of_cells(cells: Mapping[tuple[Value, Value], int], distance: Callable[[Value, Value], float]) -> tuple[list[_Spread], float]:
    """Of two raters, each with their own habits: by chance an answer meets what the other is in the habit of saying."""
    n = sum(cells.values())
    ones: Counter[Value] = Counter()
    others: Counter[Value] = Counter()
    for (one, other), count in cells.items():
        ones[one] += count
        others[other] += count
    every = ones.keys() | others.keys()
    from_others = {value: fsum(distance(value, other) * count for other, count in others.items()) / n for value in every}
    from_ones = {value: fsum(distance(value, one) * count for one, count in ones.items()) / n for value in every}
    usual = fsum(from_others[one] * count for one, count in ones.items()) / n
    spreads = [_Spread(distance(*cell), from_others[cell[0]] + from_ones[cell[1]] - usual, count) for cell, count in cells.items()]
    return spreads, max(from_others[value] + from_ones[value] - usual for value in every)


def _distance(values: Collection[Value], weights: Weights, order: Sequence[Value] | None) -> Callable[[Value, Value], float]:
    if weights == "nominal":
        return lambda a, b: float(a != b)
    places = _places(values, order)
    power = 1 if weights == "linear" else 2
    return lambda a, b: abs(places[a] - places[b]) ** power


def _places(values: Collection[Value], order: Sequence[Value] | None) -> dict[Value, float]:
    """Where each value lies, from 0 to 1. Words have no order of their own: alphabetically, strong would lie below weak."""
    numbers: dict[Value, float]
    if order is None:
        numbers = {value: float(value) for value in values if isinstance(value, int | float) and abs(value) < LARGEST}
    else:
        numbers = {value: float(order.index(value)) for value in values if value in order}
    if missing := sorted(map(repr, set(values) - numbers.keys())):
        raise ValueError(f"these values have no place in the order: {', '.join(missing)}; name all of them in `order`")
    lowest, reach = min(numbers.values()), max(numbers.values()) - min(numbers.values())
    return {value: (number - lowest) / reach for value, number in numbers.items()}


def _middle_ranks(places: Mapping[Value, float], used: Mapping[Value, int]) -> dict[Value, float]:
    """As far apart as there are answers between: Krippendorff's ordinal difference is the one between middle ranks."""
    ranks: dict[Value, float] = {}
    below = 0
    for value in sorted(places, key=lambda value: places[value]):
        ranks[value] = below + used[value] / 2
        below += used[value]
    return ranks


# The number, its interval, its sentence.


def _told(spreads: Sequence[_Spread], telling: float, units: Mapping[Hashable, Mapping[Hashable, Value]]) -> Agreement:
    value = 1 - fsum(spread.apart * spread.units for spread in spreads) / fsum(spread.chance * spread.units for spread in spreads)
    low, high = _interval(spreads, telling)
    low, high = min(max(low, -1.0), value), max(high, value)
    return Agreement(value, low, high, len(units), _raters(units), _sentence(value, low, high, len(units)))


def _interval(spreads: Sequence[_Spread], telling: float) -> tuple[float, float]:
    """95 % for units drawn anew, without drawing them.

    First half a unit is added that agrees upon the rarest answer, and for the lower end half a one that disagrees about it. In simulations
    of 12 to 1,000 units this held the truth 88 to 98 times in 100; resampling 12 to 30 that nearly agree did so 32 to 66 times.
    """
    agreeing, disagreeing = _Spread(0.0, telling, HALF), _Spread(telling, telling, HALF)
    return _limit([*spreads, agreeing, disagreeing], Z), _limit([*spreads, agreeing], -Z)


def _limit(spreads: Sequence[_Spread], z: float) -> float:
    """So many errors away: the linearised error of a ratio (of kappa the one of Fleiss, Cohen and Everitt, 1969), on its logarithm."""
    apart = fsum(spread.apart * spread.units for spread in spreads)
    chance = fsum(spread.chance * spread.units for spread in spreads)
    if not apart:
        return 1.0
    error = sqrt(fsum(spread.units * (spread.apart / apart - spread.chance / chance) ** 2 for spread in spreads))
    return 1 - apart / chance * exp(z * error)


def _sentence(value: float, low: float, high: float, n: int) -> str:
    numbers = f"{value:z.2f} ({low:z.2f} to {high:z.2f}, n = {n:,})"
    if high < 0:
        return f"They agree less than by chance: {numbers}. Ask whether they understand the question alike."
    if low <= 0:
        return f"Not to be told from chance: {numbers}."
    # from 0.8 on Krippendorff lets conclusions rest on it, from two thirds tentative ones
    words = ((0.8, "They agree well"), (2 / 3, "They mostly agree"), (0.4, "They agree in part"), (-1.0, "They agree little"))
    said = next(words for least, words in words if value >= least)
    return f"{said}, as far as so few can tell: {numbers}." if high - low > WIDE else f"{said}: {numbers}."
