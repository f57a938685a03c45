"""Lines, parts and funnels are read from what the days held: the same figures, within reach, with intervals as in the books."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from math import ceil
from operator import add
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from classifiers import labels
from data import amounts, config, daily, defined, people, store, trends, worth
from data.amounts import Amount
from data.errors import Denied, Refused
from data.tables import Person
from data.trends import Slice
from tests.conftest import SOAK, Staff
from tests.histories import arrive, moved, predicted, ran, scored

MONDAY = datetime(2026, 3, 16, 12, tzinfo=UTC)
FIRST, LAST = date(2026, 3, 16), date(2026, 3, 29)
LATER = datetime(2026, 4, 20, tzinfo=UTC)
FORTNIGHT = {"since": FIRST, "until": LAST}
EXAMPLES = 1000 if SOAK else 60
SLOWLY = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PORTAL_TIME_ZONE", "Europe/Berlin")
    config.reset()
    yield
    config.reset()


# -- amounts ------------------------------------------------------------------------------------------------------------------------------


def of_values(values: list[float], weights: list[float] | None = None, **rest: object) -> Amount:
    each = weights or [1.0] * len(values)
    pairs = list(zip(values, each, strict=True))
    return Amount(
        len(values), sum(each), sum(w * x for x, w in pairs), sum(w * x * x for x, w in pairs), None, sum(w * w for w in each), **rest  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (5, 10), (81, 263), (999, 1000)])
def test_a_share_has_wilsons_interval(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(0.95, "wilson")
    assert of_values([1.0] * k + [0.0] * (n - k)).interval == pytest.approx((expected.low, expected.high), abs=1e-6)


@pytest.mark.parametrize("n", [4, 5, 12, 200])
def test_a_mean_has_students_interval(n: int) -> None:
    values = [random.Random(place).gauss(10, 3) for place in range(n)]
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    assert of_values(values, kind="mean").interval == pytest.approx((expected.low, expected.high), rel=0.01)
    assert of_values(values[:1], kind="mean").interval is None


@pytest.mark.parametrize("k", [0, 1, 3, 30, 1000])
def test_a_count_has_the_interval_of_poisson(k: int) -> None:
    exact = stats.chi2.ppf([0.025, 0.975], [2 * k, 2 * k + 2]) / 2
    assert of_values([1.0] * k, kind="count").interval == pytest.approx((0.0 if k == 0 else exact[0], exact[1]), rel=0.04, abs=0.03)


def test_a_weighted_share_is_as_sure_as_its_weights_allow() -> None:
    """200 that count 1 to 19 tell less than 200 that count alike; and 200 that count 10 each tell as much as 200."""
    values = [float(place % 2) for place in range(200)]
    alike, tenfold = of_values(values), of_values(values, [10.0] * 200)
    unlike = of_values(values, [1.0 if place % 4 < 2 else 19.0 for place in range(200)])
    assert tenfold.interval == pytest.approx(alike.interval)
    assert unlike.effective_n == pytest.approx(200 * 20**2 / (2 * (1 + 19**2)))
    assert unlike.value == alike.value == 0.5
    assert unlike.interval is not None and alike.interval is not None and unlike.interval[0] < alike.interval[0]


def test_of_nothing_nothing_is_known_and_a_count_is_zero() -> None:
    for kind in ("share", "mean", "quantile"):
        assert (Amount(kind=kind).value, Amount(kind=kind).interval) == (None, None)  # type: ignore[arg-type]
    assert (Amount(kind="count").value, Amount(kind="sum").value) == (0.0, 0.0)


@SLOWLY
@given(st.lists(st.floats(0.002, 1e7), min_size=1, max_size=300), st.sampled_from([0.5, 0.9, 0.95]), st.integers(1, 5))
def test_a_quantile_of_sketches_that_were_put_together_is_off_by_two_percent_at_most(values: list[float], p: float, parts: int) -> None:
    pieces = [
        Amount(len(some), len(some), sum(some), 0.0, amounts.sketch_of(some), kind="quantile")
        for some in (values[part::parts] for part in range(parts))
        if some
    ]
    found = reduce(add, pieces).quantile(p)
    exact = sorted(values)[max(1, ceil(p * len(values))) - 1]
    assert found == pytest.approx(exact, rel=amounts.OFF_BY + 1e-9)


def test_the_interval_of_a_median_holds_the_true_one_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(1), 0
    for _ in range(400):
        drawn = rng.lognormal(3, 1, 60)
        low, high = Amount(60, 60, 0.0, 0.0, amounts.sketch_of(drawn), kind="quantile").interval or (0, 0)
        held += low <= np.exp(3) <= high
    assert 0.92 <= held / 400 <= 1.0
    assert NormalDist().inv_cdf(0.975) == pytest.approx(1.96, abs=1e-3)


@SLOWLY
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.5, 9)), min_size=2, max_size=40), st.integers(1, 39))
def test_amounts_of_two_parts_are_the_amount_of_the_whole(pairs: list[tuple[float, float]], cut: int) -> None:
    values, weights = [list(column) for column in zip(*pairs, strict=True)]
    one, other = (of_values(values[part], weights[part]) for part in (slice(0, cut), slice(cut, None)))
    both, whole = one + other, of_values(values, weights)
    assert (both.n, both.value, both.effective_n) == (whole.n, pytest.approx(whole.value), pytest.approx(whole.effective_n))
    assert both.interval == pytest.approx(whole.interval)


# -- what the days held -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(staff: Staff) -> Staff:
    """Oak's two weeks of chats and e-mails, one of Fern's and one of nobody's."""
    with store.writing():  # one commit
        _fill(staff)
    daily.bring_up_to_date(at=LATER)
    return staff


