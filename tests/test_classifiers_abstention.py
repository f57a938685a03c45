"""A promised precision is kept, in simulation over many shapes of confidence; the plain rule, beside it, breaks its promise."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from scipy.stats import binomtest

from classifiers import abstention
from classifiers.abstention import NEVER
from data.errors import Refused
from data.measures import Share
from tests.conftest import SOAK

DRAWS = 1_000 if SOAK else 150
PRECISION = 0.95
MOST_BROKEN = 0.05 + 3 * np.sqrt(0.05 * 0.95 / DRAWS)

Random = np.random.Generator
Drawn = tuple[np.ndarray, np.ndarray]


def calibrated(n: int, random: Random) -> Drawn:
    confidence = random.beta(8, 1, n)
    return confidence, confidence**0.6


def overconfident(n: int, random: Random) -> Drawn:
    confidence = random.beta(6, 1, n)
    return confidence, confidence**2.2


def in_tenths(n: int, random: Random) -> Drawn:
    confidence = np.round(random.beta(6, 1, n) * 10) / 10
    return confidence, confidence * 0.99


def of_two_values(n: int, random: Random) -> Drawn:
    sure = random.random(n) < 0.5
    return np.where(sure, 0.9, 0.6), np.where(sure, 1.0, 0.88)  # all of them: right in 94 of 100


def surest_is_worse(n: int, random: Random) -> Drawn:
    confidence = random.beta(3, 1, n)
    return confidence, np.where(confidence > 0.97, 0.93, np.where(confidence > 0.7, 0.97, 0.6))


SHAPES = [calibrated, overconfident, in_tenths, of_two_values, surest_is_worse]
Shape = Callable[[int, Random], Drawn]


@cache
def in_the_long_run(shape: Shape) -> Drawn:
    """Of very many rows, the surest first: their confidence, and the share that is right down to each."""
    confidence, chance = shape(500_000, np.random.default_rng(9))
    order = np.argsort(-confidence)
    return confidence[order], np.cumsum(chance[order]) / np.arange(1, len(order) + 1)


def true_precision(shape: Shape, value: float) -> float:
    confidence, precision = in_the_long_run(shape)
    rows = int(np.searchsorted(-confidence, -value, side="right"))
    return float(precision[rows - 1]) if rows else 1.0


def draw(shape: Shape, n: int, seed: int) -> Drawn:
    random = np.random.default_rng((seed, n))
    confidence, chance = shape(n, random)
    return confidence, random.random(n) < chance


@pytest.mark.parametrize("n", [150, 1_500])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_promised_precision_holds(shape: Shape, n: int) -> None:
    broken = 0
    for seed in range(DRAWS):
        found = abstention.fit(*draw(shape, n, seed), precision=PRECISION)
        broken += found.promised and true_precision(shape, found.value) < PRECISION
    assert broken / DRAWS <= MOST_BROKEN


def plain(confidence: np.ndarray, was_right: np.ndarray) -> float:
    """The lowest confidence above which the wanted share of these rows was right."""
    order = np.argsort(-confidence)
    good = np.nonzero(np.cumsum(was_right[order]) / np.arange(1, len(order) + 1) >= PRECISION)[0]
    return float(confidence[order][good[-1]]) if len(good) else NEVER


@pytest.mark.parametrize("shape", [calibrated, overconfident, surest_is_worse])
def test_the_plain_rule_breaks_its_promise(shape: Shape) -> None:
    """The control: in more than every third draw."""
    values = [plain(*draw(shape, 400, seed)) for seed in range(DRAWS)]
    assert np.mean([value < 1 and true_precision(shape, value) < PRECISION for value in values]) > 0.3


def test_it_answers_nearly_as_much_as_it_could() -> None:
    """Of 1,500 rows: 87 % could be answered, if everything were known."""
    found = [abstention.fit(*draw(calibrated, 1_500, seed), precision=PRECISION).answered.value for seed in range(60)]
    assert np.mean(found) > 0.6


def of_customers(seed: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Eight conversations a customer, and whoever's one is understood, all of theirs are: right in 94 of 100, whatever the confidence."""
    random = np.random.default_rng(seed)
    customers = np.repeat(np.arange(80), 8)
    return random.random(80)[customers], (random.random(80) < 0.94)[customers], [f"customer {one}" for one in customers]


