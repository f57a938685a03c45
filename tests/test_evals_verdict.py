"""The verdict: cautious, whole in words, and the same whichever way the runs are turned."""

import re

import numpy as np
import pytest
from scipy.stats import binom

from data.errors import Refused
from evals import power, statistics, verdict
from tests.test_evals_statistics import SETS, answers, counts, noisy, off, simulated, wald

FORM = re.compile(
    r"^(Better|Worse|No worse|Cannot tell): [\d,]+ (fixed|higher), [\d,]+ (broken|lower) of [\d,]+, (0|[+-]\d+) points "
    r"\((0|[+-]\d+) to (0|[+-]\d+)\)(; .+)?\.$"
)


def told(fixed: int, broken: int, both: int = 0, neither: int = 0, **options: float) -> verdict.Verdict:
    return verdict.judge(verdict.of_passes(*answers(fixed, broken, both, neither)), **options)


@pytest.mark.parametrize(
    ("kinds", "said", "sentence"),
    [
        ((11, 1, 40, 12), "better", "Better: 11 fixed, 1 broken of 64, +16 points (+6 to +27)."),
        ((1, 11, 40, 12), "worse", "Worse: 1 fixed, 11 broken of 64, -16 points (-27 to -6)."),
        ((9, 2, 40, 13), "no_worse", "No worse: 9 fixed, 2 broken of 64, +11 points (+1 to +22)."),
        ((4, 3, 380, 13), "no_worse", "No worse: 4 fixed, 3 broken of 400, 0 points (-1 to +2)."),
        ((0, 0, 400, 0), "no_worse", "No worse: 0 fixed, 0 broken of 400, 0 points (-1 to +1)."),
        ((8, 4, 45, 3), "cannot_tell", "Cannot tell: 8 fixed, 4 broken of 60, +7 points (-5 to +19); about 320 more cases would decide."),
        ((3, 2, 10, 5), "cannot_tell", "Cannot tell: 3 fixed, 2 broken of 20, +5 points (-19 to +29); about 800 more cases would decide."),
        ((1, 0, 2, 0), "cannot_tell", "Cannot tell: 1 fixed, 0 broken of 3, +33 points (-42 to +79); about 20 more cases would decide."),
        ((3, 0, 0, 0), "cannot_tell", "Cannot tell: 3 fixed, 0 broken of 3, +100 points (-12 to +100); about 10 more cases would decide."),
        ((0, 0, 20, 0), "cannot_tell", "Cannot tell: 0 fixed, 0 broken of 20, 0 points (-16 to +16); these cases show no difference."),
        ((0, 0, 0, 150), "cannot_tell", "Cannot tell: 0 fixed, 0 broken of 150, 0 points (-2 to +2); these cases show no difference."),
        (
            (501, 500, 999, 0), "cannot_tell",
            "Cannot tell: 501 fixed, 500 broken of 2,000, 0 points (-3 to +3); more than 100,000 more cases would decide.",
        ),
    ],
)  # fmt: skip
def test_the_verdict_is_said_in_words(kinds: tuple[int, int, int, int], said: str, sentence: str) -> None:
    one = told(*kinds)
    assert (one.verdict, one.sentence) == (said, sentence)


def test_every_sentence_has_the_one_form() -> None:
    random = np.random.default_rng(1)
    for _ in range(50):
        one = told(*(int(many) for many in random.integers(0, (12, 12, 60, 10)) + 1))
        assert FORM.match(one.sentence), one.sentence
        assert (one.more_needed is not None) == ("would decide" in one.sentence)


def test_no_case_in_common_is_refused() -> None:
    with pytest.raises(Refused, match=r"^Not compared: the two runs share no case\. Run both on the same frozen set\.$"):
        verdict.of_passes([], [])
    with pytest.raises(ValueError, match="2 and 1 answers"):
        verdict.of_scores([0.1, 0.2], [0.1])


def test_the_verdict_turns_round_with_the_runs() -> None:
    turned = {"better": "worse", "worse": "better"}
    random = np.random.default_rng(5)
    for _ in range(50):
        fixed, broken, both = (int(many) for many in random.integers(0, (16, 16, 200)))
        one, other = told(fixed, broken, both, 1), told(broken, fixed, both, 1)
        assert (one.found.difference, one.p) == (-other.found.difference, other.p)
        assert one.verdict != other.verdict or one.more_needed == other.more_needed
        assert turned.get(one.verdict, "") == other.verdict or (one.verdict not in turned and other.verdict not in turned)


