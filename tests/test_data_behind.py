"""The conversations behind a mark are those that were counted for it: for every measure, in every part that is told apart."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import labels
from data import behind, config, conversations, daily, defined, people, rollups, store, tokens, trends
from data.behind import EVERYTHING, Behind
from data.conversations import Filter
from data.errors import Denied, Refused
from data.tables import Conversation, Person, Trace
from data.trends import Slice
from data.values import Target
from tests.conftest import SOAK, Staff
from tests.histories import History, arrive, change, moved, predicted, ran, scored

STARTS = datetime(2026, 3, 20, tzinfo=UTC)
LATER = STARTS + timedelta(days=14)
FIRST, LAST = date(2026, 3, 20), date(2026, 3, 22)
DAYS = {"since": FIRST, "until": LAST}
DAY, NOON = date(2026, 3, 20), STARTS + timedelta(hours=12)
SEVERAL = {"cost", "latency_p50", "latency_p95", "guardrail_hits", "suggestions_accepted"}  # may count more than once of one conversation


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PORTAL_TIME_ZONE", "Europe/Berlin")
    config.reset()
    yield
    config.reset()


def ids(measure: str, by: Person, *, counted: bool | None = None, of: Slice = EVERYTHING, **rest: Any) -> tuple[str, ...]:
    return behind.ids(Behind(measure, DAY, DAY, of, counted), by=by, at=LATER, **rest).ids


# -- what was counted is what is found ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12 if SOAK else 1))
def test_behind_every_mark_of_every_measure_are_as_many_as_it_says(staff: Staff, seed: int) -> None:
    rng = random.Random(seed)
    history = History(staff, rng, STARTS, days=2)
    with store.writing():
        for _ in range(400 if SOAK else 130):
            history.step()
    daily.bring_up_to_date(at=LATER)
    there = trends.measures(by=staff.engineer, **DAYS)
    assert {one.name for one in there} >= set(defined.BY_NAME) and len(there) >= len(defined.BY_NAME) + 2  # a grader's and money too
    told = parted = 0
    for measure in there:
        for cut in trends.CUTS if SOAK else (trends.CUTS[0], *rng.sample(trends.CUTS[1:], 2)):
            for of in parts(rng, measure.name, sorted(cut), staff.engineer):
                told += 1
                parted += holds(measure, of, rng.choice([staff.engineer, staff.lead]))
    assert told > 60 and parted > 8  # shares of which some count and some do not


def parts(rng: random.Random, measure: str, cut: list[str], by: Person) -> list[Slice]:
    """Of all that there is something of, a few; and teams go with each."""
    if not cut:
        return [EVERYTHING]
    along = cut[0] if len(cut) == 1 else (cut[0], cut[1])
    keys = sorted(trends.broken_down(measure, by=by, along=along, **DAYS))
    some = keys if SOAK else rng.sample(keys, min(1, len(keys)))
    return [Slice(**dict(zip(cut, (key,) if isinstance(key, str) else key, strict=True))) for key in some]


def holds(measure: defined.Measure, of: Slice, by: Person) -> bool:
    expected = trends.amount(measure.name, by=by, of=of, **DAYS)
    whole = behind.ids(Behind(measure.name, FIRST, LAST, of), by=by, at=LATER)
    told = (measure.name, of, by.name)
    assert whole.facts == expected.n and not whole.cut, told
    assert len(set(whole.ids)) == whole.n == len(whole.ids) <= whole.facts - whole.nobodys, told
    if measure.name in defined.BY_NAME and measure.name not in SEVERAL:
        assert (whole.n, whole.nobodys) == (expected.n, 0), told
    if measure.kind != "share":
        return False
    yes, no = (behind.ids(Behind(measure.name, FIRST, LAST, of, counted), by=by, at=LATER) for counted in (True, False))
    assert (yes.facts, no.facts) == (round(expected.sum), expected.n - round(expected.sum)), told
    assert set(yes.ids) | set(no.ids) == set(whole.ids), told
    return bool(yes.ids and no.ids)


def test_the_newest_stand_first_and_what_is_too_many_is_cut_and_says_so(staff: Staff) -> None:
    made = [arrive(number, STARTS + timedelta(hours=number)) for number in range(1, 40)]
    asked = Behind("volume", DAY, DAY + timedelta(days=1))
    found = behind.ids(asked, by=staff.engineer, at=LATER)
    assert found.ids == tuple(reversed(made)) and (found.n, found.cut, found.facts) == (39, False, 39)
    some = behind.ids(asked, by=staff.engineer, most=5, at=LATER)
    assert (some.ids, some.n, some.cut, some.back_to) == (found.ids[:5], 5, True, DAY + timedelta(days=1))
    assert not behind.ids(asked, by=staff.engineer, most=39, at=LATER).cut


def test_what_is_rare_is_not_looked_for_without_end(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [arrive(number, NOON + timedelta(days=number), csat=1 + 4 * (number == 0)) for number in range(4)]
    asked = Behind("csat", DAY, DAY + timedelta(days=3), counted=True)
    assert behind.ids(asked, by=staff.engineer, at=LATER).ids == (made[0],)  # the control
    monkeypatch.setattr(behind, "MOST_LOOKED_AT", 1)
    cut = behind.ids(replace(asked, until=DAY + timedelta(days=4)), by=staff.engineer, at=LATER)
    assert (cut.ids, cut.cut, cut.back_to) == ((), True, DAY + timedelta(days=2))
    told = behind.explained(replace(asked, until=DAY + timedelta(days=4)), by=staff.engineer)
    assert "Not all of them are here: 0 were found, the newest first, back to 22 March" in told


def test_behind_what_runs_did_are_the_conversations_on_which_they_ran(staff: Staff) -> None:
    refund = labels.add("Refund", by=staff.lead)
    one, two, three = (arrive(number, NOON + timedelta(minutes=number)) for number in range(3))
    predicted(one, refund, NOON)
    ran(one, NOON, hits=2, ms=100.0)
    ran(one, NOON, state="handed_over", ms=300.0)
    money = ran(two, NOON, cost=0.5)
    ran(None, NOON, hits=1)
    moved(money, 500, NOON)
    scored(NOON, 0.5, conversation_id=two, trace_id=money.id)
    ran(three, NOON, target=Target("recipe", "returns", 1))
    found = {name: ids(name, staff.engineer) for name in ("guardrail_hits", "latency_p95", "cost", "money: EUR", "score: polite")}
    assert found == {
        "guardrail_hits": (one,), "latency_p95": (three, two, one), "cost": (two,), "money: EUR": (two,), "score: polite": (two,)
    }  # fmt: skip
    assert (ids("escalation", staff.engineer, counted=True), ids("escalation", staff.engineer, counted=False)) == ((one,), (three, two))
    hits = behind.ids(Behind("guardrail_hits", DAY, DAY), by=staff.engineer, at=LATER)
    assert (hits.n, hits.facts, hits.nobodys) == (1, 3, 1)
    assert ids("volume", staff.engineer, of=Slice(version="recipe:returns@1")) == (three,)
    assert ids("volume", staff.engineer, of=Slice(version="recipe:returns@2")) == ()
    assert ids("volume", staff.engineer, of=Slice(version="classifier:intent@1", intent=refund.id)) == (one,)


def test_it_is_told_for_parts_that_no_day_keeps_together(staff: Staff) -> None:
    made = [
        arrive(number, NOON + timedelta(minutes=number), channel=channel, language=language, customer=f"c {number}", segment="small")
        for number, (channel, language) in enumerate([("chat", "en"), ("chat", "de"), ("email", "en")])
    ]
    both = Slice(channel="chat", language="en", segment="small")
    assert ids("volume", staff.engineer, of=both) == (made[0],)
    assert ids("volume", staff.engineer, of=replace(both, segment="")) == ()
    with pytest.raises(Refused, match="Not counted together"):
        trends.amount("volume", by=staff.engineer, of=both, **DAYS)


# -- whose they are -----------------------------------------------------------------------------------------------------------------------


def test_each_finds_their_teams_and_nobodys_and_nothing_that_is_hidden(staff: Staff) -> None:
    oak, fern, nobodys = (arrive(number, NOON, team=team) for number, team in ((1, "Oak"), (2, "Fern"), (3, None)))
    sees = {staff.rep.id: {oak, nobodys}, staff.other.id: {fern, nobodys}, staff.engineer.id: {oak, fern, nobodys}}
    for person in (staff.rep, staff.other, staff.engineer):
        assert set(ids("volume", person)) == sees[person.id]
        assert ids("volume", person, of=Slice(team_id="")) == (nobodys,)
    change(Conversation, nobodys, hidden_at=LATER)
    assert set(ids("volume", staff.engineer)) == {oak, fern}  # also just after the same was asked


def test_who_may_not_see_figures_or_read_gets_nothing(staff: Staff) -> None:
    arrive(1, NOON)
    gone = people.disable(staff.other.id, by=staff.admin)
    for person in (people.console(), gone, tokens.narrowed(staff.engineer, ["read"])):  # a token that reads sees no figures
        with pytest.raises(Denied):
            ids("volume", person)
    with pytest.raises(Denied, match="belongs to another team"):
        ids("volume", staff.rep, of=Slice(team_id=staff.fern.id))
    assert len(ids("volume", staff.rep)) == 1  # the control


CHANGES = {
    "csat": lambda made: change(Conversation, made, csat=1),
    "a run": lambda made: ran(made, NOON, hits=1),
    "a prediction": lambda made: predicted(made, None, NOON),
    "another one": lambda made: arrive(9, NOON, csat=5),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_changed_is_found_at_once_although_it_was_just_asked(staff: Staff, what: str) -> None:
    made = arrive(1, NOON, csat=5)
    daily.bring_up_to_date(at=LATER)

    def found() -> list[tuple[str, ...]]:
        return [ids(name, staff.engineer, counted=counted) for name, counted in
                (("csat", True), ("csat", False), ("guardrail_hits", None), ("abstention", True))]  # fmt: skip

    before = found()
    assert before == found() == [(made,), (), (), ()]
    CHANGES[what](made)
    assert found() != before


# -- in lists -----------------------------------------------------------------------------------------------------------------------------


def test_a_list_is_narrowed_to_them_and_by_other_filters_besides(staff: Staff) -> None:
    at = datetime(2026, 3, 18, 12, tzinfo=UTC)
    good, bad, mail = (
        arrive(number, at + timedelta(minutes=number), csat=csat, channel=channel, said=(("customer", 0),))
        for number, (csat, channel) in enumerate([(5, "chat"), (1, "chat"), (1, "email")])
    )
    arrive(9, at - timedelta(days=1), csat=1)
    found = Filter(behind=Behind("csat", at.date(), at.date(), counted=False))
    assert not found.is_empty() and listed(found, staff.rep) == [mail, bad] and conversations.counted(found, by=staff.rep) == 2
    assert listed(replace(found, channel="chat"), staff.rep) == [bad]
    assert listed(replace(found, channel="voice"), staff.rep) == listed(replace(found, words="nowhere"), staff.rep) == []
    assert listed(replace(found, words="words"), staff.rep) == [mail, bad]
    assert listed(replace(found, behind=replace(found.behind, counted=True)), staff.rep) == [good]  # type: ignore[type-var]
    assert [one for page in range(3) for one in listed(found, staff.rep, page=page, size=1)] == [mail, bad]


def listed(found: Filter, by: Person, **paging: int) -> list[str]:
    return [row.id for row in conversations.listed(found, by=by, **paging)]


# -- as an address and in words -----------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
MARKS = st.builds(
    Behind,
    st.sampled_from([*defined.BY_NAME, "score: polite", "money: EUR"]),
    st.dates(date(2020, 1, 1), date(2026, 1, 1)), st.dates(date(2026, 1, 1), date(2029, 1, 1)),
    st.builds(Slice, *[st.none() | TEXT] * 6),
)  # fmt: skip


@given(MARKS, st.sampled_from([None, True, False]))
def test_an_address_opens_exactly_what_it_was_made_of(found: Behind, counted: bool | None) -> None:
    asked = replace(found, counted=counted if defined.of(found.measure).kind == "share" else None)
    told = behind.address(asked)
    assert behind.read(told) == asked and all(told.values())  # nothing empty, which would get lost
    assert behind.read(told | {"channel": "Chat", "view": "x"}) == asked  # what else stands in the address


GOOD = behind.address(Behind("resolution", FIRST, LAST, Slice(channel="chat"), counted=False))
FORGED = (
    {}, {"behind": ""}, {"behind": "fame"}, {"behind_since": "2026-13-01"}, {"behind_since": "2027-01-01"}, {"behind_until": ""},
    {"behind_until": "9999-12-31"}, {"behind_since": "0001-01-01"}, {"behind_counted": "maybe"}, {"behind_counted": ""},
    {"behind": "volume"}, {"behind_colour": "red"},
    {"behind_team_id": "x"}, {"behind_channel": "x" * 201}, {"behind": "score: " + "x" * 201},
    {"behind_since": "1999-01-01"},
)  # fmt: skip


@pytest.mark.parametrize("forged", FORGED[1:], ids=str)
def test_what_no_mark_could_have_is_no_mark(forged: dict[str, str]) -> None:
    assert behind.read(GOOD) is not None  # the control
    assert behind.read(GOOD | forged) is None and behind.names_in(GOOD | forged)


def test_of_what_is_no_share_everything_counts() -> None:
    whole = Behind("volume", FIRST, LAST)
    assert behind.read(behind.address(replace(whole, counted=True))) == whole
    assert behind.read(behind.address(replace(whole, counted=False))) is None


def test_without_its_measure_or_a_day_it_is_no_mark() -> None:
    for name in ("behind", "behind_since", "behind_until"):
        assert behind.read({key: value for key, value in GOOD.items() if key != name}) is None
    assert behind.read({}) is behind.read({"channel": "Chat"}) is None and behind.names_in({"channel": "Chat"}) == []


NAMES = {"intent": {"r": "Refunds"}, "team": {"o": "Oak"}, "channel": behind.CHANNELS}


@pytest.mark.parametrize(
    ("measure", "since", "until", "of", "counted", "told"),
    [
        ("resolution", date(2001, 11, 16), date(2001, 11, 22), Slice(intent="r", channel="chat", version="recipe:refunds@4"), False,
         "Resolved: not, 16–22 November 2001, Refunds in chat, version 4 of 'refunds'"),
        ("csat", date(2001, 10, 28), date(2001, 11, 3), Slice(team_id="o"), True, "Satisfied: yes, 28 October – 3 November 2001, team Oak"),
        ("volume", date(2001, 12, 31), date(2002, 1, 1), Slice(segment="", language="de"), None,
         "Conversations, 31 December 2001 – 1 January 2002, no segment, language de"),
        ("score: polite", date(2001, 5, 1), date(2001, 5, 1), Slice(intent="gone"), None, "Score by polite, 1 May 2001, gone"),
    ],
)  # fmt: skip
def test_people_read_what_it_is(measure: str, since: date, until: date, of: Slice, counted: bool | None, told: str) -> None:
    assert behind.words(Behind(measure, since, until, of, counted), NAMES) == told


def test_what_is_needed_is_said_of_every_measure() -> None:
    assert set(behind.NEEDS) == {one.rows for one in defined.ALL} and set(behind.OF_RUNS) <= set(behind.NEEDS)
    assert {name for parts in behind.NEEDS.values() for name in parts} < set(rollups.days.PARTS)
    assert Trace  # runs are what most of it hangs on
