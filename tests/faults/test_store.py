"""What was acknowledged is kept: when a process is killed, the power goes, the disk is full, others hold the database, or two decide
at once.
"""

import os
import random
import re
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlmodel import col, select

from classifiers import labels
from data import approvals, audit, config, examples, people, store
from data.errors import Busy, Refused
from data.intake import door
from data.tables import Approval, AuditEntry, Example, Label, Person, Proposal, Task, Team
from data.values import new_id
from evals import sets
from tests.conftest import SOAK, Staff
from tests.conversations import canonical
from tests.test_data_migrate import fork
from tests.test_data_store import add, at_once, held_elsewhere, teams

ACKS = 10_000 if SOAK else 300
CUTS = 1_000 if SOAK else 30
ROUNDS = 500 if SOAK else 20
PATIENCE = 60.0  # seconds until two that wait for each other are a failure
Child = Callable[..., None]


def begin(act: Child, *arguments: Any) -> tuple[BaseProcess, Connection]:
    """Another process on the same portal; what it says comes out of the connection."""
    reader, writer = fork.Pipe(duplex=False)
    home, url = str(config.settings().home), config.settings().database_url
    child = fork.Process(target=_be_a_child, args=(home, url, act, writer, *arguments), daemon=True)
    child.start()
    writer.close()
    return child, reader


def _be_a_child(home: str, url: str, act: Child, *arguments: Any) -> None:
    os.environ |= {"PORTAL_HOME": home, "PORTAL_DATABASE_URL": url}
    config.reset()
    act(*arguments)


def said_until_it_ended(reader: Connection) -> list[str]:
    told = []
    with suppress(EOFError, OSError):
        while True:
            told.append(reader.recv_bytes().decode())
    reader.close()
    return told


def kill(child: BaseProcess) -> None:
    child.kill()  # SIGKILL
    child.join()


# -- kill -9 ------------------------------------------------------------------------------------------------------------------------------


def flag_label_and_approve(told: Connection, conversation_id: str) -> None:
    """Without end; each id is told once the verb has returned."""
    staff = {person.name: person for person in people.everybody(by=people.console())}

    def say(noun: str, row_id: str) -> None:
        told.send_bytes(f"{noun} {row_id}".encode())

    while True:
        name = new_id()
        label = labels.add(name, by=staff["Leo"])
        say("label", label.id)
        eval_set = sets.create(name, by=staff["Leo"])
        example = examples.flag(conversation_id, "strong", why="Clear.", eval_set_id=eval_set.id, label_id=label.id, by=staff["Leo"])
        say("example", example.id)
        proposal = propose(staff["Rita"], name)
        say("proposal", proposal.id)
        approvals.approve(proposal.id, by=staff["Leo"])
        say("approval", proposal.id)


def propose(by: Person, name: str) -> Proposal:
    with store.writing() as db:
        return approvals.propose(db, "ship_classifier", name, {"name": name}, why="Better.", evidence={}, authors=[], by=by)


def kept() -> dict[str, set[str]]:
    with store.reading() as db:
        return {
            "label": set(db.exec(select(Label.id))),
            "example": set(db.exec(select(Example.id))),
            "proposal": set(db.exec(select(Proposal.id))),
            "approval": set(db.exec(select(Approval.proposal_id))),
        }


ACTS = {
    "label": ("added", "label"), "example": ("flagged", "example"), "proposal": ("proposed", "proposal"),
    "approval": ("approved", "proposal"),
}  # fmt: skip


def half_written() -> list[str]:
    """Rows without the other rows of the same act, and the other way round."""
    rows = kept()
    with store.reading() as db:
        recorded = db.exec(select(AuditEntry.verb, AuditEntry.noun, AuditEntry.noun_id)).all()
        decided = set(db.exec(select(Proposal.id).where(Proposal.state == "approved")))
        to_do = {str(key).removeprefix("carry out ") for key in db.exec(select(Task.dedup_key))}
    told = {noun: {row_id for *act, row_id in recorded if tuple(act) == ACTS[noun]} for noun in ACTS}
    wrong = [f"{noun}: {len(rows[noun] ^ told[noun])} not in both" for noun in ACTS if rows[noun] != told[noun]]
    return wrong + ([] if rows["approval"] == decided == to_do else ["approvals, states and tasks differ"])


def test_nothing_acknowledged_is_lost_or_half_written_when_the_process_is_killed(staff: Staff) -> None:
    conversation_id = door.receive([canonical(1, team="Oak")], by=people.console(), classify=False).ids[0]
    acknowledged: list[str] = []
    kills = 0
    while len(acknowledged) < ACKS:
        child, reader = begin(flag_label_and_approve, conversation_id)
        acknowledged += [reader.recv_bytes().decode() for _ in range(60)]
        time.sleep(random.random() / 50)
        kill(child)
        acknowledged += said_until_it_ended(reader)
        kills += 1
    rows = kept()
    assert [told for told in acknowledged if told.split(" ")[1] not in rows[told.split(" ")[0]]] == []
    assert half_written() == []
    assert audit.broken() is None
    assert kills > 3


