"""`portal bench import FILE`: the whole way in; and of it the storing alone, beside the same rows put in by one bare statement each."""

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from data import bulk, people, store
from data.intake import door, files
from data.tables import Conversation, ConversationWords, Customer, Message, Seal, Signal
from portal.bench import apart

TABLES: dict[str, Any] = {
    "customers": Customer, "conversations": Conversation, "words": ConversationWords, "messages": Message, "seals": Seal, "signals": Signal,
}  # fmt: skip


def run(path: Path) -> dict[str, Any]:
    with apart.portal() as home:
        started = time.perf_counter()
        report = files.import_file(path, by=people.console())
        seconds = time.perf_counter() - started
        with store.engine().connect() as connection:
            rows = {name: [dict(row._mapping) for row in connection.execute(select(table.__table__))] for name, table in TABLES.items()}
        store.close()
        storing, floor = _storing(rows), _floor(home / "portal.db")
    return {
        "conversations_per_second": round(report["new"] / seconds), "messages_per_second": round(report["messages"] / seconds),
        "floor_ratio": round(storing / floor, 2), "seconds": round(seconds, 2), "storing_seconds": round(storing, 2),
        "floor_seconds": round(floor, 2), **{key: report[key] for key in ("conversations", "messages", "redactions")},
        "refused": len(report["refused"]),
    }  # fmt: skip


def _storing(rows: dict[str, list[dict[str, Any]]]) -> float:
    """Our own way of writing them, a step and a commit at a time, with the index that search needs: what the write lock is held for."""
    with apart.portal():
        steps = [step.ready() for step in _steps(rows)]
        gc.collect()
        gc.freeze()  # the rows of the whole file lie here only for this measurement: looking through them is not storing
        started = time.perf_counter()
        for step in steps:
            with store.writing() as db:
                for made in step:
                    bulk.write(db, made)
        return time.perf_counter() - started


def _steps(rows: dict[str, list[dict[str, Any]]]) -> Iterator[door.Rows]:
    """As an import cuts them."""
    of_one: dict[str, dict[str, list[dict[str, Any]]]] = {name: {} for name in ("words", "messages", "seals", "signals")}
    for name, grouped in of_one.items():
        for row in rows[name]:
            grouped.setdefault(row["conversation_id"], []).append(row)
    customers = {row["id"]: row for row in rows["customers"]}
    size = max(1, min(files.STEP, files.STEP_MESSAGES * len(rows["conversations"]) // max(1, len(rows["messages"]))))
    for start in range(0, len(rows["conversations"]), size):
        some = rows["conversations"][start : start + size]
        step = door.Rows(conversations=some, customers=[made for row in some if (made := customers.pop(row["customer_id"], None))])
        for name, grouped in of_one.items():
            setattr(step, name, [row for conversation in some for row in grouped.get(conversation["id"], [])])
        yield step


def _floor(filled: Path) -> float:
    """The database's own copying of the same rows and of the same index, in one transaction."""
    with apart.portal(), store.engine().connect() as connection:
        connection.execute(text("ATTACH DATABASE :path AS filled"), {"path": str(filled)})
        connection.rollback()
        started = time.perf_counter()
        for table in TABLES.values():
            name = table.__tablename__
            columns = ", ".join(f'"{column.name}"' for column in table.__table__.columns)
            connection.execute(text(f'INSERT INTO main."{name}" ({columns}) SELECT {columns} FROM filled."{name}"'))
        connection.commit()
        return time.perf_counter() - started
