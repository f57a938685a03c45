"""The frame around every screen: who it is, where one can go, what just happened."""

from pathlib import Path

import streamlit as st

from data import access, people, tasks
from data.tables import Person
from portal import acts, session

HERE = Path(__file__).parent

# group -> pages: file, title, icon, the right without which it is not shown
PAGES: dict[str, list[tuple[str, str, str, str]]] = {
    "": [("home", "Home", ":material/home:", "conversation.read")],
    "Work": [
        ("review", "Review", ":material/rate_review:", "review.record"),
        ("conversations", "Conversations", ":material/forum:", "conversation.read"),
        ("imports", "Import", ":material/upload_file:", "conversation.import"),
    ],
    "Build": [
        ("eval_sets", "Eval sets", ":material/fact_check:", "eval_set.read"),
        ("classifiers", "Classifiers", ":material/category:", "classifier.read"),
    ],
    "Watch": [("quality", "Quality", ":material/monitoring:", "measure.read")],
    "Deliver": [("datasets", "Datasets", ":material/dataset:", "dataset.read")],
    "Govern": [
        ("approvals", "Approvals", ":material/how_to_vote:", "proposal.read"),
        ("jobs", "Jobs", ":material/pending_actions:", "task.read"),
        ("people", "People", ":material/group:", "person.read"),
        ("audit", "Audit", ":material/history:", "audit.read"),
    ],
}


def main() -> None:
    st.set_page_config(page_title="Portal", page_icon=str(HERE / "mark.svg"), layout="wide", initial_sidebar_state=230)
    st.logo(str(HERE / "mark.svg"), size="large")
    person = session.person()
    st.session_state["person"] = person
    page = st.navigation(_pages_for(person))
    _account(person)
    if person.demo:
        st.caption(
            ":orange-badge[:material/science: Demo] Ferngrove and everybody in it are made up. Try anything; nothing leaves this machine."
        )
    acts.show_notice()
    page.run()


def _pages_for(person: Person) -> dict[str, list[st.Page]]:
    made: dict[str, list[st.Page]] = {}
    for group, pages in PAGES.items():
        allowed = [
            st.Page(
                HERE / "screens" / f"{name}.py", title=title, icon=icon, default=name == "home", url_path=name if name != "home" else None
            )
            for name, title, icon, right in pages
            if access.may(person, right)
        ]
        if allowed:
            made[group] = allowed
    return made


def _account(person: Person) -> None:
    with st.sidebar:
        waiting = tasks.unfinished()
        if waiting:
            st.caption(f":material/pending_actions: {waiting} {'job runs' if waiting == 1 else 'jobs run'} in the background")
        team = people.teams().get(person.team_id or "")
        with st.popover(person.name, icon=":material/account_circle:", width="stretch"):
            st.caption(f"{person.role.capitalize()}{f' · {team}' if team else ''} · {person.email}")
            if st.button("Sign out", icon=":material/logout:", width="stretch"):
                session.sign_out()
                st.rerun()


main()
