"""Quality: is it getting better, why not, and which conversations say so."""

import streamlit as st

from data import access
from data.values import now
from evals import brief
from portal import cached, quality_asked, quality_controls, quality_notes, quality_parts, quality_trend, widgets

person = st.session_state["person"]
widgets.page("Quality", "What customers got, what machines did, what it took. A click on any mark opens the conversations behind it.")

told = brief.newest(by=person)
quality_trend.sentences(told)

known = quality_controls.names()
row = st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="quality_row")
first = row.container(width=200)  # the measure's: which there are hangs on the days
asked = quality_controls.asked(row, person, known, today=widgets.local(now()).date())
if asked is None:
    st.stop()
measures = cached.measured(person, asked.since, asked.ends)
if not measures:
    asked = quality_asked.with_today(asked)
    measures = cached.measured(person, asked.since, asked.ends)
if not measures:
    st.info(
        "No conversation came in these days. Choose a longer period, or import some, and the weeks appear here within a minute.",
        icon=":material/monitoring:",
    )
    if access.may(person, "conversation.import"):
        st.page_link("screens/imports.py", label="Import conversations", icon=":material/upload_file:")
    st.stop()
if not cached.measured(person, *asked.begins_before):  # the portal began later: that is no comparison
    if asked.compared:
        row.caption("Nothing came yet when the period before began.")
    asked = quality_asked.alone(asked)

chosen = quality_controls.measure(first, measures, told.measure if told else "")
figure = quality_trend.figure(chosen, asked, person)
quality_trend.large(chosen, figure, asked, person, known)
quality_trend.explained(chosen, asked, person)
quality_notes.timeline(asked, person, known)

figures = [quality_trend.figure(one, asked, person) for one in measures]
quality_trend.tiles(figures, chosen.name)
quality_parts.by_intent(chosen, asked, person, known)
with st.container(horizontal=True, gap="large"):
    with st.container(key="quality_half_left"):
        quality_parts.through(asked, person)
        quality_parts.worth(asked, person)
    with st.container(key="quality_half_right"):
        quality_parts.map_of(chosen, asked, person, known)
quality_parts.table(figures, asked, person, known)
