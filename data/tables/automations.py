"""What machines changed in the world."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from data.tables.base import Row, TargetColumns, json_field, time_field


class Action(Row, TargetColumns, table=True):
    """An effect of a run, written before it leaves: what is to be done never changes, what became of it does."""

    __tablename__ = "action"
    __table_args__ = (
        UniqueConstraint("trace_id", "act"),  # an act of a run is done once, whoever asks for it again
        CheckConstraint("trace_id IS NOT NULL OR proposal_id IS NOT NULL", name="action_of_somebody"),
        Index("ix_action_of_target", "target_kind", "target_name", "at"),
        Index("ix_action_of_customer", "customer_id", "at"),
    )
    trace_id: str | None = Field(default=None, foreign_key="trace.id")
    proposal_id: str | None = Field(default=None, foreign_key="proposal.id", unique=True)  # of one that a person said yes to
    conversation_id: str | None = Field(default=None, foreign_key="conversation.id", index=True)
    customer_id: str | None = Field(default=None, foreign_key="customer.id")
    act: str  # its name in the recipe
    step: str
    kind: str  # refund, credit, reply, draft, tag, route, field, note, call
    payload: dict[str, Any] = json_field()  # exactly what is done; redacted
    payload_sha: str
    idempotency_key: str = Field(unique=True)  # by which the other side knows a second try from a second order
    cents: int | None = None  # that it moves
    currency: str = ""
    state: str = Field(default="planned", index=True)  # planned, sent, done, unknown, refused
    provider_ref: str = ""  # by which the other side knows it
    answer: dict[str, Any] | None = json_field(default=None)  # what the other side said to a call
    why: str = ""  # of one that is refused or not known
    ended_at: datetime | None = time_field(default=None)
