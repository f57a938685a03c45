"""What a button does: the verb, then one line about what came of it, shown after the page is drawn anew."""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data import deeds, undo
from data.errors import Refused
from data.tables import Person
from portal import widgets

_NOTICE = "acts_notice"
Outcome = TypeVar("Outcome")


def attempt(act: Callable[[], Outcome], done: str | Callable[[Outcome], str] = "") -> bool:
    """Do it. A refusal is shown word for word, and what was entered stays."""
    try:
        outcome = act()
    except Refused as refused:
        st.session_state[_NOTICE] = ("refused", str(refused))
        return False
    told = done(outcome) if callable(done) else done
    if told:
        st.session_state[_NOTICE] = ("done", told)
    return True


def refuse(sentence: str) -> None:
    """What a screen itself has to say no to."""
    st.session_state[_NOTICE] = ("refused", sentence)


def undo_last(person: Person) -> None:
    """`u`: and where it was a review, that conversation is open again with what was typed."""
    conversation_id = undo.about(by=person)
    if attempt(lambda: undo.last(by=person), done=lambda back: back.told) and conversation_id:
        st.session_state["review_chosen"] = conversation_id


def offer_undo(person: Person) -> None:
    """What was done last, at the top of every page. Its place is there also when it is empty: nothing below is drawn anew."""
    with st.container():
        if last := deeds.last(by=person):
            told = widgets.plain(last.sentence.rstrip("."))
            st.button(f"Undo (U): {told}", key="undo", icon=":material/undo:", type="tertiary", on_click=undo_last, args=(person,))


def show_notice(place: DeltaGenerator | None = None) -> None:
    """Its place is there also when nothing is told: a refusal that moved the page would close the panel in which somebody types."""
    kind, told = st.session_state.get(_NOTICE, ("", ""))
    with place or st.container():
        if kind == "refused":
            st.error(widgets.plain(told), icon=":material/block:")
    if kind == "done":
        st.toast(widgets.plain(told), icon=":material/check:")
    st.session_state.pop(_NOTICE, None)  # only now: a page that is begun anew before this line tells it then
