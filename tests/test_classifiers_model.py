"""The model's numbers: temperature, threshold, silence, and the case of two classes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import model
from tests.conftest import SOAK

THREE = ["where is my parcel", "my parcel is late", "track the parcel", "parcel not here"], [
    "I want my money back", "refund me please", "money for the return", "the refund is missing",
], ["I cannot sign in", "the password fails", "locked out again", "the login fails"]  # fmt: skip


def drawn(temperature: float, *, rows: int = 6_000, classes: int = 5) -> tuple[model.Floats, np.ndarray]:
    """Margins, and what came true with exactly the probabilities that this temperature gives them."""
    rng = np.random.default_rng(17)
    margin = rng.normal(0.0, 0.6, size=(rows, classes))
    shares = model.probabilities(margin, temperature)
    right = (shares.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1)
    return margin, np.minimum(right, classes - 1)


@pytest.mark.parametrize("temperature", [0.08, 0.2, 0.5, 1.2])
def test_the_temperature_under_which_the_rows_came_about_is_found(temperature: float) -> None:
    found = model.fit_temperature(*drawn(temperature))
    assert temperature / 1.2 < found < temperature * 1.2


def test_a_fitted_confidence_means_what_it_says() -> None:
    margin, right = drawn(0.3)
    shares = model.probabilities(margin, model.fit_temperature(margin, right))
    confidence, was_right = shares.max(axis=1), shares.argmax(axis=1) == right
    for low, high in ((0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.0)):
        chosen = (confidence >= low) & (confidence < high)
        assert chosen.sum() > 200
        assert was_right[chosen].mean() == pytest.approx(confidence[chosen].mean(), abs=0.04)


def test_probabilities_add_up_and_keep_the_order() -> None:
    margin = np.random.default_rng(1).normal(size=(50, 7)) * 100
    before = margin.copy()
    for temperature in (0.02, 0.3, 2.0):
        shares = model.probabilities(margin, temperature)
        assert np.isfinite(shares).all() and shares.sum(axis=1) == pytest.approx(np.ones(50))
        assert (shares.argmax(axis=1) == margin.argmax(axis=1)).all()
    assert (margin == before).all()


def test_the_threshold_is_the_lowest_that_keeps_the_precision() -> None:
    confidence = np.array([0.95, 0.9, 0.8, 0.7, 0.6, 0.5])
    was_right = np.array([True, True, True, False, True, False])
    assert model.fit_threshold(confidence, was_right, 0.75) == 0.6
    assert model.fit_threshold(confidence, was_right, 0.8) == 0.6  # four of five
    assert model.fit_threshold(confidence, was_right, 0.9) == 0.8
    assert model.fit_threshold(confidence, was_right, 0.5) == 0.5


@settings(max_examples=1_000 if SOAK else 150, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from([0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0]), st.booleans()), min_size=1, max_size=30),
    precision=st.sampled_from([0.6, 0.8, 0.9, 0.95]),
)
def test_what_it_answers_reaches_the_precision_or_it_answers_nothing(rows: list[tuple[float, bool]], precision: float) -> None:
    """Equal texts have equal confidence: a threshold must not let in the wrong ones among equals."""
    confidence = np.array([sure for sure, _ in rows])
    was_right = np.array([right for _, right in rows])
    answered = confidence >= model.fit_threshold(confidence, was_right, precision)
    assert not answered.any() or was_right[answered].mean() >= precision


def test_a_machine_that_is_never_right_enough_keeps_silent() -> None:
    threshold = model.fit_threshold(np.array([0.9, 0.8, 0.7]), np.array([False, False, True]), 0.9)
    assert threshold >= 1.0
    texts, names = [text for kind in THREE for text in kind], ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    pipeline = model.untrained().fit(texts, names)
    said = model.guess(pipeline, texts, temperature=0.3, threshold=threshold)
    assert {guess.label_id for guess in said} == {None}


def test_below_the_threshold_it_keeps_silent_and_still_tells_its_best() -> None:
    texts, names = [text for kind in THREE for text in kind], ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    pipeline = model.untrained().fit(texts, names)
    asked = ["where is my parcel", "blue elephants"]
    sure, unsure = model.guess(pipeline, asked, temperature=0.2, threshold=0.0)
    assert sure.label_id == "a" and sure.confidence > unsure.confidence
    between = (sure.confidence + unsure.confidence) / 2
    sure_now, silent = model.guess(pipeline, asked, temperature=0.2, threshold=between)
    assert sure_now == sure
    assert silent.label_id is None and silent.confidence == unsure.confidence and silent.top == unsure.top
    exactly = model.guess(pipeline, asked, temperature=0.2, threshold=sure.confidence)
    assert [guess.label_id for guess in exactly] == ["a", None]  # at the threshold it speaks


def test_the_three_likeliest_are_told_best_first() -> None:
    texts, names = [text for kind in THREE for text in kind], ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    said = model.guess(model.untrained().fit(texts, names), ["refund my money"], temperature=0.3, threshold=0.0)[0]
    assert [name for name, _ in said.top] == ["b", *(name for name, _ in said.top[1:])] and len(said.top) == 3
    shares = [share for _, share in said.top]
    assert shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(1.0, abs=0.001)
    assert shares[0] == pytest.approx(said.confidence, abs=0.0001)


def test_two_classes_have_two_columns_and_the_right_one_wins() -> None:
    texts, names = [*THREE[0], *THREE[1]], ["a"] * 4 + ["b"] * 4
    pipeline = model.untrained().fit(texts, names)
    margin = model.margins(pipeline, texts)
    assert margin.shape == (8, 2) and (margin[:, 0] == -margin[:, 1]).all()
    said = model.guess(pipeline, texts, temperature=0.3, threshold=0.0)
    assert [guess.label_id for guess in said] == names
    assert all(guess.confidence > 0.5 and len(guess.top) == 2 for guess in said)
    right = np.array([0] * 4 + [1] * 4)
    assert (model.probabilities(margin, model.fit_temperature(margin, right)).argmax(axis=1) == right).all()


def test_nothing_asked_is_nothing_said() -> None:
    pipeline = model.untrained().fit([*THREE[0], *THREE[1]], ["a"] * 4 + ["b"] * 4)
    assert model.guess(pipeline, [], temperature=0.3, threshold=0.5) == []


def test_the_same_seed_gives_the_same_answers() -> None:
    texts, names = [text for kind in THREE for text in kind], ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    one, two = (model.margins(model.untrained(5).fit(texts, names), texts) for _ in range(2))
    assert (one == two).all()
