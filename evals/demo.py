"""The demo's eval set: conversations that reps held up as examples, frozen by a lead before each release."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from data import examples
from data.tables import EvalSet, Person
from evals import flags, sets

NAME, ANSWERS = "Everyday intents", "Everyday answers"


@dataclass(frozen=True)
class Flag:
    conversation_id: str
    strong: bool
    label_id: str
    by: Person
    at: datetime


def propose_gate(eval_set: EvalSet, *, by: Person, at: datetime) -> None:
    """A lead asks for a higher bar; somebody else decides."""
    why = "Since spring every release passed 80 %. A bar of 50 % stops nothing any more."
    sets.propose_gate(eval_set.id, bar=0.75, approvers=1, why=why, by=by, at=at)


def create(*, by: Person, at: datetime) -> EvalSet:
    return sets.create(NAME, by=by, bar=0.5, at=at)


def create_answers(*, by: Person, at: datetime) -> EvalSet:
    return sets.create(ANSWERS, purpose="answer", by=by, bar=0.5, at=at)


def flag_answers(flagged: Sequence[Flag]) -> None:
    """As Review proposes it: what this reply says, or no such reply again."""
    for one in flagged:
        kind, why = ("strong", "Clear, kind and complete.") if one.strong else ("weak", "It does not answer what was asked.")
        told = flags.proposed(one.conversation_id, kind, by=one.by, label_id=one.label_id, purpose=flags.ANSWER)
        if told is not None:
            examples.flag(
                one.conversation_id, kind, why=why, eval_set_id=told.eval_set.id, label_id=one.label_id, grader=told.grader,
                expected=told.expected, by=one.by, at=one.at,
            )  # fmt: skip


def flag(eval_set: EvalSet, flags: Sequence[Flag]) -> None:
    for one in flags:
        kind, why = ("strong", "Solved at once, and kindly.") if one.strong else ("weak", "The answer missed what was asked.")
        examples.flag(one.conversation_id, kind, why=why, eval_set_id=eval_set.id, label_id=one.label_id, by=one.by, at=one.at)
