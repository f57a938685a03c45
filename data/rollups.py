"""What one day holds: computed whole from the rows, in each part that is told apart. Whoever counts a day, counts it here."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlmodel import Session

from data import days, defined
from data.amounts import NOTHING, Numbers, buckets_of, packed
from data.days import Known, Place, Run
from data.trends import COLUMNS as COLUMN_OF
from data.trends import CUTS, EVERYBODYS

FORM = 1  # the next number wherever a measure is counted in another way: then every day is counted anew
KEYS = ("day", "cut", "measure", "team_id", "channel", "intent_id", "segment", "language", "version")
COLUMNS = (*KEYS, "n", "weight", "weight_sq", "sum", "sum_sq", "sketch")
MACHINES = ("recipe", "agent")  # whose runs hand over
OPEN = ("running", "waiting")
HANDED = ("handed_over", "failed")
TAKEN = ("accepted", "edited")
OF_A_PLACE = KEYS[3:-1]
Fact = tuple[str, float, float, Sequence[str]]  # measure, value, weight, the versions that it tells of
Row = tuple[Any, ...]  # the values of COLUMNS


def of_day(db: Session, day: date, *, zone: ZoneInfo, today: date) -> list[Row]:
    """The rows of the table Daily, in the order of their keys."""
    cells = _Cells()
    for one in days.read(db, *days.bounds(day, zone), settled=is_settled(day, today)):
        cells.add(one.place, facts(one))
    return cells.rows(day.toordinal())


def is_settled(day: date, today: date) -> bool:
    """Whether everybody who opened a conversation that day had their time to come back."""
    return day + timedelta(days=defined.RETURNS) < today


# -- cells: a measure in one part of the day ----------------------------------------------------------------------------------------------


class _Words:
    """A column of few words, as numbers."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._known: dict[str, int] = {}

    def append(self, word: str) -> None:
        self.numbers.append(self._known.setdefault(word, len(self._known)))

    @property
    def words(self) -> list[str]:
        return list(self._known)


class _Cells:
    """What was told, column by column; summed by each cut of it, once within teams and once over all of them."""

    def __init__(self) -> None:
        self._columns = {name: _Words() for name in KEYS[2:]}
        self._where: list[int] = []  # the place of each fact, by its number
        self._values: list[float] = []
        self._weights: list[float] = []
        self._told_by: list[int] = []  # of each version, which fact it tells of

    def add(self, place: Place, facts: Iterable[Fact]) -> None:
        for name, word in zip(OF_A_PLACE, (place.team, place.channel, place.intent, place.segment, place.language), strict=True):
            self._columns[name].append(word)
        number = len(self._columns["team_id"].numbers) - 1
        for measure, value, weight, versions in facts:
            for version in versions:
                self._columns["version"].append(version)
                self._told_by.append(len(self._values))
            self._columns["measure"].append(measure)
            self._where.append(number)
            self._values.append(value)
            self._weights.append(weight)

    def rows(self, day: int) -> list[Row]:
        found: list[Row] = []
        for cut in CUTS:
            for teams in (("team_id",), ()):
                dimensions = ("measure", *teams, *(COLUMN_OF[one] for one in sorted(cut)))
                found += self._summed(day, " ".join(sorted(cut)), dimensions)
        return sorted(found, key=lambda row: row[: len(KEYS)])

    def _summed(self, day: int, cut: str, dimensions: Sequence[str]) -> Iterator[Row]:
        """The cells of one cut. Numbers of cells are made of the numbers of their words."""
        of_versions = "version" in dimensions
        told = np.array(self._told_by if of_versions else range(len(self._values)), dtype=int)
        if not len(told):
            return
        sizes = [len(self._columns[name].words) for name in dimensions]
        numbers = [self._numbers(name, told) for name in dimensions]
        cells, places = np.unique(np.ravel_multi_index(numbers, sizes), return_inverse=True)
        values, weights = np.array(self._values)[told], np.array(self._weights)[told]
        weighed = (weights, weights * weights, weights * values, weights * values * values)
        sums = [np.bincount(places, weights=one).tolist() for one in weighed]
        sketches = _sketches(places, values, np.isin(numbers[0], self._sized()))
        named = dict(zip(dimensions, np.unravel_index(cells, sizes), strict=True))
        keys = [self._named(name, named.get(name), len(cells)) for name in KEYS[2:]]
        for place, (key, n, *rest) in enumerate(zip(zip(*keys, strict=True), np.bincount(places).tolist(), *sums, strict=True)):
            yield day, cut, *key, n, *rest, sketches.get(place)

    def _numbers(self, name: str, told: Numbers) -> Numbers:
        """Of each of these facts, the number of its word."""
        numbers: Numbers = np.array(self._columns[name].numbers, dtype=int)
        if name in OF_A_PLACE:
            told = np.array(self._where, dtype=int)[told]
        return numbers if name == "version" else numbers[told]

    def _sized(self) -> list[int]:
        return [number for number, word in enumerate(self._columns["measure"].words) if word in defined.SIZED]

    def _named(self, name: str, numbers: Numbers | None, count: int) -> list[str]:
        """The words of a column, cell by cell; where the cut does not tell it, empty, and of teams everybody's."""
        if numbers is None:
            return [EVERYBODYS if name == "team_id" else ""] * count
        words = self._columns[name].words
        return [words[number] for number in numbers.tolist()]


