"""The recipes in force that a colleague sets off from a conversation, each a button with its own words. What it did stands below."""

from typing import TYPE_CHECKING

import streamlit as st

from data import access
from data.tables import Person
from portal import acts, catalog, widgets

if TYPE_CHECKING:
    from automations.responding import Ran

CUT = 32  # signs after which a button is cut


def show(conversation_id: str, *, by: Person) -> None:
    """Nothing where no recipe with a button is in force for this customer."""
    from automations import arriving

    if not access.may(by, "agent.run"):
        return
    found = arriving.buttons(conversation_id, by=by)
    if not found:
        return
    with st.container(horizontal=True, gap="small", key="recipe_buttons"):
        for one in found:
            st.button(
                widgets.plain(one.words), key=f"recipe_button_{one.name}_{conversation_id}", icon=":material/play_arrow:",
                help=widgets.plain(one.words) if len(one.words) > CUT else None,
                on_click=press, args=(one.name, conversation_id, by),  # also of one that was stopped since: it says so
            )  # fmt: skip


def press(name: str, conversation_id: str, by: Person) -> None:
    """One run, however often it is pressed on the same words."""
    from automations import responding

    acts.attempt(lambda: responding.pressed(name, conversation_id, by=by, means=catalog.means(by)), done=in_words)


def in_words(ran: "Ran") -> str:
    """What it did, or whose yes it waits for, or why a person has it."""
    return " ".join(filter(None, (*(f"{one}." for one in ran.sentences), ran.why))) or "There was nothing to do."
