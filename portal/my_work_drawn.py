"""What somebody gave week by week, with a letter where something of theirs went live."""

from datetime import date, datetime
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from data.work_changed import BUILT, DECIDED, FLAGS, KNOWLEDGE, REVIEWS, WentLive, Work
from portal import graphs, my_work_text, widgets

COLOURS = {  # on white, on near-black
    REVIEWS: ("#0072b2", "#56b4e9"), FLAGS: ("#b35400", "#e69f00"), KNOWLEDGE: ("#00805e", "#1fbf91"), BUILT: ("#a64d8c", "#cc79a7"),
    DECIDED: ("#75828a", "#a2afb0"),
}  # fmt: skip
LETTERS = {"classifier": "C", "article": "A", "recipe": "R", "answerer": "S", "model": "M"}
KINDS = {"classifier": "classifier", "article": "article", "recipe": "recipe", "answerer": "answerer", "model": "model"}


def weeks(work: Work) -> None:
    rows = [
        {"week": _monday(one.starts), "kind": kind, "n": n, "order": list(COLOURS).index(kind)}
        for one in work.by_week
        for kind, n in one.given.items()
        if n
    ]
    dark = graphs.is_dark()
    if rows:
        st.altair_chart(_chart(work, rows, dark), alt="What you gave, week by week", key=f"my_work_weeks_{work.weeks}")
        st.caption(" · ".join(["What you gave, week by week", *_letters(work)]))


def _monday(starts: datetime) -> pd.Timestamp:
    return pd.Timestamp(widgets.local(starts).date())


def _chart(work: Work, rows: list[dict[str, object]], dark: bool) -> alt.LayerChart:
    there = [kind for kind in COLOURS if any(row["kind"] == kind for row in rows)]
    colour = alt.Color(
        "kind:N", scale=alt.Scale(domain=there, range=[COLOURS[kind][dark] for kind in there]),
        legend=alt.Legend(orient="top", title=None, labelColor=graphs.WORDS[dark], labelFontSize=12),
    )  # fmt: skip
    first, last = (_monday(one.starts) for one in (work.by_week[0], work.by_week[-1]))
    ticks = [_monday(one.starts).isoformat() for one in work.by_week[:: 1 if work.weeks <= 12 else 4]]
    day = alt.X(
        "week:T", title=None, scale=alt.Scale(domain=[first - pd.Timedelta(days=4), last + pd.Timedelta(days=7)]),
        axis=alt.Axis(format="%-d %b %Y" if work.weeks > 12 else "%-d %b", values=ticks, grid=False, labelFlush=False, labelOverlap=True),
    )  # fmt: skip
    told = [
        alt.Tooltip("week:T", title="Week of", format="%-d %B %Y"),
        alt.Tooltip("kind:N", title="What"),
        alt.Tooltip("n:Q", title="How many"),
    ]
    width = max(4, min(22, 460 // max(len(work.by_week), 1)))
    bars = alt.Chart(pd.DataFrame(rows)).mark_bar(size=width).encode(
        x=day, y=alt.Y("n:Q", title=None, axis=alt.Axis(tickCount=4, tickMinStep=1, format=",.0f")), color=colour, order="order:Q",
        tooltip=told,
    )  # fmt: skip
    drawn = alt.layer(bars, *_marks(work, day, dark))
    return drawn.configure_axis(labelColor=graphs.WORDS[dark]).properties(height=210, padding={"left": 4, "right": 12, "top": 4})


def _marks(work: Work, day: alt.X, dark: bool) -> list[alt.Chart]:
    """Where something of theirs went live; of one day together."""
    found: dict[date, list[WentLive]] = {}
    for one in work.live:
        found.setdefault(widgets.local(one.at).date(), []).append(one)
    if not found:
        return []
    rows: list[dict[str, Any]] = [
        {
            "week": pd.Timestamp(on), "what": _what(those),
            "letters": "".join(dict.fromkeys(LETTERS.get(one.target.kind, "•") for one in those)),
        }
        for on, those in found.items()
    ]  # fmt: skip
    for place, row in enumerate(rows):
        row["row"] = place % 2  # letters of neighbouring days stand below one another
    told = [alt.Tooltip("week:T", title="Live on", format="%-d %B %Y"), alt.Tooltip("what:N", title="What")]
    base = alt.Chart(pd.DataFrame(rows)).encode(x=day, tooltip=told)
    colour = graphs.MARKS[dark]
    words = base.mark_text(color=colour, fontSize=12, fontWeight=700, baseline="top", align="left", dx=3)
    rule = base.mark_rule(color=colour, strokeWidth=1.3, strokeDash=[2, 3], opacity=0.8)
    letters = words.encode(text="letters:N")
    return [rule, *(letters.transform_filter(f"datum.row == {row}").encode(y=alt.value(2 + 13 * row)) for row in (0, 1))]


def _what(those: list[WentLive]) -> str:
    """In words, the first few of them."""
    told = [f"{my_work_text.target(one.target)}{'' if one.wrote else ', which learned from you among others'}" for one in those[:4]]
    return "; ".join([*told, *([f"and {len(those) - 4} more"] if those[4:] else [])])


def _letters(work: Work) -> list[str]:
    kinds = dict.fromkeys(one.target.kind for one in work.live if one.target.kind in LETTERS)
    return [f"{LETTERS[kind]} {KINDS[kind]} went live" for kind in kinds]
