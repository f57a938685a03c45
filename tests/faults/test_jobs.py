"""Workers that are killed at any moment: every job is done, its effect is there once, and only what kills is parked."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text
from sqlmodel import select

from data import config, store, tasks
from data.errors import Busy
from data.tables import Runner, Task
from tests.conftest import SOAK
from tests.faults import worker
from tests.server import eventually

COUNT, KILL_EVERY, LEAST_KILLS = (1000, 25, 30) if SOAK else (100, 12, 8)
PATIENCE = 300.0 if SOAK else 90.0


@dataclass
class Crew:
    """Workers side by side on one home; one that died is started again, as `portal up` does."""

    home: Path
    url: str
    size: int = 3
    restarts: bool = True
    starts: int = 0
    workers: list[ForkServerProcess] = field(default_factory=list)

    def keep(self) -> None:
        for one in [one for one in self.workers if not one.is_alive()]:
            self.workers.remove(one)
        while len(self.workers) < self.size and (self.restarts or self.starts < self.size):
            self.workers.append(worker.start(self.home, self.url))
            self.starts += 1

    def of(self, runner_id: str) -> ForkServerProcess:
        """The process of a runner: the one that holds the lock of its place."""
        with store.reading() as db:
            place = db.get_one(Runner, runner_id).name.replace(" ", ".")
        for one in self.workers:
            if any(file.path.endswith(f"/{place}.lock") for file in psutil.Process(one.pid).open_files()):
                return one
        raise AssertionError(f"no process holds {place}")

    def kill(self, one: ForkServerProcess) -> None:
        one.kill()
        one.join()

    def until(self, reached: Callable[[], object], what: str) -> None:
        def look() -> bool:
            self.keep()
            return bool(reached())

        eventually(look, f"{what}; {tasks.counts()}; the workers said: {self.said()[-2000:]}", within=PATIENCE)

    def said(self) -> str:
        log = self.home / "workers.log"
        return log.read_text() if log.exists() else ""


@contextmanager
def crew(home: Path, size: int = 3, *, restarts: bool = True) -> Iterator[Crew]:
    url = config.settings().database_url
    made = Crew(home, url, size, restarts)
    try:
        yield made
    finally:
        for one in made.workers:
            made.kill(one)


@pytest.fixture
def effects(home: Path) -> Iterator[None]:
    """Two tables that jobs write to: in one a task's row can stand once only."""
    with store.writing() as db:
        db.execute(text("CREATE TABLE effect_once (number INTEGER PRIMARY KEY)"))
        db.execute(text("CREATE TABLE effect_each_time (number INTEGER)"))
    yield
    with store.writing() as db:
        for table in ("effect_once", "effect_each_time"):
            db.execute(text(f"DROP TABLE {table}"))


def put(name: str, *numbers: int) -> list[Task]:
    with store.writing() as db:
        return [tasks.later(db, name, {"number": number}, title=f"{name} {number}", by=None) for number in numbers]


def done(name: str) -> int:
    return sum(task.state == "done" for task in named(name))


def named(name: str) -> list[Task]:
    with store.reading() as db:
        return list(db.exec(select(Task).where(Task.name == name).order_by(Task.id)))


def counted(table: str) -> Counter[int]:
    with store.reading() as db:
        return Counter(db.connection().execute(text(f"SELECT number FROM {table}")).scalars())


def held() -> dict[str, str]:
    """The tasks that run -> the runners that have them."""
    with store.reading() as db:
        return {task.id: task.runner for task in db.exec(select(Task).where(Task.state == "running"))}


def test_workers_that_are_killed_again_and_again_do_every_job_and_its_effect_once(home: Path, effects: None) -> None:
    put("effect", *range(COUNT))
    kills = 0
    with crew(home) as working:
        while done("effect") < COUNT:
            goal = min((kills + 1) * KILL_EVERY, COUNT)
            working.until(lambda: done("effect") >= goal, f"{goal} of {COUNT} jobs are done")  # noqa: B023
            if goal < COUNT:
                working.kill(working.workers[0])
                kills += 1
    assert kills >= LEAST_KILLS
    assert {task.state for task in named("effect")} == {"done"}
    assert counted("effect_once") == Counter(range(COUNT))
    each_time = counted("effect_each_time")
    twice = sum(1 for times in each_time.values() if times > 1)
    assert twice > 0 and set(each_time) == set(range(COUNT))  # the control: without its number an effect is there twice
    locked = working.said().count("locked")
    print(
        f"{store.engine().dialect.name}: {COUNT} jobs, {kills} kills, {working.starts} starts; without a key {twice} twice; locked {locked}"
    )
    assert "Traceback" not in working.said(), working.said()


