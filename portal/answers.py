"""What a target answered to a case, and what the graders said of it: word for word, nothing of it is interpreted."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from data.measures import percent
from data.tables import Run, Score
from evals.reading import Said
from evals.targets import PEOPLE
from portal import transcript, widgets

LONGEST = 4_000


def of(run: Run) -> str:
    """Who answered, as people call it; people write its name, so it goes into Markdown through `widgets.plain`."""
    if run.target_kind == PEOPLE.kind:
        return "What people replied"
    return f"{run.target_name} {run.target_number}" if run.target_number else run.target_name


def show(said: Sequence[Said]) -> None:
    """Each answer with its grades; asked several times, each time."""
    for number, one in enumerate(said, start=1):
        if len(said) > 1:
            st.caption(f"Time {number} of {len(said)}")
        output(one.result.output, one.result.error)
        for grade in one.grades:
            st.markdown(f"{mark(grade)} · {widgets.plain(grade.grader_name)}: {widgets.plain(grade.why or grade.error)}")
    if not said:
        st.caption("It was not asked this case.")


def mark(grade: Score) -> str:
    if grade.passed is None:
        return ":orange[:material/help: Not judged]"
    return ":green[:material/check: Passed]" if grade.passed else ":red[:material/close: Failed]"


def output(said: dict[str, Any] | None, error: str) -> None:
    if said is None:
        st.markdown(f":orange[:material/error:] No answer: {widgets.plain(error or 'nothing was said')}")
        return
    if "label" in said:
        sure = f", {percent(said['confidence'])} sure" if isinstance(said.get("confidence"), int | float) else ""
        st.markdown(f"Intent: **{widgets.plain(str(said['label'] or 'none'))}**{sure}")
    if reply := str(said.get("reply") or ""):
        words(reply)
    for call in dicts(said.get("tool_calls")):
        words("\n".join([f"Called {call.get('name', 'something')}", *transcript.in_lines(call.get("arguments") or {}, "· ")]))
    if said.get("end_state"):
        words("\n".join(["Afterwards", *transcript.in_lines(said["end_state"], "· ")]))
    if said.get("declined"):
        st.caption("It declined.")
    for source in dicts(said.get("sources")):
        st.caption(f":material/format_quote: {widgets.plain(str(source.get('quote', ''))[:500])}")


def words(text: str) -> None:
    st.text(text[:LONGEST])
    if len(text) > LONGEST:
        st.caption(f"{len(text) - LONGEST:,} more characters are not shown.")


def dicts(told: Any) -> list[dict[str, Any]]:
    """A file of outputs may hold anything where a list is meant."""
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
