"""What a person should know: what waits for them, and what moved because of them. Each domain tells its own events, in its transaction."""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from data import store
from data.tables import InboxItem, Person
from data.values import now

KINDS = {
    "alert": "what monitors found",
    "approval": "decisions",  # waits for you, or was decided about something of yours
    "mention": "comments",
    "moved": "what moved because of you",
}
HEADINGS = {  # in the order that they are read in
    "alert": "What monitors found", "approval": "Decisions", "mention": "Said to you", "moved": "What moved because of you",
}  # fmt: skip
MOST_KEPT = 200  # a page


def tell(db: Session, person_id: str, kind: str, sentence: str, *, page: str, key: str, at: datetime | None = None) -> None:
    """Say it once: the same key to the same person again says nothing."""
    key = f"{key} to {person_id}"
    if db.exec(select(InboxItem.id).where(InboxItem.key == key)).first() is None:
        db.add(InboxItem(person_id=person_id, kind=kind, sentence=sentence, page=page, key=key, at=at or now()))
        db.flush()


def of(person: Person, *, unread_only: bool = False, most: int = MOST_KEPT) -> list[InboxItem]:
    """The person's own, newest first. There is no way to read another's."""
    query = select(InboxItem).where(InboxItem.person_id == person.id)
    if unread_only:
        query = query.where(col(InboxItem.read_at).is_(None))
    with store.reading() as db:
        return list(db.exec(query.order_by(col(InboxItem.at).desc(), col(InboxItem.id).desc()).limit(most)))


def unread(person: Person) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).where(InboxItem.person_id == person.id, col(InboxItem.read_at).is_(None))).one()


def mark_read(item_ids: list[str], *, by: Person) -> None:
    with store.writing() as db:
        mine = (col(InboxItem.id).in_(item_ids), col(InboxItem.person_id) == by.id, col(InboxItem.read_at).is_(None))
        db.execute(update(InboxItem).where(*mine).values(read_at=now()))


def settle(db: Session, kind: str, page: str) -> None:
    """What waited there was decided: nobody need look any more."""
    there = (col(InboxItem.kind) == kind, col(InboxItem.page) == page, col(InboxItem.read_at).is_(None))
    db.execute(update(InboxItem).where(*there).values(read_at=now()))


def to_mail(*, since: datetime) -> dict[str, list[InboxItem]]:
    """What is neither read nor mailed yet, by person, of those who are active."""
    query = (
        select(InboxItem)
        .join(Person, col(Person.id) == col(InboxItem.person_id))
        .where(col(InboxItem.mailed_at).is_(None), col(InboxItem.read_at).is_(None), col(InboxItem.at) >= since)
        .where(col(Person.disabled_at).is_(None), ~col(Person.demo))
        .order_by(InboxItem.person_id, col(InboxItem.at))
    )
    found: dict[str, list[InboxItem]] = {}
    with store.reading() as db:
        for item in db.exec(query):
            found.setdefault(item.person_id, []).append(item)
    return found


def mark_mailed(items: list[InboxItem]) -> None:
    with store.writing() as db:
        db.execute(update(InboxItem).where(col(InboxItem.id).in_([item.id for item in items])).values(mailed_at=now()))


def mark_unmailed(items: list[InboxItem]) -> None:
    """The mail server did not take it."""
    with store.writing() as db:
        db.execute(update(InboxItem).where(col(InboxItem.id).in_([item.id for item in items])).values(mailed_at=None))
