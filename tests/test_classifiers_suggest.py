"""What is labelled next: uncertain, typical of many, unlike what is labelled, spread over customers; from no label at all on."""

import numpy as np
import pytest

from classifiers import suggest
from classifiers.suggest import order


def around(centre: int, rows: int, *, seed: int, spread: float = 0.05) -> np.ndarray:
    """Rows close to one of eight directions."""
    return np.eye(8)[centre] + np.random.default_rng(seed).normal(0, spread, (rows, 8))


MANY, SOME, FEW = around(0, 60, seed=0), around(1, 30, seed=1), around(2, 10, seed=2)
VECTORS = np.concatenate([MANY, SOME, FEW])
KINDS = np.repeat([0, 1, 2], [60, 30, 10])
NOBODY: list[None] = [None] * 100


def kinds_of(places: list[int]) -> list[int]:
    return KINDS[places].tolist()


def test_everything_open_is_in_the_order_once() -> None:
    found = order(VECTORS, None, [3, 70], NOBODY, seed=0)
    assert sorted(found) == sorted(set(range(100)) - {3, 70})
    assert sorted(order(VECTORS, None, [3, 70], NOBODY, seed=0, ahead=4)) == sorted(found)


def test_without_any_label_it_asks_for_one_of_each_kind_the_largest_first() -> None:
    assert kinds_of(order(VECTORS, None, [], NOBODY, seed=0)[:3]) == [0, 1, 2]


def test_the_first_of_a_kind_is_typical_of_it() -> None:
    stray = np.concatenate([VECTORS, np.eye(8)[[7]]])  # like nothing else
    first = order(stray, None, [], [*NOBODY, None], seed=0)[0]
    unit = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    near = (unit[:60] @ unit.T).mean(axis=1)  # to all that is open
    assert first < 60 and near[first] > np.quantile(near, 0.9)


def test_what_lies_near_a_labelled_one_comes_later() -> None:
    assert kinds_of(order(VECTORS, None, [0, 1, 2], NOBODY, seed=0)[:2]) == [1, 2]


def test_what_the_classifier_is_uncertain_of_comes_first() -> None:
    sure = np.tile([0.98, 0.01, 0.01], (100, 1))
    sure[KINDS == 2] = [0.4, 0.35, 0.25]
    assert kinds_of(order(VECTORS, sure, [5, 65, 95], NOBODY, seed=0)[:1]) == [2]
    assert kinds_of(order(VECTORS, None, [5, 65, 95], NOBODY, seed=0)[:1]) == [0]  # the control: without the classifier the largest kind


def test_what_two_views_disagree_on_comes_sooner() -> None:
    even = np.concatenate([around(0, 40, seed=3), around(1, 40, seed=4)])
    half = np.full((80, 2), 0.5)
    for kind in (0, 1):
        disagreement = (np.repeat([0, 1], 40) == kind).astype(float)
        found = order(even, half, [], [None] * 80, seed=0, disagreement=disagreement)
        assert found[0] // 40 == kind


def test_it_does_not_ask_for_one_customer_again_and_again() -> None:
    """All are alike, half of one customer: then it asks for the others."""
    vectors = around(0, 40, seed=5, spread=0.3)
    customers = ["talker"] * 20 + [f"other {place}" for place in range(20)]
    alone = order(vectors, None, [], [None] * 40, seed=0)[:10]
    spread = order(vectors, None, [], customers, seed=0)[:10]
    assert sum(place < 20 for place in spread) < sum(place < 20 for place in alone)


def test_uncertainty_is_the_gap_between_the_two_likeliest() -> None:
    assert suggest.uncertainty(np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])) == pytest.approx([0.0, 1.0, 0.8])
    assert suggest.uncertainty(np.ones((2, 1))).tolist() == [1.0, 1.0]


def test_the_same_seed_gives_the_same_order() -> None:
    assert order(VECTORS, None, [1], NOBODY, seed=4) == order(VECTORS, None, [1], NOBODY, seed=4)


def test_measuring_anew_only_what_would_win_chooses_as_measuring_all_does() -> None:
    random = np.random.default_rng(6)
    vectors = random.normal(size=(60, 5))
    chosen = order(vectors, None, [], [None] * 60, seed=0, ahead=12)[:12]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    nearness, near = np.maximum(unit @ unit.T, 0), np.zeros(60)
    for place in chosen:
        brought = np.maximum(nearness - near, 0).sum(axis=1)
        assert brought[place] == pytest.approx(brought.max(), rel=1e-4)
        near = np.maximum(near, nearness[place])


def test_more_than_are_compared_come_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggest, "MOST", 20)
    monkeypatch.setattr(suggest, "OPEN", 15)
    assert sorted(order(VECTORS, None, [0], NOBODY, seed=0)) == list(range(1, 100))


@pytest.mark.parametrize("vectors", [np.zeros((5, 4)), np.ones((5, 4)), np.ones((5, 4), np.float16)])
def test_texts_that_are_all_alike_are_all_in_the_order(vectors: np.ndarray) -> None:
    assert sorted(order(vectors, None, [], [None] * 5, seed=0)) == [0, 1, 2, 3, 4]


def test_nothing_left_is_an_empty_order() -> None:
    assert order(np.ones((2, 4)), None, [0, 1], [None] * 2, seed=0) == []
    assert order(np.zeros((0, 4)), None, [], [], seed=0) == []
