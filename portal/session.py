"""Who sits in front of this screen. Asked on every rerun: a sign-in that ended ends the page too."""

from typing import NoReturn

import streamlit as st

from data import sessions
from data.tables import Person

_go = st.components.v2.component("portal_go", js="export default function (component) { window.location.assign(component.data.to) }")


def person() -> Person:
    session_id = st.user.get("session_id")
    found = sessions.person_of(str(session_id)) if session_id else None
    return found or leave("You are signed out.")


def leave(why: str) -> NoReturn:
    """To the sign-in page; the words stay for whoever's browser does not follow."""
    st.info(why, icon=":material/logout:")
    go("/auth/signin")
    st.stop()


def go(to: str) -> None:
    """Send the browser to a place of ours outside the screens; a file that is offered there downloads, and the page stays."""
    _go(key=f"go_to_{to}", data={"to": to}, height=1)


def sign_out() -> None:
    sessions.end(str(st.user["session_id"]))
