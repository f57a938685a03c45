"""What people said about a thing, and the place to say something: with @name, or as a question to an engineer."""

import streamlit as st

from data import access, comments, people
from data.tables import Person
from portal import acts, widgets


def show(noun: str, noun_id: str, *, by: Person) -> None:
    said = comments.of(noun, noun_id, by=by)
    who = people.names()
    st.markdown(f"**Comments** ({len(said)})" if said else "**Comments**")
    for comment in said:
        with st.container(border=True, gap="xxsmall"):
            asked = " · asks an engineer" if comment.asks else ""
            state = ", answered" if comment.answered_at else ""
            name = widgets.plain(who.get(comment.by_person_id or "", "Somebody"))
            st.caption(f"{name}, {widgets.when(comment.at)}{asked}{state}", help=widgets.exact(comment.at))
            st.text(comment.text)
    with st.form(f"talk_{noun}_{noun_id}", clear_on_submit=True, enter_to_submit=False, border=False):
        text = st.text_area("Say something", placeholder="@name tells somebody", height=80, max_chars=comments.LONGEST)
        asks = by.role != access.ENGINEER and st.checkbox("Ask an engineer", help="Every engineer finds it in the inbox.")
        if st.form_submit_button("Comment", icon=":material/chat_bubble:") and text.strip():
            acts.attempt(lambda: comments.write(noun, noun_id, text, by=by, asks_engineer=asks), done="Said.")
            st.rerun()
