"""The charts of Quality: what they hold, on which scale, in which colours; names are data and never part of what Vega is told to do."""

import json
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from data import defined
from data.amounts import Amount, sketch_of
from data.trends import Point, Stage
from evals.causes import Marker
from portal import graphs
from portal.graphs import Line

MONDAY = date(2026, 3, 16)
RESOLVED, VOLUME, FIRST = (defined.of(name) for name in ("resolution", "volume", "first_response"))
HOSTILE = "<img src=x onerror=alert(1)> datum.x | url"


def share(k: int, n: int) -> Amount:
    return Amount(n, n, k, k)


def points(*told: tuple[int, int]) -> list[Point]:
    return [Point(MONDAY + timedelta(days=place), share(k, n)) for place, (k, n) in enumerate(told)]


def line(some: list[Point], **rest: Any) -> Line:
    return Line(RESOLVED, some, MONDAY, MONDAY + timedelta(days=len(some)), **rest)


def rows_of(chart: Any) -> list[dict[str, Any]]:
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


def without_data(chart: Any) -> str:
    told = chart.to_dict()
    told.pop("datasets")
    return json.dumps(told)


def test_a_day_without_conversations_is_a_gap_and_days_before_the_first_are_none() -> None:
    drawn = rows_of(graphs.trend(line(points((0, 0), (30, 40), (0, 0), (35, 40)))))
    by_day = {row["key"]: row["value"] for row in drawn if "key" in row}
    assert by_day == {"2026-03-17": 0.75, "2026-03-18": None, "2026-03-19": 0.875}


def test_a_day_that_stands_alone_shows_its_interval_as_a_stroke() -> None:
    told = {row["key"]: row["alone"] for row in rows_of(graphs.trend(line(points((30, 40), (0, 0), (35, 40), (34, 40))))) if "key" in row}
    assert list(told.values()) == [True, False, False, False]


def test_dots_of_few_conversations_and_of_days_that_are_not_over_are_hollow() -> None:
    some = points((20, 29), (20, 30), (40, 50))
    told = {row["key"]: row["solid"] for row in rows_of(graphs.trend(line(some, open=frozenset({some[2].day})))) if "key" in row}
    assert [told[one.day.isoformat()] < 1 for one in some] == [True, False, True]


def test_an_axis_names_its_unit_and_times_are_in_what_people_read() -> None:
    assert graphs.axis_of(FIRST, 7200).title == "hours, median" and graphs.axis_of(FIRST, 240).title == "minutes, median"
    assert graphs.axis_of(defined.of("latency_p95"), 0.05).title == "milliseconds, 95 of 100"
    assert [graphs.axis_of(defined.of(name), 4).title for name in ("volume", "csat_mean", "resolution", "guardrail_hits")] == [
        "conversations", "stars, 1 to 5", "share", "verdicts",
    ]  # fmt: skip


def test_the_scale_holds_values_bands_and_the_days_before_but_is_not_stretched_by_three_conversations() -> None:
    sure = [share(80, 100), share(90, 100)]
    low, high = graphs.domain_of(RESOLVED, [*sure, share(2, 3)], beside=[share(60, 100), share(0, 2)])
    assert 0.5 < low < 0.6 and 0.9 < high <= 1.04
    assert graphs.domain_of(RESOLVED, [share(0, 3)])[0] == 0.0
    assert graphs.domain_of(RESOLVED, []) == (0.0, 1.0)
    counts = [Amount(n, n, n, n, kind="count") for n in (40, 50)]
    assert graphs.domain_of(VOLUME, counts)[0] == 0.0  # counts stand on zero


def test_what_happened_on_one_day_is_one_line_with_its_letters() -> None:
    noon = datetime(2026, 3, 17, 12, tzinfo=UTC)
    told = [
        Marker("release", "refunds", 4, noon),
        Marker("policy", "What machines may do", 2, noon),
        Marker("incident", "late", None, noon),
    ]
    marks = [(noon.date(), one) for one in told]
    rows = [row for row in rows_of(graphs.trend(line(points((9, 10), (9, 10), (9, 10)), markers=marks))) if "letters" in row]
    assert [(row["letters"], row["dash"]) for row in rows[:1]] == [("RP!", "solid")]
    assert "Release 4 of 'refunds' went live" in rows[0]["words"]
    assert graphs.letters_of(told) == "R release · P policy · ! incident"
    outside = [(MONDAY - timedelta(days=1), told[0])]
    assert not [row for row in rows_of(graphs.trend(line(points((9, 10)), markers=outside))) if "letters" in row]


