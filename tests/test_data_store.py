"""The store: what a connection is set to, what a verb inside a verb means, and that writers wait for each other."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlmodel import Session, col, func, select

from data import audit, config, people, store
from data.errors import Busy, Misuse, Refused
from data.tables import AuditEntry, Message, Team
from data.values import new_id
from tests.conftest import SOAK, Staff, let_go, point_at

THREADS = 200 if SOAK else 50


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Each act in a thread of its own, all let go in the same moment. What was refused comes back as the refusal."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return act()
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def teams() -> set[str]:
    return set(people.teams().values())


def add(name: str) -> None:
    with store.writing() as db:
        db.add(Team(name=name))


@pytest.fixture
def empty_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """For what only SQLite has: an empty database file."""
    point_at(tmp_path, "", monkeypatch)
    yield tmp_path
    let_go()


def test_a_connection_to_sqlite_is_durable_and_checks_references(empty_sqlite: Path) -> None:
    with store.engine().connect() as connection:
        asked = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("synchronous", "journal_mode", "foreign_keys", "busy_timeout")
        }
    assert asked == {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 5000}


def test_every_connection_of_the_pool_is_set_so(empty_sqlite: Path) -> None:
    connections = [store.engine().connect() for _ in range(20)]
    asked = [(c.execute(text("PRAGMA synchronous")).scalar(), c.execute(text("PRAGMA foreign_keys")).scalar()) for c in connections]
    for connection in connections:
        connection.close()
    assert asked == [(2, 1)] * 20


def test_this_sqlite_has_not_the_bug_that_loses_the_log() -> None:
    """Fixed in 3.51.3; where we ship no build, `portal doctor` says which one it is."""
    module = store.sqlite_module()
    assert module is sqlite3 or module.sqlite_version_info >= (3, 51, 3)


def test_a_reference_to_nothing_is_refused(home: Path) -> None:
    with pytest.raises(IntegrityError), store.writing() as db:
        db.add(Message(conversation_id="of nobody", seq=1, role="customer", text=""))


def test_what_a_verb_wrote_is_kept_once_it_ends(home: Path) -> None:
    add("Oak")
    assert teams() == {"Oak"}


def test_nothing_is_kept_of_a_verb_that_fails(home: Path) -> None:
    with pytest.raises(Refused, match="no"), store.writing() as db:
        db.add(Team(name="Oak"))
        db.flush()
        raise Refused("no")
    assert teams() == set()


def test_a_verb_within_a_verb_is_kept_or_dropped_with_it(home: Path) -> None:
    with store.writing():
        add("Oak")
    with pytest.raises(Refused), store.writing():
        add("Fern")
        raise Refused("no")
    assert teams() == {"Oak"}


def test_an_inner_verb_that_fails_takes_only_itself_along(home: Path) -> None:
    with store.writing() as db:
        db.add(Team(name="Oak"))
        with pytest.raises(Refused), store.writing():
            add("Fern")
            raise Refused("no")
        add("Elm")
    assert teams() == {"Oak", "Elm"}


def test_verbs_three_deep_are_undone_one_by_one(home: Path) -> None:
    with store.writing():
        add("One")
        with store.writing():
            add("Two")
            with pytest.raises(Refused), store.writing():
                add("Three")
                raise Refused("no")
        assert teams() == {"One", "Two"}
    assert teams() == {"One", "Two"}


def test_the_record_stays_without_a_gap_when_an_inner_verb_is_undone(home: Path) -> None:
    console = people.console()
    with store.writing():
        people.add_team("Oak", by=console)
        with pytest.raises(Refused), store.writing():
            people.add_team("Fern", by=console)
            raise Refused("no")
        people.add_team("Elm", by=console)
    assert [entry.number for entry in audit.newest(by=console)] == [2, 1]
    assert audit.first_broken() is None


def test_a_reader_inside_a_writer_sees_what_was_just_written(home: Path) -> None:
    with store.writing() as db:
        db.add(Team(name="Oak"))
        with store.reading() as reader:
            assert reader is db
            assert reader.exec(select(Team.name)).all() == ["Oak"]


def test_a_reader_does_not_see_what_another_has_not_committed(home: Path) -> None:
    with store.writing() as db, ThreadPoolExecutor(1) as pool:
        db.add(Team(name="Oak"))
        db.flush()
        assert pool.submit(teams).result() == set()
    assert teams() == {"Oak"}


def test_threads_that_come_first_together_share_one_engine(home: Path) -> None:
    store.close()
    patience = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns as often as they can
    try:
        assert len({id(engine) for engine in at_once(*[store.engine] * THREADS)}) == 1
    finally:
        sys.setswitchinterval(patience)


def test_a_writer_that_failed_is_not_joined_by_the_next(home: Path) -> None:
    with pytest.raises(ZeroDivisionError), store.writing():
        _ = 1 / 0
    add("Oak")
    assert teams() == {"Oak"}


def test_writers_that_read_first_wait_for_each_other_and_none_fails(home: Path) -> None:
    console = people.console()

    def write(name: str) -> None:
        with store.writing() as db:
            audit.record(db, console, "counted", "team", name, f"{name} read the last number and wrote the next.")

    done = at_once(*(lambda name=str(place): write(name) for place in range(THREADS)))
    assert done == [None] * THREADS
    with store.reading() as db:
        assert db.exec(select(AuditEntry.number).order_by(col(AuditEntry.number))).all() == list(range(1, THREADS + 1))
    assert audit.first_broken() is None


def test_without_begin_immediate_such_a_writer_fails_at_once(staff: Staff) -> None:
    """The control: the same two steps in plain transactions."""
    if not store.is_sqlite():
        pytest.skip("PostgreSQL has no such upgrade of a lock.")
    with Session(store.engine()) as first, Session(store.engine()) as second:
        for db in (first, second):
            db.exec(select(func.count()).select_from(Team)).one()
        second.add(Team(name="second"))
        second.commit()
        first.add(Team(name="first"))
        with pytest.raises(OperationalError, match="database is locked"):
            first.commit()


HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_writer_is_told_in_a_sentence_when_another_process_holds_the_database(home: Path) -> None:
    with held_elsewhere(home):
        with pytest.raises(Busy, match=r"^Nothing was saved: the database was busy .* What you entered is still here; try again\.$"):
            people.add_team("Oak", by=people.console())
        assert teams() == set()  # readers go on meanwhile
    people.add_team("Oak", by=people.console())
    assert teams() == {"Oak"}


@contextmanager
def held_elsewhere(home: Path) -> Iterator[None]:
    """Another process has the write lock, and this process's patience is cut to a quarter of a second."""
    store.engine().dispose()
    if store.is_sqlite():
        event.listen(store.engine(), "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 250"))
        command = [sys.executable, "-c", HOLD, str(home / "portal.db")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            yield
            other.communicate("")
        return
    event.listen(store.engine(), "connect", lambda connection, _: connection.execute("SET lock_timeout = 250") and connection.commit())
    with psycopg.connect(config.settings().url) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtext('portal audit'))")
        yield


