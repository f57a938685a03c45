"""What runs by itself: each turn begins once, at its hour in the portal's time zone, whatever the clock does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from data import store, tasks
from data.tables import Task
from portal import jobs, schedules
from portal.schedules import SCHEDULES, Schedule
from tests.test_data_store import at_once

MORNING = datetime(2026, 1, 15, 6, 30, tzinfo=UTC)  # half past seven in Berlin


def begun() -> list[str]:
    return sorted(task.name for task in tasks.waiting(1000))


def test_what_is_due_begins_once_and_again_only_at_its_next_turn(home: Path) -> None:
    assert schedules.begin_due(at=MORNING) == 5
    assert begun() == ["back_up", "check_record", "lapse", "mail", "tidy"]
    assert schedules.begin_due(at=MORNING) == 0
    assert schedules.begin_due(at=MORNING + timedelta(minutes=29)) == 0
    assert schedules.begin_due(at=MORNING + timedelta(minutes=30)) == 1
    assert schedules.begin_due(at=MORNING + timedelta(days=1)) == 5
    assert len(begun()) == 11


def test_nothing_begins_before_its_hour_and_what_was_missed_begins_later_that_day(home: Path) -> None:
    night = MORNING.replace(hour=1)  # two o'clock in Berlin
    assert schedules.begin_due(at=night) == 1 and begun() == ["lapse"]
    assert schedules.begin_due(at=night + timedelta(hours=1)) == 2 and begun() == ["check_record", "lapse", "lapse"]
    assert schedules.begin_due(at=MORNING.replace(hour=22)) == 4


def test_many_workers_that_look_at_once_begin_each_once(home: Path) -> None:
    for day in range(5):
        moment = MORNING + timedelta(days=day)
        assert sum(at_once(*[lambda at=moment: schedules.begin_due(at=at)] * 6)) == 5
        assert len(begun()) == 5 * (day + 1)


def without_a_name_for_the_turn(moment: datetime) -> None:
    with store.writing() as db:
        for schedule in SCHEDULES:
            if schedule.key(moment):
                tasks.later(db, schedule.task, {}, title=schedule.title, by=None)


def test_a_clock_that_jumps_by_a_day_and_back_begins_no_turn_twice(home: Path) -> None:
    moments = [MORNING + timedelta(days=days) for days in (0, 1, 0, -1, 0, 1)]
    assert [schedules.begin_due(at=moment) for moment in moments] == [5, 5, 0, 5, 0, 0]
    assert len(begun()) == 15
    for moment in moments:  # the control: who only asks the time begins six times five
        without_a_name_for_the_turn(moment)
    assert len(begun()) == 15 + 30


def test_each_day_has_each_hour_once_also_when_the_clocks_change() -> None:
    """In Berlin the hour from two to three is left out on 29 March 2026 and comes twice on 25 October."""
    for month, day in ((3, 29), (10, 25)):
        start = datetime(2026, month, day - 1, 22, tzinfo=UTC)
        for schedule in [*SCHEDULES, Schedule("at two", "It is two", hour=2)]:
            if schedule.hour is not None:
                keys = {schedule.key(start + timedelta(minutes=step)) for step in range(0, 36 * 60, 10)}
                assert f"{schedule.task} 2026-{month:02}-{day:02}" in keys


def test_each_that_runs_by_itself_is_a_job_and_nobodys(home: Path) -> None:
    schedules.begin_due(at=MORNING)
    waiting: list[Task] = tasks.waiting()
    assert {task.name for task in waiting} <= set(jobs.JOBS)
    assert {task.person_id for task in waiting} == {None}
