"""The model: TF-IDF of words and word pieces, a linear SVM, and a temperature that turns its margins into a confidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import LinearSVC

Floats = NDArray[np.float64]
NEVER = float(np.nextafter(1.0, 2.0))  # a threshold that no confidence reaches
TEMPERATURES = np.geomspace(0.02, 2.0, 40)


def untrained(seed: int = 0) -> Pipeline:
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=1, dtype=np.float32)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2, dtype=np.float32)
    return Pipeline([("features", FeatureUnion([("words", words), ("pieces", pieces)])), ("svm", LinearSVC(random_state=seed))])


def margins(pipeline: Pipeline, texts: Sequence[str]) -> Floats:
    """One column a class; of two classes scikit-learn gives one number, which is made two."""
    found: Any = np.asarray(pipeline.decision_function(list(texts)), dtype=np.float64)
    return np.column_stack([-found, found]) if found.ndim == 1 else found


def probabilities(margin: Floats, temperature: float) -> Floats:
    scaled = margin / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    grown = np.exp(scaled)
    shares: Floats = grown / grown.sum(axis=1, keepdims=True)
    return shares


def fit_temperature(margin: Floats, right: NDArray[np.intp]) -> float:
    """The temperature under which what happened was most likely."""
    rows = np.arange(len(right))
    losses = [-np.log(np.maximum(probabilities(margin, float(t))[rows, right], 1e-12)).mean() for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def fit_threshold(confidence: Floats, was_right: NDArray[np.bool_], precision: float) -> float:
    """The lowest confidence above which the wanted share is right; above all confidences when no part of the rows reaches it."""
    order = np.argsort(-confidence)
    share_right = np.cumsum(was_right[order]) / np.arange(1, len(order) + 1)
    last_of_its_kind = np.append(np.diff(confidence[order]) < 0, True)  # equals are let through together
    good = np.nonzero((share_right >= precision) & last_of_its_kind)[0]
    return float(confidence[order][good[-1]]) if len(good) else NEVER


@dataclass(frozen=True)
class Guess:
    label_id: str | None  # None: it keeps silent
    confidence: float
    top: list[list[Any]]  # [label_id, probability] of the three likeliest


def guess(pipeline: Pipeline, texts: Sequence[str], *, temperature: float, threshold: float) -> list[Guess]:
    if not texts:
        return []
    shares = probabilities(margins(pipeline, texts), temperature)
    classes = [str(label_id) for label_id in pipeline.classes_]
    best = np.argsort(-shares, axis=1)[:, :3]
    made = []
    for row, places in enumerate(best):
        top = [[classes[place], round(float(shares[row, place]), 4)] for place in places]
        confidence = float(shares[row, places[0]])
        made.append(Guess(top[0][0] if confidence >= threshold else None, confidence, top))
    return made
