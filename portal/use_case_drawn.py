"""The KPI of a use case over its weeks, with its baseline, its target and the days on which it entered each stage."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import altair as alt
import pandas as pd
import streamlit as st

from data import config, defined, use_cases
from data.behind import Behind
from data.tables import Person, UseCase
from data.use_case_bars import Stands
from data.use_cases import Kpi
from portal import graphs, quality_links, use_case_text
from portal.graphs import Line

TARGET = ("#00805e", "#1fbf91")  # on white, on near-black


def chart(case: UseCase, kpi: Kpi, stands: Stands, person: Person) -> None:
    """Each point opens its conversations."""
    until = use_cases.last_day(kpi.measure)
    points = use_case_text.weeks(case, kpi, until, by=person)
    known = [one for one in points if one.amount.n]
    if not known:
        st.caption("Nothing of it was counted in the last half year.")
        return
    measure, part = defined.of(kpi.measure), kpi.of(case)
    first, dark = known[0].day, graphs.is_dark()
    line = Line(measure, points, first, until, days=7, dark=dark)
    keys = {one.day.isoformat(): Behind(kpi.measure, one.day, min(until, one.day + timedelta(days=6)), part) for one in known}
    drawn = graphs.trend(line, height=230, beside=[*_levels(kpi, line, dark), *_stages(case, person, line)], holds=_held(kpi))
    told = f"{measure.title} of {use_case_text.about(case, kpi)}, week by week"
    quality_links.clickable(drawn, keys, key=f"use_cases_chart_{case.id}", alt_text=told)
    entered = "; ".join(f"{name}: {on.day} {on:%b}" for name, on in _entered(case, person) if on >= first)
    legend = [f"Grey: {use_case_text.was(kpi)} before"] if kpi.baseline else []
    legend += [f"green: the target, {use_case_text.target(kpi)}"] if kpi.target is not None else []
    legend += ["band: 95 %", *([f"entered {entered}"] if entered else [])]
    st.caption(" · ".join(legend))
    ways = {
        f"{graphs.point_words(one.day, 7)}: {use_case_text.value(kpi, one.amount.value)}": keys[one.day.isoformat()]
        for one in reversed(known)
    }
    quality_links.listed(ways, key=f"use_cases_weeks_{case.id}", asks="Open the conversations of a week")


def _held(kpi: Kpi) -> list[float]:
    return [one for one in (kpi.target, (kpi.baseline or {}).get("value")) if one is not None]


def _levels(kpi: Kpi, line: Line, dark: bool) -> list[alt.Chart]:
    axis = graphs.axis_of(line.measure, max(one.amount.value or 0.0 for one in line.points))
    rows: list[dict[str, Any]] = [{"value": kpi.target / axis.per, "what": "target"}] if kpi.target is not None else []
    if kpi.baseline:
        rows.append({"value": kpi.baseline["value"] / axis.per, "what": "baseline"})
    if not rows:
        return []
    colours = alt.Scale(domain=["baseline", "target"], range=[graphs.BEFORE, TARGET[dark]])
    base = alt.Chart(pd.DataFrame(rows)).mark_rule(strokeDash=[5, 4], strokeWidth=1.4, clip=True)
    return [base.encode(y="value:Q", color=alt.Color("what:N", scale=colours, legend=None))]


def _entered(case: UseCase, person: Person) -> list[tuple[str, date]]:
    zone = ZoneInfo(config.settings().time_zone)
    return [(use_case_text.TITLES[one.after], one.at.astimezone(zone).date()) for one in use_cases.moves(case.id, by=person)]


def _stages(case: UseCase, person: Person, line: Line) -> list[alt.Chart]:
    """A rule on the day, and the stage's name above its head, clear of the line; neighbours stand above one another."""
    found = [(name, on) for name, on in _entered(case, person) if line.first <= on <= line.last]
    colour, drawn, long = graphs.MARKS[line.dark], [], (line.last - line.first).days
    for place, (name, on) in enumerate(found):
        base = alt.Chart(pd.DataFrame([{"day": pd.Timestamp(on), "stage": name}])).encode(x="day:T")
        ends = (line.last - on).days < long / 6
        words = base.mark_text(align="right" if ends else "left", baseline="bottom", dx=0, fontSize=11, color=colour)
        drawn += [base.mark_rule(color=colour, strokeWidth=1.2), words.encode(y=alt.value(-2 - 13 * (place % 3)), text="stage:N")]
    return drawn
