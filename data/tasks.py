"""The outbox of background work. A verb writes a task in its own transaction; the worker does it once the verb is committed."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from data import access, store
from data.errors import Refused
from data.tables import Person, Task
from data.values import now

LOST_AFTER = timedelta(seconds=60)  # a runner that has not said anything for so long is gone


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


def waiting(most: int = 20) -> list[Task]:
    with store.reading() as db:
        return list(db.exec(select(Task).where(Task.state == "waiting").order_by(Task.id).limit(most)))


def running() -> list[Task]:
    with store.reading() as db:
        return list(db.exec(select(Task).where(Task.state == "running").order_by(Task.id)))


def take(task_id: str, runner: str) -> Task | None:
    """Waiting -> running by compare-and-set; None when another has it or it ended. A runner may take its own again."""
    with store.writing() as db:
        mine = (col(Task.state) == "waiting") | ((col(Task.state) == "running") & (col(Task.runner) == runner))
        taken = db.execute(
            update(Task)
            .where(col(Task.id) == task_id, mine)
            .values(state="running", runner=runner, beat_at=now(), tries=col(Task.tries) + 1, error="")
        )
        return db.get(Task, task_id, populate_existing=True) if taken.rowcount == 1 else None  # type: ignore[attr-defined]


def progress(task_id: str, share: float, doing: str = "") -> None:
    """Say how far it is (0 to 1); also the sign of life."""
    _set(task_id, progress=min(max(share, 0.0), 1.0), doing=doing, beat_at=now())


def beat(task_ids: Iterable[str]) -> None:
    ids = list(task_ids)
    if ids:
        with store.writing() as db:
            db.execute(update(Task).where(col(Task.id).in_(ids), col(Task.state) == "running").values(beat_at=now()))


def finish(task_id: str, result: str, *, at: datetime | None = None) -> None:
    _set(task_id, state="done", progress=1.0, result=result, doing="", ended_at=at or now())


def fail(task_id: str, error: str) -> None:
    _set(task_id, state="failed", error=error, doing="", ended_at=now())


def put_back(task_id: str, why: str) -> None:
    """Have it tried again by whoever comes next."""
    _set(task_id, state="waiting", error=why, runner="", doing="")


def reclaim_lost() -> int:
    """Tasks whose runner fell silent wait again. Every task can be done twice without harm."""
    with store.writing() as db:
        lost = db.execute(
            update(Task).where(col(Task.state) == "running", col(Task.beat_at) < now() - LOST_AFTER).values(state="waiting", runner="")
        )
        return int(lost.rowcount)  # type: ignore[attr-defined]


def retry(task_id: str, *, by: Person) -> Task:
    reach = access.require(by, "task.retry")
    with store.writing() as db:
        task = db.get(Task, task_id)
        if task is None or (reach != access.ALL and task.person_id != by.id):
            raise Refused("Not tried again: there is no such job of yours.")
        if task.state != "failed":
            raise Refused(f"Not tried again: '{task.title}' is {task.state}. Only a failed job can be tried again.")
        task.state, task.error, task.progress, task.ended_at = "waiting", "", 0.0, None
        db.add(task)
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


def _set(task_id: str, **values: Any) -> None:
    """Only of a task that runs: a runner that lost its task has nothing more to say about it."""
    with store.writing() as db:
        db.execute(update(Task).where(col(Task.id) == task_id, col(Task.state) == "running").values(**values))
