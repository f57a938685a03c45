"""Which parts of the traffic stand out when a share or a mean moved: by intent, channel, version and so on, and by pairs of them.

A part is compared with all the rest, cell by cell of the finest breakdown that knows it, so that it does not seem worse because more of a
hard intent came in it. It stands out when chance shows the like in fewer than 3 of 100 periods, over all parts that were looked at; how
far weeks differ by themselves (customers write more than once, weeks are not alike) is measured on the weeks before. Parts overlap: of
"chat", "refunds" and "refunds in chat" the one with the strongest evidence is named, and the others are looked at again without it.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import variance
from typing import Any

import numpy as np

from data.amounts import Amount
from data.errors import Refused
from data.measures import Z
from evals import shifts
from evals.power import Numbers
from evals.shifts import Shift
from evals.slices import Along, Candidates, Key, Table
from evals.sure import normal_bar, student_bar

Broken = Mapping[Along, Mapping[Any, Amount]]  # dimension(s) -> slice -> amount, of one period
LOOKED_AT: tuple[Along, ...] = (
    ("intent",), ("channel",), ("segment",), ("team",), ("language",), ("version",), ("intent", "channel"), ("intent", "version"),
)  # fmt: skip  # other breakdowns that are given only help to compare like with like

FEWEST = 50  # conversations in each period; fewer are an anecdote
FULL = 400  # from this size on a part gets its whole share of the error that is allowed, smaller ones less: they can carry less
CARRY = 4  # one half as large gets a sixteenth: what a few did by chance does not pass for what happened to many
SURE_PARTS, SURE_WHOLE = 0.025, 0.004  # with what a shift takes (`shifts`), nothing is told 95 times in 100 when nothing happened
SAME = 0.95  # a pair that holds so much of its parent is the parent
PRIOR, AMONG = 20, 8  # as many weeks' worth of all slices of its kind beside one slice's own, and of all kinds beside one kind's
CAREFUL, SURELY = 2 / 3, 1e4  # of the weeks' degrees of freedom: with these a whole that moves at random is told 3 times in 100 at most
CLUSTERED = 2.0  # times the variance that single conversations have: customers who write again make no more of it, what happened does
AT_MOST = 5  # parts that a person reads


@dataclass(frozen=True)
class Part:
    """One part of the traffic, how it moved, and what of the whole's change it carries."""

    along: Along
    key: Key
    n_before: int
    n_after: int
    share_after: float
    before: float
    after: float
    change: float  # inside it, cell by cell
    low: float  # 95 %, how much weeks differ taken in
    high: float
    rest: float  # the change of everything else
    carried: float  # of the whole's change, in the measure's unit
    score: float  # standard errors away from the rest
    bar: float  # standard errors that it takes, for as many parts as were looked at

    @property
    def stands_out(self) -> bool:
        return self.score >= self.bar

    @property
    def of(self) -> dict[str, Hashable]:
        return dict(zip(self.along, self.key, strict=True))


@dataclass(frozen=True)
class Found:
    n_before: int
    n_after: int
    before: float
    after: float
    low: float  # of the change, 95 %, weeks' own differences taken in
    high: float
    score: float
    bar: float
    looked_at: int  # parts
    parts: tuple[Part, ...] = ()  # strongest evidence first, each beside what those before it leave; also the first that does not stand out
    overlapping: tuple[Part, ...] = ()  # stand out too, but may be the same conversations as the first
    shift: Shift | None = None  # the strongest one

    @property
    def change(self) -> float:
        return self.after - self.before

    @property
    def moved(self) -> bool:
        """The whole, by more than weeks differ."""
        return self.score >= self.bar

    @property
    def outstanding(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.stands_out)

    @property
    def shifted(self) -> bool:
        return self.shift is not None and self.shift.stands_out

    @property
    def silent(self) -> bool:
        return not (self.moved or self.outstanding or self.shifted)


# What is looked at.


