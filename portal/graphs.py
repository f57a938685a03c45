"""The charts of Quality: a line over time with its band, small multiples, a funnel and a heat map. Each mark tells which one was picked.

What comes from data stands in the data of a chart only, never in a title or an expression; names are written above charts as text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from data.amounts import Amount
from data.defined import MONEY, Measure
from data.trends import Point, Stage
from evals.causes import Marker
from portal import widgets
from portal.charts import PICK
from portal.quality_figures import FEW, group_of, sureness, value

# Okabe's and Ito's, on white and on near-black; a group of measures has one
COLOURS = {
    "What customers got": ("#0072b2", "#56b4e9"), "What machines did": ("#00805e", "#1fbf91"), "What it took": ("#a64d8c", "#cc79a7"),
    "Money": ("#a64d8c", "#cc79a7"),
}  # fmt: skip
BEFORE, MARKS = "#7f8c90", ("#6d4fc4", "#b3a1f5")
WORDS = ("#5a6668", "#a2afb0")  # axes and what stands beside a bar: Streamlit's own grey is too faint on white
MANY = 100  # points; then they stand so close that their size would only blur them
TICKS, TICKS_OF_SMALL, BY_MONTH = 8, 3, 300  # dates under a line; days from which they are months
LETTER, ROWS = 0.04, 3  # how much of a phone's line a letter above it takes; how many rows of letters there may be
NARROW, SIGN = 165, 6.6  # pixels: the bars of a funnel on a phone, a sign beside them
LETTERS = {  # of what happened, in the line above a chart
    "release": "R", "percent": "r", "classifier": "C", "taken back": "↩", "article": "A", "articles": "A", "policy": "P", "incident": "!",
    "alert": "◆", "note": "N",
}  # fmt: skip
KINDS = {
    "release": "release", "percent": "release for some", "classifier": "classifier", "taken back": "taken back", "article": "article",
    "articles": "articles", "policy": "policy", "incident": "incident", "alert": "alert", "note": "note",
}  # fmt: skip
WHOLE = "*"  # in the place of a channel: all of them
COLUMNS = {WHOLE: "All", **widgets.CHANNEL_WORDS}
STEPS = {"seconds": ((3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"), (0.001, "milliseconds"))}


@dataclass(frozen=True)
class Axis:
    """What its numbers are in, and by what they are divided to be it."""

    title: str
    per: float = 1.0
    format: str = ",.2~f"


def axis_of(measure: Measure, largest: float) -> Axis:
    if measure.kind == "share":
        return Axis("share", format=".0%")
    if measure.unit == "seconds":
        per, unit = next((one for one in STEPS["seconds"] if largest >= 1.5 * one[0]), STEPS["seconds"][-1])
        return Axis(f"{unit}, {'median' if measure.p == 0.5 else '95 of 100'}", per)
    if measure.unit == "score":
        return Axis("mean score, 0 to 1")
    if measure.unit == "stars":
        return Axis("stars, 1 to 5")
    unit = "money" if measure.name.startswith(MONEY) else measure.unit  # a currency is data
    return Axis(unit, format=",.0f" if measure.kind == "count" else ",.2~f")


# -- over time ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A measure over time, and what stands beside it."""

    measure: Measure
    points: Sequence[Point]
    first: date  # where its axis begins and ends
    last: date
    before: Sequence[Point] = ()  # already moved to the days that they stand beside
    markers: Sequence[tuple[date, Marker]] = ()
    open: frozenset[date] = frozenset()  # points whose days are not over
    days: int = 1  # that a point stands for
    dark: bool = False
    small: bool = False

    @property
    def colour(self) -> str:
        return COLOURS[group_of(self.measure)][self.dark]


