"""What somebody gave week by week, with a letter where something of theirs went live."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from data.work_changed import BUILT, DECIDED, FLAGS, KNOWLEDGE, REVIEWS, Week, WentLive, Work
from portal import graphs, my_work_text, widgets

COLOURS = {  # on white, on near-black
    REVIEWS: ("#0072b2", "#56b4e9"), FLAGS: ("#b35400", "#e69f00"), KNOWLEDGE: ("#00805e", "#1fbf91"), BUILT: ("#a64d8c", "#cc79a7"),
    DECIDED: ("#75828a", "#a2afb0"),
}  # fmt: skip
LETTERS = {"classifier": "C", "article": "A", "recipe": "R", "answerer": "S", "model": "M"}
KINDS = {"classifier": "classifier", "article": "article", "recipe": "recipe", "answerer": "answerer", "model": "model"}
WIDE = pd.Timedelta(days=5.6)  # of the week that a bar is of: a mark of its Thursday stands within it
ROW = 13  # pixels of a row of letters


def weeks(work: Work) -> None:
    rows = [row for one in work.by_week for row in _bars(one)]
    dark = graphs.is_dark()
    if rows:
        st.altair_chart(_chart(work, rows, dark), alt="What you gave, week by week", key=f"my_work_weeks_{work.weeks}")
        st.caption(" · ".join(["What you gave, week by week", *_letters(work)]))


def _monday(starts: datetime) -> pd.Timestamp:
    return pd.Timestamp(widgets.local(starts).date())


def _bars(week: Week) -> Iterator[dict[str, object]]:
    """What was given in it, kind upon kind."""
    height, starts = 0, _monday(week.starts)
    for kind in COLOURS:
        if n := week.given.get(kind, 0):
            yield {"week": starts, "ends": starts + WIDE, "kind": kind, "n": n, "bottom": height, "top": height + n}
            height += n


def _chart(work: Work, rows: list[dict[str, object]], dark: bool) -> alt.LayerChart:
    there = [kind for kind in COLOURS if any(row["kind"] == kind for row in rows)]
    marks, rows_of_letters = _marks(work, dark)
    colour = alt.Color(
        "kind:N", scale=alt.Scale(domain=there, range=[COLOURS[kind][dark] for kind in there]),
        legend=alt.Legend(
            orient="top", title=None, labelColor=graphs.WORDS[dark], labelFontSize=12, columns=2, offset=10 + ROW * rows_of_letters,
        ),
    )  # fmt: skip
    first, last = (_monday(one.starts) for one in (work.by_week[0], work.by_week[-1]))
    ticks = [_monday(one.starts).isoformat() for one in work.by_week[:: 1 if work.weeks <= 12 else 4]]
    day = alt.X(
        "week:T", title=None, scale=alt.Scale(domain=[first - pd.Timedelta(days=1), last + pd.Timedelta(days=8)]),
        axis=alt.Axis(format="%-d %b %Y" if work.weeks > 12 else "%-d %b", values=ticks, grid=False, labelFlush=False, labelOverlap=True),
    )  # fmt: skip
    told = [
        alt.Tooltip("week:T", title="Week of", format="%-d %B %Y"),
        alt.Tooltip("kind:N", title="What"),
        alt.Tooltip("n:Q", title="How many"),
    ]
    bars = alt.Chart(pd.DataFrame(rows)).mark_rect().encode(
        x=day, x2="ends:T", y=alt.Y("top:Q", title=None, axis=alt.Axis(tickCount=4, tickMinStep=1, format=",.0f")), y2="bottom:Q",
        color=colour, tooltip=told,
    )  # fmt: skip
    drawn = alt.layer(bars, *(one.encode(x=day) for one in marks))
    height = 230 + ROW * rows_of_letters
    return drawn.configure_axis(labelColor=graphs.WORDS[dark]).properties(
        height=height, padding={"left": 4, "right": 12, "top": 4, "bottom": 4}
    )


def _marks(work: Work, dark: bool) -> tuple[list[alt.Chart], int]:
    """Where something of theirs went live, its letter above the bars; of one day together. And in how many rows the letters stand."""
    found: dict[date, list[WentLive]] = {}
    for one in work.live:
        found.setdefault(widgets.local(one.at).date(), []).append(one)
    if not found:
        return [], 0
    rows: list[dict[str, Any]] = [
        {
            "week": pd.Timestamp(on), "what": _what(those),
            "letters": "".join(dict.fromkeys(LETTERS.get(one.target.kind, "•") for one in those)),
        }
        for on, those in sorted(found.items())
    ]  # fmt: skip
    first, last = _monday(work.by_week[0].starts).date(), _monday(work.by_week[-1].starts).date() + timedelta(days=7)
    places = graphs.rows_of_letters([(row["week"].date(), row["letters"]) for row in rows], first, last)
    for row, place in zip(rows, places, strict=True):
        row["row"] = place  # letters of neighbouring days stand above one another
    told = [alt.Tooltip("week:T", title="Live on", format="%-d %B %Y"), alt.Tooltip("what:N", title="What")]
    base = alt.Chart(pd.DataFrame(rows)).encode(tooltip=told)
    colour = graphs.MARKS[dark]
    words = base.mark_text(color=colour, fontSize=12, fontWeight=700, baseline="bottom")
    rule = base.mark_rule(color=colour, strokeWidth=1.3, strokeDash=[2, 3], opacity=0.8)
    letters = words.encode(text="letters:N")
    in_rows = [letters.transform_filter(f"datum.row == {row}").encode(y=alt.value(-2 - ROW * row)) for row in sorted(set(places))]
    return [rule, *in_rows], max(places) + 1


def _what(those: list[WentLive]) -> str:
    """In words, the first few of them."""
    told = [f"{my_work_text.target(one.target)}{'' if one.wrote else ', which learned from you among others'}" for one in those[:4]]
    return "; ".join([*told, *([f"and {len(those) - 4} more"] if those[4:] else [])])


def _letters(work: Work) -> list[str]:
    kinds = dict.fromkeys(one.target.kind for one in work.live if one.target.kind in LETTERS)
    return [f"{LETTERS[kind]} {KINDS[kind]} went live" for kind in kinds]
