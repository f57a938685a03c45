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
    self_approved: bool = False  # one-person installs that said so at set-up
    decided_at: datetime | None = time_field(default=None)


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
    state: str = Field(default="waiting", index=True)  # waiting, running, done, failed, parked, cancelled
    progress: float = 0.0
    doing: str = ""  # what it is at, in words
    result: str = ""
    error: str = ""
    tries: int = 0
    faults: int = 0  # tries that ended in a fault of ours since somebody last asked for it
    deaths: int = 0  # runners that died while they ran it
    deaths_alone: int = 0  # ... and it alone: then nothing else can have been the reason
    not_before: float = 0.0  # seconds since the epoch: after a fault it waits longer each time
    cancel_asked: bool = False
    runner: str = ""  # who runs it: a runner's id
    ended_at: datetime | None = time_field(default=None)


class Runner(Row, table=True):
    """A process that does tasks. It counts its beats: whoever watches them with a clock of their own sees that it is gone."""

    __tablename__ = "runner"
    name: str = Field(index=True)  # the place it took on its machine: the next process there is its heir
    machine: str
    beats: int = 0
    ended_at: datetime | None = time_field(default=None)


class Setting(Row, table=True):
    """One value of one setting. A change is a new row with the next number; the last one counts."""

    __tablename__ = "setting"
    __table_args__ = (UniqueConstraint("name", "number"),)
    name: str
    number: int
    value: dict[str, Any] = json_field()  # secret values are sealed
    proposal_id: str | None = None
