"""How far people agree: the numbers of the books, intervals that hold the truth, and words where nothing can be told."""

import math
import random
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from data import agreement
from data.agreement import FEWEST, VARIED, Agreement, Disagreement, Rating
from tests.conftest import SOAK

ONE, OTHER = "Ada", "Ben"
often = settings(max_examples=400 if SOAK else 50, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


def rows(*said: Sequence[Hashable | None]) -> list[Rating]:
    """One row for each rater, one column for each unit; None where nothing was said."""
    return [Rating(unit, rater, value) for rater, row in enumerate(said) for unit, value in enumerate(row)]


def pairs(answers: Iterable[tuple[Hashable, Hashable]]) -> list[Rating]:
    return [Rating(unit, rater, value) for unit, pair in enumerate(answers) for rater, value in zip((ONE, OTHER), pair, strict=True)]


def table(*counts: Sequence[int], times: int = 1) -> list[Rating]:
    """One rater's answers in the rows, the other's in the columns."""
    return pairs((a, b) for a, row in enumerate(counts) for b, count in enumerate(row) for _ in range(count * times))


def number(told: Agreement) -> float:
    assert told.value is not None and told.low is not None and told.high is not None, told.sentence
    return told.value


# The books.

# K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): A (two observers, binary), B (two, nominal), C (four, with gaps)
BINARY = rows([0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0])
NOMINAL = rows("aabbdcccedda", "babbbccceddd")
GAPS = rows(
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
)


@pytest.mark.parametrize(
    ("ratings", "scale", "printed"),
    [
        (BINARY, "nominal", 0.095),
        (NOMINAL, "nominal", 0.692),
        (GAPS, "nominal", 0.743),
        (GAPS, "ordinal", 0.815),
        (GAPS, "interval", 0.849),
    ],
)
def test_alpha_is_the_one_that_krippendorff_printed(ratings: list[Rating], scale: agreement.Scale, printed: float) -> None:
    assert number(agreement.alpha(ratings, scale=scale)) == pytest.approx(printed, abs=5e-4)


def test_what_only_one_person_rated_does_not_count() -> None:
    told = agreement.alpha(GAPS)
    assert (told.n, told.raters) == (11, 4)  # the twelfth unit was rated once
    assert told == agreement.alpha([rating for rating in GAPS if rating.unit != 11])


# J. L. Fleiss, Measuring nominal scale agreement among many raters, Psychological Bulletin 76 (1971), table 1:
# how often six raters gave each of 30 patients each of five diagnoses. Kappa 0.430 there, 0.4302445 in R's irr.
FLEISS = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 "
    "00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
)


def test_alpha_is_fleiss_kappa_but_for_its_correction_of_small_samples() -> None:
    ratings = rows(
        *zip(*("".join(str(kind) * int(count) for kind, count in enumerate(patient)) for patient in FLEISS.split()), strict=True)
    )
    told = agreement.alpha(ratings)
    assert (told.n, told.raters) == (30, 6)
    assert 1 - number(told) == pytest.approx((1 - 0.4302445) * 179 / 180, abs=1e-7)


