"""The paired verdict: its statistics against scipy and simulation, its words, and what may not be compared."""

import random

import numpy as np
import pytest
from scipy.stats import binomtest

from data import store
from data.errors import Refused
from data.values import Target
from evals import compare, runs, scores, sets
from tests.conftest import SOAK, Staff
from tests.test_evals_sets import flagged_set

EDGE = (0, 1, 2, 3, 5, 8, 13, 21, 40, 75)


def answers(*, both: int = 0, fixed: int = 0, broken: int = 0, neither: int = 0) -> tuple[dict[str, bool], dict[str, bool]]:
    """A candidate's and a live version's results with so many cases of each kind."""
    kinds = [(True, True)] * both + [(True, False)] * fixed + [(False, True)] * broken + [(False, False)] * neither
    return {str(i): kind[0] for i, kind in enumerate(kinds)}, {str(i): kind[1] for i, kind in enumerate(kinds)}


@pytest.mark.parametrize("fixed", EDGE)
def test_mcnemar_is_the_exact_binomial_test(fixed: int) -> None:
    for broken in EDGE:
        expected = binomtest(fixed, fixed + broken, 0.5).pvalue if fixed + broken else 1.0
        assert compare.mcnemar(fixed, broken) == pytest.approx(expected, rel=1e-9), (fixed, broken)


@pytest.mark.parametrize(("fixed", "broken"), [(520, 500), (600, 600), (900, 400)])
def test_mcnemar_holds_for_large_sets(fixed: int, broken: int) -> None:
    assert compare.mcnemar(fixed, broken) == pytest.approx(binomtest(fixed, fixed + broken, 0.5).pvalue, rel=1e-6, abs=1e-30)


@pytest.mark.parametrize(
    ("n", "gains", "losses"), [(40, 0.15, 0.10), (100, 0.10, 0.05), (100, 0.05, 0.05), (250, 0.20, 0.10), (600, 0.04, 0.06)]
)
def test_the_paired_interval_holds_the_truth_95_times_in_100(n: int, gains: float, losses: float) -> None:
    draws = 20_000 if SOAK else 4_000
    counts = np.random.default_rng(11).multinomial(n, [gains, losses, 1 - gains - losses], size=draws)
    held = 0
    for fixed, broken, _ in counts.tolist():
        low, high = compare.paired_interval(fixed, broken, n)
        held += low <= gains - losses <= high
    assert 0.935 <= held / draws <= 0.975


def test_the_interval_stays_within_what_is_possible() -> None:
    for fixed, broken, n in ((0, 0, 1), (1, 0, 1), (0, 1, 1), (5, 0, 5), (0, 0, 10_000)):
        low, high = compare.paired_interval(fixed, broken, n)
        assert -1 <= low <= (fixed - broken) / (n + 2) <= high <= 1
    low, high = compare.paired_interval(7, 3, 50)
    assert compare.paired_interval(3, 7, 50) == pytest.approx((-high, -low))


@pytest.mark.parametrize(
    ("kinds", "verdict", "sentence"),
    [
        ({"both": 80, "fixed": 15, "broken": 1, "neither": 4}, "better", "Better: 15 fixed, 1 broken of 100, +14 points (+6 to +21)."),
        ({"both": 80, "fixed": 1, "broken": 15, "neither": 4}, "worse", "Worse: 1 fixed, 15 broken of 100, -14 points (-21 to -6)."),
        ({"both": 380, "fixed": 4, "broken": 3, "neither": 13}, "no_worse", "No worse: 4 fixed, 3 broken of 400, 0 points (-1 to +2)."),
    ],
)
def test_the_verdict_is_said_in_words(kinds: dict[str, int], verdict: str, sentence: str) -> None:
    told = compare.judge(*answers(**kinds))
    assert (told.verdict, told.sentence, told.more_needed) == (verdict, sentence, None)


def test_too_few_cases_cannot_tell_and_say_how_many_more_would() -> None:
    told = compare.judge(*answers(both=45, fixed=8, broken=4, neither=3))
    assert told.verdict == "cannot_tell"
    assert told.more_needed is not None and told.more_needed > 60
    assert told.sentence.startswith("Cannot tell: 8 fixed, 4 broken of 60, +7 points (")
    assert told.sentence.endswith(f"about {told.more_needed:,} more cases would decide.")


def test_cases_without_any_difference_say_so_instead_of_a_number() -> None:
    told = compare.judge(*answers(both=20))
    assert (told.verdict, told.more_needed) == ("cannot_tell", None)
    assert told.sentence.endswith("these cases show no difference.")


