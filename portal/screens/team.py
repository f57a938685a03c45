"""Team: the work of a team for whoever leads it, and where somebody of it could be helped."""

import streamlit as st

from data import access, team_view
from portal import coaching_page, team_page, widgets

person = st.session_state["person"]
ALL = "All teams"
WORK, COACHING = "The team's work", "Coaching"


def chosen_team() -> str | None:
    """An admin looks at one team or at all; a lead's is their own."""
    found = team_view.teams(by=person)
    if access.reach(person, "team.read") != access.ALL:
        return None
    names = {widgets.plain(name): made for made, name in found.items()}
    chosen = st.selectbox("Team", [ALL, *names], key="team", bind="query-params", width=260)
    return names.get(chosen)


widgets.page(
    "Team", "How far the work is looked at, what waits, how long decisions take, and where somebody could be helped. Nobody is ranked."
)
part = WORK
if access.may(person, "coaching.read"):
    part = st.segmented_control(
        "Show", [WORK, COACHING], default=WORK, required=True, key="part", bind="query-params", label_visibility="collapsed"
    )  # fmt: skip
if part == COACHING:
    coaching_page.show(person)
else:
    team_page.show_work(person, chosen_team())