@pytest.mark.parametrize(
    ("counts", "weights", "value", "error"),
    [
        # J. Cohen, A coefficient of agreement for nominal scales (1960): 200 cases, kappa .492
        (([88, 14, 18], [10, 40, 10], [2, 6, 12]), "nominal", 0.492, None),
        # J. L. Fleiss, J. Cohen, B. S. Everitt, Large sample standard errors of kappa (1969): kappa .429, variance .002885
        (([106, 10, 4], [22, 28, 10], [2, 12, 6]), "nominal", 0.429, math.sqrt(0.002885)),
        # J. L. Fleiss, B. Levin, M. C. Paik, Statistical Methods for Rates and Proportions (2003), chapter 18: .68, error .087
        (([75, 1, 4], [5, 4, 1], [0, 0, 10]), "nominal", 0.6765, 0.0877),
        # SAS, PROC FREQ, as statsmodels' own tests quote it
        (([0, 4, 1], [0, 8, 0], [0, 1, 5]), "nominal", 0.4842, 0.1380),
        (([0, 4, 1], [0, 8, 0], [0, 1, 5]), "linear", 0.4701, 0.1457),
    ],
)
def test_kappa_and_its_error_are_the_ones_of_the_books(
    counts: tuple[list[int], ...], weights: agreement.Weights, value: float, error: float | None
) -> None:
    assert number(agreement.kappa(table(*counts), ONE, OTHER, weights=weights)) == pytest.approx(value, abs=5e-4)
    if error is not None:
        times = 40_000 // sum(map(sum, counts))  # so many that half a unit more is nothing
        many = agreement.kappa(table(*counts, times=times), ONE, OTHER, weights=weights)
        assert many.low is not None and many.high is not None
        assert (many.high - many.low) / 2 / agreement.Z * math.sqrt(times) == pytest.approx(error, abs=3e-4)


@pytest.mark.parametrize("weights", ["nominal", "linear", "quadratic"])
def test_kappa_is_scikit_learns(weights: agreement.Weights) -> None:
    rng = random.Random(4)
    for _ in range(25):
        answers = [(rng.choice((own := rng.randrange(5), own, rng.randrange(5))), own) for _ in range(rng.randint(20, 90))]
        expected = cohen_kappa_score(*zip(*answers, strict=True), labels=range(5), weights=None if weights == "nominal" else weights)
        assert number(agreement.kappa(pairs(answers), ONE, OTHER, weights=weights)) == pytest.approx(expected)


# Alpha from its definition: every pair of answers, one by one.


def by_definition(ratings: Iterable[Rating], scale: agreement.Scale) -> float:
    said: dict[Hashable, list[int]] = {}
    for unit, _, value in ratings:
        said.setdefault(unit, []).append(value)  # type: ignore[arg-type]
    units = [values for values in said.values() if len(values) > 1]
    used = Counter(value for values in units for value in values)
    n = used.total()

    def far(a: int, b: int) -> float:
        if scale == "nominal":
            return float(a != b)
        if scale == "interval":
            return float((a - b) ** 2)
        low, high = min(a, b), max(a, b)
        return (sum(count for value, count in used.items() if low <= value <= high) - (used[a] + used[b]) / 2) ** 2

    observed = sum(far(a, b) / (len(values) - 1) for values in units for a, b in permutations(values, 2)) / n
    expected = sum(far(a, b) * used[a] * (used[b] - (a == b)) for a in used for b in used) / n / (n - 1)
    return 1 - observed / expected


# Some units of which several raters said something, from one common opinion and some noise.
marks = st.lists(st.lists(st.sampled_from([0, 0, 1, 1, 2, 4]), min_size=1, max_size=4), min_size=FEWEST + 4, max_size=30)


def from_marks(units: list[list[int]]) -> list[Rating]:
    """With two certain answers that everybody gives, so that there is something to tell apart."""
    units = [*units, *([[0, 0]] * VARIED), *([[2, 2, 2]] * VARIED)]
    return [Rating(f"unit {unit}", f"rater {rater}", value) for unit, said in enumerate(units) for rater, value in enumerate(said)]


@pytest.mark.parametrize("scale", ["nominal", "ordinal", "interval"])
@often
@given(marks)
def test_alpha_is_what_its_definition_says(scale: agreement.Scale, units: list[list[int]]) -> None:
    ratings = from_marks(units)
    assert number(agreement.alpha(ratings, scale=scale)) == pytest.approx(by_definition(ratings, scale))


