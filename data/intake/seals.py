"""What was replaced at the door, for those who must see it: by right, with a reason, on the record, and for thirty days only."""

import re
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from data import audit, conversations, sealing, store
from data.errors import Refused
from data.intake.cleaning import SEALED
from data.tables import AuditEntry, Person, Seal
from data.values import now
from language import redact

MOST_A_DAY = 30  # originals that one person may look at
SHORTEST_REASON = 10  # letters


def sealed_in(conversation_id: str, *, by: Person) -> list[Seal]:
    """What can still be revealed of a conversation within reach."""
    if conversations.get(conversation_id, by=by) is None:
        return []
    query = select(Seal).where(Seal.conversation_id == conversation_id, col(Seal.sealed_value).is_not(None), Seal.purge_at > now())
    with store.reading() as db:
        return list(db.exec(query.order_by(Seal.kind, col(Seal.number))))


def reveal(conversation_id: str, kind: str, number: int, *, why: str, by: Person, at: datetime | None = None) -> str:
    """The original behind a placeholder. Who looked, at what and why stands in the record; what it said does not."""
    moment = at or now()
    if len(why.strip()) < SHORTEST_REASON:
        raise Refused("Not revealed: say in a few words what you need it for. The reason stands in the record.")
    with store.writing() as db:
        conversations.within_reach(db, conversation_id, "personal_data.reveal", by=by)
        seal = db.exec(select(Seal).where(Seal.conversation_id == conversation_id, Seal.kind == kind, Seal.number == number)).first()
        if seal is None:
            raise Refused("Not revealed: nothing was replaced there.")
        if seal.sealed_value is None or seal.purge_at <= moment:
            raise Refused("Not revealed: it was kept for 30 days, and is gone.")
        store.one_at_a_time(db, "reveal")  # two at once do not both get the last of the day
        today = select(func.count()).where(
            AuditEntry.verb == "revealed", AuditEntry.by_person_id == by.id, AuditEntry.at > moment - timedelta(days=1)
        )  # fmt: skip
        if db.exec(today).one() >= MOST_A_DAY:
            raise Refused(f"Not revealed: {MOST_A_DAY} originals a day are the most one person may look at. Ask your lead, or wait.")
        sentence = f"Revealed {redact.placeholder(kind, number)} of a conversation: {_without_originals(db, conversation_id, why.strip())}"
        audit.record(db, by, "revealed", "conversation", conversation_id, sentence, at=at)
        return sealing.unseal(seal.sealed_value, SEALED)


def _without_originals(db: Session, conversation_id: str, why: str) -> str:
    """The reason as the record may keep it: what was replaced in the conversation is replaced here, also where nothing tells what it is."""
    for seal in db.exec(select(Seal).where(Seal.conversation_id == conversation_id, col(Seal.sealed_value).is_not(None))):
        original = re.escape(sealing.unseal(seal.sealed_value or "", SEALED))
        why = re.sub(rf"(?<!\w){original}(?!\w)", redact.placeholder(seal.kind, seal.number), why, flags=re.IGNORECASE)
    return redact.masked(why)


def purge(*, at: datetime | None = None) -> int:
    """Originals whose time is over are gone; that a value was there stays, so that later messages number it alike."""
    with store.writing() as db:
        over = (col(Seal.purge_at) <= (at or now()), col(Seal.sealed_value).is_not(None))
        return int(db.execute(update(Seal).where(*over).values(sealed_value=None)).rowcount)  # type: ignore[attr-defined]
