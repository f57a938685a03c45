"""Imports a file or a folder: read, checked, redacted, stored in steps, each committed with its place, so that it can go on after a crash.

`look` does all of it but the storing, and tells what would come of it.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from data import access, audit, store
from data.errors import Refused
from data.intake import door, readers
from data.intake.canonical import CanonicalConversation
from data.intake.cleaning import Cleaner, names_of
from data.intake.reading import Mapping, Reader, Row, head
from data.tables import ImportBatch, Person
from data.values import now
from language import redact

STEP, STEP_MESSAGES = 2000, 20_000  # conversations a commit, and their messages: as much as is written in half a second
REFUSALS_KEPT = 1000
SAMPLES = 5
COUNTS = ("conversations", "messages", "new", "updated", "unchanged", "redactions")

Progress = Callable[[float, str], None]


def nobody(_share: float, _doing: str) -> None:
    """Whom progress is told when nobody asks."""


@dataclass
class Report:
    """What came, or would come, of a file."""

    counts: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    redacted: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    refused: list[dict[str, Any]] = field(default_factory=list)  # the first thousand; counts["refused"] knows them all
    unit: str = "line"

    def add(self, arrival: door.Arrival) -> None:
        self.counts.update(arrival.counts)
        self.channels.update(arrival.channels)
        self.redacted.update(arrival.redacted)
        self.unknown.update(arrival.unknown)

    def refuse(self, refusals: Iterable[dict[str, Any]]) -> None:
        """A reason can repeat what stands in the file: it is redacted like everything that is kept."""
        for refusal in refusals:
            self.counts["refused"] += 1
            if len(self.refused) < REFUSALS_KEPT:
                self.refused.append(refusal | {"why": redact.masked(refusal["why"])})

    def told(self) -> dict[str, Any]:
        """For programs."""
        counts = {key: self.counts[key] for key in (*COUNTS, "duplicates", "gone", "signals")} | {"refused_count": self.counts["refused"]}
        return counts | {
            "channels": dict(self.channels), "redacted": dict(self.redacted), "unknown_fields": dict(self.unknown), "refused": self.refused,
        }  # fmt: skip


def reader_of(path: Path, format_name: str = "auto") -> Reader:
    if format_name == "auto":
        return readers.detect(path)
    if format_name not in readers.READERS:
        raise Refused(f"Nothing was imported: there is no format '{format_name}'. There are {', '.join(readers.READERS)}.")
    if path.is_file():
        readers.refuse_foreign(path, head(path))
    return readers.READERS[format_name]


def mapping_for(reader: Reader, path: Path, said: Mapping | None) -> Mapping:
    """What the file says of itself, and what a person said before that."""
    guessed = reader.guess(path)
    if said is None:
        return guessed
    return Mapping(
        source=said.source if said.source != Mapping.source else guessed.source,
        channel=said.channel or guessed.channel,
        roles=guessed.roles | said.roles,
        columns=guessed.columns | said.columns,
        time_zone=said.time_zone if said.time_zone != Mapping.time_zone else guessed.time_zone,
    )


def import_file(
    path: Path,
    *,
    by: Person,
    name: str = "",
    format_name: str = "auto",
    mapping: Mapping | None = None,
    progress: Progress = nobody,
    at: datetime | None = None,
) -> dict[str, Any]:
    """The import's report. An import of the same file that was cut off goes on where it was."""
    access.require(by, "conversation.import")
    reader = reader_of(path, format_name)
    mapping = mapping_for(reader, path, mapping)
    reader.check(path, mapping)
    batch = _begin(path, name or path.name, reader, mapping, by, at)
    report = _as_it_stands(batch, reader)
    done, total = 0, max(_size(path), 1)
    rows = (row for row in reader.read(path, mapping) if row[0] > batch.cursor)
    try:
        for chunk in _steps(rows):
            prepared = door.prepare(_conversations(chunk), by=by, at=at)
            with store.writing() as db:
                arrival = door.keep(prepared)
                report.add(arrival)
                report.refuse(_refusals(chunk, arrival))
                write_down(batch, report)
                batch.cursor = chunk[-1][0]
                db.merge(batch)
            done += _weight(chunk)
            progress(min(done / total, 0.99), f"{report.counts['conversations']:,} conversations read")
    except (OSError, store.sqlite_module().OperationalError) as error:
        raise _cut_off(error) from error
    return _end(batch, report, by, at)


