"""What machines did, step by step."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from data.tables.base import Row, TargetColumns, json_field, time_field


class Trace(Row, TargetColumns, table=True):
    __tablename__ = "trace"
    __table_args__ = (Index("ix_trace_of_target", "target_kind", "target_name", "at"), Index("ix_trace_of_cause", "target_kind", "cause"))
    mode: str
    conversation_id: str | None = Field(default=None, foreign_key="conversation.id", index=True)
    seq: int | None = None
    state: str = "running"  # running, waiting, done, failed, stopped, handed_over
    state_json: dict[str, Any] | None = json_field(default=None)
    proposal_id: str | None = Field(default=None, foreign_key="proposal.id")
    tokens: int = 0
    cost: float = 0.0
    said: dict[str, Any] | None = json_field(default=None)  # what came of it, such as a suggested reply with its sources
    outcome: str = ""  # what a person made of that: accepted, edited, refused; helped, missing
    better: str = ""  # what they wrote in its place
    decided_at: datetime | None = time_field(default=None)
    decided_by_id: str | None = None
    inputs: dict[str, Any] | None = json_field(default=None)  # what a run began with, frozen and redacted: from it, it is done again
    inputs_sha: str = ""
    cause: str = ""  # of a run that failed or was corrected: which of the known causes
    cause_why: str = ""  # what speaks for it
    cause_by_id: str | None = None  # who confirmed it; empty: a rule proposed it
    cause_at: datetime | None = time_field(default=None)


class Span(Row, table=True):
    __tablename__ = "span"
    trace_id: str = Field(foreign_key="trace.id", index=True)
    parent_id: str | None = None
    seq: int
    kind: str  # model, tool, guardrail, handoff, approval, retrieval
    name: str
    input: dict[str, Any] = json_field()  # redacted, as is the output
    output: dict[str, Any] | None = json_field(default=None)
    ms: float = 0.0
    tokens: int = 0
    cost: float = 0.0
    error: str = ""
