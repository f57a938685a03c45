"""Runners are judged by their beats and the watcher's own clock, so no time of day ends a task or leaves one stuck."""

import random
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from data import audit, config, store, tasks
from data.errors import Misuse
from data.tables import AuditEntry, Runner, Task
from data.values import new_id, now
from portal import runner
from portal.runner import SILENT_AFTER, Watch
from tests.conftest import SOAK, Staff

DAY = timedelta(days=1)


def put() -> Task:
    with store.writing() as db:
        return tasks.later(db, "train", {}, title="Train", by=None)


def busy(name: str = "worker 1") -> tuple[Runner, Task]:
    """A runner with a task in its hands."""
    one, task = tasks.start_runner(name, "here"), put()
    taken = tasks.take(task.id, one.id)
    assert taken is not None
    return one, taken


def state(task: Task) -> str:
    found = tasks.get(task.id)
    assert found is not None
    return found.state


class Watcher:
    """Looks every two seconds of its own clock, and beats itself."""

    def __init__(self, clock: float = 1000.0) -> None:
        self.me = tasks.start_runner("watcher", "here")
        self.watch, self.clock = Watch(self.me.id), clock

    def look(self, seconds: float = SILENT_AFTER + 3, *beating: Runner, beats: bool = True) -> int:
        """How many tasks it gave back in the seconds, in which these others beat."""
        returned, end = 0, self.clock + seconds
        while self.clock < end:
            for one in [*beating, *([self.me] if beats else [])]:
                tasks.beat(one.id)
            returned += self.watch.bury_the_silent(self.clock)
            self.clock += 2
        return returned


def test_a_runner_that_does_not_beat_is_buried_and_one_that_beats_is_not(home: Path) -> None:
    (_, lost), (living, kept) = busy("worker 1"), busy("worker 2")
    watcher = Watcher()
    assert watcher.look(SILENT_AFTER, living) == 0
    assert watcher.look(3, living) == 1
    assert (state(lost), state(kept)) == ("waiting", "running")
    assert [one.id for one in tasks.living_runners()] == [living.id, watcher.me.id]
    assert watcher.look() == 1 and state(kept) == "waiting"


def test_a_watcher_that_just_came_has_to_see_the_silence_itself(home: Path) -> None:
    """However long its clock has run already, and whatever it says."""
    _, task = busy()
    for clock in (0.0, 1e9):
        assert Watcher(clock).look(SILENT_AFTER) == 0
    assert state(task) == "running"


def test_a_watcher_that_cannot_beat_itself_buries_nobody(home: Path) -> None:
    """The database is locked for a minute: nobody can write a beat. Nobody is dead."""
    living, task = busy()
    watcher = Watcher()
    assert watcher.look(60, beats=False) == 0
    assert watcher.look(10) == 0
    assert watcher.look(10, living) == 0
    assert state(task) == "running"
    assert watcher.look() == 1  # the control: a silence that the watcher does not share


def test_a_watcher_that_could_not_look_begins_anew(home: Path) -> None:
    """All were frozen together: the first that wakes up does not bury the others."""
    _, task = busy()
    watcher = Watcher()
    for _ in range(10):
        assert watcher.look(2) == 0
        watcher.clock += 60
    assert state(task) == "running"
    assert watcher.look() == 1


def test_a_watcher_does_not_bury_itself(home: Path) -> None:
    watcher, task = Watcher(), put()
    assert tasks.take(task.id, watcher.me.id) is not None
    assert (watcher.look(100, beats=False), watcher.look(100), state(task)) == (0, 0, "running")


def test_of_several_watchers_one_gives_the_tasks_back(home: Path) -> None:
    _, task = busy()
    me = tasks.start_runner("watcher", "here")
    watches, returned = [Watch(me.id) for _ in range(3)], []
    for second in range(0, 20, 2):
        tasks.beat(me.id)
        returned += [watch.bury_the_silent(float(second)) for watch in watches]
    assert sum(returned) == 1
    found = tasks.get(task.id)
    assert found is not None and found.deaths == 1


def test_a_runner_whose_machine_slept_is_watched_again_from_its_next_beat(home: Path) -> None:
    sleeper, _ = busy()
    watcher = Watcher()
    assert watcher.look() == 1
    assert [one.id for one in tasks.living_runners()] == [watcher.me.id]
    tasks.beat(sleeper.id)
    task = put()
    assert tasks.take(task.id, sleeper.id) is not None
    assert watcher.look(SILENT_AFTER) == 0
    assert watcher.look() == 1 and state(task) == "waiting"


