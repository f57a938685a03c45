"""Measures that are watched: what is looked for, what was found, and whom that is told."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from data.tables.base import Row, json_field, time_field

OPEN = "state = 'open'"


class Monitor(Row, table=True):
    """Whose it is and how it stands. What it looks for are its changes: the last one counts."""

    __tablename__ = "monitor"
    name: str
    number: int = 1  # of its last change
    owner_id: str = Field(foreign_key="person.id", index=True)  # it is looked at with their eyes, and told to them
    team_id: str | None = Field(default=None, foreign_key="team.id")  # whose conversations it is about; None: everybody's
    retired_at: datetime | None = time_field(default=None)
    snoozed_until: datetime | None = time_field(default=None)
    snoozed_why: str = ""
    quiet: bool = False  # an alert was closed by hand: the next comes only after it was calm again
    since: date | None = None  # what was before is no baseline any more
    looked_on: date | None = None  # the last whole day that was looked at
    state: str = "new"  # new, calm, alarm, too_few, not_looked
    said: str = ""  # the last look in words


class MonitorChange(Row, table=True):
    """What it looks for, from this number on."""

    __tablename__ = "monitor_change"
    __table_args__ = (UniqueConstraint("monitor_id", "number"),)
    monitor_id: str = Field(foreign_key="monitor.id")
    number: int
    definition: dict[str, Any] = json_field()
    why: str


class Alert(Row, table=True):
    """A monitor found something. One of a monitor is open at most."""

    __tablename__ = "alert"
    __table_args__ = (Index("one_open_alert", "monitor_id", unique=True, sqlite_where=text(OPEN), postgresql_where=text(OPEN)),)
    monitor_id: str = Field(foreign_key="monitor.id", index=True)
    monitor_number: int
    since: date
    until: date
    numbers: dict[str, Any] = json_field()
    sentence: str
    state: str = "open"  # open, cleared, closed
    seen_at: datetime | None = time_field(default=None)
    seen_by_id: str | None = Field(default=None, foreign_key="person.id")
    note: str = ""
    ended_at: datetime | None = time_field(default=None)
    ended_why: str = ""
    release_id: str | None = Field(default=None, foreign_key="release.id", index=True)  # what its monitor is armed for, as it stood then
    task_id: str | None = Field(default=None, foreign_key="task.id")
    acted: str = ""  # what came of that, in words


class Delivery(Row, table=True):
    """An alert on its way to somebody outside. It is tried again until it is there or given up; nothing else waits for it."""

    __tablename__ = "delivery"
    __table_args__ = (UniqueConstraint("alert_id", "event", "receiver"),)
    alert_id: str = Field(foreign_key="alert.id")
    event: str  # opened, ended
    receiver: str  # mail, or the webhook's name
    state: str = Field(default="waiting", index=True)  # waiting, done, given_up
    tries: int = 0
    not_before: datetime | None = time_field(default=None)
    why: str = ""
    sent_at: datetime | None = time_field(default=None)
