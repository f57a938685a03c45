"""The outbox: a task is there once its verb is committed, one runner has it, and what is lost is done again."""

import threading
import time

import pytest

from data import audit, people, store, tasks
from data.errors import Denied, Refused
from data.tables import Person, Runner, Task
from tests.conftest import Staff
from tests.test_data_store import at_once


def put(name: str = "train", by: Person | None = None, dedup_key: str | None = None) -> Task:
    with store.writing() as db:
        return tasks.later(db, name, {"n": 1}, title=f"Do {name}", by=by, dedup_key=dedup_key)


def found(task: Task) -> Task:
    again = tasks.get(task.id)
    assert again is not None
    return again


def taken(task: Task, runner_id: str = "one") -> Task:
    mine = tasks.take(task.id, runner_id)
    assert mine is not None
    return mine


def states(*chosen: Task) -> list[str]:
    return [found(task).state for task in chosen]


def runner(name: str = "worker 1", machine: str = "here") -> Runner:
    return tasks.start_runner(name, machine)


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
    assert [task.id for task in tasks.waiting(names={"t3", "t7"})] == [made[3], made[7]]


def test_of_many_runners_one_takes_a_task(staff: Staff) -> None:
    for _ in range(10):
        task = put()
        got = at_once(*(lambda made=task, name=str(number): tasks.take(made.id, name) for number in range(6)))
        mine = [one for one in got if one is not None]
        assert len(mine) == 1
        assert (found(task).runner, found(task).tries) == (mine[0].runner, 1)


def test_nothing_that_runs_or_ended_is_taken(staff: Staff) -> None:
    task = put()
    mine = taken(task)
    assert tasks.take(task.id, "two") is None
    assert tasks.take(task.id, "one") is None
    tasks.finish(mine, "Done.")
    assert tasks.take(task.id, "one") is None
    assert tasks.take("nothing", "one") is None


def test_what_a_dead_runner_had_in_its_hands_waits_again_and_nothing_else(staff: Staff) -> None:
    dead, living = runner(), runner("worker 2")
    lost, done, other, untouched = put(), put(), put(), put()
    taken(lost, dead.id), taken(other, living.id)
    tasks.finish(taken(done, dead.id), "Done.")
    assert [one.id for one in tasks.living_runners()] == [dead.id, living.id]
    assert (tasks.bury(dead.id), tasks.bury(dead.id), tasks.bury("nobody")) == (1, 0, 0)
    assert states(lost, done, other, untouched) == ["waiting", "done", "running", "waiting"]
    assert (found(lost).deaths, found(lost).deaths_alone, found(lost).runner) == (1, 1, "")
    assert [one.id for one in tasks.living_runners()] == [living.id]
    assert taken(lost, living.id).tries == 2


def test_a_runner_that_takes_the_place_of_another_inherits_nothing_of_other_places(staff: Staff) -> None:
    before, beside, elsewhere = runner(), runner("worker 2"), runner(machine="there")
    held = [put() for _ in range(3)]
    for task, holder in zip(held, (before, beside, elsewhere), strict=True):
        taken(task, holder.id)
    runner()
    assert states(*held) == ["waiting", "running", "running"]


def test_a_runner_that_says_goodbye_gives_back_what_it_held_and_blames_nobody(staff: Staff) -> None:
    leaving = runner()
    task, done = put(), put()
    taken(task, leaving.id)
    tasks.finish(taken(done, leaving.id), "Done.")
    tasks.end_runner(leaving.id)
    assert states(task, done) == ["waiting", "done"]
    assert (found(task).deaths, tasks.living_runners(), tasks.held_by(leaving.id)) == (0, [], [])


def test_a_runner_that_was_taken_for_dead_takes_nothing_until_it_is_watched_again(staff: Staff) -> None:
    """Its machine slept. Were it to take a task while nobody watches it, that task would run for ever once it died."""
    sleeper, task, later_task = runner(), put(), put()
    taken(task, sleeper.id)
    tasks.bury(sleeper.id)
    assert tasks.take(later_task.id, sleeper.id) is None
    tasks.beat(sleeper.id)
    taken(later_task, sleeper.id)
    assert tasks.bury(sleeper.id) == 1
    assert states(task, later_task) == ["waiting", "waiting"]


