"""Who sits in front of this screen. Asked on every rerun: a sign-in that ended ends the page too."""

from typing import NoReturn

import streamlit as st

from data import people
from data.tables import Person

_go = st.components.v2.component("portal_go", js="export default function (component) { window.location.assign(component.data.to) }")


def person() -> Person:
    session_id = st.user.get("session_id")
    found = people.signed_in(str(session_id)) if session_id else None
    return found or leave("You are signed out.")


def leave(why: str) -> NoReturn:
    """To the sign-in page; the words stay for whoever's browser does not follow."""
    st.info(why, icon=":material/logout:")
    _go(key="go_to_sign_in", data={"to": "/auth/signin"}, height=1)
    st.stop()


def sign_out() -> None:
    people.end_session(str(st.user["session_id"]))
