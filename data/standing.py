"""Which reviews count: of each person on each conversation the last one that was not taken back."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from data.tables import Review

_later = aliased(Review)


def stands(review: Any = Review) -> ColumnElement[bool]:
    """It was not corrected, and not taken back."""
    return and_(~col(review.withdrawn), uncorrected(review))


def uncorrected(review: Any = Review) -> ColumnElement[bool]:
    """A person's last word, also one that was taken back: nothing replaces it. Times do not tell, an undo says again what was then."""
    return ~exists().where(col(_later.replaces_review_id) == col(review.id))


# written once: they are asked with each review
_OF = select(Review).where(col(Review.conversation_id) == bindparam("made"), stands()).order_by(col(Review.at), col(Review.id))
_LAST = select(Review).where(
    col(Review.conversation_id) == bindparam("made"), col(Review.by_person_id) == bindparam("person"), uncorrected(Review)
)  # fmt: skip


def of(db: Session, conversation_id: str) -> list[Review]:
    """What people say of a conversation, oldest first."""
    return list(db.exec(_OF, params={"made": conversation_id}))


def last_of(db: Session, conversation_id: str, person_id: str) -> Review | None:
    """The person's own last word, also one that was taken back."""
    return db.exec(_LAST, params={"made": conversation_id, "person": person_id}).first()


def as_before(given: Review, before: Review | None, *, by_id: str, at: datetime) -> Review:
    """The review that takes `given` back: what held before holds again, or nothing."""
    said = (before or given).model_dump(exclude={"id", "at", "by_person_id", "replaces_review_id", "withdrawn"})
    stood = before is not None and not before.withdrawn
    # it holds as of then: a colleague who spoke in between has the last word again
    then = before.at if before and stood else at
    return Review(**said, replaces_review_id=given.id, withdrawn=not stood, at=then, by_person_id=by_id)
