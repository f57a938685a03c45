"""Which of several measures moved most: each that is tried is one more that chance may move, so each must show
more than if it were the only one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import exp, log, sqrt
from statistics import NormalDist

from data.defined import Measure
from evals import parts, shifts
from evals.parts import Found
from evals.shifts import Shift
from evals.sure import normal_bar, student_bar
from evals.why import WEEKS, Why

CAREFUL = 2.0  # that far out parts and weeks differ more often than the normal distribution has it
SEEN = 0.84  # standard errors: a change so far beyond the bar is found 8 times in 10
LEAST_DEGREES, MOST_DEGREES = 0.2, 1e6


@dataclass(frozen=True)
class Looked:
    """A measure over some days, explained."""

    why: Why
    since: date
    until: date

    @property
    def found(self) -> Found:
        return self.why.found

    @property
    def measure(self) -> Measure:
        return self.why.measure


@dataclass(frozen=True)
class Moved:
    looked: Looked
    times: float  # how many times the bar its evidence is
    change: float  # of what tells it: the whole, a part or the mix

    @property
    def is_worse(self) -> bool:
        return is_worse(self.looked.measure, self.change)


def is_worse(measure: Measure, change: float) -> bool:
    return change < 0 if measure.better == "more" else change > 0 if measure.better == "less" else False


def most(looked: Sequence[Looked]) -> Moved | None:
    """Bad news before good; then the strongest evidence; of equal ones the one that more conversations stand behind."""
    found = [_evidence(one, len(looked)) for one in looked]
    beyond = [one for one in found if one.times >= 1]
    return min(beyond, key=lambda one: (not one.is_worse, -one.times, -one.looked.found.n_after), default=None)


def _evidence(looked: Looked, tried: int) -> Moved:
    """The strongest of what there is: the whole, the parts, the mix."""
    found = looked.found
    told = [(found.score / _bar_of_whole(found, tried), found.change)]
    told += [(part.score / _bar_of_part(part.bar, tried), part.change) for part in found.parts]
    if found.shift is not None:
        told.append((found.shift.score / _bar_of_shift(found.shift, tried), found.shift.carried))
    return Moved(looked, *max(told, key=lambda one: one[0]))


def whole_moved(looked: Looked, tried: int) -> bool:
    """The measure as a whole, by more than weeks differ."""
    return looked.found.score >= _bar_of_whole(looked.found, tried)


def could_be_seen(looked: Looked, tried: int) -> float:
    """So large a change of the whole would have been found 8 times in 10."""
    found = looked.found
    degrees = _degrees(found.bar, parts.SURE_WHOLE)
    error = (found.high - found.low) / 2 / student_bar(degrees, 0.05)
    return error * (_bar_of_whole(found, tried) + SEEN)


# -- bars for one of so many --------------------------------------------------------------------------------------------------------------


def _bar_of_whole(found: Found, tried: int) -> float:
    return student_bar(_degrees(found.bar, parts.SURE_WHOLE), parts.SURE_WHOLE / _as(tried))


def _bar_of_part(bar: float, tried: int) -> float:
    return normal_bar(_sure_of(bar) / _as(tried))


def _bar_of_shift(shift: Shift, tried: int) -> float:
    degrees = shifts.MIXED + WEEKS - 1
    wallace = sqrt(degrees * log(1 + shift.bar**2 / degrees)) * (8 * degrees + 1) / (8 * degrees + 3)
    return student_bar(degrees, _sure_of(wallace) / _as(tried))


def _as(tried: int) -> float:
    """One alone is what its own bars are made for."""
    return 1.0 if tried == 1 else CAREFUL * tried


def _sure_of(bar: float) -> float:
    """How often chance passes it, both sides counted."""
    return max(2 * NormalDist().cdf(-bar), 1e-300)


def _degrees(bar: float, sure: float) -> float:
    """Those of the bar, which falls as they grow."""
    low, high = log(LEAST_DEGREES), log(MOST_DEGREES)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if student_bar(exp(middle), sure) > bar else (low, middle)
    return exp(high)
