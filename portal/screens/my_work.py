"""My work: what a person's own work changed, the exercises by which they grow, and what they and a lead write to each other."""

import streamlit as st

from data import access
from portal import my_exercises, my_notes, my_work_changed, widgets

person = st.session_state["person"]
PARTS = {"What it changed": my_work_changed.show, "Exercises": my_exercises.show, "Notes": my_notes.show}  # what draws each

widgets.page("My work", "What you gave, and what became of it. Only you see this page.")
part = next(iter(PARTS))
if access.may(person, "exercise.take"):
    part = st.segmented_control(
        "Show", list(PARTS), default=part, required=True, key="part", bind="query-params", label_visibility="collapsed"
    )  # fmt: skip
PARTS[part](person)
