"""Takes back what a person did last: each noun's own module says how."""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from data import deeds, drafts, examples, queue, reviews, store
from data.errors import Refused
from data.tables import Act, Person, Review
from data.values import now


def take_back(act_id: str, *, by: Person, at: datetime | None = None) -> Act:
    """All of it, or nothing: what others built upon since stays, and the sentence says so."""
    with store.writing() as db:
        deed = db.get(Act, act_id)
        if deed is None or deed.person_id != by.id:
            raise Refused("Not undone: that was not done by you.")
        store.one_at_a_time(db, f"undo {act_id}")
        db.refresh(deed)
        if deed.undone_at is not None:
            raise Refused("Not undone again: it was taken back already.")
        for noun in sorted(deed.made, key=list(HOW).index):
            for made in deed.made[noun]:
                HOW[noun](db, made, by, at)
        deed.undone_at = at or now()
        db.add(deed)
        return deed


def last(*, by: Person, at: datetime | None = None) -> Act:
    """`u`: the last thing of the last 24 hours."""
    deed = deeds.last(by=by, at=at)
    if deed is None:
        raise Refused("Nothing to undo: you changed nothing in the last 24 hours that was not taken back already.")
    return take_back(deed.id, by=by, at=at)


def _review(db: Session, made: str, by: Person, at: datetime | None) -> None:
    reviews.take_back(db, made, by=by, at=at)
    review = db.get(Review, made)
    if review is not None:
        drafts.keep(review.conversation_id, reviews.as_draft(review), by=by, at=at)


def _example(db: Session, made: str, by: Person, at: datetime | None) -> None:
    examples.take_back(db, made, by=by, at=at)


def _skip(_db: Session, made: str, by: Person, _at: datetime | None) -> None:
    queue.unskip(made, by=by)


# in this order: a flag names the review it came from
HOW: dict[str, Callable[[Session, str, Person, datetime | None], None]] = {"example": _example, "review": _review, "skip": _skip}
