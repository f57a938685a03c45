"""A process that does tasks: it takes a place on this machine, counts its beats in a thread of its own, and says goodbye."""

import fcntl
import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from sqlalchemy.exc import SQLAlchemyError

from data import config, tasks
from data.errors import Busy, Misuse
from data.tables import Runner

logger = logging.getLogger("portal.runner")

BEAT_SECONDS = 2.0
SILENT_AFTER = 15.0  # seconds without a beat, by the watcher's own monotonic clock
BLIND_AFTER = 8.0  # seconds that a watcher could not look, or not beat itself: then it cannot tell who was silent
MOST_PLACES = 16
NEVER = float("-inf")


@contextmanager
def living(kind: str) -> Iterator[Runner]:
    """Registered and beating as long as the block lasts."""
    name, lock = _take_place(kind)
    runner = tasks.start_runner(name, machine())
    ended = threading.Event()
    heart = threading.Thread(target=_beat, args=(runner.id, ended), daemon=True)
    heart.start()
    try:
        yield runner
    finally:
        ended.set()
        heart.join()
        tasks.end_runner(runner.id)
        lock.close()


def _take_place(kind: str) -> tuple[str, IO[str]]:
    """A locked file is a place that is taken; the lock goes with the process, however that ends."""
    for number in range(1, MOST_PLACES + 1):
        lock = config.lock_file(f"{kind}.{number}.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return f"{kind} {number}", lock
    raise Misuse(f"{MOST_PLACES} of kind '{kind}' already run on {config.settings().home}. Stop one first.")


def machine() -> str:
    """This home's own name among several machines: made once, at random."""
    path = config.folder("") / "machine.id"
    with config.lock_file("machine.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists() or not path.read_text():  # it may have been cut off while it was written
            path.write_text(secrets.token_hex(8))
    return path.read_text()


def _beat(runner_id: str, ended: threading.Event) -> None:
    while not ended.wait(BEAT_SECONDS):
        try:
            tasks.beat(runner_id)
        except (Busy, SQLAlchemyError):  # a beat that is missed is made up for by the next
            logger.warning("a beat could not be written", exc_info=True)


class Watch:
    """Looks at the others' beats with its own clock: no machine's time of day need be right."""

    def __init__(self, mine: str) -> None:
        self.mine = mine
        self._looked = NEVER
        self._beats: dict[str, int] = {}
        self._since: dict[str, float] = {}  # runner -> when its beats last changed

    def bury_the_silent(self, clock: float | None = None) -> int:
        """Those that have not beaten for too long are gone, and their tasks wait again. How many tasks."""
        moment = time.monotonic() if clock is None else clock
        beats = {runner.id: runner.beats for runner in tasks.living_runners()}
        self._since = {one: self._since[one] if self._beats.get(one) == count else moment for one, count in beats.items()}
        looked, self._looked, self._beats = self._looked, moment, beats
        if moment - min(looked, self._since.get(self.mine, NEVER)) > BLIND_AFTER:
            self._since |= {one: moment for one in beats if one != self.mine}
        silent = [one for one, since in self._since.items() if one != self.mine and moment - since > SILENT_AFTER]
        return sum(tasks.bury(one) for one in silent)
