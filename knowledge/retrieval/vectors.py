"""The rung of meaning: passages that mean what the question means, also in other words. Vectors come through a callable."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], Floats]


def of(texts: Sequence[str], encode: Encode | None) -> Floats | None:
    """A row for each text, of length one; None where there is no encoder."""
    if encode is None or not texts:
        return None
    rows = np.asarray(encode(texts), np.float32)
    return np.ascontiguousarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def alike(asked: Floats, rows: Floats) -> Floats:
    """The cosine of each row to each thing asked: a line for each of these."""
    return np.asarray(asked @ rows.T, np.float32)
