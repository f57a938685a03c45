"""Sign-ins: begun by password, by the company's own sign-in or by a link; ended by anybody whose they are, at once."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session as Db
from sqlmodel import col, select

from data import access, audit, passwords, sealing, store
from data.errors import Refused
from data.tables import Person, Session
from data.values import now

LASTS = timedelta(days=14)
SEEN_EVERY = timedelta(minutes=10)  # a sign of life is written no more often


def check_password(email: str, password: str) -> Person | None:
    """The person, if address and password are right. A stranger's try takes as long as a known person's."""
    from data import people

    person = people.by_email(email)
    known = person.password_hash if person and not person.disabled_at else None
    return person if passwords.right(known, password) else None


def start(person: Person, *, address: str = "", browser: str = "", how: str = "password", at: datetime | None = None) -> str:
    """Sign the person in; returns the cookie, of which only a hash is kept."""
    cookie = secrets.token_urlsafe(32)
    started = at or now()
    with store.writing() as db:
        db.add(
            Session(
                person_id=person.id, cookie_sha=sealing.sha(cookie), at=started, ends_at=started + LASTS, seen_at=started,
                address=address, browser=browser_in_words(browser), how=how, by_person_id=person.id,
            )
        )  # fmt: skip
        audit.record(db, person, "signed in", "person", person.id, f"{person.name} signed in.", at=at)
    return cookie


def of_cookie(cookie: str) -> Session | None:
    """The sign-in behind a cookie, if it has not ended."""
    with store.reading() as db:
        query = select(Session).join(Person, col(Person.id) == col(Session.person_id))
        session = db.exec(query.where(Session.cookie_sha == sealing.sha(cookie), col(Person.disabled_at).is_(None))).first()
    if session is None or session.ends_at <= now():
        return None
    if session.seen_at is None or now() - session.seen_at > SEEN_EVERY:
        with store.writing() as db:
            db.execute(update(Session).where(col(Session.id) == session.id).values(seen_at=now()))
    return session


def person_of(session_id: str) -> Person | None:
    """The person of a running sign-in; None once it ended or the account was disabled. Asked on every rerun."""
    with store.reading() as db:
        found = db.exec(
            select(Session, Person).join(Person, col(Person.id) == col(Session.person_id)).where(Session.id == session_id)
        ).first()
    if found is None or found[0].ends_at <= now() or found[1].disabled_at is not None:
        return None
    return found[1]


def end(session_id: str) -> None:
    """Sign out."""
    with store.writing() as db:
        session = db.get(Session, session_id)
        if session is None:
            return
        person = db.get(Person, session.person_id)
        db.delete(session)
        audit.record(db, person, "signed out", "person", session.person_id, f"{person.name if person else 'Somebody'} signed out.")


def running(*, by: Person) -> list[tuple[Session, Person]]:
    """The sign-ins that have not ended, newest first: one's own, or everybody's for an admin."""
    reach = access.require(by, "session.read")
    query = select(Session, Person).join(Person, col(Person.id) == col(Session.person_id)).where(col(Session.ends_at) > now())
    if reach != access.ALL:
        query = query.where(Session.person_id == by.id)
    with store.reading() as db:
        return [(session, person) for session, person in db.exec(query.order_by(col(Session.id).desc()))]


def revoke(session_id: str, *, by: Person) -> None:
    """End a sign-in from elsewhere: a lost laptop, a forgotten browser."""
    reach = access.require(by, "session.end")
    with store.writing() as db:
        session = db.get(Session, session_id)
        if session is None or (reach != access.ALL and session.person_id != by.id):
            raise Refused("Nothing ended: there is no such sign-in of yours. It may have ended already.")
        _drop(db, session, by)


def revoke_all(person_id: str, *, by: Person) -> int:
    """End all sign-ins of a person; how many there were."""
    reach = access.require(by, "session.end")
    if reach != access.ALL and person_id != by.id:
        raise Refused("Nothing ended: only an admin ends somebody else's sign-ins.")
    with store.writing() as db:
        found = list(db.exec(select(Session).where(Session.person_id == person_id)))
        for session in found:
            _drop(db, session, by)
    return len(found)


def _drop(db: Db, session: Session, by: Person) -> None:
    owner = db.get_one(Person, session.person_id)
    db.delete(session)
    where = session.browser or "an unknown browser"
    audit.record(db, by, "ended sign-in", "person", owner.id, f"Ended the sign-in of {owner.name} on {where}.")


def browser_in_words(agent: str) -> str:
    """What to call a browser, so that its owner knows it again."""
    browsers = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
    systems = (
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "Mac"),
        ("Linux", "Linux"),
    )
    browser = next((name for sign, name in browsers if sign in agent), "")
    system = next((name for sign, name in systems if sign in agent), "")
    return f"{browser or 'A browser'} on {system}" if system else browser