def trend(line: Line, *, height: int = 270, beside: Sequence[alt.Chart] = (), holds: Sequence[float] = ()) -> alt.LayerChart:
    """Faint what was before, a band for the interval, the line, what happened, and dots that are as large as what they stand on."""
    low, high = domain_of(line.measure, [one.amount for one in line.points], beside=[one.amount for one in line.before])
    if any(not low <= one <= high for one in holds):  # what is drawn beside it has room too
        low, high = with_room(line.measure, min(low, *holds), max(high, *holds))
    axis = axis_of(line.measure, high)
    frame = _frame(line, axis, (low, high))
    y = alt.Y(
        "value:Q", title=axis.title, axis=alt.Axis(format=axis.format, tickCount=5, titleFontWeight="normal", labelFlush=False),
        scale=alt.Scale(domain=[low / axis.per, high / axis.per], nice=False, zero=False),
    )  # fmt: skip
    layers = [*_before(line, axis, y), *_band_and_line(frame, line, y), *_marks(line), *beside, _dots(frame, line, y)]
    return _read(alt.layer(*layers), line.dark).properties(height=height, padding={"left": 4, "right": 12, "top": 4, "bottom": 4})


def _frame(line: Line, axis: Axis, domain: tuple[float, float]) -> pd.DataFrame:
    rows = [_row(one, line, domain) for one in _from_the_first(line.points)]
    columns = ["day", "key", "when", "value", "low", "high", "n", "told", "sure", "solid", "over", "shape"]
    frame = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(("value", "low", "high", "n", "solid"), float))
    for name in ("value", "low", "high"):
        frame[name] = frame[name] / axis.per
    known = frame["value"].notna()
    frame["alone"] = known & ~known.shift(1, fill_value=False) & ~known.shift(-1, fill_value=False)
    return frame


def _row(one: Point, line: Line, domain: tuple[float, float]) -> dict[str, Any]:
    """What lies beyond the scale stands at its edge, as an arrow: a line that leaves would be read as one that ends."""
    around = one.amount.interval or (None, None)
    over = one.day not in line.open
    empty = one.amount.n == 0 and line.measure.kind not in ("count", "sum")
    return {
        "day": pd.Timestamp(one.day), "key": one.day.isoformat(),
        "when": f"{point_words(one.day, line.days)}{'' if over else ', not over'}",
        "value": None if empty or one.amount.value is None else min(max(one.amount.value, domain[0]), domain[1]),
        "low": None if empty else around[0], "high": None if empty else around[1],
        "n": one.amount.n, "told": value(line.measure, one.amount.value), "sure": sureness(line.measure, one.amount),
        "solid": 1.0 if over and (one.amount.n >= FEW or line.measure.kind in ("count", "sum")) else 0.15, "over": over,
        "shape": {1: "triangle-up", -1: "triangle-down"}.get(beyond(one.amount, domain), "circle"),
    }  # fmt: skip


def beyond(one: Amount, domain: tuple[float, float]) -> int:
    """1: above what is drawn, -1: below it, 0: in it."""
    if one.value is None or not one.n:
        return 0
    return (one.value > domain[1]) - (one.value < domain[0])


def _from_the_first(points: Sequence[Point]) -> list[Point]:
    """Nothing is known of the days before anything came."""
    begins = next((place for place, one in enumerate(points) if one.amount.n), len(points))
    return list(points[begins:])


def point_words(day: date, days: int) -> str:
    return {1: "", 7: "Week of "}.get(days, f"{days // 7} weeks from ") + said(day)


