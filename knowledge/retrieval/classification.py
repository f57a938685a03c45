"""The rung of the intent: articles of the area that the intent names, and those that people chose for it, stand further up."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from knowledge.retrieval import stems

Floats = npt.NDArray[np.float32]
FEW = 3.0  # choices that count as one half: two out of two are not yet a rule


def counted(picks: Sequence[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """How often each article was chosen for each intent; of pairs (intent, article)."""
    told: dict[str, Counter[str]] = {}
    for intent, article in picks:
        if intent:
            told.setdefault(intent, Counter())[article] += 1
    return {intent: dict(count) for intent, count in told.items()}


def of_area(intent: str, areas: Sequence[str]) -> Floats:
    """Whether an article's area and the intent's name share a word."""
    wanted = set(stems.of(intent.replace("_", " ")))
    known = {area: float(bool(wanted & set(stems.of(area.replace("_", " "))))) for area in set(areas)}
    return np.array([known[area] for area in areas], np.float32)


def chosen(counts: Mapping[str, int], places: Mapping[str, int], size: int) -> Floats:
    """The share of the intent's choices that fell on each article, held back where there are few."""
    scores = np.zeros(size, np.float32)
    total = sum(counts.values())
    for article, count in counts.items():
        if article in places:
            scores[places[article]] = count / (total + FEW)
    return scores
