"""The picture of a recipe: its way from the first line to the last, as people read it, branches set in."""

import streamlit as st

from automations import recipe as document
from automations.checking import called
from automations.recipe import Act, Recipe
from automations.steps.face import Declarations
from portal import widgets

ICONS = {
    "trigger": "bolt", "condition": "filter_alt", "else": "alt_route", "failure": "error",
    "limit": "shield", "agent": "smart_toy", "tool": "build",
}  # fmt: skip
DEEPEST = 4  # further in it would be a thread at the edge


def flow(recipe: Recipe, declarations: Declarations) -> None:
    acts = iter(list(recipe.walk()))
    with st.container(key="automations_flow", gap=None):
        for place, row in enumerate(document.flow(recipe)):
            with st.container(key=f"automations_row_{min(row.depth, DEEPEST)}_{row.kind}_{place}"):
                if row.kind == "step":
                    number, _, act = next(acts)
                    st.markdown(step(number, act, declarations))
                else:
                    st.markdown(f":material/{ICONS[row.kind]}: {widgets.plain(row.words)}")


def step(number: str, act: Act, declarations: Declarations) -> str:
    told = declarations.get(act.step)
    if told is None:
        return f":material/help: **{number} · {widgets.plain(act.step)}** :orange-badge[:material/build: no such step]"
    changes = " :violet-badge[:material/public: changes something]" if told.changes else ""
    return f":material/{told.icon}: **{number} · {widgets.plain(told.title)}** :gray[{widgets.plain(called(act))}]{changes}"
