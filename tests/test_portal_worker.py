"""The worker as a process of its own: it does what waits, survives kill -9, ends when told to, works beside others, and reads no pickle."""

import base64
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from dbos._serialization import DBOSPortableJSONSerializer, deserialize_args
from sqlalchemy import Engine, create_engine, text
from sqlmodel import col, func, select

from data import audit, config, store, tasks
from data.intake import offers
from data.tables import Conversation, ImportBatch, Message, Person, Task
from portal import jobs, worker
from portal.beat import beat_file
from tests.conftest import SOAK, Staff
from tests.conversations import write_file

LARGE = 3_000  # conversations: an import of some seconds
PATIENCE = 90.0  # seconds; a state that is not there by then will not come


def until(reached: Callable[[], Any], *, within: float = PATIENCE, alive: "Worker | None" = None) -> Any:
    deadline = time.monotonic() + within
    while not (found := reached()):
        assert time.monotonic() < deadline, f"not reached within {within} s; the worker said: {alive.said() if alive else ''}"
        assert alive is None or alive.process.poll() is None, f"the worker ended: {alive.said()}"
        time.sleep(0.02)
    return found


class Worker:
    """`python -m portal worker`, ended by its pid."""

    def __init__(self, home: Path) -> None:
        self.log = home / f"worker-{time.monotonic_ns()}.log"

    def __enter__(self) -> "Worker":
        beat_file().unlink(missing_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portal", "worker"], cwd=config.ROOT, env=os.environ.copy(), stdout=log, stderr=log
            )
        until(beat_file().exists, alive=self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)

    def said(self) -> str:
        return self.log.read_text()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        assert self.process.wait(30) == -signal.SIGKILL

    def end(self) -> float:
        """Ask it to end; how many seconds that took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.said()
        return time.monotonic() - started


def test_what_somebody_waits_for_is_done_by_jobs_that_are_there() -> None:
    assert set(jobs.JOBS) > jobs.PROMPT


@pytest.mark.parametrize(("waits", "taken"), [
    (["train", "train", "train", "climb", "classify"], ["train", "train", "train", "classify"]),
    (["classify"] * 5, ["classify"] * 4),
    (["train"] * 20 + ["go_on"], ["train", "train", "train", "go_on"]),  # however much stands before it
    (["train"] * 5, ["train"] * 3),
])  # fmt: skip
def test_a_hand_is_free_for_what_somebody_waits_for(
    waits: list[str], taken: list[str], staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(worker, "_begin", lambda task: begun.append(task.name))
    monkeypatch.setattr(worker, "_in_hand", set())
    with store.writing() as db:
        for number, name in enumerate(waits):
            tasks.later(db, name, {"number": number}, title=name, by=staff.admin)
    assert worker._take_what_waits(tasks.start_runner("worker 1", "here")) == len(taken)
    assert begun == taken


@pytest.mark.parametrize(("waits", "taken"), [
    (["find_patterns", "find_gaps", "order_queue", "try_articles*"], ["find_patterns", "find_gaps", "try_articles*"]),
    (["find_patterns"] * 20 + ["train*"], ["find_patterns", "find_patterns", "train*"]),  # however many of them stand before it
    (["train*", "train*", "find_patterns", "find_gaps"], ["train*", "train*", "find_patterns"]),
    (["find_patterns"] * 4 + ["classify"] * 2, ["find_patterns", "find_patterns", "classify", "classify"]),
])  # fmt: skip
def test_what_runs_by_itself_leaves_a_hand_for_what_a_person_asked_for(
    waits: list[str], taken: list[str], staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(worker, "_begin", lambda task: begun.append(task.title))
    monkeypatch.setattr(worker, "_in_hand", set())
    with store.writing() as db:
        for number, name in enumerate(waits):
            tasks.later(db, name.rstrip("*"), {"number": number}, title=name, by=staff.admin if name.endswith("*") else None)
    assert worker._take_what_waits(tasks.start_runner("worker 1", "here")) == len(taken)
    assert begun == taken


def later(path: Path, *, by: Person) -> Task:
    """The import of a file that this person brought."""
    batch = offers.offer([(path.name, path.read_bytes())], by=by)
    with store.writing() as db:
        return tasks.later(db, "import", {"batch_id": batch.id}, title="An import", by=by)


def ended(task: Task) -> Task | None:
    found = tasks.get(task.id)
    return found if found and found.state in ("done", "failed") else None


def counted(table: type[Any]) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(table)).one()


def batches() -> list[tuple[str, int]]:
    with store.reading() as db:
        begun = select(ImportBatch).where(col(ImportBatch.state).in_(["running", "done"]))
        return [(batch.state, batch.cursor) for batch in db.exec(begun.order_by(ImportBatch.id))]


@pytest.mark.parametrize("home", ["sqlite", "postgres"] if SOAK else ["sqlite"], indirect=True)  # the next test has both each time
def test_a_worker_does_what_waits_beside_another_and_ends_when_told_to(home: Path, staff: Staff) -> None:
    first = later(write_file(home / "a.jsonl", count=30, team="Oak"), by=staff.engineer)
    with Worker(home) as worker, Worker(home) as second:
        done = until(lambda: ended(first), alive=worker)
        assert (done.state, done.tries) == ("done", 1) and done.result.startswith("30 new, ")
        living = until(lambda: len(tasks.living_runners()) == 2 and tasks.living_runners(), alive=second)
        assert [runner.name for runner in living] == ["worker 1", "worker 2"]
        second.end()
        assert [runner.name for runner in tasks.living_runners()] == ["worker 1"]

        large = later(write_file(home / "large.jsonl", count=3 * LARGE, team="Oak"), by=staff.engineer)
        until(lambda: ended(large) or batches()[-1][1] > 30, alive=worker)
        worker.end()  # also with a task in flight
    cut_off = tasks.get(large.id)
    assert cut_off is not None and (cut_off.state, cut_off.deaths, cut_off.error) == ("waiting", 0, "")
    assert tasks.living_runners() == []  # nobody is there who does it


class Touch:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch '{self.marker}'",)


@contextmanager
def jobs_database(home: Path) -> Iterator[tuple[Engine, str]]:
    """DBOS's own tables, as somebody who can write to the database has them."""
    if store.is_sqlite():
        engine, schema = create_engine(f"sqlite:///{home / 'jobs.db'}", module=store.sqlite_module(), connect_args={"timeout": 30}), ""
    else:
        engine, schema = create_engine(store.engine().url), "portal_jobs."
    try:
        yield engine, schema
    finally:
        engine.dispose()


