"""The rung of sentences: a long question asks for several things, and each of them brings its own articles."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
BRINGS = 30  # articles that a sentence may bring


def brought(by_sentence: Floats, weights: Floats) -> Floats:
    """What each article is ahead of those that the same sentence does not bring, over all sentences. A line each sentence."""
    if by_sentence.shape[1] <= BRINGS:
        ahead = by_sentence - by_sentence.min(axis=1, keepdims=True)
    else:
        bar = np.partition(by_sentence, by_sentence.shape[1] - BRINGS, axis=1)[:, -BRINGS][:, None]
        ahead = np.maximum(by_sentence - bar, 0)
    return np.asarray(weights @ ahead, np.float32)
