"""The days of a monitor as a picture: each day, seven days together, what they are held against, and when it told something."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import altair as alt
import pandas as pd

from data import defined
from data.tables import Alert
from evals import alarms, alerts
from evals.alarms import CHANGE, RATIO, THRESHOLD, WEEK, Day, Standing
from evals.monitors import Definition
from portal import charts, monitor_words

TOGETHER = 7  # days: of one day alone little can be told
SPARK = 56  # days in a list
WIDE, HIGH = 150, 34  # of a small picture
DRAWN = {"bar": "dashed:", "usual": "dotted:"}
COLOURS = {"value": charts.COLOURS["agreement"], "bar": "#d4552a", "usual": charts.COLOURS["words"], "alert": "#c98a1b"}


@dataclass(frozen=True)
class Line:
    """A level that is drawn across, with its word."""

    words: str
    value: float
    kind: str  # bar, usual


Trouble = Sequence[tuple[date, date]]  # days that are nobody's baseline


def lines(definition: Definition, known: Sequence[Day], alert: Alert | None, without: Trouble = ()) -> list[Line]:
    """What the days are held against: with an alert what it is until they are back, else what would be told."""
    if definition.rule == THRESHOLD:
        return [Line("tells from here", definition.alarm_at or 0.0, "bar")]
    if alert is not None and alert.numbers.get("baseline") is not None:
        told = alert.numbers
        bar, _ = alarms.bars(definition.looks_for, Standing(alert.since, alert.until, told["sign"], told["value"], told["baseline"]))
        return [Line("before", told["baseline"], "usual"), Line("over when surely back here", bar, "bar")]
    baseline = alarms.baseline_of(before(definition, known, without), defined.of(definition.measure).kind)
    if baseline is None:
        return []
    size = (definition.alarm_at or 0.0) * (abs(baseline.rate) if definition.rule == RATIO else 1)
    signs = {"down": (-1,), "up": (1,), "either": (-1, 1)}[definition.direction]
    bars = [Line("tells at the earliest", baseline.rate + sign * size, "bar") for sign in signs] if size else []
    return [Line("the weeks before", baseline.rate, "usual"), *bars]


def before(definition: Definition, known: Sequence[Day], without: Trouble) -> list[Day]:
    """The weeks that the last days are held against."""
    if not known:
        return []
    recent = known[-1].day - timedelta(days=max(definition.looks_for.lengths) - 1)
    weeks = alarms.LONG_BASELINE if (definition.rule, definition.window) == (CHANGE, WEEK) else alarms.BASELINE
    calm = [one for one in known if not any(first <= one.day <= until for first, until in without)]
    return [one for one in calm if one.day < recent][-weeks:]


def together(known: Sequence[Day]) -> list[tuple[date, float, int]]:
    """Each day with those before it: its value and how many it counts."""
    found = []
    for place, one in enumerate(known):
        some = [each for each in known[max(0, place - TOGETHER + 1) : place + 1] if each.over]
        over = sum(each.over for each in some)
        if over:
            found.append((one.day, sum(each.total for each in some) / over, sum(each.n for each in some)))
    return found


def at(day: date) -> datetime:
    return datetime.combine(day, time())


@dataclass(frozen=True)
class Span:
    """Days that an alert is about."""

    since: date
    until: date
    said: str
    words: str = ""  # how it stands


def spans_of(past: Sequence[Alert]) -> list[Span]:
    return [Span(one.since, one.until, one.sentence, one.state) for one in past]


def trouble_of(past: Sequence[Alert]) -> Trouble:
    """As a look leaves them out."""
    return [(one.since, one.until) for one in past if one.state == alerts.CLEARED]


def chart(
    definition: Definition, known: Sequence[Day], levels: Sequence[Line], *, spans: Sequence[Span] = (), told: Sequence[date] = (),
    height: int = 240,
) -> alt.LayerChart:  # fmt: skip
    """`told`: on which days something would have been told. Its title stands above it, where it wraps."""
    share = defined.of(definition.measure).kind == "share"
    axis = alt.Axis(format=".0%" if share else "~s", grid=True, labelFlush=False)
    y = alt.Y("value:Q", title=_axis(definition), axis=axis, scale=alt.Scale(zero=False, nice=True))
    x = alt.X("day:T", title=None, axis=alt.Axis(format="%-d %b", grid=False, tickCount=8, labelOverlap=True))
    parts: list[alt.Chart] = [*_spans(spans, known), *_moments(told)]
    parts += [_level(line, y) for line in levels]
    parts += [_dots(definition, known, x, y), _line(known, x, y)]
    return alt.layer(*parts).properties(height=height, padding={"left": 4, "right": 12, "top": 8})


def legend(definition: Definition, levels: Sequence[Line]) -> str:
    """What its lines are, with their values."""
    told = [f"{DRAWN[line.kind]} {line.words} {alerts.shown(definition, line.value)}" for line in levels]
    return " · ".join(["A dot is a day, the line seven days together", *told])


def _axis(definition: Definition) -> str:
    measure = defined.of(definition.measure)
    unit = {"share": "", "stars": ""}.get(measure.unit, f", {measure.unit}")
    return f"{measure.title}{unit}{' a day' if measure.kind in ('count', 'sum') else ''}"


def _dots(definition: Definition, known: Sequence[Day], x: alt.X, y: alt.Y) -> alt.Chart:
    rows = [
        {
            "day": at(one.day), "value": one.total / one.over, "n": one.n, "on": one.day.isoformat(),
            "said": f"{alerts.shown(definition, one.total / one.over)}, n = {one.n:,}",
        }
        for one in known if one.over
    ]  # fmt: skip
    told = [alt.Tooltip("day:T", title="Day", format="%-d %B %Y"), alt.Tooltip("said:N", title="That day")]
    size = alt.Size("n:Q", legend=None, scale=alt.Scale(range=[12, 60]))
    marks = alt.Chart(_frame(rows)).mark_circle(color=COLOURS["value"], opacity=0.45)
    return marks.encode(x=x, y=y, size=size, tooltip=told)


def _line(known: Sequence[Day], x: alt.X, y: alt.Y) -> alt.Chart:
    rows = [{"day": at(day), "value": value} for day, value, _ in together(known)]
    return alt.Chart(_frame(rows)).mark_line(color=COLOURS["value"], strokeWidth=2.5).encode(x=x, y=y)


def _level(line: Line, y: alt.Y) -> alt.Chart:
    base = alt.Chart(pd.DataFrame([{"value": line.value, "said": line.words}]))
    dash = [6, 4] if line.kind == "bar" else [1, 3]
    return base.mark_rule(color=COLOURS[line.kind], strokeDash=dash, strokeWidth=1.5).encode(
        y=y, tooltip=alt.Tooltip("said:N", title="Line")
    )


def _spans(spans: Sequence[Span], known: Sequence[Day]) -> list[alt.Chart]:
    """From the first day of an alert to the end of the last one that told it."""
    first = known[0].day
    rows = [
        {"from": at(max(one.since, first)), "to": at(one.until + timedelta(days=1)), "said": one.said, "state": one.words}
        for one in spans if one.until >= first
    ]  # fmt: skip
    if not rows:
        return []
    tips = [alt.Tooltip("said:N", title="Alert"), alt.Tooltip("state:N", title="It is")]
    drawn = alt.Chart(pd.DataFrame(rows)).mark_rect(color=COLOURS["alert"], opacity=0.22)
    return [drawn.encode(x=alt.X("from:T", title=None), x2="to:T", tooltip=tips)]


def _moments(told: Sequence[date]) -> list[alt.Chart]:
    if not told:
        return []
    base = alt.Chart(pd.DataFrame([{"day": at(day)} for day in told]))
    rule = base.mark_rule(color=COLOURS["alert"], strokeWidth=2)
    return [rule.encode(x=alt.X("day:T", title=None), tooltip=[alt.Tooltip("day:T", title="It would have told", format="%-d %B")])]


def _frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else ["day", "value", "n", "on", "said"])


def table(definition: Definition, known: Sequence[Day]) -> pd.DataFrame:
    """The numbers behind the picture, the newest first."""
    rows = [one for one in reversed(known) if one.over]
    return pd.DataFrame(
        {
            "Day": [monitor_words.day(one.day) for one in rows],
            "Value": [alerts.shown(definition, one.total / one.over) for one in rows],
            "n": [one.n for one in rows],
        }
    )


# -- small, in a list ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spark:
    picture: str  # SVG
    words: str


def spark(definition: Definition, known: Sequence[Day], alert: Alert | None) -> Spark | None:
    """Seven days together, over the last weeks, with the bar: of numbers alone. None: there is nothing to draw."""
    points = together(known)[-SPARK:]
    if len(points) < 2:
        return None
    levels = [(one.value, one.kind) for one in lines(definition, known, alert)]
    values = [value for _, value, _ in points] + [value for value, _ in levels]
    low, span = min(values), (max(values) - min(values)) or 1.0

    def y(value: float) -> float:
        return round(3 + (HIGH - 6) * (1 - (value - low) / span), 1)

    step = WIDE / (len(points) - 1)
    path = " ".join(f"{round(place * step, 1)},{y(value)}" for place, (_, value, _) in enumerate(points))
    across = "".join(
        f'<line x1="0" x2="{WIDE}" y1="{y(value)}" y2="{y(value)}" stroke="{COLOURS[kind]}" stroke-width="1" '
        f'stroke-dasharray="{"4 3" if kind == "bar" else "1 3"}"/>'
        for value, kind in levels
    )
    first, last = (alerts.shown(definition, points[place][1]) for place in (0, -1))
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{HIGH}" viewBox="0 0 {WIDE} {HIGH}">{across}'
        f'<polyline points="{path}" fill="none" stroke="{COLOURS["value"]}" stroke-width="2"/></svg>'
    )
    return Spark(picture, f"From {first} to {last} in {len(points)} days")
