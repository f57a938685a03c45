"""What was written for leads and teams beforehand: the three sentences of these days, and the digest of each week."""

from datetime import date
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from data.tables.base import Row, json_field


class Briefing(Row, table=True):
    """The three sentences, for everybody who sees the same conversations. One of each; the next takes its place."""

    __tablename__ = "briefing"
    whose: str = Field(unique=True)  # *: all conversations; a team's id: theirs; empty: those of no team
    told: dict[str, Any] = json_field()
    stand: dict[str, Any] = json_field()  # how far the days were counted, and which day it was


class Digest(Row, table=True):
    """A week, as it was known on the Monday after."""

    __tablename__ = "digest"
    __table_args__ = (UniqueConstraint("week", "whose"),)
    week: date  # its Monday
    whose: str  # as in a briefing
    told: dict[str, Any] = json_field()


class DigestMail(Row, table=True):
    """A digest was sent to somebody, or is just being sent: written before it leaves, so that nobody gets it twice."""

    __tablename__ = "digest_mail"
    __table_args__ = (UniqueConstraint("week", "person_id"),)
    week: date
    person_id: str = Field(foreign_key="person.id", index=True)
