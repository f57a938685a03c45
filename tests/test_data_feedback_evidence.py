"""What a product team is shown of a fault, on both engines: counted anew by a search, and honest where little is known."""

from datetime import UTC, date, datetime, timedelta

import pytest

from classifiers import labels
from data import config, conversations, feedback_evidence, store
from data.errors import Denied, Refused
from data.feedback_evidence import Followed, Stretch, difference
from data.measures import Share
from data.tables import Conversation
from tests.conftest import Staff
from tests.feedback_worlds import come, days_of

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)  # a Sunday
DAY = timedelta(days=1)
FIRST = date(2026, 1, 1)


def stretch(k: int, n: int, days: int = 28) -> Stretch:
    return Stretch(FIRST, FIRST + timedelta(days=days - 1), Share(k, n))


# -- before and since ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17, table II, method 10: of p1 - p2, so the later share stands first
        ((48, 80), (56, 70), 0.0524, 0.3339), ((3, 10), (9, 10), 0.1705, 0.8090), ((2, 7), (6, 7), 0.0582, 0.8062),
        ((0, 29), (5, 56), -0.0381, 0.1926), ((0, 20), (0, 10), -0.1611, 0.2775), ((0, 10), (10, 10), 0.6075, 1.0),
    ],
)  # fmt: skip
def test_the_difference_has_the_interval_of_the_textbook(before: tuple[int, int], after: tuple[int, int], low: float, high: float) -> None:
    assert difference(Share(*before), Share(*after)) == pytest.approx((low, high), abs=0.0001)


@pytest.mark.parametrize(
    ("before", "since", "days", "told"),
    [
        ((61, 1000), (20, 1000), 21, "From 6.1\u00a0% to 2.0\u00a0% of conversations in the 21 days since: fewer, surely."),
        ((20, 1000), (61, 1000), 21, "From 2.0\u00a0% to 6.1\u00a0% of conversations in the 21 days since: more, surely."),
        ((61, 1000), (58, 1000), 21, "From 6.1\u00a0% to 5.8\u00a0% of conversations in the 21 days since: that may be chance "
                                     "(−2.4 to +1.8 points)."),
        ((61, 1000), (0, 12), 3, "Cannot be told yet: 0 of 12 conversations in the 3 days since, from 6.1\u00a0% before."),
        ((61, 1000), (1, 1), 1, "Cannot be told yet: 1 of 1 conversation on the first day since, from 6.1\u00a0% before."),
        ((0, 1000), (4, 1000), 28, "Cannot be told yet: 4 of 1,000 conversations in the 28 days since, from 0.0\u00a0% before."),
        ((0, 0), (0, 0), 28, "Cannot be told yet: 0 of 0 conversations in the 28 days since, from 0.0\u00a0% before."),
        ((0, 1000), (40, 1000), 28, "From 0.0\u00a0% to 4.0\u00a0% of conversations in the 28 days since: more, surely."),
        ((61, 1000), (0, 90), 9, "From 6.1\u00a0% to 0.0\u00a0% of conversations in the 9 days since: fewer, surely."),
    ],
)  # fmt: skip
def test_it_says_what_can_be_said_and_no_more(before: tuple[int, int], since: tuple[int, int], days: int, told: str) -> None:
    assert Followed(stretch(*before), stretch(*since, days)).sentence == told


def test_the_days_before_and_since_are_counted_and_the_day_itself_belongs_to_neither(staff: Staff) -> None:
    changed = NOW - 10 * DAY
    days_of(staff.engineer, changed - 28 * DAY, 28, faults=2, others=6)
    come(staff.engineer, changed, faults=7, others=0)
    days_of(staff.engineer, changed + DAY, 9, faults=1, others=9)
    come(staff.engineer, changed - 29 * DAY, faults=9, others=0)  # before the days before
    found = feedback_evidence.of("locker", by=staff.engineer, changed_on=changed.date(), at=NOW).followed
    assert found is not None
    assert (found.before.share, found.since.share, found.since.days) == (Share(56, 224), Share(9, 90), 10)
    assert found.sentence == "From 25.0\u00a0% to 10.0\u00a0% of conversations in the 10 days since: fewer, surely."


@pytest.mark.parametrize("back", [0, -1])
def test_on_the_day_of_the_change_nothing_is_compared_yet(staff: Staff, back: int) -> None:
    come(staff.engineer, NOW - DAY, faults=5, others=5)
    assert feedback_evidence.of("locker", by=staff.engineer, changed_on=NOW.date() - back * DAY, at=NOW).followed is None


def test_what_came_three_months_later_has_other_reasons(staff: Staff) -> None:
    found = feedback_evidence.of("locker", by=staff.engineer, changed_on=NOW.date() - 200 * DAY, at=NOW).followed
    assert found is not None and found.since.days == feedback_evidence.FOLLOWED


# -- how large it is ----------------------------------------------------------------------------------------------------------------------


def test_volume_weeks_customers_and_cost_are_counted(staff: Staff) -> None:
    days_of(staff.engineer, NOW - 27 * DAY, 28, faults=3, others=7)
    days_of(staff.engineer, NOW - 55 * DAY, 28, faults=1, others=9)
    found = feedback_evidence.of("locker", by=staff.engineer, at=NOW)
    assert (found.now.share, found.before.share, found.customers, found.a_week) == (Share(84, 280), Share(28, 280), 84, 21.0)
    assert found.trend == "more" and found.sentence == (
        "84 conversations of the last four weeks are about it: 30.0\u00a0% (24.9–35.6, n\u00a0=\u00a0280), by 84 customers. "
        "More than in the four weeks before (10.0\u00a0%), surely."
    )
    assert [one.share.k for one in found.weeks] == [0] * 5 + [7] * 4 + [21] * 4
    assert (found.weeks[-1].since, found.weeks[-1].until) == (date(2026, 3, 23), date(2026, 3, 29))
    assert found.cost is not None and (found.cost.handled, found.cost.borrowed) == (84, False)
    assert found.cost.hours_a_week == pytest.approx(3.5, rel=0.02) and found.cost.hours_a_year == pytest.approx(182, rel=0.02)