def test_the_rows_of_one_customer_count_once() -> None:
    kept = [
        abstention.fit(confidence, right, precision=PRECISION, groups=groups)
        for confidence, right, groups in map(of_customers, range(DRAWS))
    ]
    assert np.mean([one.promised for one in kept]) <= MOST_BROKEN  # any promise is a broken one here
    assert kept[0].answered.n == 80


def test_rows_that_are_taken_for_different_customers_break_the_promise() -> None:
    """The control: the same rows without the customers."""
    kept = [abstention.fit(confidence, right, precision=PRECISION) for confidence, right, _ in map(of_customers, range(DRAWS))]
    assert np.mean([one.promised for one in kept]) > 0.1


def test_a_row_without_a_customer_is_a_customer_of_its_own() -> None:
    assert abstention.one_of_each([None, "a", "a", None]).size == 3


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    """100 rows of one confidence, k of them right: promised exactly where scipy's lower bound reaches the precision."""
    for right in range(94, 101):
        found = abstention.fit(np.full(100, 0.7), np.arange(100) < right, precision=PRECISION)
        low = binomtest(right, 100, alternative="greater").proportion_ci(0.95, method="exact").low
        assert found.promised is bool(low >= PRECISION)


def test_fifty_nine_without_a_mistake_are_enough_and_fifty_eight_are_not() -> None:
    confidence = np.linspace(0.5, 1, 59)
    found = abstention.fit(confidence, np.ones(59, bool), precision=PRECISION)
    assert (found.promised, found.value, found.answered, found.right) == (True, 0.5, Share(59, 59), Share(59, 59))
    short = abstention.fit(confidence[1:], np.ones(58, bool), precision=PRECISION)
    assert (short.promised, short.value, short.more_needed) == (False, NEVER, 1)
    assert short.sentence == (
        "Be right 95\u00a0% of the time: that cannot be promised yet. With 58 checked conversations not even no mistake is enough: "
        "at least 59 without a mistake are needed. Check 1 more; until then it keeps silent."
    )


def test_nothing_checked_is_a_sentence() -> None:
    assert "59 without a mistake" in abstention.fit(np.zeros(0), np.zeros(0, bool), precision=PRECISION).sentence


def test_no_confidence_reaches_never() -> None:
    assert NEVER > 1


def test_it_says_what_it_was_right_in() -> None:
    found = abstention.fit(np.r_[np.full(300, 0.91), np.full(100, 0.4)], np.arange(400) < 297, precision=PRECISION)
    assert found.sentence == (
        "Be right 95\u00a0% of the time: it answers where it is at least 91\u00a0% confident, in 300 of 400 checked conversations, and was "
        "right in 297 of them. That it stays at 95\u00a0% or above is 95\u00a0% sure."
    )


def test_too_many_mistakes_say_how_many_more_or_that_more_do_not_help() -> None:
    close = abstention.fit(np.full(200, 0.9), np.arange(200) < 194, precision=PRECISION)
    assert close.more_needed and "Check about" in close.sentence
    confidence, right = np.full(200 + close.more_needed, 0.9), np.arange(200 + close.more_needed) < 0.975 * (200 + close.more_needed)
    assert abstention.fit(confidence, right, precision=PRECISION).promised
    far = abstention.fit(np.full(200, 0.9), np.arange(200) < 160, precision=PRECISION)
    assert far.more_needed is None and "more of the same would not help" in far.sentence


@pytest.mark.parametrize("precision", [0.0, 1.0])
def test_a_precision_that_nothing_can_promise_is_refused(precision: float) -> None:
    with pytest.raises(Refused, match="cannot be promised"):
        abstention.fit(np.ones(9), np.ones(9, bool), precision=precision)


