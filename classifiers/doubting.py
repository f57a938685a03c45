"""Labels that look wrong: which of a version's doubts nobody looked at since it was made, and what a person says who looks again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from classifiers import gathering, kinds, taught
from data import access, audit, conversations, labels, reviews, store
from data.errors import Refused
from data.tables import AuditEntry, Label, Person, Version

LOOKED = "looked again"
FOUND = "unsure"  # the way by which such an example was come across


def waiting(version: Version, *, by: Person) -> list[dict[str, Any]]:
    """Within reach, and nobody looked again since."""
    access.require(by, "classifier.read")
    told = {one["conversation_id"]: one for one in version.body.get("suspects") or ()}
    within = conversations.reachable(list(told), by=by)
    again = reviews.since(within, version.at) if version.target_name == labels.INTENT else set()
    with store.reading() as db:
        again |= _said_since(db, version, within)
    return [told[made] for made in within if made not in again]


def _said_since(db: Session, version: Version, conversation_ids: Sequence[str]) -> set[str]:
    said = taught.of_classifier(db, version.target_name, conversation_ids)
    query = select(AuditEntry.noun_id).where(
        col(AuditEntry.noun_id).in_([one.example_id for one in said]), AuditEntry.verb == LOOKED, AuditEntry.at > version.at
    )  # fmt: skip
    looked_at = set(db.exec(query))
    return {one.conversation_id for one in said if one.at > version.at or one.example_id in looked_at}


def say(version: Version, conversation_id: str, label_ids: Sequence[str], *, by: Person, at: datetime | None = None) -> None:
    """What is right of it, as a person sees it now. What stays as it was is remembered as looked at."""
    access.require(by, "classifier.read")
    name = version.target_name
    with store.writing() as db:
        if kinds.of(name).kind == kinds.SEVERAL:
            is_new = gathering.say_all(conversation_id, name, label_ids, found=FOUND, by=by, at=at) is not None
        elif len(label_ids) != 1 or (label := db.get(Label, label_ids[0])) is None or label.classifier_name != name:
            raise Refused(f"Not kept: '{name}' says one of its labels of a conversation. Choose that one.")
        elif name == labels.INTENT and not label.draft:
            reviews.name(conversation_id, label.id, by=by, at=at)
            return
        else:
            is_new = not gathering.accept([conversation_id], label.id, found=FOUND, by=by, at=at).already
        if not is_new:
            _remember(db, name, conversation_id, by, at)


def _remember(db: Session, name: str, conversation_id: str, by: Person, at: datetime | None) -> None:
    for one in taught.of_classifier(db, name, [conversation_id]):
        told = f"Looked again at what '{name}' is taught by a conversation: it stays as it was said."
        audit.record(db, by, LOOKED, "example", one.example_id, told, at=at)
