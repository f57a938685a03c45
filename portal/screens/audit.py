"""Audit: what was done, by whom, and whether the record is as it was written."""

import pandas as pd
import streamlit as st

from data import access, audit, people
from portal import widgets

person = st.session_state["person"]
reach = access.reach(person, "audit.read")
whose = {access.OWN: "what you did", access.TEAM: "what your team did", access.ALL: "what everybody did"}[reach]
widgets.page("Audit", f"The record of {whose}, newest first. Entries are chained, so that a change by hand is noticed.")

entries = audit.newest(by=person)
who = people.names()
st.dataframe(
    pd.DataFrame(
        {
            "No.": [entry.number for entry in entries],
            "When": [widgets.exact(entry.at) for entry in entries],
            "Who": [who.get(entry.by_person_id or "", "the portal") for entry in entries],
            "What": [entry.sentence for entry in entries],
        }
    ),
    hide_index=True,
    height=560,
    column_config={"What": st.column_config.TextColumn(width="large")},
)
st.caption(f"The latest {len(entries):,} entries.")
if reach == access.ALL and st.button("Check the record", icon=":material/verified_user:"):
    broken = audit.first_broken()
    if broken is None:
        st.success("The record holds: every entry is as it was written.", icon=":material/verified_user:")
    else:
        st.error(f"Entry {broken} is not as it was written. Tell an admin, and compare with a backup.", icon=":material/gpp_bad:")
