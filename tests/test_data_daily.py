"""What the days held is kept current: whatever happens, in whatever order, it equals what a rebuild counts, row for row."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, text
from sqlmodel import select

from data import config, daily, people, rollups, store
from data.intake import door
from data.tables import Conversation, Daily, Due, Position
from tests.conftest import SOAK, Staff
from tests.conversations import canonical
from tests.histories import History, arrive, change, predicted, ran
from tests.test_data_store import at_once

STARTS = datetime(2026, 3, 20, tzinfo=UTC)  # the clocks change on the 29th
LATER = STARTS + timedelta(days=14)


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def stand_in(zone: str) -> None:
        monkeypatch.setenv("PORTAL_TIME_ZONE", zone)
        config.reset()

    stand_in("Europe/Berlin")
    yield stand_in
    config.reset()


def rows() -> list[tuple[Any, ...]]:
    columns = [getattr(Daily, name) for name in rollups.COLUMNS]
    with store.reading() as db:
        return sorted(tuple(row) for row in db.execute(select(*columns)))


def counted_from_nothing(at: datetime) -> list[tuple[Any, ...]]:
    with store.writing() as db:
        for table in (Daily, Due, Position):
            db.execute(delete(table))
    daily.rebuild(at=at)
    return rows()


@pytest.mark.parametrize("seed", range(40 if SOAK else 2))
def test_whatever_happens_the_days_are_as_a_rebuild_would_count_them(
    staff: Staff, seed: int, berlin: Callable[[str], None]
) -> None:  # fmt: skip
    rng = random.Random(seed)
    history, moment = History(staff, rng, STARTS), LATER
    for number in range(120 if SOAK else 45):
        history.step()
        if rng.random() < 0.2:
            moment += timedelta(hours=rng.choice([0, 1, 30]))
            daily.bring_up_to_date(at=moment)
        if number == 25:
            berlin(rng.choice(["Asia/Kathmandu", "America/New_York"]))
    daily.bring_up_to_date(at=moment)
    kept = rows()
    assert not daily.anything_due(at=moment)
    assert kept == counted_from_nothing(moment)
    assert len(kept) > 150 and len({row[2] for row in kept}) > 10  # measures


CHANGES = {
    "csat": lambda made, _: change(Conversation, made, csat=2),
    "hidden": lambda made, _: change(Conversation, made, hidden_at=LATER),
    "another day": lambda made, _: change(Conversation, made, opened_at=STARTS + timedelta(days=5)),
    "a prediction": lambda made, _: predicted(made, None, LATER),
    "a run": lambda made, _: ran(made, LATER),
}


@pytest.mark.parametrize("what", CHANGES)
def test_each_change_makes_its_day_due_and_a_change_that_nobody_noticed_would_be_seen(staff: Staff, what: str) -> None:
    """The control stands in the same test: what the triggers wrote is thrown away, and then the days differ from a rebuild."""
    made = [arrive(number, STARTS + timedelta(hours=number), csat=5) for number in (1, 2)]
    daily.bring_up_to_date(at=LATER)
    assert not daily.anything_due(at=LATER)
    CHANGES[what](made[0], staff)
    assert daily.anything_due(at=LATER)
    daily.bring_up_to_date(at=LATER)
    kept = rows()
    assert kept == counted_from_nothing(LATER)
    CHANGES[what](made[1], staff)
    with store.writing() as db:
        db.execute(delete(Due))
    daily.bring_up_to_date(at=LATER)
    unnoticed = rows()
    assert unnoticed == kept != counted_from_nothing(LATER)


def resolved(day: date) -> list[tuple[int, float]]:
    with store.reading() as db:
        query = select(Daily.n, Daily.sum).where(
            Daily.day == day.toordinal(), Daily.measure == "resolution", Daily.cut == "", Daily.team_id == "*"
        )
        return [tuple(row) for row in db.exec(query)]


def test_whoever_comes_back_a_week_later_changes_the_day_on_which_they_were_first_here(staff: Staff) -> None:
    first = date(2026, 3, 20)
    arrive(1, STARTS + timedelta(hours=10), customer="Jo", resolved=None)
    arrive(2, STARTS + timedelta(hours=11), customer="Al", resolved=None)
    daily.bring_up_to_date(at=STARTS + timedelta(days=2))
    assert resolved(first) == []  # nobody knows yet
    assert daily.anything_due(at=STARTS + timedelta(days=8, hours=12))
    daily.bring_up_to_date(at=STARTS + timedelta(days=8, hours=12))
    assert resolved(first) == [(2, 2.0)]
    arrive(3, STARTS + timedelta(days=6), customer="Jo", resolved=None)
    daily.bring_up_to_date(at=STARTS + timedelta(days=8, hours=13))
    assert resolved(first) == [(2, 1.0)]
    change(Conversation, _id_of(3), opened_at=STARTS + timedelta(days=7, hours=11))  # an hour too late to be a return
    daily.bring_up_to_date(at=STARTS + timedelta(days=8, hours=14))
    assert resolved(first) == [(2, 2.0)]


def _id_of(number: int) -> str:
    with store.reading() as db:
        return db.exec(select(Conversation.id).where(Conversation.external_id == str(number))).one()


def test_a_great_change_is_looked_at_by_the_day_and_counts_the_same(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daily, "MANY", 10)
    door.receive([canonical(n, opened_at=STARTS + timedelta(hours=7 * n)) for n in range(30)], by=people.console(), classify=False)
    daily.bring_up_to_date(at=LATER)
    door.receive([canonical(n, opened_at=STARTS + timedelta(hours=5 * n)) for n in range(20, 45)], by=people.console(), classify=False)
    counted = daily.bring_up_to_date(at=LATER)
    assert counted.days > 5
    assert rows() == counted_from_nothing(LATER)


def test_what_changes_while_a_day_is_counted_is_due_again(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    made = arrive(1, STARTS, csat=5)
    whole, ratings = rollups.of_day, iter((4, 3, 2, 1))

    def and_then_somebody_rates(*args: Any, **kwargs: Any) -> Any:
        found = whole(*args, **kwargs)
        change(Conversation, made, csat=next(ratings))
        return found

    monkeypatch.setattr(rollups, "of_day", and_then_somebody_rates)
    daily.bring_up_to_date(at=LATER)
    monkeypatch.setattr(rollups, "of_day", whole)
    assert daily.anything_due(at=LATER)
    daily.bring_up_to_date(at=LATER)
    assert rows() == counted_from_nothing(LATER)


def test_days_that_are_counted_while_others_write_end_as_a_rebuild_counts_them(staff: Staff) -> None:
    made = [arrive(number, STARTS + timedelta(hours=5 * number)) for number in range(12)]

    def rate(first: int) -> None:
        for number in range(30):
            change(Conversation, made[(first + number) % 12], csat=1 + (first + number) % 5)

    def count() -> None:
        for _ in range(4):
            daily.bring_up_to_date(at=LATER)

    at_once(count, lambda: rate(0), count, lambda: rate(5))
    daily.bring_up_to_date(at=LATER)
    assert rows() == counted_from_nothing(LATER)


def test_a_kill_while_a_day_is_counted_loses_nothing(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        arrive(number, STARTS + timedelta(days=number))
    whole, left = daily._replace, [2]

    def cut_off(*args: Any) -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        whole(*args)

    monkeypatch.setattr(daily, "_replace", cut_off)
    with pytest.raises(KeyboardInterrupt):
        daily.bring_up_to_date(at=LATER)
    monkeypatch.setattr(daily, "_replace", whole)
    assert daily.anything_due(at=LATER) and len({row[0] for row in rows()}) == 1
    assert daily.bring_up_to_date(at=LATER).days == 3
    assert rows() == counted_from_nothing(LATER)


def test_days_are_those_of_the_portals_time_zone(staff: Staff, berlin: Callable[[str], None]) -> None:
    arrive(1, datetime(2026, 3, 20, 23, 30, tzinfo=UTC))  # half past midnight in Berlin, the evening before in New York
    daily.bring_up_to_date(at=LATER)
    assert {date.fromordinal(row[0]) for row in rows()} == {date(2026, 3, 21)}
    assert not daily.anything_due(at=LATER)
    berlin("America/New_York")
    assert daily.anything_due(at=LATER)
    daily.bring_up_to_date(at=LATER)
    assert {date.fromordinal(row[0]) for row in rows()} == {date(2026, 3, 20)}


def test_other_ways_to_count_are_told_by_a_number_and_count_every_day_anew(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    arrive(1, STARTS)
    daily.bring_up_to_date(at=LATER)
    monkeypatch.setattr(rollups, "FORM", rollups.FORM + 1)
    assert daily.anything_due(at=LATER)
    assert daily.bring_up_to_date(at=LATER).days == 1


def test_an_empty_portal_has_nothing_due_and_one_that_stands_still_neither(home: Any) -> None:
    assert not daily.anything_due(at=LATER)
    assert daily.bring_up_to_date(at=LATER).sentence == "No day had changed."
    arrive(1, STARTS)
    assert daily.bring_up_to_date(at=LATER).sentence.startswith("1 day was counted anew: ")
    assert not daily.anything_due(at=LATER)


def test_a_rebuild_from_a_day_on_leaves_the_days_before(staff: Staff) -> None:
    for number in range(4):
        arrive(number, STARTS + timedelta(days=number))
    daily.bring_up_to_date(at=LATER)
    with store.writing() as db:
        db.execute(text("UPDATE daily SET n = 77"))
    daily.rebuild(since=date(2026, 3, 22), at=LATER)
    assert {row[0] for row in rows() if row[9] == 77} == {date(2026, 3, day).toordinal() for day in (20, 21)}


def test_a_day_is_as_long_as_its_zone_says() -> None:
    from data import days

    lengths = {day: (lambda pair: (pair[1] - pair[0]).seconds // 3600 or 24)(days.bounds(date(2026, 3, day), ZoneInfo("Europe/Berlin")))
               for day in (28, 29, 30)}  # fmt: skip
    assert lengths == {28: 24, 29: 23, 30: 24}
