"""What two runs show: exact against scipy and by brute force, honest in simulation, with controls that are not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from math import sqrt

import numpy as np
import pytest
from scipy.stats import binom, binomtest, permutation_test

from data.agreement import Rating, kappa
from data.measures import Share, Z
from evals import power, statistics
from tests.conftest import SOAK

SETS = 2_000 if SOAK else 300
SIZES, CHANGED, DIFFERENCES = (40, 100, 400), (0.1, 0.3), (0.0, 0.05, 0.1)
CELLS = [(n, changed, difference) for n in SIZES for changed in CHANGED for difference in DIFFERENCES]
ALIKE = 0.7  # so often a case does as its customer's others do: the correlation within a customer is 0.7²


def off(share: float, sets: int = SETS) -> float:
    """How far a simulated share may lie off: three standard errors of so many sets."""
    return 3 * sqrt(share * (1 - share) / sets)


@dataclass(frozen=True)
class Simulated:
    """Many sets of one kind at once: a row each."""

    changes: np.ndarray
    sums: np.ndarray
    sizes: np.ndarray

    @property
    def n(self) -> int:
        return self.changes.shape[1]

    @property
    def fixed(self) -> np.ndarray:
        return (self.changes > 0).sum(axis=1)

    @property
    def broken(self) -> np.ndarray:
        return (self.changes < 0).sum(axis=1)

    @property
    def customers(self) -> list[int]:
        return np.repeat(np.arange(len(self.sizes)), self.sizes.astype(int)).tolist()

    def p_values(self) -> np.ndarray:
        """Few patterns of changes stand for many sets."""
        known: dict[tuple[int, ...], float] = {}
        patterns = [(abs(int(row.sum())), *np.bincount(np.abs(row).astype(int))[1:]) for row in self.sums]
        for pattern, row in zip(patterns, self.sums, strict=True):
            if pattern not in known:
                known[pattern] = statistics.flip_test(row)
        return np.array([known[pattern] for pattern in patterns])

    def intervals(self, p_values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As pass_fail takes them."""
        effect = statistics.design_effect(self.sums, self.sizes, self.fixed, self.broken, caution=statistics.CAUTION)
        low, high = statistics.paired_interval(self.fixed, self.broken, self.n, effect)
        sure = p_values < 0.05
        return (
            np.where(sure & (self.fixed > self.broken), np.maximum(low, 0), low),
            np.where(sure & (self.fixed < self.broken), np.minimum(high, 0), high),
        )


def layout(n: int, random: np.random.Generator) -> np.ndarray:
    """Customers of one to five cases."""
    sizes = random.integers(1, 6, n).astype(float)
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), n)) + 1]
    sizes[-1] -= sizes.sum() - n
    return sizes


def simulated(n: int, fixed: float, broken: float, *, clustered: bool, sets: int = SETS, seed: int = 1, alike: float = ALIKE) -> Simulated:
    random = np.random.default_rng([seed, n, round(1000 * fixed), round(1000 * broken)])
    sizes = layout(n, random) if clustered else np.ones(n)
    own, of_customer = _changes(random, (sets, n), fixed, broken), _changes(random, (sets, len(sizes)), fixed, broken)
    if not clustered:
        return Simulated(own, own, sizes)
    together = np.repeat(of_customer, sizes.astype(int), axis=1)
    changes = np.where(random.random((sets, n)) < alike, together, own)
    return Simulated(changes, np.add.reduceat(changes, np.r_[0, np.cumsum(sizes)[:-1]].astype(int), axis=1), sizes)


def _changes(random: np.random.Generator, shape: tuple[int, int], fixed: float, broken: float) -> np.ndarray:
    drawn = random.random(shape)
    return (drawn < fixed).astype(float) - ((drawn >= fixed) & (drawn < fixed + broken))


def rates(changed: float, difference: float) -> tuple[float, float]:
    return (changed + difference) / 2, (changed - difference) / 2


def answers(fixed: int, broken: int, both: int = 0, neither: int = 0) -> tuple[list[bool], list[bool]]:
    return [True] * fixed + [False] * broken + [True] * both + [False] * neither, [False] * fixed + [True] * (broken + both) + [
        False
    ] * neither


