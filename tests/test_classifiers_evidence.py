"""The figures of a version, against numbers that can be counted by hand, and what is suspected, against labels that were spoiled."""

import json

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import f1_score, precision_score, recall_score

from classifiers import evidence
from classifiers.evidence import Checked


def checked(given: list[int], said: list[int], sure: float = 0.8, labels: int = 3) -> Checked:
    """Each row says one label with so much confidence."""
    shares = np.full((len(given), labels), (1 - sure) / (labels - 1))
    shares[np.arange(len(said)), said] = sure
    names = [f"label {place}" for place in range(labels)]
    return Checked([f"c{row}" for row in range(len(given))], [f"id {place}" for place in range(labels)], names, np.array(given), shares)


def drawn(rows: int = 3_000, labels: int = 6, *, seed: int = 1) -> Checked:
    """What came true came true exactly as often as was said."""
    rng = np.random.default_rng(seed)
    shares = softmax(rng.normal(0, 2.0, (rows, labels)), axis=1)
    given = np.minimum((shares.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1), labels - 1)
    names = [f"label {place}" for place in range(labels)]
    return Checked([f"c{row}" for row in range(rows)], names, names, given, shares)


def test_each_label_is_measured_as_scikit_learn_measures_it() -> None:
    seen = drawn()
    told = {one["label"]: one for one in evidence.per_label(seen)}
    for score, name in ((precision_score, "precision"), (recall_score, "recall"), (f1_score, "f1")):
        for place, value in enumerate(score(seen.given, seen.said, average=None)):
            found = told[f"label {place}"][name]
            assert found["value"] == pytest.approx(value, abs=1e-4) and found["low"] < value < found["high"]
    assert evidence.macro_f1(list(told.values())) == pytest.approx(f1_score(seen.given, seen.said, average="macro"), abs=1e-4)
    f1s = [one["f1"]["value"] for one in evidence.per_label(seen)]
    assert f1s == sorted(f1s)  # the weakest first
    assert sum(one["support"] for one in told.values()) == 3_000


def test_a_label_that_nobody_has_or_says_is_told_without_a_division() -> None:
    told = {one["label"]: one for one in evidence.per_label(checked([0, 0, 1], [0, 0, 0]))}
    assert told["label 1"]["precision"] == {"k": 0, "n": 0, "value": 0.0, "low": 0.0, "high": 1.0}
    assert told["label 2"]["support"] == 0 and evidence.macro_f1(list(told.values())) == pytest.approx((0.8 + 0) / 2)


def test_confusions_name_the_conversations() -> None:
    told = evidence.confusions(checked([0, 0, 1, 1, 2, 2], [1, 1, 1, 0, 2, 2]))
    assert [(one["given"], one["said"], one["n"], one["conversation_ids"]) for one in told] == [
        ("label 0", "label 1", 2, ["c0", "c1"]),
        ("label 1", "label 0", 1, ["c3"]),
    ]
    assert evidence.confusions(checked([0, 1], [0, 1])) == []


def test_a_confidence_that_means_what_it_says_has_no_error_and_another_has() -> None:
    seen = drawn(20_000)
    honest = evidence.reliability(seen.confidence, seen.right)
    assert honest["ece"] < 0.015 and sum(one["n"] for one in honest["bins"]) == 20_000 and len(honest["bins"]) == evidence.BINS
    boasting = evidence.reliability(np.minimum(seen.confidence + 0.2, 1.0), seen.right)
    assert boasting["ece"] > 0.15
    assert evidence.reliability(np.array([1.0, 0.0]), np.array([True, False]))["ece"] == 0.0


