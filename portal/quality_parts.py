"""The lower part of Quality: intents side by side, the funnel, intent by channel, what it was worth, and everything as a table."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pandas as pd
import streamlit as st

from data import behind, downloads
from data.amounts import Amount, total
from data.defined import Measure
from data.exports import cells
from data.tables import Person
from data.trends import Key, Point
from portal import acts, cached, findings, graphs, quality_asked, quality_figures, quality_links, session, widgets
from portal.graphs import Line
from portal.quality_asked import Asked
from portal.quality_controls import Names
from portal.quality_figures import Figure

MOST = 8  # intents side by side
ROWS = 16  # of the heat map
POINTS = 13  # of a small chart
WEEKS_FROM = 20  # days; an intent's single days hold too few


def by_intent(measure: Measure, asked: Asked, person: Person, known: Names) -> None:
    """The most frequent intents, each over time, on one scale."""
    if asked.of.intent is not None or not quality_asked.fits({*asked.of.told, "intent"}):
        return
    parts = cached.broken_down(measure.name, by=person, since=asked.since, until=asked.ends, along="intent", of=asked.of)
    frequent = most_frequent(parts, MOST)
    if not frequent:
        return
    shown_parts = {key: parts[key] for key in frequent}
    st.subheader(widgets.plain(findings.multiples(measure.title, shown_parts, known.intents)), anchor=False)
    shown = _points_of(asked)
    lines = {key: _points(measure, shown.in_part(intent=key), person) for key in frequent}
    days = _days(shown)
    domain = graphs.shared_domain(measure, list(lines.values()))
    whole = _whole(measure, parts)
    by = {1: "day", 7: "week"}.get(days, f"{days // 7} weeks")
    which = "The most frequent" if len(frequent) == MOST else "All there are"
    beyond = any(graphs.beyond(one.amount, domain) for points in lines.values() for one in points)
    st.caption(
        f"{which}, by {by}{'' if whole is None else '; dashed: all conversations'}{'; arrow: beyond the scale' if beyond else ''}. "
        "A name opens its conversations."
    )
    with st.container(horizontal=True):
        for place, key in enumerate(frequent):
            with st.container(key=f"quality_part_{place}", gap=None):
                line = Line(measure, lines[key], shown.drawn_since, asked.ends, days=days, dark=graphs.is_dark(), small=True)
                _small(line, f"{known.of('intent', key)} · {quality_figures.value(measure, parts[key].value)}", asked.in_part(intent=key))
                _clickable(line, key, domain, whole, asked.in_part(intent=key))


def _points_of(asked: Asked) -> Asked:
    """An intent's single days hold too few."""
    return asked.of_whole_days("week" if asked.length > WEEKS_FROM else "day")


