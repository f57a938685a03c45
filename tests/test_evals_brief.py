"""The three sentences: what moved most, why, what it needs; for whom, from which days, and when they are computed again."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import delete, insert, select
from sqlmodel import col

from data import behind, daily, store, trends, versions
from data.errors import Denied
from data.tables import Briefing, Daily, Pattern, Person, Position, Proposal
from data.trends import EVERYBODYS
from evals import brief
from tests.conftest import Staff
from tests.test_evals_markers import REFUNDS, live
from tests.test_evals_parts import Cell
from tests.test_evals_why import SINCE, refunds_in_chat_since, stored

NOW = datetime.combine(SINCE + timedelta(days=7), datetime.min.time(), UTC) + timedelta(hours=9)
UNTIL = SINCE + timedelta(days=6)


def volume(staff: Staff, *, n: int = 600, days: int = 35, until: date = UNTIL) -> None:
    """As many conversations as are known to be resolved or not."""
    rest = dict.fromkeys(("channel", "intent_id", "segment", "language", "version"), "")
    sums = {EVERYBODYS: 2 * n, staff.oak.id: n, staff.fern.id: n}
    held = [
        {"day": until.toordinal() - back, "cut": "", "measure": "volume", "team_id": team, **rest, "n": many, "weight": many,
         "weight_sq": many, "sum": many, "sum_sq": many, "sketch": None}
        for back, (team, many) in product(range(days), sums.items())
    ]  # fmt: skip
    with store.writing() as db:
        db.execute(delete(Daily).where(col(Daily.measure) == "volume"))
        db.execute(insert(Daily), held)


def counted(staff: Staff, off: Callable[[date, Cell], float]) -> dict[str, str]:
    intents = stored(staff, off)
    volume(staff)
    turn()
    return intents


def turn(turns: int = 1) -> None:
    """Days were counted so often."""
    with store.writing() as db:
        place = db.execute(select(Position).where(col(Position.name) == daily.TURNS)).scalar() or Position(name=daily.TURNS, value={})
        place.value = {"turns": turns}
        db.add(place)


def newest(by: Person) -> brief.Brief:
    found = brief.newest(by=by)
    assert found is not None
    return found


def test_a_lead_reads_what_fell_after_which_release_and_which_ten_conversations_to_read(staff: Staff) -> None:
    intents = counted(staff, refunds_in_chat_since(SINCE + timedelta(days=2)))
    with store.writing() as db:
        made = [versions.add(db, "recipe", "refunds", by=staff.lead, manifest={}, body=REFUNDS | {"trigger": {"intent": "refunds"}})
                for _ in range(4)]  # fmt: skip
    live(staff, versions.target_of(made[-1]), datetime.combine(SINCE, datetime.min.time(), UTC) + timedelta(hours=9))
    assert brief.compute(at=NOW) == "3 groups looked at; something moved for 3."
    told = newest(staff.lead)
    assert told.moved.startswith("Resolved fell ") and told.moved.endswith(f", {behind.span(SINCE, UNTIL)} beside the four weeks before.")
    assert "refunds in chat: 80 →" in told.why and told.why.endswith("It began 2 days after release 4 of 'refunds' went live.")
    assert (told.measure, told.since, told.until) == ("resolution", SINCE, UNTIL)
    assert told.of == trends.Slice(intent=intents["refunds"], channel="chat")
    whole = trends.amount("resolution", by=staff.lead, since=SINCE, until=UNTIL, of=told.of)
    many = whole.n - round(whole.sum)
    assert told.needs == (
        f"Read ten of the {many:,} conversations about 'refunds' in chat that were not resolved; if they show the same fault, "
        "take release 4 of 'refunds' back."
    )
    read, release = told.steps
    assert behind.read(read.query) == behind.Behind("resolution", SINCE, UNTIL, told.of, counted=False) and read.page == "conversations"
    assert (release.label, release.page, release.query) == ("Open 'refunds' 4", "automations", {"recipe": "refunds"})


def test_without_a_candidate_it_says_so_and_asks_for_flags(staff: Staff) -> None:
    counted(staff, refunds_in_chat_since(SINCE))
    brief.compute(at=NOW)
    told = newest(staff.engineer)
    assert told.why.endswith("No release, article, rule or incident came at that time.")
    assert told.needs.endswith("flag them: they become the cases that the next release has to pass.") and len(told.steps) == 1


def test_good_news_needs_nothing_to_be_taken_back(staff: Staff) -> None:
    counted(staff, lambda day, cell: 0.15 * (day >= SINCE and cell[0] == "orders"))
    brief.compute(at=NOW)
    told = newest(staff.engineer)
    assert told.moved.startswith("Resolved rose ") and "keep what makes it better" in told.needs and "back" not in told.needs
    mark = behind.read(told.steps[0].query)
    assert mark is not None and mark.counted is True


def test_of_another_team_nobody_reads_anything(staff: Staff) -> None:
    counted(staff, lambda day, cell: -0.4 * (day >= SINCE and cell[2] == "theirs"))
    brief.compute(at=NOW)
    assert newest(staff.lead).measure == newest(staff.rep).measure == "" and newest(staff.other).measure == "resolution"
    assert newest(staff.engineer).measure == "resolution", "who sees all reads of all"
    with pytest.raises(Denied):
        brief.newest(by=Person(name="x", email="x@example.com", role="none"))
    with store.reading() as db:
        assert set(db.execute(select(col(Briefing.whose))).scalars()) == {EVERYBODYS, staff.oak.id, staff.fern.id}


def test_a_calm_week_says_how_much_could_have_been_seen_and_what_to_do_instead(staff: Staff) -> None:
    counted(staff, lambda day, cell: 0.0)
    brief.compute(at=NOW)
    told = newest(staff.lead)
    assert told.moved.startswith("Nothing moved beyond what weeks differ by: 1 measure over 4,200 conversations, ")
    assert "'Resolved' is at 80" in told.why and "would have been found 8 times in 10" in told.why
    assert (told.measure, told.needs, told.steps) == ("", "It needs nothing today.", ())


def test_where_weeks_differ_too_much_it_does_not_say_that_more_than_all_could_be_seen(staff: Staff) -> None:
    counted(staff, lambda day, cell: -0.75 * (day.toordinal() % 28 < 7))
    brief.compute(at=NOW)
    told = newest(staff.lead)
    assert told.moved.startswith("Nothing moved") and told.why.endswith("hardly any change could have been told from that.")


def test_what_waits_comes_before_gaps_and_is_led_to(staff: Staff) -> None:
    counted(staff, lambda day, cell: 0.0)
    with store.writing() as db:
        db.add(Pattern(kind="gap", name="x", phrases=[], conversation_ids=[], signature={}, size=41, customers=30, sentence="x",
                       first_at=NOW, last_at=NOW, seen_at=NOW))  # fmt: skip
    brief.compute(at=NOW)
    assert newest(staff.lead).needs == "1 gap is open, the largest with 41 questions that no article answers: write that article."
    assert [one.page for one in newest(staff.lead).steps] == ["gaps"] and newest(staff.admin).steps == (), "an admin opens no gaps"
    for team, days in ((staff.fern.id, 5), (None, 2)):
        with store.writing() as db:
            db.add(Proposal(kind="grant_role", title="x", payload={}, payload_sha="x", proposer_id=staff.rep.id, authors=[], why="x",
                            evidence={}, lapses_at=NOW + timedelta(days=9), team_id=team, at=NOW - timedelta(days=days)))  # fmt: skip
    brief.compute(at=NOW)
    assert newest(staff.lead).needs == "1 decision waits, the oldest for 2 days: decide on it."
    assert newest(staff.other).needs == "2 decisions wait, the oldest for 5 days: decide on it."


def test_few_conversations_are_too_few_to_tell(staff: Staff) -> None:
    counted(staff, refunds_in_chat_since(SINCE))
    volume(staff, n=3)
    brief.compute(at=NOW)
    told = newest(staff.lead)
    assert told.moved == f"21 conversations came {behind.span(SINCE, UNTIL)}: too few to tell whether anything moved."
    volume(staff, n=1, days=1, until=UNTIL - timedelta(days=40))
    brief.compute(at=NOW)
    assert newest(staff.lead).moved.startswith("No conversation came ")


def test_where_it_is_known_a_week_later_whether_customers_came_back_the_week_before_is_compared(staff: Staff) -> None:
    counted(staff, lambda day, cell: 0.0)
    eyes = brief.eyes(EVERYBODYS)
    assert brief.last_known("resolution", by=eyes, at=NOW) == UNTIL, "nearly all are known at once"
    assert brief.last_known("csat", by=eyes, at=NOW) == UNTIL
    assert brief.last_known("reopen", by=eyes, at=NOW) == UNTIL - timedelta(days=8)
    with store.writing() as db:
        db.execute(delete(Daily).where(col(Daily.measure) == "resolution", col(Daily.day) == UNTIL.toordinal()))
    assert brief.last_known("resolution", by=eyes, at=NOW) == UNTIL - timedelta(days=8)


def test_it_is_computed_again_after_days_were_counted_and_on_each_new_day(staff: Staff) -> None:
    assert not brief.is_stale(at=NOW), "nothing was ever counted"
    counted(staff, lambda day, cell: 0.0)
    assert brief.is_stale(at=NOW) and brief.newest(by=staff.lead) is None
    brief.compute(at=NOW)
    assert not brief.is_stale(at=NOW) and newest(staff.lead).at == NOW
    turn(2)
    assert brief.is_stale(at=NOW)
    brief.compute(at=NOW)
    assert not brief.is_stale(at=NOW)
    midnight = NOW.replace(hour=22)  # in Berlin the next day has begun
    assert brief.is_stale(at=midnight)
    brief.compute(at=midnight)
    with store.reading() as db:
        assert len(list(db.execute(select(Briefing)))) == 3, "one of each, in the place of the one before"