def test_names_stand_in_the_data_of_a_chart_only() -> None:
    """The control: a name in the title of a chart would be found."""
    grader = defined.grader(HOSTILE)
    mean = Amount(40, 40, 20, 15, kind="mean")
    some = [Point(MONDAY, mean), Point(MONDAY + timedelta(days=1), mean)]
    marker = Marker("release", HOSTILE, 1, datetime(2026, 3, 16, tzinfo=UTC))
    charts = [
        graphs.trend(Line(grader, some, MONDAY, MONDAY + timedelta(days=2), markers=[(MONDAY, marker)])),
        graphs.small(Line(grader, some, MONDAY, MONDAY + timedelta(days=2)), (0, 1), 0.5),
        graphs.heat(RESOLVED, {(HOSTILE, "chat"): share(40, 50)}, {HOSTILE: HOSTILE}, [HOSTILE], dark=False),
    ]
    money = graphs.trend(Line(defined.money(HOSTILE), [Point(MONDAY, Amount(9, 9, 9, 9, kind="sum"))], MONDAY, MONDAY))
    assert HOSTILE in json.dumps(rows_of(charts[0])) and HOSTILE in without_data(charts[1].properties(title=HOSTILE))
    for chart in (charts[0], charts[1], money):
        assert HOSTILE not in without_data(chart) and "onerror" not in without_data(chart)
    assert "expr" not in without_data(charts[2])


def test_a_funnel_stands_on_zero_and_says_the_share_of_the_stage_before() -> None:
    counts = (100, 80, 20, 10, 9)
    before = (100, *counts[:-1])
    stages = [
        Stage(defined.of(name), Amount(n, n, n, n, kind="count"), share(n, whole))
        for name, n, whole in zip(defined.FUNNEL, counts, before, strict=True)
    ]  # fmt: skip
    chart = graphs.funnel(stages, dark=False)
    assert [row["told"] for row in rows_of(chart)] == ["100", "80 · 80\u00a0%", "20 · 25\u00a0%", "10 · 50\u00a0%", "9 · 90\u00a0%"]
    assert chart.to_dict()["layer"][0]["encoding"]["x"]["scale"]["domain"][0] == 0


