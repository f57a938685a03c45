"""Quality: what its controls ask, what its figures say, and that every mark opens exactly the conversations that it counts."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import parse_qsl

import pytest
import streamlit as st
from sqlalchemy import update
from sqlmodel import col
from streamlit.testing.v1 import AppTest

from data import behind, daily, defined, people, store, trends
from data.amounts import Amount, sketch_of
from data.tables import Conversation
from data.trends import Point, Slice
from data.values import now
from portal import (
    findings,
    graphs,
    monitor_form,
    quality_asked,
    quality_controls,
    quality_figures,
    quality_links,
    quality_parts,
    quality_trend,
)
from portal.quality_asked import Asked
from portal.quality_figures import Figure
from tests import worlds
from tests.conftest import Staff
from tests.quality_worlds import World, fill, staffed
from tests.test_screens import open_screen, sit_down, words

MONDAY = date(2026, 3, 16)
RESOLVED, STARS, VOLUME, FIRST = (defined.of(name) for name in ("resolution", "csat_mean", "volume", "first_response"))


# -- what is asked ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("period", list(quality_asked.PERIODS))
@pytest.mark.parametrize("today", [MONDAY + timedelta(days=shift) for shift in (0, 3, 6)])
def test_the_days_before_are_as_many_and_the_same_days_of_the_week(period: str, today: date) -> None:
    days = quality_asked.days_of(period, (), today=today)
    assert days is not None
    asked = quality_asked.asked(days, today=today, grain="week", of=Slice(), compared=True)
    first, last = asked.before
    assert (last - first, last) == (asked.ends - asked.since, asked.since - timedelta(days=1))
    assert first.weekday() == asked.since.weekday()
    assert asked.ends == today - timedelta(days=1) and asked.until == today
    assert asked.drawn_since.weekday() == 0 and asked.drawn_before[0].weekday() == 0


def test_days_of_ones_own_end_today_and_wait_for_the_second() -> None:
    assert quality_asked.days_of(quality_asked.OWN, (MONDAY,), today=MONDAY) is None
    later = (MONDAY, MONDAY + timedelta(days=400))
    assert quality_asked.days_of(quality_asked.OWN, later, today=MONDAY + timedelta(days=4)) == (MONDAY, MONDAY + timedelta(days=4))
    ten_days = quality_asked.asked(
        (MONDAY, MONDAY + timedelta(days=9)), today=MONDAY + timedelta(days=90), grain="day", of=Slice(), compared=True
    )
    assert ten_days.before == (MONDAY - timedelta(days=14), MONDAY - timedelta(days=5))  # two weeks back: weekdays meet


def test_a_point_stands_for_its_day_or_for_the_days_of_its_week_until_today() -> None:
    today = MONDAY + timedelta(days=16)
    by_week = quality_asked.asked((MONDAY, today), today=today, grain="week", of=Slice(), compared=True)
    assert by_week.of_point(MONDAY) == (MONDAY, MONDAY + timedelta(days=6)) and by_week.is_over(MONDAY)
    third = MONDAY + timedelta(days=14)
    assert by_week.of_point(third) == (third, today) and not by_week.is_over(third)
    by_day = quality_asked.asked((MONDAY, today), today=today, grain="day", of=Slice(), compared=True)
    assert by_day.of_point(today) == (today, today) and not by_day.is_over(today) and by_day.is_over(today - timedelta(days=1))


def test_of_an_address_only_what_is_counted_together_is_believed() -> None:
    assert quality_asked.that_fit({"channel": "chat", "intent": "i", "segment": "s"}) == {"channel": "chat", "intent": "i"}
    assert quality_asked.that_fit({"segment": "s", "team": "t", "version": "v"}) == {"segment": "s", "team": "t"}
    assert quality_asked.that_fit({"intent": "i", "version": "v"}) == {"intent": "i", "version": "v"}


# -- figures ------------------------------------------------------------------------------------------------------------------------------


def shares(rng: random.Random, p: float, days: int = 28, a_day: int = 20) -> list[Amount]:
    counts = [(sum(rng.random() < p for _ in range(a_day)), a_day) for _ in range(days)]
    return [Amount(n, n, k, k) for k, n in counts]


def test_a_value_has_its_unit_and_a_quantity_its_words() -> None:
    value = quality_figures.value
    assert [value(RESOLVED, one) for one in (0.714, None)] == ["71\u00a0%", "–"]
    assert [value(FIRST, one) for one in (0.029, 4.0, 42, 446, 9000)] == [
        "29\u00a0ms",
        "4.0\u00a0s",
        "42\u00a0s",
        "7.4\u00a0min",
        "2.5\u00a0h",
    ]
    assert (value(VOLUME, 1162), value(defined.money("EUR"), 1200.5), value(STARS, 4.049)) == ("1,162", "1,200.50\u00a0EUR", "4.05")
    assert quality_figures.sureness(RESOLVED, Amount(430, 430, 339, 339)) == "75–82, n\u00a0=\u00a0430"


def test_both_ends_of_an_interval_share_their_unit_where_it_is_one() -> None:
    assert quality_figures._around(FIRST, (396, 426)) == "6.6–7.1\u00a0min"
    assert quality_figures._around(FIRST, (24, 66)) == "24\u00a0s–1.1\u00a0min"
    assert quality_figures._around(STARS, (4.0, 4.2)) == "4.00–4.20"


def test_a_fall_of_twenty_points_is_more_than_chance_and_said_with_its_sign() -> None:
    rng = random.Random(3)
    fell = quality_figures.figure(RESOLVED, shares(rng, 0.65), shares(rng, 0.85))
    assert (fell.moved, fell.tone) == ("less", "worse")
    assert fell.change.startswith("↓") and fell.change.endswith("worse")
    rose = quality_figures.figure(defined.of("escalation"), shares(rng, 0.4), shares(rng, 0.2))
    assert (rose.moved, rose.tone) == ("more", "worse")  # more handed over is no gain


def test_where_nothing_moved_hardly_ever_anything_is_said() -> None:
    """Also where days differ more than single conversations would make them. The control: as single conversations, it is said often."""
    rng, told, naive = random.Random(8), 0, 0
    for _ in range(300):
        now_, before = [[one for _ in range(28) for one in shares(rng, rng.gauss(0.8, 0.08), days=1)] for _ in range(2)]
        told += quality_figures.moved(RESOLVED, now_, before) in ("more", "less")
        naive += quality_figures.moved(RESOLVED, [sum(now_[1:], now_[0])], [sum(before[1:], before[0])]) in ("more", "less")
    assert told <= 9 < naive


def test_of_fewer_than_thirty_nothing_is_said() -> None:
    few, many = [Amount(29, 29, 0, 0)], [Amount(500, 500, 500, 500)]
    assert quality_figures.figure(RESOLVED, few, many).change == "fewer than 30 to compare"
    assert quality_figures.figure(RESOLVED, [Amount(30, 30, 0, 0)], many).moved == "less"  # the control


def test_a_median_moves_only_by_more_than_its_sketch_can_tell() -> None:
    def of(size: float) -> list[Amount]:
        return [Amount(9000, 9000, 9000 * size, 0, sketch_of([size] * 9000), kind="quantile")]

    assert quality_figures.moved(FIRST, of(104), of(100)) == "chance"
    assert quality_figures.moved(FIRST, of(130), of(100)) == "more"


def test_more_conversations_are_neither_better_nor_worse() -> None:
    days = [Amount(n, n, n, n, kind="count") for n in (50, 52, 48, 51, 49, 50, 50)]
    figure = quality_figures.figure(VOLUME, [one + one for one in days], days)
    assert (figure.moved, figure.tone, figure.change) == ("more", "neither", "↑\u00a0100\u00a0%")
    assert quality_figures.moved(VOLUME, days, days) == "chance"


def test_many_times_as_much_is_told_in_times_and_not_in_hundreds() -> None:
    some, more, many = (Amount(n, n, n, n, kind="count") for n in (62, 180, 26_055))
    assert quality_figures.difference(VOLUME, some, more) == "↑\u00a0190\u00a0%"
    assert quality_figures.difference(VOLUME, some, many) == "↑\u00a0420-fold"


def test_every_measure_has_its_place_among_the_tiles_once() -> None:
    every = [*defined.ALL, defined.grader("polite"), defined.money("EUR")]
    found = quality_figures.grouped([Figure(one, one.nothing) for one in every])
    names = [one.measure.name for some in found.values() for one in some]
    assert sorted(names) == sorted(one.name for one in every)
    assert found["Money"][-1].measure.name == "money: EUR"


# -- findings -----------------------------------------------------------------------------------------------------------------------------


def test_the_title_of_the_line_is_what_it_shows() -> None:
    moved = Figure(RESOLVED, Amount(400, 400, 284, 284), Amount(400, 400, 320, 320), "less")
    told = findings.trend(moved, "1–28 March")
    assert told == "Resolved: 71\u00a0% (66–75, n\u00a0=\u00a0400); against 1–28 March ↓\u00a09 points, worse"
    assert findings.trend(Figure(RESOLVED, RESOLVED.nothing), "") == "Resolved: nothing to tell in these days"
    few = findings.trend(Figure(RESOLVED, Amount(1, 1, 1, 1)), "")
    assert few == "Resolved: 100\u00a0% (21–100, n\u00a0=\u00a01); fewer than 30, too few to say"
    assert "too few" not in findings.trend(Figure(VOLUME, Amount(1, 1, 1, 1, kind="count")), "")  # what is counted is what it is


def test_the_funnel_says_where_most_are_lost() -> None:
    def stages(*counts: int) -> list[trends.Stage]:
        named = zip(defined.FUNNEL, counts, strict=True)
        return [trends.Stage(defined.of(name), Amount(n, n, n, n, kind="count"), Amount(n, n, n, n)) for name, n in named]

    assert "most are lost between classified and answered by the machine" in findings.funnel(stages(100, 90, 20, 15, 10))
    assert findings.funnel(stages(0, 0, 0, 0, 0)) == "Nothing arrived in these days"
    assert findings.funnel(stages(9, 0, 0, 0, 0)) == "No machine looked at what arrived"
    assert findings.funnel(stages(9, 9, 9, 9, 9)) == "Everything that arrived was answered and resolved"


def test_intents_side_by_side_name_the_highest_and_the_lowest_that_say_something() -> None:
    parts = {"a": Amount(50, 50, 45, 45), "b": Amount(60, 60, 30, 30), "few": Amount(3, 3, 0, 0), "": Amount(90, 90, 9, 9)}
    told = findings.multiples("Resolved", parts, {"a": "Refund", "b": "Invoice", "few": "Voucher"})
    assert told == "Resolved by intent: highest with Refund, lowest with Invoice"


# -- on a portal --------------------------------------------------------------------------------------------------------------------------


def month() -> World:
    with store.writing():
        world = staffed()
    return fill(world, today=now().date(), days=35, a_day=8)


@pytest.fixture
def world(home: object) -> Iterator[World]:
    yield worlds.remembered(month)()


@pytest.fixture
def seen(sqlite_home: object) -> World:
    """For what looks at the screen, not at the store."""
    return worlds.remembered(month)()


def asked_of(days: int = 28, **rest: object) -> Asked:
    today = now().date()
    return quality_asked.asked((today - timedelta(days=days), today), today=today, grain="week", of=Slice(), compared=True)


def test_every_mark_opens_as_many_conversations_as_it_counts(world: World) -> None:
    """Points of the line, stages of the funnel, cells of the map: for a measure of all, and for one of some."""
    asked, by = asked_of(), world.lead
    whole = (asked.since, asked.ends)

    def opened(measure: str, days: tuple[date, date], part: Slice) -> int:
        address = behind.address(quality_links.of(measure, days, part))
        found = behind.read(address)
        assert found is not None
        return len(behind.ids(found, by=by).ids)

    for name in ("resolution", "csat"):
        for point in trends.series(name, by=by, since=asked.drawn_since, until=asked.until, grain="week"):
            assert opened(name, asked.of_point(point.day), Slice()) == point.amount.n
        cells = trends.heat(name, by=by, **dict(zip(("since", "until"), whole, strict=True)))
        key = max(cells, key=lambda one: cells[one].n)
        assert opened(name, whole, Slice(intent=key[0], channel=key[1])) == cells[key].n > 0
        defined_as = defined.of(name)
        for (intent, channel), amount in quality_parts._wholes(defined_as, [str(key[0])], asked, by).items():
            assert opened(name, whole, quality_parts._of_cell(asked, intent, channel).of) == amount.n > cells[key].n
            assert channel == graphs.WHOLE
    for stage in trends.funnel(by=by, since=asked.since, until=asked.ends):
        assert opened(stage.measure.name, whole, Slice()) == stage.amount.n


def test_the_file_holds_what_the_page_shows_and_no_formula(world: World) -> None:
    asked, by = asked_of(), world.lead
    names = SimpleNamespace(told=lambda of: "=cmd()")
    figures = [quality_trend.figure(defined.of(name), asked, by) for name in ("resolution", "volume")]
    lines = quality_parts.as_csv(figures, asked, by, names).splitlines()  # type: ignore[arg-type]
    assert lines[0].replace('"', "") == "measure,unit,part,from,until,value,low,high,n"
    first = lines[1].replace('"', "").split(",")
    told = trends.amount("resolution", by=by, since=asked.since, until=asked.ends)
    assert (first[0], first[3], first[4], int(first[8])) == ("Resolved", asked.since.isoformat(), asked.ends.isoformat(), told.n)
    assert float(first[5]) == pytest.approx(told.value, rel=1e-4)
    assert '"=cmd' not in lines[1] and ",=cmd" not in lines[1]
    weeks = len(trends.series("volume", by=by, since=asked.drawn_since, until=asked.until, grain="week"))
    assert len(lines) == 1 + 2 * 2 + 2 * weeks


def test_weeks_put_together_hold_the_same(world: World) -> None:
    asked = asked_of()
    points = trends.series("resolution", by=world.lead, since=asked.drawn_since, until=asked.ends, grain="week")
    put = quality_parts.bundled(RESOLVED, points, 2)
    assert [one.day for one in put] == [one.day for one in points[::2]]
    assert sum(one.amount.n for one in put) == sum(one.amount.n for one in points)
    assert put[0].amount.value == (points[0].amount + points[1].amount).value


def test_rows_that_need_a_look_stand_first_and_those_that_say_nothing_last() -> None:
    cells = {
        ("bad", "chat"): Amount(100, 100, 40, 40), ("good", "chat"): Amount(200, 200, 190, 190), ("few", "chat"): Amount(5, 5, 0, 0),
        ("", "chat"): Amount(300, 300, 3, 3),
    }  # fmt: skip
    assert quality_parts.sorted_rows(RESOLVED, cells) == ["bad", "good", "few", ""]
    assert quality_parts.sorted_rows(defined.of("escalation"), cells) == ["good", "bad", "few", ""]


def sit(person: people.Person) -> AppTest:
    st.cache_data.clear()
    return sit_down(person)


def test_the_page_shows_line_tiles_funnel_map_and_table_of_the_own_team(world: World) -> None:
    app = open_screen(sit(world.lead), "quality")
    said = words(app) + "\n".join(str(one.value) for one in app.subheader)
    total = trends.amount("volume", by=world.lead, since=asked_of().since, until=asked_of().ends)
    assert f"n = {total.n:,}" in said.replace("\u00a0", " ").replace("\\", "")
    assert len(app.get("vega_lite_chart")) + len(app.get("arrow_vega_lite_chart")) >= 3
    names = [one.label.replace("\\", "") for one in app.button]
    assert {"Resolved", "Satisfied", "Conversations", "Download"} <= set(names)
    other = people.add("Olga", "olga@example.com", "lead", by=people.console(), team=people.add_team("Fern", by=people.console()))
    assert "the weeks appear here" in words(open_screen(sit(other), "quality"))  # of Oak's conversations nothing
    assert not any(one.label == "Team" for one in app.selectbox)
    engineer = open_screen(sit(world.engineer), "quality")
    assert any(one.label == "Team" for one in engineer.selectbox)


def test_an_address_opens_the_page_as_it_says_and_a_tile_chooses_the_measure(seen: World) -> None:
    app = open_screen(sit(seen.lead), "quality", channel="Chat", period="Last 7 days", measure="Satisfied")
    assert [app.selectbox(key=name).value for name in ("channel", "period", "measure")] == ["Chat", "Last 7 days", "Satisfied"]
    chats = trends.amount("csat", by=seen.lead, since=asked_of(7).since, until=asked_of(7).ends, of=Slice(channel="chat"))
    title = app.subheader[0].value.replace("\\", "")
    assert f"n\u00a0=\u00a0{chats.n})" in title and title.endswith("Chat")
    app.button(key="quality_choose_volume").click().run()
    assert not app.exception and app.selectbox(key="measure").value == "Conversations"
    assert "Conversations" in app.subheader[0].value


def test_a_point_is_opened_from_the_list_without_a_mouse(seen: World) -> None:
    app = open_screen(sit(seen.lead), "quality", by="Week")
    field = app.selectbox(key="quality_line_open")
    field.set_value(field.options[0]).run()
    assert not app.exception
    assert app.title[0].value == "Conversations" and app.query_params["behind"] == "resolution"


def test_why_it_moved_is_told_or_why_not(seen: World) -> None:
    app = open_screen(sit(seen.lead), "quality", why="true", period="Last 7 days")
    assert "Resolved" in words(app) and "beside the 4 periods" in words(app).replace("\\", "")
    year = open_screen(sit(seen.lead), "quality", why="true", period="A year")
    assert "Not explained" in words(year).replace("\\", "")
    assert year.expander  # the rest of the page is there


def test_one_conversation_of_today_is_shown_for_what_it_is(staff: Staff) -> None:
    from tests.histories import arrive

    arrive(1, now(), team="Oak", resolved=True)
    daily.bring_up_to_date()
    app = open_screen(sit(staff.lead), "quality")
    assert "fewer than 30: too few to say" in words(app)
    assert "Conversations" in [one.label for one in app.button]


def test_a_measure_that_is_not_there_in_other_days_gives_way_to_one_that_is(seen: World) -> None:
    app = open_screen(sit(seen.lead), "quality", measure="Satisfied")
    assert app.selectbox(key="measure").value == "Satisfied"
    with store.writing() as db:
        db.execute(update(Conversation).where(col(Conversation.opened_at) > now() - timedelta(days=9)).values(csat=None))
    daily.bring_up_to_date()
    st.cache_data.clear()
    app.selectbox(key="period").set_value("Last 7 days").run()
    assert not app.exception and app.selectbox(key="measure").value == "Resolved"


def test_a_period_before_in_which_the_portal_began_is_no_comparison(seen: World) -> None:
    """There are 35 days: of the four weeks before, the first are missing; of the week before, none is."""
    app = open_screen(sit(seen.lead), "quality")
    assert "when the period before began" in words(app) and "against" not in app.subheader[0].value
    app.selectbox(key="period").set_value("Last 7 days").run()
    assert "when the period before began" not in words(app) and "against" in app.subheader[0].value


def watched(app: AppTest) -> dict[str, str]:
    """What the link beside the line begins a monitor with."""
    links = [one.proto for one in app.get("page_link") if one.proto.label == "Have it watched"]
    return dict(parse_qsl(links[0].query_string, keep_blank_values=True)) if links else {}


def test_what_is_shown_is_had_watched_by_those_who_may(seen: World) -> None:
    refund = seen.labels[0]
    app = open_screen(sit(seen.lead), "quality", channel="Chat", intent=refund.name, measure="Satisfied")
    begun = monitor_form.asked_for(watched(app))
    assert begun is not None and (begun.measure, begun.of) == ("csat", Slice(channel="chat", intent=refund.id))
    form = open_screen(sit(seen.lead), "monitors", **watched(app))
    fields = ("measure", "channel", "intent")
    assert [
        getattr(form.selectbox(key=f"monitors_{name}_new").value, "name", form.selectbox(key=f"monitors_{name}_new").value)
        for name in fields
    ] == ["csat", "chat", refund.id]
    assert watched(open_screen(sit(seen.rep), "quality")) == {}  # a rep begins none


@pytest.mark.parametrize("of", [Slice(), Slice(intent=""), Slice(channel="chat", version="recipe:refunds@4"), Slice(segment="~odd")])
def test_the_address_that_begins_a_monitor_is_read_as_it_was_meant(of: Slice, seen: World) -> None:
    begun = monitor_form.asked_for(monitor_form.address("resolution", of))
    assert begun is not None and (begun.measure, begun.of) == ("resolution", of)


def test_what_does_not_go_together_rests_and_says_so(seen: World) -> None:
    app = open_screen(sit(seen.lead), "quality", channel="Chat", segment="small")
    assert "left out: segment" in words(app).replace("\\", "")
    assert app.selectbox(key="segment").disabled


def test_a_version_is_told_with_its_kind() -> None:
    assert quality_controls.version_words("recipe:refunds@4") == "Recipe refunds 4"
    assert quality_controls.Names({}, {}).told(Slice(intent="", channel="chat")) == "Chat, No intent yet"


def test_points_of_the_days_before_are_laid_on_the_same_weekdays() -> None:
    asked = quality_asked.asked(
        (MONDAY, MONDAY + timedelta(days=7)), today=MONDAY + timedelta(days=7), grain="day", of=Slice(), compared=True
    )
    moved = Point(asked.before[0], RESOLVED.nothing).day + asked.back
    assert moved == MONDAY and datetime(2026, 3, 9, tzinfo=UTC).date() == asked.before[0]
