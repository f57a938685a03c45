"""One step of a run held up as wrong: it becomes a case of the recipe's eval set, or, where there is none, a word on the version."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists
from sqlmodel import col, select

from automations import RECIPE, ran
from automations.ran import Run
from data import access, comments, examples, store
from data.errors import Refused
from data.tables import Action, EvalSet, Example, Person, Span, Trace, Version
from evals.flags import ABOUT, AUTOMATION
from evals.graders import declines, tool_calls

LONGEST = 300


@dataclass(frozen=True)
class Flagged:
    """What came of it."""

    sentence: str
    example: Example | None = None


def flag(trace_id: str, seq: int, *, why: str = "", by: Person, at: datetime | None = None) -> Flagged:
    """In one act: `u` takes the case back. The case ends with the words that set the recipe off."""
    access.require(by, "example.flag")
    run = ran.one(trace_id, by=by)
    span = next((one for one in run.steps if one.seq == seq), None)
    if span is None:
        raise Refused("Not flagged: the run has no such step. Look at the page again.")
    note = _note(run, span, why)
    eval_set = _set_for(run.trace)
    if eval_set is None:
        return _said(run, note, by=by, at=at)
    grader, expected, told = _expected(run, span)
    example = examples.flag(
        str(run.trace.conversation_id), "weak", why=note, eval_set_id=eval_set.id, grader=grader,
        expected=expected | {ABOUT: run.trace.seq}, by=by, at=at,
    )  # fmt: skip
    return Flagged(f"Flagged for '{eval_set.name}': the case expects {told}.", example)


def _note(run: Run, span: Span, why: str) -> str:
    """Which step, of which version, and what a person says to it."""
    named = f"Step {span.seq}, '{span.name}' ({span.input.get('step')}), of recipe '{run.trace.target_name}' {run.trace.target_number}"
    return f"{named}, did wrong here{f': {why.strip()[:LONGEST]}' if why.strip() else '.'}"


def _set_for(trace: Trace) -> EvalSet | None:
    """Of those that were made for the recipe the first in which the conversation does not stand yet."""
    stands = exists().where(
        col(Example.eval_set_id) == col(EvalSet.id), col(Example.conversation_id) == trace.conversation_id, col(Example.use) != "retired"
    )
    made_for = select(EvalSet).where(EvalSet.purpose == AUTOMATION, EvalSet.about == trace.target_name)
    with store.reading() as db:
        found = list(db.exec(made_for.order_by(col(EvalSet.at), col(EvalSet.id))))
        free = db.exec(made_for.where(~stands).order_by(col(EvalSet.at), col(EvalSet.id))).first()
    if found and free is None:
        raise Refused(f"Not flagged again: this conversation stands in '{found[0].name}' already. Say there what is wrong.")
    return free


def _expected(run: Run, span: Span) -> tuple[str, dict[str, Any], str]:
    """The least that is known to be right: the same without what the step did, or a person where it only looked."""
    done = [one for one in run.did if one.state == "done"]
    if span.name not in {one.act for one in done}:
        return declines.NAME, {"decline": True}, "that a person has it there"
    calls = [_call(one) for one in done if one.act != span.name]
    return tool_calls.NAME, {"tool_calls": calls}, "what it did without this step" if calls else "that it does nothing there"


def _call(one: Action) -> dict[str, Any]:
    """As a recipe's acts stand in what it gives on a case."""
    what = {name: float(value) if name == "amount" else value for name, value in one.payload["what"].items()}
    return {"name": one.step, "arguments": what}


def _said(run: Run, note: str, *, by: Person, at: datetime | None) -> Flagged:
    """Where no set could take it: whoever looks after the version reads it."""
    query = select(Version.id).where(
        Version.target_kind == RECIPE, Version.target_name == run.trace.target_name, Version.target_number == run.trace.target_number
    )
    with store.reading() as db:
        version_id = db.exec(query).one()
    comments.write("version", version_id, note, by=by, at=at)
    return Flagged(f"Said beside version {run.trace.target_number}, since no eval set was made for '{run.trace.target_name}' yet.")
