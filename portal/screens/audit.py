"""Audit: what was done, by whom, and whether the record is as it was written."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from data import access, audit, config, downloads, people
from portal import acts, session, widgets

SIZE = 100

person = st.session_state["person"]
reach = access.reach(person, "audit.read")
whose = {access.OWN: "what you did", access.TEAM: "what your team did", access.ALL: "what everybody did"}[reach]
widgets.page("Audit", f"The record of {whose}, newest first. Entries are chained, and the end of the chain is noted outside the database.")

who = people.names()
choices = audit.choices(by=person)
row = st.columns([2, 1.4, 1.4, 1.4, 1.6])
words = row[0].text_input("Words", key="words", bind="query-params", placeholder="In the sentence", icon=":material/search:")
whom = row[1].selectbox("Who", sorted(who, key=who.get), format_func=who.get, index=None, placeholder="Everybody", key="audit_who")
verb = row[2].selectbox("What", choices["verb"], index=None, placeholder="Any act", key="audit_verb", format_func=str.capitalize)
noun = row[3].selectbox(
    "On what",
    choices["noun"],
    index=None,
    placeholder="Anything",
    key="audit_noun",
    format_func=lambda one: one.replace("_", " ").capitalize(),
)
days = row[4].date_input("When", value=(), key="audit_days")
zone = ZoneInfo(config.settings().time_zone)
since = datetime.combine(days[0], time.min, zone) if len(days) > 0 else None
until = datetime.combine(days[1], time.min, zone) + timedelta(days=1) if len(days) > 1 else None
found = audit.Filter(person_id=whom, noun=noun, verb=verb, words=words or "", since=since, until=until)

count = audit.counted(by=person, found=found)
pages = max((count - 1) // SIZE + 1, 1)
foot = st.columns([3, 1, 1.4, 1.4], vertical_alignment="bottom")
page = foot[1].number_input("Page", 1, pages, 1, key="audit_page") if pages > 1 else 1
foot[0].markdown(f"**{count:,}** {'entry' if count == 1 else 'entries'}")
entries = audit.newest(by=person, most=SIZE, page=page - 1, found=found)
if foot[2].button("Download", icon=":material/download:", disabled=not entries, width="stretch"):
    kept: dict[str, str] = {}

    def act() -> None:
        key = downloads.keep(audit.as_csv(by=person, found=found, names=who), "csv")
        kept["ticket"] = downloads.offer(key, "audit.csv", by=person, right="audit.read")

    if acts.attempt(act):
        session.go(f"/api/v1/downloads/{kept['ticket']}")
if reach == access.ALL and foot[3].button("Check the record", icon=":material/verified_user:", width="stretch"):
    broken = audit.broken()
    if broken is None:
        st.success("The record holds: every entry is as it was written, and none is missing.", icon=":material/verified_user:")
    else:
        st.error(f"Entry {broken.number:,} {broken.why}. Tell an admin, and compare with a backup.", icon=":material/gpp_bad:")

if entries:
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
        height=480,
        column_config={"What": st.column_config.TextColumn(width="large")},
    )
else:
    st.info("Nothing fits. Take a filter away.", icon=":material/search_off:")
