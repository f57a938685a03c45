"""The row of controls of Quality. What is chosen stands in the address in the words that are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data import access, labels, people
from data.defined import Measure
from data.tables import Person
from data.trends import Slice
from portal import cached, quality_asked, widgets
from portal.quality_asked import GRAINS, OWN, PERIODS, Asked

NOBODY = {"intent": "No intent yet", "segment": "No segment", "language": "Unknown language", "team": "No team", "channel": "Unknown"}
FIELDS = {  # dimension -> its words, and the order in which an address is believed
    "channel": "Channel", "intent": "Intent", "segment": "Segment", "language": "Language", "version": "Version", "team": "Team",
}  # fmt: skip
IN_ROW = ("channel", "intent")
Choices = Mapping[str, Mapping[str, str]]  # dimension -> words -> key


@dataclass(frozen=True)
class Names:
    """What people call the parts, by key."""

    intents: Mapping[str, str]
    teams: Mapping[str, str]

    def of(self, dimension: str, key: str) -> str:
        if not key:
            return NOBODY.get(dimension, "Unknown")
        if dimension == "version":
            return version_words(key)
        known = {"intent": self.intents, "team": self.teams, "channel": widgets.CHANNEL_WORDS}.get(dimension, {})
        return known.get(key, key)

    def told(self, of: Slice) -> str:
        """ "Refund, Chat"; empty: everything."""
        return ", ".join(self.of(name, key) for name, key in of.told.items())


def names() -> Names:
    return Names(labels.names(), people.teams())


def version_words(key: str) -> str:
    """ "recipe:refunds@4" as people read it; two kinds may have the same name."""
    kind, _, rest = key.partition(":")
    name, _, number = rest.rpartition("@")
    return f"{kind.capitalize()} {name} {number}"


def asked(row: DeltaGenerator, person: Person, known: Names, *, today: date) -> Asked | None:
    """The controls, and what they ask. None: somebody has only begun to choose days."""
    with row:
        period = st.selectbox("Period", [*PERIODS, OWN], index=1, key="period", bind="query-params", width=120, on_change=_usual_grain)
        own = st.date_input("Days", value=(), max_value=today, key="days", bind="query-params", width=220) if period == OWN else ()  # type: ignore[call-overload]
        days = quality_asked.days_of(period, own if isinstance(own, tuple) else (own,), today=today)
        length = (days[1] - days[0]).days if days else 0
        usual = quality_asked.usual_grain(length)
        by = st.segmented_control("A point is a", list(GRAINS), key="by", bind="query-params", default=usual, required=True)
        if days is None:
            st.caption("Choose the last day too.")
            return None
        told = _parts(person, known, days)
        compared = st.checkbox(
            "Compare",
            value=True,
            help="With the period before: a dashed line, and whether each figure moved by more than chance.",
            key="compare",
            bind="query-params",
        )
    of = quality_asked.slice_of(told)
    return quality_asked.asked(days, today=today, grain=GRAINS[by or usual], of=of, compared=compared)


def _usual_grain() -> None:
    """A year by day is a wall of dots: another period comes with the points that suit it."""
    st.session_state["by"] = quality_asked.usual_grain(PERIODS.get(st.session_state["period"], 0))


def _parts(person: Person, known: Names, days: tuple[date, date]) -> dict[str, str]:
    """Of which conversations. What is not counted together with what is chosen rests."""
    choices = _choices(person, known, days)
    wanted = {name: choices[name][words] for name in choices if (words := _chosen(name)) in choices[name]}
    told = quality_asked.that_fit(wanted)
    for name in IN_ROW:
        _choice(name, choices[name], told)
    further = [name for name in choices if name not in IN_ROW]
    active = [f"{FIELDS[name].lower()} {known.of(name, told[name])}" for name in further if name in told]
    with st.popover(widgets.plain(", ".join(active)) if active else "More", icon=":material/filter_alt:", key="quality_more"):
        for name in further:
            _choice(name, choices[name], told)
        st.caption(
            "Channel and intent are counted together, and intent and version; segment and language each alone. A team goes with each."
        )
    if dropped := [FIELDS[name].lower() for name in wanted if name not in told]:
        st.caption(f"Not counted together with the rest, so left out: {', '.join(dropped)}.")
    return told


def _chosen(name: str) -> str:
    kept = st.session_state.get(name)
    return str(kept if kept is not None else st.query_params.get(name, ""))


def _choice(name: str, options: Mapping[str, str], told: Mapping[str, str]) -> None:
    alone = name not in told and not quality_asked.fits({*told, name})
    why = f"Not counted together with {' and '.join(FIELDS[one].lower() for one in told)}. Take that away first." if alone else None
    st.selectbox(
        FIELDS[name], list(options), index=None, key=name, bind="query-params", placeholder="All", disabled=alone, help=why,
        width=120 if name in IN_ROW else "stretch",
    )  # fmt: skip


def _choices(person: Person, known: Names, days: tuple[date, date]) -> Choices:
    """What there is in these days, by the words for it."""
    found = {}
    dimensions: Sequence[str] = [name for name in FIELDS if name != "team" or access.require(person, "measure.read") == access.ALL]
    for name in dimensions:
        there = cached.broken_down("volume", by=person, since=days[0], until=days[1], along=name)
        keys = sorted((str(key) for key in there), key=lambda key, name=name: (not key, known.of(name, key).casefold()))  # type: ignore[misc]
        found[name] = {known.of(name, key): key for key in keys}
    if "channel" in found:
        found["channel"] = {words: key for words, key in found["channel"].items() if key}
    return found


def measure(place: DeltaGenerator, there: Sequence[Measure], moved: str) -> Measure:
    """The one that is drawn large: what was chosen, else what moved most, else whether customers were helped."""
    by_title = {one.title: one for one in there}
    names = [one.name for one in there]
    first = next((names.index(name) for name in (moved, "resolution") if name in names), 0)
    if st.session_state.get("measure", next(iter(by_title))) not in by_title:  # nothing of it in these days
        del st.session_state["measure"]
    title = place.selectbox("Measure", list(by_title), index=first, key="measure", bind="query-params", width=200)
    return by_title[title]
