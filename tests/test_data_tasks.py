"""The outbox: a task is there once its verb is committed, one runner has it, and what is lost is done again."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from data import people, store, tasks
from data.errors import Denied, Refused
from data.tables import Person, Task
from data.values import now
from portal import jobs
from tests.conftest import Staff
from tests.test_data_store import at_once


def put(name: str = "train", by: Person | None = None, dedup_key: str | None = None) -> Task:
    with store.writing() as db:
        return tasks.later(db, name, {"n": 1}, title=f"Do {name}", by=by, dedup_key=dedup_key)


def found(task: Task) -> Task:
    again = tasks.get(task.id)
    assert again is not None
    return again


def silent_for(task: Task, seconds: float) -> None:
    with store.writing() as db:
        db.execute(update(Task).where(col(Task.id) == task.id).values(beat_at=now() - timedelta(seconds=seconds)))


def test_a_task_is_there_only_once_its_verb_is_committed(staff: Staff) -> None:
    with pytest.raises(Refused), store.writing() as db:
        tasks.later(db, "train", {}, title="Train", by=staff.rep)
        raise Refused("no")
    assert tasks.waiting() == []
    kept = put(by=staff.rep)
    assert tasks.waiting() == [kept]
    assert tasks.unfinished() == 1


def test_the_same_key_is_the_same_task(staff: Staff) -> None:
    assert put(dedup_key="once").id == put(dedup_key="once").id
    assert put().id != put().id
    assert len(tasks.waiting()) == 3


def test_tasks_wait_in_the_order_in_which_they_came(staff: Staff) -> None:
    made = [put(name=f"t{number}").id for number in range(30)]
    assert [task.id for task in tasks.waiting(30)] == made
    assert len(tasks.waiting()) == 20


def test_of_many_runners_one_takes_a_task(staff: Staff) -> None:
    for _ in range(10):
        task = put()
        taken = at_once(*(lambda made=task, name=str(number): tasks.take(made.id, name) for number in range(6)))
        mine = [one for one in taken if one is not None]
        assert len(mine) == 1
        assert found(task).runner == mine[0].runner
        assert found(task).tries == 1


def test_a_runner_may_take_its_own_again_but_nothing_that_ended(staff: Staff) -> None:
    task = put()
    assert tasks.take(task.id, "one") is not None
    assert tasks.take(task.id, "two") is None
    again = tasks.take(task.id, "one")
    assert again is not None
    assert again.tries == 2
    tasks.finish(task.id, "Done.")
    assert tasks.take(task.id, "one") is None
    assert tasks.take("nothing", "one") is None


def test_a_task_whose_runner_fell_silent_waits_again_and_no_other(staff: Staff) -> None:
    lost, alive, done = put(), put(), put()
    for task in (lost, alive, done):
        assert tasks.take(task.id, "one") is not None
    tasks.finish(done.id, "Done.")
    silent_for(lost, 61)
    silent_for(done, 61)
    silent_for(alive, 59)
    assert tasks.reclaim_lost() == 1
    assert [task.id for task in tasks.waiting()] == [lost.id]
    assert [task.id for task in tasks.running()] == [alive.id]
    assert tasks.take(lost.id, "two") is not None


def test_a_sign_of_life_keeps_a_task(staff: Staff) -> None:
    kept, told = put(), put()
    for task in (kept, told):
        tasks.take(task.id, "one")
        silent_for(task, 61)
    tasks.beat([kept.id])
    tasks.progress(told.id, 0.5, "half way")
    tasks.beat([])
    assert tasks.reclaim_lost() == 0


def test_progress_stays_between_nothing_and_all(staff: Staff) -> None:
    task = put()
    tasks.take(task.id, "one")
    for share, kept in ((-1, 0.0), (0.25, 0.25), (7, 1.0)):
        tasks.progress(task.id, share, "at it")
        assert (found(task).progress, found(task).doing) == (kept, "at it")


def test_a_task_ends_as_done_or_failed_or_waits_again(staff: Staff) -> None:
    done, failed, again = put(), put(), put()
    for task in (done, failed, again):
        tasks.take(task.id, "one")
    tasks.finish(done.id, "40 rows.")
    tasks.fail(failed.id, "No file.")
    tasks.put_back(again.id, "Try 1 failed.")
    assert [(found(task).state, found(task).result or found(task).error) for task in (done, failed, again)] == [
        ("done", "40 rows."), ("failed", "No file."), ("waiting", "Try 1 failed."),
    ]  # fmt: skip
    assert (found(done).ended_at is None, found(failed).ended_at is None, found(again).ended_at is None) == (False, False, True)
    assert tasks.unfinished() == 1


def test_a_runner_that_lost_its_task_says_nothing_about_it_any_more(staff: Staff) -> None:
    """It slept for a minute, another did the task, and then it wakes up and fails."""
    task = put()
    tasks.take(task.id, "sleeper")
    silent_for(task, 61)
    tasks.reclaim_lost()
    tasks.take(task.id, "another")
    tasks.finish(task.id, "Done.")
    tasks.fail(task.id, "I was asleep.")
    tasks.put_back(task.id, "I was asleep.")
    assert (found(task).state, found(task).result, found(task).error) == ("done", "Done.", "")


def test_only_a_failed_task_is_tried_again_and_only_by_whose_it_is(staff: Staff) -> None:
    mine, other = put(by=staff.rep), put(by=staff.lead)
    with pytest.raises(Refused, match=r"is waiting\. Only a failed job can be tried again"):
        tasks.retry(mine.id, by=staff.rep)
    for task in (mine, other):
        tasks.take(task.id, "one")
        tasks.fail(task.id, "No file.")
    for task_id in (other.id, "nothing"):
        with pytest.raises(Refused, match="there is no such job of yours"):
            tasks.retry(task_id, by=staff.rep)
    with pytest.raises(Denied):
        tasks.retry(mine.id, by=people.console())
    tasks.retry(mine.id, by=staff.rep)
    tasks.retry(other.id, by=staff.engineer)
    assert [(found(task).state, found(task).error, found(task).ended_at) for task in (mine, other)] == [("waiting", "", None)] * 2


def test_a_task_that_is_tried_again_has_all_its_tries_again(staff: Staff) -> None:
    task = put(by=staff.rep)
    for _ in range(3):
        tasks.take(task.id, "one")
    tasks.fail(task.id, "It failed 3 times.")
    again = tasks.retry(task.id, by=staff.rep)
    assert (again.state, again.tries % jobs.MOST_TRIES) == ("waiting", 0)  # each try keeps a number of its own


def test_each_sees_their_own_tasks_and_engineers_and_admins_all(staff: Staff) -> None:
    made = {person.id: put(by=person).id for person in (staff.rep, staff.lead, staff.other)}
    nobodys = put(by=people.console())
    assert nobodys.person_id is None
    for person in (staff.rep, staff.lead, staff.other):
        assert [task.id for task in tasks.recent(by=person)] == [made[person.id]]
    for person in (staff.engineer, staff.admin, people.console()):
        assert len(tasks.recent(by=person)) == 4
    assert [task.id for task in tasks.recent(by=staff.admin, most=1)] == [nobodys.id]
