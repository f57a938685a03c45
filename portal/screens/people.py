"""People: who works here, in which role and team; who is signed in; which programs act for whom."""

import pandas as pd
import streamlit as st

from data import access, people, sessions, tokens
from data.people import GRANTED_BY_TWO
from data.tables import Person
from portal import acts, cached, widgets

person = st.session_state["person"]
everybody = people.everybody(by=person)
teams = people.teams()
active = [one for one in everybody if not one.disabled_at]
may_change = access.may(person, "person.change")
two_admins = sum(one.role == access.ADMIN for one in active) >= 2

widgets.page(
    "People",
    f"{len(active)} people have an account, in {len(teams)} teams. "
    + ("Choose somebody to change what they may." if may_change else "An admin adds people and changes roles."),
)

parts = ["People", *(["Sign-ins"] if access.reach(person, "session.read") == access.ALL else [])]
parts += ["Tokens"] if access.may(person, "token.read") else []
shown = (
    st.segmented_control("Show", parts, default="People", key="people_part", label_visibility="collapsed") if len(parts) > 1 else "People"
)


def table() -> Person | None:
    """Everybody; a click chooses."""
    picked = st.dataframe(
        pd.DataFrame(
            {
                "Name": [one.name for one in everybody],
                "Role": [one.role.capitalize() for one in everybody],
                "Team": [teams.get(one.team_id or "", "–") for one in everybody],
                "E-mail": [one.email for one in everybody],
                "Signs in by": [_ways_in(one) for one in everybody],
                "Account": ["disabled" if one.disabled_at else "demo" if one.demo else "active" for one in everybody],
            }
        ),
        hide_index=True,
        height=min(38 * (len(everybody) + 1), 420),
        on_select="rerun" if may_change else "ignore",
        selection_mode="single-row",
        key="people_table",
    )
    rows = picked["selection"]["rows"] if may_change else []
    return everybody[rows[0]] if rows else None


def _ways_in(one: Person) -> str:
    ways = [*(["password"] if one.password_hash else []), *(["company"] if one.subject else []), *(["one click"] if one.demo else [])]
    return ", ".join(ways) or "nothing yet"


def change(one: Person) -> None:
    with st.container(border=True):
        st.subheader(widgets.plain(one.name), anchor=False)
        if one.id == person.id:
            st.caption("This is you. Another admin changes your role; your ways in are on the Account page.")
            return
        _team(one)
        _role(one)
        with st.container(horizontal=True):
            _way_in(one)
            _disable(one)


def _team(one: Person) -> None:
    choices = [None, *teams]
    wanted = st.selectbox(
        "Team", choices, index=choices.index(one.team_id), format_func=lambda team_id: teams.get(team_id, "No team"),
        key=f"people_team_{one.id}",
    )  # fmt: skip
    if wanted != one.team_id and st.button(f"Move {widgets.plain(one.name)}", key=f"people_move_{one.id}", icon=":material/move_group:"):
        acts.attempt(lambda: people.move(one.id, wanted, by=person), done=f"Moved {one.name}.")
        cached.forget()
        st.rerun()


def _role(one: Person) -> None:
    """Reps and engineers at once; leads and admins by proposal, once there are two admins to decide."""
    role = st.selectbox("Role", access.ROLES, index=access.ROLES.index(one.role), format_func=str.capitalize, key=f"people_role_{one.id}")
    if role in GRANTED_BY_TWO and (role != one.role or one.disabled_at):
        if not two_admins:
            st.caption(
                f"Until there are two admins, {access.a(role)} is made on the console: portal user role {widgets.plain(one.email)} {role}"
            )
            return
        why = st.text_input("Why", key=f"people_why_{one.id}", placeholder="The other admin reads it first")
        if st.button(
            f"Propose to make {widgets.plain(one.name)} {access.a(role)}", key=f"people_propose_{one.id}", icon=":material/how_to_vote:"
        ):
            acts.attempt(lambda: people.propose_role(one.id, role, why=why, by=person), done="Proposed. Another admin decides.")
            st.rerun()
    elif role != one.role and st.button(f"Make {widgets.plain(one.name)} {access.a(role)}", key=f"people_give_{one.id}"):
        acts.attempt(lambda: people.set_role(one.id, role, by=person), done=f"{one.name} is {access.a(role)}.")
        cached.forget()
        st.rerun()


