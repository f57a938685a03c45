"""The model: words and word pieces beside sentence vectors, one linear score a label, a temperature that turns scores into a confidence.

Where labels have few examples, the likeness to the nearest of them, to their middle and a logistic regression on the vectors are added to
the score; all but the nearest are linear, so they end in the same weights. How foreign a text is to everything learned is told beside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import LinearSVC

from classifiers.abstention import NEVER, Decision, decide
from classifiers.outside import Foreign

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
Places = NDArray[np.intp]

TEMPERATURES = np.geomspace(0.02, 2.0, 40)
SVM, ENSEMBLE = "linear SVM", "ensemble"
WORD = r"(?u)\b\w\w{1,39}\b"  # longer ones are no words
LONGEST = 20_000  # characters of a text that are looked at, as the encoder does
MOST_FEATURES = 50_000  # of each kind
BESIDE = 1.5  # how much the vectors count beside the words
STRENGTH = 0.3  # C of the SVM: on Banking77 0.3 is half a point better than 1, with vectors beside the words
MIXTURE = {"svm": 0.1, "nearest": 0.05, "middle": 0.05, "logistic": 0.2}  # chosen at 3, 5 and 10 examples a label of Banking77
OWN_WORDS = 2.0  # a label's own words count as so many examples
NEAREST = 3
NOT_LEARNED = -3.0  # the score of a label that had no row
AT_ONCE = 500  # texts held against all examples
MOST_EXAMPLES = 8_000  # that a text is held against: with more, one text takes longer than it may


def cleaned(text: str) -> str:
    return text[:LONGEST].encode("utf-8", "replace").decode()


# -- what is looked at ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """Fitted on the texts that are learned from. Either kind is missing where the texts hold nothing of it."""

    words: Any
    pieces: Any

    def of(self, texts: Sequence[str]) -> Any:
        told = [cleaned(text) for text in texts]
        parts = [kind.transform(told) for kind in (self.words, self.pieces) if kind is not None]
        return sparse.hstack(parts).tocsr() if parts else sparse.csr_matrix((len(told), 0), dtype=np.float32)


def words_in(texts: Sequence[str]) -> tuple[Words, Any]:
    """And the features of these texts."""
    told, made, parts = [cleaned(text) for text in texts], [], []
    for kind in (
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=WORD, sublinear_tf=True, max_features=MOST_FEATURES, dtype=np.float32),
        TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2, max_features=MOST_FEATURES, dtype=np.float32
        ),
    ):  # fmt: skip
        try:
            parts.append(kind.fit_transform(told))
            made.append(kind)
        except ValueError:  # scikit-learn says so where there is none, or none that occurs twice
            made.append(None)
    return Words(*made), sparse.hstack(parts).tocsr() if parts else sparse.csr_matrix((len(told), 0), dtype=np.float32)


def untrained(seed: int = 0) -> Pipeline:
    """The model of older portals, words only: their files are still read."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=1, dtype=np.float32)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2, dtype=np.float32)
    return Pipeline([("features", FeatureUnion([("words", words), ("pieces", pieces)])), ("svm", LinearSVC(random_state=seed))])


# -- what is learned --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rows:
    """Examples as numbers. A label's own words stand among them where they help."""

    features: Any  # sparse, a row each
    vectors: Vectors  # without an encoder of no width
    labels: Places  # which label, by its place
    own_words: NDArray[np.bool_]

    def __getitem__(self, chosen: NDArray[np.bool_] | Places) -> "Rows":
        return Rows(self.features[chosen], self.vectors[chosen], self.labels[chosen], self.own_words[chosen])

    @property
    def both(self) -> Any:
        return sparse.hstack([self.features, sparse.csr_matrix(BESIDE * self.vectors)]).tocsr()


@dataclass(frozen=True)
class Learned:
    """Scores are features x weights + vectors x turned + bias, and the nearest examples where they count."""

    weights: Vectors  # a row each feature, a column each label
    turned: Vectors  # a row each number of a vector
    bias: Vectors
    near: float
    examples: Vectors  # their vectors
    taught: Places  # which label each of them has
    kept: Places  # which rows they were

    def scores(self, features: Any, vectors: Vectors) -> Floats:
        found: Floats = np.asarray(features @ self.weights + vectors @ self.turned + self.bias, dtype=np.float64)
        if self.near:
            found += self.near * likeness(vectors, self.examples, self.taught, len(self.bias))
        return found


def likeness(vectors: Vectors, examples: Vectors, taught: Places, labels: int) -> Floats:
    """To the nearest examples of each label."""
    made = np.full((len(vectors), labels), -1.0)
    for label in np.unique(taught):
        made[:, label] = _greatest(vectors @ examples[taught == label].T, NEAREST).mean(axis=1)
    return made


def learn(rows: Rows, labels: int, *, few: bool, seed: int) -> Learned:
    """The same rows and seed give the same weights."""
    parts = _parts(rows, labels, seed, few=few)
    counts = _counts(rows, labels, seed) if few else {"svm": 1.0}
    size = rows.features.shape[1]
    weights = np.add.reduce([counts[name] * part[0] for name, part in parts.items()]).astype(np.float32)
    bias = np.add.reduce([counts[name] * part[1] for name, part in parts.items()]).astype(np.float32)
    kept = evenly(rows.labels, MOST_EXAMPLES, seed)
    return Learned(weights[:size], weights[size:], bias, counts.get("nearest", 0.0), rows.vectors[kept], rows.labels[kept], kept)


