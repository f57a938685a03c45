"""A backup made while others write restores equal up to its point, a damaged one changes nothing, and a kill leaves all or nothing."""

import random
import time
from contextlib import suppress
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from sqlalchemy import event, update
from sqlmodel import col, select

from data import audit, backups, config, people, store
from data.errors import Refused
from data.tables import AuditEntry, Team
from data.values import new_id
from tests.conftest import SOAK
from tests.faults.test_store import begin, kill, said_until_it_ended
from tests.test_data_store import teams

TIMES = 20 if SOAK else 3
FLIPS = 200 if SOAK else 20
KILLS = 20 if SOAK else 4
CONSOLE = people.console()


def write_on(told: Connection) -> None:
    """Without end; each name is told once it is kept, and what was refused is told too."""
    while True:
        name = new_id()
        try:
            people.add_team(name, by=CONSOLE)
            told.send_bytes(name.encode())
        except Refused as refused:
            told.send_bytes(f"refused: {refused}".encode())
        time.sleep(0.002)


def recorded() -> list[tuple[int, str]]:
    with store.reading() as db:
        return list(db.exec(select(AuditEntry.number, AuditEntry.sha).order_by(col(AuditEntry.number))))


def read(reader: Connection, most: int) -> list[str]:
    return [reader.recv_bytes().decode() for _ in range(most)]


def waiting(reader: Connection) -> list[str]:
    """What was told up to now."""
    told = []
    while reader.poll():
        told += read(reader, 1)
    return told


def test_a_backup_made_while_others_write_restores_equal_up_to_its_point_and_they_go_on(home: Path) -> None:
    for _ in range(TIMES):
        child, reader = begin(write_on)
        before = read(reader, 10)
        before += waiting(reader)
        made = backups.make(by=CONSOLE)
        after = waiting(reader) + read(reader, 5)
        was = recorded()
        backups.restore(made.path, by=CONSOLE)  # the other process goes on with the connections that it has
        waiting(reader)
        later = read(reader, 20)[10:]  # the first ones may have been on their way
        kill(child)
        later += said_until_it_ended(reader)
        number, sha = made.manifest["head"]
        now_there = recorded()
        assert now_there[:number] == was[:number]
        assert now_there[number - 1] == (number, sha)
        assert set(before) <= teams()
        assert set(later) <= teams()
        assert len(set(after) - teams()) >= 5  # what was written after the backup was given up
        assert audit.broken() is None


def test_a_backup_of_a_busy_database_comes_to_an_end(sqlite_home: Path) -> None:
    """One state is read in one step: in small steps each write of another process would begin it anew."""
    with store.writing() as db:
        db.add_all(Team(name=f"{number} {'x' * 50_000}") for number in range(200))
    child, reader = begin(write_on)
    read(reader, 5)
    made = backups.make(by=CONSOLE)
    assert made.manifest["rows"]["team"] >= 205
    assert begun_anew(sqlite_home) > 0  # the control
    kill(child)
    said_until_it_ended(reader)


def begun_anew(home: Path) -> int:
    """How often a copy in small steps went back to its beginning."""
    left: list[int] = []
    module = store.sqlite_module()
    source, target = module.connect(str(home / "portal.db")), module.connect(":memory:")

    def look(_status: int, remaining: int, _pages: int) -> None:
        left.append(remaining)
        time.sleep(0.01)
        if len(left) > 100:
            raise InterruptedError

    with suppress(InterruptedError):
        source.backup(target, pages=64, progress=look)
    source.close()
    target.close()
    return sum(later >= earlier for earlier, later in pairwise(left))


def test_a_byte_changed_anywhere_in_a_backup_changes_nothing_here(home: Path) -> None:
    people.add_team("Oak", by=CONSOLE)
    made = backups.make(by=CONSOLE)
    people.add_team("Fern", by=CONSOLE)
    whole, before = made.path.read_bytes(), recorded()
    refused = 0
    for number in range(FLIPS):
        at = random.randrange(len(whole))
        changed = whole[:at] + bytes([whole[at] ^ random.randrange(1, 256)]) + whole[at + 1 :]
        made.path.write_bytes(whole[:at] if number % 4 == 0 else changed)
        try:
            assert "is whole" in backups.verify(made.path)  # a byte that says nothing, such as a file's date
        except Refused as words:
            assert str(words).startswith("Not restored: ")
            refused += 1
    assert refused > FLIPS / 2
    assert recorded() == before
    made.path.write_bytes(whole)
    backups.restore(made.path, by=CONSOLE)  # the control: as it was made it is restored
    assert teams() == {"Oak"}


def restore_and_tell(told: Connection, path: str) -> None:
    """Says when the swap begins and when it is done."""
    if not store.is_sqlite():
        event.listen(store.engine(), "before_cursor_execute", lambda *seen: "RENAME" in seen[2] and told.send_bytes(b"begins"))
    with backups._staged(Path(path)) as stage:
        told.send_bytes(b"begins")
        stage.swap(CONSOLE, "on the console")
    told.send_bytes(b"done")


def test_a_restore_that_is_killed_leaves_all_or_nothing_and_the_next_completes_it(home: Path) -> None:
    with store.writing() as db:
        db.add_all(Team(name=f"then {number}") for number in range(200))
    made = backups.make(by=CONSOLE)
    seen = set()
    for number in range(KILLS):
        people.add_team(f"since {number}", by=CONSOLE)
        before, entries = teams(), recorded()
        child, reader = begin(restore_and_tell, str(made.path))
        reader.recv_bytes()
        time.sleep(random.random() * 0.1 * (number % 3))
        store.close()
        kill(child)
        said_until_it_ended(reader)
        all_of_it = len(teams()) == 200 and recorded()[:-1] == entries[: made.manifest["head"][0]]
        assert all_of_it or (teams(), recorded()) == (before, entries)
        assert audit.broken() is None
        seen.add(all_of_it)
        if not all_of_it:
            backups.restore(made.path, by=CONSOLE)
        assert len(teams()) == 200
        assert audit.broken() is None
    assert False in seen


def test_files_copied_one_over_the_other_leave_a_half(sqlite_home: Path) -> None:
    """The control of the swap: a copy of the file that stops in the middle."""
    with store.writing() as db:
        db.add_all(Team(name=f"{number} {'x' * 500}") for number in range(500))
    made = backups.make(by=CONSOLE)
    with store.writing() as db:
        db.execute(update(Team).values(name="since " + col(Team.name)))
    here = config.settings().home / "portal.db"
    with backups._staged(made.path) as stage:
        there = (stage.folder / "portal.db").read_bytes()
    store.close()
    whole = here.read_bytes()
    here.write_bytes(there[: len(there) // 2] + whole[len(there) // 2 :])
    db = store.sqlite_module().connect(str(here))
    with pytest.raises((AssertionError, store.sqlite_module().DatabaseError)):
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    db.close()
