"""What was done, by whom, in a sentence: written inside the transaction that did it, each entry sealing the one before."""

import json
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, select

from data import access, sealing, store
from data.tables import AuditEntry, Person
from data.values import now

FIRST = "0" * 64


def record(
    db: Session,
    by: Person | None,
    verb: str,
    noun: str,
    noun_id: str,
    sentence: str,
    *,
    at: datetime | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEntry:
    number, previous = _head(db)
    entry = AuditEntry(
        at=at or now(),
        by_person_id=by.id if by and by.role != access.CONSOLE else None,
        number=number + 1,
        verb=verb,
        noun=noun,
        noun_id=noun_id,
        sentence=sentence,
        before=before,
        after=after,
        previous_sha=previous,
        sha="",
    )
    entry.sha = digest(entry)
    db.add(entry)
    db.info["audit_head"] = (entry.number, entry.sha)
    return entry


def _head(db: Session) -> tuple[int, str]:
    """The last entry. No other transaction may add one until this one ends, so it is read once a transaction."""
    if "audit_head" not in db.info:
        store.one_at_a_time(db, "audit")
        last = db.exec(select(AuditEntry).order_by(col(AuditEntry.number).desc()).limit(1)).first()
        db.info["audit_head"] = (last.number, last.sha) if last else (0, FIRST)
    head: tuple[int, str] = db.info["audit_head"]
    return head


def digest(entry: AuditEntry) -> str:
    told = [
        entry.number, entry.at.astimezone(UTC).isoformat(), entry.by_person_id, entry.verb, entry.noun, entry.noun_id,
        entry.sentence, entry.before, entry.after, entry.previous_sha,
    ]  # fmt: skip
    return sealing.hmac_of(
        json.dumps(told, sort_keys=True, ensure_ascii=False), "audit"
    )  # nobody without the key writes a chain that holds


def first_broken() -> int | None:
    """The number of the first entry that was changed, added or taken away by hand; None when the chain holds."""
    previous, expected = FIRST, 1
    with store.reading() as db:
        for entry in db.exec(select(AuditEntry).order_by(col(AuditEntry.number))):
            if entry.number != expected or entry.previous_sha != previous or digest(entry) != entry.sha:
                return expected
            previous, expected = entry.sha, expected + 1
    return None


def newest(*, by: Person, most: int = 200, noun: str | None = None) -> list[AuditEntry]:
    """What the person may read: their own acts, their team's, or all."""
    reach = access.require(by, "audit.read")
    query = select(AuditEntry).order_by(col(AuditEntry.number).desc()).limit(most)
    if noun:
        query = query.where(AuditEntry.noun == noun)
    if reach == access.OWN or (reach == access.TEAM and by.team_id is None):
        query = query.where(AuditEntry.by_person_id == by.id)
    elif reach == access.TEAM:
        query = query.where(col(AuditEntry.by_person_id).in_(select(Person.id).where(Person.team_id == by.team_id)))
    with store.reading() as db:
        return list(db.exec(query))


def verbs_since_first_sign_in(person: Person) -> set[str]:
    """What the person has done by themselves since they first came."""
    mine = select(AuditEntry.number).where(AuditEntry.by_person_id == person.id, AuditEntry.verb == "signed in")
    with store.reading() as db:
        first = db.exec(mine.order_by(col(AuditEntry.number)).limit(1)).first()
        if first is None:
            return set()
        query = select(AuditEntry.verb).where(AuditEntry.by_person_id == person.id, AuditEntry.number > first).distinct()
        return set(db.exec(query).all())
