"""What customers and the company said to each other, already redacted."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

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
        Index("conversation_newest", "team_id", "opened_at"),
        Index("conversation_opened", "opened_at"),
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
    counts: dict[str, int] = json_field(default_factory=dict)
    unknown: dict[str, int] = json_field(default_factory=dict)  # fields that no column is for
    refusals: list[dict[str, Any]] = json_field(default_factory=list)
    state: str = "running"  # running, done
