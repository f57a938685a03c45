"""How often a target is right every time it is asked, beside how often in one try: for what may answer otherwise the next time.

A customer comes once, but the same question comes again and again: right in 4 of 5 tries is right in all of 4 tries 41 times in 100.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt
from typing import Any

import numpy as np
from sqlalchemy import Integer, cast
from sqlmodel import col, func, select

from data import access, store
from data.errors import Refused
from data.measures import Z, percent
from data.tables import Case, Person, Result, Run, Score
from evals import scores, statistics
from evals.statistics import NOTHING


@dataclass(frozen=True)
class EveryTime:
    """This share of the cases is right in each of so many tries, with its 95 % interval."""

    tries: int
    share: float
    low: float
    high: float

    def figures(self) -> dict[str, float | int]:
        return {"tries": self.tries, "share": round(self.share, 4), "low": round(self.low, 4), "high": round(self.high, 4)}

    @property
    def reach(self) -> str:
        return f"{self.low * 100:.0f}–{self.high * 100:.0f}\u00a0%"


@dataclass(frozen=True)
class Tried:
    """Case by case: how often it was asked, and right how often."""

    right: tuple[int, ...]
    asked: tuple[int, ...]
    customers: tuple[str | None, ...]

    @property
    def fewest(self) -> int:
        return min(self.asked, default=0)

    def every_time(self, tries: int) -> EveryTime:
        """In so many tries: of all ways to choose them among those that were made, so many were right throughout. No try is favoured."""
        if tries < 1:
            raise ValueError(f"nobody is right in {tries} tries")
        if self.fewest < tries:
            raise Refused(
                f"Not told how often it is right every time in {tries} tries: {_asked(self.fewest)}. "
                f"Run it again and ask each case {tries} times or more."
            )
        shares = [comb(right, tries) / comb(asked, tries) for right, asked in zip(self.right, self.asked, strict=True)]
        low, high = interval(shares, self.customers, most=max(1.0, sum(self.asked) / len(self.asked) / tries))
        return EveryTime(tries, sum(shares) / len(shares), low, high)

    def figures(self) -> list[dict[str, float | int]]:
        """In one try, in two, and so on, as far as it was asked."""
        return [self.every_time(tries).figures() for tries in range(1, self.fewest + 1)]

    @property
    def sentence(self) -> str:
        """Empty where each case was asked once: one try tells nothing about the next."""
        if self.fewest < 2:
            return ""
        each, one = self.every_time(self.fewest), self.every_time(1)
        return f"Right every time in {self.fewest} tries: {percent(each.share)} (one try: {percent(one.share)})"

    @property
    def how(self) -> str:
        """How sure that is."""
        each, one = self.every_time(self.fewest), self.every_time(1)
        customers = len({place if whose is None else whose for place, whose in enumerate(self.customers)})
        alike = f" of {customers:,} customers; those of one customer count as alike" if customers < len(self.asked) else ""
        reach = f"{each.reach} right every time in {self.fewest} tries, {one.reach} in one try"
        return f"{len(self.asked):,} cases{alike}. 95 % interval: {reach}."


def of_run(run: Run, *, by: Person) -> Tried:
    """A try is right where all graders of the case pass it; what nobody could judge is not."""
    access.require(by, "eval_set.read")
    each_try = (
        select(Result.case_id, func.min(cast(func.coalesce(Score.passed, False), Integer)).label("passed"))
        .outerjoin(Score, (col(Score.result_id) == col(Result.id)) & (col(Score.grader_name) != scores.PEOPLE))
        .where(Result.run_id == run.id)
        .group_by(col(Result.id), col(Result.case_id))
        .subquery()
    )
    query: Any = (
        select(func.sum(each_try.c.passed), func.count(), Case.customer_id)
        .join(each_try, each_try.c.case_id == col(Case.id))
        .group_by(col(Case.id), col(Case.customer_id))
        .order_by(col(Case.id))
    )
    with store.reading() as db:
        rows = [(int(right), int(asked), customer) for right, asked, customer in db.execute(query)]
    return Tried(*(tuple(row[column] for row in rows) for column in range(3)))  # type: ignore[arg-type]


def beside(candidate: Tried, live: Tried) -> str:
    """Two of them in as many tries as both had; empty where both were asked once."""
    fewest = min(candidate.fewest, live.fewest)
    if max(candidate.fewest, live.fewest) < 2 or not fewest:
        return ""
    one, every = (f"{percent(candidate.every_time(tries).share)} beside {percent(live.every_time(tries).share)}" for tries in (1, fewest))
    if candidate.fewest == live.fewest:
        return f"Right every time in {fewest} tries: {every} (one try: {one})"
    uneven = f"{_asked(candidate.fewest)} now and {_times(live.fewest)} before, and who is asked more often passes less often"
    return f"Not asked equally often: {uneven}. In {'one try' if fewest == 1 else f'{fewest} tries'}: {every}"


def _asked(fewest: int) -> str:
    return f"each case was asked {_times(fewest)}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def interval(shares: Sequence[float], customers: Sequence[str | None], *, most: float = 1.0) -> tuple[float, float]:
    """Wilson's, of as many cases as tell as much: fewer where customers have several, more where tries beside each other tell more.

    `most` bounds the latter: so many tries that share nothing can be chosen from those of a case.
    """
    sums, sizes = statistics.by_customer(np.asarray(shares, dtype=float), customers)
    share, clusters = sum(shares) / len(shares), len(sizes)
    apart = float(statistics.standard_error(sums, sizes)) * sqrt((clusters - 1) / clusters)  # alone, as Wilson's takes it
    alike = len(shares) ** 2 / float((sizes**2).sum())
    told = min(share * (1 - share) / apart**2, alike * most) if apart > NOTHING else alike
    middle = (share + Z * Z / (2 * told)) / (1 + Z * Z / told)
    half = Z * sqrt(max(share * (1 - share), 0.0) / told + Z * Z / (4 * told * told)) / (1 + Z * Z / told)
    return max(0.0, middle - half), min(1.0, middle + half)