@often
@given(marks, st.randoms(use_true_random=False))
def test_neither_order_nor_names_of_raters_and_values_change_anything(units: list[list[int]], rng: random.Random) -> None:
    ratings = from_marks(units)
    other_order = rng.sample(ratings, len(ratings))
    assert agreement.by_label(other_order) == agreement.by_label(ratings)
    assert agreement.pairs_that_disagree(other_order) == agreement.pairs_that_disagree(ratings)
    names = dict(zip(range(5), rng.sample("vwxyz", 5), strict=True))
    raters = dict(zip((f"rater {n}" for n in range(4)), rng.sample(range(4), 4), strict=True))
    renamed = [Rating(unit, raters[str(rater)], names[value]) for unit, rater, value in other_order]  # type: ignore[index]
    assert agreement.alpha(renamed) == agreement.alpha(ratings)
    for scale in ("ordinal", "interval"):
        assert agreement.alpha(other_order, scale=scale) == agreement.alpha(ratings, scale=scale)
        in_order = [names[value] for value in range(5)]
        assert agreement.alpha(renamed, scale=scale, order=in_order) == agreement.alpha(ratings, scale=scale)
    turned = agreement.kappa(renamed, raters["rater 1"], raters["rater 0"])
    assert number(turned) == pytest.approx(number(agreement.kappa(ratings, "rater 0", "rater 1")))


@often
@given(marks)
def test_the_interval_holds_the_value_and_stays_within_what_is_possible(units: list[list[int]]) -> None:
    ratings = from_marks(units)
    told = [agreement.alpha(ratings, scale=scale) for scale in ("nominal", "ordinal", "interval")]
    told += [agreement.kappa(ratings, "rater 0", "rater 1", weights=weights) for weights in ("nominal", "linear", "quadratic")]
    told += agreement.by_label(ratings).values()
    for one in told:
        if one.value is None:
            assert one.low is one.high is None and one.sentence.startswith("Cannot tell: ")
        else:
            assert one.low is not None and one.high is not None
            assert -1 <= one.low <= one.value <= one.high <= 1 and one.low < one.high


@often
@given(marks)
def test_of_each_label_it_is_the_alpha_of_that_label_against_all_others(units: list[list[int]]) -> None:
    ratings = from_marks(units)
    found = agreement.by_label(ratings)
    used = Counter(value for said in units for value in said if len(said) > 1) + Counter({0: 2 * VARIED, 2: 3 * VARIED})
    assert [used[label] for label in found] == sorted(used.values(), reverse=True)  # type: ignore[index]
    for label, told in found.items():
        alone = agreement.alpha([Rating(unit, rater, value == label) for unit, rater, value in ratings])
        assert (told.value, told.low, told.high) == (close(alone.value), close(alone.low), close(alone.high))
        assert (told.n, told.raters) == (alone.n, alone.raters)


def close(value: float | None) -> object:
    return value if value is None else pytest.approx(value)


@often
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=FEWEST, max_size=40), st.integers(0, 4), st.integers(0, 4))
def test_two_who_swap_their_answers_so_that_they_agree_agree_more(answers: list[tuple[int, int]], a: int, b: int) -> None:
    """As often as before each gives each answer, so what chance would do stays the same."""
    certain = [(value, value) for value in (0, 4) for _ in range(VARIED)]
    before, after = pairs([*answers, *certain, (a, b), (b, a)]), pairs([*answers, *certain, (a, a), (b, b)])
    for scale in ("nominal", "ordinal", "interval"):
        rise = number(agreement.alpha(after, scale=scale)) - number(agreement.alpha(before, scale=scale))
        assert rise > 0 if a != b else rise == 0
    for weights in ("nominal", "linear", "quadratic"):
        rise = number(agreement.kappa(after, ONE, OTHER, weights=weights)) - number(agreement.kappa(before, ONE, OTHER, weights=weights))
        assert rise > 0 if a != b else rise == 0


@often
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(2, 4)), min_size=FEWEST, max_size=40))
def test_who_always_agree_have_one(said: list[tuple[int, int]]) -> None:
    ratings = from_marks([[value] * raters for value, raters in said])
    for scale in ("ordinal", "interval"):
        told = agreement.alpha(ratings, scale=scale)
        assert told.value == told.high == 1.0
    for told in (agreement.alpha(ratings), agreement.kappa(ratings, "rater 0", "rater 1")):
        assert told.value == told.high == 1.0
        assert told.low is not None and 0 < told.low < 0.95  # some tens of units are no proof


