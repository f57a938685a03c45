"""Messages that follow a conversation that is here: what a help desk tells as it happens."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, select

from data import access, releases, sealing, store, tasks
from data.intake import revising
from data.intake.canonical import CanonicalMessage
from data.intake.cleaning import Cleaner, key_of
from data.intake.door import Arrival, message_row, words_of
from data.tables import Conversation, Customer, Message, Person, Seal
from data.values import now


@dataclass
class Addition:
    """What is to be written, made while nobody waits; and the conversation that it was made against."""

    conversation: tuple[str, str]  # its source, its id there
    said: Sequence[CanonicalMessage]
    by: Person
    at: datetime
    stored: Conversation | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    words: str = ""
    seals: list[dict[str, Any]] = field(default_factory=list)
    arrival: Arrival = field(default_factory=Arrival)


def append(conversation: tuple[str, str], said: Sequence[CanonicalMessage], *, by: Person, at: datetime | None = None) -> Arrival:
    """Add messages to a conversation that is here. A message that came before is left out."""
    return keep(prepare(conversation, said, by=by, at=at))


def prepare(conversation: tuple[str, str], said: Sequence[CanonicalMessage], *, by: Person, at: datetime | None = None) -> Addition:
    with store.reading() as db:
        return _prepare(db, Addition(conversation, said, by, at or now()))


def keep(addition: Addition, *, recipes: bool = True) -> Arrival:
    """Write it, unless something came in between: then it is made anew, with everybody else waiting."""
    with store.writing() as db:
        store.one_at_a_time(db, "intake")
        if _seen(_stored(db, addition)) != _seen(addition.stored):
            addition = _prepare(db, Addition(addition.conversation, addition.said, addition.by, addition.at))
        if addition.stored and addition.rows:
            revising.extend(db, addition.stored, addition.rows, addition.words, at=addition.at)
            if addition.seals:
                db.execute(insert(Seal), addition.seals)
            if releases.anything_looks(db):
                ids = {"conversation_ids": addition.arrival.ids, "recipes": recipes}
                tasks.later(db, "classify", ids, title="Classify a conversation that went on", by=addition.by)
    return addition.arrival


def _prepare(db: Session, addition: Addition) -> Addition:
    reach, arrival, (source, external_id) = access.require(addition.by, "conversation.import"), addition.arrival, addition.conversation
    stored = addition.stored = _stored(db, addition)
    if stored is None or (reach != access.ALL and stored.team_id != addition.by.team_id):
        addition.stored = None
        arrival.refused[0] = f"there is no conversation '{external_id}' of '{source}' within your reach: send it first"
        return addition
    before = revising.messages_of(db, stored.id)
    fresh = _fresh(before, addition.said)
    arrival.counts.update(conversations=1, unchanged=0 if fresh else 1)
    if fresh:
        cleaner = _cleaner(db, stored, addition.at)
        last = max((message.seq for message in before), default=0)
        addition.rows = [
            message_row(message, stored.id, seq, cleaner, addition.at, arrival) for seq, message in enumerate(fresh, start=last + 1)
        ]
        spoken = [message.model_dump() for message in before if message.gone_at is None] + addition.rows
        addition.words = words_of({"subject": stored.subject, "assignee": stored.assignee, "tags": stored.tags}, spoken)
        addition.seals = cleaner.seals
        arrival.note(cleaner)
        arrival.counts.update(updated=1, messages=len(addition.rows))
        arrival.ids.append(stored.id)
    return addition


def _stored(db: Session, addition: Addition) -> Conversation | None:
    source, external_id = addition.conversation
    query = select(Conversation).where(Conversation.source == source, Conversation.external_id == key_of(external_id))
    return db.exec(query.execution_options(populate_existing=True)).first()


def _seen(stored: Conversation | None) -> tuple[str, int, str | None] | None:
    return (stored.id, stored.revision, stored.team_id) if stored else None


def _fresh(before: Sequence[Message], said: Sequence[CanonicalMessage]) -> list[CanonicalMessage]:
    """Those whose id did not come before, here or in this very call."""
    come = {message.external_id for message in before if message.external_id}
    fresh = []
    for message in said:
        if message.id is None or key_of(message.id) not in come:
            fresh.append(message)
            come |= {key_of(message.id)} if message.id else set()
    return fresh


def _cleaner(db: Session, stored: Conversation, at: datetime) -> Cleaner:
    seals = db.exec(select(Seal).where(Seal.conversation_id == stored.id)).all()
    customer = db.get_one(Customer, stored.customer_id)
    names = [sealing.unseal(customer.sealed_name, "name")] if customer.sealed_name else []
    return Cleaner(stored.id, at, names=names, known=seals)