def _way_in(one: Person) -> None:
    if one.disabled_at or one.demo:
        return
    with st.popover("Make a link to come in", icon=":material/link:"):
        st.markdown(
            f"With it {widgets.plain(one.name)} sets a password of their own. It ends their sign-ins, they are told, and from then on the "
            "two of you do not decide on each other's weighty proposals."
        )
        if st.button("Make the link", key=f"people_invite_{one.id}"):
            kept: dict[str, str] = {}
            if acts.attempt(lambda: kept.update(ticket=people.invite(one.id, by=person))):
                st.session_state["people_link"] = (one.name, kept["ticket"])
            st.rerun()


def _disable(one: Person) -> None:
    if one.disabled_at:
        if one.role not in GRANTED_BY_TWO and st.button("Enable the account", key=f"people_enable_{one.id}", icon=":material/person_add:"):
            acts.attempt(lambda: people.enable(one.id, by=person), done=f"Enabled {one.name}.")
            st.rerun()
        return
    with st.popover("Disable the account", icon=":material/person_off:"):
        st.markdown("Their sign-ins end at once and their tokens open nothing. What they did stays in the record.")
        if st.button(f"Disable {widgets.plain(one.name)}", key=f"people_disable_{one.id}"):
            acts.attempt(lambda: people.disable(one.id, by=person), done=f"Disabled {one.name}.")
            cached.forget()
            st.rerun()


def add() -> None:
    name_row = st.columns(2)
    with name_row[0].form("people_add", enter_to_submit=False):
        st.subheader("Add somebody", anchor=False)
        name, email = st.text_input("Name"), st.text_input("E-mail")
        role = st.selectbox("Role", ["rep", "engineer"], format_func=str.capitalize)
        team_id = st.selectbox("Team", list(teams), format_func=teams.get, index=None, placeholder="No team")
        st.caption("You get a link to hand over, with which they set a password of their own.")
        if st.form_submit_button("Add the person", type="primary"):
            kept: dict[str, str] = {}

            def act() -> None:
                team = people.team_named(teams[team_id]) if team_id else None
                made = people.add(name, email, role, by=person, team=team)
                kept["ticket"] = people.invite(made.id, by=person)

            if acts.attempt(act, done=f"Added {name}."):
                st.session_state["people_link"] = (name, kept["ticket"])
                cached.forget()
            st.rerun()
    with name_row[1].form("people_team", enter_to_submit=False, clear_on_submit=True):
        st.subheader("Add a team", anchor=False)
        team_name = st.text_input("Name of the team")
        if st.form_submit_button("Add the team"):
            acts.attempt(lambda: people.add_team(team_name, by=person), done=f"Added {team_name}.")
            st.rerun()


def signed_in() -> None:
    found = sessions.running(by=person)
    st.caption(f"{len(found)} sign-ins that have not ended.")
    for running, owner in found[:50]:
        told, action = st.columns([5, 1.2], vertical_alignment="center")
        told.markdown(
            f"**{widgets.plain(owner.name)}** · {widgets.plain(running.browser or 'A browser')} · {widgets.plain(running.address)} · "
            f"since {widgets.when(running.at)}, last seen {widgets.when(running.seen_at or running.at)}"
        )
        if action.button("End it", key=f"people_end_{running.id}"):
            acts.attempt(lambda running=running: sessions.revoke(running.id, by=person), done="That sign-in has ended.")
            st.rerun()


def programs() -> None:
    found = tokens.all_tokens(by=person)
    if not found:
        st.info("No token was issued. An engineer proposes one on the Account page; an admin approves it.", icon=":material/key:")
    for token, owner in found:
        told, action = st.columns([5, 1.2], vertical_alignment="center")
        state = "revoked" if token.revoked_at else f"until {widgets.day(token.expires_at)}"
        used = f"last used {widgets.when(token.used_at)}" if token.used_at else "never used"
        told.markdown(
            f"**{widgets.plain(token.name)}** acts as {widgets.plain(owner.name)}: {tokens.in_words(token.scopes)} · {state} · {used}"
        )
        if not token.revoked_at and access.may(person, "token.revoke") and action.button("Revoke", key=f"people_revoke_{token.id}"):
            acts.attempt(lambda token=token: tokens.revoke(token.id, by=person), done="It opens nothing any more.")
            st.rerun()


if link := st.session_state.pop("people_link", None):
    st.success(f"Hand this link to {widgets.plain(link[0])}. It is shown once, and opens once, within a week.", icon=":material/link:")
    st.code(f"{st.context.url.split('/people')[0].rstrip('/')}/auth/welcome?ticket={link[1]}", language=None)
if shown == "Sign-ins":
    signed_in()
elif shown == "Tokens":
    programs()
else:
    chosen = table()
    if chosen:
        change(chosen)
    if access.may(person, "person.add"):
        add()