# -- whether it is chance -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fixed", (0, 1, 2, 3, 5, 8, 13, 21, 40, 75, 520, 4_000))
def test_with_one_case_a_customer_it_is_mcnemars_exact_test(fixed: int) -> None:
    for broken in (0, 1, 2, 3, 5, 8, 13, 21, 40, 75, 500, 4_100):
        expected = binomtest(fixed, fixed + broken, 0.5).pvalue if fixed + broken else 1.0
        assert statistics.pass_fail(*answers(fixed, broken, both=1)).p == pytest.approx(expected, rel=1e-8, abs=1e-290), (fixed, broken)


def test_with_several_cases_a_customer_all_ways_to_flip_are_counted() -> None:
    random = np.random.default_rng(2)
    for _ in range(60):
        sums = random.integers(-5, 6, random.integers(1, 11)).astype(float)
        signs = np.array(list(product((1, -1), repeat=len(sums))))
        assert statistics.flip_test(sums) == pytest.approx(float((np.abs(signs @ sums) >= abs(sums.sum())).mean())), sums


def test_the_flips_are_scipys() -> None:
    sums = np.array([3.0, 1, 1, -2, 4, 2, -1, 1, 1])
    told = permutation_test((sums,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert statistics.flip_test(sums) == pytest.approx(told.pvalue)


def test_customers_whose_changes_cancel_do_not_count() -> None:
    assert statistics.flip_test(np.array([0.0, 0, 3, 1])) == statistics.flip_test(np.array([3.0, 1]))
    found = statistics.pass_fail([True, False, True, True], [False, True, False, True], ["a", "a", "b", None])
    assert (found.clusters, found.changed_clusters, found.fixed, found.broken, found.p) == (3, 1, 2, 1, 1.0)


def test_cases_without_a_customer_are_customers_of_their_own() -> None:
    made = answers(9, 2, 40, 13)
    assert statistics.pass_fail(*made, [None] * 64) == statistics.pass_fail(*made) == statistics.pass_fail(*made, list(range(64)))
    together = statistics.pass_fail(*made, ["one"] * 9 + [None] * 55)
    assert (together.clusters, together.changed_clusters) == (56, 3)
    assert together.p == pytest.approx(2 * (1 / 2) ** 3 * 2) or together.p > 0.05  # nine fixed cases of one customer are one change


@pytest.mark.parametrize("clustered", [False, True], ids=["one case a customer", "one to five cases"])
@pytest.mark.parametrize(("n", "changed"), [(n, changed) for n in SIZES for changed in CHANGED])
def test_without_a_difference_at_most_one_of_twenty_is_told(n: int, changed: float, clustered: bool) -> None:
    told = simulated(n, *rates(changed, 0.0), clustered=clustered).p_values() < 0.05
    assert told.mean() <= 0.05 + off(0.05)


def test_counting_cases_instead_of_customers_would_tell_too_often() -> None:
    """The control: McNemar's test on the same sets."""
    made = simulated(400, *rates(0.3, 0.0), clustered=True)
    naive = 2 * binom.cdf(np.minimum(made.fixed, made.broken), made.fixed + made.broken, 0.5)
    assert (naive < 0.05).mean() > 0.1


def test_holm_is_the_textbooks() -> None:
    told = statistics.holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert told == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(told) == ["a", "b", "c", "d"]
    assert statistics.holm({}) == {} and statistics.holm({"a": 0.2}) == {"a": 0.2}
    assert statistics.holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}


def test_of_many_graders_without_a_difference_one_is_told_in_one_of_twenty_sets() -> None:
    drawn = np.random.default_rng(4).random((2_000, 6))
    adjusted = [min(statistics.holm(dict(zip("abcdef", row, strict=True))).values()) for row in drawn.tolist()]
    assert np.mean(np.array(adjusted) < 0.05) <= 0.05 + off(0.05, 2_000)
    assert (drawn.min(axis=1) < 0.05).mean() > 0.2  # the control: each by itself


# -- how large it is ----------------------------------------------------------------------------------------------------------------------


def counts(n: int, fixed: float, broken: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every pair of counts that comes up at all, and how likely it is."""
    up = np.arange(n + 1)
    chances = binom.pmf(up, n, fixed)[:, None] * binom.pmf(up[None, :], n - up[:, None], broken / (1 - fixed))
    told = np.nonzero(chances > 1e-9)
    return told[0], told[1], chances[told]


def held(low: np.ndarray, high: np.ndarray, difference: float) -> np.ndarray:
    return (low <= difference + 1e-12) & (difference - 1e-12 <= high)


def wald(fixed: np.ndarray, broken: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The normal approximation, as textbooks begin."""
    half = Z * np.sqrt(fixed + broken - (fixed - broken) ** 2 / n) / n
    return (fixed - broken) / n - half, (fixed - broken) / n + half


@pytest.mark.parametrize(("n", "changed", "difference"), CELLS)
def test_the_interval_holds_the_truth_95_times_in_100(n: int, changed: float, difference: float) -> None:
    """Not simulated: added up over everything that can happen."""
    up, down, chances = counts(n, *rates(changed, difference))
    share = chances[held(*statistics.paired_interval(up, down, n), difference)].sum()
    one_way = changed == difference  # nothing is ever broken: it is the interval of one share, and as uneven as every such
    assert (0.935 if one_way else 0.94) <= share <= (0.96 if n * changed >= 30 else 0.975)


def test_the_normal_interval_would_not() -> None:
    """The control."""
    shares = {}
    for n, changed, difference in CELLS:
        up, down, chances = counts(n, *rates(changed, difference))
        shares[n, changed, difference] = chances[held(*wald(up, down, n), difference)].sum()
    assert shares[40, 0.1, 0.1] < 0.92 and shares[40, 0.1, 0.05] < 0.935
    up, down, chances = counts(100, 0.0, 0.02)
    assert chances[held(*wald(up, down, 100), -0.02)].sum() < 0.88  # nothing broken of 100, by chance: it would be sure of that
    assert chances[held(*statistics.paired_interval(up, down, 100), -0.02)].sum() > 0.94


@pytest.mark.parametrize(("n", "changed", "difference"), CELLS)
def test_with_several_cases_a_customer_it_does_too(n: int, changed: float, difference: float) -> None:
    made = simulated(n, *rates(changed, difference), clustered=True)
    share = held(*made.intervals(made.p_values()), difference).mean()
    assert share >= 0.94 - off(0.05)
    if n * changed >= 10:  # with 4 changed cases, of two or three customers, it cannot be: see the next test
        assert share <= 0.96 + off(0.05) + (0.015 if n * changed < 100 else 0)


@pytest.mark.parametrize("difference", [0.0, 0.1])
def test_with_two_or_three_changed_customers_nothing_could(difference: float) -> None:
    """40 cases of about 15 customers, 4 of them changed. An interval holds what was seen; and nothing, unless the exact test told a
    difference. So it misses the truth only where a difference is told or, as next step, where nothing changed: too seldom, or too often.
    """
    made = simulated(40, *rates(0.1, difference), clustered=True)
    told, nothing = (made.p_values() < 0.05).mean(), (made.sums == 0).all(axis=1).mean()
    assert told + off(told) < 0.04 and told + nothing > 0.06 - off(0.06)
    assert held(*made.intervals(made.p_values()), difference).mean() >= 1 - told - off(0.02)


def test_counting_cases_instead_of_customers_would_be_too_sure() -> None:
    made = simulated(400, *rates(0.3, 0.1), clustered=True)
    assert held(*statistics.paired_interval(made.fixed, made.broken, made.n), 0.1).mean() < 0.9


@pytest.mark.parametrize("sizes", [(8,) * 5, (40,) * 3, (12,) * 8, (20, 20, 1, 1, 1, 1)])
def test_few_large_customers_are_no_reason_to_be_sure(sizes: tuple[int, ...]) -> None:
    random = np.random.default_rng(5)
    places = np.r_[0, np.cumsum(sizes)[:-1]]
    own, together = _changes(random, (SETS, sum(sizes)), 0.2, 0.1), _changes(random, (SETS, len(sizes)), 0.2, 0.1)
    changes = np.where(random.random(own.shape) < 0.5, np.repeat(together, sizes, axis=1), own)
    made = Simulated(changes, np.add.reduceat(changes, places, axis=1), np.array(sizes, dtype=float))
    assert held(*made.intervals(np.ones(SETS)), 0.1).mean() >= 0.94 - off(0.05)


def test_simulated_intervals_are_those_of_pass_fail() -> None:
    made = simulated(60, 0.25, 0.1, clustered=True, sets=40)
    p_values = made.p_values()
    low, high = made.intervals(p_values)
    for row, p, *ends in zip(made.changes, p_values, low, high, strict=True):
        found = statistics.pass_fail((row > 0).tolist(), (row < 0).tolist(), made.customers)
        assert (found.p, found.low, found.high) == pytest.approx((p, *ends))


def test_the_interval_holds_what_was_seen_and_turns_round() -> None:
    for fixed, broken, n in ((0, 0, 1), (1, 0, 1), (0, 5, 5), (0, 0, 10_000), (7, 3, 50), (9, 2, 64)):
        low, high = statistics.paired_interval(fixed, broken, n)
        assert -1 <= low <= (fixed - broken) / n <= high <= 1
        assert statistics.paired_interval(broken, fixed, n) == pytest.approx((-high, -low), abs=1e-9)


def test_where_nothing_changed_it_is_wilsons() -> None:
    low, high = statistics.paired_interval(0, 0, 100)
    assert (-low, high) == pytest.approx((Share(0, 100).interval[1],) * 2)
    low, high = statistics.paired_interval(10, 0, 100)  # nothing can be seen to be broken
    assert (low, high) == pytest.approx(Share(10, 100).interval, abs=0.02)


def test_a_told_difference_is_never_within_its_interval() -> None:
    for clustered in (False, True):
        made = simulated(100, 0.2, 0.08, clustered=clustered)
        p_values = made.p_values()
        low, high = made.intervals(p_values)
        assert not ((p_values < 0.05) & (low < 0) & (high > 0)).any() and (p_values < 0.05).any()


def test_nor_where_customers_alone_would_make_it_wider() -> None:
    sizes, balance = [4, 7, 2, 10, 2, 10, 6, 7, 1, 5, 7, 1], [3, 0, 2, 0, 1, 0, 2, 1, -1, 3, 0, 1]
    changes = [
        change for size, sum_ in zip(sizes, balance, strict=True) for change in [np.sign(sum_)] * abs(sum_) + [0] * (size - abs(sum_))
    ]
    whose = np.repeat(np.arange(len(sizes)), sizes).tolist()
    found = statistics.pass_fail([one > 0 for one in changes], [one < 0 for one in changes], whose)
    effect = statistics.design_effect(np.array(balance, dtype=float), np.array(sizes, dtype=float), 13, 1, caution=statistics.CAUTION)
    assert statistics.paired_interval(13, 1, 62, effect)[0] < 0  # the control: the exact test is a little surer
    assert found.p == pytest.approx(0.0391, abs=1e-4) and found.low == 0.0


def test_the_design_effect_is_what_customers_cost() -> None:
    made = simulated(3_000, 0.2, 0.1, clustered=True, sets=200)
    told = statistics.design_effect(made.sums, made.sizes, made.fixed, made.broken)
    true = made.sums.sum(axis=1).var() / ((0.3 - 0.1**2) * made.n)
    assert np.median(told) == pytest.approx(true, rel=0.25) and 2 < np.median(told) < 2.7
    apart = statistics.pass_fail(*answers(9, 2, 40, 13))
    assert apart.design_effect == 1.0
    alone = statistics.pass_fail(*answers(9, 2, 40, 13), ["the only one"] * 64)
    assert alone.design_effect == 64.0 and alone.p == 1.0 and alone.low < -0.5 and alone.high > 0.5


# -- scores -------------------------------------------------------------------------------------------------------------------------------

Scores = tuple[list[float], list[float], list[int] | None]


def _alike(random: np.random.Generator, n: int, clustered: bool) -> tuple[np.ndarray, list[int] | None]:
    sizes = layout(n, random).astype(int) if clustered else np.ones(n, dtype=int)
    whose = np.repeat(np.arange(len(sizes)), sizes)
    return random.normal(0, 0.1, len(sizes))[whose] * clustered, whose.tolist() if clustered else None


def noisy(random: np.random.Generator, n: int, difference: float, clustered: bool) -> Scores:
    """Every score moves a little."""
    together, whose = _alike(random, n, clustered)
    return (0.5 + difference + together + random.normal(0, 0.1, n)).tolist(), [0.5] * n, whose


def sparse(random: np.random.Generator, n: int, difference: float, clustered: bool) -> Scores:
    """Few scores move, but far."""
    _, whose = _alike(random, n, clustered)
    up = (0.3 + difference / 0.6) / 2
    drawn = np.where(random.random(n) < 0.3, random.uniform(0.2, 1.0, n), 0) * np.where(random.random(n) < up / 0.3, 1, -1)
    return drawn.tolist(), [0.0] * n, whose


def skewed(random: np.random.Generator, n: int, difference: float, clustered: bool) -> Scores:
    """Most fall a little, some rise much."""
    together, whose = _alike(random, n, clustered)
    return (random.exponential(0.12, n) - 0.12 + difference + together / 2).tolist(), [0.0] * n, whose


@pytest.mark.parametrize("clustered", [False, True], ids=["one case a customer", "one to five cases"])
@pytest.mark.parametrize("kind", [noisy, sparse, skewed])
@pytest.mark.parametrize("n", SIZES if SOAK else SIZES[:2])
def test_the_interval_of_scores_holds_the_truth(n: int, kind: Callable[..., Scores], clustered: bool) -> None:
    random = np.random.default_rng(7)
    found = [statistics.scored(*kind(random, n, 0.05, clustered), draws=300) for _ in range(SETS)]
    share = np.mean([one.low <= 0.05 <= one.high for one in found])
    assert 0.94 - off(0.05) <= share <= 0.96 + off(0.05)


@pytest.mark.parametrize("clustered", [False, True], ids=["one case a customer", "one to five cases"])
def test_scores_without_a_difference_are_seldom_told_apart(clustered: bool) -> None:
    random = np.random.default_rng(8)
    found = [statistics.scored(*kind(random, 60, 0.0, clustered), draws=300) for kind in (noisy, sparse) for _ in range(SETS // 2)]
    assert np.mean([one.p < 0.05 for one in found]) <= 0.05 + off(0.05)


def some_scores() -> Iterator[statistics.Difference]:
    random = np.random.default_rng(9)
    for n in (1, 2, 3, 5, 8, 20, 60):
        for kind in (noisy, sparse, skewed):
            for difference in (0.0, 0.05, 0.2):
                yield statistics.scored(*kind(random, n, difference, n > 4), draws=400)


def test_the_p_value_of_scores_agrees_with_the_interval() -> None:
    told = list(some_scores())
    assert all((one.p < 0.05) == (one.low > 0 or one.high < 0) for one in told)
    assert {one.p < 0.05 for one in told} == {True, False}
    assert all(-1 <= one.low <= one.difference <= one.high <= 1 and 0 < one.p <= 1 for one in told if abs(one.difference) <= 1)


def test_the_same_scores_are_judged_the_same_again() -> None:
    made = noisy(np.random.default_rng(1), 50, 0.02, True)
    assert statistics.scored(*made) == statistics.scored(*made)
    assert statistics.scored(*made).p == pytest.approx(statistics.scored(*made, seed=1).p, abs=0.05)


def test_scores_that_are_all_alike_say_little() -> None:
    same = statistics.scored([0.7] * 40, [0.7] * 40)
    assert (same.difference, same.p, same.low) == (0.0, 1.0, pytest.approx(-Share(0, 40).interval[1]))
    assert statistics.scored([0.8] * 3, [0.5] * 3).p == 0.25  # three coins fall alike so often
    many = statistics.scored([0.8] * 40, [0.5] * 40)
    assert many.p < 0.001 and 0.2 < many.low < 0.3 < many.high < 0.4
    assert statistics.scored([0.8] * 40, [0.5] * 40, ["one customer"] * 40).p == 1.0
    assert statistics.scored([0.1 + 0.2] * 9, [0.3] * 9).changed_clusters == 0  # added up in another order


# -- how many cases it takes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "fixed", "broken"), [(30, 0.2, 0.05), (60, 0.15, 0.1), (60, 0.1, 0.0), (60, 0.05, 0.2)])
def test_the_power_is_added_up_over_everything_that_can_happen(n: int, fixed: float, broken: float) -> None:
    up, down, chances = counts(n, fixed, broken)
    told = 2 * binom.cdf(np.minimum(up, down), up + down, 0.5) < 0.05
    assert power.power(n, fixed, broken) == pytest.approx(chances[told].sum(), abs=1e-4)


@pytest.mark.parametrize(("n", "fixed", "broken"), [(2_000, 0.06, 0.04), (20_000, 0.052, 0.048), (5_000, 0.31, 0.29)])
def test_the_power_of_large_sets_is_the_normal_one(n: int, fixed: float, broken: float) -> None:
    drawn = np.random.default_rng(3).multinomial(n, [fixed, broken, 1 - fixed - broken], 20_000)
    told = 2 * binom.cdf(np.minimum(drawn[:, 0], drawn[:, 1]), drawn[:, 0] + drawn[:, 1], 0.5) < 0.05
    assert power.power(n, fixed, broken) == pytest.approx(told.mean(), abs=0.015)


def test_power_has_its_ends() -> None:
    assert power.power(0, 0.1, 0.1) == power.power(100, 0.0, 0.0) == power.power(5, 1.0, 0.0) == 0.0
    assert power.power(6, 1.0, 0.0) == power.power(50, 0.9, 0.0) == pytest.approx(1.0)
    assert power.power(100, 0.2, 0.1, 2.0) < power.power(100, 0.2, 0.1) > power.power(100, 0.2, 0.1, sure=0.01)
    assert power.power(100, 0.2, 0.1) == pytest.approx(power.power(100, 0.1, 0.2))


PROMISES = [(3, 1, 40), (3, 0, 60), (8, 4, 60), (6, 3, 100), (12, 5, 80), (20, 10, 100), (30, 22, 400)]


@pytest.mark.parametrize(("fixed", "broken", "n"), PROMISES)
def test_as_many_more_cases_as_are_named_tell_four_times_in_five(fixed: int, broken: int, n: int) -> None:
    more = power.more_needed(fixed, broken, n)
    assert more is not None
    drawn = np.random.default_rng(3).multinomial(n + more, [fixed / n, broken / n, 1 - (fixed + broken) / n], 4_000)
    told = 2 * binom.cdf(np.minimum(drawn[:, 0], drawn[:, 1]), drawn[:, 0] + drawn[:, 1], 0.5) < 0.05
    assert 0.75 - off(0.2, 4_000) <= told.mean() <= 0.85 + off(0.2, 4_000)


@pytest.mark.parametrize(("fixed", "broken"), [(0.2, 0.1), (0.075, 0.025), (0.2, 0.05), (0.1, 0.0)])
@pytest.mark.parametrize("alike", [0.0, 0.5, 0.7])
def test_that_holds_for_customers_with_several_cases(alike: float, fixed: float, broken: float) -> None:
    """How customers change is estimated from a first set of 400 cases, another one each time."""
    pilots = simulated(400, fixed, broken, clustered=True, sets=25, alike=alike)
    sets, told = max(SETS // 10, 40), []
    for changes in pilots.changes:
        first = statistics.pass_fail((changes > 0).tolist(), (changes < 0).tolist(), pilots.customers)
        cases = power.cases_needed(fixed, broken, first.size_of_a_change)
        told.append((simulated(cases, fixed, broken, clustered=True, sets=sets, alike=alike, seed=cases).p_values() < 0.05).mean())
    assert 0.75 - off(0.2, 25 * sets) <= np.mean(told) <= 0.85 + off(0.2, 25 * sets)


def test_the_power_for_customers_with_several_cases_is_about_what_is_found() -> None:
    made = simulated(400, 0.075, 0.025, clustered=True, sets=2_000)
    effect = float(np.median(statistics.design_effect(made.sums, made.sizes, made.fixed, made.broken)))
    found = (made.p_values() < 0.05).mean()
    assert power.power(400, 0.075, 0.025, effect) == pytest.approx(found, abs=0.04)
    assert power.power(400, 0.075, 0.025) > found + 0.2  # the control: as if they were different customers


def test_a_larger_effect_needs_fewer_further_cases() -> None:
    needed = [power.more_needed(fixed, 4, 60) or 0 for fixed in (5, 6, 7, 8, 9, 10)]
    assert needed == sorted(needed, reverse=True) and len(set(needed)) == len(needed)
    assert power.more_needed(4, 4, 60) is power.more_needed(0, 0, 3) is None
    assert power.more_needed(5, 4, 60) == power.more_needed(4, 5, 60)
    assert (power.more_needed(8, 4, 60, 2.0) or 0) > (power.more_needed(8, 4, 60) or 0) < (power.more_needed(8, 4, 60, sure=0.01) or 0)


def test_how_many_are_needed_is_about_so_many() -> None:
    assert [power._rounded(cases) for cases in (-5, 1, 10, 63, 99, 101, 237, 2_301, 99_999, 100_001)] == [
        10, 10, 10, 70, 100, 110, 240, 2_400, 100_000, power.MOST + 1,
    ]  # fmt: skip
    assert power.more_needed(1_003, 1_000, 10_000) == power.more_needed(40_001, 40_000, 100_000) == power.MOST + 1


def test_more_scores_tell_four_times_in_five() -> None:
    random = np.random.default_rng(6)
    first = statistics.scored(*noisy(random, 3_000, 0.02, True))
    more = power.more_needed_scores(0.02, first.error * sqrt(3_000 / 100), 100)
    assert more is not None and power.more_needed_scores(0.0, 0.1, 100) is None
    told = [statistics.scored(*noisy(random, 100 + more, 0.02, True), draws=300).p < 0.05 for _ in range(SETS)]
    assert 0.75 - off(0.2) <= np.mean(told) <= 0.85 + off(0.2)


# -- a grader against people --------------------------------------------------------------------------------------------------------------


def test_a_grader_is_checked_against_people() -> None:
    pairs = [(True, True)] * 50 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 35
    told = statistics.against_people([one for one, _ in pairs], [other for _, other in pairs])
    ratings = [Rating(i, who, said) for i, pair in enumerate(pairs) for who, said in zip("mp", pair, strict=True)]
    assert (told.n, told.precision, told.recall, told.caught) == (100, Share(50, 55), Share(50, 60), Share(35, 40))
    assert told.agreement == kappa(ratings, "m", "p") and told.kappa == pytest.approx((0.85 - 0.51) / 0.49)
    assert (
        told.sentence.startswith("They mostly agree: 0.69 (") and "of what people fail it fails 88\u00a0% (74–95, n = 40)." in told.sentence
    )
    figures = told.figures()
    assert (figures["precision_low"], figures["precision_high"]) == Share(50, 55).interval
    assert (figures["n"], figures["kappa_low"], figures["caught_k"]) == (100, told.agreement.low, 35)


def test_a_grader_that_always_passes_is_not_taken_for_a_good_one() -> None:
    told = statistics.against_people([True] * 60, [True] * 50 + [False] * 10)
    assert told.kappa is None and told.recall == Share(50, 50) and told.caught == Share(0, 10)
    assert told.sentence.startswith("Cannot tell: one of the two gave all 60 the same answer.")
    nothing = statistics.against_people([], [])
    assert (nothing.n, nothing.kappa, nothing.sentence) == (0, None, "Cannot tell: nothing was rated by both yet.")
    with pytest.raises(ValueError, match="zip"):
        statistics.against_people([True], [])
