"""What can be shipped, what is shipped, and what it said."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from data.tables.base import Row, TargetColumns, json_field, time_field


class Classifier(Row, table=True):
    """A question that a classifier answers: one of its labels, any number of them, or yes and no. Its labels know it by its name."""

    __tablename__ = "classifier"
    name: str = Field(unique=True)
    kind: str  # one, several, yes or no
    asks: str = ""  # the question, as people read it
    retired_at: datetime | None = time_field(default=None)


class Version(Row, TargetColumns, table=True):
    __tablename__ = "version"
    __table_args__ = (UniqueConstraint("target_kind", "target_name", "target_number"),)
    sha: str
    body: dict[str, Any] = json_field(default_factory=dict)
    file_sha: str | None = None
    file_hmac: str | None = None  # over name, number and file: another valid file in its place is noticed
    manifest: dict[str, Any] = json_field(default_factory=dict)
    parent_number: int | None = None
    authors: list[str] = json_field(default_factory=list)


class Release(Row, TargetColumns, table=True):
    __tablename__ = "release"
    __table_args__ = (
        Index(
            "one_live_release",
            "target_kind",
            "target_name",
            unique=True,
            sqlite_where=text("stage = 'live'"),
            postgresql_where=text("stage = 'live'"),
        ),
        Index(
            "one_release_under_way",
            "target_kind",
            "target_name",
            unique=True,
            sqlite_where=text("stage IN ('shadow', 'percent')"),
            postgresql_where=text("stage IN ('shadow', 'percent')"),
        ),
    )
    stage: str  # shadow, percent, live, ended
    percent: int = 100  # of the customers; the others stay with what was live before
    salt: str = ""  # which customers those are, together with their id
    audience: dict[str, Any] | None = json_field(default=None)  # teams, channels, segments that it is for; None: everybody
    by_itself: bool = False  # it takes each step as soon as what the step asks is met
    proposal_id: str | None = Field(default=None, foreign_key="proposal.id")
    previous_id: str | None = Field(default=None, foreign_key="release.id")
    started_at: datetime = time_field()
    ended_at: datetime | None = time_field(default=None)
    ended_why: str = ""


class Prediction(Row, TargetColumns, table=True):
    __tablename__ = "prediction"
    __table_args__ = (
        UniqueConstraint("conversation_id", "seq", "target_kind", "target_name", "target_number", "mode"),
        Index("prediction_of", "conversation_id", "mode"),
    )
    conversation_id: str = Field(foreign_key="conversation.id")
    seq: int
    mode: str
    label_id: str | None = Field(default=None, foreign_key="label.id")  # None: it kept silent
    also: list[str] = json_field(default_factory=list)  # what it said beside it, where it may say several
    confidence: float
    top: list[list[Any]] = json_field()
    threshold: float
    why: str = ""
    ms: float | None = None  # how long it took, of a batch each one's part


class Study(Row, table=True):
    """What a job found out about a version after it was made: what it would change, what more examples would bring."""

    __tablename__ = "study"
    version_id: str = Field(foreign_key="version.id", index=True)
    kind: str  # impact, curve
    told: dict[str, Any] = json_field()


class Pattern(Row, table=True):
    """Conversations that look alike and that nothing covers, under one identity from night to night."""

    __tablename__ = "pattern"
    kind: str  # new_intent; others follow
    name: str  # its most telling words
    phrases: list[str] = json_field()
    conversation_ids: list[str] = json_field()  # of the last two weeks, the most typical first
    signature: dict[str, Any] = json_field()  # where it lies, and in whose vectors: by this it is known again
    size: int
    customers: int
    growth: dict[str, Any] = json_field(default_factory=dict)
    sentence: str
    first_at: datetime = time_field()  # of its conversations
    last_at: datetime = time_field()
    seen_at: datetime = time_field()  # the last night that found it
    state: str = Field(default="open", index=True)  # open, labelled, put aside, gone
    why: str = ""
    label_id: str | None = Field(default=None, foreign_key="label.id")
    trace_ids: list[str] = json_field(default_factory=list)  # of a gap: the questions that were not answered
    told: dict[str, Any] = json_field(default_factory=dict)  # ... the nearest article and why it failed, cases to fix, its share since
    article: str = ""  # ... what was written about it
