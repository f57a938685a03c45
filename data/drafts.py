"""Reviews that somebody began: what they typed and chose otherwise than it was proposed, until it is saved or thrown away."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete
from sqlmodel import Session, col, select

from data import access, conversations, store
from data.errors import Refused
from data.masking import masked
from data.tables import Conversation, Draft, Person
from data.values import now

TYPED = ("note", "reply", "why")  # what may be personal; the rest are choices
CHOSEN = ("verdict", "label_id", "eval_set_id", "purpose")
MARKS = "marks"  # answers to the rubric, by its items' names
LONGEST = 20_000
# written once: it is asked with each review
FORGET = delete(Draft).where(col(Draft.conversation_id) == bindparam("made"), col(Draft.person_id) == bindparam("person"))


def keep(conversation_id: str, said: dict[str, Any], *, by: Person, at: datetime | None = None) -> Draft | None:
    """What was typed so far; an empty text is a field that somebody emptied. With nothing said there is no draft."""
    told = _checked(said)
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


def _checked(said: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(said) - {*TYPED, *CHOSEN, MARKS}:
        raise Refused(f"Not kept: a review has no {', '.join(sorted(unknown))}. Load the page again; what you typed before is still here.")
    told: dict[str, Any] = {name: str(value or "").replace("\0", "") for name, value in said.items() if name != MARKS}
    for name, value in told.items():
        if len(value) > LONGEST:
            raise Refused(f"Not kept: a {name} may have {LONGEST:,} characters, this one has {len(value):,}. Make it shorter.")
    if marks := said.get(MARKS):
        told[MARKS] = {str(item)[:120]: str(answer)[:20] for item, answer in list(marks.items())[:20]}
    return told | {name: masked(value) for name, value in told.items() if name in TYPED}


def _of(conversation_id: str, by: Person) -> Any:
    return select(Draft).where(Draft.conversation_id == conversation_id, Draft.person_id == by.id)


def of(conversation_id: str, *, by: Person) -> dict[str, Any]:
    """What this person typed there and did not save."""
    with store.reading() as db:
        conversations.within_reach(db, conversation_id, "review.record", by=by)
        found = db.exec(_of(conversation_id, by)).first()
        return dict(found.said) if found else {}


def begun(*, by: Person) -> list[str]:
    """The conversations that this person began to review and still may, the last one first."""
    reach = access.require(by, "review.record")
    theirs = select(Draft.conversation_id).where(Draft.person_id == by.id)
    reachable = theirs.join(Conversation, col(Conversation.id) == col(Draft.conversation_id)).where(
        access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None)
    )
    with store.reading() as db:
        return list(db.exec(reachable.order_by(col(Draft.at).desc())).all())


def forget(db: Session, conversation_id: str, *, by: Person) -> None:
    db.connection().execute(FORGET, {"made": conversation_id, "person": by.id})


def throw_away(conversation_id: str, *, by: Person) -> None:
    with store.writing() as db:
        conversations.within_reach(db, conversation_id, "review.record", by=by)
        forget(db, conversation_id, by=by)