def test_a_job_that_kills_its_worker_or_fails_each_time_is_parked_and_those_beside_it_are_done(home: Path, effects: None) -> None:
    innocent = 40
    put("poison", 1)
    put("effect", *range(innocent))
    put("raises", 1)

    def over() -> bool:
        (poison,), (raises,) = named("poison"), named("raises")
        return poison.state == "parked" and raises.faults >= (5 if SOAK else 2) and done("effect") == innocent

    with crew(home) as working:
        working.until(over, "the poison is parked, the innocent are done")
    (poison,), (raises,) = named("poison"), named("raises")
    assert poison.deaths_alone == tasks.MOST_DEATHS_ALONE and poison.deaths - poison.deaths_alone <= tasks.SUSPICIOUS_AFTER
    assert poison.error.startswith("It is parked: 5 times the worker died while it did this and nothing else.")
    assert counted("effect_once") == Counter(range(innocent))
    assert (raises.state == "parked") is SOAK and raises.deaths_alone == 0
    print(f"{store.engine().dialect.name}: the poison died {poison.deaths} times, {working.starts} starts, {raises.faults} faults")
    beside = [task.deaths for task in named("effect")]
    print(f"deaths of those beside it: {beside}")


ONE_ENGINE = ["sqlite", "postgres"] if SOAK else ["sqlite"]  # it waits, and the tests of the outbox and the watch have both


def freeze(pid: int, home: Path) -> None:
    """Between two of its writes. Stopped within one it would hold SQLite's one lock, and no watch of ours can take that from it."""
    for _ in range(20):
        os.kill(pid, signal.SIGSTOP)
        if all(map(can_be_written, home.glob("*.db"))):
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.1)
    raise AssertionError("it was always within a write")


def can_be_written(path: Path) -> bool:
    module = store.sqlite_module()
    try:
        with closing(module.connect(path, timeout=5, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except module.OperationalError:
        return False
    return True


@pytest.mark.parametrize("home", ONE_ENGINE, indirect=True)
def test_what_a_dead_and_a_frozen_worker_held_is_done_by_a_living_one(home: Path) -> None:
    with crew(home, restarts=False) as working:
        working.until(lambda: len(tasks.living_runners()) == 3, "three runners")
        put("stays", *range(3))
        begun = [home / f"stays {number}" for number in range(3)]
        working.until(lambda: all(path.exists() for path in begun), "all are at it")  # at least two workers: none takes three
        dead, frozen = sorted(set(held().values()))[:2]
        lost = {task_id for task_id, holder in held().items() if holder in (dead, frozen)}
        killed, stopped = working.of(dead), working.of(frozen)
        working.kill(killed)
        freeze(int(stopped.pid or 0), home)
        began = time.monotonic()
        working.until(lambda: not lost & set(held()), "it is given back")
        working.until(lambda: {task.id for task in named("stays") if task.state == "done"} == lost, "the living one did it")
        print(f"{store.engine().dialect.name}: done by the living one after {time.monotonic() - began:.0f} seconds")
        assert {task.deaths for task in named("stays") if task.id in lost} == {1}
        assert {runner.id for runner in tasks.living_runners()} & {dead, frozen} == set()

        os.kill(int(stopped.pid or 0), signal.SIGCONT)
        working.until(lambda: frozen in {runner.id for runner in tasks.living_runners()}, "the frozen one is watched again")
        assert {task.tries for task in named("stays") if task.id in lost} == {2}


@pytest.mark.parametrize("home", ONE_ENGINE, indirect=True)
def test_a_job_whose_end_could_not_be_written_is_not_held_for_ever(home: Path) -> None:
    (task,), (control,) = put("clog", 1), put("effect", 1)
    me = tasks.start_runner("test", "here")
    mine = tasks.take(control.id, me.id)
    assert mine is not None
    with crew(home, 1) as working:
        working.until((home / "held").exists, "somebody holds the database")
        with pytest.raises(Busy):
            tasks.finish(mine, "It ended.")
        working.until(lambda: named("clog")[0].state == "done", "it is tried again and done")
    (clogged,) = named("clog")
    assert clogged.id == task.id and (clogged.faults, clogged.deaths, clogged.tries) == (1, 0, 2)
    assert named("effect")[0].state == "running"  # the control: nobody looks after this one, so it stays as it is
