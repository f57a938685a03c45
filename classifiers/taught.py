"""What labels are taught by: which there are to teach, what stands of each conversation, and how a label came by its examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import defer
from sqlmodel import Session, col, func, or_, select

from data import access, conversations, examples, labels, store
from data.tables import Conversation, Example, Label, Person
from evals.graders import same_labels

USES = ("train", "loose", "eval")


@dataclass(frozen=True)
class Said:
    """What stands of a conversation: the last that a person said."""

    example_id: str
    conversation_id: str
    use: str
    found: str
    at: datetime
    label_ids: tuple[str, ...]


def of_classifier(db: Session, name: str, conversation_ids: Sequence[str] | None = None) -> list[Said]:
    """The newest first."""
    theirs = col(Example.label_id).in_(select(Label.id).where(Label.classifier_name == name))
    query = select(Example).where(
        Example.purpose == "classifier", Example.use != "retired", or_(theirs, col(Example.grader) == same_labels.NAME)
    )  # fmt: skip
    if conversation_ids is not None:
        query = query.where(col(Example.conversation_id).in_(conversation_ids))
    query = query.order_by(col(Example.at).desc(), col(Example.id).desc()).options(defer(col(Example.messages)))  # type: ignore[arg-type]
    found: dict[str, Said] = {}
    for one in db.exec(query):
        if examples.classifier_of(one) in (None, name):
            said = Said(one.id, one.conversation_id, one.use, one.found, one.at, examples.label_ids_of(one))
            found.setdefault(one.conversation_id, said)
    return list(found.values())


def said_of(conversation_id: str, classifier_name: str, *, by: Person) -> tuple[str, ...] | None:
    """The labels that somebody said come up in it; None: nobody said anything."""
    if not conversations.reachable([conversation_id], by=by):
        return None
    with store.reading() as db:
        return next((one.label_ids for one in of_classifier(db, classifier_name, [conversation_id])), None)


# -- the labels, and what they have -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """How a label came by examples, and how many."""

    words: str
    learned_from: int
    kept_for_testing: int


def choosable(*, by: Person) -> list[Label]:
    """Every label that can be taught: the intents first, then those of the other classifiers."""
    access.require(by, "label.draft")
    with store.reading() as db:
        found = db.exec(select(Label).where(col(Label.retired_at).is_(None)))
        return sorted(found, key=lambda one: (one.classifier_name != labels.INTENT, one.classifier_name, one.name.lower()))


def sources(label_id: str, *, by: Person) -> list[Source]:
    """How the label came by what it has, the most first. What nobody came across in a special way was read in a review."""
    access.require(by, "label.draft")
    with store.reading() as db:
        label = db.get_one(Label, label_id)
        is_intent = label.classifier_name == labels.INTENT
        counted = _of_intent(db, label) if is_intent else _of_answer(db, label)
        reviewed = select(func.count()).select_from(Conversation).where(Conversation.reviewed, Conversation.intent_id == label_id)
        named = db.exec(reviewed).one() if is_intent else 0
    told = [Source("reviews", named, 0)] if named else []
    for found in dict.fromkeys(found for found, _ in counted):
        uses = [use for other, use in counted if other == found]
        told.append(Source(found or "a flag", uses.count("train"), len(uses) - uses.count("train")))
    return sorted(told, key=lambda one: (-one.learned_from - one.kept_for_testing, one.words))


def _of_intent(db: Session, label: Label) -> list[tuple[str, str]]:
    """How each example was found, and what it is used for."""
    query = select(Example.found, Example.use).where(Example.label_id == label.id, col(Example.use).in_(USES))
    return [(found, use) for found, use in db.exec(query)]


def _of_answer(db: Session, label: Label) -> list[tuple[str, str]]:
    """Of a conversation one thing is said, so one of its labels may have it no more; or, where several come up, all have it."""
    said = of_classifier(db, label.classifier_name)
    return [(one.found, one.use) for one in said if label.id in one.label_ids and one.use in USES]
