"""Searches that people keep under a name, for themselves or for their team. Whoever opens one sees what is within their own reach."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from data import access, audit, conversations, deeds, store
from data.conversations import Filter
from data.errors import Denied, Refused
from data.masking import masked
from data.tables import Person, View
from data.values import now

LONGEST = 80
NOT_HERE = "That view is not here, or it belongs to somebody else."


def save(name: str, found: Filter, *, by: Person, shared: bool = False, at: datetime | None = None) -> View:
    """Keep what the list is narrowed to, if it can be searched."""
    access.require(by, "view.save")
    named = _named(name, "saved")
    if shared and by.team_id is None:
        raise Refused("Not shared: you are in no team. Save it for yourself, or ask an admin to put you into a team.")
    _try_out(found, by)
    with store.writing() as db:
        _one_of_a_name(db, named, by, "saved")
        view = View(name=named, query=as_json(found), team_id=by.team_id if shared else None, at=at or now(), by_person_id=by.id)
        db.add(view)
        db.flush()
        audit.record(db, by, "saved", "view", view.id, f"Saved the view '{named}'{' for the team' if shared else ''}.", at=at)
        deeds.remember(db, f"Saved the view '{named}'.", "view", view.id, by=by, at=at)
        return view


def of(*, by: Person) -> list[View]:
    """One's own and the team's, by name."""
    access.require(by, "view.save")
    mine = col(View.by_person_id) == by.id
    theirs = (col(View.team_id) == by.team_id) if by.team_id else mine
    with store.reading() as db:
        found = db.exec(select(View).where(mine | theirs, col(View.forgotten_at).is_(None))).all()
    return sorted(found, key=lambda view: (view.name.casefold(), view.id))


def get(view_id: str, *, by: Person) -> View | None:
    """The view, if it is one's own or shared within one's reach; a stranger's is as absent as one that is not there."""
    with store.reading() as db:
        return db.exec(select(View).where(View.id == view_id, col(View.forgotten_at).is_(None), _visible(by))).first()


def filter_of(view: View) -> Filter:
    told: dict[str, Any] = view.query | {
        name: datetime.fromisoformat(view.query[name]) for name in ("since", "until") if name in view.query
    }
    if "behind" in told:
        from data import behind  # which counts days with numpy: only who needs it waits for that

        told["behind"] = behind.read(told["behind"])
    return Filter(**told)


def may_forget(view: View, *, by: Person) -> bool:
    """Whoever keeps it, and of what the team shares its lead."""
    access.require(by, "view.save")
    return view.by_person_id == by.id or (by.role == access.LEAD and view.team_id is not None and view.team_id == by.team_id)


def rename(view_id: str, name: str, *, by: Person, at: datetime | None = None) -> View:
    """One's own alone: whoever shares it knows what they meant."""
    access.require(by, "view.save")
    named = _named(name, "renamed")
    with store.writing() as db:
        view = db.get(View, view_id)
        if view is None or view.forgotten_at is not None or view.by_person_id != by.id:
            raise Denied(f"Not renamed. {NOT_HERE}")
        _one_of_a_name(db, named, by, "renamed", but=view_id)
        before, view.name = view.name, named
        db.add(view)
        audit.record(db, by, "renamed", "view", view.id, f"Renamed the view '{before}' to '{named}'.", at=at)
        return view


def forget(view_id: str, *, by: Person, at: datetime | None = None) -> View:
    """It is gone from every list; whoever did it may take that back for a day."""
    access.require(by, "view.save")
    with store.writing() as db:
        view = db.get(View, view_id)
        if view is None or view.forgotten_at is not None or not may_forget(view, by=by):
            raise Denied(f"Not forgotten. {NOT_HERE}")
        _forget(db, view, by, at)
        deeds.remember(db, f"Forgot the view '{view.name}'.", "forgotten view", view.id, by=by, at=at)
        return view


def take_back(db: Session, view_id: str, *, by: Person, at: datetime | None = None) -> None:
    """What was saved is forgotten. Called by undo.py."""
    view = db.get(View, view_id)
    if view is None or view.by_person_id != by.id:
        raise Refused("Not undone: there is no such view of yours.")
    if view.forgotten_at is not None:
        raise Refused(f"Not undone: the view '{view.name}' was forgotten since.")
    _forget(db, view, by, at)


def bring_back(db: Session, view_id: str, *, by: Person, at: datetime | None = None) -> None:
    """What was forgotten is there again, for those who had it. Called by undo.py."""
    view = db.get(View, view_id)
    if view is None or view.forgotten_at is None or not may_forget(view, by=by):
        raise Refused("Not undone: there is no such view that you could bring back.")
    if _has(db, view.name, view.by_person_id):
        raise Refused(f"Not undone: another view is called '{view.name}' by now. Rename that one first.")
    view.forgotten_at = None
    db.add(view)
    audit.record(db, by, "brought back", "view", view.id, f"Brought back the view '{view.name}'.", at=at)


def _forget(db: Session, view: View, by: Person, at: datetime | None) -> None:
    view.forgotten_at = at or now()
    db.add(view)
    audit.record(db, by, "forgot", "view", view.id, f"Forgot the view '{view.name}'.", at=at)


def _visible(by: Person) -> ColumnElement[bool]:
    reach = access.require(by, "view.save")
    shared = col(View.team_id).is_not(None) & access.within(reach, by, col(View.team_id))
    return (col(View.by_person_id) == by.id) | shared


def _named(name: str, done: str) -> str:
    typed = name.encode("utf-8", "ignore").decode().replace("\0", "")  # no text holds half characters, nor NUL
    made = masked(" ".join(typed.split()))
    if not 1 <= len(made) <= LONGEST:
        raise Refused(f"Not {done}: a view has a name of 1 to {LONGEST} characters, this one has {len(made):,}.")
    return made


def _try_out(found: Filter, by: Person) -> None:
    """A view that cannot be searched helps nobody; nor does one that asks for what is masked in every conversation."""
    if masked(found.words) != found.words:
        raise Refused(
            "Not saved: the search names somebody or holds a number or an address of theirs. These are masked as conversations come in, so "
            "that nothing is found by them. Take it out of the search."
        )
    try:
        conversations.counted(found, by=by, most=1)
    except Denied:
        raise
    except Refused as refused:
        raise Refused(f"Not saved: {str(refused).removeprefix('Not searched: ')}") from refused


def _one_of_a_name(db: Session, name: str, by: Person, done: str, *, but: str = "") -> None:
    store.one_at_a_time(db, f"views of {by.id}")
    if _has(db, name, by.id, but=but):
        raise Refused(f"Not {done}: you have a view named '{name}' already. Choose another name.")


def _has(db: Session, name: str, person_id: str | None, *, but: str = "") -> bool:
    theirs = db.exec(select(View).where(View.by_person_id == person_id, col(View.forgotten_at).is_(None), View.id != but))
    return name.casefold() in {view.name.casefold() for view in theirs}


def as_json(found: Filter) -> dict[str, Any]:
    """Only what narrows, as it can be kept: what is added to the filter later is empty in every view of today."""
    empty, told = asdict(Filter()), asdict(found)
    if found.behind:
        from data import behind

        told["behind"] = behind.address(found.behind)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in told.items() if value != empty[name]}