def _fill(staff: Staff) -> None:
    refund = labels.add("Refund", by=staff.lead)
    talk = (("customer", 0), ("assistant", 1))
    for day in range(14):
        opened = MONDAY + timedelta(days=day)
        made = arrive(
            day, opened, said=talk, team="Oak", channel=("chat", "email")[day % 2], resolved=day < 7, csat=5 if day % 3 else 1,
            closed_at=(opened + timedelta(hours=1)).isoformat(), customer=f"c {day}",
        )  # fmt: skip
        predicted(made, refund if day % 2 == 0 else None, opened)
        scored(
            opened, 1.0 if day < 7 else 0.0, weight=2.0, grader="polite", conversation_id=made, trace_id=ran(made, opened, ms=day + 1.0).id
        )
    arrive(90, MONDAY, said=talk, team="Fern", channel="voice", customer="f")
    arrive(91, MONDAY, said=(("customer", 0), ("rep", 2)), team=None, handle_seconds=600, customer="n")


def volumes(by: Person, **rest: object) -> list[float | None]:
    return [point.amount.value for point in trends.series("volume", by=by, **FORTNIGHT, **rest)]  # type: ignore[arg-type]


def test_a_line_has_every_day_and_every_week_also_those_in_which_nothing_was(filled: Staff) -> None:
    assert volumes(filled.engineer) == [3.0] + [1.0] * 13
    longer = trends.series("resolution", by=filled.engineer, since=FIRST - timedelta(days=3), until=FIRST + timedelta(days=1))
    assert [point.day for point in longer] == [FIRST + timedelta(days=away) for away in range(-3, 2)]
    assert [point.amount.n for point in longer] == [0, 0, 0, 3, 1] and longer[0].amount.value is None
    weeks = trends.series("resolution", by=filled.engineer, since=FIRST + timedelta(days=2), until=LAST + timedelta(days=1), grain="week")
    assert [(point.day, point.amount.n, point.amount.sum) for point in weeks] == [(FIRST, 5, 5.0), (FIRST + timedelta(days=7), 7, 0.0),
                                                                                (LAST + timedelta(days=1), 0, 0.0)]  # fmt: skip


def test_scores_are_read_with_their_weights_and_times_from_their_sketches(filled: Staff) -> None:
    score = trends.amount(f"{defined.SCORE}polite", by=filled.engineer, **FORTNIGHT)
    assert (score.n, score.weight, score.value) == (14, 28.0, 0.5)
    p95 = trends.amount("latency_p95", by=filled.engineer, **FORTNIGHT)
    assert p95.value == pytest.approx(0.014, rel=0.02)
    lines = trends.series("latency_p50", by=filled.engineer, **FORTNIGHT, grain="week")
    assert [point.amount.value for point in lines] == [pytest.approx(0.004, rel=0.02), pytest.approx(0.011, rel=0.02)]
    names = {one.name for one in trends.measures(by=filled.engineer, **FORTNIGHT)}
    assert {"score: polite", "volume", "latency_p50", "latency_p95"} <= names and "money: EUR" not in names


def test_nobody_reads_another_teams_figures_not_even_in_sums(filled: Staff) -> None:
    assert sum(value or 0 for value in volumes(filled.engineer)) == 16
    assert sum(value or 0 for value in volumes(filled.lead)) == 15  # Oak's, and nobody's
    assert sum(value or 0 for value in volumes(filled.other)) == 2
    assert set(trends.broken_down("volume", by=filled.other, along="team", **FORTNIGHT)) == {"", filled.fern.id}
    assert set(trends.broken_down("volume", by=filled.other, along="channel", **FORTNIGHT)) == {"chat", "voice"}
    everybodys = trends.broken_down("volume", by=filled.engineer, along="team", **FORTNIGHT)
    assert {key: one.n for key, one in everybodys.items()} == {"": 1, filled.oak.id: 14, filled.fern.id: 1}
    with pytest.raises(Denied, match="belongs to another team"):
        trends.series("volume", by=filled.other, of=Slice(team_id=filled.oak.id), **FORTNIGHT)
    for reader in (trends.series, trends.amount):
        with pytest.raises(Denied):
            reader("volume", by=people.console(), **FORTNIGHT)


