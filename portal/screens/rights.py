"""Rights: who may do what, word for word as the portal itself asks."""

import pandas as pd
import streamlit as st

from data import access
from data.access import ALL, OWN, ROLES, TEAM, Rule
from portal import widgets

person = st.session_state["person"]
widgets.page("Rights", "Who may do what. The portal asks this table each time anything is read or changed; what is not in it, nobody may.")

REACH = {OWN: "own", TEAM: "own team", ALL: "yes"}


def cell(rule: Rule, role: str) -> str:
    """What a role may of it: do it, propose it, approve another's proposal."""
    found = {verb.rsplit(".", 1)[1]: access.TABLE[verb].get(role) for verb in rule.verbs}
    told = [REACH[reach] for act, reach in found.items() if reach and act not in ("propose", "approve")][:1]
    told += ["proposes"] if found.get("propose") else []
    told += ["approves"] if found.get("approve") else []
    return ", ".join(told) or "–"


def table(rules: list[Rule]) -> None:
    st.table(
        pd.DataFrame(
            {
                "What": [f"{rule.words} ({rule.note})" if rule.note else rule.words for rule in rules],
                **{role.capitalize(): [cell(rule, role) for rule in rules] for role in ROLES},
                "A program's token": [", ".join(rule.scopes) or "–" for rule in rules],
            }
        ).set_index("What"),
        border="horizontal",
    )


st.markdown(
    f"You are **{access.a(person.role)}**. *Own team* means the conversations of your team and those that no team has yet. "
    "Who *approves* is always another person than who *proposes* or built it. A token may never more than its person."
)
table([rule for rule in access.RULES if rule.in_use])
coming = [rule for rule in access.RULES if not rule.in_use]
with st.expander(f"{len(coming)} rules that guard nothing yet: they were written before what they are about"):
    table(coming)
