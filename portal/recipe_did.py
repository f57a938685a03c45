"""What recipes did on this conversation: each act in a line, whose yes one waits for, and the reply that it drafted, one key to take it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from data import access
from data.tables import Person, Trace
from portal import acts, widgets

if TYPE_CHECKING:
    from data.tables import Action

STATES = {
    "running": (":blue", "sync", "at work"), "waiting": (":orange", "hourglass_top", "waits for a yes"),
    "done": (":green", "check", "done"), "failed": (":red", "error", "failed"), "stopped": (":gray", "block", "stopped"),
    "handed_over": (":gray", "person", "with people"),
}  # fmt: skip
MARKS = {"done": "check", "refused": "block", "planned": "schedule", "sent": "schedule", "unknown": "help"}
TOLD = {"accepted": "taken as it is", "edited": "taken with other words", "refused": "refused"}


def show(conversation_id: str, *, by: Person) -> bool:
    """Whether a draft waits for the person's word: then nothing else need be suggested."""
    from automations import drafted

    if not access.may(by, "automation.read"):
        return False
    runs = drafted.of_conversation(conversation_id, by=by)
    if not runs:
        return False
    st.subheader("What recipes did", anchor=False)
    open_one = drafted.waiting_for_a_word(runs) if access.may(by, "review.record") else None
    for trace in runs:
        with st.container(border=True, gap="xsmall", key=f"did_{trace.id}"):
            _one(trace, by)
            if trace.id == (open_one.id if open_one else ""):
                _decide(trace, drafted.reply_of(trace), by)
            elif reply := drafted.reply_of(trace):
                st.text(reply)
                if trace.outcome:
                    st.caption(f":material/check: The draft was {TOLD[trace.outcome]}.")
                if trace.better:
                    st.text(f"Instead: {trace.better}")
    return open_one is not None


def _one(trace: Trace, by: Person) -> None:
    from automations import actions, recipes, responding

    colour, icon, words = STATES[trace.state]
    title = recipes.title_of(trace)
    link = {"recipe": trace.target_name, "run": trace.id}
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(width="content"):
            st.page_link("screens/automations.py", label=widgets.plain(title), icon=":material/account_tree:", query_params=link)
        st.markdown(f":small[{colour}[:material/{icon}: {words}] :gray[· {widgets.when(trace.at)}]]", width="content")
    if why := (trace.state_json or {}).get("why"):
        st.caption(widgets.plain(str(why)))
    if trace.state == "waiting" and access.may(by, "agent.run"):
        st.caption(widgets.plain(responding.told(trace, by=by).why))
    if trace.state == "waiting" and trace.proposal_id and access.may(by, "proposal.read"):
        asked = {"proposal": trace.proposal_id}
        st.page_link("screens/approvals.py", label="A person decides on it", icon=":material/how_to_reg:", query_params=asked)
    _acts(actions.of_trace(trace.id, by=by))


def _acts(found: "Sequence[Action]") -> None:
    for action in found:
        if action.kind != "draft":  # it stands below, whole
            st.caption(f":material/{MARKS[action.state]}: {widgets.plain(str(action.payload['told']))}")


def _decide(trace: Trace, reply: str, by: Person) -> None:
    from automations import drafted

    box = f"drafted_text_{trace.id}"
    with st.container(key=f"drafted_edit_{trace.id}"):
        st.session_state.setdefault(box, reply)
        typed = st.text_area("Its draft, in your words (E)", key=box, height=150)
    own = typed.strip() != reply.strip() and bool(typed.strip())
    with st.container(horizontal=True):
        words = "Take mine (Y)" if own else "Take it (Y)"
        if st.button(words, key=f"drafted_yes_{trace.id}", icon=":material/check:", type="primary"):
            outcome = "edited" if own else "accepted"
            better = typed if own else ""
            acts.attempt(lambda: drafted.decide(trace.id, outcome, better=better, by=by), done=f"The draft was {TOLD[outcome]}.")
            st.rerun()
        if st.button("Refuse it (N)", key=f"drafted_no_{trace.id}", icon=":material/close:"):
            acts.attempt(lambda: drafted.decide(trace.id, "refused", by=by), done="Refused. It counts among what the recipe gets wrong.")
            st.rerun()
