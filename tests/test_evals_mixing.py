"""A change split into what changed inside the slices and what more or less of them came: it adds up, whatever comes or goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.amounts import Amount
from evals.mixing import Explained, explain


def share(k: float, n: int, weight: float | None = None) -> Amount:
    """k of n; with a weight, so much each."""
    each = 1.0 if weight is None else weight
    return Amount(n, n * each, k * each, k * each, None, n * each**2)


AMOUNTS = st.builds(
    lambda n, part, weight: share(n * part, n, weight), st.integers(0, 1_000_000), st.floats(0, 1), st.floats(0.01, 1_000)
)  # fmt: skip
PERIODS = st.dictionaries(st.integers(0, 12), AMOUNTS, max_size=10)


def whole(period: dict[int, Amount]) -> float | None:
    weight = sum(one.weight for one in period.values())
    return sum(one.sum for one in period.values()) / weight if weight else None


@given(PERIODS, PERIODS)
def test_rates_and_mixes_add_up_to_the_change_whatever_appears_or_vanishes(before: dict[int, Amount], after: dict[int, Amount]) -> None:
    found: Explained[int] = explain(before, after)
    was, now = whole(before), whole(after)
    if was is None or now is None:
        assert found.change is None and found.rate == found.mix == 0
        return
    assert found.change == pytest.approx(now - was, abs=1e-9)
    assert found.rate + found.mix == pytest.approx(now - was, abs=1e-9)
    assert sum(one.total for one in found.effects.values()) == pytest.approx(now - was, abs=1e-9)
    assert set(found.effects) == {*before, *after}


@given(PERIODS, PERIODS)
def test_the_way_back_is_the_same_with_the_other_sign(before: dict[int, Amount], after: dict[int, Amount]) -> None:
    there, back = explain(before, after), explain(after, before)
    for key, effect in there.effects.items():
        assert back.effects[key].rate == pytest.approx(-effect.rate, abs=1e-9)
        assert back.effects[key].mix == pytest.approx(-effect.mix, abs=1e-9)


def test_what_changed_inside_is_rate_and_what_came_more_is_mix() -> None:
    same_mix = explain({"refunds": share(80, 100), "orders": share(270, 300)}, {"refunds": share(50, 100), "orders": share(270, 300)})
    assert same_mix.effects["refunds"].rate == pytest.approx(-0.3 / 4) and same_mix.mix == pytest.approx(0)
    same_rates = explain({"refunds": share(50, 100), "orders": share(270, 300)}, {"refunds": share(100, 200), "orders": share(180, 200)})
    assert same_rates.rate == pytest.approx(0) and same_rates.mix == pytest.approx(0.7 - 0.8)
    assert same_rates.effects["refunds"].mix < 0 and same_rates.effects["orders"].mix < 0, "more of the worse, less of the better"


def test_a_slice_that_appears_or_vanishes_changed_nothing_inside() -> None:
    found = explain({"old": share(90, 100), "both": share(50, 100)}, {"new": share(10, 100), "both": share(50, 100)})
    assert found.effects["old"].rate == found.effects["new"].rate == 0
    assert (found.effects["old"].after, found.effects["new"].before) == (None, None)
    assert found.effects["old"].mix + found.effects["new"].mix == pytest.approx(-0.4) == pytest.approx(found.change)


def test_a_sample_counts_by_what_it_stands_for() -> None:
    found = explain({"a": share(9, 10, 100.0), "b": share(500, 1000)}, {"a": share(5, 10, 100.0), "b": share(500, 1000)})
    assert found.effects["a"].share_before == 0.5 and found.effects["a"].rate == pytest.approx(-0.2)
    plain = explain({"a": share(9, 10), "b": share(500, 1000)}, {"a": share(5, 10), "b": share(500, 1000)})
    assert plain.effects["a"].rate == pytest.approx(-0.4 * 10 / 1010)


def test_of_an_empty_period_nothing_is_explained() -> None:
    found = explain({"a": share(1, 2)}, {"a": share(0, 0)})
    assert (found.before, found.after, found.change) == (0.5, None, None)
    assert explain({}, {}).change is None
