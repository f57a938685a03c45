"""The figures of Quality as people read them: a value with its unit, interval and sample, and whether it moved by more than chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Literal

from data.amounts import GROWS, Amount, total
from data.defined import MONEY, SCORE, Measure

FEW = 30  # of fewer nothing is said
SURE = NormalDist().inv_cdf(0.995)  # 99 times in 100 nothing is told where nothing moved: a page shows twenty figures at once
Moved = Literal["more", "less", "chance", "few", "none"]
MANIFOLD = 10  # of what was before; from there on a percentage tells nobody anything
GROUPS = {
    "What customers got": ("resolution", "csat", "csat_mean", "reopen", "first_response", "resolution_check"),
    "What machines did": (
        "containment", "alone", "escalation", "agreement", "abstention", "suggestions_accepted", "guardrail_hits", "classified", "answered",
        "accepted", "finished",
    ),
    "What it took": ("volume", "handling", "latency_p50", "latency_p95"),
    "Money": ("cost",),
}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A measure in these days, and how it stands to the days before."""

    measure: Measure
    now: Amount
    before: Amount | None = None  # None: not compared
    moved: Moved = "none"

    @property
    def told(self) -> str:
        return value(self.measure, self.now.value)

    @property
    def few(self) -> bool:
        """Too few to say anything by; what is counted is what it is."""
        return self.now.n < FEW and self.measure.kind not in ("count", "sum")

    @property
    def sure(self) -> str:
        """Interval and sample."""
        return sureness(self.measure, self.now)

    @property
    def change(self) -> str:
        """Against the days before, in words."""
        if self.before is None or self.moved == "none":
            return ""
        if self.moved == "few":
            return f"fewer than {FEW} to compare"
        told = difference(self.measure, self.before, self.now)
        if told == "no change":
            return told
        if self.moved == "chance":
            return f"{told}, may be chance"
        better = {"more": "better", "less": "worse"}[self.moved] if self.measure.better == "more" else ""
        better = {"more": "worse", "less": "better"}[self.moved] if self.measure.better == "less" else better
        return f"{told}{f', {better}' if better else ''}"

    @property
    def tone(self) -> Literal["better", "worse", "neither"]:
        """What colour and sign say beside the words."""
        if self.moved not in ("more", "less") or self.measure.better == "neither":
            return "neither"
        return "better" if self.moved == self.measure.better else "worse"


def group_of(measure: Measure) -> str:
    if measure.name.startswith(MONEY):
        return "Money"
    if measure.name.startswith(SCORE):
        return "What customers got"
    return next((group for group, names in GROUPS.items() if measure.name in names), "What machines did")


def grouped(figures: Sequence[Figure]) -> dict[str, list[Figure]]:
    """In the order of the groups, each in the order of its names; graders' scores last."""
    order = [name for names in GROUPS.values() for name in names]
    place = {name: number for number, name in enumerate(order)}
    found: dict[str, list[Figure]] = {group: [] for group in GROUPS}
    for one in sorted(figures, key=lambda one: (place.get(one.measure.name, len(order)), one.measure.name)):
        found[group_of(one.measure)].append(one)
    return {group: some for group, some in found.items() if some}


# -- in words -----------------------------------------------------------------------------------------------------------------------------


def value(measure: Measure, one: float | None) -> str:
    if one is None:
        return "–"
    if measure.kind == "share":
        return f"{one * 100:.0f}\u00a0%"
    if measure.unit == "seconds":
        return seconds(one)
    if measure.kind == "count":
        return f"{one:,.0f}"
    if measure.kind == "sum":
        return f"{one:,.2f}" + (f"\u00a0{measure.unit}" if measure.name.startswith(MONEY) else "")
    return f"{one:.2f}"


def seconds(one: float) -> str:
    if one < 0.9995:
        return f"{one * 1000:.0f}\u00a0ms"
    if one < 60:
        return f"{one:.1f}\u00a0s" if one < 9.95 else f"{one:.0f}\u00a0s"
    if one < 3600:
        return f"{one / 60:.1f}\u00a0min"
    return f"{one / 3600:,.1f}\u00a0h"


def sureness(measure: Measure, one: Amount) -> str:
    """ "68–74, n = 812"; of what is counted whole, only the interval."""
    around = one.interval
    told = [] if around is None else [_around(measure, around)]
    if measure.kind != "count":
        told.append(f"n\u00a0=\u00a0{one.n:,}")
    return ", ".join(told)


def _around(measure: Measure, around: tuple[float, float]) -> str:
    low, high = around
    if measure.kind == "share":
        return f"{low * 100:.0f}–{high * 100:.0f}"
    return f"{_without_unit(value(measure, low), value(measure, high))}–{value(measure, high)}"