def moved(jump: timedelta, *rows: Runner | Task) -> None:
    """As if the clock had shown another time when they were written."""
    with store.writing() as db:
        for row in rows:
            db.execute(update(type(row)).where(col(type(row).id) == row.id).values(at=row.at + jump))


def gone_by_the_time_of_day() -> list[str]:
    """The control: who judges by the time of day."""
    return [one.id for one in tasks.living_runners() if (now() - one.at).total_seconds() > SILENT_AFTER]


def test_a_time_of_day_that_jumps_by_a_day_ends_no_task_and_leaves_none_stuck(home: Path) -> None:
    chance, count, misjudged = random.Random(1), 100 if SOAK else 10, 0
    for _ in range(count):
        (living, kept), (dead, lost) = busy("worker 1"), busy("worker 2")
        watcher = Watcher(chance.uniform(0, 1e6))
        moved(chance.choice((DAY, -DAY)), living, kept, dead, lost, watcher.me)
        misjudged += gone_by_the_time_of_day() != [dead.id]
        assert watcher.look(SILENT_AFTER + 3, living) == 1
        assert (state(kept), state(lost)) == ("running", "waiting")
        tasks.end_runner(living.id)
        assert {kept.id, lost.id} <= {task.id for task in tasks.waiting(1000)}
        tasks.end_runner(watcher.me.id)
    assert misjudged == count


def test_ids_and_the_record_keep_their_order_whatever_the_time_of_day_says(staff: Staff) -> None:
    count, chance = (1000 if SOAK else 100), random.Random(2)
    before, ids = audit.head()[0], set()
    for number in range(count):
        moment = now() + chance.choice((DAY, -DAY, timedelta(0)))
        ids.add(new_id(moment))
        with store.writing() as db:
            audit.record(db, staff.rep, "noted", "note", str(number), f"Noted {number}.", at=moment)
    assert len(ids) == count
    with store.reading() as db:
        entries = list(db.exec(select(AuditEntry).where(AuditEntry.number > before).order_by(AuditEntry.number)))
    assert [entry.noun_id for entry in entries] == [str(number) for number in range(count)]
    assert audit.broken() is None
    assert [entry.at for entry in entries] != sorted(entry.at for entry in entries)  # the control: the times alone would tell another order


def test_ids_of_later_moments_stand_behind_and_those_of_one_moment_in_the_order_of_their_making() -> None:
    moment = now()
    made = [new_id(moment + step * timedelta(milliseconds=1)) for step in (-86_400_000, -1, 0, 0, 0, 1, 86_400_000)]
    assert made == sorted(made) and len(set(made)) == 7


def test_each_process_takes_a_place_of_its_own_and_the_next_one_takes_it_when_it_is_free(home: Path) -> None:
    with runner.living("worker") as first, runner.living("worker") as second, runner.living("command") as other:
        assert [one.name for one in (first, second, other)] == ["worker 1", "worker 2", "command 1"]
        assert {one.machine for one in (first, second, other)} == {runner.machine()}
        assert len(tasks.living_runners()) == 3
    assert tasks.living_runners() == []
    with runner.living("worker") as again:
        assert again.name == "worker 1" and again.id != first.id


def test_there_are_so_many_places_and_no_more(home: Path) -> None:
    held = [runner._take_place("worker") for _ in range(runner.MOST_PLACES)]
    with pytest.raises(Misuse, match=r"^16 of kind 'worker' already run on .*\. Stop one first\.$"), runner.living("worker"):
        pass
    for _, lock in held:
        lock.close()
    with runner.living("worker") as one:
        assert one.name == "worker 1"


def test_a_runner_that_ends_with_an_error_gives_its_tasks_back(home: Path) -> None:
    task = put()
    with pytest.raises(ZeroDivisionError), runner.living("worker") as me:
        assert tasks.take(task.id, me.id) is not None
        raise ZeroDivisionError
    assert state(task) == "waiting" and tasks.living_runners() == []


def test_a_home_keeps_its_own_name_also_after_the_first_try_to_write_it_was_cut_off(home: Path) -> None:
    (config.folder("") / "machine.id").touch()
    name = runner.machine()
    assert len(name) == 16 and runner.machine() == name
