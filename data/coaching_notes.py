"""What a lead and somebody of the team write to each other about work. The two read it, and nobody else, whatever their role."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, or_, select

from data import access, audit, conversations, inbox, store
from data.errors import Denied, Refused
from data.masking import masked
from data.tables import CoachingNote, Conversation, Person
from data.values import now

LONGEST = 4_000
MOST_NAMED = 10  # conversations
PAGES = {True: "my_work?part=Notes", False: "team?part=Coaching"}  # whether it is told to whom it is about


def write(
    person_id: str,
    text: str,
    *,
    by: Person,
    criterion: str = "",
    conversation_ids: Sequence[str] = (),
    at: datetime | None = None,
) -> CoachingNote:
    """A lead begins: to somebody of the team."""
    with store.writing() as db:
        person = db.get(Person, person_id)
        if person is None:
            access.require(by, "coaching.write")
            raise Denied("Not written: there is no such person.")
        access.require(by, "coaching.write", team_id=person.team_id or "no team")
        if person.id == by.id:
            raise Refused("Not written: a note is for somebody else.")
        if person.disabled_at is not None or not access.may(person, "exercise.take"):
            raise Refused(f"Not written: {person.name} would not find it. Notes are for people who review.")
        if len(conversation_ids) > MOST_NAMED:
            raise Refused(f"Not written: a note names at most {MOST_NAMED} conversations, these are {len(conversation_ids)}.")
        for conversation_id in conversation_ids:
            _both_may_read(db, conversation_id, person, by)
        return _keep(db, CoachingNote(person_id=person.id, lead_id=by.id, text=_checked(text), criterion=criterion,
                                      conversation_ids=list(conversation_ids)), by, at)  # fmt: skip


def answer(note_id: str, text: str, *, by: Person, at: datetime | None = None) -> CoachingNote:
    """Either of the two goes on."""
    with store.writing() as db:
        before = _between(db, note_id, by)
        return _keep(
            db, CoachingNote(person_id=before.person_id, lead_id=before.lead_id, text=_checked(text), criterion=before.criterion), by, at
        )


def of(*, by: Person, with_id: str | None = None) -> list[CoachingNote]:
    """One's own, the newest first; with one other person."""
    access.require(by, "exercise.take")
    mine = or_(CoachingNote.person_id == by.id, CoachingNote.lead_id == by.id)
    query = select(CoachingNote).where(mine, col(CoachingNote.taken_back_at).is_(None))
    if with_id is not None:
        query = query.where(or_(CoachingNote.person_id == with_id, CoachingNote.lead_id == with_id))
    with store.reading() as db:
        return list(db.exec(query.order_by(col(CoachingNote.at).desc(), col(CoachingNote.id).desc())))


def take_back(note_id: str, *, by: Person, at: datetime | None = None) -> None:
    """Whoever wrote it takes it back; its words are gone."""
    with store.writing() as db:
        note = _between(db, note_id, by)
        if note.by_person_id != by.id:
            raise Refused("Not taken back: the other one wrote it. Answer it instead.")
        note.text, note.taken_back_at = "", at or now()
        db.add(note)
        audit.record(db, by, "took back", "coaching note", note.id, "Took back a note of their own.", at=at)


def _keep(db: Session, note: CoachingNote, by: Person, at: datetime | None) -> CoachingNote:
    """The record says that it was written, not what."""
    note.at, note.by_person_id = at or now(), by.id
    db.add(note)
    other = note.person_id if by.id == note.lead_id else note.lead_id
    told = (
        f"{by.name} wrote to you about your work. You two alone read it." if other == note.person_id else f"{by.name} answered your note."
    )
    inbox.tell(db, other, "mention", told, page=PAGES[other == note.person_id], key=f"note {note.id}", at=at)
    audit.record(db, by, "wrote", "coaching note", note.id, "Wrote a note to one colleague.", at=at)
    return note


def _between(db: Session, note_id: str, by: Person) -> CoachingNote:
    access.require(by, "exercise.take")
    note = db.get(CoachingNote, note_id)
    if note is None or by.id not in (note.person_id, note.lead_id) or note.taken_back_at is not None:
        raise Denied("Not done: there is no such note.")
    return note


def _both_may_read(db: Session, conversation_id: str, person: Person, by: Person) -> None:
    conversations.within_reach(db, conversation_id, "coaching.write", by=by)
    its = db.exec(select(Conversation.team_id).where(Conversation.id == conversation_id)).one()
    if access.reach(person, "conversation.read") == access.TEAM and its != person.team_id:
        raise Refused(f"Not written: {person.name} does not see one of these conversations.")


def _checked(text: str) -> str:
    text = masked(text.strip().replace("\0", ""))
    if not 1 <= len(text) <= LONGEST:
        raise Refused(f"Not written: a note has 1 to {LONGEST:,} characters, this one has {len(text):,}.")
    return text