def test_where_too_few_times_are_known_those_of_all_conversations_stand_in_and_it_is_said(staff: Staff) -> None:
    from data import daily

    come(staff.engineer, NOW - 3 * DAY, faults=3, others=0, seconds=None)
    come(staff.engineer, NOW - 2 * DAY, faults=0, others=9, seconds=1200)
    daily.bring_up_to_date(at=NOW)
    cost = feedback_evidence.of("locker", by=staff.engineer, at=NOW).cost
    assert cost is not None and (cost.handled, cost.borrowed) == (3, True) and cost.minutes == pytest.approx(20, rel=0.03)
    assert "the median of all conversations, for too few of these are known" in cost.sentence


def test_where_nothing_is_known_nothing_is_said_of_cost(staff: Staff) -> None:
    come(staff.engineer, NOW - DAY, faults=3, others=1, seconds=None)
    found = feedback_evidence.of("locker", by=staff.engineer, at=NOW)
    assert found.cost is None and found.sentence.endswith("Too few to say whether they grow more.")
    assert feedback_evidence.of("nothing", by=staff.engineer, at=NOW).sentence == (
        "No conversation of the last four weeks is about it, of 4."
    )


def test_each_number_is_of_the_conversations_within_reach_and_what_is_hidden_is_in_none(staff: Staff) -> None:
    come(staff.engineer, NOW - DAY, faults=4, others=4)
    theirs = come(staff.engineer, NOW - DAY, faults=5, others=0, team="Fern")
    for who, expected in ((staff.rep, Share(4, 8)), (staff.other, Share(5, 5)), (staff.engineer, Share(9, 13))):
        assert feedback_evidence.of("locker", by=who, at=NOW).now.share == expected
        assert feedback_evidence.shares(["locker"], by=who, at=NOW) == [expected]
    with store.writing() as db:
        db.get_one(Conversation, theirs[0]).hidden_at = NOW
    assert feedback_evidence.of("locker", by=staff.other, at=NOW).now.share == Share(4, 4)


def test_a_number_opens_as_many_conversations_as_it_says(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_TIME_ZONE", "America/New_York")
    config.reset()
    for hour in range(30):  # over two midnights of New York
        come(staff.engineer, NOW - 60 * DAY + timedelta(hours=hour), faults=1, others=1)
    at = NOW - 58 * DAY
    for one in feedback_evidence.of('locker "stays shut"', by=staff.rep, at=at).weeks[-2:]:
        found = feedback_evidence.filter_of('locker "stays shut"', one.since, one.until)
        assert conversations.counted(found, by=staff.rep) == one.share.k
    config.reset()


def test_an_intent_is_a_search_too(staff: Staff) -> None:
    label = labels.add('Locker "new"', by=staff.lead)
    made = come(staff.engineer, NOW - DAY, faults=4, others=4)
    with store.writing() as db:
        for one in made[:3]:
            db.get_one(Conversation, one).intent_id = label.id
    assert feedback_evidence.shares(['intent:"Locker new"'], by=staff.engineer, at=NOW) == [Share(3, 8)]


# -- what is searched for, and what shows it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "name an intent, or words"), ("-angry", "name an intent, or words"), ("locker before:2026-01-01", "leave before: out"),
        ("locker after:2026-01-01", "leave after: out"), ("intent:nothing", "no intent 'nothing'"), ("colour:red", "no 'colour:'"),
    ],
)  # fmt: skip
def test_what_finds_nothing_from_now_on_is_no_search(staff: Staff, words: str, told: str) -> None:
    with pytest.raises(Refused, match=told):
        feedback_evidence.shares([feedback_evidence.checked(words)], by=staff.engineer)


def test_the_newest_are_proposed_one_a_customer(staff: Staff) -> None:
    old = come(staff.engineer, NOW - 5 * DAY, faults=2, others=1)
    new = come(staff.engineer, NOW - DAY, faults=3, others=1)
    assert feedback_evidence.newest("locker", 4, by=staff.rep, at=NOW) == [*new[::-1], old[1]]
    assert feedback_evidence.newest("locker", 4, by=staff.rep, at=NOW - 2 * DAY) == old[::-1]
    assert feedback_evidence.newest("locker", 4, by=staff.other, at=NOW) == []
    with store.writing() as db:
        for one in new:
            db.get_one(Conversation, one).customer_id = db.get_one(Conversation, new[0]).customer_id
    assert feedback_evidence.newest("locker", 4, by=staff.rep, at=NOW) == [new[2], *old[::-1]]


def test_a_sample_is_one_of_its_conversations_and_within_reach(staff: Staff) -> None:
    made = come(staff.engineer, NOW - DAY, faults=3, others=1)
    others = come(staff.engineer, NOW - 2 * DAY, faults=1, others=0, text="The plant is broken.")
    theirs = come(staff.engineer, NOW - DAY, faults=1, others=0, team="Fern")
    assert feedback_evidence.fitting("locker", [made[2], *others, *theirs, made[0], made[0], "none"], by=staff.rep) == [made[2], made[0]]
    assert feedback_evidence.fitting("locker", [], by=staff.rep) == []


def test_who_may_not_read_counts_nothing(staff: Staff) -> None:
    from data import people

    for ask in (feedback_evidence.of, lambda words, by: feedback_evidence.shares([words], by=by)):
        with pytest.raises(Denied, match="may not read a feedback"):
            ask("locker", by=people.console())
