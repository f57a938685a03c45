"""The worker process: takes tasks from the outbox and has DBOS do them. Several may run side by side, on one machine or on many;
what a dead one had in its hands is done by a living one."""

import logging
import os
import signal
import sys
import threading
import time
from typing import Any

import dbos._serialization
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from data import config, store, tasks
from data.errors import Busy
from data.tables import Runner, Task
from portal import jobs, runner, schedules
from portal.beat import PARENT, beat_file

logger = logging.getLogger("portal.worker")

AT_ONCE = 4
LONG_AT_ONCE = 3  # one hand is always free for what somebody waits for: trainings do not keep a customer from being answered
CHORES_AT_ONCE = 2  # ... and one for what a person asked for: what runs by itself does not keep a trial waiting
POLL_SECONDS = 0.4
SWEEP_SECONDS = 2.0
SETTLED_AFTER = 60.0  # seconds: a start has better things to do than chores
NIGHTS_AFTER = 600.0  # ... and who has just begun to work than what last night should have done

_free = threading.Event()  # set when a task ended, so that the next one begins at once
_in_hand: set[tuple[str, int]] = set()  # the tries that threads of ours are at


def _refuse_pickle(*_args: Any, **_kwargs: Any) -> Any:
    raise TypeError("a pickle in the jobs database is not read")


@DBOS.workflow(name="run_task", max_recovery_attempts=5)  # type: ignore[untyped-decorator]
def run_task(task_id: str, number: int, runner_id: str) -> None:
    """One try of one task. What DBOS recovers of an earlier runner's tries does nothing: those tasks were given to others."""
    try:
        task = tasks.get(task_id)
        if task is not None and task.state == "running" and task.tries == number and task.runner == runner_id:
            jobs.run(task)
    finally:
        _in_hand.discard((task_id, number))
        _free.set()


def serve() -> None:
    """Work until SIGTERM, or until the process that started us is gone."""
    parent = int(os.environ.get(PARENT) or os.getppid())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with runner.living("worker") as me:
        engine = _launch(me.name)
        _work(me, stop, parent)
        DBOS.destroy(workflow_completion_timeout_sec=2)
        engine.dispose()
    sys.stdout.flush()
    os._exit(0)  # a task in flight was put back and is done again; its thread must not hold us here


def _work(me: Runner, stop: threading.Event, parent: int) -> None:
    watch, swept, began = runner.Watch(me.id), 0.0, time.monotonic()
    while not stop.is_set() and os.getppid() == parent:
        _free.clear()
        try:
            if time.monotonic() - swept > SWEEP_SECONDS:
                swept = time.monotonic()
                beat_file().touch()
                watch.bury_the_silent()
                if (up := time.monotonic() - began) > SETTLED_AFTER:
                    schedules.begin_due(nightly=up > NIGHTS_AFTER)
            taken = _take_what_waits(me)
        except (Busy, SQLAlchemyError):  # the database is locked or away: what runs goes on, and we look again
            logger.warning("the database cannot be asked for work", exc_info=True)
            taken = 0
        if not taken:
            _free.wait(POLL_SECONDS)


def _take_what_waits(me: Runner) -> int:
    """As many as there are hands. One that was there when runners died is done alone, so that nothing else is blamed."""
    held, taken = _held(me), 0
    if any(tasks.is_suspicious(task) for task in held):
        return 0
    first = (tasks.waiting(AT_ONCE * 4), tasks.waiting(AT_ONCE, asked=True), tasks.waiting(AT_ONCE, names=jobs.PROMPT))
    for task in {one.id: one for found in first for one in found}.values():
        alone = tasks.is_suspicious(task)
        if len(held) >= AT_ONCE or (alone and held):
            break
        if not _has_a_hand(task, held):
            continue
        if mine := tasks.take(task.id, me.id):
            held.append(mine)
            taken += 1
            _begin(mine)
            if alone:
                break
    return taken


def _has_a_hand(task: Task, held: list[Task]) -> bool:
    if task.name in jobs.PROMPT:
        return True
    long = [one for one in held if one.name not in jobs.PROMPT]
    chores = [one for one in long if one.person_id is None]
    return len(long) < LONG_AT_ONCE and (task.person_id is not None or len(chores) < CHORES_AT_ONCE)


def _begin(task: Task) -> None:
    _in_hand.add((task.id, task.tries))
    try:
        with SetWorkflowID(f"{task.id}:{task.tries}:{task.runner}"):  # an older portal.db that was restored counts its tries anew
            DBOS.start_workflow(run_task, task.id, task.tries, task.runner)
    except BaseException:
        _in_hand.discard((task.id, task.tries))
        raise


def _held(me: Runner) -> list[Task]:
    """What we are at. A try whose end could not be written down, or that could not begin, is a fault of ours and not held for ever."""
    before = set(_in_hand)  # first: what begins or ends meanwhile is none of these
    held = tasks.held_by(me.id)
    for task in held:
        if (task.id, task.tries) not in before:
            jobs.fault(task)
    return [task for task in held if (task.id, task.tries) in before]


def _launch(name: str) -> Engine:
    quiet = logging.getLogger("dbos")
    quiet.addHandler(logging.StreamHandler())
    quiet.propagate = False
    # a row of its database could name pickle as its format whatever serializer is configured; such a row is refused
    dbos._serialization.DefaultSerializer.deserialize = _refuse_pickle
    engine = _engine()
    DBOS(
        config=DBOSConfig(
            name="portal-worker",
            system_database_engine=engine,
            dbos_system_schema="portal_jobs",
            application_version="1",  # pinned: a task taken by an older version is finished by a newer one
            executor_id=f"{runner.machine()} {name}",
            serializer=DBOSPortableJSONSerializer(),
            enable_otlp=False,
            log_level="WARNING",
            max_executor_threads=8,
            scheduler_polling_interval_sec=600.0,
        )
    )
    DBOS.launch()
    return engine


def _engine() -> Engine:
    """DBOS's own engine. On SQLite a file beside ours: its many small writes would make ours wait."""
    if not store.is_sqlite():
        return create_engine(store.engine().url, pool_size=10, max_overflow=0, pool_pre_ping=True, hide_parameters=True)
    path = config.folder("") / "jobs.db"
    engine = create_engine(f"sqlite:///{path}", module=store.sqlite_module(), pool_size=10, max_overflow=0, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"  # a begin event would break its launch
        for pragma in ("busy_timeout = 30000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
