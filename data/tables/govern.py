"""What waits for a second person, what was done, and what runs in the background."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field

from data.tables.base import Row, json_field, time_field


class Proposal(Row, table=True):
    __tablename__ = "proposal"
    # the approval's foreign key points at these three together: an approval cannot name another payload or proposer
    __table_args__ = (UniqueConstraint("id", "payload_sha", "proposer_id"),)
    kind: str
    title: str
    payload: dict[str, Any] = json_field()
    payload_sha: str
    proposer_id: str = Field(foreign_key="person.id", index=True)
    authors: list[str] = json_field()  # persons whose work this is: they may not approve it either
    why: str
    evidence: dict[str, Any] = json_field()
    needs: int = 1
    state: str = Field(default="open", index=True)  # open, approved, done, refused, withdrawn, lapsed, failed
    lapses_at: datetime = time_field()
    outcome: str = ""
    team_id: str | None = Field(default=None, foreign_key="team.id")


class Approval(Row, table=True):
    __tablename__ = "approval"
    __table_args__ = (
        UniqueConstraint("proposal_id", "approver_id"),
        CheckConstraint("approver_id <> proposer_id", name="approver_is_another_person"),
        ForeignKeyConstraint(
            ["proposal_id", "payload_sha", "proposer_id"],
            ["proposal.id", "proposal.payload_sha", "proposal.proposer_id"],
        ),
    )
    proposal_id: str = Field(index=True)
    approver_id: str = Field(foreign_key="person.id")
    payload_sha: str
    proposer_id: str
    note: str = ""


class AuditEntry(Row, table=True):
    __tablename__ = "audit_entry"
    number: int = Field(unique=True)  # gap-free
    verb: str
    noun: str
    noun_id: str = Field(index=True)
    sentence: str
    before: dict[str, Any] | None = json_field(default=None)
    after: dict[str, Any] | None = json_field(default=None)
    previous_sha: str
    sha: str


class Task(Row, table=True):
    __tablename__ = "task"
    name: str
    title: str
    arguments: dict[str, Any] = json_field()
    dedup_key: str | None = Field(default=None, unique=True)
    person_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    state: str = Field(default="waiting", index=True)  # waiting, running, done, failed
    progress: float = 0.0
    doing: str = ""  # what it is at, in words
    result: str = ""
    error: str = ""
    tries: int = 0
    runner: str = ""  # who runs it: the worker's or the command line's own id
    beat_at: datetime | None = time_field(default=None)
    ended_at: datetime | None = time_field(default=None)
