"""Takes back what a person did last: each noun's own module says how."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlmodel import Session, select

from data import assignments, audit, deeds, drafts, examples, flagging, labels, queue, relabelling, reviews, store, views
from data.errors import Refused
from data.tables import Act, Example, Person, Review
from data.values import now


@dataclass(frozen=True)
class TakenBack:
    sentence: str  # what had been done
    told: str  # what came of taking it back


def take_back(act_id: str, *, by: Person, at: datetime | None = None) -> TakenBack:
    """All of it, or nothing: what others built upon since stays, and the sentence says so. Of many together, those that can be."""
    with store.writing() as db:
        deed = db.get(Act, act_id)
        if deed is None or deed.person_id != by.id:
            raise Refused("Not undone: that was not done by you.")
        store.one_at_a_time(db, f"undo {act_id}")
        db.refresh(deed)
        if deed.undone_at is not None:
            raise Refused("Not undone again: it was taken back already.")
        told = f"Taken back: {deed.sentence}" if deed.made.keys() <= HOW.keys() else _take_back_many(db, deed, by, at)
        for noun in sorted(deed.made.keys() & HOW.keys(), key=list(HOW).index):
            for made in deed.made[noun]:
                HOW[noun](db, made, by, at)
        deed.undone_at = at or now()
        db.add(deed)
        return TakenBack(deed.sentence, told)


def _take_back_many(db: Session, deed: Act, by: Person, at: datetime | None) -> str:
    """What was changed since is left as it is, and counted; the others are as they were."""
    many = {noun: made for noun, made in deed.made.items() if noun in MANY}
    count = sum(map(len, many.values()))
    back = sum(MANY[noun](db, made, by=by, at=at) for noun, made in many.items())
    if not back:
        raise Refused(f"Not undone: all {count:,} were changed since.")
    left = count - back
    told = f"Taken back for {back:,} of {count:,}; {left:,} {'was' if left == 1 else 'were'} changed since."
    told = told if left else f"Taken back: {deed.sentence}"
    audit.record(db, by, "took back", "act", deed.id, told if not left else f"{told} It was: {deed.sentence}", at=at)
    return told


def last(*, by: Person, at: datetime | None = None) -> TakenBack:
    """`u`: the last thing of the last 24 hours."""
    deed = deeds.last(by=by, at=at)
    if deed is None:
        raise Refused("Nothing to undo: you changed nothing in the last 24 hours that was not taken back already.")
    return take_back(deed.id, by=by, at=at)


def _review(db: Session, made: str, by: Person, at: datetime | None) -> None:
    reviews.take_back(db, made, by=by, at=at)
    review = db.get(Review, made)
    if review is not None:
        why = db.exec(select(Example.why).where(Example.review_id == made, Example.by_person_id == by.id)).first()
        drafts.keep(review.conversation_id, reviews.as_draft(review) | ({"why": why} if why else {}), by=by, at=at)


def _example(db: Session, made: str, by: Person, at: datetime | None) -> None:
    examples.take_back(db, made, by=by, at=at)


def _skip(_db: Session, made: str, by: Person, _at: datetime | None) -> None:
    queue.unskip(made, by=by)


def _view(db: Session, made: str, by: Person, at: datetime | None) -> None:
    views.take_back(db, made, by=by, at=at)


def _forgotten_view(db: Session, made: str, by: Person, at: datetime | None) -> None:
    views.bring_back(db, made, by=by, at=at)


def _guideline(db: Session, made: str, by: Person, at: datetime | None) -> None:
    labels.take_back_guideline(db, made, by=by, at=at)


# in this order: a flag names the review it came from
HOW: dict[str, Callable[[Session, str, Person, datetime | None], None]] = {
    "example": _example, "review": _review, "skip": _skip, "view": _view, "forgotten view": _forgotten_view,
    "guideline": _guideline,
}  # fmt: skip


class _Many(Protocol):
    def __call__(self, db: Session, made: Sequence[str], /, *, by: Person, at: datetime | None) -> int: ...


# what was done to many together: how many of them it could be taken back for
MANY: dict[str, _Many] = {"reviews": relabelling.take_back, "examples": flagging.take_back, "assignments": assignments.take_back}


def about(*, by: Person) -> str | None:
    """The conversation that the last thing was about, where it was one review."""
    deed = deeds.last(by=by)
    made = deed.made.get("review", []) if deed else []
    with store.reading() as db:
        review = db.get(Review, made[0]) if len(made) == 1 else None
        return review.conversation_id if review else None