def _cut_off(error: Exception) -> Refused:
    """The file went away while it was read, or there is no room to sort it in."""
    told = os.strerror(error.errno).lower() + "." if isinstance(error, OSError) and error.errno else store.not_our_fault(error)
    if told is None:
        raise error
    return Refused(
        f"Nothing more was read: {told} Look whether the file is still there and the disk has room, and do the same again: "
        "an import goes on where it stopped."
    )


def look(
    path: Path, *, by: Person, format_name: str = "auto", mapping: Mapping | None = None, progress: Progress = nobody
) -> Report:  # fmt: skip
    """What would come of it, with nothing stored."""
    access.require(by, "conversation.import")
    reader = reader_of(path, format_name)
    mapping = mapping_for(reader, path, mapping)
    reader.check(path, mapping)
    report, total, done = Report(unit=reader.UNIT), max(_size(path), 1), 0
    seen: set[bytes] = set()
    try:
        for chunk in _steps(reader.read(path, mapping)):
            first = [row for row in chunk if not _is_second(row, seen)]
            arrival = door.consider(_conversations(first), by=by)
            report.add(arrival)
            report.counts["duplicates"] += len(chunk) - len(first)
            report.refuse(_refusals(first, arrival))
            done += _weight(chunk)
            progress(min(done / total, 0.99), f"{report.counts['conversations']:,} conversations read")
    except (OSError, store.sqlite_module().OperationalError) as error:
        raise _cut_off(error) from error
    return report


def _is_second(row: Row, seen: set[bytes]) -> bool:
    """Whether the file itself said this conversation before: kept as short hashes, so that a large file stays small in memory."""
    if isinstance(row[1], str):
        return False
    key = hashlib.blake2b(f"{row[1].source}\0{row[1].id}".encode(), digest_size=12).digest()
    if key in seen:
        return True
    seen.add(key)
    return False


@dataclass(frozen=True)
class Sample:
    """A conversation as it stands in the file, and as it would stand here."""

    id: str
    before: list[tuple[str, str]]  # role, text
    after: list[tuple[str, str]]


def samples(path: Path, *, by: Person, format_name: str = "auto", mapping: Mapping | None = None) -> list[Sample]:
    """Five from its beginning, those first in which the most kinds of things are redacted. For whoever brought it, kept nowhere."""
    access.require(by, "conversation.import")
    reader = reader_of(path, format_name)
    found = [row for _, row in islice(reader.read(path, mapping_for(reader, path, mapping)), 200) if isinstance(row, CanonicalConversation)]
    ranked = sorted((_sample(conversation) for conversation in found), key=lambda pair: -pair[0])
    return [sample for _, sample in ranked[:SAMPLES]]


def _sample(conversation: CanonicalConversation) -> tuple[int, Sample]:
    cleaner = Cleaner("", now(), names=names_of(conversation))
    said = [(str(message.role), message.text) for message in conversation.messages if message.text][:8]
    clean = [(role, cleaner.text(text)) for role, text in said]
    return len(cleaner.found), Sample(conversation.id, said, clean)


def _steps(rows: Iterable[Row]) -> Iterator[list[Row]]:
    step: list[Row] = []
    messages = 0
    for row in rows:
        step.append(row)
        messages += len(row[1].messages) if isinstance(row[1], CanonicalConversation) else 0
        if len(step) >= STEP or messages >= STEP_MESSAGES:
            yield step
            step, messages = [], 0
    if step:
        yield step


def _conversations(chunk: Iterable[Row]) -> list[CanonicalConversation]:
    return [row for _, row in chunk if isinstance(row, CanonicalConversation)]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(one.stat().st_size for one in path.iterdir() if one.is_file())


def _weight(chunk: Iterable[Row]) -> int:
    """About how much of the file it was."""
    return sum(150 + sum(90 + len(message.text) for message in row.messages) for _, row in chunk if isinstance(row, CanonicalConversation))


def _begin(path: Path, name: str, reader: Reader, mapping: Mapping, by: Person, at: datetime | None) -> ImportBatch:
    """Another person's import is not gone on with: they may bring in other things. Nor is one that was mapped otherwise."""
    file_sha = sha_of(path)
    person_id = by.id if by.role != access.CONSOLE else None
    name = redact.masked(name)
    with store.writing() as db:
        query = select(ImportBatch).where(
            ImportBatch.file_sha == file_sha, ImportBatch.state == "running", ImportBatch.reader == reader.NAME
        )  # fmt: skip
        mine = query.where(col(ImportBatch.by_person_id).is_not_distinct_from(person_id)).order_by(col(ImportBatch.id).desc())
        for cut_off in db.exec(mine):
            if cut_off.mapping in ({}, asdict(mapping)):
                return cut_off
        batch = ImportBatch(reader=reader.NAME, file_name=name, file_sha=file_sha, by_person_id=person_id, mapping=asdict(mapping))
        if at:
            batch.at = at
        db.add(batch)
        return batch


