"""Asks a colleague to look at conversations. Who was asked is asked as long as they have not said anything about it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from data import access, audit, deeds, inbox, standing, store, together
from data.errors import Refused
from data.tables import Assignment, InboxItem, Person, Review, Skip
from data.together import Chosen, Done, Plan, Preview
from data.values import now

PAGE = "review?queue=mine"
UNASKED = "nobody asked yet"


def preview(which: Chosen, person_id: str, *, by: Person) -> Preview:
    """Counts and examples of what `assign` would do."""
    with store.reading() as db:
        ids = together.chosen(db, which, "review.assign", by=by)
        colleague = _colleague(db, person_id)
        return _plan(db, ids, colleague).preview(db, f"be looked at by {colleague.name}", f"{colleague.name} is asked")


def assign(which: Chosen, person_id: str, *, by: Person, at: datetime | None = None) -> Done:
    """They come first in the colleague's queue, and the colleague hears of it once."""
    with store.writing() as db:
        store.one_at_a_time(db, f"assignments of {person_id}")
        ids = together.chosen(db, which, "review.assign", by=by)
        colleague = _colleague(db, person_id)
        plan = _plan(db, ids, colleague)
        if not plan.before:
            return Done(together.told("Nobody was asked.", plan.left), 0, dict(plan.left))
        made = [Assignment(conversation_id=one, person_id=person_id, at=at or now(), by_person_id=by.id) for one in plan.before]
        db.add_all(made)
        sentence = f"Asked {colleague.name} to look at {together.many(len(made))}."
        with deeds.in_one(db, sentence, by=by, at=at) as deed:
            deed.made.setdefault("assignments", []).extend(row.id for row in made)
        if colleague.id != by.id:
            asks = f"{by.name} asks you to look at {together.many(len(made))}."
            inbox.tell(db, colleague.id, "mention", asks, page=PAGE, key=_key(made[0].id), at=at)
        audit.record(db, by, "asked", "act", deed.id, sentence, at=at, after={"conversations": len(made), "person_id": person_id})
        return Done(together.told(sentence, plan.left), len(made), dict(plan.left), deed.id)


def colleagues(*, by: Person) -> list[Person]:
    """Whom the person may ask: who reviews, and reads what the person reads."""
    reach = access.require(by, "review.assign")
    with store.reading() as db:
        active = db.exec(select(Person).where(col(Person.disabled_at).is_(None)).order_by(Person.name)).all()
    theirs = {one.id: access.reach(one, "review.record") for one in active}
    return [one for one in active if theirs[one.id] and (access.ALL in (reach, theirs[one.id]) or one.team_id == by.team_id)]


def _colleague(db: Session, person_id: str) -> Person:
    person = db.get(Person, person_id)
    if person is None or person.disabled_at is not None:
        raise Refused("Nobody was asked: there is no such colleague any more. Choose another.")
    if not access.may(person, "review.record"):
        raise Refused(f"Nobody was asked: {access.a(person.role)} does not review. Choose somebody else than {person.name}.")
    return person


def _plan(db: Session, ids: Sequence[str], colleague: Person) -> Plan:
    theirs = together.reached(db, ids, "review.record", by=colleague)
    judged, skipped, asked = (
        set(db.exec(select(row.conversation_id).where(col(row.conversation_id).in_(ids), *conditions)))
        for row, *conditions in (
            (Review, Review.by_person_id == colleague.id, standing.stands()),
            (Skip, Skip.person_id == colleague.id),
            (Assignment, Assignment.person_id == colleague.id),
        )
    )
    reasons = {
        f"of a team whose conversations {colleague.name} does not see": set(ids) - theirs,
        f"that {colleague.name} judged already": judged,
        f"that {colleague.name} gave back": skipped,
        f"that {colleague.name} was asked about before": asked,
    }
    plan = Plan()
    for made in ids:
        why = next((why for why, these in reasons.items() if made in these), None)
        if why:
            plan.left[why] += 1
        else:
            plan.before[made] = UNASKED
    return plan


def _key(first_id: str) -> str:
    return f"asked {first_id}"


def take_back(db: Session, assignment_ids: Sequence[str], *, by: Person, at: datetime | None = None) -> int:
    """Nobody is asked any more, but where they have looked. How many. Called by undo.py."""
    mine = select(Assignment).where(col(Assignment.id).in_(assignment_ids), Assignment.by_person_id == by.id)
    found = list(db.exec(mine))
    said = select(Review.conversation_id, Review.by_person_id).where(
        col(Review.conversation_id).in_([one.conversation_id for one in found])
    )
    judged = set(db.exec(said.where(standing.stands())).all())
    here = together.reached(db, [one.conversation_id for one in found], "review.assign", by=by)
    still = [one.id for one in found if one.conversation_id in here and (one.conversation_id, one.person_id) not in judged]
    db.execute(delete(Assignment).where(col(Assignment.id).in_(still)))
    if len(still) == len(assignment_ids):
        asked = (col(InboxItem.key).startswith(f"{_key(assignment_ids[0])} to "), col(InboxItem.read_at).is_(None))
        db.execute(update(InboxItem).where(*asked).values(read_at=at or now()))
    return len(still)
