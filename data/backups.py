"""Backups: made while people work, checked whole before they take the place of what is here, and that in one transaction.

A backup holds the database and the model files. The installation's key is not in it: kept apart, it makes a stolen backup's sealed names
worthless. What closes doors outlives a restore: who was disabled stays out, what was revoked stays revoked, everybody signs in again.
"""

import hashlib
import json
import os
import secrets
import shutil
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, inspect, select, text, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col

from data import access, approvals, audit, config, people, sealing, store
from data.errors import Busy, Misuse, Refused
from data.tables import Person, Proposal, Runner, Task, Ticket, Token, metadata
from data.tables import Session as SignIn
from data.values import now

KEPT = 14  # nightly ones; older ones go
FORMAT = 1
STAGE = "portal_restore"  # PostgreSQL: the schema in which a backup is built up and checked
PATIENCE = 30.0  # seconds that a swap waits for those who are writing
DAMAGED = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
)


@dataclass(frozen=True)
class Backup:
    path: Path
    made_at: datetime
    size: int
    manifest: dict[str, Any]

    @property
    def sentence(self) -> str:
        rows = sum(self.manifest["rows"].values())
        return f"{self.path.name}: {rows:,} rows, {len(self.manifest['models'])} model files, {self.size / 1e6:.1f} MB."


def make(*, by: Person, path: Path | None = None, at: datetime | None = None) -> Backup:
    """The whole state at one instant. Others go on reading and writing meanwhile."""
    access.require(by, "backup.make")
    folder = config.folder("backups")
    name = f"portal-{at or now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}.zip"
    wanted = path / name if path and path.is_dir() else path or folder / name
    try:
        with tempfile.TemporaryDirectory(dir=folder) as work:
            manifest = _write(Path(work), at)
            _put_in_place(Path(work) / "whole.zip", wanted)
    except (OSError, store.sqlite_module().OperationalError) as error:
        raise Misuse(f"No backup was made: {folder} cannot be written to ({_reason(error)}).") from error
    made_one = Backup(wanted, at or now(), wanted.stat().st_size, manifest)
    with store.writing() as db:
        audit.record(db, by, "backed up", "backup", wanted.name, f"Made the backup {made_one.sentence}", at=at)
    if path is None:
        for old in sorted(folder.glob("portal-*.zip"))[:-KEPT]:
            old.unlink()
    return made_one


def _write(work: Path, at: datetime | None) -> dict[str, Any]:
    """The whole of it, as one file in the folder."""
    part = work / "whole.zip"
    manifest = _copy_sqlite(work) if store.is_sqlite() else _copy_postgres(work)
    models = _copy_models(work)
    manifest |= {"format": FORMAT, "at": (at or now()).isoformat(), "key": _key_print(), "models": models, "files": _hashes(work)}
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for file in sorted(work.rglob("*")):
            if file.is_file() and file != part:
                made.write(file, file.relative_to(work).as_posix())
        told = json.dumps(manifest, sort_keys=True)
        made.writestr("manifest.json", json.dumps({"manifest": manifest, "seal": sealing.hmac_of(told, "backup")}))
    return manifest


