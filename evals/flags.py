"""What a flag becomes, proposed before anybody asks: for what, in which set, judged by which grader, expecting what."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists
from sqlmodel import Session, col, select

from data import access, conversations, labels, predictions, store
from data.tables import EvalSet, Example, Message, Person
from evals import sets
from evals.graders import exact_label, reply_words, tool_calls

CLASSIFIER, ANSWER, AUTOMATION = "classifier", "answer", "automation"
PURPOSES = {CLASSIFIER: "its intent", ANSWER: "the answer", AUTOMATION: "what was done"}  # what the case tests, in a word or two


@dataclass(frozen=True)
class Proposed:
    """Accepted in one key, or changed."""

    purpose: str
    eval_set: EvalSet
    grader: str
    expected: dict[str, Any] | None  # None: the intent of the flag itself
    sentence: str  # what it will be tested on, for the person who flags


def proposed(
    conversation_id: str, kind: str, *, by: Person, label_id: str | None = None, reply: str = "", purpose: str = "", eval_set_id: str = ""
) -> Proposed | None:
    """None where no eval set could take it."""
    access.require(by, "example.flag")
    found = conversations.get(conversation_id, by=by)
    if found is None:
        return None
    messages = [message for message in found[1] if not message.private and message.gone_at is None]
    with store.reading() as db:
        known = {one: eval_set for one in PURPOSES if (eval_set := _set_for(db, one, conversation_id, by))}
        if (chosen := db.get(EvalSet, eval_set_id) if eval_set_id else None) and purpose in ("", chosen.purpose):
            known[chosen.purpose], purpose = chosen, chosen.purpose
        for one in _by_fit(conversation_id, kind, label_id, messages) if not purpose else [purpose]:
            if one in known and (made := _of(one, known[one], kind, label_id, reply, messages)):
                return made
    return None


def _by_fit(conversation_id: str, kind: str, label_id: str | None, messages: Sequence[Message]) -> list[str]:
    """What it teaches most about: an intent that the machine got wrong, steps that were taken, else the answer."""
    prediction = predictions.of_conversation(conversation_id)
    misread = label_id is not None and prediction is not None and prediction.label_id != label_id
    acted = any(message.tool_call for message in messages)
    return [*([CLASSIFIER] if misread else []), *([AUTOMATION] if acted and kind == "strong" else []), ANSWER, CLASSIFIER]


def _set_for(db: Session, purpose: str, conversation_id: str, by: Person) -> EvalSet | None:
    """Of those in which it does not stand yet the one that this person flagged for last; else the first that was made."""
    stands = exists().where(
        col(Example.eval_set_id) == col(EvalSet.id), col(Example.conversation_id) == conversation_id, col(Example.use) != "retired"
    )
    fitting = select(EvalSet).where(EvalSet.purpose == purpose, ~stands)
    known = db.exec(fitting.order_by(col(EvalSet.at), col(EvalSet.id))).all()
    if len(known) < 2:
        return known[0] if known else None
    mine = select(Example.eval_set_id).where(
        Example.by_person_id == by.id, Example.purpose == purpose, col(Example.eval_set_id).is_not(None)
    )
    last = db.exec(mine.order_by(col(Example.at).desc()).limit(1)).first()
    return next((one for one in known if one.id == last), known[0])


def _of(
    purpose: str, eval_set: EvalSet, kind: str, label_id: str | None, reply: str, messages: Sequence[Message]
) -> Proposed | None:  # fmt: skip
    if purpose == CLASSIFIER:
        name = labels.names().get(label_id or "")
        return Proposed(purpose, eval_set, exact_label.NAME, None, f"expects the intent '{name}'") if name else None
    if purpose == AUTOMATION:
        calls = [message.tool_call for message in messages if message.tool_call]
        steps = f"expects the same {len(calls)} steps" if len(calls) != 1 else "expects the same step"
        return Proposed(purpose, eval_set, tool_calls.NAME, {"tool_calls": calls}, steps) if calls else None
    given = next((message.text for message in reversed(messages) if message.role in ("rep", "assistant") and message.text.strip()), "")
    if reply.strip():
        return Proposed(purpose, eval_set, reply_words.NAME, {"reply": reply.strip()}, "expects what your better reply says")
    if not given:
        return None
    if kind == "strong":
        return Proposed(purpose, eval_set, reply_words.NAME, {"reply": given}, "expects what this reply says")
    return Proposed(purpose, eval_set, reply_words.NAME, {"not_reply": given}, "expects no such reply again")


def sets_for(purpose: str, *, by: Person) -> list[EvalSet]:
    return [eval_set for eval_set in sets.all_sets(by=by) if eval_set.purpose == purpose]