def evenly(labels: Places, most: int, seed: int) -> Places:
    """At most so many places, the same number of each label where there are enough of it."""
    if len(labels) <= most:
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(len(labels))
    turn = np.zeros(len(labels), dtype=np.intp)
    for label in np.unique(labels):
        own = order[labels[order] == label]
        turn[own] = np.arange(len(own))
    return np.sort(order[np.argsort(turn[order], kind="stable")[:most]])


def _parts(rows: Rows, labels: int, seed: int, *, few: bool) -> dict[str, tuple[Floats, Floats]]:
    """The linear parts, each as (weights, bias) for features and vectors together."""
    counted = np.where(rows.own_words, OWN_WORDS, 1.0)
    svm = LinearSVC(C=1.0 if few else STRENGTH, tol=1e-2, random_state=seed, max_iter=2_000).fit(rows.both, rows.labels)
    weights, bias = _spread(svm, labels)
    weights[rows.features.shape[1] :] *= BESIDE
    found = {"svm": (weights, bias)}
    if few and rows.vectors.shape[1]:
        # with tol=1e-3 it loses 1.8 points
        logistic = LogisticRegression(C=10, tol=1e-4, max_iter=2_000).fit(rows.vectors, rows.labels, sample_weight=counted)
        found["logistic"] = _below(*_spread(logistic, labels), rows)
        middle = np.zeros((rows.vectors.shape[1], labels))
        np.add.at(middle.T, rows.labels, rows.vectors)
        middle /= np.maximum(np.linalg.norm(middle, axis=0), 1e-12)
        found["middle"] = _below(middle, np.zeros(labels), rows)
    return found


def _spread(fitted: Any, labels: int) -> tuple[Floats, Floats]:
    """A column each label, also of those that had no row; of two classes scikit-learn gives one column, which is made two."""
    coefficients, bias = fitted.coef_, fitted.intercept_
    if len(fitted.classes_) == 2:
        coefficients, bias = np.vstack([-coefficients, coefficients]), np.concatenate([-bias, bias])
    weights, biases = np.zeros((coefficients.shape[1], labels)), np.full(labels, NOT_LEARNED)
    weights[:, fitted.classes_], biases[fitted.classes_] = coefficients.T, bias
    return weights, biases


def _below(weights: Floats, bias: Floats, rows: Rows) -> tuple[Floats, Floats]:
    """Weights of vectors, with nothing for the features that stand above them."""
    return np.vstack([np.zeros((rows.features.shape[1], len(bias))), weights]), bias


def _counts(rows: Rows, labels: int, seed: int) -> dict[str, float]:
    """How much each part counts, so that all are of one size: learned from every other row of a label and tried on the rest."""
    place = np.zeros(len(rows.labels), dtype=np.intp)
    for label in range(labels):
        own = np.nonzero(rows.labels == label)[0]
        place[own] = np.arange(len(own))
    half = place % 2 == 0
    if not rows.vectors.shape[1] or half.all():
        return {"svm": 1.0}
    learned, tried = rows[half], rows[~half]
    x = sparse.hstack([tried.features, sparse.csr_matrix(tried.vectors)]).tocsr()
    scores = {name: x @ weights + bias for name, (weights, bias) in _parts(learned, labels, seed, few=True).items()}
    scores["nearest"] = likeness(tried.vectors, learned.vectors, learned.labels, labels)
    return {name: MIXTURE[name] / max(float(score.std(axis=1).mean()), 1e-3) for name, score in scores.items()}


# -- what is foreign --------------------------------------------------------------------------------------------------------------------


def signs(learned: Learned, scores: Floats, vectors: Vectors, label: int | None) -> Floats:
    """Signs that a text is foreign, a column each: a low best score, far from all examples, alike to what was said to be foreign."""
    own = np.arange(scores.shape[1]) != label
    found = [-scores[:, own].max(axis=1)]
    if vectors.shape[1]:
        for start in range(0, max(len(vectors), 1), AT_ONCE):
            alike = vectors[start : start + AT_ONCE] @ learned.examples.T
            if label is not None:
                alike[:, learned.taught == label] = -1
            nearest = _greatest(alike, NEAREST)
            found.append(np.column_stack([-nearest.max(axis=1), -nearest.mean(axis=1)]))
        found = [found[0], *np.concatenate(found[1:]).T]
    return np.column_stack(found if label is None else [*found, scores[:, label]])


# -- probabilities ----------------------------------------------------------------------------------------------------------------------


def probabilities(margin: Floats, temperature: float) -> Floats:
    scaled = margin / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    grown = np.exp(scaled)
    shares: Floats = grown / grown.sum(axis=1, keepdims=True)
    return shares


