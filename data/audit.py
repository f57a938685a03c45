"""What was done, by whom, in a sentence: written inside the transaction that did it, each entry sealing the one before.

The chain shows what was changed or taken out of its middle. Its head is kept apart, in a file, after each commit: that shows what was
cut off at its end.
"""

import hmac
import json
import logging
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import String, type_coerce
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, col, func, select

from data import access, config, sealing, store
from data.exports import cells
from data.tables import AuditEntry, Person
from data.values import now

logger = logging.getLogger("portal.audit")

FIRST = "0" * 64
CHUNK = 1_000  # entries that are read at once
LARGEST_ANCHOR, HEADS_KEPT = 256_000, 1_000  # bytes of the anchor file before it is cut to so many heads


@dataclass(frozen=True)
class Broken:
    """The first entry at which the record is not as it was written."""

    number: int
    why: str


def record(
    db: Session,
    by: Person | None,
    verb: str,
    noun: str,
    noun_id: str,
    sentence: str,
    *,
    at: datetime | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEntry:
    number, previous = _head(db)
    entry = AuditEntry(
        at=at or now(),
        by_person_id=by.id if by and by.role != access.CONSOLE else None,
        number=number + 1,
        verb=verb,
        noun=noun,
        noun_id=noun_id,
        sentence=sentence,
        before=before,
        after=after,
        previous_sha=previous,
        sha="",
    )
    entry.sha = digest(entry)
    db.add(entry)
    db.info["audit_head"] = (entry.number, entry.sha)
    db.info.setdefault("after_commit", {})["anchor"] = lambda: _anchor(db.info.get("audit_head"))
    return entry


def _head(db: Session) -> tuple[int, str]:
    """The last entry. No other transaction may add one until this one ends, so it is read once a transaction."""
    if "audit_head" not in db.info:
        store.one_at_a_time(db, "audit")
        last = db.exec(select(AuditEntry).order_by(col(AuditEntry.number).desc()).limit(1)).first()
        db.info["audit_head"] = (last.number, last.sha) if last else (0, FIRST)
    head: tuple[int, str] = db.info["audit_head"]
    return head


def digest(entry: AuditEntry, *, with_id: bool = True) -> str:
    told = [
        entry.id, entry.number, entry.at.astimezone(UTC).isoformat(), entry.by_person_id, entry.verb, entry.noun, entry.noun_id,
        entry.sentence, entry.before, entry.after, entry.previous_sha,
    ]  # fmt: skip
    sealed = json.dumps(told if with_id else told[1:], sort_keys=True, ensure_ascii=False)
    return sealing.hmac_of(sealed, "audit")  # nobody without the key writes a chain that holds


def head() -> tuple[int, str]:
    """The last entry's number and seal: to be written down elsewhere, and given to `broken` later."""
    with store.reading() as db:
        last = db.exec(select(AuditEntry).order_by(col(AuditEntry.number).desc()).limit(1)).first()
    return (last.number, last.sha) if last else (0, FIRST)


def broken(known: tuple[int, str] | None = None) -> Broken | None:
    """Where the record was changed, added to, reordered or cut off by hand; None when it holds. `known` is a head from elsewhere."""
    return broken_chain([*_anchored(), *([known] if known else [])])


def broken_chain(heads: Iterable[tuple[int, str]] = ()) -> Broken | None:
    """Looks at the chain itself, and at the heads that are given."""
    previous, expected = FIRST, 1
    anchored: dict[int, set[str]] = {}  # a number that was noted with two seals was given anew to another entry
    for number, sha in heads:
        anchored.setdefault(number, set()).add(sha)
    older = True  # the portal's first entries were sealed without their id; none of these follows one that was sealed with it
    for entry in _chain():
        if entry is None:
            return Broken(expected, "cannot be read")
        if entry.number != expected:
            return Broken(expected, "is missing")
        older = older and digest(entry) != entry.sha
        if entry.previous_sha != previous or digest(entry, with_id=not older) != entry.sha:
            return Broken(expected, "is not as it was written")
        if anchored.get(expected, {entry.sha}) != {entry.sha}:
            return Broken(expected, "is another than the one that was noted outside the database")
        previous, expected = entry.sha, expected + 1
    last = max(anchored, default=0)
    return Broken(expected, f"and all after it, up to {last:,}, were cut off") if last >= expected else None


def _chain() -> Iterator[AuditEntry | None]:
    """Every entry in the order of the numbers; None, and no more, for one that the database cannot give any more."""
    last, most = None, CHUNK
    with store.reading() as db:
        while True:
            try:
                found = _next(db, last, most)
            except (DatabaseError, ValueError, TypeError):  # damaged to where it is no text, no time or no JSON
                if most == 1:
                    yield None
                    return
                most = 1  # one by one, to know which
                continue
            if not found:
                return
            yield from found
            if found[-1] is None:
                return
            last = found[-1].number


def _next(db: Session, last: int | None, most: int) -> list[AuditEntry | None]:
    raw = [type_coerce(getattr(AuditEntry, name), String).label(f"raw_{name}") for name in ("at", "before", "after")]
    query = select(AuditEntry, *(raw if store.is_sqlite() else ())).order_by(col(AuditEntry.number)).limit(most)
    rows = db.execute(query if last is None else query.where(col(AuditEntry.number) > last)).all()
    found = [row[0] if _is_as_stored(*row) else None for row in rows]
    return found[: found.index(None) + 1] if None in found else found


def _is_as_stored(entry: AuditEntry, *raw: str | None) -> bool:
    """SQLite keeps times and JSON as text, and some other texts mean the same: they were not written by us."""
    values = [
        entry.at.strftime("%Y-%m-%d %H:%M:%S.%f"),
        *(value if value is None else json.dumps(value) for value in (entry.before, entry.after)),
    ]
    return not raw or list(raw) == values


def first_broken() -> int | None:
    found = broken()
    return found.number if found else None


# -- the head, kept apart -----------------------------------------------------------------------------------------------------------------


def _anchor_files() -> list[Path]:
    """In the home, and where the settings name a second place, such as another disk."""
    second = config.settings().audit_anchor
    return [config.folder("anchor") / "heads", *([second] if second else [])]


def _anchor(reached: tuple[int, str] | None) -> None:
    """Note the head after its commit. What was saved is saved: that it could not be noted is for the log, not for the person."""
    number, sha = reached or head()
    try:
        _note(f"{number} {sha}")
    except OSError:
        logger.exception("the record's head %s could not be noted outside the database", number)


def note_restore(number: int, sha: str) -> None:
    """A backup whose record ends there takes the place of ours: heads noted before are of what is given up, once it is there."""
    _note(f"restored {number} {sha}")


def _note(told: str) -> None:
    """A line is one write, so that processes side by side do not mix theirs."""
    line = f"{told} {sealing.hmac_of(told, 'audit anchor')}\n".encode()
    for path in _anchor_files():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)
        if path.stat().st_size > LARGEST_ANCHOR:
            _shorten(path)


