"""What people said about conversations: labels, reviews, examples; and what waits to be said."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from data.tables.base import Row, json_field, time_field


class Label(Row, table=True):
    __tablename__ = "label"
    __table_args__ = (UniqueConstraint("classifier_name", "name"),)
    classifier_name: str
    name: str
    description: str = ""
    do: str = ""
    dont: str = ""
    retired_at: datetime | None = time_field(default=None)
    merged_into: str | None = Field(default=None, foreign_key="label.id")


class Review(Row, table=True):
    __tablename__ = "review"
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    seq: int
    verdict: str  # strong, weak, none
    label_id: str | None = Field(default=None, foreign_key="label.id")
    reply: str = ""
    note: str = ""
    seconds: float | None = None
    replaces_review_id: str | None = Field(default=None, foreign_key="review.id", index=True)


class Example(Row, table=True):
    __tablename__ = "example"
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    seq: int
    customer_id: str = Field(foreign_key="customer.id", index=True)
    messages: list[dict[str, Any]] = json_field()  # a frozen copy: what the flag was about
    subject_line: str = ""
    kind: str  # strong, weak
    why: str
    purpose: str  # classifier, answer, automation
    label_id: str | None = Field(default=None, foreign_key="label.id")
    review_id: str | None = Field(default=None, foreign_key="review.id")
    eval_set_id: str | None = Field(default=None, foreign_key="eval_set.id", index=True)
    use: str = "loose"  # loose, train, eval, gold, retired: one at a time


class Claim(Row, table=True):
    """Somebody has a conversation in hand, for a while; the others' queues leave it out."""

    __tablename__ = "claim"
    __table_args__ = (UniqueConstraint("conversation_id", "person_id"),)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    lapses_at: datetime = time_field()


class Draft(Row, table=True):
    """A review that was begun: what was typed, until it is saved or thrown away."""

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("conversation_id", "person_id"),)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    said: dict[str, Any] = json_field()


class Skip(Row, table=True):
    """Not for this person, and why: it does not come back to them."""

    __tablename__ = "skip"
    __table_args__ = (UniqueConstraint("conversation_id", "person_id"),)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    reason: str


class QueueReason(Row, table=True):
    """Why somebody should look at a conversation: disagreement, a bad score, a new pattern. Written by whoever noticed it."""

    __tablename__ = "queue_reason"
    __table_args__ = (UniqueConstraint("conversation_id", "kind", "source"),)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    kind: str
    source: str
    weight: float
    sentence: str
