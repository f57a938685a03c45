"""The numbers of the Quality page: intervals as in the books, weeks as on the calendar, counts as by hand."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats
from sqlalchemy import update
from sqlmodel import col

from classifiers import labels
from data import config, measures, people, predictions, reviews, store
from data.errors import Denied
from data.intake import door
from data.measures import Share
from data.tables import Conversation, Label
from data.values import LIVE, SHADOW, Target, new_id
from tests.conftest import SOAK, Staff
from tests.conversations import canonical

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 3, 16, 12, tzinfo=BERLIN)


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PORTAL_TIME_ZONE", "Europe/Berlin")
    config.reset()
    yield
    config.reset()


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 10), (10, 10), (5, 10), (81, 263), (15, 148), (1, 29), (999, 1000), (40, 40)])
def test_the_interval_is_scipys(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(0.95, "wilson")
    assert Share(k, n).interval == pytest.approx((expected.low, expected.high), abs=1e-6)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
)
def test_the_interval_is_the_one_that_newcombe_printed(k: int, n: int, low: float, high: float) -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    assert Share(k, n).interval == pytest.approx((low, high), abs=5e-5)


@settings(max_examples=1000 if SOAK else 100, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_between_nothing_and_all(pair: tuple[int, int]) -> None:
    share = Share(*pair)
    low, high = share.interval
    assert 0 <= low <= share.value + 1e-12
    assert share.value - 1e-12 <= high <= 1


def test_a_share_of_nothing_says_that_nothing_is_known() -> None:
    assert (Share(0, 0).value, Share(0, 0).interval) == (0.0, (0.0, 1.0))
    assert str(Share(8, 10)) == "80\u00a0% (49–94, n = 10)"
    assert str(Share(800, 1000)) == "80\u00a0% (77–82, n = 1,000)"


def monday(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN).astimezone(UTC)  # type: ignore[arg-type,misc]


def test_a_week_begins_on_monday_at_midnight_where_the_portal_stands() -> None:
    start = monday(2026, 3, 16)
    assert start == datetime(2026, 3, 15, 23, tzinfo=UTC)
    for inside in (start, start + timedelta(days=3), datetime(2026, 3, 22, 23, 59, 59, tzinfo=BERLIN)):
        assert measures.week_of(inside) == start
    assert measures.week_of(start - timedelta(microseconds=1)) == monday(2026, 3, 9)
    assert measures.week_of(start).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("starts", "ends", "hours"),
    [
        ((2026, 3, 23), (2026, 3, 30), 167),
        ((2026, 10, 19), (2026, 10, 26), 169),
        ((2026, 6, 1), (2026, 6, 8), 168),
        ((2025, 12, 29), (2026, 1, 5), 168),
    ],
)
def test_a_week_in_which_the_clocks_change_is_an_hour_shorter_or_longer(starts: tuple[int, ...], ends: tuple[int, ...], hours: int) -> None:
    start, end = monday(*starts), monday(*ends)
    assert end - start == timedelta(hours=hours)
    assert measures.next_week(start) == end
    assert measures.week_of(end - timedelta(seconds=1)) == start
    assert measures.week_of(end) == end


def test_weeks_follow_each_other_without_gap_or_overlap_through_the_years() -> None:
    week, expected = monday(2024, 1, 1), date(2024, 1, 1)
    for _ in range(160):
        assert week.astimezone(BERLIN).date() == expected
        assert week.astimezone(BERLIN).hour == 0
        week, expected = measures.next_week(week), expected + timedelta(days=7)


@settings(max_examples=1000 if SOAK else 100, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))
def test_every_moment_lies_in_its_week(moment: datetime) -> None:
    start = measures.week_of(moment)
    assert start <= moment < measures.next_week(start)
    assert start.astimezone(BERLIN).weekday() == 0


# Weeks of conversations.


def arrive(number: int, opened_at: datetime, team: str | None = "Oak", csat: int | None = None, channel: str = "chat") -> str:
    fields = {"csat": csat} if csat else {}
    made = canonical(number, opened_at=opened_at, team=team, **fields).model_copy(update={"channel": channel})
    return door.receive([made], by=people.console()).ids[0]


def predicted(conversation_id: str, label: Label | None, *, number: int = 1, mode: str = LIVE, at: datetime = MONDAY) -> None:
    row = {
        "id": new_id(), "at": at, "conversation_id": conversation_id, "seq": 1, **Target("classifier", "intent", number).columns(),
        "mode": mode, "label_id": label.id if label else None, "confidence": 0.9, "top": [], "threshold": 0.5, "why": "",
    }  # fmt: skip
    with store.writing() as db:
        predictions.add(db, [row])


def test_a_week_counts_what_a_person_would_count_by_hand(staff: Staff) -> None:
    refund, login = labels.add("Refund", by=staff.lead), labels.add("Sign-in", by=staff.lead)
    made = [arrive(number, MONDAY, csat=csat) for number, csat in enumerate((5, 4, 3, None, 1, None, None, None))]
    for place, label in ((0, refund), (1, refund), (2, refund), (3, None), (4, login), (6, refund)):
        predicted(made[place], label)
    predicted(made[7], refund, mode=SHADOW)  # not live: does not count
    predicted(made[0], login, number=2, at=MONDAY + timedelta(hours=1))  # said later: the first counts
    for place, label in ((0, refund), (1, login), (2, refund), (3, refund), (5, refund), (7, refund)):
        reviews.record(made[place], "strong", label_id=label.id, by=staff.rep)
    reviews.record(made[2], "strong", label_id=login.id, by=staff.lead)  # corrected: the last said counts
    reviews.record(made[4], "strong", by=staff.rep)  # without an intent: nothing to compare
    (week,) = measures.weekly(by=staff.lead, until=MONDAY)
    assert week.starts == monday(2026, 3, 16)
    assert week.volume == 8
    assert week.agreement == Share(1, 3)  # 0 agrees, 1 and 2 do not; 3 was silent, 5 and 7 were not looked at
    assert week.abstained == Share(1, 6)
    assert week.satisfied == Share(2, 4)


def test_a_conversation_belongs_to_the_week_in_which_it_was_opened_where_the_portal_stands(staff: Staff) -> None:
    for number, moment in enumerate(
        (
            datetime(2026, 3, 29, 23, 59, 59, tzinfo=BERLIN),
            datetime(2026, 3, 30, 0, 0, 0, tzinfo=BERLIN),
            datetime(2026, 3, 23, tzinfo=BERLIN),
        )
    ):
        arrive(number, moment)
    weeks = measures.weekly(by=staff.lead, until=datetime(2026, 4, 1, tzinfo=BERLIN))
    assert [(week.starts, week.volume) for week in weeks] == [(monday(2026, 3, 23), 2), (monday(2026, 3, 30), 1)]


def test_weeks_begin_at_midnight_also_where_clocks_differ_by_half_hours(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_TIME_ZONE", "Asia/Kolkata")
    config.reset()
    kolkata = ZoneInfo("Asia/Kolkata")
    for number, moment in enumerate((datetime(2026, 3, 15, 23, 50, tzinfo=kolkata), datetime(2026, 3, 16, 0, 10, tzinfo=kolkata))):
        arrive(number, moment)
    weeks = measures.weekly(by=staff.lead, until=MONDAY)
    assert [(week.starts.astimezone(kolkata).date(), week.volume) for week in weeks] == [(date(2026, 3, 9), 1), (date(2026, 3, 16), 1)]


def test_only_the_weeks_that_were_asked_for_are_shown(staff: Staff) -> None:
    for number in range(5):
        arrive(number, MONDAY + timedelta(weeks=number))
    weeks = measures.weekly(by=staff.lead, weeks=2, until=MONDAY + timedelta(weeks=3))
    assert [week.starts for week in weeks] == [monday(2026, 3, 30), monday(2026, 4, 6)]


def test_each_sees_the_numbers_of_what_they_may_read(staff: Staff) -> None:
    oak, fern = arrive(1, MONDAY, csat=5), arrive(2, MONDAY, team="Fern", csat=1)
    arrive(3, MONDAY, team=None, channel="email")
    label = labels.add("Refund", by=staff.lead)
    for made in (oak, fern):
        predicted(made, label)
        reviews.record(made, "strong", label_id=label.id, by=staff.engineer)

    def volume(by: people.Person, **narrowed: str) -> tuple[int, Share, Share]:
        (week,) = measures.weekly(by=by, until=MONDAY, **narrowed)
        return week.volume, week.agreement, week.satisfied

    assert volume(staff.rep) == volume(staff.lead) == (2, Share(1, 1), Share(1, 1))
    assert volume(staff.other) == (2, Share(1, 1), Share(0, 1))
    assert volume(staff.engineer) == volume(staff.admin) == (3, Share(2, 2), Share(1, 2))
    assert volume(staff.engineer, channel="email") == (1, Share(0, 0), Share(0, 0))
    with pytest.raises(Denied):
        measures.weekly(by=people.console())


def test_what_is_hidden_is_not_counted(staff: Staff) -> None:
    hidden = arrive(1, MONDAY)
    arrive(2, MONDAY)
    with store.writing() as db:
        db.execute(update(Conversation).where(col(Conversation.id) == hidden).values(hidden_at=MONDAY))
    assert [week.volume for week in measures.weekly(by=staff.lead, until=MONDAY)] == [1]


def test_where_nothing_happened_there_are_no_weeks(home: Path, staff: Staff) -> None:
    assert measures.weekly(by=staff.lead) == []
