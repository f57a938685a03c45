"""What is done to a conversation here, at a machine's or a person's wish: tags, its team, its fields. Each with its entry in the record.

Called by the owning domain inside its own transaction, after it made sure that it may.
"""

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from data import audit
from data.errors import Refused
from data.tables import Conversation, ConversationWords, Person, Team
from language import words

MOST_TAGS, MOST_FIELDS, LONGEST = 50, 50, 100
COLUMNS = ("status", "assignee")  # fields that lists know; any other is kept under its name
STATUSES = ("open", "pending", "solved", "closed")


def tag(db: Session, conversation_id: str, name: str, *, by: Person | None, at: datetime | None = None) -> None:
    """Once, however often it is asked for."""
    found = _there(db, conversation_id, name)
    if name in found.tags:
        return
    if len(found.tags) >= MOST_TAGS:
        raise Refused(f"Not tagged: the conversation has {MOST_TAGS} tags already. Take one off first.")
    before = list(found.tags)
    found.tags = [*before, name]
    db.add(found)
    _find_by(db, found, name)
    _record(db, by, "tagged", found, f"Tagged '{name}'.", {"tags": before}, {"tags": found.tags}, at)


def _find_by(db: Session, found: Conversation, name: str) -> None:
    """The tag is among the words by which the conversation is found."""
    known = db.exec(select(ConversationWords).where(ConversationWords.conversation_id == found.id)).first()
    if known is not None:
        known.words = f"{known.words} {words.marked(words.TAG, name)}"
        db.add(known)


def route(db: Session, conversation_id: str, team: str, *, by: Person | None, at: datetime | None = None) -> None:
    found = _there(db, conversation_id, team)
    known = db.exec(select(Team).where(Team.name == team)).first()
    if known is None:
        names = ", ".join(db.exec(select(Team.name).order_by(col(Team.name)))) or "none"
        raise Refused(f"Not routed: there is no team '{team}'. There are: {names}.")
    if found.team_id == known.id:
        return
    before, found.team_id = found.team_id, known.id
    db.add(found)
    _record(db, by, "routed", found, f"Gave it to the team {team}.", {"team": before}, {"team": known.id}, at)


def set_field(db: Session, conversation_id: str, field: str, value: Any, *, by: Person | None, at: datetime | None = None) -> None:
    found = _there(db, conversation_id, field)
    if field == "status" and value not in STATUSES:
        raise Refused(f"Not set: a status is one of {', '.join(STATUSES)}.")
    if field in COLUMNS:
        before = getattr(found, field)
        setattr(found, field, str(value))
    else:
        if field not in found.extra and len(found.extra) >= MOST_FIELDS:
            raise Refused(f"Not set: the conversation has {MOST_FIELDS} fields already.")
        before = found.extra.get(field)
        found.extra = {**found.extra, field: value}
    db.add(found)
    _record(db, by, "set", found, f"Set '{field}'.", {field: before}, {field: value}, at)


def _there(db: Session, conversation_id: str, name: str) -> Conversation:
    found = db.get(Conversation, conversation_id, populate_existing=True, with_for_update=True)
    if found is None or found.hidden_at is not None:
        raise Refused("Nothing was changed: that conversation is not here.")
    if not 0 < len(name.strip()) <= LONGEST:
        raise Refused(f"Nothing was changed: a name has 1 to {LONGEST} characters, this one {len(name):,}.")
    return found


def _record(
    db: Session, by: Person | None, verb: str, found: Conversation, sentence: str, before: dict[str, Any], after: dict[str, Any],
    at: datetime | None,
) -> None:  # fmt: skip
    audit.record(db, by, verb, "conversation", found.id, sentence, at=at, before=before, after=after)
