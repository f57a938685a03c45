"""What customers and the company said to each other, already redacted."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from data.tables.base import Row, json_field, time_field


class Customer(Row, table=True):
    __tablename__ = "customer"
    source: str
    key_hmac: str = Field(unique=True)
    sealed_name: str | None = None
    segment: str | None = None
    erased_at: datetime | None = time_field(default=None)


class Conversation(Row, table=True):
    __tablename__ = "conversation"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("conversation_place", "place", unique=True),
        Index("conversation_of_team", "team_id", "place"),
        Index("conversation_opened", "opened_at"),
        Index("conversation_intent", "intent_id", "place"),
        Index("conversation_waiting", "reviewed", "place"),
    )
    source: str
    external_id: str  # the help desk's own id, so a resend is not a duplicate
    content_hmac: str  # of what came in: unchanged means nothing to do
    channel: str
    customer_id: str = Field(foreign_key="customer.id", index=True)
    team_id: str | None = Field(default=None, foreign_key="team.id")
    subject: str | None = None
    opened_at: datetime = time_field()
    closed_at: datetime | None = time_field(default=None)
    status: str = "open"
    resolved: bool | None = None
    csat: int | None = None
    handle_seconds: int | None = None
    language: str | None = None
    assignee: str | None = None
    tags: list[str] = json_field(default_factory=list)
    extra: dict[str, Any] = json_field(default_factory=dict)
    revision: int = 1
    hidden_at: datetime | None = time_field(default=None)
    place: int = Field(sa_type=BigInteger)  # its line in every list: by when it was opened, and no two the same
    # what lists and the queue ask of 200,000 at once, kept by data/standing.py in the transactions that change it
    intent_id: str | None = Field(default=None, foreign_key="label.id")  # the last review's, else the first confident live prediction's
    certainty: float | None = None  # of the first live prediction; None: no classifier has looked
    reviewed: bool = False


class ConversationWords(SQLModel, table=True):
    """What a conversation is found by: its words as language/words.py writes them. Both engines index this one text."""

    __tablename__ = "conversation_words"
    place: int = Field(sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False))
    conversation_id: str = Field(foreign_key="conversation.id", unique=True)
    words: str


class Message(Row, table=True):
    __tablename__ = "message"
    __table_args__ = (UniqueConstraint("conversation_id", "seq"),)
    conversation_id: str = Field(foreign_key="conversation.id")
    seq: int
    role: str
    text: str
    author: str | None = None
    private: bool = False
    start_ms: int | None = None
    end_ms: int | None = None
    tool_call: dict[str, Any] | None = json_field(default=None)
    tool_result: Any | None = json_field(default=None)
    external_id: str | None = None  # the help desk's own id of it
    extra: dict[str, Any] | None = json_field(default=None)  # what came with it and no column is for
    gone_at: datetime | None = time_field(default=None)  # deleted where it came from; kept, since reviews point at it


class Revision(Row, table=True):
    """What a conversation was before it changed at its source."""

    __tablename__ = "revision"
    __table_args__ = (UniqueConstraint("conversation_id", "number"),)
    conversation_id: str = Field(foreign_key="conversation.id")
    number: int  # of the revision that came; what stands here is what it replaced
    was: dict[str, Any] = json_field()  # {"columns": {name: value}, "messages": {seq: {name: value}}, "new_messages": n}


class Signal(Row, table=True):
    """What people did with a conversation in the help desk. Weak: it orders the queue and suggests, and is never gold."""

    __tablename__ = "signal"
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    kind: str
    value: str = ""
    source: str
    key: str = Field(unique=True)  # the same act sent twice is one signal


class Seal(Row, table=True):
    __tablename__ = "seal"
    __table_args__ = (UniqueConstraint("conversation_id", "kind", "number"), UniqueConstraint("conversation_id", "kind", "value_hmac"))
    conversation_id: str = Field(foreign_key="conversation.id")
    kind: str
    number: int
    value_hmac: str  # the same card gets the same number in a later message
    sealed_value: str | None
    purge_at: datetime = time_field()


class ImportBatch(Row, table=True):
    __tablename__ = "import_batch"
    reader: str
    file_name: str
    file_sha: str
    cursor: int = 0  # lines done; committed together with their rows
    mapping: dict[str, Any] = json_field(default_factory=dict)  # whose words are whose, which column is what
    counts: dict[str, int] = json_field(default_factory=dict)
    unknown: dict[str, int] = json_field(default_factory=dict)  # fields that no column is for
    refusals: list[dict[str, Any]] = json_field(default_factory=list)
    state: str = "running"  # looked, running, done; a help desk that is followed: following, paused
    upload: str = ""  # the file's name among the uploads, until it is imported or forgotten
    position: dict[str, Any] = json_field(default_factory=dict)  # how far a help desk was followed, in its own words
    pulled_at: datetime | None = time_field(default=None)
    problem: str = ""  # why the last try to pull did not work


class SignedRequest(Row, table=True):
    """A signature that was accepted: the same request again is somebody's replay."""

    __tablename__ = "signed_request"
    signature_sha: str = Field(unique=True)


class Vector(Row, table=True):
    """A text as the encoder sees it: computed once for each distinct text."""

    __tablename__ = "vector"
    __table_args__ = (UniqueConstraint("text_sha", "encoder"),)
    text_sha: str
    encoder: str
    vector: bytes = Field(sa_type=LargeBinary)  # float16
