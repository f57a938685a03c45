"""How often the part that was made worse is named first, and how often nothing is said when nothing happened: weeks of support are drawn,
with customers who write more than once, days of the week, parts of every size, and one part is planted."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from data import defined
from data.amounts import Amount
from data.measures import Share
from evals import moved, parts
from evals.brief import MATTER
from evals.moved import Looked
from evals.parts import LOOKED_AT, Found
from evals.slices import Along, Key
from evals.why import WITHIN, Why

Codes = npt.NDArray[np.int64]

WEEKS = 5  # four before, and the one that is explained
SLICES = {"intent": 77, "channel": 3, "segment": 3, "team": 5, "language": 4, "version": 3}
DAYS = np.array([1.35, 1.2, 1.1, 1.05, 1.0, 0.6, 0.5])  # how many come, from Monday


@dataclass(frozen=True)
class Drawn:
    """Five weeks of conversations: a column for each dimension, the week, and what is measured."""

    columns: Mapping[str, Codes]
    week: Codes
    likely: npt.NDArray[np.float64]
    luck: npt.NDArray[np.float64]

    def of(self, part: Mapping[str, int]) -> npt.NDArray[np.bool_]:
        found = np.ones(len(self.week), dtype=bool)
        for name, value in part.items():
            found &= self.columns[name] == value
        return found


def drawn(random: np.random.Generator, a_week: int, *, twice: int | None = None) -> Drawn:
    """Customers write one to a few times a week, mostly of the same matter, and each is served alike; `twice`: this intent, a hard one,
    comes twice as often in the last week."""
    base = np.arange(1, SLICES["intent"] + 1) ** -0.9
    contacts, places = round(a_week / 1.4), []
    for at in range(WEEKS):
        chances = base * np.exp(random.normal(0, 0.03, len(base)))
        if at == WEEKS - 1 and twice is not None:
            chances[twice] *= 2
        many = random.poisson(contacts)
        places.append(
            np.stack([np.full(many, at), random.integers(0, 3 * contacts, many), random.choice(77, many, p=chances / chances.sum())])
        )
    week, customer, first = np.concatenate(places, axis=1)
    times = random.geometric(1 / 1.4, len(week))
    week, customer, first = (np.repeat(held, times) for held in (week, customer, first))
    elsewhere = random.random(len(week)) < 0.3
    intent = np.where(elsewhere, random.choice(77, len(week), p=base / base.sum()), first)
    people = 3 * contacts
    liked = random.dirichlet(np.array([0.55, 0.3, 0.15]) * 12, 77).cumsum(axis=1)
    channel = (random.random(len(week))[:, None] > liked[intent]).sum(axis=1).clip(0, 2)
    of_customer = {"language": (0.7, 0.15, 0.1, 0.05), "segment": (0.6, 0.3, 0.1), "version": (0.7, 0.2, 0.1)}
    columns = {name: random.choice(len(odds), people, p=odds)[customer] for name, odds in of_customer.items()}
    columns |= {"intent": intent, "channel": channel, "team": np.where(random.random(len(week)) < 0.7, (channel + intent) % 5, 4)}
    day = random.choice(7, len(week), p=DAYS / DAYS.sum())
    hard = random.normal(0, 0.6, 77)
    if twice is not None:
        hard[twice] = -1.5
    logit = 1.05 + hard[intent] + random.normal(0, 0.2, 3)[channel] + random.normal(0, 0.15, 4)[columns["language"]]
    logit = logit + random.normal(0, 0.7, people)[customer] - 0.25 * (day >= 5) + random.normal(0, 0.02, WEEKS)[week]
    return Drawn(columns, week, 1 / (1 + np.exp(-logit)), random.random(len(week)))


def broken(made: Drawn, value: npt.NDArray[np.float64], week: int) -> dict[Along, dict[Key, Amount]]:
    here = made.week == week
    return {along: _amounts(made, value, here, along) for along in (*LOOKED_AT, *WITHIN)}


def _amounts(made: Drawn, value: npt.NDArray[np.float64], here: npt.NDArray[np.bool_], along: Along) -> dict[Key, Amount]:
    sizes = [SLICES[name] for name in along]
    at = np.ravel_multi_index([made.columns[name][here] for name in along], sizes)
    n, total, squares = (np.bincount(at, held).tolist() for held in (None, value[here], value[here] ** 2))
    keys = {place: tuple(int(one) for one in np.unravel_index(place, sizes)) for place in range(len(n)) if n[place]}
    return {key: Amount(n[at], float(n[at]), total[at], squares[at], None, float(n[at])) for at, key in keys.items()}


def looked(made: Drawn, *, planted: Mapping[str, int] | None = None, fall: float = 0.1, scores: bool = False) -> tuple[Found, float]:
    """What is found, and in how many seconds."""
    likely = made.likely
    if planted:
        likely = np.where(made.of(planted) & (made.week == WEEKS - 1), np.maximum(likely - fall, 0.01), likely)
    # scores as a grader gives them: the chance itself with some noise
    value = np.clip(likely + 0.5 * (made.luck - 0.5), 0, 1) if scores else (made.luck < likely).astype(float)
    weeks = [broken(made, value, week) for week in range(WEEKS)]
    began = time.perf_counter()
    found = parts.look(weeks[:-1], weeks[-1])
    return found, time.perf_counter() - began


def plantable(made: Drawn, low: int, high: int) -> list[dict[str, int]]:
    """Every part of so many conversations in the last week that is not nearly all of what it is a part of."""
    last = made.week == WEEKS - 1
    parts_of = []
    for along in LOOKED_AT:
        amounts = _amounts(made, made.likely, last, along)
        for key, one in amounts.items():
            part = {name: int(str(place)) for name, place in zip(along, key, strict=True)}
            whole = min(int((made.of({name: value}) & last).sum()) for name, value in part.items()) if len(part) > 1 else int(last.sum())
            if low <= one.n < high and one.n <= 0.8 * whole:
                parts_of.append(part)
    return parts_of


# -- what is printed ----------------------------------------------------------------------------------------------------------------------

MOSTLY = 2 / 3
SIZES = (400, 600, 800, 1_600)  # conversations of the planted part in the last week


def run(*, simulations: int = 200, seed: int = 0) -> dict[str, Any]:
    """Shares of so many simulations of 5,000 to 20,000 conversations a week."""
    quiet = [looked(_week(seed + at)) for at in range(simulations)]
    told = {
        "simulations": simulations, "conversations a week": "5,000 to 20,000",
        "parts looked at, median": round(float(np.median([one.looked_at for one, _ in quiet]))),
        "nothing planted, silent": _share([one.silent for one, _ in quiet]),
        "nothing planted, scores, silent": _share([looked(_week(seed + at), scores=True)[0].silent for at in range(simulations)]),
    }  # fmt: skip
    for name, scores in (("share", False), ("score", True)):
        tried = [planted(seed + at, scores=scores) for at in range(simulations)]
        told |= {
            f"10 points planted, {name}, first": _share([one.first for one in tried]),
            f"10 points planted, {name}, it or nearly it first": _share([one.nearly for one in tried]),
            f"10 points planted, {name}, first and told": _share([one.first and one.told for one in tried]),
            f"10 points planted, {name}, first by size": _by_size(tried),
        }
    mixed = [shifted(seed + at) for at in range(simulations)]
    ms = [1000 * seconds for _, seconds in quiet]
    return told | {
        "only the mix shifted, named so": _share(mixed),
        "explained in ms, p50": float(np.median(ms)), "explained in ms, p95": float(np.quantile(ms, 0.95)),
    }  # fmt: skip


def _week(seed: int, *, twice: int | None = None) -> Drawn:
    random = np.random.default_rng(seed)
    return drawn(random, round(float(np.exp(random.uniform(np.log(5_000), np.log(20_000))))), twice=twice)


# -- the three sentences ------------------------------------------------------------------------------------------------------------------

FALLS = [name for name in MATTER if defined.of(name).better == "more"]  # a fall of these is bad news
MONDAY, SUNDAY = date(2026, 4, 6), date(2026, 4, 12)


def of_sentences(*, simulations: int = 200, seed: int = 0) -> dict[str, Any]:
    """How often nothing is told where nothing happened to any of the measures that a brief looks at, and how often the one of them that
    fell ten points in one part is told first. Each measure has conversations of its own: what hangs together would be silent more often."""
    tried = [told_of(seed + at * len(MATTER)) for at in range(simulations)]
    return {
        "simulations": simulations, "measures in each": len(MATTER),
        "nothing planted, silent": _share([one.silent for one in tried]),
        "10 points planted in one part of one, that measure first": _share([one.measure for one in tried]),
        "10 points planted in one part of one, that part named first": _share([one.part for one in tried]),
    }  # fmt: skip


@dataclass(frozen=True)
class Sentences:
    silent: bool  # while nothing was planted
    measure: bool  # in which it was planted is told
    part: bool  # and so is the part in which it was, before all others


def told_of(seed: int, *, low: int = 400, high: int = 1_000_000) -> Sentences:
    """Weeks of all measures in which nothing happened, and the same weeks after one of them fell in one part."""
    weeks = {name: _week(seed + at) for at, name in enumerate(MATTER)}
    calm = {name: looked(made)[0] for name, made in weeks.items()}
    fell = FALLS[seed // len(MATTER) % len(FALLS)]
    part = _one_of(weeks[fell], seed, low, high)
    told = _told_first(calm | {fell: looked(weeks[fell], planted=part)[0]})
    is_it = told is not None and told.measure.name == fell
    named = told is not None and bool(told.found.outstanding) and _named(told.found) == part
    return Sentences(_told_first(calm) is None, is_it, is_it and named)


def _told_first(found: Mapping[str, Found]) -> Looked | None:
    told = moved.most([Looked(Why(defined.of(name), one), MONDAY, SUNDAY) for name, one in found.items()])
    return told.looked if told else None


def _one_of(made: Drawn, seed: int, low: int, high: int) -> dict[str, int]:
    parts_of = plantable(made, low, high)
    return parts_of[int(np.random.default_rng(seed + 1_000_000).integers(len(parts_of)))]


def _named(found: Found) -> dict[str, int] | None:
    return {name: int(str(key)) for name, key in found.parts[0].of.items()} if found.parts else None


# -- one part -----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tried:
    n: int  # conversations of the planted part in the last week
    first: bool
    nearly: bool  # or what is first holds two thirds of it, and it two thirds of that
    told: bool


def planted(seed: int, *, scores: bool = False, low: int = 400, high: int = 1_000_000) -> Tried:
    """Ten points fall in one part, drawn among all that have so many conversations in the last week."""
    made = _week(seed)
    part = _one_of(made, seed, low, high)
    found, _ = looked(made, planted=part, scores=scores)
    last = made.week == WEEKS - 1
    here = made.of(part) & last
    named = _named(found) or part
    there = made.of(named) & last
    nearly = int((here & there).sum()) >= MOSTLY * max(int(here.sum()), int(there.sum()))
    return Tried(int(here.sum()), bool(found.parts) and named == part, bool(found.parts) and nearly, bool(found.outstanding))


def shifted(seed: int) -> bool:
    """Whether twice as much of a hard intent, with no rate changed, is named a shift of that intent, and no part is said to have fallen."""
    twice = seed % 3
    found, _ = looked(_week(seed, twice=twice))
    named = found.shift is not None and found.shifted and (found.shift.along, found.shift.key) == (("intent",), (twice,))
    return named and not found.outstanding


def _share(held: list[bool]) -> str:
    return str(Share(sum(held), len(held)))


def _by_size(tried: list[Tried]) -> dict[str, str]:
    told = {}
    for low, high in zip(SIZES, (*SIZES[1:], 1_000_000), strict=True):
        here = [one for one in tried if low <= one.n < high]
        if here:
            name = f"{low:,} to {high - 1:,}" if high < 1_000_000 else f"{low:,} and more"
            told[name] = f"{_share([one.first for one in here])}, told {_share([one.first and one.told for one in here])}"
    return told