def _days(shown: Asked) -> int:
    """That a point stands for: so many weeks that there are not more points than can be told apart."""
    return 1 if shown.grain == "day" else 7 * -(-shown.length // (7 * POINTS))


def _points(measure: Measure, shown: Asked, person: Person) -> list[Point]:
    told = cached.series(measure.name, by=person, since=shown.drawn_since, until=shown.ends, of=shown.of, grain=shown.grain)
    return bundled(measure, told, max(1, _days(shown) // 7))


def bundled(measure: Measure, points: Sequence[Point], size: int) -> list[Point]:
    """So many of them as one."""
    return [
        Point(points[place].day, total((one.amount for one in points[place : place + size]), measure.nothing))
        for place in range(0, len(points), size)
    ]  # fmt: skip


def _small(line: Line, told: str, part: Asked) -> None:
    query = behind.address(quality_links.of(line.measure.name, (part.since, part.ends), part.of))
    quality_links.way(told, "conversations", query)


def _clickable(line: Line, key: str, domain: tuple[float, float], whole: float | None, part: Asked) -> None:
    spans = {one.day: (one.day, min(one.day + timedelta(days=line.days - 1), part.ends)) for one in line.points}
    keys = {day.isoformat(): quality_links.of(line.measure.name, span, part.of) for day, span in spans.items()}
    quality_links.clickable(
        graphs.small(line, domain, whole),
        keys,
        key=f"quality_small_{line.measure.name}_{key}_{hash(part)}",
        alt_text=f"{line.measure.title} over time",
    )


def _whole(measure: Measure, parts: Mapping[Key, Amount]) -> float | None:
    if measure.kind in ("count", "sum", "quantile"):
        return None
    return total(parts.values(), measure.nothing).value


def most_frequent(parts: Mapping[Key, Amount], most: int) -> list[str]:
    """Those that have a name, most conversations first."""
    return sorted((str(key) for key in parts if key and parts[key].n), key=lambda key: -parts[key].n)[:most]


# -- funnel and heat map ------------------------------------------------------------------------------------------------------------------


def through(asked: Asked, person: Person) -> None:
    """Arrived, classified, answered, accepted, resolved."""
    stages = cached.funnel(by=person, since=asked.since, until=asked.ends, of=asked.of)
    finding = findings.funnel(stages)
    st.subheader(widgets.plain(finding), anchor=False)
    if not stages[0].amount.n:
        return
    keys = {one.measure.name: quality_links.of(one.measure.name, (asked.since, asked.ends), asked.of) for one in stages}
    ways = {
        f"{one.measure.title if place else 'Arrived'}: {one.amount.n:,}": keys[one.measure.name]
        for place, one in enumerate(stages) if one.amount.n
    }  # fmt: skip
    quality_links.drawn(
        graphs.funnel(stages, dark=graphs.is_dark()),
        ways,
        keys,
        key=f"quality_funnel_{hash(asked)}",
        alt_text=finding,
        asks="Open the conversations of a stage",
    )
    st.caption("Beside each bar the share of the stage before. " + " ".join(
        f"{one.measure.title}: {one.measure.definition}" for one in stages[1:4]
    ))  # fmt: skip


def map_of(measure: Measure, asked: Asked, person: Person, known: Names) -> None:
    """Intent by channel."""
    if set(asked.of.told) - {"team"}:
        return
    found = cached.broken_down(
        measure.name, by=person, since=asked.since, until=asked.ends, along=("intent", "channel"), of=asked.of
    )  # fmt: skip
    cells_told = {(str(key[0]), str(key[1])): one for key, one in found.items() if one.n}
    if not cells_told:
        return
    rows = sorted_rows(measure, cells_told)[:ROWS]
    cells_told |= _wholes(measure, rows, asked, person)
    finding = f"{measure.title}, intent by channel"
    st.subheader(widgets.plain(finding), anchor=False)
    keys = {
        f"{intent}|{channel}": quality_links.of(measure.name, (asked.since, asked.ends), _of_cell(asked, intent, channel).of)
        for intent, channel in cells_told
    }
    frequent = sorted(cells_told, key=lambda key: -cells_told[key].n)
    ways = {_cell_words(measure, key, cells_told[key], known): keys["|".join(key)] for key in frequent}
    chart = graphs.heat(measure, cells_told, known.intents, rows, dark=graphs.is_dark())
    quality_links.drawn(
        chart, ways, keys, key=f"quality_heat_{measure.name}_{hash(asked)}", alt_text=finding, asks="Open the conversations of a cell"
    )
    st.caption("Grey: fewer than 30 conversations, too few to say. Stronger blue is more. Sorted by 'All': what needs a look first.")


def _wholes(measure: Measure, rows: Sequence[str], asked: Asked, person: Person) -> dict[tuple[str, str], Amount]:
    """Each row over all channels: what the rows are sorted by."""
    parts = cached.broken_down(measure.name, by=person, since=asked.since, until=asked.ends, along="intent", of=asked.of)
    return {(intent, graphs.WHOLE): parts[intent] for intent in rows if intent in parts}


def _of_cell(asked: Asked, intent: str, channel: str) -> Asked:
    return asked.in_part(intent=intent) if channel == graphs.WHOLE else asked.in_part(intent=intent, channel=channel)


def _cell_words(measure: Measure, key: tuple[str, str], one: Amount, known: Names) -> str:
    channel = "all channels" if key[1] == graphs.WHOLE else known.of("channel", key[1])
    where = f"{known.of('intent', key[0])}, {channel}"
    return f"{where}: {quality_figures.value(measure, one.value)}, n\u00a0=\u00a0{one.n:,}"


def sorted_rows(measure: Measure, told: Mapping[tuple[str, str], Amount]) -> list[str]:
    """The worst that say something first, then the rest by how many they are; what has no intent yet last."""
    whole: dict[str, list[Amount]] = {}
    for (intent, _), one in told.items():
        whole.setdefault(intent, []).append(one)
    both = {intent: total(some, measure.nothing) for intent, some in whole.items()}
    frequent = sorted((intent for intent in both if intent), key=lambda intent: -both[intent].n)[:ROWS]
    sign = 1.0 if measure.better == "more" else -1.0

    def place(intent: str) -> tuple[bool, float, int]:
        one = both[intent]
        sure = graphs.says_something(measure, one) and one.value is not None
        return not sure, sign * (one.value or 0.0) if sure else 0.0, -one.n

    return [*sorted(frequent, key=place), *([""] if "" in both else [])]


# -- worth and table ----------------------------------------------------------------------------------------------------------------------


def worth(asked: Asked, person: Person) -> None:
    """What the machines gave back, moved and cost."""
    if set(asked.of.told) - {"team", "channel"}:
        return
    st.subheader("What it was worth", anchor=False)
    found = cached.worth_of(by=person, since=asked.since, until=asked.ends, of=asked.of)
    nothing = "No conversation was resolved without a person in these days."
    st.markdown(widgets.plain(found.sentence if found.resolved.n else nothing))
    told = [f"moved {one.value or 0:,.2f} {currency}" for currency, one in found.money.items() if one.n]
    if found.cost.n:
        told.append(f"models cost {found.cost.value or 0:,.2f}")
    with st.container(horizontal=True, vertical_alignment="center"):
        if told:
            st.markdown(widgets.plain(f"They {' and '.join(told)}." if len(told) < 3 else f"They {', '.join(told)}."))
        with st.popover("How it is counted", icon=":material/help:", type="tertiary"):
            st.markdown(widgets.plain(found.method))
            if found.borrowed:
                st.caption(f"{found.borrowed:,} of the conversations count for the median over all intents.")


def table(figures: Sequence[Figure], asked: Asked, person: Person, known: Names) -> None:
    """Every figure of the page, to look up, to open and to take along."""
    with st.expander("The numbers as a table", icon=":material/table:"):
        frame = as_table(figures)
        event = st.dataframe(
            frame, hide_index=True, height="content", on_select="rerun", selection_mode="single-row", key=f"quality_table_{hash(asked)}"
        )
        if rows := event["selection"]["rows"]:
            one = figures[rows[0]]
            quality_links.opened(quality_links.of(one.measure.name, (asked.since, asked.ends), asked.of))
        with st.container(horizontal=True, vertical_alignment="center"):
            ways = {
                f"{one.measure.title}: {one.told}": quality_links.of(one.measure.name, (asked.since, asked.ends), asked.of)
                for one in figures if one.now.n
            }  # fmt: skip
            quality_links.listed(ways, key="quality_table", asks="Open the conversations of a measure")
            if st.button("Download", icon=":material/download:", key="quality_download"):
                _download(figures, asked, person, known)
        st.caption("The download holds each measure in these days and in those before, and day by day or week by week.")


def as_table(figures: Sequence[Figure]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Measure": [one.measure.title for one in figures],
            "Value": [one.told for one in figures],
            "95 %, sample": [one.sure or "–" for one in figures],
            "Before": [quality_figures.value(one.measure, one.before.value) if one.before and one.before.n else "–" for one in figures],
            "Change": [one.change or "–" for one in figures],
        }
    )


def _download(figures: Sequence[Figure], asked: Asked, person: Person, known: Names) -> None:
    kept: dict[str, str] = {}

    def act() -> None:
        key = downloads.keep(as_csv(figures, asked, person, known).encode(), "csv")
        kept["ticket"] = downloads.offer(key, "quality.csv", by=person, right="measure.read")

    if acts.attempt(act):
        session.go(f"/api/v1/downloads/{kept['ticket']}")


def as_csv(figures: Sequence[Figure], asked: Asked, person: Person, known: Names) -> str:
    """One line a figure: whole periods first, then each day or week. Shares are from 0 to 1, times in seconds."""
    part = known.told(asked.of)
    lines = [["measure", "unit", "part", "from", "until", "value", "low", "high", "n"]]
    for one in figures:
        lines.append(_line(one.measure, part, asked.since.isoformat(), asked.ends.isoformat(), one.now))
        if one.before is not None:
            since, until = asked.before
            lines.append(_line(one.measure, part, since.isoformat(), until.isoformat(), one.before))
    for one in figures:
        told = cached.series(
            one.measure.name, by=person, since=asked.drawn_since, until=asked.until, of=asked.of, grain=asked.grain
        )  # fmt: skip
        for point in told:
            first, last = asked.of_point(point.day)
            lines.append(_line(one.measure, part, first.isoformat(), last.isoformat(), point.amount))
    return "".join(",".join(map(cells.cell, line)) + "\r\n" for line in lines)


def _line(measure: Measure, part: str, since: str, until: str, one: Amount) -> list[str]:
    around = one.interval or (None, None)
    figures = ["" if number is None else f"{number:.6g}" for number in (one.value, *around)]
    return [measure.title, measure.unit, part, since, until, *figures, str(one.n)]
