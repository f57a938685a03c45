"""The demo's eval set: conversations that reps held up as examples, frozen by a lead before each release."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from data import examples
from data.tables import EvalSet, Person
from evals import sets

NAME = "Everyday intents"


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


def flag(eval_set: EvalSet, flags: Sequence[Flag]) -> None:
    for one in flags:
        kind, why = ("strong", "Solved at once, and kindly.") if one.strong else ("weak", "The answer missed what was asked.")
        examples.flag(one.conversation_id, kind, why=why, eval_set_id=eval_set.id, label_id=one.label_id, by=one.by, at=one.at)
