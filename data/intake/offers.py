"""Files that somebody brought in the browser: kept until they are imported or forgotten, with what is said about them meanwhile.

They lie as they came, personal data and all, so they lie in the home's own folder, under names of ours, and not for long.
"""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from data import access, config, store
from data.errors import Denied, Refused
from data.intake import files, readers
from data.intake.files import Progress, Report, nobody
from data.intake.readers import csv_file
from data.intake.reading import Mapping
from data.tables import ImportBatch, Person, Task
from data.values import new_id, now
from language import redact

OPEN = ("offered", "looked")  # it waits for a person's word
KEPT_FOR = timedelta(hours=24)
MOST_FILES, MOST_BYTES = 2000, 500_000_000


def offer(named: Sequence[tuple[str, bytes]], *, by: Person, at: datetime | None = None) -> ImportBatch:
    """Put what was uploaded where the worker finds it, and say what it seems to be."""
    access.require(by, "conversation.import")
    if not named:
        raise Refused("Nothing was kept: choose a file.")
    if len(named) > MOST_FILES or sum(len(content) for _, content in named) > MOST_BYTES:
        raise Refused(
            f"Nothing was kept: {MOST_FILES:,} files of {MOST_BYTES // 1_000_000} MB in all can be brought here at once. "
            "An engineer can import more with: portal import FOLDER"
        )
    folder = config.folder("uploads") / new_id()
    try:
        folder.mkdir(mode=0o700)
        for number, (name, content) in enumerate(named, start=1):
            (folder / _safe(name, number, folder)).write_bytes(content)
        return _begin(folder, named[0][0] if len(named) == 1 else f"{len(named):,} files", by, at)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        told = os.strerror(error.errno or 0).lower()
        raise Refused(f"Nothing was kept: the file cannot be written ({told}). Whoever runs the portal has to make room.") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _safe(name: str, number: int, folder: Path) -> str:
    """A name of ours that only looks like theirs: its letters, its digits and its ending."""
    stem, _, ending = Path(name.replace("\\", "/")).name.rpartition(".")
    plain = re.sub(r"[^\w-]+", "_", stem or ending, flags=re.ASCII).strip("_")[:60] or "file"
    last = re.sub(r"[^a-z0-9]", "", ending.lower())[:8] if stem else ""
    made = f"{plain}.{last}" if last else plain
    return made if not (folder / made).exists() else f"{number}-{made}"


def _label(name: str) -> str:
    """Their name, as it may stand on a screen and in the record."""
    printable = "".join(letter for letter in name.encode("utf-8", "ignore").decode() if letter.isprintable())
    return redact.masked(printable)[:200]


def _begin(folder: Path, name: str, by: Person, at: datetime | None) -> ImportBatch:
    path = _path(folder)
    reader = readers.detect(path)
    mapping = reader.guess(path)
    if reader.NAME != csv_file.NAME:  # which column holds what can still be said: then it is read again
        reader.check(path, mapping)
    if len(list(folder.iterdir())) == 1 and mapping.source in ("", Mapping.source):
        mapping = replace(mapping, source=_label(Path(name.replace("\\", "/")).stem)[:100] or Mapping.source)
    batch = ImportBatch(
        reader=reader.NAME, file_name=_label(name), file_sha=files.sha_of(path), by_person_id=by.id, mapping=asdict(mapping),
        state="offered", upload=folder.name, at=at or now(),
    )  # fmt: skip
    with store.writing() as db:
        db.add(batch)
    return batch


def _path(folder: Path) -> Path:
    """One file stands for itself, several for one export."""
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 else folder


def _folder(batch: ImportBatch) -> Path:
    """Directly among the uploads, whatever stands in the row; one that says otherwise has none."""
    ours = re.fullmatch(r"[0-9a-f-]{36}", batch.upload)
    return config.folder("uploads") / (batch.upload if ours else "none")


def path_of(batch: ImportBatch) -> Path:
    folder = _folder(batch)
    if not folder.is_dir():
        raise Refused(
            f"Not done: {batch.file_name} is no longer here. Files that were not imported are forgotten after a day; bring it again."
        )
    return _path(folder)


def mapping_of(batch: ImportBatch) -> Mapping:
    return Mapping(**batch.mapping)


def mine(batch_id: str, *, by: Person) -> ImportBatch | None:
    """What this person brought."""
    access.require(by, "conversation.import")
    with store.reading() as db:
        batch = db.get(ImportBatch, batch_id)
        return batch if batch and batch.by_person_id == by.id else None


