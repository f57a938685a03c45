"""Reviews that were begun: kept as they are typed, until they are saved or thrown away."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete
from sqlmodel import Session, col, select

from data import access, conversations, store
from data.errors import Refused
from data.masking import masked
from data.tables import Draft, Person
from data.values import now

TYPED = ("note", "reply", "why")  # what may be personal; the rest are choices
CHOSEN = ("verdict", "label_id", "eval_set_id")
LONGEST = 20_000
# written once: it is asked with each review
FORGET = (
    delete(Draft)
    .where(col(Draft.conversation_id) == bindparam("made"), col(Draft.person_id) == bindparam("person"))
    .execution_options(synchronize_session=False)
)


def keep(conversation_id: str, said: dict[str, Any], *, by: Person, at: datetime | None = None) -> Draft | None:
    """What was typed so far. With nothing in it there is no draft."""
    if unknown := set(said) - {*TYPED, *CHOSEN}:
        raise Refused(f"Not kept: a review has no {', '.join(sorted(unknown))}.")
    told = {name: str(value).replace("\0", "") for name, value in said.items() if value}
    if any(len(value) > LONGEST for value in told.values()):
        raise Refused(f"Not kept: a reply or note may have {LONGEST:,} characters.")
    told |= {name: masked(value) for name, value in told.items() if name in TYPED}
    with store.writing() as db:
        conversations.within_reach(db, conversation_id, "review.record", by=by)
        known = db.exec(_of(conversation_id, by)).first()
        if not told:
            forget(db, conversation_id, by=by)
            return None
        draft = known or Draft(conversation_id=conversation_id, person_id=by.id, by_person_id=by.id, said={})
        draft.said, draft.at = told, at or now()
        db.add(draft)
        return draft


def _of(conversation_id: str, by: Person) -> Any:
    return select(Draft).where(Draft.conversation_id == conversation_id, Draft.person_id == by.id)


def of(conversation_id: str, *, by: Person) -> dict[str, str]:
    """What this person typed there and did not save."""
    with store.reading() as db:
        conversations.within_reach(db, conversation_id, "review.record", by=by)
        found = db.exec(_of(conversation_id, by)).first()
        return dict(found.said) if found else {}


def begun(*, by: Person) -> list[str]:
    """The conversations that this person began to review and still may, the last one first."""
    access.require(by, "review.record")
    with store.reading() as db:
        ids = db.exec(select(Draft.conversation_id).where(Draft.person_id == by.id).order_by(col(Draft.at).desc())).all()
    return [made for made in ids if conversations.get(made, by=by)]


def forget(db: Session, conversation_id: str, *, by: Person) -> None:
    db.execute(FORGET, {"made": conversation_id, "person": by.id})


def throw_away(conversation_id: str, *, by: Person) -> None:
    with store.writing() as db:
        conversations.within_reach(db, conversation_id, "review.record", by=by)
        forget(db, conversation_id, by=by)
