"""Similar texts by their words alone (TF-IDF and a singular value decomposition): what is left where no encoder is installed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

SIZE = 128  # numbers in a vector
MOST_WORDS = 50_000


class Fallback:
    """Fitted on the texts that are to be compared. Vectors of two fits have nothing to do with each other, so they are never stored."""

    name = "tfidf-svd"
    is_fallback = True
    notice = "The encoder is missing: similar texts are found by their words only. Install it: portal encoder install."

    def __init__(self, texts: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.utils.extmath import randomized_svd

        self._words: Any = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), max_features=MOST_WORDS, dtype=np.float32)
        self._turn: npt.NDArray[np.float32] = np.zeros((0, 1), np.float32)
        try:
            counted = self._words.fit_transform(texts)
        except ValueError:  # not a word in all of them
            self._words = None
            return
        size = min(SIZE, *counted.shape)
        _, _, directions = randomized_svd(counted, size, random_state=0)
        self._turn = directions.T.astype(np.float32)

    def speaks(self, language: str | None) -> bool:
        return True  # words are words

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """A row for each text, of length one; zeros where it has no word that the fit knew."""
        if self._words is None or not texts:
            return np.zeros((len(texts), self._turn.shape[1]), np.float32)
        turned = np.asarray(self._words.transform(texts) @ self._turn, np.float32)
        rows: npt.NDArray[np.float32] = turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12)
        return rows