def said(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def domain_of(measure: Measure, points: Sequence[Amount], *, beside: Sequence[Amount] = ()) -> tuple[float, float]:
    """What the values need, and the intervals of those that say something; a day of three conversations would need all of it."""
    told = [one for one in points if _is_told(measure, one)]
    if not told:
        return 0.0, 1.0
    most = max(one.n for one in told)
    sure = [one for one in told if one.n >= min(FEW, most)]
    around = [edge for one in sure for edge in (one.interval or ())]
    known = [one.value or 0.0 for one in [*told, *(one for one in beside if _is_told(measure, one) and one.n >= min(FEW, most))]]
    return with_room(measure, min(known + around), max(known + around))


def _is_told(measure: Measure, one: Amount) -> bool:
    return one.value is not None and (one.n > 0 or measure.kind in ("count", "sum"))


def with_room(measure: Measure, low: float, high: float) -> tuple[float, float]:
    """Counts stand on zero; nothing goes below it that cannot, and a share not beyond all."""
    if measure.kind in ("count", "sum"):
        return min(0.0, low), 1.06 * high if high > 0 else 1.0
    room = 0.08 * ((high - low) or abs(high) or 1.0)
    top = min(high + room, 1.0 + 0.4 * room) if measure.kind == "share" else high + room
    return max(0.0, low - room), top


def _x(line: Line) -> alt.X:
    form = "%-d %b" if (line.last - line.first).days < BY_MONTH else "%b %Y"
    dates = [alt.DateTime(year=one.year, month=one.month, date=one.day) for one in ticks(line)]
    return alt.X(
        "day:T", title=None, axis=alt.Axis(format=form, grid=False, values=dates, labelOverlap=True, labelFlush=False),
        scale=alt.Scale(domain=[line.first.isoformat() + "T00:00:00", line.last.isoformat() + "T00:00:00"], padding=14),
    )  # fmt: skip


def ticks(line: Line) -> list[date]:
    """The dates under a line: days that it has points of, Mondays, or the first of each month."""
    length = (line.last - line.first).days
    every = [line.first + timedelta(days=place) for place in range(length + 1)]
    if length >= BY_MONTH and not line.small:
        return [one for one in every if one.day == 1]
    if line.days > 1:
        every = every[:: line.days]
    elif length > TICKS:
        every = [one for one in every if one.weekday() == 0]
    return every[:: -(-len(every) // (TICKS_OF_SMALL if line.small else TICKS))]


def _before(line: Line, axis: Axis, y: alt.Y) -> list[alt.Chart]:
    known = [one for one in line.before if one.amount.n]
    if not known:
        return []
    rows = [{"day": pd.Timestamp(one.day), "value": (one.amount.value or 0.0) / axis.per} for one in known]
    base = alt.Chart(pd.DataFrame(rows)).encode(x=_x(line), y=y)
    return [base.mark_line(color=BEFORE, strokeDash=[5, 4], strokeWidth=1.4, opacity=0.8, clip=True)]


def _band_and_line(frame: pd.DataFrame, line: Line, y: alt.Y) -> list[alt.Chart]:
    base = alt.Chart(frame[frame["over"]]).encode(x=_x(line))
    band = base.mark_area(color=line.colour, opacity=0.28 if line.dark else 0.16, clip=True).encode(
        y=alt.Y("low:Q", title=y.to_dict().get("title")), y2="high:Q"
    )
    drawn = [band, base.mark_line(color=line.colour, strokeWidth=2, clip=True).encode(y=y)]
    alone = frame[frame["over"] & frame["alone"]]
    if alone.empty:  # a layer with nothing in it is told to whoever listens, and has nothing to tell
        return drawn
    whisker = alt.Chart(alone).mark_rule(color=line.colour, opacity=0.5, clip=True)  # a band has no width there
    return [*drawn, whisker.encode(x=_x(line), y=alt.Y("low:Q", title=y.to_dict().get("title")), y2="high:Q")]


def _dots(frame: pd.DataFrame, line: Line, y: alt.Y) -> alt.Chart:
    """Small and hollow where few conversations stand behind them."""
    told = frame[frame["value"].notna()]
    sizes = [22, 70] if len(frame) <= MANY else [6, 18]
    pick = alt.selection_point(name=PICK, fields=["key"], on="click")
    return (
        alt.Chart(told).mark_point(
            filled=True, opacity=1, strokeWidth=1.3, color=line.colour, cursor="pointer"
        )
        .encode(
            x=_x(line), y=y, fillOpacity=alt.FillOpacity("solid:Q", scale=None, legend=None), strokeOpacity=alt.value(1),
            size=alt.Size("n:Q", legend=None, scale=alt.Scale(domain=[1, FEW], range=sizes, clamp=True)),
            stroke=alt.value(line.colour), shape=alt.Shape("shape:N", scale=None, legend=None),
            tooltip=[
                alt.Tooltip("when:N", title="Days"), alt.Tooltip("told:N", title="Value"), alt.Tooltip("sure:N", title="95 %, sample"),
            ],
        )
        .add_params(pick)
    )  # fmt: skip


def _marks(line: Line) -> list[alt.Chart]:
    """A thin line where something happened, its letter on top, the words on hover. What happened on one day is one mark."""
    shown = sorted((pair for pair in line.markers if line.first <= pair[0] <= line.last), key=lambda pair: pair[0])
    rows: list[dict[str, Any]] = []
    for day, some in groupby(shown, key=lambda pair: pair[0]):
        told = [marker for _, marker in some]
        letters = "".join(dict.fromkeys(LETTERS.get(one.kind, "•") for one in told))
        dash = "solid" if any(one.kind in ("incident", "taken back", "alert") for one in told) else "dashed"
        words = "; ".join(f"{one.words[0].upper()}{one.words[1:]}" for one in told[:4]) + (
            f"; and {len(told) - 4} more" if told[4:] else ""
        )
        rows.append({"day": pd.Timestamp(day), "letters": letters, "words": words, "dash": dash, "when": said(day)})
    if not rows:
        return []
    places = rows_of_letters([(row["day"].date(), row["letters"]) for row in rows], line.first, line.last)
    for row, place in zip(rows, places, strict=True):
        row["place"] = place
    tooltip = [alt.Tooltip("when:N", title="Day"), alt.Tooltip("words:N", title="What happened")]
    base = alt.Chart(pd.DataFrame(rows)).encode(x=_x(line), tooltip=tooltip)
    dashes = alt.StrokeDash("dash:N", legend=None, scale=alt.Scale(domain=["solid", "dashed"], range=[[1, 0], [2, 3]]))
    letters = base.mark_text(color=MARKS[line.dark], fontSize=12, fontWeight=700, baseline="bottom").encode(text="letters:N")
    return [
        base.mark_rule(color=MARKS[line.dark], strokeWidth=1.3, opacity=0.75).encode(strokeDash=dashes),
        *(letters.transform_filter(f"datum.place == {place}").encode(y=alt.value(13 * place)) for place in sorted(set(places))),
    ]


def rows_of_letters(marks: Sequence[tuple[date, str]], first: date, last: date) -> list[int]:
    """In which row each stands: in the first in which it covers none before it, on a phone either."""
    length = max((last - first).days, 1)
    ends: dict[int, float] = {}
    found = []
    for day, letters in marks:
        at, half = (day - first).days / length, LETTER * len(letters) / 2
        row = next((row for row in range(ROWS) if ends.get(row, -1.0) <= at - half), 0)
        ends[row] = at + half
        found.append(row)
    return found


def letters_of(markers: Sequence[Marker]) -> str:
    """What the letters above the chart mean, of those that are there."""
    there = dict.fromkeys((LETTERS[one.kind], KINDS[one.kind]) for one in markers if one.kind in LETTERS)
    by_letter: dict[str, str] = {}
    for letter, kind in there:
        by_letter.setdefault(letter, kind)
    return " · ".join(f"{letter} {kind}" for letter, kind in by_letter.items())


# -- small multiples ----------------------------------------------------------------------------------------------------------------------


def small(line: Line, domain: tuple[float, float], whole: float | None) -> alt.LayerChart:
    """One part over time, on the scale of all the others; the thin line is the whole."""
    axis = axis_of(line.measure, domain[1])
    frame = _frame(line, axis, domain)
    y = alt.Y(
        "value:Q", title=None, axis=alt.Axis(format=axis.format, tickCount=3, labelFlush=False),
        scale=alt.Scale(domain=[one / axis.per for one in domain], nice=False, zero=False),
    )  # fmt: skip
    layers = [*_whole(whole, axis, y), *_band_and_line(frame, line, y), _dots(frame, line, y)]
    return _read(alt.layer(*layers), line.dark).properties(height=120, padding={"left": 2, "right": 8, "top": 8, "bottom": 2})


def _whole(whole: float | None, axis: Axis, y: alt.Y) -> list[alt.Chart]:
    if whole is None:
        return []
    base = alt.Chart(pd.DataFrame({"value": [whole / axis.per]})).encode(y=y)
    return [base.mark_rule(color=BEFORE, strokeDash=[5, 4], strokeWidth=1, opacity=0.8)]


def shared_domain(measure: Measure, lines: Sequence[Sequence[Point]]) -> tuple[float, float]:
    """The same scale for all. It holds every value, except that a few long waits do not press the others flat."""
    told = [one.amount for points in lines for one in points if _is_told(measure, one.amount)]
    sure = [one for one in told if says_something(measure, one)]
    if not sure:
        return domain_of(measure, told)
    values = [one.value or 0.0 for one in (sure if measure.kind == "quantile" else told)]
    return with_room(measure, min(values), max(values))


# -- parts --------------------------------------------------------------------------------------------------------------------------------


def funnel(stages: Sequence[Stage], *, dark: bool) -> alt.LayerChart:
    """How many reach each stage; beside the bar the share of the stage before."""
    rows: list[dict[str, Any]] = [
        {
            "stage": one.measure.title if place else "Arrived", "key": one.measure.name, "n": one.amount.n,
            "told": _of_stage(one, first=not place), "sure": sureness(one.measure, one.amount) if not place else _share(one.share),
        }
        for place, one in enumerate(stages)
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    room = alt.Scale(domain=[0, _room([(row["n"], row["told"]) for row in rows])], nice=False)
    y = alt.Y("stage:N", sort=list(frame["stage"]), title=None, axis=alt.Axis(labelLimit=160, labelFlush=False, ticks=False, domain=False))
    told = [
        alt.Tooltip("stage:N", title="Stage"), alt.Tooltip("n:Q", title="Conversations", format=","),
        alt.Tooltip("sure:N", title="Of the stage before"),
    ]  # fmt: skip
    base = alt.Chart(frame).encode(y=y, tooltip=told)
    pick = alt.selection_point(name=PICK, fields=["key"], on="click")
    bars = base.mark_bar(color=COLOURS["What machines did"][dark], height=22, cornerRadiusEnd=3, cursor="pointer").encode(
        x=alt.X(
            "n:Q",
            title="conversations",
            scale=room,
            axis=alt.Axis(
                format=",.0f", tickCount=4, tickMinStep=1, grid=False, labelFlush=True, labelOverlap=True, titleFontWeight="normal"
            ),
        )
    )
    words = base.mark_text(align="left", dx=6, fontSize=12, color=WORDS[dark]).encode(x="n:Q", text="told:N")
    return _read(alt.layer(bars.add_params(pick), words), dark).properties(
        height=34 * len(frame) + 40, padding={"left": 4, "right": 16, "top": 4}
    )


def _room(bars: Sequence[tuple[int, str]]) -> float:
    """How far its axis goes: on a phone too the words behind each bar are read to their end."""
    most = max(1, *(n for n, _ in bars))
    return float(most * max(1.35, *(n / most * NARROW / max(NARROW - SIGN * len(told) - 8, 60) for n, told in bars)))


def _of_stage(one: Stage, *, first: bool) -> str:
    if first or one.share.value is None:
        return f"{one.amount.n:,}"
    return f"{one.amount.n:,} · {one.share.value * 100:.0f}\u00a0%"


def _share(one: Amount) -> str:
    if one.value is None or one.interval is None:
        return "–"
    low, high = one.interval
    return f"{one.value * 100:.0f}\u00a0% ({low * 100:.0f}–{high * 100:.0f}, n\u00a0=\u00a0{one.n:,})"


def heat(
    measure: Measure, cells: Mapping[tuple[str, str], Amount], names: Mapping[str, str], rows: Sequence[str], *, dark: bool
) -> alt.LayerChart:  # fmt: skip
    """Intent by channel, the number in each cell; grey where too few conversations are to say anything. A row's whole is a number alone."""
    told = [(key, one) for key, one in cells.items() if key[0] in rows and one.n]
    known = [one.value for key, one in told if key[1] != WHOLE and says_something(measure, one) and one.value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    frame = pd.DataFrame([_cell(measure, key, one, names, low, high, dark) for key, one in told])
    order = [names.get(key, "No intent yet") if key else "No intent yet" for key in rows]
    columns = [words for channel, words in COLUMNS.items() if channel in {key[1] for key, _ in told}]
    plain = {"labelFlush": False, "ticks": False, "domain": False, "grid": False}
    base = alt.Chart(frame).encode(
        x=alt.X("column:N", sort=columns, title=None, axis=alt.Axis(orient="top", labelAngle=0, **plain)),
        y=alt.Y("row:N", sort=order, title=None, axis=alt.Axis(labelLimit=150, **plain)),
        tooltip=[
            alt.Tooltip("row:N", title="Intent"), alt.Tooltip("column:N", title="Channel"), alt.Tooltip("told:N", title="Value"),
            alt.Tooltip("sure:N", title="95 %, sample"),
        ],
    )  # fmt: skip
    pick = alt.selection_point(name=PICK, fields=["key"], on="click")
    cells_drawn = base.mark_rect(cursor="pointer", cornerRadius=3, stroke="#121617" if dark else "#ffffff", strokeWidth=2).encode(
        color=alt.Color("fill:N", scale=None, legend=None)
    )
    words = base.mark_text(fontSize=12).encode(text="shown:N", color=alt.Color("ink:N", scale=None, legend=None))
    return _read(alt.layer(cells_drawn.add_params(pick), words), dark).properties(height=28 * len(order) + 56)


def says_something(measure: Measure, one: Amount) -> bool:
    return measure.kind in ("count", "sum") or one.n >= FEW


def _cell(
    measure: Measure, key: tuple[str, str], one: Amount, names: Mapping[str, str], low: float, high: float, dark: bool
) -> dict[str, Any]:  # fmt: skip
    sure = says_something(measure, one)
    fill = ramp(((one.value or 0.0) - low) / (high - low) if high > low else 0.5, dark=dark) if sure else ("#2a3233" if dark else "#eef0f0")
    if key[1] == WHOLE:
        fill = "#121617" if dark else "#ffffff"
    return {
        "row": names.get(key[0], "No intent yet") if key[0] else "No intent yet", "column": COLUMNS.get(key[1], "Unknown"),
        "key": f"{key[0]}|{key[1]}", "told": value(measure, one.value), "sure": sureness(measure, one) or f"n\u00a0=\u00a0{one.n:,}",
        "shown": value(measure, one.value) if sure else f"n = {one.n}", "fill": fill,
        "ink": ink(fill) if sure else ("#a2afb0" if dark else "#5a6668"),
    }  # fmt: skip


def ramp(share: float, *, dark: bool) -> str:
    """From nearly the background to full blue: more is stronger in both themes."""
    ends = ((0x1F, 0x2B, 0x33), (0x56, 0xB4, 0xE9)) if dark else ((0xE6, 0xF1, 0xF8), (0x00, 0x5F, 0x96))
    mixed = [round(a + (b - a) * min(1.0, max(0.0, share))) for a, b in zip(*ends, strict=True)]
    return "#" + "".join(f"{one:02x}" for one in mixed)


def ink(fill: str) -> str:
    """Dark or bright, whichever is read better on it."""
    light = luminance(fill)
    return "#000000" if (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) else "#ffffff"


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def picked(event: Any) -> str | None:
    """Which mark was clicked, by its key; None when none is."""
    picks = event["selection"].get(PICK) if event else None
    return str(picks[0]["key"]) if picks else None


def _read(chart: alt.LayerChart, dark: bool) -> alt.LayerChart:
    """With axes that can be read in both themes."""
    return chart.configure_axis(labelColor=WORDS[dark], titleColor=WORDS[dark])


def is_dark() -> bool:
    """Which theme the person looks at."""
    return st.context.theme.type == "dark"
