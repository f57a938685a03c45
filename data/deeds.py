"""What a person did in one go, remembered so that it can be taken back (undo.py does)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from data import store
from data.tables import Act, Example, Person
from data.values import now

HELD = timedelta(hours=24)  # after that what was said has led to other things
LOOKED_THROUGH = 50


@contextmanager
def in_one(db: Session, sentence: str, *, by: Person, at: datetime | None = None) -> Iterator[Act]:
    """Everything inside is one deed: `u` takes all of it back."""
    if (outer := db.info.get("deed")) is not None:
        yield outer
        return
    deed = Act(person_id=by.id, by_person_id=by.id, sentence=sentence, made={}, at=at or now())
    db.info["deed"] = deed
    try:
        yield deed
    finally:
        db.info.pop("deed")
    if deed.made:
        db.add(deed)


def remember(db: Session, sentence: str, noun: str, noun_id: str, *, by: Person, at: datetime | None = None) -> None:
    """Called by the verb that made the row, in its transaction."""
    with in_one(db, sentence, by=by, at=at) as deed:
        deed.made.setdefault(noun, []).append(noun_id)


def last(*, by: Person, at: datetime | None = None) -> Act | None:
    """What `u` would take back now: the newest thing that still can be."""
    query = select(Act).where(Act.person_id == by.id, col(Act.undone_at).is_(None), Act.at > (at or now()) - HELD)
    with store.reading() as db:
        newest = db.exec(query.order_by(col(Act.at).desc(), col(Act.id).desc()).limit(LOOKED_THROUGH))
        return next((deed for deed in newest if not _built_upon(db, deed)), None)


def _built_upon(db: Session, deed: Act) -> bool:
    """A flag became a test case since, so it stays: one that is frozen keeps its review; of many, when all are."""
    one, many = deed.made.get("example", []), deed.made.get("examples", [])
    settled = select(Example.id).where(col(Example.id).in_([*one, *many]), col(Example.use).not_in(("loose", "train", "retired")))
    frozen = set(db.exec(settled)) if one or many else set()
    return any(made in frozen for made in one) or (bool(many) and frozen.issuperset(many))
