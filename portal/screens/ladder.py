"""Ladder: how questions find their article, rung by rung."""

import streamlit as st

from portal import widgets

person = st.session_state["person"]
widgets.page("Ladder", "How a question finds its article: each rung measured on a set, and only what is worth it goes live.")
