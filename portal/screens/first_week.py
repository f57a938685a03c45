"""First week: five days of real steps, the next one first."""

import streamlit as st

from portal import first_week, first_week_drawn

first_week_drawn.page(first_week.of(st.session_state["person"]))
