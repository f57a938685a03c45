"""Opens the database, SQLite or PostgreSQL, and hands out sessions: `reading()` sees one state, `writing()` is one transaction.

A verb opens `writing()`; a verb called inside another's joins it, so that both are kept or neither.
"""

import importlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError
from sqlmodel import Session

from data import config
from data.errors import Busy, Misuse

PRAGMAS = (
    "busy_timeout = 5000",
    "journal_mode = WAL",
    "synchronous = FULL",  # what we acknowledge is on the disk
    "foreign_keys = ON",
    "recursive_triggers = ON",  # else REPLACE deletes a row without asking the trigger that forbids it
    "cache_size = -32000",
)
VERSIONS = Path(__file__).parent / "migrations" / "versions"
_making = threading.Lock()
_session: ContextVar[Session | None] = ContextVar("portal_session", default=None)


def sqlite_module() -> Any:
    """The SQLite that we ship; Python's own, where we have no build for the platform (`portal doctor` says which)."""
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return importlib.import_module("sqlite3")


def engine() -> Engine:
    """The one engine of this process, made at first use."""
    if other := _elsewhere.get():
        return other
    with _making:  # two threads that come first together would make two, and one would be lost with its open connections
        return _engine()


_elsewhere: ContextVar[Engine | None] = ContextVar("portal_elsewhere", default=None)


@contextmanager
def elsewhere(url: str, schema: str = "") -> Iterator[None]:
    """Inside the block this thread works on another database, or another schema of ours: a backup that is being checked."""
    other = _make_engine(url, schema)
    token = _elsewhere.set(other)
    try:
        yield
    finally:
        _elsewhere.reset(token)
        other.dispose()


@lru_cache(maxsize=1)
def _engine() -> Engine:
    return _make_engine(config.settings().url)


def _make_engine(url: str, schema: str = "") -> Engine:
    try:
        return _sqlite_engine(url) if url.startswith("sqlite") else _postgres_engine(url, schema)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as wrong:  # its words may hold the password: they are not repeated
        raise Misuse("PORTAL_DATABASE_URL cannot be used. It reads like postgresql://user:password@host/database.") from wrong


def _sqlite_engine(url: str) -> Engine:
    made = create_engine(
        url, module=sqlite_module(), connect_args={"check_same_thread": False}, pool_size=16, max_overflow=64, hide_parameters=True
    )

    @event.listens_for(made, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: the driver's own would come too late
        for pragma in PRAGMAS:
            _set_patiently(connection, pragma)
        connection.create_function("lower", 1, _lower, deterministic=True)  # its own knows ASCII alone; PostgreSQL's knows all letters

    @event.listens_for(made, "begin")
    def begin(connection: Connection) -> None:
        # a transaction that reads and then writes fails at once when another wrote between; IMMEDIATE waits its turn instead
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return made


def _set_patiently(connection: Any, pragma: str) -> None:
    """Several that open a new file at once all want to change its journal, and SQLite itself waits for nobody there."""
    until = time.monotonic() + 5
    while True:
        try:
            connection.execute(f"PRAGMA {pragma}")
            return
        except sqlite_module().OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _postgres_engine(url: str, schema: str = "") -> Engine:
    url = url.replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+psycopg://", 1)
    path = f" -c search_path={schema}" if schema else ""
    patience = {"options": f"-c lock_timeout=5s{path}"}  # as long as SQLite waits
    return create_engine(url, pool_size=16, max_overflow=64, pool_pre_ping=True, hide_parameters=True, connect_args=patience)


def close() -> None:
    """Let go of the database, so that SQLite tidies its files."""
    with _making:
        if _engine.cache_info().currsize:
            _engine().dispose()
            _engine.cache_clear()


def is_sqlite() -> bool:
    return config.settings().is_sqlite


@contextmanager
def reading() -> Iterator[Session]:
    """A session that only reads. Inside `writing()` it is the writer's, so that a verb sees what it just wrote."""
    joined = _session.get()
    if joined is not None:
        yield joined
        return
    with Session(engine(), expire_on_commit=False) as db:
        yield db


@contextmanager
def writing() -> Iterator[Session]:
    joined = _session.get()
    if joined is not None:
        with _savepoint(joined):
            yield joined
        return
    try:
        with Session(engine().execution_options(writes=True), expire_on_commit=False) as db:
            token = _session.set(db)
            try:
                yield db
                db.commit()
                for act in db.info.pop("after_commit", {}).values():
                    act()
            finally:
                _session.reset(token)
    except OperationalError as error:
        if why := not_our_fault(error.orig):
            raise Busy(f"Nothing was saved: {why} What you entered is still here; try again.") from error
        raise


def not_our_fault(error: BaseException | None) -> str | None:
    """What a person can wait for or mend, in words: the database is held by others, or has no room. None for any other error."""
    told = str(error).lower()
    if "locked" in told or "lock timeout" in told or "deadlock detected" in told:
        return "the database was busy for five seconds."
    if "disk is full" in told or "no space left" in told or getattr(error, "sqlstate", None) == "53100":
        return "the disk is full. Whoever runs the portal has to make room."
    if "disk i/o error" in told:
        return "the disk cannot be written to; it is full or damaged. Whoever runs the portal has to look."
    return None


@contextmanager
def _savepoint(db: Session) -> Iterator[None]:
    try:
        with db.begin_nested():
            yield
    except BaseException:
        db.info.pop("audit_head", None)  # the entry it names may be gone with the savepoint
        raise


def contains(column: Any, words: str) -> Any:
    """A condition: the text holds these words as they are typed, in capitals or not."""
    typed = words.encode("utf-8", "ignore").decode().replace("\0", " ")  # no text can hold half characters, nor NUL
    return column.ilike("%" + typed.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%", escape="\\")


def one_at_a_time(db: Session, what: str) -> None:
    """Let only one transaction at a time go on from here until it ends. SQLite writers already are alone."""
    if not is_sqlite():
        db.connection().execute(text("SELECT pg_advisory_xact_lock(hashtext(:what))"), {"what": f"portal {what}"})


def revisions() -> list[str]:
    """The migrations this code knows, oldest first."""
    return sorted(path.stem for path in VERSIONS.glob("[0-9]*.py"))


def schema_revision() -> str | None:
    """The migration the database is at; None where there is nothing yet."""
    file = Path(engine().url.database or "")
    if is_sqlite() and not file.exists() and (file.parent.exists() or not config.settings().database_url):
        return None  # looking would make it
    with engine().connect() as connection:
        dialect = connection.dialect
        if not dialect.has_table(connection, "alembic_version"):
            return None
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found


def needs_migration() -> bool:
    """Whether the database is older than this code. One that is newer is refused: this code would not understand it."""
    try:
        found = schema_revision()
    except DatabaseError as error:
        why = str(error.orig).strip().splitlines()[0].rstrip(".")
        what = "does not answer" if isinstance(error, OperationalError) else "cannot be used"
        raise Misuse(f"The database at {shown_url()} {what}: {why}.") from error
    if found is not None and found not in revisions():
        raise Misuse(
            f"The database is newer than this code: it is at '{found}', this code knows up to '{revisions()[-1]}'. Nothing was changed. "
            "Start the newer version of the portal."
        )
    return found != revisions()[-1]


def shown_url() -> str:
    """Where the database is, without its password."""
    return engine().url.render_as_string(hide_password=True)
