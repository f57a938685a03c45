"""The model's numbers: temperature, silence, two classes, few examples, and what is foreign to all of them."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import sparse

from classifiers import abstention, model, outside

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


ABC = ["a"] * 4 + ["b"] * 4 + ["c"] * 4
TEXTS = [text for kind in THREE for text in kind]


def taught(
    texts: Sequence[str], names: Sequence[str], vectors: np.ndarray | None = None, *, few: bool = False, seed: int = 0, own: int = 0
) -> model.Model:
    """A model of all rows; the last `own` are labels' own words."""
    known = sorted(set(names))
    words, features = model.words_in(texts)
    places = np.array([known.index(name) for name in names])
    rows = model.Rows(features, model.rounded(vectors, len(texts)), places, np.arange(len(texts)) >= len(texts) - own)
    learned = model.learn(rows, len(known), few=few, seed=seed)
    ids = np.array([f"conversation {place}" if place < len(texts) - own else "" for place in range(len(texts))])
    return model.Model(known, words, learned, None if vectors is None else "test", ids)


def drawn_vectors(places: Sequence[int], *, seed: int = 1, spread: float = 0.6) -> np.ndarray:
    """Around one direction a label."""
    made = np.eye(8)[list(places)] + np.random.default_rng(seed).normal(0, spread / 3, (len(places), 8))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def trained(words: str, *, few: bool = False) -> model.Model:
    """With vectors, the nearest examples and what is foreign: every part of a file."""
    texts = [f"where is my {words}", f"refund my {words}"] * 4
    made = taught(texts, ["a", "b"] * 4, drawn_vectors([0, 1] * 4), few=few)
    return made.with_foreign(outside.Foreign(None, np.array([0.5, 1.0, 1.0]), -0.25))


def test_a_machine_that_may_never_speak_keeps_silent() -> None:
    said = model.guess(taught(TEXTS, ABC), TEXTS, temperature=0.3, threshold=abstention.NEVER)
    assert {guess.label_id for guess in said} == {None}


def test_below_the_threshold_it_keeps_silent_and_still_tells_its_best() -> None:
    made = taught(TEXTS, ABC)
    asked = ["where is my parcel", "blue elephants"]
    sure, unsure = model.guess(made, asked, temperature=0.2, threshold=0.0)
    assert sure.label_id == "a" and sure.confidence > unsure.confidence
    between = (sure.confidence + unsure.confidence) / 2
    sure_now, silent = model.guess(made, asked, temperature=0.2, threshold=between)
    assert sure_now == sure
    assert silent.label_id is None and silent.confidence == unsure.confidence and silent.top == unsure.top
    exactly = model.guess(made, asked, temperature=0.2, threshold=sure.confidence)
    assert [guess.label_id for guess in exactly] == ["a", None]  # at the threshold it speaks


def test_two_labels_that_are_too_close_together_make_it_keep_silent() -> None:
    made = taught(TEXTS, ABC)
    apart, close = model.guess(made, ["where is my parcel", "my parcel refund"], temperature=0.3, threshold=0.0)
    gaps = [one.top[0][1] - one.top[1][1] for one in (apart, close)]
    assert gaps[0] > gaps[1] + 0.01
    said = model.guess(made, ["where is my parcel", "my parcel refund"], temperature=0.3, threshold=0.0, gap=sum(gaps) / 2)
    assert [one.label_id for one in said] == ["a", None]


def test_the_three_likeliest_are_told_best_first() -> None:
    said = model.guess(taught(TEXTS, ABC), ["refund my money"], temperature=0.3, threshold=0.0)[0]
    assert [name for name, _ in said.top] == ["b", *(name for name, _ in said.top[1:])] and len(said.top) == 3
    shares = [share for _, share in said.top]
    assert shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(1.0, abs=0.001)
    assert shares[0] == pytest.approx(said.confidence, abs=0.0001)


