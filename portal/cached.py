"""Answers that several reruns share. Each takes the person's reach into its key, and forgets within a minute."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import streamlit as st

from data import measures, trends, worth
from data.amounts import Amount
from data.defined import Measure
from data.measures import Week
from data.tables import Person
from data.trends import Grain, Key, Point, Slice, Stage
from data.worth import Worth
from evals import markers, why
from evals.causes import Marker

ASKS: dict[str, Callable[..., Any]] = {
    "weekly": measures.weekly, "measures": trends.measures, "series": trends.series, "broken down": trends.broken_down,
    "funnel": trends.funnel, "worth": worth.worth, "markers": markers.collected, "why": lambda **asked: why.why(**asked).sentences,
}  # fmt: skip


@st.cache_data(ttl=30, max_entries=512, show_spinner=False)
def _kept(name: str, person_id: str, reach_key: str, asked: Mapping[str, Any], _by: Person) -> Any:
    return ASKS[name](by=_by, **asked)


def _told(name: str, by: Person, **asked: Any) -> Any:
    return _kept(name, by.id, f"{by.role} {by.team_id} {by.disabled_at}", asked, by)


def weekly(by: Person, channel: str | None = None) -> list[Week]:
    told: list[Week] = _told("weekly", by, channel=channel)
    return told


def measured(by: Person, since: date, until: date) -> list[Measure]:
    told: list[Measure] = _told("measures", by, since=since, until=until)
    return told


def series(measure: str, *, by: Person, since: date, until: date, of: Slice = Slice(), grain: Grain = "day") -> list[Point]:
    told: list[Point] = _told("series", by, measure=measure, since=since, until=until, of=of, grain=grain)
    return told


def broken_down(
    measure: str, *, by: Person, since: date, until: date, along: str | tuple[str, str], of: Slice = Slice()
) -> dict[Key, Amount]:  # fmt: skip
    told: dict[Key, Amount] = _told("broken down", by, measure=measure, since=since, until=until, along=along, of=of)
    return told


def funnel(*, by: Person, since: date, until: date, of: Slice) -> list[Stage]:
    told: list[Stage] = _told("funnel", by, since=since, until=until, of=of)
    return told


def worth_of(*, by: Person, since: date, until: date, of: Slice) -> Worth:
    told: Worth = _told("worth", by, since=since, until=until, of=of)
    return told


def markers_of(*, by: Person, since: date, until: date) -> list[Marker]:
    told: list[Marker] = _told("markers", by, since=since, until=until)
    return told


def why_of(
    measure: str, *, by: Person, since: date, until: date, weeks: int, markers: Sequence[Marker], of: Slice
) -> list[str]:  # fmt: skip
    told: list[str] = _told("why", by, measure=measure, since=since, until=until, weeks=weeks, markers=markers, of=of)
    return told


def forget() -> None:
    """A review or a release was written: what counts them is stale."""
    _kept.clear()
