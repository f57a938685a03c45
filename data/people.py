"""People, teams and their sign-ins."""

import re
import secrets
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlmodel import col, func, select

from data import access, audit, sealing, store
from data.errors import Refused
from data.tables import Person, Session, Team
from data.values import now

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SIGN_IN_LASTS = timedelta(days=14)
SHORTEST_PASSWORD = 15
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def console() -> Person:
    """Whoever runs commands on the portal's own machine. Never stored, never approves."""
    return Person(id="console", name="the console", email="", role=access.CONSOLE)


def add_team(name: str, *, by: Person, at: datetime | None = None) -> Team:
    access.require(by, "person.add")
    if not name.strip():
        raise Refused("Not added: the team's name is empty.")
    with store.writing() as db:
        store.one_at_a_time(db, "people")
        if team_named(name):
            raise Refused(f"Not added: there is a team '{name}' already.")
        team = Team(name=name, at=at or now())
        db.add(team)
        audit.record(db, by, "added", "team", team.id, f"Added the team {name}.", at=at)
        return team


def add(
    name: str,
    email: str,
    role: str,
    *,
    by: Person,
    team: Team | None = None,
    password: str | None = None,
    demo: bool = False,
    at: datetime | None = None,
) -> Person:
    access.require(by, "person.add")
    if role in (access.LEAD, access.ADMIN):
        access.require(by, "person.grant_lead_or_admin")
    _check(name, email, role, password)
    with store.writing() as db:
        store.one_at_a_time(db, "people")
        if db.exec(select(Person).where(Person.email == email.lower())).first():
            raise Refused(f"Not added: {email} already has an account. Choose another address.")
        person = Person(name=name.strip(), email=email.lower(), role=role, team_id=team.id if team else None, demo=demo, at=at or now())
        person.by_person_id = None if by.role == access.CONSOLE else by.id
        person.password_hash = _hasher().hash(password) if password else None
        db.add(person)
        audit.record(db, by, "added", "person", person.id, f"Added {name} as {role}.", at=at, after={"role": role, "email": email.lower()})
        return person


def _check(name: str, email: str, role: str, password: str | None) -> None:
    if role not in access.ROLES:
        raise Refused(f"Not added: there is no role '{role}'. Choose one of {', '.join(access.ROLES)}.")
    if not name.strip():
        raise Refused("Not added: the name is empty.")
    if not EMAIL.fullmatch(email):
        raise Refused(f"Not added: '{email}' is not an e-mail address.")
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise Refused(
            f"Not added: the password has {len(password)} characters, at least {SHORTEST_PASSWORD} are needed. "
            "A short sentence is easy to keep in mind."
        )


def disable(person_id: str, *, by: Person, at: datetime | None = None) -> Person:
    """Out at once: the account stays for the record, its sign-ins end."""
    access.require(by, "person.disable")
    with store.writing() as db:
        person = db.get(Person, person_id)
        if person is None:
            raise Refused("Not disabled: there is no such person.")
        if person.id == by.id:
            raise Refused("Not disabled: nobody locks themselves out. Another admin can do it.")
        person.disabled_at = person.disabled_at or at or now()
        db.add(person)
        for session in db.exec(select(Session).where(Session.person_id == person_id)):
            db.delete(session)
        audit.record(db, by, "disabled", "person", person.id, f"Disabled {person.name} and ended their sign-ins.", at=at)
        return person


def first_admin(name: str, email: str, password: str) -> Person:
    """The one account that nobody has to add. Only while there is none."""
    with store.writing() as db:
        store.one_at_a_time(db, "first admin")
        if anybody():
            raise Refused("Not added: this portal already has people. Ask an admin for an account.")
        return add(name, email, access.ADMIN, by=console(), password=password)


def anybody() -> bool:
    with store.reading() as db:
        return db.exec(select(Person.id).limit(1)).first() is not None


def demo_people() -> list[Person]:
    with store.reading() as db:
        return list(db.exec(select(Person).where(col(Person.demo), col(Person.disabled_at).is_(None)).order_by(Person.id)))


def everybody(*, by: Person) -> list[Person]:
    access.require(by, "person.read")
    with store.reading() as db:
        return list(db.exec(select(Person).order_by(Person.name)))


def teams() -> dict[str, str]:
    """Name by id."""
    with store.reading() as db:
        return {team.id: team.name for team in db.exec(select(Team).order_by(Team.name))}


def team_named(name: str) -> Team | None:
    with store.reading() as db:
        return db.exec(select(Team).where(Team.name == name)).first()


def names() -> dict[str, str]:
    """Everybody's name by id, also of people who left: a history names them."""
    with store.reading() as db:
        return dict(db.exec(select(Person.id, Person.name)).all())


def get(person_id: str) -> Person | None:
    with store.reading() as db:
        return db.get(Person, person_id)


def by_email(email: str) -> Person | None:
    if "\0" in email:  # PostgreSQL cannot even ask for it
        return None
    with store.reading() as db:
        return db.exec(select(Person).where(Person.email == email.strip().lower())).first()


def check_password(email: str, password: str) -> Person | None:
    """The person, if address and password are right. A stranger's try takes as long as a known person's."""
    person = by_email(email)
    known = person.password_hash if person and person.password_hash and not person.disabled_at else None
    right = _verify(known or _nobodys_hash(), password)
    return person if known and right else None


def start_session(person: Person, *, address: str = "", at: datetime | None = None) -> str:
    """Sign the person in; returns the cookie, of which only a hash is kept."""
    cookie = secrets.token_urlsafe(32)
    started = at or now()
    with store.writing() as db:
        db.add(
            Session(
                person_id=person.id,
                cookie_sha=sealing.sha(cookie),
                at=started,
                ends_at=started + SIGN_IN_LASTS,
                address=address,
                by_person_id=person.id,
            )
        )
        audit.record(db, person, "signed in", "person", person.id, f"{person.name} signed in.", at=at)
    return cookie


def session_of(cookie: str) -> Session | None:
    """The sign-in behind a cookie, if it has not ended."""
    with store.reading() as db:
        query = select(Session).join(Person, col(Person.id) == col(Session.person_id))
        session = db.exec(query.where(Session.cookie_sha == sealing.sha(cookie), col(Person.disabled_at).is_(None))).first()
    return session if session and session.ends_at > now() else None


def signed_in(session_id: str) -> Person | None:
    """The person of a running sign-in; None once it ended or the account was disabled. Asked on every rerun."""
    with store.reading() as db:
        found = db.exec(
            select(Session, Person).join(Person, col(Person.id) == col(Session.person_id)).where(Session.id == session_id)
        ).first()
    if found is None or found[0].ends_at <= now() or found[1].disabled_at is not None:
        return None
    return found[1]


def end_session(session_id: str) -> None:
    with store.writing() as db:
        session = db.get(Session, session_id)
        if session is None:
            return
        person = db.get(Person, session.person_id)
        db.delete(session)
        audit.record(db, person, "signed out", "person", session.person_id, f"{person.name if person else 'Somebody'} signed out.")


def dismiss_tour(*, by: Person) -> None:
    """The walk through the loop never shows again for this person."""
    with store.writing() as db:
        person = db.get_one(Person, by.id)
        person.tour_dismissed_at = now()
        db.add(person)


def count() -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(Person)).one()


@lru_cache(maxsize=1)
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher()


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))


def _verify(password_hash: str, password: str) -> bool:
    from argon2.exceptions import VerifyMismatchError

    try:
        return _hasher().verify(password_hash, password)
    except VerifyMismatchError:
        return False
