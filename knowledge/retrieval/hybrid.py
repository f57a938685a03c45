"""The rung that puts others together: by their scores, or by the places at which they put an article (reciprocal rank fusion)."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
WEIGHTED, BY_PLACE = "weighted", "rrf"
FUSIONS = {WEIGHTED: "Scores are added, each rung with its weight.", BY_PLACE: "Places are added: being first in one list counts much."}
EARLY = 60  # the larger, the less the first places count beyond the next


def levelled(scores: Floats, alive: npt.NDArray[np.bool_]) -> Floats:
    """Between 0 and 1 over the articles in force, so that rungs can be compared. A rung that tells none apart prefers none: it says of
    all that they fit, or of none."""
    known = scores[alive]
    if not len(known):
        return np.zeros_like(scores)
    low, high = float(known.min()), float(known.max())
    if high - low < 1e-9:
        return np.full_like(scores, np.float32(high > 0))
    return np.asarray(np.clip((scores - np.float32(low)) / np.float32(high - low), 0, 1), np.float32)


def weighted(features: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """Of features that are levelled already."""
    total = np.zeros(len(next(iter(features.values()))), np.float32)
    for name, scores in features.items():
        total += np.float32(weights.get(name, 0.0)) * scores
    return total


def by_place(features: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """Of an article of which a rung knows nothing, it says nothing."""
    total = np.zeros(len(next(iter(features.values()))), np.float32)
    for name, scores in features.items():
        if weights.get(name, 0.0):
            total += np.where(scores > 0, np.float32(weights[name]) / (EARLY + places(scores)), np.float32(0))
    return total


def places(scores: Floats) -> Floats:
    """1 for the best. What scores the same has the same place."""
    _, turn, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - counts + 1)[turn], np.float32)
