"""Many rows at once, as fast as each engine takes them: SQLite's own executemany, PostgreSQL's COPY. In the session's transaction."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, Boolean
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from data import store
from data.tables.base import Utc

Write = Callable[[Any], Any]


def insert(db: Session, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of a table class. Values are what the ORM would take; a column that no row names is left to the database."""
    if not rows:
        return
    db.flush()
    connection = db.connection()
    driver: Any = connection.connection.driver_connection
    dialect = connection.dialect
    try:
        (_into_sqlite if store.is_sqlite() else _into_postgres)(driver, table.__table__, rows)
    except dialect.loaded_dbapi.Error as error:  # said as SQLAlchemy says it, so that whoever opened the transaction understands
        told: Any = DBAPIError.instance(f"bulk insert into {table.__tablename__}", None, error, dialect.loaded_dbapi.Error, dialect=dialect)
        raise told from error


def _into_sqlite(driver: Any, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Rows that fill the same columns go together: what is empty costs nothing."""
    alike: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    writes = _writes(table, True)
    for row in rows:
        names = tuple(name for name, value in row.items() if value is not None)
        alike.setdefault(names, []).append(tuple([write(row[name]) if (write := writes[name]) else row[name] for name in names]))
    for names, values in alike.items():
        columns, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
        driver.executemany(f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})', values)


def _into_postgres(driver: Any, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    writes = _writes(table, False)
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = ", ".join(f'"{name}"' for name in names)
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy:
        for row in rows:
            values = [row.get(name) for name in names]
            copy.write_row(
                [
                    write(value) if (write := writes[name]) and value is not None else value
                    for name, value in zip(names, values, strict=True)
                ]
            )


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