@pytest.mark.parametrize("few", [False, True])
def test_two_classes_have_two_columns_and_the_right_one_wins(few: bool) -> None:
    texts, names = [*THREE[0], *THREE[1]], ["a"] * 4 + ["b"] * 4
    for vectors in (None, drawn_vectors([0] * 4 + [1] * 4)):
        made = taught(texts, names, vectors, few=few)
        scores, _ = model.scores_of(made, texts, vectors)
        assert scores.shape == (8, 2)
        said = model.guess(made, texts, vectors, temperature=0.3, threshold=0.0)
        assert [guess.label_id for guess in said] == names
        assert all(guess.confidence > 0.5 and len(guess.top) == 2 for guess in said)


def test_nothing_asked_is_nothing_said() -> None:
    assert model.guess(taught(TEXTS, ABC), [], temperature=0.3, threshold=0.5) == []


def test_vectors_tell_apart_what_the_words_do_not() -> None:
    texts, places = ["the same words"] * 60, [0, 1, 2] * 20
    seen = drawn_vectors(places)
    with_vectors = taught(texts, [str(place) for place in places], seen)
    asked = drawn_vectors([0, 1, 2] * 10, seed=5)
    said = model.guess(with_vectors, ["the same words"] * 30, asked, temperature=0.3, threshold=0.0)
    assert sum(one.label_id == str(place % 3) for place, one in enumerate(said)) >= 28
    blind = model.guess(taught(texts, [str(place) for place in places]), ["the same words"] * 30, temperature=0.3, threshold=0.0)
    assert len({one.label_id for one in blind}) == 1  # the control


def test_the_ensemble_is_better_than_the_svm_where_there_are_few_examples() -> None:
    """As on Banking77, in small: three rows a label, and the label's own words among them."""
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(12, 8))

    def near(places: Sequence[int], spread: float) -> np.ndarray:
        made = centres[list(places)] + rng.normal(0, spread, (len(places), 8))
        return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)

    places = [*range(12)] * 3
    names, words = [f"{place:02}" for place in places], [f"w{rng.integers(30)} w{rng.integers(30)}" for _ in places]
    seen, tried = near(places, 0.7), [*range(12)] * 25
    asked, said = near(tried, 0.7), [f"w{rng.integers(30)} w{rng.integers(30)}" for _ in tried]
    right = {}
    for few in (False, True):
        made = taught(words, names, seen, few=few, own=12)
        assert made.method == (model.ENSEMBLE if few else model.SVM)
        guesses = model.guess(made, said, asked, temperature=0.3, threshold=0.0)
        right[few] = np.mean([one.label_id == f"{place:02}" for place, one in zip(tried, guesses, strict=True)])
    assert right[True] > right[False] + 0.03


def test_a_label_without_rows_in_a_part_is_never_said() -> None:
    words, features = model.words_in(TEXTS)
    rows = model.Rows(features, model.rounded(None, 12), np.repeat([0, 2, 3], 4), np.zeros(12, bool))
    scores = model.learn(rows, 5, few=False, seed=0).scores(features, rows.vectors)
    assert scores.shape == (12, 5) and set(scores.argmax(axis=1).tolist()) == {0, 2, 3}
    assert words.of(["parcel"]).shape == (1, features.shape[1])


def foreign_of(label: int | None, places: np.ndarray, seen: np.ndarray) -> tuple[model.Learned, outside.Foreign]:
    features = sparse.csr_matrix((len(places), 0), dtype=np.float32)
    learned = model.learn(model.Rows(features, seen, places, np.zeros(len(places), bool)), 4, few=False, seed=0)
    held = drawn_vectors(places.tolist(), seed=9)
    found = model.signs(learned, learned.scores(features, held), held, label)
    return learned, outside.fit(found, places, label)


@pytest.mark.parametrize("label", [None, 3])
def test_what_is_like_nothing_learned_is_foreign(label: int | None) -> None:
    places = np.array(([0, 1, 2, 3] if label else [0, 1, 2]) * 40)
    learned, foreign = foreign_of(label, places, drawn_vectors(places.tolist()))

    def told(asked: np.ndarray) -> np.ndarray:
        empty = sparse.csr_matrix((len(asked), 0), dtype=np.float32)
        return foreign.share(model.signs(learned, learned.scores(empty, asked), asked, label))

    usual, strange = told(drawn_vectors([0, 1, 2] * 20, seed=4)), told(drawn_vectors([5, 6] * 20 if label is None else [3] * 40, seed=5))
    assert np.median(usual) < 0.1 and np.median(strange) > 0.5
    assert ((usual >= 0) & (usual <= 1)).all()