def test_a_task_that_ends_while_its_runner_is_buried_is_not_done_again(staff: Staff) -> None:
    slow, task = runner(), put()
    mine, ending = taken(task, slow.id), threading.Event()

    def end() -> None:
        with store.writing():
            tasks.finish(mine, "Done.")
            ending.set()
            time.sleep(0.3)  # long enough for the other to look before this is kept

    def bury() -> int:
        ending.wait()
        return tasks.bury(slow.id)

    assert at_once(end, bury) == [None, 0]
    assert (found(task).state, found(task).deaths) == ("done", 0)


def test_of_many_who_bury_a_runner_one_counts_the_death(staff: Staff) -> None:
    for _ in range(5):
        dead, task = runner(), put()
        taken(task, dead.id)
        assert sum(at_once(*[lambda gone=dead: tasks.bury(gone.id)] * 6)) == 1
        assert found(task).deaths == 1


def test_a_task_that_kills_alone_is_parked_and_those_beside_it_never_are(staff: Staff) -> None:
    poison, innocent = put(), put()
    for _ in range(20):  # in company nobody knows who did it
        dead = runner()
        taken(poison, dead.id), taken(innocent, dead.id)
        tasks.bury(dead.id)
    assert states(poison, innocent) == ["waiting", "waiting"]
    assert tasks.is_suspicious(found(poison)) and tasks.is_suspicious(found(innocent))
    for _ in range(tasks.MOST_DEATHS_ALONE):
        assert states(poison) == ["waiting"]
        dead = runner()
        taken(poison, dead.id)
        tasks.bury(dead.id)
    assert found(poison).error.startswith("It is parked: 5 times the worker died while it did this and nothing else.")
    assert states(poison, innocent) == ["parked", "waiting"]


def test_progress_stays_between_nothing_and_all(staff: Staff) -> None:
    task = taken(put())
    for share, kept in ((-1, 0.0), (0.25, 0.25), (7, 1.0)):
        tasks.progress(task, share, "at it")
        assert (found(task).progress, found(task).doing) == (kept, "at it")


def test_a_task_ends_as_done_failed_or_cancelled_or_waits_again(staff: Staff) -> None:
    done, failed, stopped, again = (taken(put()) for _ in range(4))
    tasks.finish(done, "40 rows.")
    tasks.fail(failed, "No file.")
    tasks.stop(stopped)
    assert tasks.fault(again, "abc") is False
    assert [(found(task).state, found(task).result or found(task).error) for task in (done, failed, stopped, again)] == [
        ("done", "40 rows."),
        ("failed", "No file."),
        ("cancelled", "It was cancelled. What it had kept by then stays."),
        ("waiting", "Try 1 of 5 failed (reference abc). The next begins in 1 seconds."),
    ]
    assert [found(task).ended_at is None for task in (done, failed, stopped, again)] == [False, False, False, True]
    assert tasks.unfinished() == 1
    assert tasks.counts() == {"done": 1, "failed": 1, "cancelled": 1, "waiting": 1}


def test_each_fault_makes_the_pause_longer_and_the_fifth_parks_the_task(staff: Staff) -> None:
    task = put()
    assert tasks.PAUSES == (1, 4, 16, 60)
    for pause in tasks.PAUSES:
        mine, began = taken(task), time.time()
        assert tasks.fault(mine, "abc") is False
        ready = found(task).not_before
        assert began + pause <= ready <= time.time() + pause
        assert tasks.waiting(clock=ready - 0.5) == []
        assert [one.id for one in tasks.waiting(clock=ready)] == [task.id]
    assert tasks.fault(taken(task), "the last") is True
    assert (found(task).state, found(task).tries, tasks.waiting(clock=ready + 1e6)) == ("parked", 5, [])
    assert found(task).error.startswith("It is parked: it failed 5 times because of a fault of ours (reference the last).")


def test_a_pause_that_a_clock_set_back_makes_endless_is_over(staff: Staff) -> None:
    task = taken(put())
    tasks.fault(task, "abc")
    ready = found(task).not_before
    assert tasks.waiting(clock=ready - 0.5) == []  # the control: an honest pause is kept
    for jump in (120, 86_400, 365 * 86_400):
        assert [one.id for one in tasks.waiting(clock=ready - jump)] == [task.id]


def test_a_runner_that_lost_its_task_says_nothing_about_it_any_more(staff: Staff) -> None:
    """It slept for a minute, another did the task, and then it wakes up."""
    sleeper, task = runner(), put()
    asleep = taken(task, sleeper.id)
    tasks.bury(sleeper.id)
    mine = taken(task, "another")
    with pytest.raises(tasks.Cancelled):
        tasks.progress(asleep, 0.9, "I was asleep")
    tasks.finish(asleep, "I was asleep.")
    tasks.stop(asleep)
    assert (tasks.fail(asleep, "I was asleep."), tasks.fault(asleep, "abc")) == (False, False)
    assert (found(task).state, found(task).runner, found(task).progress) == ("running", "another", 0.0)
    tasks.finish(mine, "Done.")
    tasks.fail(asleep, "I was asleep.")
    assert (found(task).state, found(task).result, found(task).error) == ("done", "Done.", "")


