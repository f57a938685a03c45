"""Which reviews count: of each person on each conversation the last one that was not taken back."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from data.tables import Review

_later = aliased(Review)


def stands(review: Any = Review) -> ColumnElement[bool]:
    """Nobody corrected it, and it was not taken back."""
    return and_(~col(review.withdrawn), ~exists().where(col(_later.replaces_review_id) == col(review.id)))


def of(db: Session, conversation_id: str) -> list[Review]:
    """What people say of a conversation, oldest first."""
    query = select(Review).where(Review.conversation_id == conversation_id, stands())
    return list(db.exec(query.order_by(col(Review.at), col(Review.id))))


def last_of(db: Session, conversation_id: str, person_id: str) -> Review | None:
    """The person's own last word, also one that was taken back."""
    query = select(Review).where(Review.conversation_id == conversation_id, Review.by_person_id == person_id)
    return db.exec(query.order_by(col(Review.at).desc(), col(Review.id).desc())).first()
