"""Whether more came of what is worse, or of what is better: a shift of the mix moves the whole though nothing changed inside."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from evals.mixing import shares_of, split
from evals.power import Numbers
from evals.slices import Along, Key, Table, ratio
from evals.sure import student_bar

SURE_MIX = 0.01  # nothing is told 99 times in 100 when nothing shifted
MIXED = 12  # as many degrees of freedom lean on all breakdowns together beside the weeks of one


@dataclass(frozen=True)
class Shift:
    """More came of what is worse, or of what is better; nothing has to have changed inside."""

    along: Along
    key: Key  # the slice that adds most to it
    carried: float  # of the whole's change, by all slices together
    carried_by_it: float
    share_before: float
    share_after: float
    value: float  # of that slice
    score: float
    bar: float

    @property
    def stands_out(self) -> bool:
        return self.score >= self.bar


def strongest(tables: Mapping[Along, Table]) -> Shift | None:
    """The strongest shift between the slices of a single dimension: of what customers bring, not of versions, which we choose."""
    single = [table for along, table in tables.items() if len(along) == 1 and along != ("version",) and len(table.keys) > 1]
    noise = [_week_shifts(table) for table in single]
    weeks = max((len(one) for one in noise), default=0)
    every = sum(float(one.sum()) for one in noise) / max(sum(len(one) - 1 for one in noise), 1)
    found = [
        _shift_of(
            table, max(1.0, (MIXED * every + float(one.sum())) / (MIXED + max(len(one) - 1, 0))), MIXED + max(weeks - 1, 0), len(single)
        )
        for table, one in zip(single, noise, strict=True)
    ]
    return max(found, key=lambda one: one.score - one.bar, default=None)


def _gains(table: Table) -> Numbers:
    """By how much each slice is better than the whole, at the middle of both periods."""
    return np.asarray(table.values.mean(axis=0) - float((table.shares * table.values).sum() / 2), dtype=float)


def _week_shifts(table: Table) -> Numbers:
    """How far the weeks' own mixes moved the whole, squared, in plain variances."""
    gains, shares = _gains(table), shares_of(table.weight[:-1])
    n = table.telling[:-1].sum(axis=1)
    off = (shares - table.shares[0]) @ gains
    held = n > 0  # a week in which nothing was tells nothing
    return ratio(off[held] ** 2, _mixing(table, gains) / n[held])


def _mixing(table: Table, gains: Numbers) -> float:
    share = table.shares.mean(axis=0)
    return float(share @ gains**2 - (share @ gains) ** 2)


def _shift_of(table: Table, effect: float, degrees: int, asked: int) -> Shift:
    _, mixes = split(table.shares, table.values)
    told = table.both[1].sum(axis=0)
    drawn = effect * _mixing(table, _gains(table)) * (1 / table.both[1].sum(axis=1)).sum()
    seen = ratio(table.spread, told)
    error = sqrt(drawn + effect * float((np.diff(table.shares, axis=0)[0] ** 2 * seen).sum()))
    total = float(mixes.sum()) * table.scale
    at = int(np.argmax(mixes * np.sign(total)))
    return Shift(
        table.along, table.keys[at], total, float(mixes[at]) * table.scale, float(table.shares[0, at]), float(table.shares[1, at]),
        float(table.values[:, at].mean()), abs(total) / error if error > 0 else 0.0, student_bar(degrees, SURE_MIX / asked),
    )  # fmt: skip
