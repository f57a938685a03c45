"""Notes on the timeline: what happened and when, in a sentence, beside the lines that it may have bent. Marked as an incident it is among
the candidates when a change is explained."""

import re
from datetime import datetime, timedelta

from sqlmodel import col, select

from data import access, audit, labels, store
from data.errors import Refused
from data.masking import masked
from data.tables import Note, Person
from data.trends import Slice
from data.values import now

NOTE, INCIDENT = "note", "incident"
LONGEST = 300  # it is read on hover
OURS = re.compile(r"[a-z_]+(\?[\w=&%.:+@~-]+)?")  # a page of the portal: no other host, no script
AHEAD = timedelta(days=1)


def write(
    text: str, *, by: Person, kind: str = NOTE, happened_at: datetime | None = None, of: Slice = Slice(), page: str = "",
    at: datetime | None = None,
) -> Note:  # fmt: skip
    """Everybody who sees these conversations' figures reads it. Who may write for the own team only writes for that."""
    team_id = of.team_id
    if access.require(by, "note.write", team_id=team_id) != access.ALL:
        if by.team_id is None:
            raise Refused("Not written: you write for your own team, and you are in none. An admin can put you into one.")
        team_id = by.team_id
    moment = happened_at or at or now()
    said = _checked(text, kind, moment, of, page, at or now())
    with store.writing() as db:
        note = Note(
            happened_at=moment, kind=kind, text=said, channel=of.channel or "", intent_id=of.intent or "", page=page, team_id=team_id,
            at=at or now(), by_person_id=access.whose(by),
        )  # fmt: skip
        db.add(note)
        db.flush()
        audit.record(db, by, "noted", "note", note.id, f"Wrote on the timeline: {said}", at=at)
        return note


def _checked(text: str, kind: str, moment: datetime, of: Slice, page: str, today: datetime) -> str:
    said = " ".join(masked(text).split())
    if not 1 <= len(said) <= LONGEST:
        raise Refused(f"Not written: a note has 1 to {LONGEST} characters, this one has {len(said):,}. Say what happened in a sentence.")
    if kind not in (NOTE, INCIDENT):
        raise Refused(f"Not written: there is no kind '{kind}'. Choose {NOTE} or {INCIDENT}.")
    if moment > today + AHEAD:
        raise Refused(f"Not written: {moment:%d %B %Y} has not come yet. Write it once it has happened.")
    if set(of.told) - {"channel", "intent", "team"}:
        raise Refused("Not written: a note is about a channel, an intent, a team, or all of them.")
    if of.intent and of.intent not in labels.names():
        raise Refused("Not written: there is no such intent. Choose one, or leave it empty.")
    if page and not OURS.fullmatch(page):
        raise Refused("Not written: a note links to a page of the portal only, such as knowledge?article=refunds.")
    return said


def take_back(note_id: str, *, by: Person, at: datetime | None = None) -> Note:
    """The own team's, or any as who may write for everybody; the audit keeps it. Done twice it is done once."""
    access.require(by, "note.write")
    with store.writing() as db:
        note = db.get(Note, note_id)
        if note is None or not may_take_back(note, by=by):
            raise Refused("Nothing was taken back: there is no such note here.")
        if note.taken_back_at:
            return note
        note.taken_back_at = at or now()
        db.add(note)
        audit.record(db, by, "took back", "note", note.id, f"Took a note off the timeline: {note.text}", at=at)
        return note


def may_take_back(note: Note, *, by: Person) -> bool:
    reach = access.reach(by, "note.write")
    return reach == access.ALL or (reach is not None and by.team_id is not None and note.team_id == by.team_id)


def between(since: datetime, until: datetime, *, by: Person) -> list[Note]:
    """Of what happened then, oldest first, within the person's reach: those of the own team and those for everybody."""
    reach = access.require(by, "measure.read")
    query = select(Note).where(col(Note.happened_at) >= since, col(Note.happened_at) < until, col(Note.taken_back_at).is_(None))
    query = query.where(access.within(reach, by, col(Note.team_id)))
    with store.reading() as db:
        return list(db.exec(query.order_by(col(Note.happened_at), col(Note.id))))


def told(note: Note) -> str:
    """As it stands beside a line."""
    return f"{'Incident: ' if note.kind == INCIDENT else ''}{note.text}"