def test_a_cell_of_few_is_grey_and_shows_how_many_they_are() -> None:
    cells = {("a", "chat"): share(40, 50), ("a", "voice"): share(29, 29), ("b", "chat"): share(10, 50)}
    told = {row["key"]: row for row in rows_of(graphs.heat(RESOLVED, cells, {"a": "Refund", "b": "Invoice"}, ["a", "b"], dark=False))}
    assert told["a|voice"]["shown"] == "n = 29" and told["a|voice"]["fill"] == "#eef0f0"
    assert (told["a|chat"]["shown"], told["b|chat"]["shown"]) == ("80\u00a0%", "20\u00a0%")
    assert told["a|chat"]["fill"] == graphs.ramp(1.0, dark=False) != told["b|chat"]["fill"]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((graphs.luminance(one), graphs.luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_every_cell_can_be_read_and_every_line_seen_in_both_themes(dark: bool) -> None:
    for place in range(101):
        fill = graphs.ramp(place / 100, dark=dark)
        assert contrast(fill, graphs.ink(fill)) >= 4.5, (place, fill)
    ground = "#121617" if dark else "#ffffff"
    lines = {colours[dark] for colours in graphs.COLOURS.values()} | {graphs.MARKS[dark], graphs.BEFORE}
    assert all(contrast(one, ground) >= 3 for one in lines)
    assert contrast(graphs.WORDS[dark], ground) >= 4.5
    assert contrast("#56b4e9", "#ffffff") < 3  # the control: bright blue is not for the light theme


def test_three_years_a_day_and_a_single_point_are_drawn() -> None:
    rng = random.Random(4)
    years = [(rng.randrange(20, 40), 40) for _ in range(157)]
    for told in (years, years[:1], [(1, 1)], []):
        chart = graphs.trend(line(points(*told)))
        assert chart.to_dict()["layer"]


def test_the_mark_that_was_clicked_is_told_by_its_key() -> None:
    assert graphs.picked({"selection": {"pick": [{"key": "2026-03-16"}]}}) == "2026-03-16"
    assert graphs.picked({"selection": {"pick": []}}) is None and graphs.picked(None) is None


def test_the_dates_under_a_line_are_days_of_its_points() -> None:
    def under(first: date, days: int, each: int = 1, *, small: bool = False) -> list[date]:
        return graphs.ticks(Line(RESOLVED, (), first, first + timedelta(days=days), days=each, small=small))

    assert under(MONDAY, 4) == [MONDAY + timedelta(days=place) for place in range(5)]
    thursday = MONDAY + timedelta(days=3)
    assert under(thursday, 28) == [MONDAY + timedelta(days=7 * week) for week in range(1, 5)]
    weeks = {MONDAY + timedelta(days=7 * week) for week in range(13)}
    assert set(under(MONDAY, 84, 7)) < weeks and len(under(MONDAY, 84, 7)) <= graphs.TICKS
    assert set(under(MONDAY, 84, 7, small=True)) < weeks and len(under(MONDAY, 84, 7, small=True)) <= graphs.TICKS_OF_SMALL
    assert {one.day for one in under(MONDAY, 364, 7)} == {1}


def test_letters_above_a_line_stand_in_a_row_of_their_own_where_they_would_cover_each_other() -> None:
    month = Line(RESOLVED, (), MONDAY, MONDAY + timedelta(days=28))
    days = [(MONDAY + timedelta(days=place), letters) for place, letters in ((1, "R"), (9, "PC"), (10, "R"), (11, "A"), (20, "P"))]
    assert graphs.rows_of_letters(days, month.first, month.last) == [0, 0, 1, 0, 0]
    close = [(MONDAY + timedelta(days=place), "RPC") for place in (5, 6, 7)]
    assert graphs.rows_of_letters(close, month.first, month.last) == [0, 1, 2]


def test_side_by_side_every_share_is_on_the_scale_and_a_single_long_wait_is_an_arrow_at_its_edge() -> None:
    low, high = graphs.shared_domain(RESOLVED, [points((80, 100), (85, 100)), points((1, 4), (4, 4))])
    assert low < 0.25 and high >= 1.0
    waits = [
        Point(MONDAY, wait(120, 40)),
        Point(MONDAY + timedelta(days=1), wait(140, 40)),
        Point(MONDAY + timedelta(days=2), wait(9e4, 2)),
    ]
    domain = graphs.shared_domain(FIRST, [waits])
    assert domain[1] < 200 and [graphs.beyond(one.amount, domain) for one in waits] == [0, 0, 1]
    drawn = [row for row in rows_of(graphs.small(Line(FIRST, waits, MONDAY, MONDAY + timedelta(days=2)), domain, None)) if "shape" in row]
    shapes = {row["key"]: row["shape"] for row in drawn}
    assert list(shapes.values()) == ["circle", "circle", "triangle-up"]
    axis = graphs.axis_of(FIRST, domain[1])
    assert max(row["value"] for row in drawn) == pytest.approx(domain[1] / axis.per)
    assert drawn[-1]["told"] == "25.3\u00a0h"  # the value itself is told, as finely as the sketch keeps it


def wait(seconds: float, n: int) -> Amount:
    return Amount(n, n, n * seconds, 0, sketch_of([seconds] * n), kind="quantile")


def test_of_few_alone_the_scale_holds_how_little_is_known() -> None:
    assert graphs.shared_domain(RESOLVED, [points((1, 1))])[0] < 0.25


def test_the_words_behind_a_bar_have_room_on_a_phone() -> None:
    narrow = graphs._room([(1000, "1,000"), (100, "100 · 10\u00a0%")])
    wide = graphs._room([(1_234_567, "1,234,567"), (1_200_000, "1,200,000 · 97\u00a0%")])
    assert narrow == 1350 and wide > 1.9 * 1_234_567


def test_the_whole_of_a_row_is_a_number_without_a_colour_and_does_not_stretch_the_scale() -> None:
    cells = {("a", graphs.WHOLE): share(99, 100), ("a", "chat"): share(40, 50), ("a", "voice"): share(30, 50)}
    told = {row["key"]: row for row in rows_of(graphs.heat(RESOLVED, cells, {"a": "Refund"}, ["a"], dark=False))}
    assert (told["a|*"]["column"], told["a|*"]["shown"], told["a|*"]["fill"]) == ("All", "99\u00a0%", "#ffffff")
    assert told["a|chat"]["fill"] == graphs.ramp(1.0, dark=False)