def test_more_broken_cases_never_look_better() -> None:
    order = ["worse", "cannot_tell", "no_worse", "better"]
    for fixed in (0, 3, 10):
        said = [order.index(told(fixed, broken, 200 - fixed - broken).verdict) for broken in range(30)]
        assert said == sorted(said, reverse=True)


def test_a_larger_margin_allows_more_and_says_so() -> None:
    assert told(4, 7, 239).verdict == "cannot_tell"
    allowed = told(4, 7, 239, margin=0.05)
    assert allowed.sentence == "No worse: 4 fixed, 7 broken of 250, -1 points (-4 to +2); a loss of 5 points was allowed."


# -- caution ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "fixed", "broken"), [(100, 0.0, 0.02), (200, 0.0, 0.02), (200, 0.01, 0.03), (200, 0.04, 0.06), (400, 0.0, 0.02), (400, 0.1, 0.12)]
)
def test_a_loss_of_the_margin_is_seldom_called_none(n: int, fixed: float, broken: float) -> None:
    """Not simulated: added up over everything that can happen. Half of the 5 % is on this side."""
    up, down, chances = counts(n, fixed, broken)
    sure = 2 * binom.cdf(np.minimum(up, down), up + down, 0.5) < 0.05
    assert chances[np.where(sure, up > down, statistics.paired_interval(up, down, n)[0] > -0.02)].sum() <= 0.03


def test_the_normal_interval_would_call_it_none() -> None:
    """The control: none of 200 broken, by chance."""
    up, down, chances = counts(200, 0.0, 0.02)
    assert chances[wald(up, down, 200)[0] > -0.02].sum() > 0.05


@pytest.mark.parametrize(("n", "fixed", "broken"), [(100, 0.0, 0.02), (400, 0.0, 0.02), (400, 0.04, 0.06), (400, 0.1, 0.12)])
def test_nor_with_several_cases_a_customer(n: int, fixed: float, broken: float) -> None:
    made = simulated(n, fixed, broken, clustered=True)
    p_values = made.p_values()
    low, _ = made.intervals(p_values)
    wrong = np.where(p_values < 0.05, made.fixed > made.broken, low > -0.02)
    assert wrong.mean() <= 0.03 + off(0.03)


def test_better_or_worse_is_said_where_the_exact_test_tells_and_only_there() -> None:
    """How seldom it does so without a difference: test_evals_statistics.py."""
    made = simulated(100, 0.2, 0.08, clustered=True, sets=40)
    for row, p in zip(made.changes, made.p_values(), strict=True):
        one = verdict.judge(verdict.of_passes((row > 0).tolist(), (row < 0).tolist(), made.customers))
        assert (one.verdict in ("better", "worse")) == (p < 0.05) and (one.verdict != "better" or one.found.low >= 0)


# -- several questions at once ------------------------------------------------------------------------------------------------------------


def test_more_graders_make_each_harder_to_tell() -> None:
    one = verdict.of_passes(*answers(10, 2, 40, 12))
    alone, beside = verdict.judge(one), verdict.judge_all({"exact label": one, "declines": verdict.of_passes(*answers(6, 5, 40, 13))})
    assert (alone.verdict, beside["exact label"].verdict) == ("better", "no_worse")
    assert (alone.p, beside["exact label"].p) == (one.p, 2 * one.p) and "by Holm p = 0.077" in beside["exact label"].how
    clear = verdict.judge_all({"a": verdict.of_passes(*answers(20, 1, 40)), "b": one})
    assert [one.verdict for one in clear.values()] == ["better", "better"]  # the surest one leaves the other as sure as alone


def test_a_grader_that_holm_held_back_needs_more_cases() -> None:
    one = verdict.of_passes(*answers(2, 10, 40, 12))
    held = verdict.judge_all({"one": one, **{f"other {i}": verdict.of_passes(*answers(2, 3, 50)) for i in range(9)}})["one"]
    assert held.verdict == "cannot_tell" and held.more_needed is not None
    assert held.more_needed > (power.more_needed(2, 10, 64) or 0)


def sliced() -> tuple[list[bool], list[bool], dict[str, list[int]]]:
    """German gains, e-mail loses nothing, chat is small, and of the rest little changed."""
    parts = {"German": (14, 1, 45), "e-mail": (3, 2, 395), "chat": (9, 0, 6), "phone": (3, 1, 60), "nobody": (0, 0, 0)}
    candidate, live, slices = [], [], {}
    for name, kinds in parts.items():
        made = answers(*kinds)
        slices[name] = list(range(len(candidate), len(candidate) + len(made[0])))
        candidate, live = candidate + made[0], live + made[1]
    return candidate, live, slices


