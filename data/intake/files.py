"""Imports a file: checked, redacted, stored in steps, each committed with its place in the file, so that it can go on after a crash."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from data import access, audit, config, store
from data.intake import door
from data.intake.canonical import CanonicalConversation
from data.intake.readers import jsonl
from data.tables import ImportBatch, Person
from data.values import new_id

STEP = 500  # conversations a commit
REFUSALS_KEPT = 1000

Line = tuple[int, CanonicalConversation | str]


def import_file(
    path: Path,
    *,
    by: Person,
    name: str = "",
    progress: Callable[[float, str], None] = lambda _share, _doing: None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """The import's report. An import of the same file that was cut off goes on where it was."""
    access.require(by, "conversation.import")
    jsonl.check(path)
    batch = _begin(path, name or path.name, by, at)
    refused: list[dict[str, Any]] = list(batch.refusals)
    counts, unknown = Counter(batch.counts), Counter(batch.unknown)
    total = max(path.stat().st_size, 1)
    done_bytes = 0
    lines = jsonl.read(path, after_line=batch.cursor)
    while chunk := list(islice(lines, STEP)):
        with store.writing() as db:
            arrival = door.receive([line for _, line in chunk if isinstance(line, CanonicalConversation)], by=by, at=at)
            counts.update(arrival.counts)
            unknown.update(arrival.unknown)
            refused += _refusals(chunk, arrival)
            batch.cursor, batch.counts, batch.unknown = chunk[-1][0], dict(counts), dict(unknown)
            batch.refusals = refused[:REFUSALS_KEPT]
            db.merge(batch)
        done_bytes += sum(len(line.model_dump_json()) for _, line in chunk if isinstance(line, CanonicalConversation))
        progress(min(done_bytes / total, 0.99), f"{counts['conversations']:,} conversations read")
    return _end(batch, counts, unknown, refused, by, at)


def _begin(path: Path, name: str, by: Person, at: datetime | None) -> ImportBatch:
    with path.open("rb") as file:
        file_sha = hashlib.file_digest(file, "sha256").hexdigest()
    with store.writing() as db:
        person_id = (
            by.id if by.role != access.CONSOLE else None
        )  # another person's import is not gone on with: they may bring in other things
        query = select(ImportBatch).where(ImportBatch.file_sha == file_sha, ImportBatch.state == "running")
        cut_off = db.exec(
            query.where(col(ImportBatch.by_person_id).is_not_distinct_from(person_id)).order_by(col(ImportBatch.id).desc())
        ).first()
        if cut_off:
            return cut_off
        batch = ImportBatch(reader="jsonl", file_name=name, file_sha=file_sha, by_person_id=person_id)
        if at:
            batch.at = at
        db.add(batch)
        return batch


def _refusals(chunk: list[Line], arrival: door.Arrival) -> Iterator[dict[str, Any]]:
    """Line numbers and reasons: what the reader could not read, then what the door did not take."""
    taken = [number for number, line in chunk if isinstance(line, CanonicalConversation)]
    yield from ({"line": number, "why": line} for number, line in chunk if isinstance(line, str))
    yield from ({"line": taken[place], "why": why} for place, why in arrival.refused.items())


def _end(
    batch: ImportBatch, counts: Counter[str], unknown: Counter[str], refused: list[dict[str, Any]], by: Person, at: datetime | None
) -> dict[str, Any]:
    with store.writing() as db:
        batch.state = "done"
        db.merge(batch)
        sentence = f"Imported {batch.file_name}: {counts['new']:,} new, {counts['updated']:,} updated, {len(refused):,} lines refused."
        audit.record(db, by, "imported", "import_batch", batch.id, sentence, at=at)
    report = {key: counts[key] for key in ("conversations", "messages", "new", "updated", "unchanged", "redactions")}
    return report | {"unknown_fields": dict(unknown), "refused": refused}


def keep_upload(content: bytes, *, by: Person) -> Path:
    """Put an uploaded file where the worker finds it, under a name of our own: the person's is only a label."""
    access.require(by, "conversation.import")
    path = config.folder("uploads") / f"{new_id()}.jsonl"
    path.write_bytes(content)
    return path


def in_words(report: dict[str, Any]) -> str:
    """The report as a person reads it."""
    told = (
        f"{report['new']:,} new, {report['updated']:,} updated and {report['unchanged']:,} unchanged conversations; "
        f"{report['messages']:,} messages; {report['redactions']:,} cards and addresses redacted."
    )
    if report["refused"]:
        first = report["refused"][0]
        lines = "1 line was" if len(report["refused"]) == 1 else f"{len(report['refused']):,} lines were"
        told += f" {lines} refused; the first is line {first['line']}: {first['why']}."
    if report["unknown_fields"]:
        told += f" Kept aside, since we know no use for them: {', '.join(sorted(report['unknown_fields']))}."
    return told


def latest(*, by: Person, most: int = 10) -> list[ImportBatch]:
    """The person's own imports, their team's, or everybody's: as far as the right reaches."""
    query = select(ImportBatch).order_by(col(ImportBatch.id).desc()).limit(most)
    reach = access.require(by, "conversation.import")
    if reach == access.OWN or (reach == access.TEAM and by.team_id is None):
        query = query.where(ImportBatch.by_person_id == by.id)
    elif reach == access.TEAM:
        query = query.where(col(ImportBatch.by_person_id).in_(select(Person.id).where(Person.team_id == by.team_id)))
    with store.reading() as db:
        return list(db.exec(query))