def test_the_verdict_turns_round_with_the_runs() -> None:
    rng = random.Random(5)
    turned = {"better": "worse", "worse": "better"}
    for _ in range(300):
        n = rng.randint(1, 200)
        candidate = {str(i): rng.random() < 0.8 for i in range(n)}
        live = {case: passed if rng.random() < 0.8 else rng.random() < 0.7 for case, passed in candidate.items()}
        one, other = compare.judge(candidate, live), compare.judge(live, candidate)
        assert (one.fixed, one.broken, one.cases) == (other.broken, other.fixed, n)
        assert one.difference == pytest.approx(-other.difference) and one.p == other.p
        assert one.difference == pytest.approx((sum(candidate.values()) - sum(live.values())) / n)
        assert turned.get(one.verdict, "") == other.verdict or (one.verdict not in turned and other.verdict not in turned)


def test_only_cases_that_both_answered_count() -> None:
    candidate = {"a": True, "b": True, "only here": True}
    live = {"a": False, "b": True, "only there": False}
    told = compare.judge(candidate, live)
    assert (told.cases, told.fixed, told.broken) == (2, 1, 0)
    with pytest.raises(Refused, match=r"^Not compared: the two runs share no case\. Run both on the same frozen set\.$"):
        compare.judge({"a": True}, {"b": True})


def test_a_larger_effect_needs_fewer_further_cases() -> None:
    needed = [compare.more_needed(fixed, 4, 60) for fixed in (5, 6, 7, 8, 9, 10)]
    assert all(more is not None for more in needed)
    assert needed == sorted(needed, key=lambda more: -(more or 0)) and len(set(needed)) == len(needed)
    assert compare.more_needed(4, 4, 60) is None
    assert compare.more_needed(5, 4, 60) == compare.more_needed(4, 5, 60)


@pytest.mark.parametrize(("fixed", "broken", "n"), [(8, 4, 60), (6, 3, 100), (12, 5, 80)])
def test_as_many_more_cases_as_were_named_decide_about_four_times_in_five(fixed: int, broken: int, n: int) -> None:
    more = compare.more_needed(fixed, broken, n)
    assert more is not None
    counts = np.random.default_rng(3).multinomial(n + more, [fixed / n, broken / n, 1 - (fixed + broken) / n], size=3_000)
    decided = np.mean([compare.mcnemar(f, b) < 0.05 for f, b, _ in counts.tolist()])
    assert 0.70 <= decided <= 0.88


def test_runs_on_different_versions_are_not_compared(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 5))
    first = sets.freeze(eval_set.id, by=staff.lead)
    flagged_set(staff, range(5, 9), into=eval_set)
    second = sets.freeze(eval_set.id, by=staff.lead)

    def ask(cases: list[sets.Case]) -> list[dict[str, str]]:
        return [{"label": "Refund"} for _ in cases]

    candidate = runs.run(first.id, Target("classifier", "intent", 2), ask, by=staff.rep)
    live = runs.run(second.id, Target("classifier", "intent", 1), ask, by=staff.rep)
    with pytest.raises(Refused, match=r"Not compared: the two runs are on different versions of the set\. Run both on the same one."):
        compare.compare(candidate, live, by=staff.rep)
    assert compare.latest_of(candidate, by=staff.rep) is None

    beside = runs.run(second.id, Target("classifier", "intent", 2), ask, by=staff.rep)  # the control: on the same version it is
    assert compare.compare(beside, live, by=staff.rep).cases == 8


def test_a_comparison_names_the_cases_that_changed(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 9))
    version = sets.freeze(eval_set.id, by=staff.lead)
    cases = sets.cases(version.id)
    right = {case.id: dict(case.expected) for case in cases}
    fixed, broken = {cases[0].id, cases[1].id}, {cases[2].id}

    def ask_but(failing: set[str]) -> runs.Ask:
        return lambda asked: [{"label": "something else"} if case.id in failing else right[case.id] for case in asked]

    candidate = runs.run(version.id, Target("classifier", "intent", 2), ask_but(broken), by=staff.rep)
    live = runs.run(version.id, Target("classifier", "intent", 1), ask_but(fixed), by=staff.rep)
    made = compare.compare(candidate, live, by=staff.engineer)
    assert (made.cases, made.fixed, made.broken, made.verdict) == (8, 2, 1, "cannot_tell")
    named = compare.changed_cases(made)
    assert (set(named[0]), set(named[1])) == (fixed, broken)
    kept = compare.latest_of(candidate, by=staff.rep)
    assert kept is not None and kept.id == made.id
    with store.reading() as db:
        assert db.get_one(compare.Comparison, made.id).sentence == made.sentence
    assert scores.passed(candidate.id).k == 7
