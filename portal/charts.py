"""Charts of graders, models, the ladder and runs: one look in both themes, a finding as their title. Those of Quality are in graphs.py."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from evals.continuous import Trend
from portal import widgets

# one measure, one colour, on every page; readable on white and on near-black
COLOURS = {"agreement": "#0f9488", "volume": "#5b8ff9", "satisfied": "#c98a1b", "marker": "#8b7ae0", "words": "#75828a"}
PICK = "pick"
ENDS = {"done": "#0f9488", "left out": "#8a979a", "failed": "#d4552a", "waited": "#c98a1b"}  # of a step
# what a rung of the ladder is worth, and how that is drawn: never by its colour alone
STEPS_UP = {"first": "the first rung", "worth it": "worth it", "open": "cannot tell", "not worth it": "not worth it"}
MARKS = {
    "the first rung": ("#5b8ff9", "square"), "worth it": ("#0f9488", "triangle-up"), "cannot tell": ("#8a979a", "circle"),
    "not worth it": ("#d4552a", "triangle-down"),
}  # fmt: skip
SURENESS = {"coverage": "Answers", "right": "Right", "confidence": "Sure from"}


def mean_by_day(days: Sequence[Trend], *, title: str) -> alt.LayerChart:
    """A grader's mean, day by day, of all conversations as the sample tells it."""
    told = [(widgets.local(one.day).replace(tzinfo=None), one.mean, f"{one.n} looked at") for one in days]
    base = alt.Chart(pd.DataFrame(told, columns=["day", "mean", "n"])).encode(
        x=alt.X("day:T", title=None, axis=alt.Axis(format="%-d %b", grid=False)),
        y=alt.Y("mean:Q", title="Mean score", axis=alt.Axis(format=".0%")),
    )
    dots = base.mark_circle(color=COLOURS["agreement"], opacity=1, size=50).encode(
        tooltip=[alt.Tooltip("day:T", title="Day"), alt.Tooltip("mean:Q", title="Mean", format=".0%"), alt.Tooltip("n:N", title="Sample")]
    )
    return _framed(alt.layer(base.mark_line(color=COLOURS["agreement"], strokeWidth=2), dots), title)


def risk_coverage(curve: Sequence[dict[str, float]], *, title: str) -> alt.LayerChart:
    """How often it is right, by how much of what comes it answers."""
    base = alt.Chart(pd.DataFrame(curve)).encode(
        x=alt.X("coverage:Q", title="Of what comes it answers", axis=alt.Axis(format=".0%", grid=False)),
        y=alt.Y("right:Q", title="Right", axis=alt.Axis(format=".0%"), scale=alt.Scale(zero=False, nice=True)),
        tooltip=[alt.Tooltip(name, title=words, format=".0%") for name, words in SURENESS.items()],
    )
    line, dots = base.mark_line(color=COLOURS["agreement"], strokeWidth=2), base.mark_circle(color=COLOURS["agreement"], size=40)
    return _framed(alt.layer(line, dots), title)


def reliability(bins: Sequence[dict[str, Any]], *, title: str) -> alt.LayerChart:
    """What it says of itself against what is so; on the thin line the two are equal."""
    frame = pd.DataFrame([one for one in bins if one["n"]])
    base = alt.Chart(frame).encode(x=alt.X("confidence:Q", title="So sure it is", axis=alt.Axis(format=".0%", grid=False)))
    axis = "So often it is right"
    y = alt.Y("value:Q", title=axis, axis=alt.Axis(format=".0%"))
    whiskers = base.mark_rule(color=COLOURS["agreement"], opacity=0.5).encode(y=alt.Y("low:Q", title=axis), y2="high:Q")
    told = [alt.Tooltip("confidence:Q", title="Sure", format=".0%"), alt.Tooltip("value:Q", title="Right", format=".0%"), "n:Q"]
    dots = base.mark_circle(color=COLOURS["agreement"], opacity=1, size=60).encode(y=y, tooltip=told)
    equal = alt.Chart(pd.DataFrame({"at": [0.0, 1.0]})).mark_line(color=COLOURS["marker"], strokeDash=[4, 4], strokeWidth=1)
    return _framed(alt.layer(equal.encode(x="at:Q", y=alt.Y("at:Q", title=axis)), whiskers, dots), title)


def learning_curve(points: Sequence[Mapping[str, Any]], *, title: str) -> alt.LayerChart:
    """Examples across, the share that was right up, with its interval."""
    frame = pd.DataFrame([{"examples": one["examples"], **one["right"]} for one in points])
    base = alt.Chart(frame).encode(x=alt.X("examples:Q", title="examples", scale=alt.Scale(zero=False)))
    y = alt.Y("value:Q", title="right", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False))
    told = [alt.Tooltip("examples:Q", format=","), alt.Tooltip("value:Q", title="Right", format=".1%"), "n:Q"]
    line = base.mark_line(color=COLOURS["agreement"], point=alt.OverlayMarkDef(color=COLOURS["agreement"], size=60))
    band = base.mark_area(color=COLOURS["agreement"], opacity=0.18).encode(y=alt.Y("low:Q"), y2="high:Q")
    return _framed(alt.layer(band, line.encode(y=y, tooltip=told)), title)


