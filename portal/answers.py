"""What a target answered to a case, and what the graders said of it: word for word, nothing of it is interpreted."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from data.tables import Score
from evals.reading import Said
from portal import widgets

LONGEST = 4_000


def show(said: Sequence[Said]) -> None:
    """Each answer with its grades; asked several times, each time."""
    for number, one in enumerate(said, start=1):
        if len(said) > 1:
            st.caption(f"Time {number} of {len(said)}")
        output(one.result.output, one.result.error)
        for grade in one.grades:
            st.markdown(f"{mark(grade)} {widgets.plain(grade.grader_name)}: {widgets.plain(grade.why or grade.error)}")
    if not said:
        st.caption("It was not asked this case.")


def mark(grade: Score) -> str:
    if grade.passed is None:
        return ":orange[:material/help:]"
    return ":green[:material/check:]" if grade.passed else ":red[:material/close:]"


def output(said: dict[str, Any] | None, error: str) -> None:
    if said is None:
        st.markdown(f":orange[:material/error:] No answer: {widgets.plain(error or 'nothing was said')}")
        return
    if "label" in said:
        sure = f", {said['confidence']:.0%} sure" if isinstance(said.get("confidence"), int | float) else ""
        st.markdown(f"Intent: **{widgets.plain(str(said['label'] or 'none'))}**{sure}")
    if reply := str(said.get("reply") or ""):
        st.text(reply[:LONGEST])
    for call in said.get("tool_calls") or []:
        if isinstance(call, dict):
            st.text(f"Called {call.get('name', 'something')}: {call.get('arguments', '')}"[:LONGEST])
    if said.get("end_state"):
        st.text(f"Afterwards: {said['end_state']}"[:LONGEST])
    if said.get("declined"):
        st.caption("It declined.")
    for source in said.get("sources") or []:
        if isinstance(source, dict):
            st.caption(f":material/format_quote: {widgets.plain(str(source.get('quote', ''))[:500])}")
