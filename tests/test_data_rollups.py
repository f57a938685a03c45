"""What one day holds: each measure as a person would count it by hand, in each part that is told apart."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from classifiers import labels
from data import config, defined, reviews, rollups, store, traces
from data.tables import Conversation, Customer, Label, Signal, Trace
from data.values import RUN, SHADOW, Target, new_id
from tests.conftest import Staff
from tests.histories import arrive, change, moved, predicted, ran, scored

DAY = date(2026, 3, 18)
NOON = datetime(2026, 3, 18, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
SETTLED = DAY + timedelta(days=8)


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PORTAL_TIME_ZONE", "Europe/Berlin")
    config.reset()
    yield
    config.reset()


def counted(day: date = DAY, *, today: date = SETTLED, cut: str = "", **where: str) -> dict[str, tuple[int, float]]:
    """Measure -> how many, and their sum; of everybody's."""
    with store.reading() as db:
        found = rollups.of_day(db, day, zone=BERLIN, today=today)
    rows = [dict(zip(rollups.COLUMNS, row, strict=True)) for row in found]
    asked = {"cut": cut, "team_id": "*"} | where
    return {row["measure"]: (row["n"], round(row["sum"], 6)) for row in rows if asked.items() <= row.items()}


def of(name: str, **rest: Any) -> tuple[int, float] | None:
    return counted(**rest).get(name)


def test_a_day_counts_what_a_person_would_count_by_hand(staff: Staff) -> None:
    refund, login = labels.add("Refund", by=staff.lead), labels.add("Sign-in", by=staff.lead)
    talk = (("customer", 0), ("rep", 5))
    made = [
        arrive(number, NOON + timedelta(minutes=number), said=talk, team="Oak", csat=csat, resolved=resolved, handle_seconds=seconds,
               closed_at=(NOON + timedelta(hours=5)).isoformat())
        for number, (csat, resolved, seconds) in enumerate([(5, True, 60), (4, True, 120), (1, False, None), (None, True, 600)])
    ]  # fmt: skip
    for place, label in ((0, refund), (1, refund), (2, None)):
        predicted(made[place], label, NOON)
    predicted(made[0], login, NOON + timedelta(hours=1), target=Target("classifier", "intent", 2))  # said later: the first counts
    predicted(made[3], refund, NOON, mode=SHADOW)
    for place, label, verdict in ((0, refund, "strong"), (1, login, "weak"), (2, refund, "none")):
        reviews.record(made[place], verdict, label_id=label.id, by=staff.rep)
    scored(NOON, 1.0, weight=3.0, message_id=_message(made[0]), conversation_id=made[0])
    scored(NOON, 0.0, weight=1.0, message_id=_message(made[1]), conversation_id=made[1])
    found = counted()
    assert found == {
        "volume": (4, 4.0), "csat": (3, 2.0), "csat_mean": (3, 10.0), "resolution": (4, 3.0), "resolution_check": (2, 1.0),
        "reopen": (4, 0.0), "first_response": (4, 1200.0), "handling": (3, 780.0), "abstention": (3, 1.0), "agreement": (2, 1.0),
        "classified": (2, 2.0), "score: polite": (2, 3.0),
    }  # fmt: skip
    assert counted(day=DAY + timedelta(days=1)) == {}


def _message(conversation_id: str) -> str:
    from sqlmodel import select

    from data.tables import Message

    with store.reading() as db:
        return db.exec(select(Message.id).where(Message.conversation_id == conversation_id, Message.seq == 2)).one()


def test_what_machines_did_counts_by_hand_too(staff: Staff) -> None:
    refund = labels.add("Refund", by=staff.lead)
    by_machine, by_both, drafted, waits = (
        arrive(number, NOON + timedelta(minutes=number), said=says, resolved=True, closed_at=(NOON + timedelta(hours=5)).isoformat())
        for number, says in enumerate(
            ((("customer", 0), ("assistant", 1)), (("customer", 0), ("assistant", 1), ("rep", 9)), (("customer", 0),), (("customer", 0),))
        )
    )
    for one in (by_machine, by_both, drafted, waits):
        predicted(one, refund, NOON)
    moved(ran(by_machine, NOON, ms=250.0, hits=2), 1250, NOON)
    moved(ran(by_both, NOON, state="handed_over", ms=750.0), 999, NOON, state="sent")
    decided = ran(drafted, NOON, said={"reply": "Yes."})
    with store.writing() as db:
        traces.decide(db, db.get_one(Trace, decided.id), "edited", by=staff.rep)
    ran(waits, NOON, state="waiting")
    ran(waits, NOON, mode=RUN, cost=0.25, target=Target("model", "m", 0))  # a call in another run: what it cost counts
    ran(waits, NOON, mode=SHADOW, cost=9.0, hits=9)
    found = counted()
    expected = {
        "containment": (3, 2.0), "escalation": (3, 1.0), "alone": (2, 2.0), "guardrail_hits": (2, 2.0), "latency": (3, 1.4),
        "suggestions_accepted": (1, 0.0), "money: EUR": (1, 12.5), "cost": (1, 0.25), "classified": (4, 4.0), "answered": (3, 3.0),
        "accepted": (3, 3.0), "finished": (3, 3.0), "volume": (4, 4.0),
    }  # fmt: skip
    assert {name: found.get(name) for name in expected} == expected


