"""A customer who writes in the chat widget is answered here: what a colleague sends stands in the chat a moment later."""

import streamlit as st

from data import access, talks
from data.tables import Person
from portal import acts


def answer(conversation_id: str, *, by: Person) -> None:
    """Nothing where the customer reads elsewhere."""
    if not access.may(by, "conversation.answer") or not talks.is_one(conversation_id):
        return
    with st.form(f"visitors_{conversation_id}", enter_to_submit=False):
        st.text_area(
            "Answer in the chat", max_chars=talks.LONGEST, height=100, key=_box(conversation_id),
            placeholder="The customer sees it on the page on which they wrote",
        )  # fmt: skip
        st.form_submit_button(
            "Send the answer", icon=":material/send:", key=f"visitors_send_{conversation_id}", on_click=_send, args=(conversation_id, by)
        )


def _box(conversation_id: str) -> str:
    return f"visitors_text_{conversation_id}"


def _send(conversation_id: str, by: Person) -> None:
    """What was refused stays in the box."""
    text = str(st.session_state.get(_box(conversation_id)) or "")
    if acts.attempt(lambda: talks.reply(conversation_id, text, by=by), done="Sent. It stands in the customer's chat."):
        st.session_state[_box(conversation_id)] = ""