def test_the_label_for_all_else_takes_its_share_first() -> None:
    scores, other = np.array([[1.0, 0.0, 5.0], [1.0, 0.0, 5.0]]), np.array([0.25, 0.9])
    shares = model.shares_of(scores, other, 2, 1.0)
    assert shares.sum(axis=1) == pytest.approx([1.0, 1.0]) and shares[:, 2].tolist() == [0.25, 0.9]
    assert shares[0, 0] / shares[0, 1] == pytest.approx(np.e)
    assert (model.shares_of(scores, other, None, 1.0) == model.probabilities(scores, 1.0)).all()  # nobody labelled any: it is only told


@pytest.mark.parametrize("texts", [["same"] * 12, ["😀 🎉"] * 12, ["", " "] * 6, ["a"] * 12, ["\ud800\0"] * 12], ids=ascii)
def test_texts_that_hold_little_are_learned_from_or_hold_nothing(texts: list[str]) -> None:
    made = taught(texts, ABC, drawn_vectors([0, 1, 2] * 4))
    said = model.guess(made, [*texts, "😀" * 1_000, ""], drawn_vectors([0] * 14), temperature=0.3, threshold=0.0)
    assert len(said) == 14 and all(0 <= one.confidence <= 1 for one in said)


def test_of_a_text_of_a_megabyte_only_the_beginning_is_read() -> None:
    made = taught(TEXTS, ABC)
    start = "where is my parcel " * 1_200
    one, other = model.guess(made, [start, start[: model.LONGEST] + "refund " * 150_000], temperature=0.3, threshold=0.0)
    assert one == other
    assert model.words_in(["x" * 1_000_000, "order"])[0].words.vocabulary_ == {"order": 0}  # and what is no word is none


def test_the_words_that_speak_for_a_label_are_told_once_each() -> None:
    made = taught(TEXTS, ABC)
    told = model.speaking_for(made, "where is my parcel", "a")
    assert told and all(weight > 0 for _, weight in told) and [weight for _, weight in told] == sorted((w for _, w in told), reverse=True)
    words = [word for name, _ in told for word in name.split()]
    assert "parcel" in words and len(words) == len(set(words))
    assert "parcel" not in [word for name, _ in model.speaking_for(made, "where is my parcel", "b") for word in name.split()]
    assert model.speaking_for(made, "😀", "a") == []


def test_the_nearest_examples_are_conversations_not_own_words() -> None:
    seen = drawn_vectors([0] * 4 + [1] * 4 + [2] * 4)
    made = taught(TEXTS, ABC, seen, own=1)
    found = model.nearest_examples(made, seen[11])
    assert len(found) == 3 and all(name for name, _, _ in found) and {label for _, label, _ in found} == {"c"}
    assert found[0][2] >= found[1][2] >= found[2][2]
    assert model.nearest_examples(made, seen[2])[0][:2] == ("conversation 2", "a")
    assert model.nearest_examples(taught(TEXTS, ABC), None) == []


def test_of_very_many_examples_the_same_number_of_each_label_is_held_against_a_text() -> None:
    labels = np.array([0] * 500 + [1] * 80 + [2] * 5)
    kept = model.evenly(labels, 125, seed=1)
    assert np.bincount(labels[kept]).tolist() == [60, 60, 5] and kept.tolist() == sorted(set(kept.tolist()))
    assert (kept == model.evenly(labels, 125, seed=1)).all() and model.evenly(labels, 600, seed=1).tolist() == list(range(585))


@pytest.mark.parametrize("few", [False, True])
def test_the_same_seed_gives_the_same_answers(few: bool) -> None:
    seen = drawn_vectors([0] * 4 + [1] * 4 + [2] * 4)
    one, two = (model.scores_of(taught(TEXTS, ABC, seen, few=few, seed=5), TEXTS, seen)[0] for _ in range(2))
    assert (one == two).all()
