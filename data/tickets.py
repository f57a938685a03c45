"""Tickets: one person may do one thing, once, for a while. A ticket that leaks is of no use to anybody else, nor a second time."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from data import sealing, store
from data.errors import Refused
from data.tables import Person, Ticket
from data.values import now

LASTS = {"download": timedelta(minutes=5), "welcome": timedelta(days=7)}


def issue(db: Session, purpose: str, person_id: str, names: dict[str, str], *, by: Person, at: datetime | None = None) -> str:
    """Called by the domain that checked the right. The ticket itself is shown once; only its hash is kept."""
    ticket, made = secrets.token_urlsafe(32), at or now()
    db.add(
        Ticket(
            purpose=purpose, person_id=person_id, ticket_sha=sealing.sha(ticket), names=names, expires_at=made + LASTS[purpose], at=made,
            by_person_id=by.id,
        )
    )  # fmt: skip
    return ticket


def void(db: Session, purpose: str, person_id: str) -> None:
    """Whoever kept an older ticket of the person's has nothing any more."""
    unused = (col(Ticket.purpose) == purpose, col(Ticket.person_id) == person_id, col(Ticket.used_at).is_(None))
    db.execute(update(Ticket).where(*unused).values(used_at=now()))


def look(ticket: str, purpose: str) -> Ticket | None:
    """The ticket, if it still opens what it is for."""
    with store.reading() as db:
        found = db.exec(select(Ticket).where(Ticket.ticket_sha == sealing.sha(ticket), Ticket.purpose == purpose)).first()
    return found if found and found.used_at is None and found.expires_at > now() else None


def redeem(db: Session, ticket: str, purpose: str, *, by: Person | None = None) -> Ticket:
    """Use it up. With a person: only theirs."""
    mine = [col(Ticket.person_id) == by.id] if by else []
    used = db.execute(
        update(Ticket)
        .where(
            col(Ticket.ticket_sha) == sealing.sha(ticket), col(Ticket.purpose) == purpose, col(Ticket.used_at).is_(None),
            col(Ticket.expires_at) > now(), *mine,
        )
        .values(used_at=now())
    )  # fmt: skip
    if used.rowcount != 1:  # type: ignore[attr-defined]
        raise Refused("This link opens nothing: it was used already, is too old, or was made for somebody else. Ask for a new one.")
    return db.exec(select(Ticket).where(Ticket.ticket_sha == sealing.sha(ticket))).one()