def test_postgres_too_gives_up_waiting_after_five_seconds(home: Path) -> None:
    if store.is_sqlite():
        pytest.skip("SQLite's patience is busy_timeout, which another test reads.")
    with store.engine().connect() as connection:
        assert connection.execute(text("SHOW lock_timeout")).scalar() == "5s"


def test_one_at_a_time_lets_only_one_writer_go_on(home: Path) -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def enter() -> None:
        nonlocal inside, most
        with store.writing() as db:
            store.one_at_a_time(db, "the door")
            db.exec(select(func.count()).select_from(Team)).one()
            with lock:
                inside, most = inside + 1, max(most, inside + 1)
            db.exec(select(func.count()).select_from(Team)).one()
            with lock:
                inside -= 1

    assert at_once(*[enter] * 16) == [None] * 16
    assert most == 1


def test_a_migrated_database_needs_no_migration(home: Path) -> None:
    assert not store.needs_migration()
    assert store.schema_revision() == store.revisions()[-1]


def test_an_empty_database_needs_a_migration(empty_sqlite: Path) -> None:
    assert store.schema_revision() is None
    assert store.needs_migration()


@pytest.mark.parametrize("url", ["mysql://localhost/portal", "postgresql", "no such thing"])
def test_an_address_that_is_none_is_misuse_in_words(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(tmp_path, url, monkeypatch)
    with pytest.raises(Misuse, match=r"PORTAL_DATABASE_URL cannot be used.* It reads like postgresql://user:password@host/database"):
        store.engine()


def test_a_database_that_does_not_answer_is_misuse_without_the_password(empty_sqlite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(empty_sqlite, f"postgresql://portal:hunter2@/portal?host={empty_sqlite}", monkeypatch)
    with pytest.raises(Misuse, match=r"The database at .* (does not answer|cannot be used)") as told:
        store.needs_migration()
    assert "hunter2" not in str(told.value)
    assert "hunter2" not in store.shown_url()


def test_ids_sort_by_the_order_in_which_they_were_made() -> None:
    made = [new_id() for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == 5000


def test_a_time_without_a_zone_is_refused_and_one_with_a_zone_comes_back_as_utc(home: Path) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    with store.writing() as db:
        db.add(Team(name="Oak", at=noon))
    with store.reading() as db:
        assert db.exec(select(Team.at)).one() == datetime(2026, 1, 1, 10, tzinfo=UTC)
        assert db.exec(select(Team.at)).one().utcoffset() == timedelta(0)
    with pytest.raises(StatementError, match="has no time zone"), store.writing() as db:
        db.add(Team(name="Fern", at=datetime(2026, 1, 1, 12)))
        db.flush()