def test_resolution_is_the_customers_word_else_that_they_stayed_away_for_a_week(staff: Staff) -> None:
    closed = (NOON + timedelta(hours=2)).isoformat()
    arrive(1, NOON, customer="a", resolved=True)
    arrive(2, NOON, customer="b", resolved=False, closed_at=closed)
    assert of("resolution", today=DAY) == of("resolution") == (2, 1.0)
    arrive(3, NOON, customer="c", resolved=False)  # still open: nothing is known before the week is over
    arrive(4, NOON, customer="d")
    arrive(5, NOON, customer="e")
    arrive(6, NOON + timedelta(days=6), customer="e")
    arrive(7, NOON, customer="f")
    arrive(8, NOON + timedelta(days=7, minutes=1), customer="f")
    assert of("resolution", today=SETTLED - timedelta(days=1)) == (2, 1.0)
    assert of("resolution") == (6, 3.0)  # said so: a. stayed away: d, f. Not: b by its word, c said no, e came back
    arrive(9, NOON, customer="g", resolved=True)
    arrive(10, NOON + timedelta(days=1), customer="g")
    assert of("resolution") == (7, 4.0)  # their word counts more than that they came again


def test_how_soon_somebody_answered_is_not_made_up(staff: Staff) -> None:
    arrive(1, NOON, said=(("customer", 0), ("rep", 10)))
    arrive(2, NOON)  # no times were told: the door put them a second apart
    arrive(3, NOON, said=(("customer", 0), ("rep", 10)), channel="voice")
    arrive(4, NOON, said=(("customer", 0),))
    assert of("first_response") == (1, 600.0)


def test_each_part_is_told_apart_and_all_of_them_make_the_whole(staff: Staff) -> None:
    refund = labels.add("Refund", by=staff.lead)
    made = [
        arrive(number, NOON, team=team, channel=channel, language=language, customer=f"c {number}", segment=segment)
        for number, (team, channel, language, segment) in enumerate(
            [
                ("Oak", "chat", "en", "small"),
                ("Oak", "email", "de", "large"),
                ("Fern", "chat", "en", "small"),
                (None, "chat", "en", "small"),
            ]
        )
    ]
    predicted(made[0], refund, NOON)
    ran(made[0], NOON)
    assert of("volume") == (4, 4.0)
    assert [of("volume", team_id=team) for team in (staff.oak.id, staff.fern.id, "")] == [(2, 2.0), (1, 1.0), (1, 1.0)]
    assert of("volume", cut="channel intent", channel="chat", intent_id="") == (2, 2.0)
    assert of("volume", cut="channel intent", channel="chat", intent_id=refund.id) == (1, 1.0)
    assert of("volume", cut="segment", segment="small") == (3, 3.0)
    assert of("volume", cut="language", language="de", team_id=staff.oak.id) == (1, 1.0)
    for version in ("classifier:intent@1", "recipe:refunds@4"):
        assert of("volume", cut="version", version=version) == of("volume", cut="intent version", version=version) == (1, 1.0)
    assert of("escalation", cut="version", version="classifier:intent@1") is None  # it handed nothing over


def test_a_hidden_conversation_is_in_no_figure_and_comes_back_with_all_of_it(staff: Staff) -> None:
    made = arrive(1, NOON, said=(("customer", 0), ("assistant", 1)), csat=5)
    scored(NOON, 1.0, message_id=_message(made), conversation_id=made)
    moved(ran(made, NOON, hits=1), 100, NOON)
    before = counted()
    assert len(before) > 8
    change(Conversation, made, hidden_at=NOON)
    assert counted() == {}
    change(Conversation, made, hidden_at=None)
    assert counted() == before


def test_a_merged_label_is_the_one_that_it_was_merged_into(staff: Staff) -> None:
    old, new = labels.add("Money back", by=staff.lead), labels.add("Refund", by=staff.lead)
    made = arrive(1, NOON)
    predicted(made, old, NOON)
    reviews.record(made, "strong", label_id=new.id, by=staff.engineer)
    assert of("agreement") == (1, 0.0)
    change(Label, old.id, merged_into=new.id)
    assert of("agreement") == (1, 1.0)
    assert of("volume", cut="channel intent", intent_id=new.id) == (1, 1.0)


def test_what_belongs_to_no_conversation_counts_on_its_own_day_and_to_no_team(staff: Staff) -> None:
    moved(ran(None, NOON, ms=100.0), 500, NOON)
    assert counted() == {"latency": (1, 0.1), "money: EUR": (1, 5.0)} == counted(team_id="")
    assert counted(day=DAY - timedelta(days=1)) == {}


def test_it_was_opened_again_if_its_source_or_somebody_said_so(staff: Staff) -> None:
    closed = (NOON + timedelta(hours=2)).isoformat()
    arrive(1, NOON, closed_at=closed, reopened_at=(NOON + timedelta(hours=3)).isoformat())
    made = arrive(2, NOON, closed_at=closed)
    arrive(3, NOON)
    assert of("reopen") == (2, 1.0)
    with store.writing() as db:
        db.add(Signal(conversation_id=made, kind="reopened", source="test", key=new_id(), at=NOON))
    assert of("reopen") == (2, 2.0)


def test_a_segment_is_the_customers(staff: Staff) -> None:
    made = arrive(1, NOON, segment="small")
    with store.reading() as db:
        whose = db.get_one(Conversation, made).customer_id
    change(Customer, whose, segment="large")
    assert of("volume", cut="segment", segment="large") == (1, 1.0)


def test_every_measure_says_in_words_what_it_is() -> None:
    every = [*defined.ALL, defined.grader("polite"), defined.money("EUR")]
    assert len({one.name for one in every}) == len(every) == len({one.title for one in every})
    assert all(one.definition.endswith(".") and len(one.definition) > 20 and one.unit for one in every)
    assert [defined.of(one.name) for one in every] == every


def test_an_unknown_measure_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(Exception, match=r"There is no measure 'fame'\. There are: volume, resolution, "):
        defined.of("fame")