def _without_unit(low: str, high: str) -> str:
    """ "6.6" of "6.6 min" beside "7.1 min"; the one with the other unit keeps its own."""
    number, _, unit = low.partition("\u00a0")
    return number if unit and unit == high.partition("\u00a0")[2] else low


def difference(measure: Measure, before: Amount, now: Amount) -> str:
    """With an arrow, so that it is told without its colour."""
    if before.value is None or now.value is None:
        return ""
    by = now.value - before.value
    if measure.kind == "share":
        size = abs(by) * 100
        told = f"{size:.0f}" if size >= 0.95 else f"{size:.1f}"
        told += " point" if told == "1" else " points"
    elif measure.kind == "mean" or not before.value:
        told = value(measure, abs(by))
    elif now.value >= MANIFOLD * before.value:
        told = f"{now.value / before.value:,.0f}-fold"
    else:
        told = f"{abs(by) / before.value * 100:,.0f}\u00a0%"
    if not any(letter in "123456789" for letter in told):
        return "no change"
    return f"{'↑' if by > 0 else '↓' if by < 0 else '→'}\u00a0{told}"


# -- more than chance? --------------------------------------------------------------------------------------------------------------------


def figure(measure: Measure, now: Sequence[Amount], before: Sequence[Amount] | None) -> Figure:
    """Of the days or weeks of both periods, which also tell by how much they differ anyway."""
    whole = total(now, measure.nothing)
    if before is None:
        return Figure(measure, whole)
    then = total(before, measure.nothing)
    return Figure(measure, whole, then, moved(measure, now, before))


def moved(measure: Measure, now: Sequence[Amount], before: Sequence[Amount]) -> Moved:
    whole, then = total(now, measure.nothing), total(before, measure.nothing)
    if not whole.n and not then.n:
        return "none"
    enough = whole.n + then.n if measure.kind in ("count", "sum") else min(whole.n, then.n)
    if enough < FEW or whole.value is None or then.value is None:
        return "few"
    error = _error(measure, now, before)
    by = whole.value - then.value
    grid = (GROWS - 1) * max(whole.value, then.value) if measure.kind == "quantile" else 0.0  # finer, medians are not known
    if abs(by) <= SURE * error + 1.01 * grid:
        return "chance"
    return "more" if by > 0 else "less"


def _error(measure: Measure, now: Sequence[Amount], before: Sequence[Amount]) -> float:
    """Of the difference of both periods. Days that differ more than single conversations would make them count for less."""
    if measure.kind in ("count", "sum"):
        return sqrt(sum(_spread_of_sum(side) for side in (now, before)))
    if measure.kind == "quantile":
        return sqrt(sum(_half(total(side, measure.nothing)) ** 2 for side in (now, before)))
    return sqrt(max(1.0, _alike(now, before)) * sum(_variance(total(side, measure.nothing)) for side in (now, before)))


def _spread_of_sum(days: Sequence[Amount]) -> float:
    """Of a whole period's sum: as single things make it, or as its days differ, whichever is more."""
    plain = sum(one.sum_sq for one in days)
    if len(days) < 3:
        return plain
    mean = sum(one.sum for one in days) / len(days)
    return max(plain, sum((one.sum - mean) ** 2 for one in days) * len(days) / (len(days) - 1))


def _half(one: Amount) -> float:
    around = one.interval
    return (around[1] - around[0]) / (2 * 1.959964) if around else 0.0


def _variance(one: Amount) -> float:
    """Of a mean. A share that is 0 or 1 is not known for certain: it has a half more of either."""
    n = one.effective_n
    if one.kind == "share":
        p = (one.sum / one.weight * n + 0.5) / (n + 1)
        return p * (1 - p) / n
    mean = one.sum / one.weight
    return max(0.0, one.sum_sq / one.weight - mean * mean) / max(n - 1, 1)


def _alike(now: Sequence[Amount], before: Sequence[Amount]) -> float:
    """By how much more the days of a period differ than they would by single conversations."""
    chi, free = 0.0, 0
    for side in (now, before):
        told = [one for one in side if one.weight > 0]
        if len(told) < 3:
            continue
        weight, summed = sum(one.weight for one in told), sum(one.sum for one in told)
        mean = summed / weight
        each = max(sum(one.sum_sq for one in told) / weight - mean * mean, 1e-9)
        chi += sum((one.sum / one.weight - mean) ** 2 * one.effective_n / each for one in told)
        free += len(told) - 1
    return chi / free if free else 1.0
