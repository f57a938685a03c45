"""Why a share or a mean moved between two periods: how much of it each part carries, split into what changed inside it and what more or
less of it came. The split adds up exactly; which parts stand out is for `evals.parts`, and what may have caused it for `evals.causes`."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from data.amounts import Amount
from evals.power import Numbers

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Effect:
    """What one slice adds to the change of the whole."""

    rate: float  # because it went otherwise inside the slice
    mix: float  # because more or less of the whole came as this slice
    n_before: int
    n_after: int
    share_before: float  # of the whole's weight
    share_after: float
    before: float | None  # None: nothing of it came
    after: float | None

    @property
    def total(self) -> float:
        return self.rate + self.mix


@dataclass(frozen=True)
class Explained(Generic[Key]):
    """The change of the whole, and what each slice adds to it: the rates and the mixes of all slices sum to the change."""

    n_before: int
    n_after: int
    before: float | None
    after: float | None
    effects: Mapping[Key, Effect]

    @property
    def change(self) -> float | None:
        """None where one of the periods holds nothing: then there is no change to explain."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def rate(self) -> float:
        return sum(effect.rate for effect in self.effects.values())

    @property
    def mix(self) -> float:
        return sum(effect.mix for effect in self.effects.values())


def explain(before: Mapping[Key, Amount], after: Mapping[Key, Amount]) -> Explained[Key]:
    """The change of the whole, slice by slice, at the middle of both periods (Shapley's value of two factors; Marshall and Edgeworth's).

    rate = (share before + share after) / 2 × (value after - value before)
    mix  = (share after - share before) × (middle value of the slice - middle value of the whole)

    No order of the two is preferred and no rest is left over. Growing by what is worse than the whole lowers it: that is why the whole's
    value is taken off, which changes no sum, as shares sum to 1. A slice that appears or vanishes has one value only; what it adds is
    mix alone, for nothing inside it changed that anybody could see.
    """
    keys = list(dict.fromkeys([*before, *after]))
    weights, sums, counts = (
        np.array([[getattr(period.get(key), name, 0.0) or 0.0 for key in keys] for period in (before, after)]).reshape(2, -1)
        for name in ("weight", "sum", "n")
    )
    was, now = (float(total / weight) if weight > 0 else None for total, weight in zip(sums.sum(axis=1), weights.sum(axis=1), strict=True))
    shares, values = shares_of(weights), values_of(sums, weights)
    rate, mix = split(shares, values)
    if was is None or now is None:
        rate, mix = np.zeros(len(keys)), np.zeros(len(keys))
    effects = {
        key: Effect(
            float(rate[at]), float(mix[at]), int(counts[0, at]), int(counts[1, at]), float(shares[0, at]), float(shares[1, at]),
            *(float(values[period, at]) if weights[period, at] > 0 else None for period in (0, 1)),
        )
        for at, key in enumerate(keys)
    }  # fmt: skip
    return Explained(int(counts[0].sum()), int(counts[1].sum()), was, now, effects)


def shares_of(weights: Numbers) -> Numbers:
    """Of each period's weight, slice by slice; nothing of nothing is nothing."""
    all_of: Numbers = weights.sum(axis=-1, keepdims=True)
    return np.divide(weights, all_of, out=np.zeros_like(weights), where=all_of > 0)


def values_of(sums: Numbers, weights: Numbers) -> Numbers:
    """Of both periods; a slice that one of them does not hold has the other's value in both."""
    values: Numbers = np.divide(sums, weights, out=np.full_like(weights, np.nan), where=weights > 0)
    return np.nan_to_num(np.where(np.isnan(values), values[::-1], values))


def split(shares: Numbers, values: Numbers) -> tuple[Numbers, Numbers]:
    """Rate and mix of each slice; rows are before and after."""
    middle, whole = values.mean(axis=0), float((shares * values).sum() / 2)
    return shares.mean(axis=0) * (values[1] - values[0]), (shares[1] - shares[0]) * (middle - whole)