def shares_of(scores: Floats, other: Floats, label: int | None, temperature: float) -> Floats:
    """The label that stands for what is foreign gets its share first, the others divide the rest."""
    if label is None:
        return probabilities(scores, temperature)
    shares = np.empty_like(scores)
    own = np.arange(scores.shape[1]) != label
    shares[:, own] = probabilities(scores[:, own], temperature) * (1 - other[:, None])
    shares[:, label] = other
    return shares


def fit_temperature(margin: Floats, right: NDArray[np.intp]) -> float:
    """The temperature under which what happened was most likely."""
    rows = np.arange(len(right))
    losses = [-np.log(np.maximum(probabilities(margin, float(t))[rows, right], 1e-12)).mean() for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


# -- a model ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    labels: list[str]  # their ids, in the order of the columns
    words: Words
    learned: Learned
    encoder: str | None = None  # whose vectors it knows; None: words only
    ids: NDArray[np.str_] = field(default_factory=lambda: np.zeros(0, dtype="U1"))  # the conversation of each example, "" of own words
    foreign: Foreign | None = None

    @property
    def method(self) -> str:
        return ENSEMBLE if self.learned.near else SVM

    def with_foreign(self, foreign: Foreign) -> "Model":
        return replace(self, foreign=foreign)


def scores_of(model: Model, texts: Sequence[str], vectors: Vectors | None = None) -> tuple[Floats, Floats]:
    """A column each label, and how foreign each text is."""
    seen = rounded(vectors, len(texts))
    scores = model.learned.scores(model.words.of(texts), seen)
    if model.foreign is None:
        return scores, np.zeros(len(texts))
    return scores, model.foreign.share(signs(model.learned, scores, seen, model.foreign.label))


def rounded(vectors: Vectors | None, rows: int) -> Vectors:
    """As they are stored, so that it makes no difference whether a vector was stored or computed now."""
    return np.zeros((rows, 0), np.float32) if vectors is None else vectors.astype(np.float16).astype(np.float32)


@dataclass(frozen=True)
class Guess:
    label_id: str | None  # None: it keeps silent
    confidence: float
    top: list[list[Any]]  # [label_id, probability] of the three likeliest
    other: float = 0.0  # how foreign the text is to everything learned, from 0 to 1
    becomes: Decision = "silent"
    also: tuple[str, ...] = ()  # the other labels that it says, where it may say several


def guess(
    model: Model, texts: Sequence[str], vectors: Vectors | None = None, *, temperature: float, threshold: float, gap: float = 0.0,
    own: Mapping[str, float] | None = None, asks: float = NEVER,
) -> list[Guess]:  # fmt: skip
    """It speaks at the threshold or above, and where the second likeliest is at least the gap behind; `own` are labels with a threshold of
    their own. From `asks` on a person is shown what it would say.
    """
    if not texts:
        return []
    scores, other = scores_of(model, texts, vectors)
    shares = shares_of(scores, other, model.foreign.label if model.foreign else None, temperature)
    best = np.argsort(-shares, axis=1, kind="stable")[:, :3]
    made, own = [], own or {}
    for row, places in enumerate(best):
        top = [[model.labels[place], round(float(shares[row, place]), 4)] for place in places]
        confidence = float(shares[row, places[0]])
        second = float(shares[row, places[1]]) if len(places) > 1 else 0.0
        bar, apart = (own[top[0][0]], 0.0) if top[0][0] in own else (threshold, gap)
        becomes = decide(confidence, second, threshold=bar, gap=apart, asks=asks)
        made.append(Guess(top[0][0] if becomes == "answers" else None, confidence, top, round(float(other[row]), 4), becomes))
    return made


def _greatest(alike: Any, count: int) -> Any:
    """The greatest of each row, so many of them as there are."""
    return alike if alike.shape[1] <= count else np.partition(alike, -count, axis=1)[:, -count:]


# -- why --------------------------------------------------------------------------------------------------------------------------------


def speaking_for(model: Model, text: str, label_id: str, most: int = 6) -> list[tuple[str, float]]:
    """The words of the text that speak most for the label, as they are written in it; a word that stands in a stronger phrase not again."""
    if model.words.words is None:
        return []
    found = model.words.words.transform([cleaned(text)])
    label = model.labels.index(label_id)
    weights = model.learned.weights[found.indices, label] * found.data
    names = model.words.words.get_feature_names_out()
    told: list[tuple[str, float]] = []
    for place in np.argsort(-weights, kind="stable"):
        name = str(names[found.indices[place]])
        if weights[place] <= 0 or len(told) == most:
            break
        if not any(set(name.split()) & set(known.split()) for known, _ in told):
            told.append((name, round(float(weights[place]), 4)))
    return told


def nearest_examples(model: Model, vector: Vectors | None, most: int = 3) -> list[tuple[str, str, float]]:
    """Conversation, label and likeness of the examples that are nearest to a text."""
    if vector is None or not model.learned.examples.shape[1]:
        return []
    alike = model.learned.examples @ rounded(vector.reshape(1, -1), 1)[0]
    order = [place for place in np.argsort(-alike, kind="stable") if model.ids[place]][:most]
    return [(str(model.ids[place]), model.labels[model.learned.taught[place]], round(float(alike[place]), 3)) for place in order]
