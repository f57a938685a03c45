"""Who uses the portal, how they come in, and who stands in for whom."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from data.tables.base import Row, json_field, time_field


class Team(Row, table=True):
    __tablename__ = "team"
    name: str = Field(unique=True)


class Person(Row, table=True):
    __tablename__ = "person"
    __table_args__ = (Index("ix_person_issuer_subject", "issuer", "subject", unique=True),)
    # what a token leaves of its person's rights; None: a person who signed in has them all (see people.narrowed)
    scopes: ClassVar[frozenset[str] | None] = None

    name: str
    email: str = Field(unique=True)  # lower case
    role: str
    team_id: str | None = Field(default=None, foreign_key="team.id")
    password_hash: str | None = None  # None: cannot sign in by password
    issuer: str | None = None  # the company sign-in that knows this person, and as whom: never found by e-mail
    subject: str | None = None
    let_in_by: str | None = None  # who made the account or gave it a new way in; None: the console. They know a way to sign in as it
    disabled_at: datetime | None = time_field(default=None)
    demo: bool = False  # signs in with one click, from this machine only
    tour_dismissed_at: datetime | None = time_field(default=None)  # their first week is put away (first_steps.py)
    desk_names: list[str] = json_field(default=[])  # what else they are called in the help desk: by these their chats are theirs
    quiet_keys: bool = False  # single letters do nothing: for who talks to the machine, or types where no field is
    no_digest: bool = False  # no mail of it; it stands on its page all the same


class Session(Row, table=True):
    __tablename__ = "sign_in"
    person_id: str = Field(foreign_key="person.id", index=True)
    cookie_sha: str = Field(unique=True)  # the cookie itself is never kept
    ends_at: datetime = time_field()
    seen_at: datetime | None = time_field(default=None)
    address: str = ""
    browser: str = ""  # in words: "Firefox on Linux"
    how: str = "password"  # password, company, demo, link


class Token(Row, table=True):
    """Lets a program act as its person, with fewer rights."""

    __tablename__ = "token"
    name: str
    person_id: str = Field(foreign_key="person.id", index=True)
    token_sha: str = Field(unique=True)  # the token itself is shown once and never kept
    scopes: list[str] = json_field()
    proposal_id: str | None = None
    expires_at: datetime = time_field()
    used_at: datetime | None = time_field(default=None)
    revoked_at: datetime | None = time_field(default=None)


class Ticket(Row, table=True):
    """Lets one person do one thing once, within minutes or days: fetch a file, set up their account, link their company sign-in."""

    __tablename__ = "ticket"
    purpose: str  # download, welcome
    person_id: str = Field(foreign_key="person.id", index=True)
    ticket_sha: str = Field(unique=True)
    names: dict[str, str] = json_field()  # what it is for: the file and its name
    expires_at: datetime = time_field()
    used_at: datetime | None = time_field(default=None)


class Deputy(Row, table=True):
    """Who decides in whose place, from one day to another. A deputy needs the right themselves; what they gain is the other's team."""

    __tablename__ = "deputy"
    __table_args__ = (CheckConstraint("deputy_id <> person_id", name="deputy_is_another_person"),)
    person_id: str = Field(foreign_key="person.id", index=True)
    deputy_id: str = Field(foreign_key="person.id", index=True)
    starts_at: datetime = time_field()
    ends_at: datetime = time_field()


class Tries(Row, table=True):
    """How often a door was tried lately: an account, or the address that the tries came from. Kept, so that a restart forgives nobody."""

    __tablename__ = "tries"
    key_hmac: str = Field(unique=True)
    count: int
    free_at: float  # seconds since the epoch: the next try is let through from then on


class InboxItem(Row, table=True):
    """Something a person should know: what waits for them, and what moved because of them."""

    __tablename__ = "inbox_item"
    person_id: str = Field(foreign_key="person.id", index=True)
    kind: str
    sentence: str
    page: str  # the screen it leads to, with its query
    key: str = Field(unique=True)  # told once, however often the verb runs
    read_at: datetime | None = time_field(default=None)
    mailed_at: datetime | None = time_field(default=None)


class Comment(Row, table=True):
    """A word on a proposal, a draft or an example, to whoever is named in it."""

    __tablename__ = "comment"
    noun: str = Field(index=True)
    noun_id: str = Field(index=True)
    text: str
    mentions: list[str] = json_field()  # persons
    asks: str = ""  # engineer: a question that any engineer may answer
    answered_at: datetime | None = time_field(default=None)
