"""Who decides in whose place, from one day to another. A deputy has the role themselves: what they gain is the other's team."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from data import access, audit, inbox, store
from data.errors import Refused
from data.tables import Deputy, Person
from data.values import now

LONGEST = timedelta(days=60)


def name(deputy_id: str, *, starts_at: datetime, ends_at: datetime, by: Person) -> Deputy:
    """Somebody of the same role decides in my place."""
    access.require(by, "deputy.name")
    with store.writing() as db:
        deputy = db.get(Person, deputy_id)
        if deputy is None or deputy.disabled_at is not None or deputy.id == by.id:
            raise Refused("No deputy was named: choose another person who is active.")
        if deputy.role != by.role:
            raise Refused(f"No deputy was named: {deputy.name} is {access.a(deputy.role)}. Only {access.a(by.role)} can stand in for you.")
        if ends_at <= max(starts_at, now()) or ends_at - starts_at > LONGEST:
            raise Refused(f"No deputy was named: choose days from today on, at most {LONGEST.days} of them.")
        made = Deputy(person_id=by.id, deputy_id=deputy.id, starts_at=starts_at, ends_at=ends_at, by_person_id=by.id)
        db.add(made)
        until = f"{ends_at:%Y-%m-%d}"
        audit.record(db, by, "named deputy", "person", by.id, f"{deputy.name} decides in the place of {by.name} until {until}.")
        inbox.tell(
            db, deputy.id, "approval", f"You decide in the place of {by.name} until {until}.", page="approvals", key=f"deputy {made.id}"
        )
        return made


def end(deputy_row_id: str, *, by: Person) -> None:
    """Back earlier than planned."""
    access.require(by, "deputy.name")
    with store.writing() as db:
        found = db.get(Deputy, deputy_row_id)
        if found is None or found.person_id != by.id:
            raise Refused("Nothing ended: this deputy is not yours.")
        db.delete(found)
        audit.record(db, by, "ended deputy", "person", by.id, f"{by.name} decides again.")


def of(person: Person) -> list[Deputy]:
    """Who stands in for the person, now or later."""
    with store.reading() as db:
        return list(
            db.exec(select(Deputy).where(Deputy.person_id == person.id, col(Deputy.ends_at) > now()).order_by(col(Deputy.starts_at)))
        )


def teams_of(db: Session, by: Person, *, at: datetime | None = None) -> set[str]:
    """The teams of those for whom the person decides today."""
    moment = at or now()
    query = (
        select(Person.team_id)
        .join(Deputy, col(Deputy.person_id) == col(Person.id))
        .where(Deputy.deputy_id == by.id, col(Deputy.starts_at) <= moment, col(Deputy.ends_at) > moment)
        .where(col(Person.disabled_at).is_(None), Person.role == by.role)
    )
    return {team_id for team_id in db.exec(query) if team_id is not None}