def tell_before_the_commit(told: Connection) -> None:
    while True:
        with store.writing() as db:
            for _ in range(1000):
                team = Team(name=new_id())
                db.add(team)
                db.flush()
                told.send_bytes(team.name.encode())


def test_what_is_told_before_the_commit_gets_lost(home: Path) -> None:
    """The control: the same kill, and each name told inside the transaction."""
    child, reader = begin(tell_before_the_commit)
    told = [reader.recv_bytes().decode() for _ in range(5)]
    kill(child)
    assert set(told) - teams() == set(told)
    said_until_it_ended(reader)


# -- the power goes -----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def logged(sqlite_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A copy of the database and of its log as they are on the disk, and what was written, in its order."""
    with store.engine().connect() as connection:  # while it is open, the log stays
        names = [f"team {number}" for number in range(60)]
        for name in names:
            people.add_team(name, by=people.console())
        copy = tmp_path_factory.mktemp("disk")
        for file in ("portal.db", "portal.db-wal"):
            shutil.copy(sqlite_home / file, copy)
        connection.rollback()
    return copy, names


def found_after(copy: Path, broken_log: bytes) -> tuple[str, list[str], int]:
    """What SQLite says of the file, the teams in it, and how many entries the record has, once the power is back."""
    with_log = copy / "after.db"
    shutil.copy(copy / "portal.db", with_log)
    (copy / "after.db-wal").write_bytes(broken_log)
    (copy / "after.db-shm").unlink(missing_ok=True)
    db = store.sqlite_module().connect(str(with_log))
    try:
        names = [name for (name,) in db.execute("SELECT name FROM team ORDER BY id")]
        return db.execute("PRAGMA integrity_check").fetchone()[0], names, db.execute("SELECT count(*) FROM audit_entry").fetchone()[0]
    finally:
        db.close()


def test_of_a_log_that_is_cut_or_garbled_a_clean_prefix_survives(logged: tuple[Path, list[str]]) -> None:
    copy, names = logged
    whole = (copy / "portal.db-wal").read_bytes()
    rng, lengths = random.Random(), set()
    for number in range(CUTS):
        at = rng.randrange(len(whole))
        log = whole[:at] if number % 2 else whole[:at] + rng.randbytes(rng.randrange(1, 5000)) + whole[at + 5000 :]
        verdict, found, entries = found_after(copy, log)
        assert (verdict, found, entries) == ("ok", names[: len(found)], len(found))
        lengths.add(len(found))
    assert len(lengths) > 10  # of 61 possible: they were cut at many places
    assert found_after(copy, whole) == ("ok", names, len(names))


