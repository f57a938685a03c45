"""How many cases it takes: how often a difference would be told, computed and not guessed."""

from functools import lru_cache
from math import ceil, floor, log10, sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

SURE = 0.05  # a difference is told where chance alone would show one like it less often
SEEN = 0.8  # enough cases: a difference like this one would be told so often
FEWEST, MOST = 10, 100_000  # further cases worth asking for; beyond, there are "more than"


def power(n: int, fixed_rate: float, broken_rate: float, effect: float = 1.0, *, sure: float = SURE) -> float:
    """How often the exact test tells such a difference with n cases: over every number of cases that may change, in how many it does."""
    cases, rate = max(round(n / effect), 0), fixed_rate + broken_rate
    if not cases or rate <= 0:
        return 0.0
    spread = 4 * sqrt(cases * rate * (1 - rate)) + 4
    first, last = max(floor(cases * rate - spread), 0), min(ceil(cases * rate + spread), cases)
    changed = np.arange(first, last + 1, max(1, (last - first) // 50))
    weights = binomial(cases, rate, changed)
    # Customers change by several sizes, which leaves smaller gaps between p values (found by simulation); not where all change one way
    even = min(1.0, (effect - 1.0) / 2) if fixed_rate and broken_rate else 0.0
    told = sum(weight * _told(many, fixed_rate / rate, even, sure) for many, weight in zip(changed.tolist(), weights.tolist(), strict=True))
    return min(1.0, float(told / weights.sum()))


@lru_cache(maxsize=10_000)
def _told(changed: int, share_fixed: float, even: float, sure: float) -> float:
    """How often the test tells, if so many cases change."""
    counts = _around(changed, 0.5)
    by_chance = binomial(changed, 0.5, counts)
    below = np.cumsum(by_chance)
    told = int(np.searchsorted(below, sure / 2 * (1 + 1e-9), side="right"))  # so many of the lowest counts are below the bar
    edge = int(counts[told])  # the first count that is not rare enough, nor is its counterpart
    found = _below(changed, edge, share_fixed) + _below(changed, edge, 1 - share_fixed)
    short = (sure / 2 - (float(below[told - 1]) if told else 0.0)) / float(by_chance[told])
    at_edge = binomial(changed, share_fixed, np.array(sorted({edge, changed - edge}))).sum()
    return found + even * min(1.0, short) * float(at_edge)


def _below(trials: int, count: int, chance: float) -> float:
    counts = _around(trials, chance)
    return float(binomial(trials, chance, counts[counts < count]).sum())


def _around(trials: int, chance: float) -> npt.NDArray[np.int64]:
    """All counts that ever come up."""
    middle, spread = trials * chance, 8 * sqrt(trials * chance * (1 - chance)) + 8
    return np.arange(max(floor(middle - spread), 0), min(ceil(middle + spread), trials) + 1)


def binomial(trials: int, chance: float, counts: npt.NDArray[np.int64]) -> Numbers:
    """How likely each count is."""
    if not 0 < chance < 1:
        sure: Numbers = (counts == (trials if chance >= 1 else 0)).astype(float)
        return sure
    logs = _log_factorials(1 << max(trials, 1).bit_length())
    ways = logs[trials] - logs[counts] - logs[trials - counts]
    likely: Numbers = np.exp(ways + counts * np.log(chance) + (trials - counts) * np.log1p(-chance))
    return likely


@lru_cache(maxsize=4)
def _log_factorials(size: int) -> Numbers:
    return np.concatenate([np.zeros(1), np.cumsum(np.log(np.arange(1, size + 1)))])


def more_needed(fixed: int, broken: int, n: int, effect: float = 1.0, *, sure: float = SURE) -> int | None:
    """About how many further cases would tell four times in five, if they turn out like these: None where these show no difference.

    Above MOST there is no use in telling how many.
    """
    if fixed == broken:
        return None
    return _rounded(cases_needed(fixed / n, broken / n, effect, sure=sure, most=n + MOST + 1) - n)


def cases_needed(fixed_rate: float, broken_rate: float, effect: float = 1.0, *, sure: float = SURE, most: int = 2 * MOST) -> int:
    """With how many cases such a difference is told four times in five; with more than most it is not looked for."""
    difference, changed = abs(fixed_rate - broken_rate), fixed_rate + broken_rate
    about = _about(difference, changed * effect, (changed - difference**2) * effect, sure)
    if about > 1.2 * most:
        return most
    low, high = 0, ceil(about * 1.1) + 8
    while power(high, fixed_rate, broken_rate, effect, sure=sure) < SEEN:
        low, high = high, ceil(high * 1.25)
    while high - low > max(1, high // 200):
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle, fixed_rate, broken_rate, effect, sure=sure) >= SEEN else (middle, high)
    return min(high, most)


def more_needed_scores(difference: float, error: float, n: int, *, sure: float = SURE) -> int | None:
    """The same for scores, whose difference is nearly normal."""
    if difference == 0:
        return None
    return _rounded(ceil(min(_about(abs(difference), error**2 * n, error**2 * n, sure), 2.0 * (n + MOST))) - n)


def _about(difference: float, by_chance: float, spread: float, sure: float) -> float:
    """By the normal approximation; both variances are those of one case."""
    z, seen = NormalDist().inv_cdf(1 - sure / 2), NormalDist().inv_cdf(SEEN)
    return (z * sqrt(by_chance) + seen * sqrt(max(spread, 0.0))) ** 2 / difference**2


def _rounded(cases: int) -> int:
    """Upwards to two figures: it is only about so many."""
    if cases > MOST:
        return MOST + 1
    step: int = 10 ** max(1, floor(log10(max(cases, 1))) - 1)
    return max(FEWEST, ceil(cases / step) * step)
