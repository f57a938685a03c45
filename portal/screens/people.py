"""People: who has an account, in which role and team."""

import pandas as pd
import streamlit as st

from data import access, people
from portal import acts, cached, widgets

person = st.session_state["person"]
everybody = people.everybody(by=person)
teams = people.teams()
widgets.page(
    "People",
    f"{sum(1 for one in everybody if not one.disabled_at)} people have an account. "
    "Leads and admins are added on the console: portal user add.",
)

st.dataframe(
    pd.DataFrame(
        {
            "Name": [one.name for one in everybody],
            "Role": [one.role.capitalize() for one in everybody],
            "Team": [teams.get(one.team_id or "", "–") for one in everybody],
            "E-mail": [one.email for one in everybody],
            "Account": ["disabled" if one.disabled_at else "demo" if one.demo else "active" for one in everybody],
        }
    ),
    hide_index=True,
    height="content",
)

if access.may(person, "person.add"):
    with st.form("people_add"):
        st.subheader("Add a rep or an engineer", anchor=False)
        row = st.columns(2)
        name = row[0].text_input("Name")
        email = row[1].text_input("E-mail")
        role = row[0].selectbox("Role", ["rep", "engineer"], format_func=str.capitalize)
        team_id = row[1].selectbox("Team", list(teams), format_func=teams.get, index=None, placeholder="No team")
        password = st.text_input(f"First password, at least {people.SHORTEST_PASSWORD} characters", type="password")
        if st.form_submit_button("Add the person", type="primary"):
            team = people.team_named(teams[team_id]) if team_id else None
            if acts.attempt(lambda: people.add(name, email, role, by=person, team=team, password=password or ""), done=f"Added {name}."):
                cached.forget()
            st.rerun()

if access.may(person, "person.disable"):
    active = [one for one in everybody if not one.disabled_at and one.id != person.id]
    with st.form("people_disable"):
        st.subheader("Disable an account", anchor=False)
        chosen = st.selectbox("Person", active, format_func=lambda one: one.name, index=None, placeholder="Choose a person")
        st.caption("Their sign-ins end at once. What they did stays in the record.")
        if st.form_submit_button("Disable the account", icon=":material/person_off:") and chosen:
            acts.attempt(lambda: people.disable(chosen.id, by=person), done=f"Disabled {chosen.name}.")
            cached.forget()
            st.rerun()
