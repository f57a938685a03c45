"""The large part of Quality: the three sentences, the measure over time, why it moved, and the tiles to choose it by."""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

import streamlit as st

from data import access, behind, config
from data.amounts import Amount
from data.defined import Measure
from data.errors import Refused
from data.tables import Person
from data.trends import Grain, Point
from evals import brief, markers
from evals.causes import Marker
from portal import cached, findings, graphs, monitor_form, quality_figures, quality_links, widgets
from portal.graphs import Line
from portal.quality_asked import Asked
from portal.quality_controls import Names
from portal.quality_figures import Figure

BY_DAY = 100  # days; of longer periods the figures are read week by week
TONES = {"better": "green", "worse": "orange", "neither": "gray"}
METHOD = (
    "Shares with Wilson's interval, means with Student's, counts with Poisson's, medians by the values around them; 95 % each. A change is "
    "called more than chance where 99 of 100 periods without one show less, and days that differ more than single conversations would make "
    "them count for less. With fewer than 30 conversations nothing is said."
)


def sentences(found: brief.Brief | None) -> None:
    """What moved most, why, what it needs; computed beforehand."""
    with st.container(border=True, key="quality_brief", gap="small"):
        if found is None:
            st.markdown(
                ":material/hourglass_empty: What moved most, why, and what it needs stands here an hour after the first conversations "
                "were counted, and again whenever a day changed."
            )
            return
        told = [f"**{widgets.plain(found.moved)}**", widgets.plain(found.why), widgets.plain(found.needs)]
        st.markdown(" ".join(one for one in told if one.strip("*")))
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            for step in found.steps:
                quality_links.way(step.label, step.page, step.query, icon=":material/arrow_forward:")
            days = behind.span(found.since, found.until)
            st.caption(f"{days} against the four weeks before · told {widgets.when(found.at)}", help=widgets.exact(found.at))


# -- figures ------------------------------------------------------------------------------------------------------------------------------


def figure(measure: Measure, asked: Asked, person: Person) -> Figure:
    """In these days and in those before, and whether it moved by more than chance."""
    now = _amounts(measure, asked, person, asked.since, asked.ends)
    before = _amounts(measure, asked, person, *asked.before) if asked.compared else None
    return quality_figures.figure(measure, now, before)


def _amounts(measure: Measure, asked: Asked, person: Person, since: date, until: date) -> list[Amount]:
    grain: Grain = "day" if asked.length <= BY_DAY else "week"
    told = cached.series(measure.name, by=person, since=since, until=until, of=asked.of, grain=grain)
    return [one.amount for one in told]


def against(asked: Asked) -> str:
    return behind.span(*asked.before)


# -- the large one ------------------------------------------------------------------------------------------------------------------------


def large(measure: Measure, one: Figure, asked: Asked, person: Person, known: Names) -> None:
    """The line, what happened beside it, and the ways behind its points."""
    points = cached.series(
        measure.name, by=person, since=asked.drawn_since, until=asked.until, of=asked.of, grain=asked.grain
    )  # fmt: skip
    happened = cached.markers_of(by=person, since=asked.drawn_since, until=asked.until)
    part = known.told(asked.of)
    finding = findings.trend(one, against(asked))
    st.subheader(widgets.plain(f"{finding}{f' · {part}' if part else ''}"), anchor=False, help=widgets.plain(measure.definition))
    before = _before(measure, asked, person)
    line = Line(
        measure, points, asked.drawn_since, asked.until, before, [(_local(one), one) for one in happened],
        frozenset(point.day for point in points if not asked.is_over(point.day)), 7 if asked.grain == "week" else 1, graphs.is_dark(),
    )  # fmt: skip
    keys = {point.day.isoformat(): quality_links.of(measure.name, asked.of_point(point.day), asked.of) for point in points}
    quality_links.clickable(
        graphs.trend(line), keys, key=f"quality_line_{measure.name}_{hash(asked)}", alt_text=finding
    )  # fmt: skip
    _legend(asked, before, happened)
    _under(measure, asked, points, happened, keys, person)


def _before(measure: Measure, asked: Asked, person: Person) -> list[Point]:
    if not asked.compared:
        return []
    since, until = asked.drawn_before
    told = cached.series(measure.name, by=person, since=since, until=until, of=asked.of, grain=asked.grain)
    return [Point(one.day + asked.back, one.amount) for one in told]


def _local(marker: Marker) -> date:
    return marker.at.astimezone(ZoneInfo(config.settings().time_zone)).date()


