"""One breakdown of the traffic as arrays, and groups of its cells beside the rest: by how many standard errors each went its own way."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from data.amounts import Amount
from evals.mixing import shares_of, values_of
from evals.power import Numbers

Along = tuple[str, ...]
Key = tuple[Hashable, ...]
LEAN = 4  # conversations' worth of all cells in how much one cell varies: few cannot tell it


@dataclass(frozen=True)
class Table:
    """A row for each week before and one for the period after, a column for each cell."""

    along: Along
    keys: Sequence[Key]
    n: Numbers
    telling: Numbers  # so many that weigh the same would tell as much
    weight: Numbers
    sum: Numbers
    sum_sq: Numbers
    whole: Numbers = field(default_factory=lambda: np.zeros(2))  # weight of all conversations before and after; here some may count twice

    @classmethod
    def of(cls, along: Along, periods: Sequence[Mapping[Any, Amount]]) -> "Table":
        keys = list(dict.fromkeys(key for period in periods for key in period))
        held = np.zeros((5, len(periods), len(keys)))
        place = {key: at for at, key in enumerate(keys)}
        for row, period in enumerate(periods):
            for key, one in period.items():
                held[:, row, place[key]] = one.n, one.effective_n, one.weight, one.sum, one.sum_sq
        return cls(along, [key if isinstance(key, tuple) else (key,) for key in keys], *held)

    def out_of(self, whole: Numbers) -> "Table":
        return replace(self, whole=whole)

    @cached_property
    def place(self) -> dict[Key, int]:
        return {key: at for at, key in enumerate(self.keys)}

    @cached_property
    def both(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """n, how many of them tell, weight and sum of all weeks before together, and after."""
        n, telling, weight, total = (np.stack([held[:-1].sum(axis=0), held[-1]]) for held in (self.n, self.telling, self.weight, self.sum))
        return n, telling, weight, total

    @cached_property
    def shares(self) -> Numbers:
        return shares_of(self.both[2])

    @cached_property
    def values(self) -> Numbers:
        return values_of(self.both[3], self.both[2])

    @cached_property
    def scale(self) -> float:
        """How often a conversation counts here: not once where it has several versions, or none."""
        return float((self.both[2].sum(axis=1) / self.whole).mean())

    @cached_property
    def compared(self) -> Numbers:
        """1 for each cell that both periods hold."""
        return (self.both[2] > 0).all(axis=0).astype(float)

    @cached_property
    def spread(self) -> Numbers:
        """The variance of one conversation in each cell; few of them cannot tell it, and lean on all."""
        n, weight, total, squares = (held.sum(axis=0) for held in (self.telling, self.weight, self.sum, self.sum_sq))
        mean = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
        inside = np.divide(squares, weight, out=np.zeros_like(total), where=weight > 0) - mean**2
        all_mean = total.sum() / max(weight.sum(), 1e-12)
        overall = max(float(squares.sum() / max(weight.sum(), 1e-12) - all_mean**2), 1e-12)
        spread: Numbers = (n * np.maximum(inside, 0.0) + LEAN * overall) / (n + LEAN)
        return spread

    @cached_property
    def skew(self) -> Numbers:
        """The third moment of one conversation in each cell: of a share exactly, of scores from 0 to 1 as a beta's, else as a gamma's."""
        mean, spread = self.values.mean(axis=0), self.spread
        inside = (self.values >= 0).all() and (self.values <= 1).all() and bool((self.sum_sq <= self.sum * (1 + 1e-9)).all())
        if inside:
            as_beta: Numbers = 2 * (1 - 2 * mean) * spread**2 / (np.maximum(mean * (1 - mean), 0.0) + spread)
            return as_beta
        as_gamma: Numbers = 2 * spread**2 / np.maximum(np.abs(mean), 1e-12)
        return as_gamma

    @cached_property
    def week_by_week(self) -> tuple[Numbers, Numbers, Numbers]:
        """How far each week before lies off the mean of all of them, cell by cell: sums, their plain variances, weights."""
        n, weight, total = self.telling[:-1], self.weight[:-1], self.sum[:-1]
        all_n = n.sum(axis=0)
        mean = np.divide(total.sum(axis=0), weight.sum(axis=0), out=np.zeros(len(self.keys)), where=all_n > 0)
        of_one = np.divide(weight**2, n, out=np.zeros_like(n), where=n > 0)
        return total - weight * mean, of_one * self.spread, weight


@dataclass
class Candidates:
    """Groups of cells of one table, a row each; what was told already is taken off the table's changes."""

    table: Table
    along: list[Along]
    keys: list[Key]
    groups: Numbers
    effect: Numbers = field(init=False)  # how much more weeks differ than single conversations would make them
    told: Numbers = field(init=False)  # of each cell's change
    told_elsewhere: float = 0.0  # of the whole's change, by parts whose cells this table does not know
    at_least: Numbers = field(init=False)  # so much of that can lie in each group ...
    at_most: Numbers = field(init=False)  # ... to so much

    def __post_init__(self) -> None:
        self.told, self.effect = np.zeros(len(self.table.keys)), np.ones(len(self.keys))
        self.at_least, self.at_most = np.zeros(len(self.keys)), np.zeros(len(self.keys))

    @cached_property
    def reach(self) -> Numbers:
        """Of the whole, cell by cell, at the middle of both periods."""
        reach: Numbers = self.table.shares.mean(axis=0) * self.table.compared * self.table.scale
        return reach

    @cached_property
    def size(self) -> tuple[Numbers, Numbers]:
        inside = self.groups @ self.reach
        return inside, self.reach.sum() - inside

    @cached_property
    def variance(self) -> tuple[Numbers, Numbers]:
        """Of the change inside each group, and of the rest; without what weeks differ."""
        one = self.table.spread * _over(self.table.both[1])
        return self._squared(self.reach**2 * one, 2)

    @cached_property
    def lean(self) -> Numbers:
        """The third moment of the difference between group and rest."""
        n = np.maximum(self.table.both[1], 1.0)
        inside, rest = self._squared(self.reach**3 * self.table.skew * (1 / n[1] ** 2 - 1 / n[0] ** 2), 3)
        return inside - rest

    def _squared(self, cells: Numbers, power: int) -> tuple[Numbers, Numbers]:
        inside = self.groups @ cells
        here, rest = self.size
        return ratio(inside, here**power), ratio(cells.sum() - inside, rest**power)

    @cached_property
    def n(self) -> Numbers:
        return np.stack([self.groups @ held for held in self.table.both[0]])

    def changes(self, *, apart: bool = True) -> tuple[Numbers, Numbers]:
        """Inside each group and in its rest, less what is told already: where it is not known how much of that lies in a group, as much as
        leaves least to tell."""
        moved = self.reach * (self.table.values[1] - self.table.values[0] - self.told)
        inside, (here, rest) = self.groups @ moved, self.size
        all_of = moved.sum()
        if apart:
            all_of -= self.told_elsewhere
            even = ratio(inside * rest - (all_of - inside) * here, here + rest)
            inside = inside - np.clip(even, self.at_least, self.at_most)
        return ratio(inside, here), ratio(all_of - inside, rest)

    def scores(self, *, apart: bool = True) -> Numbers:
        """Standard errors by which each group went its own way; none for the one of two that stood still."""
        inside, rest = self.changes(apart=apart)
        variance = self.effect * (self.variance[0] + self.variance[1])
        errors = np.sqrt(np.maximum(variance, 1e-300))
        z = (inside - rest) / errors
        skew = np.sqrt(self.effect) * self.lean / errors**3
        straight = z - skew * (z * z - 1) / 6
        scores: Numbers = np.where(np.sign(straight) == np.sign(z), np.abs(straight), 0.0)
        own = (np.abs(inside) >= np.abs(rest)) & (np.sign(inside) == np.sign(inside - rest))
        return np.where(own, np.minimum(scores, np.abs(z) * 1.25), 0.0)

    def raw_effect(self) -> Numbers:
        """Chi-square of each group's weeks before against the rest's, as if each conversation were another customer's."""
        off, plain, weight = self.table.week_by_week
        inside, rest = off @ self.groups.T, off.sum(axis=1, keepdims=True) - off @ self.groups.T
        here, there = weight @ self.groups.T, weight.sum(axis=1, keepdims=True) - weight @ self.groups.T
        noise, noise_rest = plain @ self.groups.T, plain.sum(axis=1, keepdims=True) - plain @ self.groups.T
        apart = ratio(inside, here) - ratio(rest, there)
        known = (here > 0) & (there > 0)
        chi = np.where(known, ratio(apart**2, ratio(noise, here**2) + ratio(noise_rest, there**2)), 0.0)
        return np.asarray(chi.sum(axis=0), dtype=float)


def ratio(top: Numbers, bottom: Numbers) -> Numbers:
    return np.divide(top, bottom, out=np.zeros(np.broadcast(top, bottom).shape), where=np.abs(bottom) > 1e-15)


def _over(n: Numbers) -> Numbers:
    each: Numbers = np.divide(1.0, n, out=np.zeros_like(n), where=n > 0)
    return np.asarray(each.sum(axis=0), dtype=float)