def test_the_fewer_it_answers_the_more_often_it_is_right() -> None:
    seen = drawn()
    curve = evidence.risk_coverage(seen.confidence, seen.right)
    assert len(curve) <= evidence.POINTS and curve[-1]["coverage"] == 1.0
    assert curve[-1]["right"] == pytest.approx(seen.right.mean(), abs=1e-4) and curve[len(curve) // 5]["right"] > curve[-1]["right"] + 0.1
    assert [one["coverage"] for one in curve] == sorted(one["coverage"] for one in curve)
    for one in curve[5:]:
        answered = seen.confidence >= one["confidence"] - 5e-5
        assert answered.mean() == pytest.approx(one["coverage"], abs=0.01)
    assert evidence.risk_coverage(np.zeros(0), np.zeros(0, bool)) == []


def spoiled(share: float, *, rows: int = 3_000, labels: int = 6) -> tuple[Checked, set[str]]:
    """Some labels were given wrongly; the model, which is often right, does not know which."""
    rng = np.random.default_rng(5)
    true = rng.integers(labels, size=rows)
    shares = softmax(rng.normal(0, 1.0, (rows, labels)) + 4.0 * np.eye(labels)[true], axis=1)
    wrong = rng.random(rows) < share
    given = np.where(wrong, (true + rng.integers(1, labels, size=rows)) % labels, true)
    names = [f"label {place}" for place in range(labels)]
    return Checked([f"c{row}" for row in range(rows)], names, names, given, shares), {f"c{row}" for row in np.nonzero(wrong)[0]}


def test_labels_that_were_spoiled_are_suspected() -> None:
    seen, wrong = spoiled(0.1)
    told = evidence.suspects(seen)
    found = [one["conversation_id"] for one in told]
    assert len(wrong & set(found)) > 0.8 * len(wrong) and len(wrong & set(found)) > 0.8 * len(found)
    assert len(wrong & set(found[:100])) >= 98  # the likeliest first
    assert all(one["given_id"] != one["likelier_id"] and one["confidence"] > one["of_given"] for one in told)
    honest, _ = spoiled(0.0)
    assert len(evidence.suspects(honest)) < 0.05 * 3_000  # the control


def test_nothing_is_suspected_where_the_machine_agrees_or_has_too_little_to_go_by() -> None:
    assert evidence.suspects(checked([0, 1, 2] * 10, [0, 1, 2] * 10)) == []
    assert evidence.suspects(checked([0, 1, 2], [1, 2, 0])) == []
    assert len(evidence.suspects(checked([0] * 2_000 + [1] * 2_000, [1] * 700 + [0] * 1_300 + [1] * 2_000))) == evidence.MOST_SUSPECTS


def test_slices_tell_how_often_it_is_right_in_each() -> None:
    told = evidence.by_slice("channel", ["chat", "email", "chat", None], np.array([True, False, False, True]))
    assert [(one["slice"], one["part"], one["k"], one["n"]) for one in told] == [
        ("channel", "chat", 1, 2), ("channel", "email", 0, 1), ("channel", "unknown", 1, 1),
    ]  # fmt: skip


def test_the_body_is_json_and_gives_the_checked_rows_back() -> None:
    seen = drawn(500)
    body = json.loads(json.dumps(evidence.body(seen, {"channel": ["chat"] * 500}, [f"customer {row % 90}" for row in range(500)])))
    rows = evidence.unpacked(body["checked"])
    assert np.allclose(rows["confidence"], seen.confidence) and np.allclose(rows["second"], seen.second)
    assert (rows["said"] == seen.said).all() and (rows["given"] == seen.given).all()
    assert (rows["customer"] == np.arange(500) % 90).all()
    assert len(json.dumps(body["checked"])) < 500 * 25


def test_a_power_law_is_found_and_says_how_many_more_examples_it_takes() -> None:
    counts = [50, 100, 200, 400]
    curve = evidence.fit_curve(counts, [2.0 * n**-0.5 for n in counts], [4_000] * 4)
    assert curve is not None and curve.reliable
    assert curve.slope == pytest.approx(-0.5) and curve.at(400) == pytest.approx(0.1)
    assert curve.more_for(400) == 225  # 2 / sqrt(625) = 0.08
    assert evidence.curve_sentence("refund", 400, curve) == "About 230 more examples of 'refund' would add 2 points."


@pytest.mark.parametrize(
    ("mistakes", "weight"),
    [([0.1, 0.1, 0.1, 0.1], 4_000), ([0.3, 0.2, 0.15, 0.1], 8), ([0.03, 0.025, 0.02, 0.015], 4_000), ([0.1, 0, 0, 0], 90),
     ([0.1, 0.3, 0.05, 0.2], 90), ([0.4, 0.39, 0.38, 0.37], 90_000)],
    ids=["flat", "too few rows", "nothing left to gain", "too few points", "noise", "too far away"],
)  # fmt: skip
def test_a_curve_that_cannot_be_told_is_not_told(mistakes: list[float], weight: int) -> None:
    curve = evidence.fit_curve([50, 100, 200, 400], mistakes, [weight] * 4)
    assert evidence.curve_sentence("refund", 400, curve) is None