def test_damage_to_the_main_file_is_noticed(logged: tuple[Path, list[str]]) -> None:
    """The control: no checksums stand guard there, and the look for damage sees it."""
    copy, _ = logged
    found_after(copy, (copy / "portal.db-wal").read_bytes())  # closed: the log is in the file now
    whole = (copy / "after.db").read_bytes()
    noticed = 0
    for page in random.Random().sample(range(1, len(whole) // 4096), 10):
        (copy / "after.db").write_bytes(whole[: page * 4096] + random.randbytes(4096) + whole[(page + 1) * 4096 :])
        db = store.sqlite_module().connect(str(copy / "after.db"))
        try:
            noticed += db.execute("PRAGMA integrity_check").fetchone()[0] != "ok"
        except store.sqlite_module().DatabaseError:
            noticed += 1
        finally:
            db.close()
    assert noticed == 10


def test_a_commit_is_on_the_disk_before_it_is_acknowledged(home: Path, postgres: str) -> None:
    with store.engine().connect() as connection:
        told = connection.execute(text("PRAGMA synchronous" if store.is_sqlite() else "SHOW synchronous_commit")).scalar()
    assert told == (2 if store.is_sqlite() else "on")


# -- the disk is full ---------------------------------------------------------------------------------------------------------------------


def fill_the_disk(told: Connection, careless: bool) -> None:
    """Writes until nothing goes any more, reads, is given room and writes again; says what came of each."""
    console = people.console()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
    for number in range(2_000):
        try:
            with store.writing():
                name = people.add_team(f"{number} {'x' * 20_000}", by=console).name
                if careless:
                    told.send_bytes(f"kept {name}".encode())
        except Refused as refused:
            told.send_bytes(f"refused {refused}".encode())
            break
        if not careless:
            told.send_bytes(f"kept {name}".encode())
    told.send_bytes(f"read {len(teams())}".encode())
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    people.add_team("after", by=console)
    told.send_bytes(b"kept after")


def filled(careless: bool = False) -> dict[str, list[str]]:
    child, reader = begin(fill_the_disk, careless)
    told: dict[str, list[str]] = {}
    for line in said_until_it_ended(reader):
        told.setdefault(line.split(" ", 1)[0], []).append(line.split(" ", 1)[1])
    child.join()
    return told


def test_a_full_disk_is_said_in_words_and_takes_nothing_that_was_saved(sqlite_home: Path) -> None:
    told = filled()
    assert told["refused"][0].startswith("Nothing was saved: the disk ")
    assert told["refused"][0].endswith("What you entered is still here; try again.")
    assert told["read"] == [str(len(told["kept"]) - 1)]  # reading went on
    assert told["kept"][-1] == "after"  # and so did writing, in the same process, once there was room
    assert teams() == set(told["kept"])
    assert len(told["kept"]) > 10
    assert audit.broken() is None
    with store.engine().connect() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def test_what_was_told_before_the_commit_is_lost_on_a_full_disk(sqlite_home: Path) -> None:
    """The control: one more was told than is there."""
    told = filled(careless=True)
    assert len(set(told["kept"]) - teams()) == 1


def test_a_full_disk_of_postgres_is_said_in_the_same_words(home: Path) -> None:
    """Its own error, raised by it; whoever writes goes on afterwards."""
    if store.is_sqlite():
        pytest.skip("SQLite's disk is filled in another test.")
    words = r"^Nothing was saved: the disk is full\. Whoever runs the portal has to make room\. What you entered is still here"
    with pytest.raises(Busy, match=words), store.writing() as db:
        db.add(Team(name="Oak"))
        db.flush()
        db.connection().execute(text("DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"))
    assert teams() == set()
    add("Oak")
    assert teams() == {"Oak"}


# -- others hold the database -------------------------------------------------------------------------------------------------------------

HOLD = """
import sys, time, sqlite3, psycopg
url, seconds = sys.argv[1], float(sys.argv[2])
held = psycopg.connect(url) if "://" in url else sqlite3.connect(url, isolation_level=None)
held.execute("SELECT pg_advisory_xact_lock(hashtext('portal audit'))" if "://" in url else "BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(seconds)
held.rollback()
"""


def hold(seconds: float) -> subprocess.Popen[str]:
    where = config.settings().database_url or str(config.settings().home / "portal.db")
    holder = subprocess.Popen([sys.executable, "-c", HOLD, where, str(seconds)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_who_writes_while_another_process_holds_the_database_waits_and_succeeds(home: Path) -> None:
    store.engine().dispose()
    console, names = people.console(), {f"team {number}" for number in range(4)}
    with hold(1.0) as holder:
        assert at_once(*(lambda name=name: people.add_team(name, by=console).name for name in sorted(names))) == sorted(names)
        assert holder.wait() == 0
    assert teams() == names
    assert audit.broken() is None


def test_who_has_waited_too_long_is_told_that_nothing_was_saved_and_that_is_so(home: Path) -> None:
    console = people.console()
    add("before")
    with held_elsewhere(home):
        refused = at_once(*(lambda name=name: people.add_team(name, by=console) for name in ("one", "two")))
        assert [type(one) for one in refused] == [Busy, Busy]
        assert all("Nothing was saved: the database was busy" in str(one) for one in refused)
    assert teams() == {"before"}
    people.add_team("one", by=console)
    assert teams() == {"before", "one"}
    assert audit.broken() is None


@pytest.mark.skipif(not SOAK, reason="waits for seconds")
def test_the_patience_of_five_seconds_is_kept(home: Path) -> None:
    store.engine().dispose()
    with hold(8.0) as holder:
        with pytest.raises(Busy, match="busy for five seconds"):
            people.add_team("one", by=people.console())
        people.add_team("one", by=people.console())  # the rest of the eight seconds is within its patience
        assert holder.wait() == 0
    assert teams() == {"one"}


def test_two_writers_who_wait_for_each_other_are_told_so_and_one_goes_on(home: Path) -> None:
    """PostgreSQL ends one of two transactions that want each other's row; SQLite has one writer at a time."""
    if store.is_sqlite():
        pytest.skip("SQLite has one writer at a time.")
    for name in ("one", "two"):
        add(name)
    barrier = threading.Barrier(2)

    def rename(first: str, second: str) -> None:
        with store.writing() as db:
            db.execute(update(Team).where(col(Team.name) == first).values(by_person_id=first))
            barrier.wait()
            db.execute(update(Team).where(col(Team.name) == second).values(by_person_id=first))

    done = at_once(lambda: rename("one", "two"), lambda: rename("two", "one"))
    assert sorted(type(one) for one in done if one) == [Busy]
    with store.reading() as db:
        assert len(set(db.exec(select(Team.by_person_id)))) == 1


def test_processes_that_open_a_new_file_at_once_all_open_it(tmp_path: Path) -> None:
    def write(number: int) -> str:
        engine = store._make_engine(f"sqlite:///{tmp_path / f'{number}.db'}")
        with engine.execution_options(writes=True).begin() as connection:
            connection.execute(text("CREATE TABLE IF NOT EXISTS thing (id INTEGER)"))
            mode = str(connection.execute(text("PRAGMA journal_mode")).scalar())
        engine.dispose()
        return mode

    for number in range(100 if SOAK else 15):
        assert at_once(*[partial(write, number)] * 8) == ["wal"] * 8


# -- two leads at once --------------------------------------------------------------------------------------------------------------------


def decide(told: Connection, barrier: Any, ids: list[str], name: str) -> None:
    """Approves each, and carries out what is approved, at the same moment as the other does."""
    me = next(person for person in people.everybody(by=people.console()) if person.name == name)
    for proposal_id in ids:
        barrier.wait(PATIENCE)
        answer = attempt(approve, proposal_id, me)
        told.send_bytes(f"approve|{proposal_id}|{answer}".encode())
        barrier.wait(PATIENCE)
        answer = attempt(carry_out, proposal_id, me)
        told.send_bytes(f"carry out|{proposal_id}|{answer}".encode())


def attempt(act: Callable[[str, Person], str], proposal_id: str, by: Person) -> str:
    try:
        return act(proposal_id, by)
    except Refused as refused:
        return str(refused)


def approve(proposal_id: str, by: Person) -> str:
    return approvals.approve(proposal_id, by=by).state


def carry_out(proposal_id: str, by: Person) -> str:
    with store.writing() as db:
        approvals.begin_execution(db, proposal_id, "ship_classifier")
        db.add(Team(name=f"{proposal_id} carried out by {by.name}"))
    return "done"


def decide_naively(told: Connection, barrier: Any, ids: list[str], name: str) -> None:
    """Looks whether it is open, and then writes."""
    for proposal_id in ids:
        with store.reading() as db:
            state = db.get_one(Proposal, proposal_id).state
        barrier.wait(PATIENCE)
        if state == "open":
            with store.writing() as db:
                db.execute(update(Proposal).where(col(Proposal.id) == proposal_id).values(state="done"))
                db.add(Team(name=f"{proposal_id} carried out by {name}"))
        barrier.wait(PATIENCE)


def two_at_once(act: Child, ids: list[str]) -> list[list[str]]:
    barrier = fork.Barrier(2)
    both = [begin(act, barrier, ids, name) for name in ("Leo", "Olga")]
    said: list[list[str]] = at_once(*(partial(said_until_it_ended, reader) for _, reader in both))  # one whose pipe is full waits
    for child, _ in both:
        child.join()
        assert child.exitcode == 0
    return said


def effects() -> Counter[str]:
    return Counter(name.split(" ")[0] for name in teams() if " carried out by " in name)


def test_of_two_leads_who_approve_at_once_one_is_told_by_whom_and_it_is_carried_out_once(staff: Staff) -> None:
    ids = [propose(staff.rep, f"version {number}").id for number in range(ROUNDS)]
    said = two_at_once(decide, ids)
    assert effects() == Counter(ids)
    answers: dict[tuple[str, ...], list[str]] = {}
    for line in (line for lines in said for line in lines):
        act, proposal_id, answer = line.split("|")
        answers.setdefault((act, proposal_id), []).append(answer)
    for proposal_id in ids:
        first, second = sorted(answers["approve", proposal_id], key=lambda answer: answer != "approved")
        winner = approver(proposal_id)
        assert first == "approved"
        assert second.startswith("Nothing was decided: 'version ")
        assert second.endswith(f"' is already approved by {winner}.")
        once = sorted(answers["carry out", proposal_id], key=lambda answer: answer != "done")
        assert once[0] == "done"
        assert re.search(r"is (already )?done", once[1])
    assert audit.broken() is None


def approver(proposal_id: str) -> str:
    with store.reading() as db:
        return people.names()[db.exec(select(Approval.approver_id).where(Approval.proposal_id == proposal_id)).one()]


def test_who_looks_first_and_then_writes_carries_out_twice(staff: Staff) -> None:
    """The control."""
    ids = [propose(staff.rep, f"version {number}").id for number in range(10)]
    two_at_once(decide_naively, ids)
    assert effects() == Counter(ids * 2)
