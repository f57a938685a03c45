"""Comparisons as they are kept: on one frozen version only, over all cases, by grader and by slice, and which cases changed."""

import pytest

from data import store
from data.errors import Refused
from data.values import Target
from evals import compare, freezing, runs, scores, sets
from evals.runs import told_at_once
from tests.conftest import Staff
from tests.test_evals_sets import flagged_set


def test_runs_on_different_versions_are_not_compared(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 5))
    first = freezing.freeze(eval_set.id, by=staff.lead)
    flagged_set(staff, range(5, 9), into=eval_set)
    second = freezing.freeze(eval_set.id, by=staff.lead)

    ask = told_at_once(lambda cases: [{"label": "Refund"} for _ in cases])

    candidate = runs.run(first.id, Target("classifier", "intent", 2), ask, by=staff.rep)
    live = runs.run(second.id, Target("classifier", "intent", 1), ask, by=staff.rep)
    with pytest.raises(Refused, match=r"Not compared: the two runs are on different versions of the set\. Run both on the same one."):
        compare.compare(candidate, live, by=staff.rep)
    assert compare.latest_of(candidate, by=staff.rep) is None

    beside = runs.run(second.id, Target("classifier", "intent", 2), ask, by=staff.rep)  # the control: on the same version it is
    assert compare.compare(beside, live, by=staff.rep).cases == 8


def test_a_comparison_names_the_cases_that_changed(staff: Staff) -> None:
    eval_set, _ = flagged_set(staff, range(1, 9))
    version = freezing.freeze(eval_set.id, by=staff.lead)
    cases = sets.cases(version.id)
    right = {case.id: dict(case.expected) for case in cases}
    fixed, broken = {cases[0].id, cases[1].id}, {cases[2].id}

    def ask_but(failing: set[str]) -> runs.Ask:
        return told_at_once(lambda asked: [{"label": "something else"} if case.id in failing else right[case.id] for case in asked])

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
