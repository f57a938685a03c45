"""What many tests begin with is made once in a test process; the next test that stands at the same place gets its rows and files back."""

import os
import pickle
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import psycopg
import pytest
from sqlalchemy import text

from data import config, store
from data.tables import metadata

AGE = 240.0  # seconds: a world is young, as if it had just been made
MOST = 60  # worlds of some megabytes
Place = tuple[Any, ...]
P = ParamSpec("P")
Made = TypeVar("Made")


@dataclass(frozen=True)
class World:
    """Everything that a portal is, and what its maker returned."""

    returned: bytes
    files: dict[str, tuple[bytes, int]]  # by their paths in the home, with their modes; the whole database of SQLite is one
    rows: dict[str, bytes]  # of PostgreSQL, by table
    made_at: float = field(default_factory=time.monotonic)

    @property
    def is_young(self) -> bool:
        return time.monotonic() - self.made_at < AGE


_kept: dict[Place, World] = {}


def remembered(make: Callable[P, Made]) -> Callable[P, Made]:
    """Whoever asks for the same at the same place gets the same world: equal to the last row, and its own to change."""

    @wraps(make)
    def made(*args: P.args, **kwargs: P.kwargs) -> Made:
        asked = repr((args, kwargs, patched()))
        if store._session.get() is not None or " at 0x" in asked:  # inside somebody's transaction; of something that cannot be named
            return make(*args, **kwargs)
        return _again((make.__module__, make.__qualname__, asked, *standing()), lambda: make(*args, **kwargs))

    return made


def begun(make: Callable[[], Made]) -> Made:
    """The same in a portal that was made a moment ago: that it is empty need not be looked up."""
    return _again((make.__module__, make.__qualname__, store.is_sqlite(), *told()), make, in_empty=True)


def _again(place: Place, make: Callable[[], Made], *, in_empty: bool = False) -> Made:
    world = _kept.pop(place, None)
    if world is not None and world.is_young:
        _kept[place] = world  # the last used is the last
        put_back(world, in_empty=in_empty)
        again: Made = pickle.loads(world.returned)  # noqa: S301 (we wrote it)
        return again
    for old in list(_kept)[: 1 - MOST]:
        del _kept[old]
    returned = make()
    _kept[place] = keep(returned)
    return returned


def standing() -> Place:
    """Where this portal stands: every row of it, its files, and what it is told."""
    counted = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM \"{table}\"" for table in metadata.tables)
    with store.reading() as db:
        filled = sorted(str(table) for table, count in db.connection().execute(text(counted)) if count)
        rows = tuple(
            (table, zlib.crc32(repr(db.connection().execute(text(f'SELECT * FROM "{table}"')).all()).encode())) for table in filled
        )
    files = tuple(sorted((str(path.relative_to(home())), zlib.crc32(path.read_bytes())) for path in _files()))
    return store.is_sqlite(), rows, files, *told()


_watched: list[pytest.MonkeyPatch] = []


def watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the test that runs now."""
    _watched[:] = [monkeypatch]


def patched() -> list[tuple[str, str, str]]:
    """What the test put in the place of something, and what stands there: a world that was made under another is another."""
    return [
        (getattr(target, "__name__", repr(target)), name, repr(getattr(target, name, None)))
        for one in _watched
        for target, name, _ in one._setattr
    ]


def told() -> Place:
    """By the environment."""
    return tuple(sorted(pair for pair in os.environ.items() if pair[0].startswith(("PORTAL_", "OPENAI_")) and pair[0] != "PORTAL_HOME"))


def home() -> Path:
    return config.settings().home


def _files() -> list[Path]:
    """All but the database's own."""
    return [path for path in home().rglob("*") if path.is_file() and not path.name.startswith("portal.db")]


def keep(returned: object) -> World:
    if not store.is_sqlite():
        db = connection(config.settings().url)
        rows = {str(table): _copied_out(db, str(table)) for table in metadata.tables}
        return World(pickle.dumps(returned), _contents(_files()), {table: copied for table, copied in rows.items() if copied})
    store.close()  # with that SQLite writes all into the one file
    return World(pickle.dumps(returned), _contents([*_files(), home() / "portal.db"]), {})


def _contents(paths: list[Path]) -> dict[str, tuple[bytes, int]]:
    return {str(path.relative_to(home())): (path.read_bytes(), path.stat().st_mode) for path in paths}


def _copied_out(db: psycopg.Connection[Any], table: str) -> bytes:
    with db.cursor().copy(f'COPY "{table}" TO STDOUT') as copy:
        return b"".join(bytes(part) for part in copy)


def put_back(world: World, *, in_empty: bool) -> None:
    if store.is_sqlite():
        store.close()
    else:
        db = connection(config.settings().url)
        if not in_empty:
            empty(db)
        for table, rows in world.rows.items():
            with db.cursor().copy(f'COPY "{table}" FROM STDIN') as copy:
                copy.write(rows)
    for name, (content, mode) in world.files.items():
        path = home() / name
        if not path.parent.exists():
            config.folder(str(path.parent.relative_to(home())))
        path.write_bytes(content)
        path.chmod(mode)


# -- a connection past the portal: it stays open, for a new one reads the catalogue of all tables before it deletes ---------------------

_connections: dict[str, psycopg.Connection[Any]] = {}


def connection(url: str) -> psycopg.Connection[Any]:
    """In the role of a replica: what it writes was checked when it was written first."""
    if url not in _connections:
        _connections[url] = psycopg.connect(url, autocommit=True, options="-c lock_timeout=2000 -c session_replication_role=replica")
    return _connections[url]


def empty(db: psycopg.Connection[Any]) -> None:
    db.execute("; ".join(f'DELETE FROM "{table}"' for table in metadata.tables))


def hang_up(url: str) -> None:
    _connections.pop(url).close()


def hang_up_all() -> None:
    while _connections:
        _connections.popitem()[1].close()