def sha_of(path: Path) -> str:
    """Of a file its content's; of a folder its files', by name."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    told = "".join(f"{one.name}\0{sha_of(one)}\n" for one in sorted(path.iterdir()) if one.is_file())
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()


KINDS = ("channel", "redacted")  # counters that stand in a batch's counts under "channel chat", "redacted card"


def _as_it_stands(batch: ImportBatch, reader: Reader) -> Report:
    report = Report(unit=reader.UNIT, refused=list(batch.refusals), unknown=Counter(batch.unknown))
    for key, count in batch.counts.items():
        kind, _, what = key.partition(" ")
        {"channel": report.channels, "redacted": report.redacted}.get(kind if what else "", report.counts)[what or key] = count
    return report


def write_down(batch: ImportBatch, report: Report) -> None:
    channels = {f"channel {name}": count for name, count in report.channels.items()}
    redacted = {f"redacted {kind}": count for kind, count in report.redacted.items()}
    batch.counts = {**report.counts, **channels, **redacted}
    batch.unknown, batch.refusals = dict(report.unknown), list(report.refused)


def _refusals(chunk: list[Row], arrival: door.Arrival) -> Iterator[dict[str, Any]]:
    """Numbers and reasons: what the reader could not read, then what the door did not take."""
    taken = [number for number, row in chunk if isinstance(row, CanonicalConversation)]
    yield from ({"line": number, "why": row} for number, row in chunk if isinstance(row, str))
    yield from ({"line": taken[place], "why": why} for place, why in arrival.refused.items())


def _end(batch: ImportBatch, report: Report, by: Person, at: datetime | None) -> dict[str, Any]:
    with store.writing() as db:
        batch.state = "done"
        write_down(batch, report)
        db.merge(batch)
        counts = report.counts
        came = f"{counts['new']:,} new, {counts['updated']:,} updated, {counts['refused']:,} {report.unit}s refused"
        sentence = f"Imported {batch.file_name}: {came}."
        audit.record(db, by, "imported", "import_batch", batch.id, sentence, at=at)
    return report.told() | {"unit": report.unit}


def in_words(report: dict[str, Any]) -> str:
    """The report as a person reads it."""
    kinds = kinds_in_words(report.get("redacted", {}))
    told = (
        f"{report['new']:,} new, {report['updated']:,} updated and {report['unchanged']:,} unchanged conversations; "
        f"{report['messages']:,} messages; {report['redactions']:,} pieces of personal data redacted{f' ({kinds})' if kinds else ''}."
    )
    unit = report.get("unit", "line")
    if report["refused"]:
        first = report["refused"][0]
        many = f"1 {unit} was" if report["refused_count"] == 1 else f"{report['refused_count']:,} {unit}s were"
        told += f" {many} refused; the first is {unit} {first['line']}: {first['why']}."
    if report["unknown_fields"]:
        told += f" Kept aside, since we know no use for them: {', '.join(sorted(report['unknown_fields']))}."
    return told


WORDS_FOR = {  # one, several
    "card": ("card", "cards"), "iban": ("IBAN", "IBANs"), "email": ("e-mail address", "e-mail addresses"),
    "phone": ("phone number", "phone numbers"), "url": ("secret link", "secret links"), "ip": ("IP address", "IP addresses"),
    "id": ("national id", "national ids"), "address": ("address", "addresses"), "name": ("name", "names"), "secret": ("secret", "secrets"),
}  # fmt: skip


def kinds_in_words(redacted: dict[str, int]) -> str:
    """What was replaced, the most first."""
    found = sorted(redacted.items(), key=lambda one: -one[1])
    return ", ".join(f"{count:,} {WORDS_FOR.get(kind, (kind, kind))[count != 1]}" for kind, count in found)


def latest(*, by: Person, most: int = 10) -> list[ImportBatch]:
    """The person's own imports, their team's, or everybody's: as far as the right reaches."""
    query = select(ImportBatch).where(col(ImportBatch.state).in_(["running", "done"])).order_by(col(ImportBatch.id).desc()).limit(most)
    reach = access.require(by, "conversation.import")
    if reach == access.OWN or (reach == access.TEAM and by.team_id is None):
        query = query.where(ImportBatch.by_person_id == by.id)
    elif reach == access.TEAM:
        query = query.where(col(ImportBatch.by_person_id).in_(select(Person.id).where(Person.team_id == by.team_id)))
    with store.reading() as db:
        return list(db.exec(query))
