"""Opens the database, SQLite or PostgreSQL, and hands out sessions: `reading()` sees one state, `writing()` is one transaction.

A verb opens `writing()`; a verb called inside another's joins it, so that both are kept or neither.
"""

import importlib
import threading
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
    with _making:  # two threads that come first together would make two, and one would be lost with its open connections
        return _engine()


@lru_cache(maxsize=1)
def _engine() -> Engine:
    url = config.settings().url
    try:
        return _sqlite_engine(url) if url.startswith("sqlite") else _postgres_engine(url)
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
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("lower", 1, _lower, deterministic=True)  # its own knows ASCII alone; PostgreSQL's knows all letters

    @event.listens_for(made, "begin")
    def begin(connection: Connection) -> None:
        # a transaction that reads and then writes fails at once when another wrote between; IMMEDIATE waits its turn instead
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return made


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _postgres_engine(url: str) -> Engine:
    url = url.replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+psycopg://", 1)
    patience = {"options": "-c lock_timeout=5s"}  # as long as SQLite waits
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
            finally:
                _session.reset(token)
    except OperationalError as error:
        if "locked" in str(error.orig) or "lock timeout" in str(error.orig):
            raise Busy("Nothing was saved: the database was busy for five seconds. What you entered is still here; try again.") from error
        raise


@contextmanager
def _savepoint(db: Session) -> Iterator[None]:
    try:
        with db.begin_nested():
            yield
    except BaseException:
        db.info.pop("audit_head", None)  # the entry it names may be gone with the savepoint
        raise


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
