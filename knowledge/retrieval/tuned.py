"""The rung of the tuned encoder: one matrix turns what was asked towards the articles that people chose when somebody asked alike.

It is learned in one step: the matrix that brings each earlier question closest to the passage that was chosen for it, held near the one
that changes nothing. Where nobody asked anything like it, a question stays as the encoder left it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from knowledge.retrieval.picks import Memory

Floats = npt.NDArray[np.float32]
HELD = 0.5  # how strongly it is held near what changes nothing, in questions; measured on parted sets of questions
FEWEST = 10  # questions: fewer turn the others with them


def learned(memory: Memory, passages: Mapping[str, Floats]) -> Floats | None:
    """From the choices, and the vectors of the passages of each article that was chosen. None: there is too little to learn from."""
    if memory.meanings is None:
        return None
    known = [(row, chosen) for row, slugs in zip(memory.meanings, memory.slugs, strict=True) if (chosen := _of(slugs, passages))]
    if len(known) < FEWEST:
        return None
    asked = np.concatenate([_shared([row] * len(chosen)) for row, chosen in known])
    wanted = np.concatenate([_shared([_nearest(row, one) for one in chosen]) for row, chosen in known])
    still = HELD * np.eye(asked.shape[1])
    return np.linalg.solve(asked.T @ asked + still, asked.T @ wanted + still).astype(np.float32)


def turned(row: Floats, matrix: Floats) -> Floats:
    found = row @ matrix
    return np.asarray(found / max(float(np.linalg.norm(found)), 1e-12), np.float32)


def _of(slugs: Sequence[str], passages: Mapping[str, Floats]) -> list[Floats]:
    return [passages[slug] for slug in slugs if slug in passages]


def _nearest(row: Floats, passages: Floats) -> Floats:
    """The passage of a chosen article for which it was chosen, most likely."""
    return np.asarray(passages[int(np.argmax(passages @ row))], np.float32)


def _shared(rows: Sequence[Floats]) -> npt.NDArray[np.float64]:
    """Many articles chosen for one question count as one question."""
    return np.asarray(np.stack(rows) / np.sqrt(len(rows)), np.float64)
