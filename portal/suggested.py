"""A suggested reply beside its conversation: taken as it is, taken with one's own words, or refused. One key each."""

from typing import Any

import streamlit as st

from automations import speaking
from data import access
from data.tables import Person, Trace
from knowledge import INSTEAD, answering
from portal import acts, sourced, widgets, writing

TOLD = {"accepted": "was taken as it is", "edited": "was taken with other words", "refused": "was refused"}


def show(conversation_id: str, *, by: Person) -> None:
    """What was suggested when it came; where nothing was, one click asks."""
    if not access.may(by, "knowledge.ask") or not access.may(by, "review.record"):
        return
    st.subheader("Suggested reply", anchor=False)
    if why := speaking.kept_out(conversation_id):  # also what was suggested before the policy was made stricter
        st.caption(f":material/back_hand: Nothing is suggested. {widgets.plain(why)}")
        return
    trace = answering.suggested(conversation_id, by=by)
    if trace is None:
        if st.button("Suggest a reply", key=f"suggested_ask_{conversation_id}", icon=":material/auto_awesome:"):
            made: list[Trace | None] = []
            acts.attempt(lambda: made.append(answering.suggest(conversation_id, by=by, keeps=speaking.kept_out)))
            if made == [None]:
                acts.refuse("Nothing was suggested: the customer has not written anything yet.")
            elif made and made[0] is not None:
                quoted = made[0]
                acts.attempt(lambda: writing.begin(quoted, by=by))
            st.rerun()
        return
    with st.container(border=True, gap="xsmall", key=f"suggested_{trace.id}"):
        sourced.show(trace, by=by)
    writing.follow(trace, by=by)
    if trace.outcome:
        st.caption(f":material/check: It {TOLD[trace.outcome]}.")
        if trace.better:
            st.text(f"Instead: {trace.better}")
        return
    decide(trace, by=by)


def box(trace_id: str) -> str:
    return f"suggested_text_{trace_id}"


def typed_before(said: dict[str, Any]) -> str:
    """Beside the quoted reply, until the written one took its place: nobody types it twice."""
    typed = str(st.session_state.get(box(str(said.get(INSTEAD, ""))), ""))
    return typed if typed.strip() != str((said.get("written") or {}).get("quoted", "")).strip() else ""


def decide(trace: Trace, *, by: Person) -> None:
    said = trace.said or {}
    reply = "" if said.get("declined") else str(said.get("reply", ""))
    with st.container(key=f"suggested_edit_{trace.id}"):
        st.session_state.setdefault(box(trace.id), typed_before(said) or reply)
        typed = st.text_area("In your words (E)", key=box(trace.id), height=120, placeholder="What would you reply?")
    own = typed.strip() != reply.strip() and bool(typed.strip())
    with st.container(horizontal=True):
        if reply or own:
            words = "Take mine (Y)" if own else "Take it (Y)"
            if st.button(words, key=f"suggested_yes_{trace.id}", icon=":material/check:", type="primary"):
                outcome = "edited" if own else "accepted"
                acts.attempt(lambda: answering.decide(trace.id, outcome, better=typed if own else "", by=by), done=f"It {TOLD[outcome]}.")
                st.rerun()
        if reply and st.button("Refuse it (N)", key=f"suggested_no_{trace.id}", icon=":material/close:"):
            acts.attempt(lambda: answering.decide(trace.id, "refused", by=by), done="Refused. It counts towards a gap.")
            st.rerun()
    if said.get("articles") and access.may(by, "article.draft"):
        st.page_link(
            "screens/knowledge.py", label="Suggest a change of the article", icon=":material/edit_note:",
            query_params={"article": said["articles"][0], "tab": "write", "from": trace.conversation_id or ""},
        )  # fmt: skip
    elif said.get("declined"):
        st.caption(widgets.plain("What you write here shows what an article should say."))
