"""In which order a rep labels best: each next one teaches most about what is not understood yet.

One rule from the first label on (facility location, chosen greedily): a conversation is worth as much as it brings the open ones nearer
to a labelled one. Open ones count by how uncertain the classifier is of them, and up to double where two views disagree. So where many are
alike it asks for one in their middle (density), what lies near a labelled one brings nothing (novelty), and without any label it asks for
typical ones, spread over all there is. Asking for the least certain alone took half as many labels again on Banking77, and on multidogo
more than random order did: what is uncertain there is mostly garbled.
"""

import heapq
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

OPEN = 1_500  # open conversations that stand for all
MOST = 10_000  # conversations that are compared with them; the others come last
AHEAD = 200  # so many are put in order one by one; after so many labels it learns again anyway


def order(
    vectors: NDArray[np.floating],
    probabilities: NDArray[np.floating] | None,
    labelled: Sequence[int],
    customers: Sequence[Hashable | None],
    *,
    seed: int,
    disagreement: NDArray[np.floating] | None = None,
    ahead: int = AHEAD,
) -> list[int]:
    """The places of all that is not labelled, the most useful first.

    One row each: vectors; probabilities by label, None before there is a classifier; customers; disagreement from 0 to 1, how much two
    views of a row differ (the classifier and the nearest labelled ones, say).
    """
    random, known = np.random.default_rng(seed), np.array(sorted(set(labelled)), dtype=np.intp)
    is_open = np.ones(len(vectors), dtype=bool)
    is_open[known] = False
    places = random.permutation(np.nonzero(is_open)[0])
    if not len(places):
        return []
    asked, stand_ins = places[:MOST], random.permutation(places)[:OPEN]
    weight = _weight(stand_ins, probabilities, disagreement)
    there = _of_length_one(vectors[stand_ins])
    nearness = np.maximum(_of_length_one(vectors[asked]) @ there.T, 0.0)
    near = (there @ _of_length_one(vectors[known]).T).max(axis=1, initial=0.0)
    often = Counter(customers[place] for place in known.tolist() if customers[place] is not None)
    chosen, left = _one_by_one(nearness, near, weight, [customers[place] for place in asked.tolist()], often, ahead)
    return [*asked[chosen].tolist(), *asked[left].tolist(), *places[MOST:].tolist()]


def uncertainty(probabilities: NDArray[np.floating]) -> Floats:
    """0 where the likeliest label is certain, 1 where two are as likely."""
    if probabilities.shape[1] < 2:
        return np.ones(len(probabilities), dtype=np.float32)
    two = np.partition(probabilities, -2, axis=1)[:, -2:]
    return (1.0 - (two[:, 1] - two[:, 0])).astype(np.float32)


def _weight(places: NDArray[np.intp], probabilities: NDArray[np.floating] | None, disagreement: NDArray[np.floating] | None) -> Floats:
    weight = np.ones(len(places), dtype=np.float32) if probabilities is None else uncertainty(probabilities[places])
    return weight if disagreement is None else (weight * (1.0 + disagreement[places])).astype(np.float32)


def _of_length_one(vectors: NDArray[np.floating]) -> Floats:
    rows = np.asarray(vectors, dtype=np.float32)
    unit: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit


def _one_by_one(
    nearness: Floats, near: Floats, weight: Floats, customers: list[Hashable | None], often: Counter[Hashable | None], ahead: int
) -> tuple[list[int], list[int]]:
    """The best, then the best beside it, and so on; what is left by what it would bring then.

    What one brings only shrinks while others are chosen, so it is measured anew only where its old measure would win (Minoux 1978).
    """

    def brings(row: int) -> float:
        return float(np.maximum(nearness[row] - near, 0.0) @ weight) / (1 + often[customers[row]])

    waiting = [(-brings(row), row, 0) for row in range(len(nearness))]
    heapq.heapify(waiting)
    chosen: list[int] = []
    while waiting and len(chosen) < ahead:
        _, row, measured = waiting[0]
        if measured < len(chosen):
            heapq.heapreplace(waiting, (-brings(row), row, len(chosen)))
            continue
        heapq.heappop(waiting)
        chosen.append(row)
        near = np.maximum(near, nearness[row])
        if customers[row] is not None:
            often[customers[row]] += 1
    return chosen, [row for _, row, _ in sorted(waiting)]
