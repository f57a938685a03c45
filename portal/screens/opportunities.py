"""Opportunities: what could be automated, what it would save, and what that is known from. One click begins a use case."""

import streamlit as st

from automations import opportunities
from portal import acts, jobs, opportunity_list, opportunity_words, widgets

person = st.session_state["person"]
HOW = (
    "People's minutes a week = conversations a week × the mean minutes of people × the share that a machine could take. That share is the "
    "better of two ways: to say what people mostly say, or what articles say; times how often the machine recognises the intent. Where "
    "money moves or the policy has machines propose, half is counted, since a person says yes to each; what is people's work counts for "
    "nothing. The range is where the true figure lies 95 times of 100, as far as these four weeks tell."
)


def look_now() -> None:
    task = widgets.newest_job(opportunities.JOB, by=person)
    under_way = bool(task and task.state in ("waiting", "running"))
    if st.button("Look now", icon=":material/refresh:", key="opportunities_look", disabled=under_way):
        acts.attempt(lambda: jobs.start(opportunities.JOB, {}, title="Look for what could be automated", by=person))
        st.rerun()
    if task and task.state != "done":
        widgets.follow(task, by=person)


told = opportunities.newest(by=person)
widgets.page("Opportunities", opportunity_words.head(told))
if told is not None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        found_at = f"Found {widgets.when(told.at)}."
        st.caption(f"{widgets.plain(opportunity_words.whose(told))} {found_at}", help=HOW, width="stretch")
        with st.container(width="content"):
            look_now()
if told is None or not told.found:
    st.info(
        "Nothing was found yet. The portal looks each night at the last four whole weeks: it needs conversations with an intent, from a "
        "classifier or from reviews, and says more once the help desk tells handling times and articles are published.",
        icon=":material/lightbulb:",
    )
    if told is None:
        look_now()
else:
    opportunity_list.show(told, person)