def test_parts_of_each_kind_add_up_to_the_whole(filled: Staff) -> None:
    whole = trends.amount("resolution", by=filled.engineer, **FORTNIGHT)
    for along in ("channel", "intent", "segment", "language", "team", ("intent", "channel"), ("team", "intent"), ("channel", "team")):
        parts = trends.broken_down("resolution", by=filled.engineer, along=along, **FORTNIGHT).values()
        assert (sum(one.n for one in parts), sum(one.sum for one in parts)) == (whole.n, whole.sum), along
    versions = trends.broken_down("abstention", by=filled.engineer, along="version", **FORTNIGHT)
    assert {key: (one.n, one.sum) for key, one in versions.items()} == {"classifier:intent@1": (14, 7.0)}


def test_a_heat_map_is_a_pair_and_a_slice_of_it_is_its_row(filled: Staff) -> None:
    heat = trends.heat("volume", by=filled.engineer, **FORTNIGHT)
    chat = trends.broken_down("volume", by=filled.engineer, along="intent", of=Slice(channel="chat"), **FORTNIGHT)
    assert {key[0]: one.n for key, one in heat.items() if key[1] == "chat"} == {key: one.n for key, one in chat.items()}
    assert sum(one.n for one in heat.values()) == 16
    [intent] = [key for key in chat if key]
    assert trends.amount("agreement", by=filled.engineer, of=Slice(intent=intent, channel="chat"), **FORTNIGHT).n == 0
    assert trends.amount("volume", by=filled.engineer, of=Slice(intent=intent, version="recipe:refunds@4"), **FORTNIGHT).n == 7


def test_what_is_not_counted_together_is_refused_with_what_is(filled: Staff) -> None:
    with pytest.raises(Refused, match=r"Not counted together: language, segment\. Channel and intent are"):
        trends.broken_down("volume", by=filled.engineer, along="language", of=Slice(segment="small"), **FORTNIGHT)
    with pytest.raises(Refused, match="Nothing is counted by moon"):
        trends.broken_down("volume", by=filled.engineer, along="moon", **FORTNIGHT)


def test_a_funnel_narrows_and_each_stage_is_of_the_one_before(filled: Staff) -> None:
    stages = trends.funnel(by=filled.engineer, **FORTNIGHT)
    assert [(stage.measure.name, stage.amount.n) for stage in stages] == [
        ("volume", 16), ("classified", 7), ("answered", 7), ("accepted", 7), ("finished", 4),
    ]  # fmt: skip
    assert [stage.share.value for stage in stages] == pytest.approx([1.0, 7 / 16, 1.0, 1.0, 4 / 7])
    of_fern = trends.funnel(by=filled.other, **FORTNIGHT)
    assert [stage.amount.n for stage in of_fern] == [2, 0, 0, 0, 0]


def test_resolution_is_checked_against_what_reviewers_said(filled: Staff) -> None:
    assert trends.checked(by=filled.engineer, **FORTNIGHT).n == 0


# -- what it was worth --------------------------------------------------------------------------------------------------------------------


def test_what_it_was_worth_is_each_intents_median_of_people_times_what_machines_resolved(staff: Staff) -> None:
    refund, login = labels.add("Refund", by=staff.lead), labels.add("Sign-in", by=staff.lead)
    rep, machine = (("customer", 0), ("rep", 1)), (("customer", 0), ("assistant", 1))
    told = {"resolved": True, "closed_at": (MONDAY + timedelta(hours=1)).isoformat()}
    for number, seconds in enumerate([60, 120, 180, 240, 300, 6000]):
        made = arrive(number, MONDAY, said=rep, handle_seconds=seconds, **told)
        predicted(made, refund if seconds < 6000 else login, MONDAY)
    for number in range(10, 15):
        made = arrive(number, MONDAY, said=machine, **told)
        predicted(made, refund if number < 14 else login, MONDAY)
        moved(ran(made, MONDAY), 250, MONDAY)
    daily.bring_up_to_date(at=LATER)
    found = worth.worth(by=staff.engineer, **FORTNIGHT)
    assert found.resolved.n == 5
    assert found.borrowed == 1  # too few of the sign-ins were timed: the median over all, 180 seconds, stands in
    assert found.minutes == pytest.approx(5 * 3, rel=0.02)
    assert found.minutes_interval is not None and found.minutes_interval[0] < 15 < found.minutes_interval[1]
    assert found.money["EUR"].value == 12.5
    assert "5 conversations were resolved without a person" in found.sentence and "median time" in found.method


def test_where_nobodys_time_is_known_the_time_given_back_is_not_told(staff: Staff) -> None:
    arrive(1, MONDAY, said=(("customer", 0), ("assistant", 1)), resolved=True)
    daily.bring_up_to_date(at=LATER)
    found = worth.worth(by=staff.engineer, **FORTNIGHT)
    assert (found.resolved.n, found.minutes) == (1, None)
    assert found.sentence.endswith("cannot be told: no handling time of people is known.")
    assert worth.worth(by=staff.engineer, since=LAST, until=LAST).minutes == 0.0
