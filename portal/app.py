"""The frame around every screen: who it is, where one can go, what just happened."""

from pathlib import Path

import streamlit as st

from data import access, config, inbox, people, settings, tasks
from data.tables import Person
from portal import acts, first_week, keys, session, widgets

HERE = Path(__file__).parent

# group -> pages: file, title, icon, the right without which it is not shown
PAGES: dict[str, list[tuple[str, str, str, str]]] = {
    "": [
        ("home", "Home", ":material/home:", "conversation.read"),
        ("first_week", "First week", ":material/school:", "conversation.read"),
    ],
    "Work": [
        ("review", "Review", ":material/rate_review:", "review.record"),
        ("conversations", "Conversations", ":material/forum:", "conversation.read"),
        ("conversation", "Conversation", ":material/chat:", "conversation.read"),
        ("ask", "Ask", ":material/contact_support:", "knowledge.ask"),
        ("calibration", "Calibration", ":material/straighten:", "calibration.take"),
        ("imports", "Import", ":material/upload_file:", "conversation.import"),
        ("inbox", "Inbox", ":material/inbox:", "person.read"),
    ],
    "Build": [
        ("eval_sets", "Eval sets", ":material/fact_check:", "eval_set.read"),
        ("runs", "Runs", ":material/play_circle:", "eval_set.read"),
        ("graders", "Graders", ":material/rule_settings:", "eval_set.read"),
        ("patterns", "Patterns", ":material/bubble_chart:", "pattern.read"),
        ("examples", "Examples", ":material/library_add:", "label.draft"),
        ("classifiers", "Classifiers", ":material/category:", "classifier.read"),
        ("knowledge", "Knowledge", ":material/menu_book:", "article.read"),
        ("gaps", "Gaps", ":material/unknown_document:", "pattern.read"),
        ("ladder", "Ladder", ":material/stairs:", "article.read"),
        ("automations", "Automations", ":material/account_tree:", "automation.read"),
    ],
    "Plan": [
        ("opportunities", "Opportunities", ":material/lightbulb:", "opportunity.read"),
        ("use_cases", "Use cases", ":material/flag_circle:", "use_case.read"),
    ],
    "Watch": [
        ("quality", "Quality", ":material/monitoring:", "measure.read"),
        ("monitors", "Monitors", ":material/notifications:", "monitor.read"),
        ("digest", "Digest", ":material/newspaper:", "measure.read"),
        ("agreement", "Agreement", ":material/balance:", "agreement.read"),
        ("team", "Team", ":material/groups:", "team.read"),
        ("my_work", "My work", ":material/volunteer_activism:", "work.read"),
    ],
    "Deliver": [
        ("datasets", "Datasets", ":material/dataset:", "dataset.read"),
        ("product_feedback", "Product feedback", ":material/campaign:", "feedback.read"),
    ],
    "Govern": [
        ("approvals", "Approvals", ":material/how_to_vote:", "proposal.read"),
        ("policy", "Policy", ":material/policy:", "automation.read"),
        ("jobs", "Jobs", ":material/pending_actions:", "task.read"),
        ("people", "People", ":material/group:", "person.read"),
        ("rights", "Rights", ":material/rule:", "person.read"),
        ("audit", "Audit", ":material/history:", "audit.read"),
        ("installation", "Installation", ":material/dns:", "backup.make"),
        ("account", "Account", ":material/account_circle:", "person.read"),
    ],
}
ELSEWHERE = ("account", "conversation")  # reached by the person's own name at the foot of the list, and from every list


def main() -> None:
    st.set_page_config(page_title="Portal", page_icon=str(HERE / "mark.svg"), layout="wide", initial_sidebar_state=230)
    st.html(HERE / "look.css")
    st.logo(str(HERE / "mark.svg"), size="large")
    person = session.person()
    st.session_state["person"] = person
    page = st.navigation(_pages_for(person), expanded=True)
    _account(person)
    if person.demo:
        st.markdown(":orange-badge[:material/science: Demo] :small[Everybody here is made up. Try anything; nothing leaves this machine.]")
    _banners(person)
    acts.show_notice(st.container(key="refused"))  # it stays in sight however far down the page somebody is
    acts.offer_undo(person)
    keys.listen(person)
    first_week.note_look(person, page.url_path, st.query_params, st.session_state.setdefault("first_week_noted", set()))
    page.run()


def _banners(person: Person) -> None:
    """What everybody has to see as long as it lasts."""
    if until := settings.emergency():
        st.error(
            f"Until {widgets.local(until):%H:%M} admins may decide in the place of leads and engineers. Two admins declared this; every "
            "such decision stands in the record.",
            icon=":material/emergency_home:",
        )
    if not config.settings().four_eyes:
        alone = people.active_count() == 1
        st.warning(
            "Four eyes are off: the one person who works here approves their own proposals, each marked as self-approved."
            if alone
            else "PORTAL_FOUR_EYES is off but more than one person works here, so it is ignored: proposals need a second person.",
            icon=":material/visibility_off:",
        )


def _pages_for(person: Person) -> dict[str, list[st.Page]]:
    made: dict[str, list[st.Page]] = {}
    for group, pages in PAGES.items():
        allowed = [
            st.Page(
                HERE / "screens" / f"{name}.py",
                title=title,
                icon=icon,
                default=name == "home",
                url_path=name if name != "home" else None,
                visibility="visible" if _is_listed(name, person) else "hidden",
            )
            for name, title, icon, right in pages
            if access.may(person, right)
        ]
        if allowed:
            made[group] = allowed
    return made


def _is_listed(name: str, person: Person) -> bool:
    return first_week.is_on(person) if name == "first_week" else name not in ELSEWHERE


def _account(person: Person) -> None:
    with st.sidebar:
        waiting = tasks.unfinished()
        if waiting:
            st.caption(f":material/pending_actions: {waiting} {'job runs' if waiting == 1 else 'jobs run'} in the background")
        if new := inbox.unread(person):
            st.page_link(HERE / "screens" / "inbox.py", label=f"{new} new for you", icon=":material/mark_email_unread:")
        team = people.teams().get(person.team_id or "")
        with st.popover(widgets.plain(person.name), icon=":material/account_circle:", width="stretch"):
            st.caption(widgets.plain(f"{person.role.capitalize()}{f' · {team}' if team else ''} · {person.email}"))
            st.page_link(HERE / "screens" / "account.py", label="Account", icon=":material/manage_accounts:")
            if st.button("Sign out", icon=":material/logout:", width="stretch"):
                session.sign_out()
                st.rerun()


main()
