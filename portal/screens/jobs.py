"""Jobs: what runs in the background, and how it ended."""

import streamlit as st

from data import access, people, tasks
from portal import acts, beat, widgets

person = st.session_state["person"]
widgets.page("Jobs", "What runs in the background. It goes on when you leave, and after a restart.")

age = beat.worker_age()
if age is None or age > 15:
    st.warning(
        "The worker on this machine has not been seen lately, so jobs wait. It is started again by itself; an engineer sees why in the log."
    )


@st.fragment(run_every=1.0)
def listing() -> None:
    recent = tasks.recent(by=person)
    if not recent:
        st.info("Nothing has run yet. Imports, trainings and comparisons appear here.", icon=":material/pending_actions:")
    who = people.names()
    for task in recent:
        line, asked, action = st.columns([5, 2, 1.2], vertical_alignment="center")
        with line:
            widgets.job_line(task)
        asked.caption(f"{widgets.plain(who.get(task.person_id or '', 'the portal'))}, {widgets.when(task.at)}", help=widgets.exact(task.at))
        ended_badly = task.state in ("failed", "parked", "cancelled")
        if ended_badly and access.may(person, "task.retry") and action.button("Try again", key=f"jobs_retry_{task.id}"):
            acts.attempt(lambda task=task: tasks.retry(task.id, by=person), done="It waits for the worker.")
            st.rerun()
        can_stop = task.state in ("waiting", "running") and not task.cancel_asked and task.name != "carry_out"
        if can_stop and access.may(person, "task.cancel") and action.button("Cancel", key=f"jobs_cancel_{task.id}"):
            acts.attempt(lambda task=task: tasks.cancel(task.id, by=person), done="Cancelled. What it had kept by then stays.")
            st.rerun()


listing()
