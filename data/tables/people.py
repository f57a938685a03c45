"""Who uses the portal, and their sign-ins."""

from datetime import datetime

from sqlmodel import Field

from data.tables.base import Row, time_field


class Team(Row, table=True):
    __tablename__ = "team"
    name: str = Field(unique=True)


class Person(Row, table=True):
    __tablename__ = "person"
    name: str
    email: str = Field(unique=True)  # lower case
    role: str
    team_id: str | None = Field(default=None, foreign_key="team.id")
    password_hash: str | None = None  # None: cannot sign in by password
    disabled_at: datetime | None = time_field(default=None)
    demo: bool = False  # signs in with one click, from this machine only
    tour_dismissed_at: datetime | None = time_field(default=None)


class Session(Row, table=True):
    __tablename__ = "sign_in"
    person_id: str = Field(foreign_key="person.id", index=True)
    cookie_sha: str = Field(unique=True)  # the cookie itself is never kept
    ends_at: datetime = time_field()
    address: str = ""