def _put_in_place(part: Path, wanted: Path) -> None:
    """Whole and on the disk, or not there at all: another disk takes a copy first, beside its place."""
    beside = wanted.with_name(f".{wanted.name}.part")
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(part, beside)
        beside.chmod(0o600)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(wanted)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise Misuse(f"The backup cannot be written to {wanted}: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    return os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else str(error)


def _copy_sqlite(work: Path) -> dict[str, Any]:
    module = store.sqlite_module()
    with _raw_connection(store.engine()) as source:
        copy = module.connect(str(work / "portal.db"))
        source.backup(copy)  # in one step: it reads one state and others go on writing; in several, each write would begin it anew
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, no log beside it
        rows = {name: copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in sorted(metadata.tables)}
        revision = copy.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        head = copy.execute("SELECT number, sha FROM audit_entry ORDER BY number DESC LIMIT 1").fetchone() or (0, audit.FIRST)
        copy.close()
    return {"engine": "sqlite", "revision": revision, "rows": rows, "head": list(head)}


@contextmanager
def _raw_connection(engine: Engine) -> Iterator[Any]:
    raw = engine.raw_connection()
    try:
        yield raw.driver_connection
    finally:
        raw.close()


def _copy_postgres(work: Path) -> dict[str, Any]:
    """Every table in one snapshot, in PostgreSQL's own COPY form."""
    rows: dict[str, int] = {}
    with store.engine().connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        head = connection.execute(text("SELECT number, sha FROM audit_entry ORDER BY number DESC LIMIT 1")).first() or (0, audit.FIRST)
        driver: Any = connection.connection.driver_connection
        for table in metadata.sorted_tables:
            columns = _columns(connection, table.name, "public")
            told = f'COPY "{table.name}" ({columns}) TO STDOUT'
            with (work / f"{table.name}.copy").open("wb") as file, driver.cursor() as cursor, cursor.copy(told) as copy:
                file.writelines(copy)
            rows[table.name] = connection.execute(select(func.count()).select_from(table)).scalar_one()
            (work / f"{table.name}.columns").write_text(columns)
    return {"engine": "postgresql", "revision": revision, "rows": rows, "head": list(head)}


def _columns(connection: Connection, table: str, schema: str) -> str:
    found = inspect(connection).get_columns(table, schema=schema)
    return ", ".join(f'"{column["name"]}"' for column in found if not column.get("computed"))  # those come by themselves


def _copy_models(work: Path) -> list[str]:
    """Model files are named by their content and never change: they are copied as they are."""
    names = sorted(path.name for path in config.folder("models").iterdir() if path.is_file() and not path.name.startswith("."))
    (work / "models").mkdir()
    for name in names:
        shutil.copyfile(config.folder("models") / name, work / "models" / name)
    return names


def _hashes(work: Path) -> dict[str, str]:
    return {file.relative_to(work).as_posix(): _sha_of(file) for file in sorted(work.rglob("*")) if file.is_file()}


def _sha_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _key_print() -> str:
    """Tells one installation's key from another's, and nothing about it."""
    return sealing.hmac_of("which key", "backup key")


# -- reading one --------------------------------------------------------------------------------------------------------------------------


def all_backups(*, by: Person) -> list[Backup]:
    """Those in the home, newest first."""
    access.require(by, "backup.make")
    found = []
    for path in sorted(config.folder("backups").glob("*.zip"), reverse=True):
        try:
            manifest = read_manifest(path)
        except Refused:
            continue  # not one of ours; a restore by name says why
        found.append(Backup(path, datetime.fromisoformat(manifest["at"]), path.stat().st_size, manifest))
    return found


def read_manifest(path: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as opened:
            kept = json.loads(opened.read("manifest.json"))
        manifest: dict[str, Any] = kept["manifest"]
        sealed = str(kept["seal"])
        key = manifest.get("key")
    except DAMAGED as error:
        raise Refused(f"Not restored: {path.name} is no backup of the portal, or is damaged ({type(error).__name__}).") from error
    if key != _key_print():
        raise Refused(f"Not restored: {path.name} was made with another key. Put that installation's secrets/master.key in place first.")
    if sealed != sealing.hmac_of(json.dumps(manifest, sort_keys=True), "backup"):
        raise Refused(f"Not restored: the contents of {path.name} are not as they were written.")
    return manifest


def propose_restore(name: str, *, why: str, by: Person) -> Proposal:
    """Ask another admin. The proposal names the exact file by its content."""
    access.require(by, "restore.propose")
    path = config.folder("backups") / Path(name).name
    manifest = read_manifest(path)
    lost = audit.head()[0] - manifest["head"][0]
    told = {
        "sentence": f"Everything would be as on {datetime.fromisoformat(manifest['at']):%d %B %Y, %H:%M} UTC. "
        f"What was done since, {lost:,} entries of the record, would be given up. Everybody signs in again.",
    }
    payload = {"name": path.name, "sha": _sha_of(path)}
    with store.writing() as db:
        title = f"restore the backup {path.name}"
        return approvals.propose(db, "restore", title, payload, why=why, evidence=told, authors=[by.id], by=by)


def restore_approved(proposal_id: str) -> str:
    """Carry out an approved proposal: checked first, so that a bad backup leaves the proposal failed and everything as it is."""
    with store.reading() as db:
        payload = db.get_one(Proposal, proposal_id).payload
    path = config.folder("backups") / Path(payload["name"]).name
    if not path.is_file() or _sha_of(path) != payload["sha"]:
        raise Refused(f"Not restored: {path.name} is not the file that was approved.")
    with _staged(path) as stage:
        with store.writing() as db:
            proposal, approver = approvals.begin_execution(db, proposal_id, "restore")
            how, approver = f"as {people.names().get(proposal.proposer_id, 'somebody')} proposed", Person(**approver.model_dump())
            db.rollback()  # it is done when the swap is: a kill before that leaves it to be done, and the swap takes the proposal along
        return stage.swap(approver, how)


def restore(path: Path, *, by: Person) -> str:
    """On the console, at once."""
    access.require(by, "backup.restore")
    with _staged(path) as stage:
        return stage.swap(by, "on the console")


def verify(path: Path) -> str:
    """All that a restore looks at, and no swap."""
    with _staged(path) as stage:
        rows = sum(stage.manifest["rows"].values())
        return f"{path.name} is whole: {rows:,} rows, the record holds up to entry {stage.manifest['head'][0]:,}."


@dataclass
class Stage:
    """A backup that was unpacked and found to be whole."""

    path: Path
    manifest: dict[str, Any]
    folder: Path

    def swap(self, by: Person, how: str) -> str:
        """It takes the place of what is here, whole or not at all: what closes doors and the entry in the record are in it before."""
        closed = _what_is_closed()
        given_up = audit.head()[0] - self.manifest["head"][0]
        sentence = f"Restored {self.path.name} {how}; {max(given_up, 0):,} entries written since were given up."
        for name in self.manifest["models"]:
            _put_model(self.folder / "models" / name, config.folder("models") / name)
        with store.elsewhere(*_stage(self.folder)):
            with store.writing() as db:
                _keep_closed(db, closed)
                known = db.get(Person, by.id) if by.role != access.CONSOLE else None
                entry = audit.record(db, known, "restored", "backup", self.path.name, sentence)
                db.info.pop("after_commit")  # it is no head of ours yet
            if store.is_sqlite():
                _into_one_file()
        try:  # before the swap, for a kill in between; and after it, for what others noted meanwhile
            audit.note_restore(entry.number, entry.sha)
        except OSError as error:
            raise Refused(f"Not restored: the record's head cannot be noted ({_reason(error)}).") from error
        (_swap_sqlite if store.is_sqlite() else _swap_postgres)(self.folder)
        store.close()
        with suppress(OSError):
            audit.note_restore(entry.number, entry.sha)
        return sentence


def _put_model(source: Path, wanted: Path) -> None:
    beside = wanted.with_name(f".{wanted.name}.part")
    shutil.copyfile(source, beside)
    beside.replace(wanted)


def _stage(folder: Path) -> tuple[str, str]:
    """Where it is built up: an address, and on PostgreSQL a schema."""
    return (f"sqlite:///{folder / 'portal.db'}", "") if store.is_sqlite() else (config.settings().url, STAGE)


@contextmanager
def _staged(path: Path) -> Iterator[Stage]:
    manifest = read_manifest(path)
    engine = "sqlite" if store.is_sqlite() else "postgresql"
    if manifest["engine"] != engine:
        raise Refused(f"Not restored: {path.name} was made on {manifest['engine']}, this portal runs on {engine}.")
    if manifest["revision"] not in store.revisions():
        raise Refused(f"Not restored: {path.name} is of a newer version of the portal ('{manifest['revision']}'). Start that version.")
    with tempfile.TemporaryDirectory(dir=config.folder("backups")) as work, _alone():
        folder = Path(work)
        _unpack(path, manifest, folder)
        try:
            (_check_sqlite if store.is_sqlite() else _check_postgres)(folder, manifest, path.name)
            yield Stage(path, manifest, folder)
        finally:
            if not store.is_sqlite():
                with store.engine().begin() as connection:
                    connection.execute(text(f"DROP SCHEMA IF EXISTS {STAGE} CASCADE"))


@contextmanager
def _alone() -> Iterator[None]:
    """On PostgreSQL there is one place to build a backup up; two at once would mix theirs."""
    if store.is_sqlite():
        yield
        return
    with store.engine().connect() as connection:
        if not connection.execute(text("SELECT pg_try_advisory_lock(hashtext('portal restore'))")).scalar():
            raise Busy("Not restored: another backup is being checked or restored at this moment. Try again when it is done.")
        connection.commit()
        try:
            yield
        finally:
            try:  # at once: whoever comes next does not wait until the server misses us
                connection.execute(text("SELECT pg_advisory_unlock(hashtext('portal restore'))"))
            finally:
                connection.invalidate()  # the lock goes with the connection


def _unpack(path: Path, manifest: dict[str, Any], folder: Path) -> None:
    """Only what the manifest names, under the names that it has there, and only as it was written."""
    (folder / "models").mkdir()
    with zipfile.ZipFile(path) as opened:
        for name, sha in manifest["files"].items():
            wanted = folder / name
            if not wanted.resolve().is_relative_to(folder.resolve()):
                raise Refused(f"Not restored: {path.name} names a file outside its place.")
            try:
                with opened.open(name) as source, wanted.open("wb") as target:
                    shutil.copyfileobj(source, target)
            except DAMAGED as error:
                if isinstance(error, OSError) and error.errno:
                    raise Refused(f"Not restored: {path.name} cannot be unpacked: {_reason(error)}.") from error
                raise Refused(f"Not restored: {path.name} is damaged at {name} ({type(error).__name__}).") from error
            if _sha_of(wanted) != sha:
                raise Refused(f"Not restored: {name} in {path.name} is not as it was written.")


# -- SQLite -------------------------------------------------------------------------------------------------------------------------------


def _check_sqlite(folder: Path, manifest: dict[str, Any], name: str) -> None:
    staged = store.sqlite_module().connect(str(folder / "portal.db"))
    try:
        wrong = staged.execute("PRAGMA integrity_check").fetchone()[0]
        if wrong != "ok" or staged.execute("PRAGMA foreign_key_check").fetchone():
            raise Refused(f"Not restored: the database in {name} is damaged.")
        rows = {table: staged.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in manifest["rows"]}
    finally:
        staged.close()
    if rows != manifest["rows"]:
        raise Refused(f"Not restored: {name} does not hold what its manifest says.")
    with store.elsewhere(*_stage(folder)):
        _bring_to_this_shape()
        _check_record(manifest, name)


def _into_one_file() -> None:
    with _raw_connection(store.engine()) as tidied:
        tidied.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        tidied.execute("PRAGMA journal_mode = DELETE")


def _swap_sqlite(folder: Path) -> None:
    """Page by page into the file that others have open, in one transaction of SQLite's own: a kill leaves all or nothing."""
    module = store.sqlite_module()
    source = module.connect(str(folder / "portal.db"))
    try:
        with _raw_connection(store.engine()) as target:
            source.backup(target, progress=_give_up_after(time.monotonic() + PATIENCE))
    finally:
        source.close()


def _give_up_after(moment: float) -> Callable[[int, int, int], None]:
    def look(status: int, _remaining: int, _pages: int) -> None:
        if status in (5, 6) and time.monotonic() > moment:  # busy, locked
            raise _busy()

    return look


def _busy() -> Busy:
    return Busy(f"Not restored: others held the database for {PATIENCE:.0f} seconds. Nothing was changed; try again when less is going on.")


# -- PostgreSQL ---------------------------------------------------------------------------------------------------------------------------


def _check_postgres(folder: Path, manifest: dict[str, Any], name: str) -> None:
    """Built up beside what is here, in a schema of its own, with the tables of its own time."""
    with store.engine().begin() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {STAGE} CASCADE"))
        connection.execute(text(f"CREATE SCHEMA {STAGE}"))
    with store.elsewhere(*_stage(folder)):
        _bring_to_this_shape(manifest["revision"])
        with store.engine().begin() as connection:
            driver: Any = connection.connection.driver_connection
            for table in (one.name for one in metadata.sorted_tables if one.name in manifest["rows"]):
                columns = (folder / f"{table}.columns").read_text()
                told = f'COPY "{table}" ({columns}) FROM STDIN'
                with (folder / f"{table}.copy").open("rb") as file, driver.cursor() as cursor, cursor.copy(told) as copy:
                    while block := file.read(1 << 20):
                        copy.write(block)
                found = connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar()
                if found != manifest["rows"][table]:
                    raise Refused(f"Not restored: {name} does not hold what its manifest says.")
        _bring_to_this_shape()
        _check_record(manifest, name)


def _swap_postgres(_folder: Path) -> None:
    """The two schemas change names in one transaction; the one that was in force goes with it."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with store.engine().begin() as connection:
                # shorter than PostgreSQL's look for deadlocks: whoever holds one table and waits for another of ours goes first
                connection.execute(text("SET LOCAL lock_timeout = '300ms'"))
                names = ", ".join(f'public."{name}"' for name in inspect(connection).get_table_names("public"))
                connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
                connection.execute(text("ALTER SCHEMA public RENAME TO portal_given_up"))
                connection.execute(text(f"ALTER SCHEMA {STAGE} RENAME TO public"))
                connection.execute(text("DROP SCHEMA portal_given_up CASCADE"))
                return
        except OperationalError as error:
            if store.not_our_fault(error.orig) is None:
                raise
            if time.monotonic() > until:
                raise _busy() from error


# -- both ---------------------------------------------------------------------------------------------------------------------------------


def _bring_to_this_shape(revision: str = "head") -> None:
    from data import migrate

    migrate.upgrade(revision)


def _check_record(manifest: dict[str, Any], name: str) -> None:
    found = audit.broken_chain()
    if found is not None:
        raise Refused(f"Not restored: entry {found.number:,} of the record in {name} {found.why}.")
    if audit.head() != tuple(manifest["head"]):
        raise Refused(f"Not restored: the record in {name} does not end where its manifest says.")


def _what_is_closed() -> dict[str, list[Any]]:
    with store.reading() as db:
        return {
            "people": list(db.execute(select(col(Person.id)).where(col(Person.disabled_at).is_not(None))).scalars()),
            "tokens": list(db.execute(select(col(Token.id)).where(col(Token.revoked_at).is_not(None))).scalars()),
            "runners": list(db.execute(select(Runner).where(col(Runner.ended_at).is_(None))).scalars()),  # they go on running
        }


def _keep_closed(db: Session, closed: dict[str, list[Any]]) -> None:
    """A restore opens no door that was closed since, and nothing that ran then runs now."""
    gone = now()
    db.execute(update(Person).where(col(Person.id).in_(closed["people"]), col(Person.disabled_at).is_(None)).values(disabled_at=gone))
    db.execute(update(Token).where(col(Token.id).in_(closed["tokens"]), col(Token.revoked_at).is_(None)).values(revoked_at=gone))
    for session in db.execute(select(SignIn)).scalars():
        db.delete(session)
    db.execute(update(Ticket).where(col(Ticket.used_at).is_(None)).values(used_at=gone))
    db.execute(update(Runner).where(col(Runner.ended_at).is_(None)).values(ended_at=gone))
    again = {"state": "waiting", "runner": "", "doing": ""}
    db.execute(update(Task).where(col(Task.state) == "running").values(**again))
    for runner in closed["runners"]:
        db.merge(Runner(**runner.model_dump()))
