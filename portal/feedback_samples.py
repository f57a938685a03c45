"""Conversations that show a fault well: how each begins, and the way into it."""

from collections.abc import Sequence

import streamlit as st

from data.conversations import Listed
from portal import feedback_document, widgets

LONGEST = 60  # characters in a list to choose from


def label(one: Listed) -> str:
    """In a list to choose from, where nothing is Markdown. Streamlit tells what was chosen by this: no two may read the same."""
    said = feedback_document.begins(one) or "Nothing was said"
    short = said if len(said) <= LONGEST else f"{said[: LONGEST - 1].rstrip()}…"
    return f"{short} · {one.customer}, {widgets.exact(one.opened_at)}"


def show(samples: Sequence[Listed], *, key: str) -> None:
    with st.container(gap="xsmall", key=f"feedback_samples_{key}"):
        for one in samples:
            icon = widgets.CHANNEL_ICONS.get(one.channel, ":material/chat_bubble:")
            with st.container(border=True, gap="xxsmall"):
                st.markdown(widgets.plain(feedback_document.begins(one)) or "Nothing was said.")
                with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                    st.caption(f"{icon} {widgets.plain(one.customer)}, {widgets.day(one.opened_at)}", width="content")
                    st.page_link(
                        "screens/conversation.py", label="Read it", query_params={"conversation": one.id}, width="content"
                    )  # fmt: skip
