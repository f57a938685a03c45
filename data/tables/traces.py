"""What machines did, step by step."""

from typing import Any

from sqlmodel import Field

from data.tables.base import Row, TargetColumns, json_field


class Trace(Row, TargetColumns, table=True):
    __tablename__ = "trace"
    mode: str
    conversation_id: str | None = Field(default=None, foreign_key="conversation.id", index=True)
    seq: int | None = None
    state: str = "running"  # running, waiting, done, failed, stopped, handed_over
    state_json: dict[str, Any] | None = json_field(default=None)
    proposal_id: str | None = Field(default=None, foreign_key="proposal.id")
    tokens: int = 0
    cost: float = 0.0


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
