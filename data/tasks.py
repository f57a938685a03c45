"""The outbox of background work. A verb writes a task in its own transaction; a runner does it once the verb is committed.

Runners count their beats. Whoever watches them with a clock of their own (a monotonic one, so that no clock need be right) sees that
one is gone, and its tasks wait again. Every task can be done twice without harm.
"""

import time
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from data import access, audit, store
from data.errors import Refused
from data.tables import Person, Runner, Task
from data.values import now

MOST_FAULTS = 5  # tries that end in a fault of ours; then it is parked until somebody looks
MOST_DEATHS_ALONE = 5  # runners that died with nothing else in their hands
SUSPICIOUS_AFTER = 2  # deaths in company; from then on it runs alone, so that the innocent are not blamed
PAUSES = (1.0, 4.0, 16.0, 60.0)  # seconds before the next try, longer each time
LONGEST_PAUSE = PAUSES[-1]
ENDED = ("done", "failed", "parked", "cancelled")


class Cancelled(Exception):
    """Somebody asked a running task to stop; it was told so when it said how far it is."""


def later(
    db: Session,
    name: str,
    arguments: dict[str, Any],
    *,
    title: str,
    by: Person | None,
    dedup_key: str | None = None,
    at: datetime | None = None,
) -> Task:
    """Have it done in the background. The same dedup_key again is the same task."""
    if dedup_key:
        known = db.exec(select(Task).where(Task.dedup_key == dedup_key)).first()
        if known:
            return known
    person_id = by.id if by and by.role != access.CONSOLE else None
    task = Task(
        name=name, title=title, arguments=arguments, dedup_key=dedup_key, person_id=person_id, at=at or now(), by_person_id=person_id
    )
    db.add(task)
    db.flush()
    return task


# -- runners ----------------------------------------------------------------------------------------------------------------------------


def start_runner(name: str, machine: str) -> Runner:
    """A process takes a place. Whoever held the same place before is gone (the place is locked), so what it ran waits again at once."""
    with store.writing() as db:
        for before in db.exec(select(Runner).where(Runner.name == name, Runner.machine == machine, col(Runner.ended_at).is_(None))):
            _bury(db, before)
        runner = Runner(name=name, machine=machine)
        db.add(runner)
        db.flush()
        return runner


def beat(runner_id: str) -> None:
    """It lives; also one that had been taken for dead because its machine slept: what it takes from now on is watched again."""
    with store.writing() as db:
        db.execute(update(Runner).where(col(Runner.id) == runner_id).values(beats=col(Runner.beats) + 1, ended_at=None))


def living_runners() -> list[Runner]:
    with store.reading() as db:
        return list(db.exec(select(Runner).where(col(Runner.ended_at).is_(None)).order_by(Runner.id)))


def bury(runner_id: str) -> int:
    """A runner fell silent: what it ran waits for another. How many tasks."""
    with store.writing() as db:
        runner = db.get(Runner, runner_id)
        return _bury(db, runner) if runner and runner.ended_at is None else 0


def end_runner(runner_id: str) -> None:
    """It says goodbye itself: what it had taken waits again, and nobody is blamed."""
    with store.writing() as db:
        db.execute(update(Runner).where(col(Runner.id) == runner_id).values(ended_at=now()))
        db.execute(
            update(Task).where(col(Task.runner) == runner_id, col(Task.state) == "running").values(state="waiting", runner="", doing="")
        )


def _bury(db: Session, runner: Runner) -> int:
    runner.ended_at = now()
    db.add(runner)
    held = list(db.exec(select(Task).where(Task.runner == runner.id, Task.state == "running").with_for_update()))  # one may just end
    for task in held:
        task.deaths += 1
        task.deaths_alone += len(held) == 1
        task.state, task.runner, task.doing = "waiting", "", ""
        if task.deaths_alone >= MOST_DEATHS_ALONE:
            task.state, task.ended_at = "parked", now()
            task.error = (
                f"It is parked: {task.deaths_alone} times the worker died while it did this and nothing else. An engineer should look."
            )
        db.add(task)
    db.flush()
    return len(held)


# -- the life of a task -----------------------------------------------------------------------------------------------------------------


def waiting(most: int = 20, *, names: Collection[str] = (), asked: bool = False, clock: float | None = None) -> list[Task]:
    """What may begin now, oldest first: of all kinds, of these, or what a person asked for. A clock set back makes no pause endless."""
    moment = time.time() if clock is None else clock
    ready = (col(Task.not_before) <= moment) | (col(Task.not_before) > moment + LONGEST_PAUSE)
    found = select(Task).where(Task.state == "waiting", ready).order_by(Task.id).limit(most)
    if names:
        found = found.where(col(Task.name).in_(names))
    if asked:
        found = found.where(col(Task.person_id).is_not(None))
    with store.reading() as db:
        return list(db.exec(found))


def under_way(name: str) -> bool:
    """Whether one of this kind waits or runs."""
    with store.reading() as db:
        return db.exec(select(Task.id).where(Task.name == name, col(Task.state).in_(["waiting", "running"])).limit(1)).first() is not None


def held_by(runner_id: str) -> list[Task]:
    with store.reading() as db:
        return list(db.exec(select(Task).where(Task.state == "running", Task.runner == runner_id).order_by(Task.id)))


def is_suspicious(task: Task) -> bool:
    """It was in the hands of runners that died. It is done alone."""
    return task.deaths >= SUSPICIOUS_AFTER


