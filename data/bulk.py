"""Many rows at once, as fast as each engine takes them: SQLite's own executemany, PostgreSQL's COPY. In the session's transaction."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, Boolean
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from data import store
from data.tables.base import Utc

Write = Callable[[Any], Any]
INDEXED = {"conversation_words"}  # with a full-text index, which SQLite writes out after each statement: many rows go in one
AT_ONCE = 1000  # rows a statement


@dataclass(frozen=True)
class Ready:
    """Rows as the engine in force takes them. Made before the transaction begins, so that nobody waits for it."""

    table: Any
    names: list[str]
    values: list[tuple[Any, ...]]


def ready(table: Any, rows: Sequence[dict[str, Any]]) -> Ready:
    """Values are what the ORM would take. Columns that are empty in all rows are left out: what is not written costs nothing."""
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if any(row.get(name) is not None for row in rows)]
    writes = _writes(table.__table__, store.is_sqlite())
    columns = [_column([row.get(name) for row in rows], writes[name]) for name in names]
    return Ready(table.__table__, names, list(zip(*columns, strict=True)))


def _column(values: list[Any], write: Write | None) -> list[Any]:
    return [value if value is None else write(value) for value in values] if write else values


def insert(db: Session, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of a table class."""
    write(db, ready(table, rows))


def write(db: Session, made: Ready) -> None:
    if not made.values:
        return
    db.flush()
    connection = db.connection()
    driver: Any = connection.connection.driver_connection
    dialect = connection.dialect
    try:
        (_into_sqlite if store.is_sqlite() else _into_postgres)(driver, made)
    except dialect.loaded_dbapi.Error as error:  # said as SQLAlchemy says it, so that whoever opened the transaction understands
        told: Any = DBAPIError.instance(f"bulk insert into {made.table.name}", None, error, dialect.loaded_dbapi.Error, dialect=dialect)
        raise told from error


def _into_sqlite(driver: Any, made: Ready) -> None:
    columns, marks = ", ".join(f'"{name}"' for name in made.names), f"({', '.join('?' * len(made.names))})"
    into = f'INSERT INTO "{made.table.name}" ({columns}) VALUES '
    if made.table.name not in INDEXED:
        driver.executemany(into + marks, made.values)
        return
    for start in range(0, len(made.values), AT_ONCE):
        some = made.values[start : start + AT_ONCE]
        driver.execute(into + ", ".join([marks] * len(some)), [value for row in some for value in row])


def _into_postgres(driver: Any, made: Ready) -> None:
    columns = ", ".join(f'"{name}"' for name in made.names)
    with driver.cursor() as cursor, cursor.copy(f'COPY "{made.table.name}" ({columns}) FROM STDIN') as copy:
        for row in made.values:
            copy.write_row(row)


@lru_cache(maxsize=64)
def _writes(table: Any, for_sqlite: bool) -> dict[str, Write | None]:
    """How each column's values are written; None: as they are."""
    return {column.name: _write(column.type, for_sqlite) for column in table.columns}


def _write(kind: Any, for_sqlite: bool) -> Write | None:
    if isinstance(kind, JSON):
        return json.dumps
    if isinstance(kind, Utc):
        return _time_for_sqlite if for_sqlite else _time
    if isinstance(kind, Boolean) and for_sqlite:
        return int
    return None


def _time(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment.astimezone(UTC)


def _time_for_sqlite(moment: datetime) -> str:
    """As SQLAlchemy writes it, so that both compare."""
    return _time(moment).isoformat(" ", "microseconds")[:26]