def look(before: Sequence[Broken], after: Broken) -> Found:
    """The weeks before beside the period after, each as long as that: from two on they tell how much weeks differ by themselves."""
    tables = {along: Table.of(along, [*(week.get(along, {}) for week in before), after[along]]) for along in after}
    whole = min((one for one in tables.values() if "version" not in one.along), key=lambda one: len(one.along))
    weights = whole.both[2].sum(axis=1)
    if not weights.all():
        was, now = whole.both[0].sum(axis=1).tolist()
        raise Refused(
            f"Not explained: there is nothing to compare, with {was:,.0f} conversations before and {now:,.0f} since. Take longer periods."
        )
    tables = {along: one.out_of(weights) for along, one in tables.items()}
    many = [one for one in (_candidates(tables, along) for along in LOOKED_AT if along in tables) if one.keys]
    effect = _dispersion(many, len(before))
    parts, overlapping = _pick(many, _bars(many))
    looked_at = sum(len(one.keys) for one in many)
    return Found(**_whole(whole, effect), looked_at=looked_at, parts=parts, overlapping=overlapping, shift=shifts.strongest(tables))


def _candidates(tables: Mapping[Along, Table], along: Along) -> Candidates:
    """The slices of one breakdown as groups of cells of the finest one that knows them: never of versions, for a new one has no before,
    and what it made worse would be nobody's."""
    own = tables[along]
    knows = (one for one in tables.values() if set(along) <= set(one.along) and ("version" in along or "version" not in one.along))
    finest = max(knows, key=lambda one: len(one.keys))
    spots = [finest.along.index(name) for name in along]
    groups = np.zeros((len(own.keys), len(finest.keys)))
    for at, key in enumerate(finest.keys):
        groups[own.place[tuple(key[spot] for spot in spots)], at] = 1.0
    kept = [row for row, key in enumerate(own.keys) if _is_worth(own, row, tables)]
    return Candidates(finest, [along] * len(kept), [own.keys[row] for row in kept], groups[kept])


def _is_worth(own: Table, row: int, tables: Mapping[Along, Table]) -> bool:
    n = own.both[0][:, row]
    if min(n) < FEWEST or n[1] >= SAME * own.both[0][1].sum():
        return False
    for along, parent in tables.items():
        if len(along) < len(own.along) and set(along) <= set(own.along):
            key = tuple(own.keys[row][own.along.index(name)] for name in along)
            if n[1] >= SAME * parent.both[0][1][parent.place[key]]:
                return False
    return True


def _dispersion(many: Sequence[Candidates], weeks: int) -> float:
    """How much more weeks differ than chance alone would make them: each part's own weeks, leaning on those of all parts and never taken
    for calmer than they are on the whole. Told is that of the kind of parts whose weeks differ most: as customers write more than once, all
    conversations together hang on each other at least as much as those of any kind."""
    if weeks < 2:
        return 1.0
    most = 1.0
    chi = [one.raw_effect() for one in many]
    every = sum(float(one.sum()) for one in chi) / max(sum(len(one) for one in chi) * (weeks - 1), 1)
    for one, own in zip(many, chi, strict=True):
        kind = (AMONG * every + float(own.sum())) / (AMONG + len(own) * (weeks - 1))
        one.effect = np.maximum(max(1.0, every), (PRIOR * kind + own) / (PRIOR + weeks - 1))
        most = max(most, kind)
    return min(most, CLUSTERED)


def _bars(many: Sequence[Candidates]) -> list[Numbers]:
    weights = [(np.minimum(one.n[1], FULL) / FULL) ** CARRY for one in many]
    all_of = sum(float(one.sum()) for one in weights)
    return [np.array([normal_bar(SURE_PARTS * weight / all_of) for weight in one.tolist()]) for one in weights]


def _pick(many: Sequence[Candidates], bars: Sequence[Numbers]) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """The least likely to be chance first; then the strongest of what it leaves, as long as any stands out."""
    parts: list[Part] = []
    for _ in range(AT_MOST):
        best = _strongest(many, bars)
        if best is None:
            break
        one, row, part = best
        if not part.stands_out and parts:
            break
        parts.append(part)
        if not part.stands_out:
            break
        _take_off(many, one, row, part)
    return tuple(parts), _perhaps_the_same(many, bars, parts)


def _strongest(many: Sequence[Candidates], bars: Sequence[Numbers]) -> tuple[Candidates, int, Part] | None:
    best: tuple[float, Candidates, int, float, float] | None = None
    for one, bar in zip(many, bars, strict=True):
        scores = one.scores()
        beyond = scores**2 - bar**2  # as likelihoods go: of a part and one that holds it, the one that fits better is first
        row = int(np.argmax(beyond))
        if scores[row] > 0 and (best is None or beyond[row] > best[0]):
            best = float(beyond[row]), one, row, float(scores[row]), float(bar[row])
    if best is None:
        return None
    _, one, row, score, bar_of_it = best
    return one, row, _part(one, row, score, bar_of_it)