def take(task_id: str, runner_id: str) -> Task | None:
    """Waiting -> running by compare-and-set; None when another has it, it ended, or nobody watches this runner any more."""
    with store.writing() as db:
        runner = db.get(Runner, runner_id, with_for_update=True)
        if runner and runner.ended_at:
            return None
        taken = db.execute(
            update(Task)
            .where(col(Task.id) == task_id, col(Task.state) == "waiting")
            .values(state="running", runner=runner_id, tries=col(Task.tries) + 1, error="")
        )
        return db.get(Task, task_id, populate_existing=True) if taken.rowcount == 1 else None  # type: ignore[attr-defined]


def progress(task: Task, share: float, doing: str = "") -> None:
    """Say how far it is (0 to 1). Raises Cancelled where somebody asked for that, or another runner has the task by now."""
    if not _set(task, progress=min(max(share, 0.0), 1.0), doing=doing) or _is_cancel_asked(task):
        raise Cancelled


def _is_cancel_asked(task: Task) -> bool:
    with store.reading() as db:
        return bool(db.exec(select(Task.cancel_asked).where(Task.id == task.id)).first())


def finish(task: Task, result: str, *, at: datetime | None = None) -> None:
    _set(task, state="done", progress=1.0, result=result, doing="", ended_at=at or now())


def fail(task: Task, error: str) -> bool:
    return _set(task, state="failed", error=error, doing="", ended_at=now())


def stop(task: Task) -> None:
    """It was cancelled while it ran."""
    _set(task, state="cancelled", error="It was cancelled. What it had kept by then stays.", doing="", ended_at=now())


def fault(task: Task, reference: str) -> bool:
    """A fault of ours: tried again after a pause, each time a longer one, then parked. Whether this parked it."""
    faults = task.faults + 1
    if faults >= MOST_FAULTS:
        told = f"It is parked: it failed {faults} times because of a fault of ours (reference {reference}). Nothing half done was kept."
        return _set(task, state="parked", faults=faults, error=told, doing="", ended_at=now())
    pause = PAUSES[min(faults, len(PAUSES)) - 1]
    told = f"Try {faults} of {MOST_FAULTS} failed (reference {reference}). The next begins in {pause:.0f} seconds."
    _set(task, state="waiting", faults=faults, error=told, doing="", runner="", not_before=time.time() + pause)
    return False


def _set(task: Task, **values: Any) -> bool:
    """Only of this very try: a runner that lost its task has nothing more to say about it."""
    with store.writing() as db:
        mine = (col(Task.id) == task.id, col(Task.state) == "running", col(Task.runner) == task.runner, col(Task.tries) == task.tries)
        changed = db.execute(update(Task).where(*mine).values(**values))
        return bool(changed.rowcount == 1)  # type: ignore[attr-defined]


# -- what people do with them -----------------------------------------------------------------------------------------------------------


def retry(task_id: str, *, by: Person) -> Task:
    with store.writing() as db:
        task = _mine(db, task_id, "task.retry", by, "Not tried again")
        if task.state not in ("failed", "parked", "cancelled"):
            raise Refused(f"Not tried again: '{task.title}' is {task.state}. Only a job that failed can be tried again.")
        task.state, task.error, task.progress, task.ended_at = "waiting", "", 0.0, None
        task.faults, task.deaths, task.deaths_alone, task.not_before, task.cancel_asked = 0, 0, 0, 0.0, False
        db.add(task)
        audit.record(db, by, "tried again", "task", task.id, f"Had it tried again: {task.title}.")
        return task


def cancel(task_id: str, *, by: Person) -> Task:
    """One that waits ends now; one that runs is told when it next says how far it is."""
    with store.writing() as db:
        task = _mine(db, task_id, "task.cancel", by, "Not cancelled")
        if task.state in ENDED:
            raise Refused(f"Not cancelled: '{task.title}' is {task.state}.")
        if task.name == "carry_out":
            raise Refused("Not cancelled: what two people decided is carried out. Roll it back afterwards, or propose the opposite.")
        task.cancel_asked = True
        if task.state == "waiting":
            task.state, task.ended_at, task.error = "cancelled", now(), "It was cancelled before it began."
        db.add(task)
        audit.record(db, by, "cancelled", "task", task.id, f"Cancelled: {task.title}.")
        return task


def _mine(db: Session, task_id: str, right: str, by: Person, what_not: str) -> Task:
    reach = access.require(by, right)
    task = db.get(Task, task_id, with_for_update=True, populate_existing=True)
    if task is None or (reach != access.ALL and task.person_id != by.id):
        raise Refused(f"{what_not}: there is no such job of yours.")
    return task


def recent(*, by: Person, most: int = 50) -> list[Task]:
    reach = access.require(by, "task.read")
    query = select(Task).order_by(col(Task.id).desc()).limit(most)
    if reach != access.ALL:
        query = query.where(Task.person_id == by.id)
    with store.reading() as db:
        return list(db.exec(query))


def get(task_id: str) -> Task | None:
    with store.reading() as db:
        return db.get(Task, task_id)


def unfinished() -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(Task).where(col(Task.state).in_(["waiting", "running"]))).one()


def counts() -> dict[str, int]:
    """How many there are in each state."""
    with store.reading() as db:
        return dict(db.exec(select(Task.state, func.count()).group_by(Task.state)).all())
