"""What is watched, a line for each monitor: its name, how it stands, its last figures, and its last weeks as a small picture."""

from collections.abc import Sequence
from datetime import timedelta

import streamlit as st

from data import access, people
from data.errors import Refused
from data.tables import Person
from data.values import now
from evals import monitors
from evals.monitors import NONE, Watched
from portal import monitor_drawn, monitor_words, widgets

PAGE = 12
READS = monitor_drawn.SPARK + 30  # days: the line, and what it is held against
EVERY, ALERT, LOOKING, ASLEEP, ARMED, MINE = "all", "alert", "looking", "asleep", "armed", "mine"
SHOWN = {EVERY: "All", ALERT: "Alert", LOOKING: "Looking", ASLEEP: "Snoozed", ARMED: "Armed", MINE: "Mine"}
PARTS = [3, 3, 1.3]


def sentence(found: Sequence[Watched]) -> str:
    """Under the title."""
    if not found:
        return "Have a measure watched, and somebody hears of it when it moves, with the numbers and since when."
    open_ = sum(one.alert is not None for one in found)
    many = f"{len(found):,} {'measure is' if len(found) == 1 else 'measures are'} watched"
    alerts = "none has an alert" if not open_ else "one has an alert" if open_ == 1 else f"{open_:,} have an alert"
    return f"{many}, day by day; {alerts}.{' Look at what has one first.' if open_ else ''}"


def begin() -> None:
    """The one thing that most come here for."""
    if st.button("Have a measure watched", type="primary", icon=":material/add_alert:", key="monitors_new"):
        st.query_params.from_dict({"new": "1"})
        st.rerun()


def show(found: Sequence[Watched], person: Person) -> None:
    if not found:
        who = "" if access.may(person, "monitor.change") else " Leads and engineers begin one."
        st.info(
            "Nothing is watched yet. A monitor looks at one measure each day and tells its owner when it surely fell, rose, or broke "
            f"what was promised.{who}",
            icon=":material/notifications:",
        )  # fmt: skip
        return
    chosen = _chosen(found, person)
    pages = -(-len(chosen) // PAGE)
    page = (st.pagination(pages, key=f"monitors_pages_{len(chosen)}") if pages > 1 else 1) or 1
    for one in chosen[(page - 1) * PAGE : page * PAGE]:
        _line(one, person)
    if not chosen:
        st.info("No monitor is like that just now.", icon=":material/search_off:")


def _chosen(found: Sequence[Watched], person: Person) -> list[Watched]:
    """Those that the filter leaves; alerts first."""
    kinds = {one.monitor.id: _kinds(one, person) for one in found}
    counts = {name: sum(name in told for told in kinds.values()) for name in SHOWN}
    there = [name for name in SHOWN if counts[name] or name == EVERY]
    shown = st.segmented_control(
        "Show", there, default=EVERY, required=True, label_visibility="collapsed", key="monitors_shown",
        format_func=lambda name: f"{SHOWN[name]} {counts[name]:,}",
    ) if len(there) > 1 else EVERY  # fmt: skip
    left = [one for one in found if (shown or EVERY) in kinds[one.monitor.id]]
    return sorted(left, key=lambda one: (one.alert is None, one.monitor.name.lower()))


def _kinds(one: Watched, person: Person) -> set[str]:
    told = {EVERY, monitor_words.standing(one, now()).name}
    told |= {ASLEEP} if monitor_words.is_asleep(one.monitor, now()) else set()
    told |= {ARMED} if one.definition.arms != NONE else set()
    return told | ({MINE} if one.monitor.owner_id == person.id else set())


def _line(one: Watched, person: Person) -> None:
    monitor, stands = one.monitor, monitor_words.standing(one, now())
    armed = " :violet-badge[:material/bolt: armed]" if one.definition.arms != NONE else ""
    asleep = " :gray-badge[:material/notifications_paused: snoozed]" if one.alert and monitor_words.is_asleep(monitor, now()) else ""
    with st.container(border=True, key=f"monitors_line_{monitor.id}"):
        left, right, drawn = st.columns(PARTS, vertical_alignment="center")
        with left.container(gap=None):
            if st.button(f"**{widgets.plain(monitor.name)}**", key=f"monitors_open_{monitor.id}", type="tertiary"):
                st.query_params.from_dict({"monitor": monitor.id})
                st.rerun()
            owner = people.names().get(monitor.owner_id, "somebody who left")
            st.caption(f"{widgets.plain(monitor_words.looks_for(one.definition))} Told to {widgets.plain(owner)}.")
        with right.container(gap="xsmall"):
            st.markdown(f":{stands.colour}-badge[{stands.icon} {stands.words}]{armed}{asleep}")
            st.markdown(f":small[{widgets.plain(_told(one))}]")
        if small := _spark(one, person):
            drawn.image(small.picture, width=monitor_drawn.WIDE, alt=small.words)


def _told(one: Watched) -> str:
    """Its last figures, or why there are none."""
    said = (one.alert.sentence if one.alert else one.monitor.said) or "It looks once the day is over."
    return f"{said[:1].upper()}{said[1:].rstrip('.')}."


def _spark(one: Watched, person: Person) -> monitor_drawn.Spark | None:
    last = monitors.last_day(one.definition.measure)
    try:
        days = monitors.days(one.definition, last, by=person, reads=READS)
    except Refused:  # of another team by now: its line says so
        return None
    first = last - timedelta(days=READS)
    return monitor_drawn.spark(one.definition, [day for day in days if day.day > first], one.alert)
