"""To whom the digest goes by mail: once to each, on their own wish or no longer. At most once, also where a process dies between sending
and noting it: the digest stands on its page, so one mail too few costs a look, and one too many goes to everybody."""

from datetime import datetime, timedelta

from sqlmodel import col, select

from data import access, store
from data.tables import Digest, DigestMail, Person
from data.values import now
from evals import digest
from evals.digest import Written

LATE = timedelta(days=3)  # after it was written; later it is no news


def to_mail(*, at: datetime | None = None) -> list[tuple[Person, Written]]:
    """The newest, to everybody who was here when it was written, may read it, wants it, and did not get it yet."""
    moment = at or now()
    with store.reading() as db:
        week = db.execute(select(col(Digest.week)).where(Digest.at > moment - LATE).order_by(col(Digest.week).desc()).limit(1)).scalar()
        if week is None:
            return []
        sent = select(DigestMail.person_id).where(DigestMail.week == week)
        here = (col(Person.disabled_at).is_(None), ~col(Person.demo), ~col(Person.no_digest), col(Person.id).not_in(sent))
        people = [one for one in db.exec(select(Person).where(*here).order_by(Person.id)) if access.may(one, "measure.read")]
    found = [(one, digest.of(week, by=one)) for one in people]
    return [(one, told) for one, told in found if told is not None and one.at <= told.at]


def begin(person: Person, week: Written) -> bool:
    """Noted before it leaves. False: somebody sends it already, or did."""
    with store.writing() as db:
        store.one_at_a_time(db, f"digest mail {person.id}")
        if db.exec(select(DigestMail.id).where(DigestMail.week == week.week, DigestMail.person_id == person.id)).first():
            return False
        db.add(DigestMail(week=week.week, person_id=person.id))
        return True


def not_sent(person: Person, week: Written) -> None:
    """The mail server did not take it, and said so: tomorrow it may."""
    with store.writing() as db:
        for one in db.exec(select(DigestMail).where(DigestMail.week == week.week, DigestMail.person_id == person.id)):
            db.delete(one)
