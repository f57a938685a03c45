"""The portal's worker with a few jobs more, whose effects can be counted."""

import os
import threading
import time
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from sqlalchemy import text

from data import config, store
from data.tables import Person
from portal import jobs, worker

FORKED = get_context("forkserver")  # a start from nothing costs two seconds of importing, some thirty times
FORKED.set_forkserver_preload(["tests.faults.worker"])


def start(home: Path, url: str) -> ForkServerProcess:
    process = FORKED.Process(target=_serve, args=(str(home), url), daemon=True)
    process.start()
    return process


def _serve(home: str, url: str) -> None:
    os.environ |= {"PORTAL_HOME": home, "PORTAL_DATABASE_URL": url}
    os.environ.pop(worker.PARENT, None)
    log = os.open(f"{home}/workers.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1), os.dup2(log, 2)
    config.reset()
    jobs.JOBS |= {"effect": _effect, "poison": _poison, "raises": _raises, "stays": _stays, "clog": _clog}
    worker.serve()


def _effect(arguments: dict[str, Any], by: Person, progress: jobs.Progress) -> str:
    """The effect in two ways: a row under the task's own number, and a row without one."""
    with store.writing() as db:
        db.execute(text("INSERT INTO effect_once (number) VALUES (:number) ON CONFLICT DO NOTHING"), arguments)
        db.execute(text("INSERT INTO effect_each_time (number) VALUES (:number)"), arguments)
    time.sleep(0.05)  # its end is not told at once: here it is cut off
    return "It had its effect."


def _poison(arguments: dict[str, Any], by: Person, progress: jobs.Progress) -> str:
    os._exit(1)


def _raises(arguments: dict[str, Any], by: Person, progress: jobs.Progress) -> str:
    raise ZeroDivisionError


def _stays(arguments: dict[str, Any], by: Person, progress: jobs.Progress) -> str:
    """Its first try never ends."""
    if _first_time(f"stays {arguments['number']}"):
        threading.Event().wait()
    return "It ended."


def _clog(arguments: dict[str, Any], by: Person, progress: jobs.Progress) -> str:
    """Once somebody holds the database for longer than we wait, just as the job has ended."""
    if _first_time("clogged"):
        holds = threading.Event()
        threading.Thread(target=_hold, args=(holds,)).start()
        assert holds.wait(10)
    return "It ended."


def _first_time(name: str) -> bool:
    path = config.folder("") / name
    known = path.exists()
    path.touch()
    return not known


def _hold(holds: threading.Event) -> None:
    with store.engine().execution_options(writes=True).connect() as locked:  # on SQLite this alone locks out whoever writes
        locked.execute(text("SELECT id FROM task" if store.is_sqlite() else "SELECT id FROM task FOR UPDATE"))
        (config.folder("") / "held").touch()
        holds.set()
        time.sleep(6.5)