def labelled(seed: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Eight labels, each right a little less often than is promised, whatever the confidence: any promise is a broken one."""
    random = np.random.default_rng(seed)
    return [f"label {place % 8}" for place in range(1_600)], random.random(1_600), random.random(1_600) < PRECISION - 0.001


def test_the_promises_of_all_labels_hold_together() -> None:
    broken = [any(one.promised for one in abstention.fit_by_label(*labelled(seed), precision=PRECISION).values()) for seed in range(DRAWS)]
    assert np.mean(broken) <= MOST_BROKEN


def test_labels_that_are_not_corrected_for_break_their_promises() -> None:
    """The control: each label by itself, as if it were asked alone."""

    def one_breaks(seed: int) -> bool:
        labels, confidence, right = labelled(seed)
        mine = [np.array([label == name for label in labels]) for name in sorted(set(labels))]
        return any(abstention.fit(confidence[rows], right[rows], precision=PRECISION).promised for rows in mine)

    assert np.mean([one_breaks(seed) for seed in range(60)]) > 0.1


def test_a_label_too_rare_to_be_promised_takes_nothing_from_the_others() -> None:
    labels = ["refund"] * 59 + [f"rare {place}" for place in range(20)]
    found = abstention.fit_by_label(labels, np.full(79, 0.8), np.ones(79, bool), precision=dict.fromkeys(labels, PRECISION))
    assert found["refund"].promised and not found["rare 3"].promised and found["rare 3"].value == NEVER


def test_a_guess_between_the_lines_is_shown_to_a_person() -> None:
    confidence, right = draw(calibrated, 3_000, 1)
    answers = abstention.fit(confidence, right, precision=PRECISION)
    asks = abstention.ask_a_person(confidence, right, answers, share=0.7)
    assert 0 < asks.value < answers.value < 1
    decided = [
        abstention.decide(one, 0.0, threshold=answers.value, asks=asks.value) for one in (answers.value, asks.value, asks.value - 0.01)
    ]
    assert decided == ["answers", "asks", "silent"]
    assert asks.right.value >= 0.7 and "shows its guess to a person" in asks.sentence


def test_guesses_that_are_hardly_ever_right_are_shown_to_nobody() -> None:
    answers = abstention.fit(np.full(90, 0.3), np.arange(90) < 9, precision=PRECISION)
    asks = abstention.ask_a_person(np.full(90, 0.3), np.arange(90) < 9, answers)
    assert not asks.promised and abstention.decide(0.99, 0.0, threshold=answers.value, asks=asks.value) == "silent"


def with_pairs(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the second best label is close, every second guess is wrong, however confident."""
    random = np.random.default_rng((seed, n))
    close, confidence = random.random(n) < 0.3, random.uniform(0.45, 0.55, n)
    return confidence, np.where(close, confidence - 0.05, 0.1), random.random(n) < np.where(close, 0.5, 0.985)


def test_an_ambiguous_pair_is_not_answered_where_that_keeps_the_promise() -> None:
    confidence, second, right = with_pairs(2_000, 3)
    assert not abstention.fit(confidence, right, precision=PRECISION).promised  # confidence alone cannot tell
    found = abstention.fit(confidence, right, precision=PRECISION, second=second)
    assert found.promised and found.gap == 0.1 and found.answered.value > 0.6 and "10 points behind" in found.sentence
    assert abstention.decide(0.5, 0.1, threshold=found.value, gap=found.gap) == "answers"
    assert abstention.decide(0.5, 0.45, threshold=found.value, gap=found.gap) == "names both"
    asks = abstention.ask_a_person(confidence, right, found, share=0.3, second=second)
    assert asks.promised and abstention.decide(0.2, 0.15, threshold=found.value, gap=found.gap, asks=asks.value) == "silent"


def test_the_promise_holds_with_the_gap_chosen_too() -> None:
    """Right in 94 of 100 whatever the confidence and the gap: any promise is a broken one."""
    broken = 0
    for seed in range(DRAWS):
        random = np.random.default_rng(seed)
        best = random.uniform(0.5, 1, 1_200)
        right = random.random(1_200) < 0.94
        broken += abstention.fit(best, right, precision=PRECISION, second=(1 - best) * random.random(1_200)).promised
    assert broken / DRAWS <= MOST_BROKEN
