"""The worker process: takes tasks from the outbox and has DBOS do them, so that a killed worker's tasks go on after its restart."""

import fcntl
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

from data import config, sealing, store, tasks
from data.errors import Misuse
from data.tables import Task
from portal import jobs
from portal.beat import PARENT, beat_file

logger = logging.getLogger("portal.worker")

QUEUE = "tasks"
AT_ONCE = 2
POLL_SECONDS = 0.4
RECONCILE_SECONDS = 30.0
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


def _refuse_pickle(*_args: Any, **_kwargs: Any) -> Any:
    raise TypeError("a pickle in the jobs database is not read")


@DBOS.workflow(name="run_task", max_recovery_attempts=10)  # type: ignore[untyped-decorator]
def run_task(task_id: str, number: int) -> None:
    """One try of one task. Runs again from the start after a crash: every job can be done twice without harm."""
    task = tasks.get(task_id)
    if task is not None and task.state == "running" and task.tries == number:
        jobs.run(task)


def serve() -> None:
    """Work until SIGTERM, or until the process that started us is gone."""
    parent = int(os.environ.get(PARENT) or os.getppid())
    lock = _alone()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    runner = f"worker-{sealing.sha(str(config.settings().home.absolute()))[:8]}"
    engine = _launch(runner)
    reconciled = 0.0
    for task in _running(runner):  # taken before the last end, perhaps not handed over: handing over twice is harmless
        _hand_over(task)
    while not stop.wait(POLL_SECONDS) and os.getppid() == parent:
        _say_alive(runner)
        tasks.reclaim_lost()
        for task in tasks.waiting():
            if taken := tasks.take(task.id, runner):
                _hand_over(taken)
        if time.monotonic() - reconciled > RECONCILE_SECONDS:
            reconciled = time.monotonic()
            _reconcile(runner)
    DBOS.destroy(workflow_completion_timeout_sec=2)
    engine.dispose()
    lock.close()
    sys.stdout.flush()
    os._exit(0)  # a task in flight stays as it is and goes on at the next start; its thread must not hold us here


def _alone() -> Any:
    """One worker a home: two would do the same tasks."""
    lock = config.lock_file("worker.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Misuse(f"A worker already runs on {config.settings().home}. Stop it first.") from error
    return lock


def _launch(runner: str) -> Engine:
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
            executor_id=runner,
            serializer=DBOSPortableJSONSerializer(),
            enable_otlp=False,
            log_level="WARNING",
            max_executor_threads=8,
            scheduler_polling_interval_sec=600.0,
        )
    )
    DBOS.listen_queues([QUEUE])
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=AT_ONCE, polling_interval_sec=POLL_SECONDS, on_conflict="always_update")
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


def _hand_over(task: Task) -> None:
    with SetWorkflowID(f"{task.id}:{task.tries}"):
        DBOS.enqueue_workflow(QUEUE, run_task, task.id, task.tries)


def _running(runner: str) -> list[Task]:
    return [task for task in tasks.running() if task.runner == runner]


def _say_alive(runner: str) -> None:
    tasks.beat(task.id for task in _running(runner))
    beat_file().touch()


def _reconcile(runner: str) -> None:
    """A try that DBOS ended without our code (too many crashes, an unreadable row) fails in words instead of running for ever."""
    running = {f"{task.id}:{task.tries}": task for task in _running(runner)}
    if not running:
        return
    for ended in DBOS.list_workflows(workflow_ids=list(running), status=ENDED, load_input=False, load_output=False):
        task = running[ended.workflow_id]
        still = tasks.get(task.id)
        if still and still.state == "running" and still.tries == task.tries:
            tasks.fail(task.id, "It stopped without a word each time it was tried. An engineer finds the reason in the log.")