def _legend(asked: Asked, before: Sequence[Point], happened: Sequence[Marker]) -> None:
    """How to read it."""
    told = ["Band: 95 %", "hollow: fewer than 30, or days not over"]
    if any(one.amount.n for one in before):
        told.append(f"dashed: {against(asked)}")
    st.caption(" · ".join(one for one in (*told, graphs.letters_of(happened)) if one))


def _under(
    measure: Measure, asked: Asked, points: Sequence[Point], happened: Sequence[Marker], keys: dict[str, behind.Behind], person: Person
) -> None:  # fmt: skip
    """The points as a list, what happened, how sure it all is, and the way to have it watched."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        days = 7 if asked.grain == "week" else 1
        some = [point for point in reversed(points) if point.amount.n]
        ways = {f"{graphs.point_words(one.day, days)}: {counted(measure, one.amount)}": keys[one.day.isoformat()] for one in some}
        quality_links.listed(ways, key="quality_line", asks=f"Open the conversations of a {asked.grain}")
        if happened:
            _what_happened(happened)
        with st.popover("How sure", icon=":material/help:", type="tertiary"):
            st.markdown(f"**{widgets.plain(measure.title)}.** {widgets.plain(measure.definition)}")
            st.caption(METHOD)
        if access.may(person, "monitor.change"):
            begun = monitor_form.address(measure.name, asked.of)
            st.page_link("screens/monitors.py", label="Have it watched", icon=":material/add_alert:", query_params=begun, width="content")


def counted(measure: Measure, one: Amount) -> str:
    return f"{quality_figures.value(measure, one.value)}, n\u00a0=\u00a0{one.n:,}"


def _what_happened(happened: Sequence[Marker], most: int = 30) -> None:
    with st.popover(f"What happened ({len(happened)})", icon=":material/event_note:", type="tertiary"):
        for one in list(reversed(happened))[:most]:
            said = f"{graphs.said(_local(one))}: {one.words[0].upper()}{one.words[1:]}"
            quality_links.way(f"{graphs.LETTERS.get(one.kind, '•')} {said}", one.page, {})
        if len(happened) > most:
            st.caption(f"And {len(happened) - most:,} more, further back.")


def explained(measure: Measure, asked: Asked, person: Person) -> None:
    """Why it moved, when somebody wants to know: it takes a moment."""
    if measure.kind not in ("share", "mean"):
        return
    if not st.toggle("Why did it move?", key="why", bind="query-params"):
        return
    weeks = 4 if asked.length <= 7 else 2 if asked.length <= 31 else 1
    since, until = asked.since - weeks * asked.back, asked.ends
    happened = markers.may_cause(cached.markers_of(by=person, since=since, until=until))
    try:
        with st.spinner("Looking at every part of it"):
            told = cached.why_of(
                measure.name, by=person, since=asked.since, until=asked.ends, weeks=weeks, markers=happened, of=asked.of
            )  # fmt: skip
    except Refused as refused:  # nothing to compare: the rest of the page stays
        st.info(widgets.plain(str(refused)), icon=":material/help:")
        return
    st.markdown("  \n".join(widgets.plain(one) for one in told))
    st.caption(
        f"{behind.span(asked.since, asked.ends)} beside {'the period' if weeks == 1 else f'the {weeks} periods'} of that length before."
    )


# -- the tiles ----------------------------------------------------------------------------------------------------------------------------


def tiles(figures: Sequence[Figure], chosen: str) -> None:
    """All measures, to choose the large one. What each means stands behind its name."""
    for group, some in quality_figures.grouped(figures).items():
        st.markdown(f"**{group}**")
        with st.container(horizontal=True, gap="small"):
            for one in some:
                _tile(one, chosen=one.measure.name == chosen)


def _tile(one: Figure, *, chosen: bool) -> None:
    with st.container(
        border=True, width=184, height="stretch", gap=None, key=f"quality_tile_{'chosen_' if chosen else ''}{_slug(one.measure.name)}"
    ):
        st.button(
            widgets.plain(one.measure.title), key=f"quality_choose_{one.measure.name}", type="tertiary",
            help=widgets.plain(one.measure.definition), on_click=_choose, args=(one.measure.title,),
            icon=":material/radio_button_checked:" if chosen else None,
        )  # fmt: skip
        sure = f"  \n:small[:gray[{widgets.plain(one.sure)}]]" if one.sure else ""
        st.markdown(f"{':gray[' if one.few else '**'}{widgets.plain(one.told)}{']' if one.few else '**'}{sure}")
        if one.few:
            st.caption("fewer than 30: too few to say")
        elif one.change:
            st.markdown(f":small[:{TONES[one.tone]}[{widgets.plain(one.change)}]]")


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def _choose(title: str) -> None:
    st.session_state["measure"] = title