def test_more_units_like_these_make_the_interval_narrower() -> None:
    widths = []
    for times in (1, 4, 16, 64):
        told = agreement.kappa(table([20, 5], [10, 15], times=times), ONE, OTHER)
        assert told.value == pytest.approx(0.4) and told.low is not None and told.high is not None
        widths.append(told.high - told.low)
    assert [first / second for first, second in pairwise(widths)] == pytest.approx([2, 2, 2], rel=0.05)


# The interval against drawing anew.


def drawn(rng: np.random.Generator, units: int, raters: int, shares: Sequence[float], truth: float) -> list[list[int]]:
    """Each sees what is there with a probability of which the square is the truth, and else guesses by the shares: one row a rater."""
    there = rng.choice(len(shares), size=units, p=shares)
    guessed = rng.choice(len(shares), size=(raters, units), p=shares)
    found: list[list[int]] = np.where(rng.random((raters, units)) < math.sqrt(truth), there, guessed).tolist()
    return found


def held(units: int, raters: int, shares: Sequence[float], truth: float, draws: int) -> float:
    """How often the interval holds the truth, among the draws that can tell anything."""
    rng = np.random.default_rng(units + raters)
    told = [agreement.alpha(rows(*drawn(rng, units, raters, shares, truth))) for _ in range(draws)]
    if raters == 2:
        told += [agreement.kappa(rows(*drawn(rng, units, 2, shares, truth)), 0, 1) for _ in range(draws)]
    found = [one.low <= truth <= one.high for one in told if one.low is not None and one.high is not None]
    assert len(found) > draws / 3
    return sum(found) / len(found)


SKEWED = (0.4, 0.3, 0.2, 0.1)


@pytest.mark.parametrize("truth", [0.0, 0.5, 0.8, 0.95])
@pytest.mark.parametrize(
    ("units", "raters", "shares"), [(20, 2, SKEWED), (20, 3, (0.5, 0.5)), (60, 2, (0.8, 0.2)), (60, 3, SKEWED), (200, 2, (0.97, 0.03))]
)
def test_the_interval_holds_the_truth_about_95_times_in_100(units: int, raters: int, shares: Sequence[float], truth: float) -> None:
    assert 0.87 <= held(units, raters, shares, truth, 2_000 if SOAK else 120) <= 1


def test_resampling_a_small_sample_of_people_who_nearly_agree_would_have_been_overconfident() -> None:
    """The control: the percentile bootstrap on the same draws, which gives 1 to 1 when nobody disagreed."""
    rng, resampling, truth = np.random.default_rng(22), np.random.default_rng(1), 0.95
    hits = ours = 0
    for _ in range(100):
        answers = drawn(rng, 20, 2, SKEWED, truth)
        told = agreement.alpha(rows(*answers))
        assert told.low is not None and told.high is not None
        ours += told.low <= truth <= told.high
        low, high = percentiles(resampling, np.array(answers), 300)
        hits += low <= truth <= high
    assert ours >= 88 and hits <= 65


def percentiles(rng: np.random.Generator, answers: np.ndarray, times: int) -> tuple[float, float]:
    """The middle 95 % of alphas of two raters over units drawn anew."""
    again = answers[:, rng.integers(0, answers.shape[1], size=(times, answers.shape[1]))]  # rater, time, unit
    n = 2 * answers.shape[1]
    alike = sum(((again == value).sum(axis=(0, 2)) / n) ** 2 for value in np.unique(answers))
    varied = alike < 1 - 1e-9
    found = 1 - (again[0] != again[1]).mean(axis=1)[varied] / ((1 - alike[varied]) * n / (n - 1))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