def _part(one: Candidates, row: int, score: float, bar: float) -> Part:
    inside, rest = (float(held[row]) for held in one.changes())
    weights, sums = (one.groups[row] @ held.T for held in one.table.both[2:])
    half = Z * sqrt(one.effect[row] * float(one.variance[0][row]))
    n_before, n_after = (int(n) for n in one.n[:, row])
    return Part(
        one.along[row], one.keys[row], n_before, n_after, float(weights[1] / one.table.whole[1]), float(sums[0] / weights[0]),
        float(sums[1] / weights[1]), inside, inside - half, inside + half, rest, inside * float(one.size[0][row]), score, bar,
    )  # fmt: skip


def _take_off(many: Sequence[Candidates], picked: Candidates, row: int, part: Part) -> None:
    """What is told by one part is not told again by another that holds the same conversations."""
    excess, size = part.change - part.rest, float(picked.size[0][row])
    for one in many:
        if set(part.along) <= set(one.table.along):
            spots = [one.table.along.index(name) for name in part.along]
            one.told += excess * np.array([tuple(key[spot] for spot in spots) == part.key for key in one.table.keys])
            continue
        one.told_elsewhere += excess * size
        together = excess * np.minimum(size, one.size[0]) * np.array([_may_meet(part, *of) for of in zip(one.along, one.keys, strict=True)])
        one.at_least, one.at_most = one.at_least + np.minimum(together, 0), one.at_most + np.maximum(together, 0)


def _may_meet(part: Part, along: Along, key: Key) -> bool:
    other = dict(zip(along, key, strict=True))
    return all(other.get(name, value) == value for name, value in part.of.items())


def _perhaps_the_same(many: Sequence[Candidates], bars: Sequence[Numbers], parts: Sequence[Part]) -> tuple[Part, ...]:
    """What would stand out if it shared no conversation with those told; which ones it shares is not known from the days' figures."""
    found = []
    named = {name for part in parts if part.stands_out for name in part.along}
    for one, bar in zip(many, bars, strict=True):
        scores = one.scores(apart=False) if one.told_elsewhere else np.zeros(len(one.keys))
        for row in np.flatnonzero(scores >= bar).tolist():
            if not named & set(one.along[row]):
                found.append(_part(one, row, float(scores[row]), float(bar[row])))
    return tuple(sorted(found, key=lambda part: -part.score)[:3])


# The whole, and what came more or less.


def _whole(table: Table, effect: float) -> dict[str, Any]:
    """How it moved, beside how much it moves from week to week: what chance makes of conversations that hang on each other by so much is
    sure, what the weeks show beyond that stands on as many weeks as there are (Welch and Satterthwaite's degrees of freedom)."""
    telling, weight, total = (held.sum(axis=1) for held in (table.telling, table.weight, table.sum))
    n, (_, told), weights, sums = ((float(before), float(after)) for before, after in (held.sum(axis=1) for held in table.both))
    before, after = sums[0] / weights[0], sums[1] / weights[1]
    chance = effect * max(float(table.sum_sq.sum() / weight.sum() - (total.sum() / weight.sum()) ** 2), 1e-12) / told
    weeks = [one / held for one, held in zip(total[:-1].tolist(), weight[:-1].tolist(), strict=True) if held]
    seen = variance(weeks) * float(telling[:-1].mean()) / told if len(weeks) > 1 else chance
    beyond = max(seen - chance, 0.0)
    degrees = min(CAREFUL * (len(weeks) - 1) * (seen / beyond) ** 2, SURELY) if beyond else SURELY
    error = sqrt((chance + beyond) * (1 + telling[-1] / telling[:-1].sum()))
    half = error * student_bar(degrees, 0.05)
    change = after - before
    return {
        "n_before": int(n[0]), "n_after": int(n[1]), "before": before, "after": after, "low": change - half, "high": change + half,
        "score": abs(change) / error, "bar": student_bar(degrees, SURE_WHOLE),
    }  # fmt: skip
