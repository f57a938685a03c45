"""Rows that belong together but stand apart in a file are brought together here, on the disk: memory stays flat."""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from typing import Any, NamedTuple

from data import config
from data.store import sqlite_module
from data.values import new_id

MOST_ROWS, MOST_BYTES = 10_000, 20_000_000  # of one group: a conversation that is longer is told, not built
TABLES = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000; PRAGMA temp_store = FILE;
CREATE TABLE known (key TEXT PRIMARY KEY, grouped INTEGER) WITHOUT ROWID;
CREATE TABLE begun (grouped INTEGER PRIMARY KEY, key TEXT);
CREATE TABLE kept (grouped INTEGER, number INTEGER, fault INTEGER, content BLOB);
CREATE TABLE joined (grouped INTEGER PRIMARY KEY, into_group INTEGER);
"""


class Fault(NamedTuple):
    number: int
    why: str


class Spool:
    """Put rows in as they come; take them out group by group, in the order in which the groups began."""

    def __init__(self, db: Any) -> None:
        self.db = db
        self.count = 0
        self.last: tuple[str, int] | None = None
        self.joined: dict[int, int] = {}  # a group that turned out to be part of an older one

    def put(self, key: str, number: int, content: str, *, also: Sequence[str] = ()) -> int:
        """Into the group of this key; groups that the other keys connect it with become one with it."""
        if also or self.last is None or self.last[0] != key:  # most often it is the group of the row before
            self.last = key, self._group([key, *also])
        self._keep(self.last[1], number, 0, content)
        return self.last[1]

    def put_fault(self, number: int, why: str) -> None:
        self.count += 1
        self._keep(self.count, number, 1, why)

    def _keep(self, group: int, number: int, fault: int, content: str) -> None:
        packed = zlib.compress(content.encode(), 1) if len(content) > 2000 else content
        self.db.execute("INSERT INTO kept VALUES (?, ?, ?, ?)", (group, number, fault, packed))

    def _group(self, keys: Sequence[str]) -> int:
        found = {key: row[0] for key in keys if (row := self.db.execute("SELECT grouped FROM known WHERE key = ?", (key,)).fetchone())}
        if found:
            group = int(min(found.values()))
            for other in found.values():
                self.join(group, other)
        else:
            self.count += 1
            group = self.count
            self.db.execute("INSERT INTO begun VALUES (?, ?)", (group, keys[0]))
        self.db.executemany("INSERT OR IGNORE INTO known VALUES (?, ?)", [(key, group) for key in keys if key not in found])
        return group

    def knows(self, key: str) -> bool:
        return self.db.execute("SELECT 1 FROM known WHERE key = ?", (key,)).fetchone() is not None

    def join(self, one: int, other: int) -> None:
        one, other = sorted((self._root(one), self._root(other)))
        if one != other:
            self.joined[other] = one

    def _root(self, group: int) -> int:
        while group in self.joined:
            above = self.joined[group]
            self.joined[group] = self.joined.get(above, above)
            group = above
        return group

    def groups(self) -> Iterator[tuple[str, list[tuple[int, str]] | Fault]]:
        """Each group's first key with its numbered rows, or with what is wrong with it."""
        if self.joined:
            self.db.executemany("INSERT INTO joined VALUES (?, ?)", ((group, self._root(group)) for group in list(self.joined)))
            self.db.execute(
                "UPDATE kept SET grouped = (SELECT into_group FROM joined WHERE joined.grouped = kept.grouped) "
                "WHERE grouped IN (SELECT grouped FROM joined)"
            )
        self.db.execute("CREATE INDEX by_group ON kept (grouped, number)")
        rows = self.db.execute("SELECT grouped, number, fault, content FROM kept ORDER BY grouped, number")
        for group, members in groupby(rows, key=lambda row: row[0]):
            key = self.db.execute("SELECT key FROM begun WHERE grouped = ?", (group,)).fetchone()
            yield key[0] if key else "", _within_limits(members)


def _within_limits(members: Iterator[tuple[int, int, int, str | bytes]]) -> list[tuple[int, str]] | Fault:
    taken: list[tuple[int, str]] = []
    size = 0
    for _, number, fault, content in members:
        text = zlib.decompress(content).decode() if isinstance(content, bytes) else content
        if fault:
            return Fault(number, text)
        size += len(text)
        if len(taken) == MOST_ROWS:
            return Fault(taken[0][0], f"more than {MOST_ROWS:,} messages in one conversation")
        taken.append((number, text))
        if size > MOST_BYTES:
            return Fault(taken[0][0], f"longer than {MOST_BYTES // 1_000_000} MB")
    return taken


@contextmanager
def opened() -> Iterator[Spool]:
    """A spool for the time of one reading. Its file has no name any more once it is open, so that nothing is left of it, even by a kill."""
    path = config.folder("uploads") / f"{new_id()}.spool"
    db = sqlite_module().connect(str(path), check_same_thread=False)
    try:
        db.isolation_level = None
        db.executescript(TABLES)
        db.execute("BEGIN")
        with suppress(OSError):  # Windows keeps an open file's name
            path.unlink()
        yield Spool(db)
    finally:
        db.close()
        path.unlink(missing_ok=True)
