"""What a button does: the verb, then one line about what came of it, shown after the page is drawn anew."""

from collections.abc import Callable

import streamlit as st

from data.errors import Refused
from portal import widgets

_NOTICE = "acts_notice"


def attempt(act: Callable[[], object], done: str | Callable[[object], str] = "") -> bool:
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


def show_notice() -> None:
    kind, told = st.session_state.pop(_NOTICE, ("", ""))
    if kind == "refused":
        st.error(widgets.plain(told), icon=":material/block:")
    elif kind == "done":
        st.toast(widgets.plain(told), icon=":material/check:")
