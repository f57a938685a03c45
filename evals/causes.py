"""What may have caused a change: when it began, and which releases, articles, policies and incidents came in or shortly before that day and
could have touched the part that moved. They are candidates by their time and reach; nothing here proves anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import add
from zoneinfo import ZoneInfo

import numpy as np

from data.amounts import Amount

SHORTLY = 3  # days before the earliest day on which it may have begun
FEWEST = 5  # conversations; a day of fewer is put together with the next
LIKELY = 3.84  # days whose fit is that close to the best one's: 95 %
WIDELY, BESIDE = 2, 1  # days that a marker which touches everything, or only some of the part, is put back in the order


@dataclass(frozen=True)
class Marker:
    """Something that people or the portal did, or that happened, at one moment."""

    kind: str  # release, classifier, percent, taken back, article, articles, policy, incident, alert, note
    name: str
    number: int | None
    at: datetime
    touches: Mapping[str, frozenset[str]] | None = None  # dimension -> its values that it can have touched; None: everything
    page: str = ""

    @property
    def words(self) -> str:
        of_many = f"version {self.number} of " if (self.number or 1) > 1 else ""
        numbered = f"'{self.name}'" + (f" {self.number}" if self.number is not None else "")
        back = f"release {self.number} of '{self.name}' was taken back"
        return {
            "release": f"release {self.number} of '{self.name}' went live",
            "classifier": f"version {self.number} of the classifier '{self.name}' went live",
            "percent": f"release {self.number} of '{self.name}' began for some of the customers",
            "taken back": back,
            "article": f"{of_many}the article '{self.name}' was published", "articles": f"{self.name} were published",
            "policy": f"'{self.name}' was changed", "alert": f"the alert '{self.name}' was told",
            "note": f"somebody noted: {self.name}",
            "incident": f"the incident '{self.name}' began" if self.number is None else f"{back} by itself",
        }.get(self.kind, f"{self.kind} {numbered} began")  # fmt: skip


@dataclass(frozen=True)
class Began:
    day: date  # the first of the days that were otherwise
    earliest: date
    latest: date


@dataclass(frozen=True)
class Cause:
    """A candidate."""

    marker: Marker
    days: int  # from the marker to the day on which the change most likely began; negative: that day may be a little late
    apart: int  # how far down the order its reach puts it

    @property
    def sentence(self) -> str:
        if self.days < 0:
            return f"It began at about the time when {self.marker.words}."
        if not self.days:
            return f"It began on the day on which {self.marker.words}."
        return f"It began {self.days} {'day' if self.days == 1 else 'days'} after {self.marker.words}."


def began(days: Sequence[tuple[date, Amount]]) -> Began | None:
    """The day from which on the values were otherwise, with the days that fit nearly as well; None where there are too few to say."""
    told = _enough(days)
    if len(told) < 2:
        return None
    weight, total, n = (np.array([getattr(one, name) for _, one in told]) for name in ("weight", "sum", "effective_n"))
    squares = sum(one.sum_sq for _, one in told)
    before, after = (np.cumsum(held)[:-1] for held in (weight, total))
    means = after / before, (total.sum() - after) / (weight.sum() - before)
    one = max(squares / weight.sum() - (total.sum() / weight.sum()) ** 2, 1e-12)
    many = np.cumsum(n)[:-1]
    fits = (means[1] - means[0]) ** 2 / (one * (1 / many + 1 / (n.sum() - many)))
    close = np.flatnonzero(fits >= fits.max() - LIKELY * _alike(told, int(fits.argmax()) + 1, one))
    return Began(told[int(fits.argmax()) + 1][0], told[int(close[0]) + 1][0], told[int(close[-1]) + 1][0])


def _enough(days: Sequence[tuple[date, Amount]]) -> list[tuple[date, Amount]]:
    """Days one after the other, small ones with the next, as that of them on which most came; what is left at the end goes to the last."""
    told: list[tuple[date, Amount]] = []
    kept: list[tuple[date, Amount]] = []
    for one in sorted(days, key=lambda pair: pair[0]):
        kept.append(one)
        whole = _sum(kept)
        if whole.n >= FEWEST and whole.weight > 0:
            told.append((max(kept, key=lambda pair: pair[1].n)[0], whole))
            kept = []
    if kept and told:
        told[-1] = told[-1][0], told[-1][1] + _sum(kept)
    return told


def _sum(days: Sequence[tuple[date, Amount]]) -> Amount:
    return reduce(add, (amount for _, amount in days))


def _alike(told: Sequence[tuple[date, Amount]], at: int, one: float) -> float:
    """How much more days differ on either side than single conversations would make them; at least as much."""
    chi = 0.0
    for side in (told[:at], told[at:]):
        mean = sum(amount.sum for _, amount in side) / sum(amount.weight for _, amount in side)
        chi += sum((amount.sum / amount.weight - mean) ** 2 * amount.effective_n / one for _, amount in side)
    return max(1.0, chi / max(len(told) - 2, 1))


def candidates(markers: Sequence[Marker], part: Mapping[str, str], began: Began, *, zone: str = "UTC") -> list[Cause]:
    """Those that came in time and could touch the part (dimension -> value; empty: the whole), the likeliest first."""
    found = []
    for marker in markers:
        day = marker.at.astimezone(ZoneInfo(zone)).date()
        apart = _apart(marker, part)
        if apart is not None and began.earliest - timedelta(days=SHORTLY) <= day <= began.latest:
            found.append(Cause(marker, (began.day - day).days, apart))
    return sorted(found, key=lambda one: (_distance(one), -one.marker.at.timestamp()))


def _apart(marker: Marker, part: Mapping[str, str]) -> int | None:
    """None: it cannot have touched the part."""
    if marker.touches is None:
        return WIDELY if part else 0
    if any(part[name] not in values for name, values in marker.touches.items() if name in part):
        return None
    return 0 if set(marker.touches) <= set(part) else BESIDE


def _distance(cause: Cause) -> float:
    late = 0.5 if cause.days < 0 else 0.0  # what came after the likeliest day only might be it
    return abs(cause.days) + cause.apart + late
