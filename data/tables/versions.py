"""What can be shipped, what is shipped, and what it said."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from data.tables.base import Row, TargetColumns, json_field, time_field


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
    )
    stage: str  # shadow, percent, live, ended
    percent: int = 100
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
    confidence: float
    top: list[list[Any]] = json_field()
    threshold: float
    why: str = ""