def test_a_try_says_nothing_about_a_later_try_of_the_same_runner(staff: Staff) -> None:
    task = put()
    first = taken(task)
    tasks.fault(first, "abc")
    taken(task)
    tasks.finish(first, "From the first try.")
    assert (found(task).state, found(task).result) == ("running", "")


def test_only_a_task_that_failed_is_tried_again_and_only_by_whose_it_is(staff: Staff) -> None:
    mine, other = put(by=staff.rep), put(by=staff.lead)
    with pytest.raises(Refused, match=r"is waiting\. Only a job that failed can be tried again"):
        tasks.retry(mine.id, by=staff.rep)
    for task in (mine, other):
        tasks.fail(taken(task), "No file.")
    for task_id in (other.id, "nothing"):
        with pytest.raises(Refused, match="there is no such job of yours"):
            tasks.retry(task_id, by=staff.rep)
    with pytest.raises(Denied):
        tasks.retry(mine.id, by=people.console())
    tasks.retry(mine.id, by=staff.rep)
    tasks.retry(other.id, by=staff.engineer)
    assert [(found(task).state, found(task).error, found(task).ended_at) for task in (mine, other)] == [("waiting", "", None)] * 2
    assert [entry.sentence for entry in audit.newest(by=staff.admin)][:2] == ["Had it tried again: Do train."] * 2


def test_a_parked_task_that_is_tried_again_begins_at_once_and_has_all_its_tries_again(staff: Staff) -> None:
    task = put(by=staff.rep)
    for number in range(5):
        assert tasks.fault(taken(task), "abc") is (number == 4)
    again = tasks.retry(task.id, by=staff.rep)
    assert (again.state, again.faults, again.deaths, again.deaths_alone, again.not_before) == ("waiting", 0, 0, 0, 0.0)
    assert tasks.fault(taken(task), "abc") is False
    assert found(task).tries == 6  # each try keeps a number of its own


def test_a_task_that_waits_is_cancelled_at_once_and_one_that_runs_when_it_next_says_how_far_it_is(staff: Staff) -> None:
    waits, runs, ended = (put(by=staff.rep) for _ in range(3))
    mine = taken(runs)
    tasks.finish(taken(ended), "Done.")
    tasks.progress(mine, 0.1)
    assert [tasks.cancel(task.id, by=staff.rep).state for task in (waits, runs)] == ["cancelled", "running"]
    with pytest.raises(tasks.Cancelled):
        tasks.progress(mine, 0.2)
    tasks.stop(mine)
    assert states(waits, runs) == ["cancelled", "cancelled"] and tasks.take(waits.id, "one") is None
    for task in (waits, runs, ended):
        with pytest.raises(Refused, match=r"Not cancelled: 'Do train' is (cancelled|done)\."):
            tasks.cancel(task.id, by=staff.rep)


def test_nobody_cancels_anothers_task_nor_what_two_people_decided(staff: Staff) -> None:
    theirs, decided = put(by=staff.lead), put(name="carry_out", by=staff.rep)
    with pytest.raises(Refused, match="there is no such job of yours"):
        tasks.cancel(theirs.id, by=staff.rep)
    with pytest.raises(Refused, match="what two people decided is carried out"):
        tasks.cancel(decided.id, by=staff.rep)
    assert states(theirs, decided) == ["waiting", "waiting"]
    assert tasks.cancel(theirs.id, by=staff.admin).state == "cancelled"


def test_each_sees_their_own_tasks_and_engineers_and_admins_all(staff: Staff) -> None:
    made = {person.id: put(by=person).id for person in (staff.rep, staff.lead, staff.other)}
    nobodys = put(by=people.console())
    assert nobodys.person_id is None
    for person in (staff.rep, staff.lead, staff.other):
        assert [task.id for task in tasks.recent(by=person)] == [made[person.id]]
    for person in (staff.engineer, staff.admin, people.console()):
        assert len(tasks.recent(by=person)) == 4
    assert [task.id for task in tasks.recent(by=staff.admin, most=1)] == [nobodys.id]
