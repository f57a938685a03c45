"""Exact label: what passes, what does not, and why in words."""

import pytest

from evals.graders import exact_label

EXPECTED = {"label": "Refund", "label_id": "label-1"}


def test_the_expected_label_passes() -> None:
    assert exact_label.grade(EXPECTED, {"label": "Refund", "label_id": "label-1"}) == (True, "said 'Refund'")


@pytest.mark.parametrize(
    "output",
    [{"label": None, "label_id": None}, {"label": None}, {}, {"silent": True, "confidence": 0.99}],
)
def test_silence_is_not_a_pass(output: dict[str, object]) -> None:
    assert exact_label.grade(EXPECTED, output) == (False, "kept silent instead of 'Refund'")


def test_a_missing_output_is_not_a_pass() -> None:
    assert exact_label.grade(EXPECTED, None) == (False, "there was no output")


def test_another_label_is_not_a_pass_and_both_are_named() -> None:
    assert exact_label.grade(EXPECTED, {"label": "Invoice", "label_id": "label-2"}) == (False, "said 'Invoice' instead of 'Refund'")


@pytest.mark.parametrize("said", ["refund", "Refund ", "Refunds", ""])
def test_a_label_that_only_looks_alike_is_not_a_pass(said: str) -> None:
    assert exact_label.grade(EXPECTED, {"label": said, "label_id": "label-2"})[0] is False


def test_a_renamed_label_is_the_same_by_its_id() -> None:
    assert exact_label.grade(EXPECTED, {"label": "Money back", "label_id": "label-1"})[0] is True


def test_a_case_without_a_label_id_is_judged_by_name() -> None:
    old = {"label": "Refund"}
    assert exact_label.grade(old, {"label": "Refund"})[0] is True
    assert exact_label.grade(old, {"label": "Invoice"})[0] is False
    assert exact_label.grade(old, {"label": None})[0] is False  # two absent ids are not the same label
    assert exact_label.grade(old, {"label": None, "label_id": None})[0] is False
