"""What the portal does for itself at night: looks whether everything is as it was written, and forgets what has ended."""

import time
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import delete, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, col, select

from data import access, audit, downloads, inbox, signatures, store, tries
from data.errors import Refused
from data.intake import offers, seals
from data.tables import Act, Person, Runner, Task, Ticket, Tries
from data.tables import Session as SignIn
from data.values import now

KEPT = timedelta(days=30)  # the portal's own ended jobs, and runners


def look() -> str:
    """The record's chain, and on SQLite the file itself. What is wrong is told to every admin, and fails the job."""
    wrong = _what_is_wrong()
    if wrong:
        with suppress(DatabaseError):  # a file that is damaged may take no message either; the job says the same
            _tell_admins(" ".join(wrong))
        raise Refused(" ".join([*wrong, "Compare with a backup."]))
    number, sha = audit.head()
    return f"The record holds, up to entry {number:,} ({sha[:12]})."


def _what_is_wrong() -> list[str]:
    try:
        found = audit.broken()
        wrong = [f"Entry {found.number:,} of the record {found.why}."] if found else []
        told = "ok"
        if store.is_sqlite():
            with store.reading() as db:
                told = str(db.connection().execute(text("PRAGMA integrity_check(1)")).scalar())
    except DatabaseError as error:
        if not store.is_sqlite() or store.not_our_fault(error.orig):
            raise
        wrong, told = [], str(error.orig)
    return wrong if told == "ok" else [*wrong, f"The database file is damaged: {' '.join(told.split())}."]


def _tell_admins(sentence: str) -> None:
    with store.writing() as db:
        for person in db.exec(select(Person).where(Person.role == access.ADMIN, col(Person.disabled_at).is_(None))):
            inbox.tell(db, person.id, "approval", sentence, page="audit", key=f"broken {now():%Y-%m-%d}")


def tidy() -> str:
    """Sign-ins, tickets and tries that ended, and the portal's own old jobs."""
    moment = now()
    ended = (col(Task.person_id).is_(None), col(Task.ended_at) < moment - KEPT, col(Task.state).in_(["done", "cancelled"]))
    with store.writing() as db:
        forgotten = (
            _forget(db, SignIn, col(SignIn.ends_at) < moment)
            + _forget(db, Ticket, col(Ticket.expires_at) < moment - timedelta(days=1))
            + _forget(db, Tries, col(Tries.free_at) < time.time() - tries.FORGIVEN_AFTER)
            + _forget(db, Runner, col(Runner.ended_at) < moment - KEPT)  # one whose machine slept may come back
            + _forget(db, Task, *ended)
            + _forget(db, Act, col(Act.at) < moment - KEPT)  # long since nobody can take it back
            + signatures.forget_old(db)
        )
    files = downloads.forget_old() + offers.forget_old()
    purged = seals.purge()
    return f"{forgotten:,} rows and {files:,} files that had ended were forgotten, {purged:,} originals of personal data are gone."


def _forget(db: Session, table: type, *conditions: object) -> int:
    return int(db.execute(delete(table).where(*conditions)).rowcount)  # type: ignore[attr-defined, arg-type]
