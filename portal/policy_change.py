"""The form that changes what holds for one intent: in force at once where it is stricter, proposed where it is looser."""

import streamlit as st

from automations import mandates
from automations.mandated import Row
from automations.mandates import ALONE, LONGEST_NOTE, MEANS, NEVER, PROPOSE, WORDS, Change, Line
from data import access
from data.errors import Refused
from data.tables import Person
from portal import acts, widgets

AS_OTHERS = "as everything else"
TITLES = {**WORDS, AS_OTHERS: "As everything else"}


def form(row: Row, person: Person) -> None:
    """Without a form around it: what the button does depends on what is chosen."""
    with st.container(border=True, key="policy_change"):
        wanted = _wanted(row)
        try:
            made = mandates.change(row.key, wanted)
        except Refused as refused:  # it was taken out of use meanwhile
            st.caption(widgets.plain(str(refused)))
            return
        st.markdown(f"{_icon(made)} {widgets.plain(_told(made))}")
        if made.loosens and not access.may(person, "limit.propose"):
            st.caption(":material/lock: A lead or an engineer proposes that; an engineer or an admin approves it.")
            return
        with st.container(horizontal=True, vertical_alignment="bottom"):
            why = st.text_input("Why", key=f"policy_why_{row.key}", placeholder=_first_reads(made), max_chars=300)
            words, icon = ("Propose it", ":material/how_to_reg:") if made.loosens else ("Set it", ":material/check:")
            if st.button(words, key="policy_save", type="primary", icon=icon):
                _act(made, wanted, why, person)


def _wanted(row: Row) -> Line | None:
    choices = [NEVER, PROPOSE, ALONE, *([AS_OTHERS] if row.is_intent else [])]
    judgement = st.toggle(
        "Judgement work", row.line.judgement, key=f"policy_judgement_{row.key}",
        help="It takes a person: complaints about staff, legal matters, somebody's safety. No machine touches it, whatever a recipe says",
    )  # fmt: skip
    may = st.segmented_control(
        "What machines may do", choices, format_func=TITLES.__getitem__, default=row.line.may if row.own else AS_OTHERS, required=True,
        key=f"policy_may_{row.key}", disabled=judgement,
    )  # fmt: skip
    if not judgement and may == AS_OTHERS:
        return None
    note = st.text_input(
        "Note", row.line.note if row.own else "", key=f"policy_note_{row.key}", max_chars=LONGEST_NOTE,
        placeholder="Whoever takes a conversation over from a machine reads it too",
    )  # fmt: skip
    return mandates.line(NEVER if judgement else may or row.line.may, judgement=judgement, note=note or "")


def _icon(made: Change) -> str:
    if made.loosens:
        return ":orange[:material/lock_open:]"
    return ":gray[:material/drag_handle:]" if made.after.same_as(made.before) else ":green[:material/lock:]"


def _told(made: Change) -> str:
    means = f"{MEANS[made.after.may][:1].upper()}{MEANS[made.after.may][1:]}."
    if made.after.same_as(made.before):
        return f"As now. {means}"
    when = "It holds once a second person said yes." if made.loosens else "It holds at once, for everything that is not done yet."
    return f"{made.sentence} {means} {when}"


def _first_reads(made: Change) -> str:
    return "The approver reads it first" if made.loosens else "It stands in the record"


def _act(made: Change, wanted: Line | None, why: str, person: Person) -> None:
    if made.loosens:
        done = acts.attempt(
            lambda: mandates.propose(made.key, wanted, why=why or "", by=person),
            done="Proposed. An engineer or an admin who is not you decides.",
        )
    else:
        done = acts.attempt(lambda: mandates.tighten(made.key, wanted, why=why or "", by=person), done="Set. It holds from now on.")
    if done:
        st.query_params.pop("intent", None)
    st.rerun()