def _sketches(places: Numbers, values: Numbers, sized: Numbers) -> dict[int, bytes]:
    """By the place of their cell."""
    both = places[sized].astype(np.int64) << 16 | (buckets_of(values[sized]).astype(np.int64) - NOTHING)
    pairs, counts = np.unique(both, return_counts=True)
    found = packed((pairs & 0xFFFF) + NOTHING, counts)
    whose, starts = np.unique(pairs >> 16, return_index=True)
    ends = [*starts.tolist(), len(pairs)][1:]
    return {
        place: found[start:end].tobytes() for place, start, end in zip(whose.tolist(), starts.tolist(), ends, strict=True)
    }  # fmt: skip


# -- what each conversation says ----------------------------------------------------------------------------------------------------------


def facts(one: Known) -> Iterator[Fact]:
    """All that is counted of it, in every measure."""
    if one.opened_at is not None:
        yield from _of_conversation(one)
        yield from _of_intent(one)
        yield from _of_funnel(one)
    for run in one.runs:
        yield from _of_run(run)
    for grader, value, weight, version in one.scores:
        yield f"{defined.SCORE}{grader}", value, weight, (version,)
    for cost, version in one.costs:
        yield "cost", cost, 1.0, (version,)
    for cents, currency, version in one.moved:
        yield f"{defined.MONEY}{currency}", cents / 100, 1.0, (version,)


def _versions(one: Known) -> list[str]:
    """All that had a part in it."""
    return list(dict.fromkeys([*([one.said[1]] if one.said else []), *(run.version for run in one.runs)]))


def _of_conversation(one: Known) -> Iterator[Fact]:
    versions = _versions(one)
    yield "volume", 1.0, 1.0, versions
    if one.closed or one.reopened:
        yield "reopen", float(one.reopened), 1.0, versions
    if one.csat:
        yield "csat", float(one.csat >= 4), 1.0, versions
        yield "csat_mean", float(one.csat), 1.0, versions
    if one.first_response is not None:
        yield "first_response", one.first_response, 1.0, versions
    if one.handle_seconds is not None and one.by_staff:
        yield "handling", float(one.handle_seconds), 1.0, versions
    if one.resolved is not None:
        yield "resolution", float(one.resolved), 1.0, versions
        if one.verdict in ("strong", "weak"):
            yield "resolution_check", float(one.resolved == (one.verdict == "strong")), 1.0, versions
    yield from _of_machines(one, versions)


def _of_machines(one: Known, versions: Sequence[str]) -> Iterator[Fact]:
    runs = [run for run in one.runs if run.kind in MACHINES]
    if not (runs or one.by_machine) or any(run.state in OPEN for run in runs):
        return
    handed = any(run.state in HANDED for run in runs)
    alone = not handed and not one.by_staff
    yield "containment", float(alone), 1.0, versions
    if runs:
        yield "escalation", float(handed), 1.0, list(dict.fromkeys(run.version for run in runs))
    if alone and one.resolved:
        yield "alone", 1.0, 1.0, versions


def _of_intent(one: Known) -> Iterator[Fact]:
    if one.said is None:
        return
    label, version = one.said
    yield "abstention", float(label is None), 1.0, (version,)
    if label is not None and one.given is not None:
        yield "agreement", float(label == one.given), 1.0, (version,)


def _of_funnel(one: Known) -> Iterator[Fact]:
    """Each stage is of those in the stage before."""
    if one.said is None or one.said[0] is None:
        return
    went_out, taken = one.by_machine, any(run.outcome in TAKEN for run in one.runs)
    stages = (
        ("classified", True), ("answered", went_out or any(run.replied for run in one.runs)), ("accepted", went_out or taken),
        ("finished", bool(one.resolved)),
    )  # fmt: skip
    for name, reached in stages:
        if not reached:
            return
        yield name, 1.0, 1.0, _versions(one)


def _of_run(run: Run) -> Iterator[Fact]:
    versions = (run.version,)
    if run.state not in OPEN and run.seconds > 0:
        yield "latency", run.seconds, 1.0, versions
    for _ in range(run.hits):
        yield "guardrail_hits", 1.0, 1.0, versions
    if run.outcome in (*TAKEN, "refused"):
        yield "suggestions_accepted", float(run.outcome == "accepted"), 1.0, versions
