"""Same labels: of a classifier that may say several, the share that is right, and passed only where all of it is."""

from typing import Any

import pytest

from evals import cases, graders
from evals.graders import expect, same_labels
from evals.graders.face import Grade
from tests.test_evals_graders import Of

BOTH = {"classifier": "Topics", "labels": ["Damage", "Refund"], "label_ids": ["1", "2"]}
NONE: dict[str, Any] = {"classifier": "Topics", "labels": [], "label_ids": []}
ALONE: dict[str, Any] = {"labels": ["Damage", "Refund"]}  # from a file, which knows no ids


def said(*labels: tuple[str, str]) -> dict[str, Any]:
    return {"labels": [name for name, _ in labels], "label_ids": [made for _, made in labels]}


DAMAGE, REFUND, INVOICE = ("Damage", "1"), ("Refund", "2"), ("Invoice", "3")


@pytest.mark.parametrize(
    ("expected", "output", "score", "why"),
    [
        (BOTH, said(REFUND, DAMAGE), 1.0, "said 'Refund' and 'Damage'"),
        (BOTH, said(REFUND), 1 / 2, "said 'Refund' and missed 'Damage'"),
        (BOTH, said(REFUND, INVOICE), 1 / 3, "said 'Refund', wrongly said 'Invoice' and missed 'Damage'"),
        (BOTH, said(REFUND, DAMAGE, INVOICE), 2 / 3, "said 'Refund' and 'Damage' and wrongly said 'Invoice'"),
        (BOTH, said(INVOICE), 0.0, "wrongly said 'Invoice' and missed 'Damage' and 'Refund'"),
        (BOTH, said(), 0.0, "said none and missed 'Damage' and 'Refund'"),
        (NONE, said(), 1.0, "said none"),
        (NONE, said(REFUND), 0.0, "wrongly said 'Refund'"),
        (BOTH, said(("Money back", "2"), DAMAGE), 1.0, "said 'Money back' and 'Damage'"),  # renamed since
        (ALONE, said(("Refund", "9"), ("Damage", "8")), 1.0, "said 'Refund' and 'Damage'"),  # by name, where no id is known
        (BOTH, {"labels": ["Refund", "Damage"]}, 1.0, "said 'Refund' and 'Damage'"),
        (BOTH, said(REFUND, REFUND, DAMAGE), 1.0, "said 'Refund' and 'Damage'"),  # twice is once
    ],
)
def test_the_score_is_the_share_that_is_right_and_only_all_of_it_passes(
    expected: dict[str, Any], output: dict[str, Any], score: float, why: str
) -> None:
    assert same_labels.grade(Of(expected), output) == Grade(pytest.approx(score), score == 1.0, why)


def test_one_label_stands_for_one_and_not_for_two() -> None:
    swapped = {"labels": ["Damage"], "label_ids": ["2"]}  # label 2 is called now as label 1 was called then
    grade = same_labels.grade(Of(BOTH), swapped)
    assert (grade.score, grade.passed) == (0.5, False)


@pytest.mark.parametrize("output", [None, {}, "x", 7, [], {"labels": None}, {"labels": "Refund"}, {"labels": [1]}, {"label": "Refund"}])
def test_what_is_no_list_of_labels_never_passes_not_even_where_none_comes_up(output: Any) -> None:
    for expected in (BOTH, NONE):
        assert same_labels.grade(Of(expected), output) == Grade(0.0, False, "there was no output")


def test_a_case_of_several_labels_can_come_from_a_file_and_is_told_in_words() -> None:
    message = {"role": "customer", "text": "It is broken, I want my money back."}
    for expected in (BOTH, NONE, ALONE):
        made = cases.made({"messages": [message], "expected": expected, "graders": []})
        assert isinstance(made, cases.NewCase) and cases.judges_of(made.expected) == ("same labels",)
        assert expect.problem(expected, ["same labels"], graders.BY_NAME) is None
    assert expect.sentence(BOTH, ["same labels"]) == "the labels are 'Damage' and 'Refund'"
    assert expect.sentence(NONE, ["same labels"]) == "none of the labels comes up"
    wrong = cases.made({"messages": [message], "expected": {"labels": "Refund"}, "graders": []})
    assert wrong == "the expected labels are no list"
    assert expect.problem({"labels": [""]}, ["same labels"], graders.BY_NAME) == "One of the expected labels is empty."
    assert expect.problem({}, ["same labels"], graders.BY_NAME) == "'same labels' needs to know which labels come up."