@pytest.mark.parametrize("truth", [0.2, 0.6])
def test_of_many_units_the_interval_is_the_one_of_drawing_them_anew(truth: float) -> None:
    answers = drawn(np.random.default_rng(8), 600, 2, SKEWED, truth)
    told = agreement.alpha(rows(*answers))
    low, high = percentiles(np.random.default_rng(9), np.array(answers), 2_000)
    assert (told.low, told.high) == (pytest.approx(low, abs=0.015), pytest.approx(high, abs=0.015))


# What is said.


@pytest.mark.parametrize(
    ("ratings", "sentence"),
    [
        ([], "Cannot tell: nothing was rated by at least two people yet."),
        (rows("abab" * 5), "Cannot tell: nothing was rated by at least two people yet."),
        (rows([None] * 20, "ab" * 10), "Cannot tell: nothing was rated by at least two people yet."),
        (rows("a", "b"), "Cannot tell: only 1 was rated by at least two people, and 10 are the fewest that say anything."),
        (rows("ab" * 4, "ab" * 4), "Cannot tell: only 8 were rated by at least two people, and 10 are the fewest that say anything."),
        (rows("a" * 12, "a" * 12), "Cannot tell: all 12 were given the same answer, so nobody had anything to tell apart."),
        (
            rows("a" * 18 + "bb", "a" * 17 + "bba"),
            "Cannot tell: all but 3 of 20 were given the same answer, so there was hardly anything to tell apart.",
        ),
    ],
)
def test_what_cannot_be_told_is_said_in_words(ratings: list[Rating], sentence: str) -> None:
    for scale in ("nominal", "ordinal", "interval"):
        told = agreement.alpha(ratings, scale=scale, order="ab")
        assert (told.value, told.low, told.high, told.sentence) == (None, None, None, sentence)
    assert all(told.value is None for told in agreement.by_label(ratings).values())
    assert agreement.kappa(ratings, 0, 1).sentence == sentence.replace("at least two people", "both")


def test_of_somebody_who_gives_one_answer_only_kappa_is_silent() -> None:
    """It would be exactly 0 with an interval from 0 to 0, whatever the other says."""
    told = agreement.kappa(rows("a" * 20, "ab" * 10), 0, 1)
    assert (told.value, told.sentence) == (None, "Cannot tell: one of the two gave all 20 the same answer.")
    assert agreement.kappa(rows("b" + "a" * 19, "ab" * 10), 0, 1).value is not None  # the control


def test_a_label_that_hardly_anybody_uses_is_not_judged() -> None:
    said = "a" * 15 + "b" * 10 + "c" * 3 + "d"
    told = agreement.by_label(rows(said, said))
    assert list(told) == ["a", "b", "c", "d"]
    assert told["a"].value == told["b"].value == 1
    assert told["c"].sentence == "Cannot tell: only 3 of 29 were given this by anybody."
    assert told["d"].sentence == "Cannot tell: only 1 of 29 was given this by anybody."
    common = agreement.by_label(rows("a" * 16 + "b" * 4, "a" * 20))
    assert common["a"].sentence == "Cannot tell: all but 4 of 20 were given this by everybody."


