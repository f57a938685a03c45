"""A word on a proposal, a draft or an example. Whoever is named with @ finds it in their inbox; an engineer can be asked."""

import re
from datetime import datetime
from itertools import islice, pairwise
from urllib.parse import quote

from sqlalchemy import update
from sqlmodel import Session, col, select

from data import access, audit, conversations, inbox, store
from data.errors import Refused
from data.masking import masked
from data.tables import Comment, Example, Person, Proposal, Version
from data.values import now

LONGEST = 2000


def write(noun: str, noun_id: str, text: str, *, by: Person, asks_engineer: bool = False, at: datetime | None = None) -> Comment:
    """Say it to everybody who sees the thing, and tell those who are named."""
    with store.writing() as db:
        title, page = _about(db, noun, noun_id, by)
        said = masked(text.strip())
        if not 1 <= len(said) <= LONGEST:
            raise Refused(f"Not saved: a comment has 1 to {LONGEST:,} characters, this one has {len(said):,}.")
        named = _named(db, said)
        comment = Comment(
            noun=noun, noun_id=noun_id, text=said, mentions=[person.id for person in named], asks="engineer" if asks_engineer else "",
            at=at or now(), by_person_id=by.id,
        )  # fmt: skip
        db.add(comment)
        audit.record(db, by, "commented", noun, noun_id, f"Commented on {title}.", at=at)
        _tell(db, comment, title, page, named, by, at)
        if by.role == access.ENGINEER:
            _answer(db, noun, noun_id, by)
        return comment


def of(noun: str, noun_id: str, *, by: Person) -> list[Comment]:
    """Oldest first, if the person may see what they are about."""
    with store.reading() as db:
        _about(db, noun, noun_id, by)
        return list(db.exec(select(Comment).where(Comment.noun == noun, Comment.noun_id == noun_id).order_by(Comment.id)))


def open_questions(*, by: Person, most: int = 50) -> list[Comment]:
    """What engineers were asked and nobody answered yet, of what the person may see; oldest first."""
    query = select(Comment).where(Comment.asks == "engineer", col(Comment.answered_at).is_(None)).order_by(Comment.id)
    with store.reading() as db:
        return list(islice((asked for asked in db.exec(query) if _may_see(db, asked, by)), most))


def page_of(comment: Comment, *, by: Person) -> str:
    """Which screen shows what it is about."""
    with store.reading() as db:
        return _about(db, comment.noun, comment.noun_id, by)[1]


def _about(db: Session, noun: str, noun_id: str, by: Person) -> tuple[str, str]:
    """What it is called and which page shows it, once it is clear that the person may see it."""
    if noun == "proposal":
        access.require(by, "proposal.comment")
        if proposal := db.get(Proposal, noun_id):
            return f"the proposal to {proposal.title}", f"approvals?proposal={noun_id}"
    elif noun == "version":
        access.require(by, "proposal.comment")
        if version := db.get(Version, noun_id):
            page = f"automations?recipe={quote(version.target_name)}" if version.target_kind == "recipe" else f"{version.target_kind}s"
            return f"version {version.target_number} of {version.target_name}", page
    elif noun == "example":
        access.require(by, "comment.write")
        if example := db.get(Example, noun_id):
            conversations.within_reach(db, example.conversation_id, "comment.write", by=by)
            return "a flagged example", f"review?conversation={example.conversation_id}"
    raise Refused("Not saved: what this comment is about does not exist.")


def _named(db: Session, text: str) -> list[Person]:
    """Who is meant by @Lena or @Lena Hoffmann: the whole name, or a first name that only one active person has."""
    active = sorted(db.exec(select(Person).where(col(Person.disabled_at).is_(None))), key=lambda person: -len(person.name))
    found: dict[str, Person] = {}
    places = [match.end() for match in re.finditer("@", text)] + [len(text) + 1]
    for start, end in pairwise(places):
        said = text[start : end - 1].casefold()
        whole = [person for person in active if re.match(rf"{re.escape(person.name.casefold())}\b", said)]
        first = [person for person in active if re.match(rf"{re.escape(person.name.split()[0].casefold())}\b", said)]
        if meant := whole or (first if len(first) == 1 else []):
            found[meant[0].id] = meant[0]
    return list(found.values())


def _tell(db: Session, comment: Comment, title: str, page: str, named: list[Person], by: Person, at: datetime | None) -> None:
    for person in named:
        if person.id != by.id and _may_see(db, comment, person):
            told = f"{by.name} named you on {title}: {comment.text}"
            inbox.tell(db, person.id, "mention", told, page=page, key=f"comment {comment.id}", at=at)
    if comment.asks:
        for person in db.exec(select(Person).where(Person.role == access.ENGINEER, col(Person.disabled_at).is_(None))):
            if person.id != by.id:
                told = f"{by.name} asks an engineer on {title}: {comment.text}"
                inbox.tell(db, person.id, "mention", told, page=page, key=f"comment {comment.id}", at=at)


def _may_see(db: Session, comment: Comment, person: Person) -> bool:
    try:
        _about(db, comment.noun, comment.noun_id, person)
    except Refused:
        return False
    return True


def _answer(db: Session, noun: str, noun_id: str, by: Person) -> None:
    """An engineer spoke: what others asked there is answered."""
    asked = (col(Comment.noun) == noun, col(Comment.noun_id) == noun_id, col(Comment.asks) != "", col(Comment.answered_at).is_(None))
    db.execute(update(Comment).where(*asked, col(Comment.by_person_id) != by.id).values(answered_at=now()))
