"""Ask: one's own question, answered from the articles with its sources, or not at all."""

import streamlit as st

from data.tables import Trace
from knowledge import answering, in_force
from portal import acts, sourced, widgets, writing

person = st.session_state["person"]
state = st.session_state
LONGEST = answering.LONGEST


def asked() -> None:
    question = state.get("ask_question", "").strip()
    if not question:
        return
    made: list[Trace] = []
    if acts.attempt(lambda: made.append(answering.ask(question, by=person))):
        state["ask_trace"] = made[0].id
        acts.attempt(lambda: writing.begin(made[0], by=person))


def main() -> None:
    widgets.page("Ask", "In your own words. The answer quotes the articles it stands on; where they do not cover it, it says so.")
    st.text_input(
        "Your question", key="ask_question", on_change=asked, max_chars=LONGEST, icon=":material/contact_support:",
        placeholder="Can a customer send back a plant that has flowered?",
    )  # fmt: skip
    if not in_force.anything_published():
        nothing_to_quote()
    trace = answering.standing(state.get("ask_trace", ""), by=person)
    if trace is None:
        if earlier := answering.mine(by=person):
            st.subheader("Asked lately", anchor=False)
            for one in earlier:
                st.button(
                    widgets.plain((one.said or {}).get("question", "")[:120]), key=f"ask_again_{one.id}", type="tertiary",
                    icon=":material/history:", on_click=lambda made=one.id: state.update(ask_trace=made),
                )  # fmt: skip
        return
    with st.container(border=True, key="ask_answer"):
        st.caption(widgets.plain((trace.said or {}).get("question", "")))
        sourced.show(trace, by=person)
    writing.follow(trace, by=person)
    judge(trace)


def nothing_to_quote() -> None:
    st.info(
        "No article is published, so nothing is answered yet. Write some or bring the help pages you have; what you ask until then shows "
        "what is missing.",
        icon=":material/menu_book:",
    )
    st.page_link("screens/knowledge.py", label="Open Knowledge", icon=":material/arrow_forward:")


def judge(trace: Trace) -> None:
    """One key each; what is missing becomes a gap."""
    if trace.outcome:
        st.markdown(f":material/check: {answering.OUTCOMES[trace.outcome]}")
        return
    declined = bool((trace.said or {}).get("declined"))
    with st.container(horizontal=True):
        if not declined:
            st.button(
                "It helped (Y)", key=f"ask_helped_{trace.id}", icon=":material/thumb_up:", type="primary",
                on_click=decided, args=(trace.id, "helped"),
            )  # fmt: skip
            st.button(
                "It is wrong (N)", key=f"ask_wrong_{trace.id}", icon=":material/thumb_down:", on_click=decided, args=(trace.id, "refused")
            )
        st.button(
            "It is missing (M)", key=f"ask_missing_{trace.id}", icon=":material/unknown_document:",
            type="primary" if declined else "secondary", help="Nothing we know covers it: an article is needed.",
            on_click=decided, args=(trace.id, "missing"),
        )  # fmt: skip


def decided(trace_id: str, outcome: str) -> None:
    acts.attempt(lambda: answering.decide(trace_id, outcome, by=person), done=lambda _trace: answering.OUTCOMES[outcome])


main()