def _shorten(path: Path) -> None:
    """The newest heads, in a file that takes the place of the other whole; a line that comes between is made good by the next."""
    shorter = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    shorter.touch(mode=0o600)
    shorter.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[-HEADS_KEPT:]))
    shorter.replace(path)


def _anchored() -> list[tuple[int, str]]:
    """The heads that were noted since the last restore that came about. A line that we did not write says nothing."""
    found: list[tuple[int, str]] = []
    for path in _anchor_files():
        here: list[tuple[int, str]] = []
        for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
            told, _, seal = line.rpartition(" ")
            if not hmac.compare_digest(seal.encode(), sealing.hmac_of(told, "audit anchor").encode()):
                continue
            *restored, number, sha = told.split(" ")
            if restored and not _stands(int(number), sha):
                continue
            here = [] if restored else here
            here.append((int(number), sha))
        found += here
    return found


def _stands(number: int, sha: str) -> bool:
    with store.reading() as db:
        return db.exec(select(AuditEntry.sha).where(AuditEntry.number == number)).first() == sha


# -- reading it ---------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filter:
    person_id: str | None = None
    noun: str | None = None
    noun_id: str | None = None
    verb: str | None = None
    words: str = ""
    since: datetime | None = None
    until: datetime | None = None


def newest(*, by: Person, most: int = 200, page: int = 0, noun: str | None = None, found: Filter | None = None) -> list[AuditEntry]:
    """What the person may read, newest first: their own acts, their team's, or all."""
    query = _narrowed(select(AuditEntry), found or Filter(noun=noun), by)
    with store.reading() as db:
        return list(db.exec(query.order_by(col(AuditEntry.number).desc()).limit(most).offset(page * most)))


def counted(*, by: Person, found: Filter) -> int:
    with store.reading() as db:
        return int(db.exec(_narrowed(select(func.count()).select_from(AuditEntry), found, by)).one())


def choices(*, by: Person) -> dict[str, list[str]]:
    """What there is to filter by: the verbs and nouns of what the person may read."""
    with store.reading() as db:
        verbs = db.exec(_narrowed(select(AuditEntry.verb).distinct(), Filter(), by)).all()
        nouns = db.exec(_narrowed(select(AuditEntry.noun).distinct(), Filter(), by)).all()
    return {"verb": sorted(verbs), "noun": sorted(nouns)}


def _narrowed(query: Any, found: Filter, by: Person) -> Any:
    reach = access.require(by, "audit.read")
    if reach == access.OWN or (reach == access.TEAM and by.team_id is None):
        query = query.where(AuditEntry.by_person_id == by.id)
    elif reach == access.TEAM:
        query = query.where(col(AuditEntry.by_person_id).in_(select(Person.id).where(Person.team_id == by.team_id)))
    same = {"by_person_id": found.person_id, "noun": found.noun, "noun_id": found.noun_id, "verb": found.verb}
    for name, value in same.items():
        if value is not None:
            query = query.where(getattr(AuditEntry, name) == value)
    if found.words.strip():
        query = query.where(store.contains(col(AuditEntry.sentence), found.words.strip()))
    if found.since:
        query = query.where(col(AuditEntry.at) >= found.since)
    if found.until:
        query = query.where(col(AuditEntry.at) < found.until)
    return query


def as_csv(*, by: Person, found: Filter, names: dict[str, str], most: int = 100_000) -> bytes:
    """What the person may read of it, as a table that no spreadsheet takes for formulas."""
    with store.reading() as db:
        entries = db.exec(_narrowed(select(AuditEntry), found, by).order_by(col(AuditEntry.number)).limit(most)).all()
    lines = ['"number","at","who","verb","noun","sentence","seal"\r\n']
    for entry in entries:
        who = names.get(entry.by_person_id or "", "the portal")
        told = (str(entry.number), entry.at.isoformat(), who, entry.verb, entry.noun, entry.sentence, entry.sha)
        lines.append(",".join(map(cells.cell, told)) + "\r\n")
    return "".join(lines).encode()