@pytest.mark.parametrize(
    ("counts", "times", "sentence"),
    [
        (([24, 1], [1, 24]), 4, "They agree well: 0.92 (0.84 to 0.96, n = 200)."),
        (([9, 1], [1, 9]), 1, "They agree well, as far as so few can tell: 0.80 (0.29 to 0.95, n = 20)."),
        (([43, 7], [7, 43]), 10, "They mostly agree: 0.72 (0.67 to 0.76, n = 1,000)."),
        (([20, 5], [10, 15]), 10, "They agree in part: 0.40 (0.32 to 0.47, n = 500)."),
        (([15, 10], [10, 15]), 10, "They agree little: 0.20 (0.11 to 0.28, n = 500)."),
        (([13, 12], [12, 13]), 1, "Not to be told from chance: 0.04 (-0.27 to 0.29, n = 50)."),
        (([10, 10], [10, 10]), 1, "Not to be told from chance: 0.00 (-0.34 to 0.28, n = 40)."),
        (([100, 101], [100, 100]), 1, "Not to be told from chance: 0.00 (-0.10 to 0.09, n = 401)."),
        (
            ([5, 20], [20, 5]),
            1,
            "They agree less than by chance: -0.60 (-0.82 to -0.38, n = 50). Ask whether they understand the question alike.",
        ),
        (
            ([0, 10], [10, 0]),
            1,
            "They agree less than by chance: -1.00 (-1.00 to -0.82, n = 20). Ask whether they understand the question alike.",
        ),
    ],
)
def test_the_agreement_is_said_in_words(counts: tuple[list[int], ...], times: int, sentence: str) -> None:
    assert agreement.kappa(table(*counts, times=times), ONE, OTHER).sentence == sentence


def test_the_answers_that_are_taken_for_each_other_come_first() -> None:
    ratings = rows(
        ["Refund", "Refund", "Login", "Login", "Delivery", "Refund", "Login"],
        ["Refund", "Delivery", "Login", "Refund", "Refund", "Refund", None],
        ["Login", "Delivery", "Login", None, "Delivery", "Refund", None],
    )
    assert agreement.pairs_that_disagree(ratings) == [
        Disagreement("Delivery", "Refund", 4, (1, 4)),  # two pairs of people in each
        Disagreement("Login", "Refund", 3, (0, 3)),
    ]
    assert agreement.pairs_that_disagree([]) == []


@often
@given(marks)
def test_the_pairs_are_all_that_differ_and_no_others(units: list[list[int]]) -> None:
    found = agreement.pairs_that_disagree(from_marks(units))
    assert sum(one.count for one in found) == sum(a != b for said in units for a, b in combinations(said, 2))
    for one in found:
        assert one.one != one.other
        assert all({one.one, one.other} <= set(units[int(str(unit).split()[1])]) for unit in one.units)
    assert [one.count for one in found] == sorted((one.count for one in found), reverse=True)


# What the caller got wrong.


def test_two_answers_of_one_rater_to_one_unit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^'Ada' said two things of 0: give only the one that counts$"):
        agreement.alpha([*table([20, 5], [10, 15]), Rating(0, ONE, 1)])
    same = [*table([20, 5], [10, 15]), Rating(0, ONE, 0), Rating(0, ONE, None)]  # the control: said twice is said once
    assert agreement.alpha(same) == agreement.alpha(table([20, 5], [10, 15]))


def test_words_are_not_ordered_by_the_alphabet() -> None:
    ratings = rows(["weak", "none", "strong"] * 5, ["weak", "none", "none"] * 5)
    for order in (None, ["weak", "strong"]):
        with pytest.raises(ValueError, match=r"have no place in the order: 'none'.*name all of them in `order`$"):
            agreement.alpha(ratings, scale="ordinal", order=order)
        with pytest.raises(ValueError, match="have no place in the order: 'none'"):
            agreement.kappa(ratings, 0, 1, weights="linear", order=order)
    assert number(agreement.alpha(ratings, scale="ordinal", order=["weak", "none", "strong"])) > 0


@pytest.mark.parametrize("wild", [math.nan, math.inf, 1e300, 10**400])
def test_numbers_that_cannot_be_counted_with_are_refused(wild: float) -> None:
    with pytest.raises(ValueError, match="have no place in the order: "):
        agreement.alpha(rows([1, 2] * 10, [1, 2] * 9 + [2, wild]), scale="interval")


def test_marks_of_any_size_are_told_alike() -> None:
    for unit in (1e-200, 1, 1e90):
        ratings = [Rating(of, rater, value and value * unit) for of, rater, value in GAPS]  # type: ignore[operator]
        assert number(agreement.alpha(ratings, scale="interval")) == pytest.approx(0.8491071)
