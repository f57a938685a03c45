"""The model that may say any number of its labels: for each a linear score over words and vectors, which tells how likely it comes up.

Labels are judged apart: what one's score is says nothing of another's. Calibration is part of the weights, so a share is the logistic
curve of the score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from classifiers import abstention, model
from classifiers.model import Floats, Learned, Vectors

Given = NDArray[np.bool_]  # a row each conversation, a column each label: whether it comes up

STRENGTH = 1.0  # C of each SVM: on joined texts of Banking77 up to two points better than 0.3; weighing rare labels more gains nothing
LEAST_SLOPE = 0.05  # of a share over its score: a score that tells nothing still keeps the order
MOST_SLOPE = 20.0


@dataclass(frozen=True)
class Several(model.Model):
    """Its learned weights hold no examples, and nothing is foreign to it: where nothing fits it says nothing."""


def learn(features: sparse.csr_matrix, vectors: Vectors, given: Given, *, seed: int) -> Learned:
    """The same rows and seed give the same weights. A label that all rows have, or none, is not learned."""
    both = sparse.hstack([features, sparse.csr_matrix(model.BESIDE * vectors)]).tocsr().astype(np.float64)
    weights, bias = np.zeros((both.shape[1], given.shape[1])), np.full(given.shape[1], model.NOT_LEARNED)
    for label in range(given.shape[1]):
        if 0 < given[:, label].sum() < len(given):
            svm = LinearSVC(C=STRENGTH, tol=1e-2, random_state=seed, max_iter=2_000)
            svm.fit(both, given[:, label])
            weights[:, label], bias[label] = svm.coef_[0], svm.intercept_[0]
    size = features.shape[1]
    weights[size:] *= model.BESIDE
    return _learned(weights[:size], weights[size:], bias)


def _learned(weights: Floats, turned: Floats, bias: Floats) -> Learned:
    none = np.zeros(0, np.intp)
    told = (weights.astype(np.float32), turned.astype(np.float32), bias.astype(np.float32))
    return Learned(*told, 0.0, np.zeros((0, 0), np.float32), none, none)


def calibration(scores: Floats, given: Given) -> tuple[Floats, Floats]:
    """For each label the slope and the place of the curve under which what happened was likely, from scores of rows it had not seen."""
    slopes, biases = np.ones(scores.shape[1]), np.zeros(scores.shape[1])
    for label in range(scores.shape[1]):
        own, seen = given[:, label], scores[:, label]
        if 0 < own.sum() < len(own):
            middle, spread = float(seen.mean()), max(float(seen.std()), 1e-6)
            fitted = LogisticRegression(C=10.0).fit((seen[:, None] - middle) / spread, own)
            slopes[label] = np.clip(fitted.coef_[0, 0] / spread, LEAST_SLOPE, MOST_SLOPE)
            biases[label] = _place(slopes[label] * seen, float(own.mean()))
    return slopes, biases


def _place(scaled: Floats, share: float) -> float:
    """Where the curve has to stand so that on average it says what happened."""
    low, high = -60.0 - float(scaled.max()), 60.0 - float(scaled.min())
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if float(curve(scaled + middle).mean()) < share else (low, middle)
    return (low + high) / 2


def calibrated(learned: Learned, slopes: Floats, biases: Floats) -> Learned:
    return _learned(learned.weights * slopes, learned.turned * slopes, learned.bias * slopes + biases)


def curve(scores: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-np.clip(scores, -30, 30)))
    return found


def shares_of(made: Several, texts: Sequence[str], vectors: Vectors | None = None) -> Floats:
    """How likely each label comes up in each text."""
    return curve(made.learned.scores(made.words.of(texts), model.rounded(vectors, len(texts))))


def guess(
    made: Several, texts: Sequence[str], vectors: Vectors | None = None, *, thresholds: Mapping[str, float]
) -> list[model.Guess]:  # fmt: skip
    """Each label from its own threshold on, the surest first; none of them where none is sure enough."""
    if not texts:
        return []
    shares = shares_of(made, texts, vectors)
    bars = np.array([thresholds.get(label_id, abstention.NEVER) for label_id in made.labels])
    found = []
    for row, order in zip(shares, np.argsort(-shares, axis=1, kind="stable"), strict=True):
        top = [[made.labels[place], round(float(row[place]), 4)] for place in order[:3]]
        said = [made.labels[place] for place in order if row[place] >= bars[place]]
        confidence = float(row[made.labels.index(said[0])] if said else row[order[0]])
        becomes: abstention.Decision = "answers" if said else "silent"
        found.append(model.Guess(said[0] if said else None, confidence, top, becomes=becomes, also=tuple(said[1:])))
    return found