def staircase(rungs: Sequence[Mapping[str, Any]], measure: str, *, title: str, axis: str) -> alt.LayerChart:
    """Rung by rung: a step for each that is climbed, with its interval; beside the stairs what was only tried. Marks say what it brings."""
    rows = [{"rung": one["title"], "title": one["title"], **one[measure], "on": one["on"], "said": STEPS_UP[one["worth"]]} for one in rungs]
    base = alt.Chart(pd.DataFrame(rows)).encode(x=_rungs())
    y = alt.Y("value:Q", title=axis, axis=alt.Axis(format=".0%", minExtent=48, maxExtent=48))
    known = [said for said in MARKS if any(row["said"] == said for row in rows)]
    legend = alt.Legend(orient="top", title=None, symbolSize=90, symbolOpacity=1)
    colour = alt.Color("said:N", scale=alt.Scale(domain=known, range=[MARKS[said][0] for said in known]), legend=legend)
    shape = alt.Shape("said:N", scale=alt.Scale(domain=known, range=[MARKS[said][1] for said in known]), legend=legend)
    stairs = base.transform_filter("datum.on").mark_line(color=COLOURS["agreement"], strokeWidth=2, interpolate="step", opacity=0.6)
    whiskers = base.mark_rule(opacity=0.45, strokeWidth=2).encode(y=alt.Y("low:Q", title=axis), y2="high:Q", color=colour)
    shares = {"value": axis, "low": "From", "high": "To"}
    told = [alt.Tooltip(f"{name}:Q", title=words, format=".0%") for name, words in shares.items()]
    dots = base.mark_point(filled=True, opacity=1, size=90).encode(
        y=y, color=colour, shape=shape, tooltip=["title:N", *told, "n:Q", alt.Tooltip("said:N", title="It is")]
    )  # fmt: skip
    words = base.mark_text(align="left", dx=9, dy=-9, fontSize=12, fontWeight=600)
    words = words.encode(y=y, color=colour, text=alt.Text("value:Q", format=".0%"))
    return _framed(alt.layer(whiskers, stairs.encode(y=y), dots, words), title).properties(height=370)


def rungs_wait(rungs: Sequence[Mapping[str, Any]], *, title: str) -> alt.LayerChart:
    """How long each step of the stairs above takes."""
    base = alt.Chart(pd.DataFrame([{"rung": one["title"], "ms": one["ms"]} for one in rungs])).encode(
        x=_rungs(), y=alt.Y("ms:Q", title="ms", axis=alt.Axis(tickCount=3, minExtent=48, maxExtent=48)),
    )  # fmt: skip
    bars = base.mark_bar(color=COLOURS["volume"], size=26, cornerRadiusTopLeft=3, cornerRadiusTopRight=3)
    words = base.mark_text(dy=-7, fontSize=12, color=COLOURS["volume"]).encode(text=alt.Text("ms:Q", format=".1f"))
    return _framed(alt.layer(bars, words), title).properties(height=230)


def _rungs() -> alt.X:
    """Aslant: twelve stand side by side, on a narrow screen too."""
    return alt.X("rung:O", title=None, sort=None, axis=alt.Axis(labelAngle=-35, labelFlush=False, labelOverlap=False, labelLimit=160))


def steps_in_time(rows: Sequence[Mapping[str, Any]], *, title: str) -> alt.LayerChart:
    """What a run did, each step when it began: how long is the bar's length, how it ended its colour and the word beside it."""
    frame = pd.DataFrame(rows)
    frame["said"] = frame["took"] + ", " + frame["state"]
    y = alt.Y("step:N", sort=list(frame["step"]), title=None, axis=alt.Axis(labelLimit=220))
    base = alt.Chart(frame).encode(y=y, tooltip=[alt.Tooltip("step:N", title="Step"), alt.Tooltip("said:N", title="Took")])
    scale = alt.Scale(domain=list(ENDS), range=list(ENDS.values()))
    room = alt.Scale(domain=[0, max(1.0, 1.2 * float(frame["ends"].max()))])  # for the words behind the last bar
    line = base.mark_bar(height=12, cornerRadius=2).encode(
        x=alt.X("starts:Q", title="Milliseconds of work since it began", axis=alt.Axis(grid=True), scale=room), x2="ends:Q",
        color=alt.Color("state:N", scale=scale, legend=None),
    )  # fmt: skip
    words = base.mark_text(align="left", dx=6, fontSize=11, color=COLOURS["words"]).encode(x="ends:Q", text="said:N")
    return alt.layer(line, words).properties(title=alt.Title(title, anchor="start", fontSize=14), height=115 + 24 * len(frame))


def _framed(chart: alt.LayerChart, title: str) -> alt.LayerChart:
    return chart.properties(title=alt.Title(title, anchor="start", fontSize=14), height=230)