def test_slices_are_judged_where_there_is_enough_to_tell_by() -> None:
    told = verdict.by_slice(*sliced())
    assert {name: one.verdict for name, one in told.items()} == {
        "German": "better", "e-mail": "no_worse", "chat": "cannot_tell", "phone": "cannot_tell",
    }  # fmt: skip
    assert told["German"].p == pytest.approx(2 * told["German"].found.p)  # two were judged, not four
    assert told["chat"].found.p < 0.05 and told["chat"].sentence.endswith("points (+27 to +80); too few to tell.")
    assert told["phone"].sentence.startswith("Cannot tell: 3 fixed, 1 broken of 64") and "too few" in told["phone"].sentence
    assert all(FORM.match(one.sentence) for one in told.values())


def test_a_slices_customers_are_its_own() -> None:
    candidate, live, slices = sliced()
    told = verdict.by_slice(candidate, live, slices, ["one customer"] * 15 + list(range(len(candidate) - 15)))
    assert told["German"].found.clusters == 46 and "too few" in told["German"].sentence


def test_leaving_out_slices_that_hardly_changed_makes_no_other_surer_than_it_is() -> None:
    random, wrong = np.random.default_rng(12), 0
    for _ in range(SETS // 3):
        drawn = random.random(240)
        changes = (drawn < 0.07).astype(int) - ((drawn >= 0.07) & (drawn < 0.14)).astype(int)
        slices = {str(part): list(range(part * 60, part * 60 + 60)) for part in range(4)}
        told = verdict.by_slice((changes > 0).tolist(), (changes < 0).tolist(), slices)
        wrong += any(one.verdict in ("better", "worse") for one in told.values())
    assert wrong / (SETS // 3) <= 0.05 + off(0.05, SETS // 3)


# -- scores, and how we know --------------------------------------------------------------------------------------------------------------


def test_scores_have_their_own_words() -> None:
    random = np.random.default_rng(3)
    better = verdict.judge(verdict.of_scores(*noisy(random, 120, 0.08, True)))
    assert better.verdict == "better" and re.match(r"^Better: \d+ higher, \d+ lower of 120, \+\d+ points \(\+", better.sentence)
    unclear = verdict.judge(verdict.of_scores(*noisy(random, 20, 0.03, True)))
    assert unclear.verdict == "cannot_tell" and FORM.match(unclear.sentence) and unclear.more_needed
    few = verdict.judge(verdict.of_scores([0.9, 0.8, 0.9], [0.5, 0.5, 0.6]))
    assert few.verdict == "cannot_tell" and few.sentence.startswith("Cannot tell: 3 higher, 0 lower of 3, +33 points (")
    same = verdict.judge(verdict.of_scores([0.5] * 300, [0.5] * 300))
    assert (same.verdict, same.sentence) == ("no_worse", "No worse: 0 higher, 0 lower of 300, 0 points (-1 to +1).")


def test_engineers_are_told_how_it_is_known() -> None:
    assert told(11, 1, 40, 12).how == (
        "Both versions answered the same 64 cases, and each counts as one of another customer. "
        "McNemar's exact test on the 12 cases that changed: p = 0.006. "
        "95 % interval of the difference by Tango's score method: +6.1 to +27.0 points."
    )
    made = simulated(100, 0.25, 0.05, clustered=True, sets=1)
    found = verdict.of_passes((made.changes[0] > 0).tolist(), (made.changes[0] < 0).tolist(), made.customers)
    how = verdict.how_we_know(found, min(1.0, 3 * found.p), 3)
    for words in (
        f"the same 100 cases of {found.clusters} customers", f"(design effect {found.design_effect:.1f})", "3 questions were asked at once",
        f"Exact sign-flip test on the {found.changed_clusters} customers whose cases changed on balance: p = ",
    ):  # fmt: skip
        assert words in how
    assert "Studentised bootstrap of the customers, 2,000 draws: p = " in verdict.judge(statistics.scored([0.5] * 9, [0.4] * 9)).how


def test_a_verdict_has_the_columns_of_a_comparison() -> None:
    assert told(11, 1, 40, 12).columns().keys() == {
        "cases", "fixed", "broken", "difference", "low", "high", "p", "verdict", "more_needed", "sentence",
    }  # fmt: skip
    assert [verdict.points(value) for value in (0.004, -0.004, 0.11, -0.02)] == ["0", "0", "+11", "-2"]
    assert [verdict.chance(p) for p in (1.0, 0.0654, 0.05, 4e-143)] == ["1", "0.065", "0.050", "4e-143"]
