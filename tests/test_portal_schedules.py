"""What runs by itself: each turn begins once, at its hour in the portal's time zone, whatever the clock does."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from data import approvals, config, connections, people, settings, store, tasks
from data.intake import door
from data.tables import Message, Task
from data.values import now
from evals import brief
from portal import jobs, schedules
from portal.schedules import SCHEDULES, Schedule
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_automations_failures import in_force
from tests.test_data_store import at_once
from tests.test_evals_brief import turn

MORNING = datetime(2026, 1, 15, 7, 30, tzinfo=UTC)  # half past eight in Berlin, on a Thursday


def begun() -> list[str]:
    return sorted(task.name for task in tasks.waiting(1000))


def test_what_is_due_begins_once_and_again_only_at_its_next_turn(home: Path) -> None:
    assert schedules.begin_due(at=MORNING) == 9
    assert begun() == ["back_up", "check_record", "find_patterns", "grade_live", "lapse", "mail", "order_queue", "tidy", "watch_drift"]
    assert schedules.begin_due(at=MORNING) == 0
    assert schedules.begin_due(at=MORNING + timedelta(minutes=29)) == 0
    assert schedules.begin_due(at=MORNING + timedelta(minutes=30)) == 1
    assert schedules.begin_due(at=MORNING + timedelta(days=1)) == 9
    assert len(begun()) == 19


def test_a_worker_that_has_just_begun_leaves_the_nights_chores_for_later(home: Path) -> None:
    assert schedules.begin_due(at=MORNING, nightly=False) == 1 and begun() == ["lapse"]
    assert schedules.begin_due(at=MORNING) == 8


def test_nothing_begins_before_its_hour_and_what_was_missed_begins_later_that_day(home: Path) -> None:
    night = MORNING.replace(hour=1)  # two o'clock in Berlin
    assert schedules.begin_due(at=night) == 5 and begun() == ["find_patterns", "grade_live", "lapse", "order_queue", "watch_drift"]
    assert schedules.begin_due(at=night + timedelta(hours=1)) == 2
    assert begun() == ["check_record", "find_patterns", "grade_live", "lapse", "lapse", "order_queue", "watch_drift"]
    assert schedules.begin_due(at=MORNING.replace(hour=22)) == 4


def test_many_workers_that_look_at_once_begin_each_once(home: Path) -> None:
    for day in range(4):  # until Sunday
        moment = MORNING + timedelta(days=day)
        assert sum(at_once(*[lambda at=moment: schedules.begin_due(at=at)] * 6)) == 9
        assert len(begun()) == 9 * (day + 1)


def without_a_name_for_the_turn(moment: datetime) -> None:
    with store.writing() as db:
        for schedule in SCHEDULES:
            if schedule.key(moment) and schedule.needed():
                tasks.later(db, schedule.task, {}, title=schedule.title, by=None)


def test_a_clock_that_jumps_by_a_day_and_back_begins_no_turn_twice(home: Path) -> None:
    moments = [MORNING + timedelta(days=days) for days in (0, 1, 0, -1, 0, 1)]
    assert [schedules.begin_due(at=moment) for moment in moments] == [9, 9, 0, 9, 0, 0]
    assert len(begun()) == 27
    for moment in moments:  # the control: who only asks the time begins six times six
        without_a_name_for_the_turn(moment)
    assert len(begun()) == 27 + 54


def test_the_mail_goes_at_eight_and_on_mondays_with_the_digest_at_nine(home: Path) -> None:
    [mail] = [one for one in SCHEDULES if one.task == "mail"]
    monday = datetime(2026, 1, 19, tzinfo=UTC)  # in Berlin it is one o'clock
    begins = [next(hour for hour in range(24) if mail.key(monday + timedelta(days=day, hours=hour))) + 1 for day in range(7)]
    assert begins == [9, 8, 8, 8, 8, 8, 8]
    assert mail.key(monday + timedelta(days=1, hours=6, minutes=59)) is None


def test_what_moved_is_said_at_most_each_hour_and_only_where_days_were_counted_since(staff: Staff) -> None:
    assert turns("compute_brief", range(5)) == 0
    turn()
    assert turns("compute_brief", range(5, 20)) == 1
    ended("compute_brief")
    brief.compute(at=now())
    assert turns("compute_brief", range(65, 70)) == 0
    turn(2)
    assert turns("compute_brief", range(70, 80)) == 1, "in this hour none began yet"
    ended("compute_brief")
    assert turns("compute_brief", range(80, 89)) == 0, "one an hour"


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


def turns(name: str, moments: range) -> int:
    """How often it began in these minutes, looked at each minute."""
    before = begun().count(name)
    for minute in moments:
        schedules.begin_due(at=MORNING.replace(hour=1) + timedelta(minutes=minute))
    return begun().count(name) - before


def ended(name: str) -> None:
    for task in tasks.waiting(1000):
        if task.name == name and (taken := tasks.take(task.id, "here")):
            tasks.finish(taken, "Done.")


def test_help_desks_are_asked_every_five_minutes_once_one_is_connected_and_the_last_pull_has_ended(staff: Staff) -> None:
    assert turns("pull", range(12)) == 0
    proposal = connections.propose_help_desk("zendesk", "https://x.example", "a@x.example", "key", why="x", by=staff.engineer)
    approvals.approve(proposal.id, by=staff.admin)
    with store.writing():
        settings.carry_out(proposal.id, "change_connection")
    assert turns("pull", range(15, 40)) == 1  # the first one may take an hour
    for minute in (40, 45, 50):
        ended("pull")
        assert turns("pull", range(minute, minute + 5)) == 1


def test_texts_are_encoded_once_somebody_wrote_and_the_last_run_has_ended(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "QUIET_FOR", 0.0)
    assert turns("encode", range(12)) == 0
    door.receive([canonical(1)], by=people.console())
    folder = config.folder("encoder")
    assert turns("encode", range(30, 42)) == 1
    ended("encode")
    with store.reading() as db:
        last = db.exec(select(Message.id).order_by(col(Message.id).desc())).first()
    (folder / "cursor.json").write_text(json.dumps({"encoder": "x", "day": "2026-01-15", "after": last}))
    assert turns("encode", range(45, 57)) == 0  # it has come that far
    door.receive([canonical(2)], by=people.console())
    assert turns("encode", range(60, 72)) == 1
    ended("encode")
    (folder / "cursor.json").write_text("{ cut off")
    assert turns("encode", range(75, 80)) == 1


def test_it_is_asked_why_runs_failed_each_minute_once_a_recipe_is_in_force(staff: Staff) -> None:
    assert turns("find_causes", range(5)) == 0
    in_force(staff)
    assert turns("find_causes", range(10, 15)) == 1  # the first one has not ended
    for minute in (20, 21):
        ended("find_causes")
        assert turns("find_causes", range(minute, minute + 1)) == 1
