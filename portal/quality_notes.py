"""What people wrote on the timeline, below the line that it explains, and the form for another note."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from zoneinfo import ZoneInfo

import streamlit as st

from data import access, config, days, notes, people
from data.tables import Note, Person
from data.trends import Slice
from portal import acts, cached, quality_links, widgets
from portal.quality_asked import Asked
from portal.quality_controls import Names

KINDS = {notes.NOTE: "A note", notes.INCIDENT: "An incident"}
ICONS = {notes.NOTE: ":material/sticky_note_2:", notes.INCIDENT: ":material/report:"}


def timeline(asked: Asked, person: Person, known: Names) -> None:
    """The days' notes, newest first, and another one."""
    zone = ZoneInfo(config.settings().time_zone)
    written = notes.between(days.bounds(asked.since, zone)[0], days.bounds(asked.until, zone)[1], by=person)[::-1]
    if access.may(person, "note.write"):
        with st.popover("Note what happened", icon=":material/edit_note:", key=f"quality_note_{len(written)}", type="tertiary"):
            form(asked.of, person, known, widgets.local(datetime.now(UTC)).date())
    if written:
        with st.expander(f"Notes in these days: {len(written):,}", icon=":material/sticky_note_2:"):
            _listed(written, person, known)


def form(of: Slice, person: Person, known: Names, today: date) -> None:
    """It is about what the page shows; what a note cannot be about is left out."""
    about = Slice(channel=of.channel, intent=of.intent, team_id=of.team_id)
    with st.form("quality_note_form", border=False):
        text = st.text_input(
            "What happened", key="quality_note_text", max_chars=notes.LONGEST, placeholder="The article on refunds was wrong"
        )
        kind = st.segmented_control(
            "It is", list(KINDS), format_func=KINDS.__getitem__, default=notes.NOTE, key="quality_note_kind", required=True
        )
        day = st.date_input("On", value=today, max_value=today, key="quality_note_day")
        st.caption(
            f"About {known.told(about) or 'everything'}. It stands on the lines of Quality and in the digest; an incident is looked "
            "at when a change is explained."
        )
        if st.form_submit_button("Write it on the timeline", type="primary"):
            acts.attempt(
                lambda: notes.write(text, by=person, kind=kind or notes.NOTE, happened_at=_moment(day, today), of=about),
                done="It stands on the timeline.",
            )
            cached.forget()
            st.rerun()


def _moment(day: date, today: date) -> datetime | None:
    """Of today: now. Of another day: its noon, which is that day everywhere near."""
    if day == today:
        return None
    return datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(config.settings().time_zone))


def _listed(written: Sequence[Note], person: Person, known: Names) -> None:
    names = people.names()
    for note in written:
        told, way, back = st.columns([8, 1.2, 1.5], vertical_alignment="center")
        about = known.told(Slice(channel=note.channel or None, intent=note.intent_id or None))
        who = names.get(note.by_person_id or "", "a program")
        more = " · ".join(widgets.plain(one) for one in (about, who) if one)
        told.markdown(f"{ICONS[note.kind]} {widgets.plain(notes.told(note))}  \n:small[:gray[{widgets.when(note.happened_at)} · {more}]]")
        if note.page:
            with way:
                quality_links.way("Open", note.page, {})
        if notes.may_take_back(note, by=person) and back.button("Take back", key=f"quality_note_back_{note.id}", type="tertiary"):
            acts.attempt(partial(notes.take_back, note.id, by=person), done="Taken off the timeline.")
            cached.forget()
            st.rerun()
