"""What came in is classified by the version in force, and by the one that is on its way there or was there until lately."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any

from sqlmodel import Session, col, select

from classifiers import KIND, kinds, model, serving
from classifiers.release import FAILED
from data import conversations, labels, predictions, releases, store, versions
from data.measures import percent
from data.tables import Conversation
from data.values import LIVE, SHADOW, Subject, Target, new_id, now

logger = logging.getLogger("portal.classifiers")

STEP = 500  # conversations in a transaction
FAILED_GUESS = model.Guess(None, 0.0, [])


def by_all(conversation_ids: Sequence[str], *, at: datetime | None = None) -> int:
    """What came in is looked at by every classifier that is live."""
    return sum(predict(conversation_ids, name=name, at=at) for name in kinds.names())


def predict(conversation_ids: Sequence[str], *, name: str = labels.INTENT, at: datetime | None = None) -> int:
    """Returns how many were predicted for good. Done already stays as it was.

    What is under way looks at everything too. For the customers it answers for its word counts; for the others it is kept beside.
    """
    force = releases.in_force(KIND, name, at)
    if force is None:
        return 0
    done = 0
    for start in range(0, len(conversation_ids), STEP):
        with store.reading() as db:
            texts = conversations.texts(db, conversation_ids[start : start + STEP])
            theirs = _customers(db, list(texts))
        said = _ask(force, [text for _, text in texts.values()])
        subjects = [subject for subject, _ in texts.values()]
        answering = {made: _answering(force, customer, said) for made, customer in theirs.items()}
        rows = [row for one in said.values() for row in _rows(one, subjects, answering, at)]
        with store.writing() as db:
            done += predictions.add(db, [row for row in rows if row["mode"] == LIVE])
            predictions.add(db, [row for row in rows if row["mode"] == SHADOW])
    return done


def _customers(db: Session, conversation_ids: list[str]) -> dict[str, str]:
    return dict(db.exec(select(Conversation.id, Conversation.customer_id).where(col(Conversation.id).in_(conversation_ids))).all())


@dataclass(frozen=True)
class Said:
    """What a version said of each, or that it failed."""

    target: Target
    guesses: Sequence[Any]
    ms: float  # each, of the time that all took
    failed: str = ""


def _ask(force: releases.InForce, texts: Sequence[str]) -> dict[Target, Said]:
    """What one of them fails at the others answer; where none is left it is tried again later."""
    found, failures = {}, []
    for target in force.targets:
        began = perf_counter()
        try:
            guesses, failed = serving.guess(target, texts, keep=True), ""
        except Exception as error:
            logger.exception("%s failed on %d texts", target, len(texts))
            failures.append(error)
            guesses, failed = [FAILED_GUESS] * len(texts), FAILED
        found[target] = Said(target, guesses, (perf_counter() - began) * 1000 / max(len(texts), 1), failed)
    if len(failures) == len(found):
        raise failures[0]
    return found


def _answering(force: releases.InForce, customer_id: str, said: dict[Target, Said]) -> Target:
    """Whose word counts for the customer: of those who have one."""
    return next(target for target in (force.answers(customer_id), *force.targets) if not said[target].failed)


def _rows(said: Said, subjects: Sequence[Subject], answering: dict[str, Target], at: datetime | None) -> list[dict[str, Any]]:
    told, names = versions.get(said.target).manifest, labels.names()
    own = told.get("own_thresholds") or {}
    return [
        {
            "id": new_id(), "at": at or now(), "conversation_id": subject.conversation_id, "seq": subject.seq, **said.target.columns(),
            "mode": LIVE if answering[subject.conversation_id] == said.target else SHADOW, "label_id": one.label_id, "also": list(one.also),
            "confidence": one.confidence, "top": one.top, "threshold": own.get(one.top[0][0] if one.top else "", told["threshold"]),
            "why": said.failed or _why(one, names), "ms": round(said.ms, 2),
        }
        for subject, one in zip(subjects, said.guesses, strict=True)
    ]  # fmt: skip


def _why(one: model.Guess, names: dict[str, str]) -> str:
    """What a person reads where it does not answer but has something to say."""
    told = [f"'{names.get(label_id, '?')}' ({percent(share)})" for label_id, share in one.top]
    if one.becomes == "names both":
        return f"Between {told[0]} and {told[1]}."
    return f"Perhaps {told[0]}; it is not sure enough." if one.becomes == "asks" else ""
