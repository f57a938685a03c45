"""On a recipe's page: what the policy leaves to it."""

import streamlit as st

from automations import mandates
from automations.mandates import ALONE, NEVER, PROPOSE
from automations.recipe import Recipe
from data import access
from data.tables import Person
from portal import widgets

ICONS = {NEVER: ":material/back_hand:", PROPOSE: ":material/edit_note:", ALONE: ":material/smart_toy:"}


def line(recipe: Recipe, *, by: Person) -> None:
    """Of its own intent; where it begins with any, of each conversation's. Nothing as long as there is no policy."""
    policy = mandates.current()
    if policy is None or not access.may(by, "automation.read"):
        return
    mandate = mandates.named(recipe.trigger.intent) if recipe.trigger.intent else None
    if mandate is None:
        people = sum(policy.line(key).may == NEVER for key in mandates.titles())
        told = f"It is held to what each conversation is about; {people:,} {'line is' if people == 1 else 'lines are'} people only."
        icon = ":material/policy:"
    else:
        told, icon = mandate.sentence, ICONS[mandate.may]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="policy_held"):
        colour = "orange" if mandate is not None and mandate.may == NEVER else "gray"
        st.markdown(f":{colour}[{icon}] {widgets.plain(told)}", width="content")
        st.page_link("screens/policy.py", label="Policy", icon=":material/policy:", width="content")
