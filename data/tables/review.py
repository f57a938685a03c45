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
    draft: bool = False  # named by whoever saw a pattern: nobody is asked about it until a release that knows it is approved
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
    rubric: dict[str, Any] | None = json_field(default=None)  # {"number": of the rubric, "said": {item: yes, no, unsure}}
    withdrawn: bool = False  # what it replaces was taken back, and nothing is said in its place
    settled_by_dispute_id: str | None = None  # a lead decided between people


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
    grader: str = ""  # what will judge the case, and what it expects: proposed when it was flagged
    expected: dict[str, Any] | None = json_field(default=None)
    found: str = ""  # how it was come across: pattern, similar, search, unsure, rule; empty where it was flagged while reading
    redaction: int = 1  # the number of the rules by which its messages were masked
    use: str = "loose"  # loose, train, eval, gold, retired: one at a time
    missing: str = ""  # of a gold example: what was missing, so that the customer was not helped at once; empty: that is not asked


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


class Act(Row, table=True):
    """What a person did in one go, as far as it can be taken back: the rows it made, by noun."""

    __tablename__ = "act"
    person_id: str = Field(foreign_key="person.id", index=True)
    sentence: str
    made: dict[str, Any] = json_field()
    undone_at: datetime | None = time_field(default=None)


class Assignment(Row, table=True):
    """Somebody was asked to look at a conversation. It ends with their review."""

    __tablename__ = "assignment"
    __table_args__ = (UniqueConstraint("conversation_id", "person_id"),)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    person_id: str = Field(foreign_key="person.id", index=True)


class View(Row, table=True):
    """A search that somebody keeps under a name; with a team it is the team's too."""

    __tablename__ = "view"
    name: str
    query: dict[str, Any] = json_field()  # the list's filter, as it stands in the address
    order: str = "newest"
    team_id: str | None = Field(default=None, foreign_key="team.id", index=True)
    forgotten_at: datetime | None = time_field(default=None)


class Dispute(Row, table=True):
    """People saw one conversation differently; a lead decided, and says why."""

    __tablename__ = "dispute"
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    verdict: str
    label_id: str | None = Field(default=None, foreign_key="label.id")
    reason: str
    review_ids: list[str] = json_field()  # what was said before
    guideline_label_id: str | None = Field(default=None, foreign_key="label.id")  # whose guideline the reason made clearer


class GoldAnswer(Row, table=True):
    """What a person said of a gold example without seeing what is right. It is no review: nothing learns from it."""

    __tablename__ = "gold_answer"
    __table_args__ = (UniqueConstraint("example_id", "person_id"),)
    example_id: str = Field(foreign_key="example.id", index=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    verdict: str
    label_id: str | None = Field(default=None, foreign_key="label.id")
    missing: str = ""  # what the person says was missing, where that is asked
    seconds: float | None = None