def _open(db: Session, batch_id: str, by: Person) -> ImportBatch:
    access.require(by, "conversation.import")
    batch = db.get(ImportBatch, batch_id)
    if batch is None or batch.by_person_id != by.id or batch.state not in OPEN:
        raise Denied("Not done: this is not a file that you brought, or it has been imported.")
    return batch


def _untouched(db: Session, batch_id: str, by: Person) -> ImportBatch:
    """What a worker is reading stays as it is until it is done."""
    batch = _open(db, batch_id, by)
    if batch_id in _being_imported(db):
        raise Refused(f"Not done: {batch.file_name} is being imported.")
    return batch


def _being_imported(db: Session) -> set[str]:
    query = select(Task.arguments).where(Task.name == "import", col(Task.state).in_(["waiting", "running"]))
    return {str(arguments.get("batch_id")) for arguments in db.exec(query)}


def waiting(*, by: Person) -> list[ImportBatch]:
    """What this person brought and has not imported yet, newest first."""
    access.require(by, "conversation.import")
    query = select(ImportBatch).where(ImportBatch.by_person_id == by.id, col(ImportBatch.state).in_(OPEN))
    with store.reading() as db:
        return list(db.exec(query.order_by(col(ImportBatch.id).desc())))


def remap(batch_id: str, format_name: str, mapping: Mapping, *, by: Person) -> ImportBatch:
    """Say otherwise what it is. What was found by looking at it no longer holds."""
    with store.writing() as db:
        batch = _untouched(db, batch_id, by)
        reader = files.reader_of(path_of(batch), format_name)
        reader.check(path_of(batch), mapping)
        batch.reader, batch.mapping, batch.state = reader.NAME, asdict(mapping), "offered"
        batch.counts, batch.unknown, batch.refusals = {}, {}, []
        db.add(batch)
        return batch


def look(batch_id: str, *, by: Person, progress: Progress = nobody) -> Report:
    """Read it whole, store nothing, and keep what would come of it beside it."""
    with store.reading() as db:
        batch = _open(db, batch_id, by)
    report = files.look(path_of(batch), by=by, format_name=batch.reader, mapping=mapping_of(batch), progress=progress)
    with store.writing() as db:
        current = _open(db, batch_id, by)
        if current.mapping == batch.mapping and current.reader == batch.reader:  # nobody said otherwise meanwhile
            files.write_down(current, report)
            current.state = "looked"
            db.add(current)
    return report


def take(batch_id: str, *, by: Person, progress: Progress = nobody, at: datetime | None = None) -> dict[str, Any]:
    """Import it as it was mapped, and let go of the file. Cut off and taken again, it goes on where it was."""
    with store.reading() as db:
        batch = _open(db, batch_id, by)
    report = files.import_file(
        path_of(batch), by=by, name=batch.file_name, format_name=batch.reader, mapping=mapping_of(batch), progress=progress, at=at
    )
    with store.writing() as db:
        _let_go(db, batch_id)
    shutil.rmtree(_folder(batch), ignore_errors=True)
    return report


def forget(batch_id: str, *, by: Person) -> None:
    """The file and what was said of it are gone; what was imported of it stays."""
    with store.writing() as db:
        batch = _untouched(db, batch_id, by)
        _let_go(db, batch_id)
    shutil.rmtree(_folder(batch), ignore_errors=True)


def _let_go(db: Session, batch_id: str) -> None:
    db.execute(delete(ImportBatch).where(col(ImportBatch.id) == batch_id))


def forget_old(*, at: datetime | None = None) -> int:
    """Files that nobody imported within a day, and what a crash left behind. Called by the nightly tidy."""
    before = (at or now()) - KEPT_FOR
    with store.writing() as db:
        old = (col(ImportBatch.state).in_(OPEN), col(ImportBatch.at) < before, col(ImportBatch.id).not_in(_being_imported(db)))
        db.execute(delete(ImportBatch).where(*old))
        kept = set(db.exec(select(ImportBatch.upload).where(col(ImportBatch.state).in_(OPEN))).all())
    forgotten = 0
    for path in config.folder("uploads").iterdir():
        if path.name not in kept and _is_older(path, before):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
            forgotten += 1
    return forgotten


def _is_older(path: Path, moment: datetime) -> bool:
    try:
        return path.lstat().st_mtime < moment.timestamp()
    except FileNotFoundError:  # it went meanwhile
        return False


def samples(batch_id: str, *, by: Person) -> list[files.Sample]:
    """For whoever brought it alone: nothing of it is kept."""
    with store.reading() as db:
        batch = _open(db, batch_id, by)
    return files.samples(path_of(batch), by=by, format_name=batch.reader, mapping=mapping_of(batch))
