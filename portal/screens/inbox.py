"""Inbox: what waits for me, who named me, and what moved because of me."""

import streamlit as st

from data import access, comments, inbox, people
from data.tables import InboxItem
from portal import widgets

person = st.session_state["person"]
unread = inbox.of(person, unread_only=True)


def unbroken(when: str) -> str:
    return when.replace(" ", "\u00a0")


widgets.page(
    "Inbox",
    f"{len(unread)} {'thing is' if len(unread) == 1 else 'things are'} new. What you have read leaves tomorrow's mail."
    if unread
    else "You have read everything. What your flags, reviews and decisions lead to is told here.",
)

ICONS = {
    "alert": ":material/notifications_active:", "approval": ":material/how_to_vote:", "mention": ":material/alternate_email:",
    "moved": ":material/trending_up:",
}  # fmt: skip


def go_to(address: str) -> None:
    page, _, query = address.partition("?")
    st.switch_page(f"screens/{page}.py", query_params=dict(pair.split("=", 1) for pair in query.split("&") if "=" in pair))


def questions() -> None:
    """For engineers: what reps and leads asked, until one of them answers there."""
    asked = comments.open_questions(by=person)
    if not asked:
        return
    st.subheader("Questions to engineers", anchor=False)
    who = people.names()
    for comment in asked:
        told, action = st.columns([8, 1], vertical_alignment="center")
        name = widgets.plain(who.get(comment.by_person_id or "", "Somebody"))
        told.markdown(f":material/help: **{name}:** {widgets.plain(comment.text)} :gray[· {unbroken(widgets.when(comment.at))}]")
        if action.button("Answer", key=f"inbox_answer_{comment.id}", type="tertiary"):
            go_to(comments.page_of(comment, by=person))


def entry(item: InboxItem) -> None:
    told, action = st.columns([8, 1], vertical_alignment="center")
    sentence = widgets.plain(item.sentence)
    told.markdown(
        f"{ICONS.get(item.kind, '')} {sentence if item.read_at else f'**{sentence}**'} :gray[· {unbroken(widgets.when(item.at))}]"
    )
    if action.button("Open", key=f"inbox_open_{item.id}", type="tertiary"):
        inbox.mark_read([item.id], by=person)
        go_to(item.page)


if unread and st.button("Mark all as read", icon=":material/done_all:"):
    inbox.mark_read([item.id for item in unread], by=person)
    st.rerun()
if person.role == access.ENGINEER:
    questions()
shown = inbox.of(person, most=60)
for kind, title in inbox.HEADINGS.items():
    items = [item for item in shown if item.kind == kind]
    if items:
        st.subheader(title, anchor=False)
        with st.container(gap="xxsmall"):
            for item in items[:20]:
                entry(item)
