"""What a target answered to a case, and what the graders said of it: word for word, nothing of it is interpreted."""

import re
from collections.abc import Sequence
from typing import Any

import streamlit as st

from data import tasks
from data.measures import percent
from data.tables import Person, Run, Score, Task
from evals.reading import Said
from evals.runs import Told
from evals.targets import PEOPLE
from portal import transcript, widgets

LONGEST = 4_000
ADDRESS = re.compile(r"\b(?:https?:|www)(?=[/.])", re.IGNORECASE)


def of(run: Run) -> str:
    """Who answered, as people call it; people write its name, so it goes into Markdown through `widgets.plain`."""
    if run.target_kind == PEOPLE.kind:
        return "What people replied"
    name = ADDRESS.sub("\\g<0>\u2060", run.target_name)  # an address is a name here, and no link
    return f"{name} {run.target_number}" if run.target_number else name


def ended(run: Run, task: Task | None) -> str:
    """What became of a run that has no figures; empty where it has."""
    if run.state == "stopped":
        return f"was stopped: {run.error}"
    if run.state == "running":
        return "is running" if task else "was cut off, or runs at the console. Run it again, and it goes on"
    return "" if run.state == "done" else "failed"


def job_of(run: Run, *, by: Person) -> Task | None:
    """The job that is at this run."""
    return next((one for one in tasks.recent(by=by) if _is_at(one, run)), None) if run.state == "running" else None


def _is_at(task: Task, run: Run) -> bool:
    same = task.arguments.get("set_version_id") == run.set_version_id and task.arguments.get("repeats", 1) == run.repeats
    return (
        task.name == "run_eval" and task.state not in tasks.ENDED and same and any(_names(told, run) for told in task.arguments["targets"])
    )


def _names(told: str, run: Run) -> bool:
    """Whether 'outputs:july.jsonl@1' means the target of the run."""
    kind, _, name = told.partition(":")
    return kind == run.target_kind and name in ("", run.target_name, f"{run.target_name}@{run.target_number}")


def outcome(told: Told, *, by: Person) -> str:
    """On one line: how it ended, and of its figures also what they do not show."""
    how = ended(told.run, job_of(told.run, by=by))
    return how or " · ".join(filter(None, (f"passes {told.passed}", told.run.error)))


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
    if isinstance(names := said.get("labels"), list):
        st.markdown(f"Labels: **{widgets.plain(', '.join(map(str, names)) or 'none of them')}**")
    elif "label" in said:
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