def plant(home: Path, evil: str) -> None:
    """Two jobs, left by the worker that was killed, that name a pickle as their arguments: as such, and without saying so."""
    with jobs_database(home) as (engine, schema), engine.begin() as db:
        for number, serialization in enumerate(("py_pickle", None)):
            db.execute(
                text(
                    f"INSERT INTO {schema}workflow_status (workflow_uuid, inputs, serialization, status, name, executor_id, "
                    "application_version, application_name, recovery_attempts, priority, created_at, updated_at) "
                    "SELECT :id, :inputs, :serialization, 'PENDING', name, executor_id, application_version, application_name, 0, 0, "
                    f"created_at, updated_at FROM {schema}workflow_status WHERE workflow_uuid NOT LIKE 'evil%' LIMIT 1"
                ),
                {"id": f"evil {number}", "inputs": evil, "serialization": serialization},
            )


def planted_states(home: Path) -> list[str]:
    with jobs_database(home) as (engine, schema), engine.connect() as db:
        return [row[0] for row in db.execute(text(f"SELECT status FROM {schema}workflow_status WHERE workflow_uuid LIKE 'evil%'"))]


def test_after_kill_9_the_next_worker_finishes_the_task_once_and_reads_no_planted_pickle(home: Path, staff: Staff) -> None:
    lines, kills = (LARGE * 8, 8) if SOAK else (LARGE, 1)
    task = later(write_file(home / "large.jsonl", count=lines, team="Oak"), by=staff.engineer)
    for _ in range(kills):
        before = max((cursor for _, cursor in batches()), default=0)
        with Worker(home) as worker:
            until(lambda: ended(task) or max((cursor for _, cursor in batches()), default=0) > before, alive=worker)  # noqa: B023
            worker.kill()
        assert ended(task) is None, f"it ended before it could be cut off: {tasks.get(task.id)}"
        ((state, cursor),) = batches()
        assert state == "running" and before < cursor < lines, "it was not cut off in the middle; take a larger file"
        assert counted(Conversation) == cursor
    marker = home / "it ran"
    evil = base64.b64encode(pickle.dumps({"args": (Touch(marker),), "kwargs": {}})).decode()
    plant(home, evil)

    with Worker(home) as worker:
        done = until(lambda: ended(task), alive=worker)
        assert done.state == "done", done.error
        until(lambda: not {"ENQUEUED", "PENDING"} & set(planted_states(home)), alive=worker)
        after = later(write_file(home / "small.jsonl", count=3, first_number=900_000, team="Oak"), by=staff.engineer)
        assert until(lambda: ended(after), alive=worker).state == "done"  # and it goes on with others
    assert done.result.startswith(
        f"{lines:,} new, 0 updated and 0 unchanged conversations; {2 * lines:,} messages; 2 pieces of personal data"
    )
    assert (done.tries, done.deaths, done.faults) == (kills + 1, kills, 0)  # being killed is no fault of the task
    assert (counted(Conversation), counted(Message)) == (lines + 3, 2 * (lines + 3))
    assert batches() == [("done", lines), ("done", 3)]
    assert sum(entry.verb == "imported" for entry in audit.newest(by=staff.admin)) == 2 and audit.broken() is None

    assert planted_states(home) == ["ERROR", "ERROR"] and not marker.exists()
    deserialize_args(evil, "py_pickle", DBOSPortableJSONSerializer())  # the control: what DBOS does with it where nobody refuses
    assert marker.exists()
