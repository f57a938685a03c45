"""When something is told and when nothing is: on traffic that stands still, that falls, that is back, and of which there is too little."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy import stats

from data.amounts import Amount, Kind
from evals import alarms
from evals.alarms import CHANGE, RATIO, SHARE, THRESHOLD, WEEK, Day, Rule, Standing
from portal.bench.monitors import BEFORE, FALL, QUARTER, RULES, SOON, START, made_up, told
from tests.conftest import SOAK

WORLDS = 200 if SOAK else 20
LAST = START + timedelta(days=BEFORE)


def even(n: int, k: float, *, days: int = BEFORE, kind: Kind = SHARE) -> list[Day]:
    """Every day the same."""
    return [Day(START + timedelta(days=place), n, 1.0 if kind in ("count", "sum") else n, k, k) for place in range(days)]


def then(days: list[Day], *more: tuple[int, float], kind: Kind = SHARE) -> list[Day]:
    """... and after them these."""
    first = days[-1].day + timedelta(days=1)
    found = [Day(first + timedelta(days=place), n, 1.0 if kind in ("count", "sum") else n, k, k) for place, (n, k) in enumerate(more)]
    return days + found


def state(days: list[Day], rule: Rule, **how: object) -> str:
    return alarms.look(days, rule, last=days[-1].day, **how).state  # type: ignore[arg-type]


# -- false alarms, and how soon -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("per_day", [200, 20])
def test_of_traffic_that_stands_still_at_most_one_alarm_a_monitor_and_quarter_is_told(per_day: int) -> None:
    worlds = [made_up(seed, BEFORE + QUARTER, per_day) for seed in range(WORLDS // (1 if SOAK else 2))]
    for name, rule in RULES.items():
        counts = [len(told(days, rule, first=BEFORE)) for days in worlds]
        assert np.mean(counts) <= 1 and (not SOAK or np.mean(counts) <= 0.5), name


def test_ten_points_less_of_200_a_day_are_seen_within_three_days_and_told_once() -> None:
    rule, soon, again = RULES["change"], 0, 0
    for seed in range(WORLDS):
        days = made_up(10_000 + seed, BEFORE + (61 if SOAK else 21), 200, fall=FALL, from_day=BEFORE)
        seen = [place - BEFORE + 1 for place, _ in told(days, rule, first=BEFORE, many=60)]
        soon += bool(seen) and seen[0] <= SOON
        again += max(0, len(seen) - 1)
    assert soon >= 0.95 * WORLDS
    assert again <= 0.05 * WORLDS


def test_without_a_fall_nothing_is_seen_on_these_days() -> None:
    """The control: it is the fall that is seen."""
    rule = RULES["change"]
    seen = sum(bool(told(made_up(10_000 + seed, BEFORE + SOON, 200), rule, first=BEFORE, many=SOON)) for seed in range(WORLDS))
    assert seen <= 0.1 * WORLDS


def test_a_fall_that_ends_is_told_once_and_is_over_once() -> None:
    rule = RULES["change"]
    for seed in range(5):
        days = made_up(20_000 + seed, BEFORE + 50, 200, fall=0.15, from_day=BEFORE, until_day=BEFORE + 14)
        found = told(days, rule, first=BEFORE, many=50)
        assert len(found) == 1 and found[0][0] < BEFORE + 14
        one = found[0][1]
        standing = Standing(one.since, one.until, one.sign, one.value or 0.0, one.baseline)
        states = [
            alarms.look(days[: place + 1], rule, last=days[place].day, standing=standing).state for place in range(BEFORE + 5, BEFORE + 40)
        ]
        assert states[0] == "alarm" and states[-1] == "calm"


# -- too few ------------------------------------------------------------------------------------------------------------------------------


def test_of_too_little_it_is_said_that_it_is_too_little() -> None:
    days = then(even(4, 3), *[(4, 0)] * 7)
    found = alarms.look(days, Rule(CHANGE, SHARE), last=days[-1].day)
    assert found.state == "too_few" and found.why == "too few to tell: 28 in the last 7 days, and 50 are needed"
    assert state(then(even(40, 30), *[(40, 0)] * 7), Rule(CHANGE, SHARE)) == "alarm"  # the control


def test_without_weeks_before_there_is_nothing_to_compare_with() -> None:
    found = alarms.look(even(100, 80, days=15), Rule(CHANGE, SHARE), last=START + timedelta(days=14))
    assert found.state == "too_few" and "0 before to compare with" in found.why
    assert state(then(even(100, 80, days=10), (100, 10)), Rule(CHANGE, SHARE)) == "too_few"


def test_nothing_at_all_on_a_day_is_told_where_it_is_counted() -> None:
    counted = Rule(CHANGE, "count", direction="down")
    assert state(then(even(200, 200, kind="count"), (0, 0), kind="count"), counted) == "alarm"
    assert state(then(even(200, 160), (0, 0)), Rule(CHANGE, SHARE, least=2_000)) == "too_few"  # of none, no share can be told
    assert state(then(even(2, 2, kind="count"), (0, 0), kind="count"), counted) == "too_few"  # there never was much


# -- what it is held against --------------------------------------------------------------------------------------------------------------


def weekly(quiet: int, *, days: int) -> list[Day]:
    """300 a day, 100 on one weekday."""
    made = [(START + timedelta(days=place), 100 if (START + timedelta(days=place)).weekday() == quiet else 300) for place in range(days)]
    return [Day(day, n, 1.0, float(n), float(n)) for day, n in made]


def test_a_quiet_weekday_is_no_fall_and_a_quiet_day_is_one() -> None:
    sunday = next(place for place in range(BEFORE, BEFORE + 7) if (START + timedelta(days=place)).weekday() == 6)
    days, rule = weekly(6, days=sunday + 1), Rule(CHANGE, "count", direction="down")
    assert days[-1].total == 100 and state(days, rule) == "calm"
    assert state([*days[:-1], Day(days[-1].day, 20, 1.0, 20.0, 20.0)], rule) == "alarm"
    shifted = [Day(one.day, 100, 1.0, 100.0, 100.0) if one.day.weekday() == 5 and one.day == days[-2].day else one for one in days[:-1]]
    assert state(shifted, rule) == "alarm"  # the same hundred on a Saturday


def test_days_that_always_stray_are_told_later_than_quiet_ones() -> None:
    quiet, loud = even(200, 160), [
        Day(one.day, 200, 200.0, 160.0 + (30 if place % 2 else -30), 160.0) for place, one in enumerate(even(200, 160))
    ]  # fmt: skip
    fallen = (200, 130.0)
    assert state(then(quiet, fallen), Rule(CHANGE, SHARE)) == "alarm"
    assert state(then(loud, fallen), Rule(CHANGE, SHARE)) == "calm"


def test_times_of_trouble_are_no_baseline() -> None:
    days = then(even(200, 160), *[(200, 60.0)] * 20, *[(200, 160.0)] * 10, *[(200, 120.0)] * 2)
    trouble = (days[BEFORE].day, days[BEFORE + 19].day)
    assert state(days, Rule(CHANGE, SHARE), without=[trouble]) == "alarm"
    assert state(days, Rule(CHANGE, SHARE)) == "calm"  # the control: held against the bad weeks it is no fall


def test_what_was_drawn_as_a_sample_counts_for_as_much_as_was_drawn() -> None:
    def points(weight: float, lately: float) -> list[tuple[date, Amount]]:
        shares = [0.8] * BEFORE + [lately]
        return [
            (
                START + timedelta(days=place),
                Amount(60, 60 * weight, 60 * weight * share, 60 * weight * share, None, 60 * weight**2, "share"),
            )
            for place, share in enumerate(shares)
        ]

    one, ten = (alarms.look(alarms.days_of(points(weight, 0.7)), Rule(CHANGE, SHARE), last=LAST) for weight in (1.0, 10.0))
    assert one.errors == pytest.approx(ten.errors) and one.n == ten.n == 420
    assert one.low == pytest.approx(ten.low)
    assert one.state == ten.state == "calm"


def test_the_distance_is_that_of_the_likelihood_ratio_test() -> None:
    days = even(200, 160)
    baseline = alarms.baseline_of(days[-28:], SHARE)
    assert baseline is not None and (baseline.stray, baseline.rate) == (1.0, 0.8)
    lately = [Day(LAST, 100, 100.0, 65.0, 65.0)]
    table = [[65, 35], [4480, 1120]]
    expected = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    assert alarms.errors_apart(lately, baseline) == pytest.approx(-np.sqrt(expected))


def test_the_interval_is_wilsons_where_days_do_not_stray() -> None:
    value, low, high = alarms.interval([Day(LAST, 610, 610.0, 317.0, 317.0)], SHARE, None)
    expected = stats.binomtest(317, 610).proportion_ci(method="wilson")
    assert (value, low, high) == pytest.approx((317 / 610, expected.low, expected.high), abs=1e-4)


# -- rules --------------------------------------------------------------------------------------------------------------------------------


def test_a_threshold_tells_surely_and_ends_only_behind_the_value_it_clears_at() -> None:
    rule = Rule(THRESHOLD, SHARE, "down", alarm_at=0.6, clear_at=0.65, window=WEEK)
    assert state(then(even(100, 80), *[(100, 58.0)] * 7), rule) == "calm"  # 58 % of 700: not surely below
    days = then(even(100, 80), *[(100, 50.0)] * 7)
    found = alarms.look(days, rule, last=days[-1].day)
    assert found.state == "alarm" and found.value == pytest.approx(0.5)
    standing = Standing(found.since, found.until, -1, 0.5, None)
    better, back = ([*days, *then(days, *[(400, share * 400)] * 14)[-14:]] for share in (0.63, 0.7))
    assert state(better, rule, standing=standing) == "alarm"
    assert state(back, rule, standing=standing) == "calm"


def test_a_ratio_is_of_the_last_seven_days_and_small_ones_are_not_told() -> None:
    rule = Rule(RATIO, "mean", "up", alarm_at=0.2, clear_at=0.1)

    def costs(*lately: float) -> list[Day]:
        values = [10.0 + place % 3 for place in range(BEFORE)] + list(lately)
        return [Day(START + timedelta(days=place), 50, 50.0, 50 * one, 50 * (one * one + 4)) for place, one in enumerate(values)]

    assert state(costs(*[12.5] * 7), rule) == "calm"  # surely more, by 14 %
    assert state(costs(*[14.0] * 7), rule) == "alarm"
    assert state(costs(*[8.0] * 7), rule) == "calm"  # the other way


def test_a_change_too_small_to_matter_is_not_told_however_sure_it_is() -> None:
    days = then(even(20_000, 16_000), *[(20_000, 15_700.0)] * 7)
    assert state(days, Rule(CHANGE, SHARE, alarm_at=0.03)) == "calm"
    assert state(days, Rule(CHANGE, SHARE, alarm_at=0.01)) == "alarm"


def test_what_creeps_is_seen_over_weeks() -> None:
    creeping = then(even(60, 48), *[(60, 48 - 0.2 * place) for place in range(28)])
    assert state(creeping, Rule(CHANGE, SHARE, window=WEEK)) == "alarm"
    assert state(creeping, Rule(CHANGE, SHARE)) == "calm"  # days tell less


def test_a_direction_that_nobody_asked_for_is_not_told() -> None:
    risen = then(even(200, 100), *[(200, 150.0)] * 3)
    assert [state(risen, Rule(CHANGE, SHARE, way)) for way in ("down", "up", "either")] == ["calm", "alarm", "alarm"]
