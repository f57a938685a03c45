"""What was counted of something: how many, their sum, and how far the true figure may be from it. Amounts add up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, log, sqrt
from typing import Any, Literal

import numpy as np

from data.measures import Z

Kind = Literal["count", "share", "mean", "sum", "quantile"]
Interval = tuple[float, float]
Numbers = np.ndarray[Any, Any]

# -- sketches: how often each size came, in buckets that grow by a fixed ratio; two sketches are one by adding their buckets ---------------

OFF_BY = 0.02  # a quantile read from a sketch is at most so far from the true one, of its size
GROWS = (1 + OFF_BY) / (1 - OFF_BY)
SMALLEST = 0.001  # what is smaller counts as nothing
NOTHING = -1_000  # the bucket of what counts as nothing, below all others
BUCKET = np.dtype([("bucket", "<i2"), ("count", "<u4")])


def sketch_of(values: Iterable[float]) -> bytes:
    """Of sizes, six bytes for each bucket that is in use."""
    return packed(*np.unique(buckets_of(np.fromiter(values, dtype=float)), return_counts=True)).tobytes()


def together(sketches: Iterable[bytes | None]) -> bytes | None:
    """Many as one."""
    found = np.frombuffer(b"".join(one for one in sketches if one), dtype=BUCKET)
    if not len(found):
        return None
    counts = np.bincount(found["bucket"].astype(int) - NOTHING, weights=found["count"])
    buckets = np.flatnonzero(counts)
    return packed(buckets + NOTHING, counts[buckets]).tobytes()


def buckets_of(sizes: Numbers) -> Numbers:
    buckets = np.full(len(sizes), NOTHING, dtype="<i2")
    told = sizes >= SMALLEST
    buckets[told] = np.ceil(np.log(sizes[told]) / log(GROWS))
    return buckets


def packed(buckets: Numbers, counts: Numbers) -> Numbers:
    found = np.empty(len(buckets), dtype=BUCKET)
    found["bucket"], found["count"] = buckets, counts
    return found


def _at_ranks(sketch: bytes, ranks: Sequence[int]) -> list[float]:
    """The sizes that stand at these places, counted from one, when all are put in order."""
    found = np.frombuffer(sketch, dtype=BUCKET)
    places = np.searchsorted(np.cumsum(found["count"].astype(np.int64)), ranks)
    buckets = found["bucket"].astype(int)[np.minimum(places, len(found) - 1)]
    return [0.0 if bucket == NOTHING else 2 * GROWS**bucket / (GROWS + 1) for bucket in buckets.tolist()]


# -- amounts ------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Amount:
    """Of values x with weights w. What it is read as hangs on its kind."""

    n: int = 0
    weight: float = 0.0  # Σ w
    sum: float = 0.0  # Σ w · x
    sum_sq: float = 0.0  # Σ w · x²
    sketch: bytes | None = None  # of the values, where their sizes count
    weight_sq: float = 0.0  # Σ w²; 0: all weigh the same
    kind: Kind = "share"
    p: float = 0.5  # which quantile it is read as

    def __add__(self, other: "Amount") -> "Amount":
        return replace(
            self, n=self.n + other.n, weight=self.weight + other.weight, sum=self.sum + other.sum, sum_sq=self.sum_sq + other.sum_sq,
            weight_sq=self._weight_sq + other._weight_sq, sketch=together((self.sketch, other.sketch)),
        )  # fmt: skip

    @property
    def value(self) -> float | None:
        """None: nothing is known. Of what is counted or summed, nothing is zero."""
        if self.kind in ("count", "sum"):
            return self.sum
        if self.kind == "quantile":
            return self.quantile(self.p)
        return self.sum / self.weight if self.weight else None

    @property
    def effective_n(self) -> float:
        """So many that weigh the same would tell as much (Kish)."""
        return self.weight**2 / self._weight_sq if self._weight_sq else 0.0

    @property
    def interval(self) -> Interval | None:
        """95 %. None: it cannot be told.

        Shares: Wilson. Means: Student's t. Counts: Poisson (Byar). Sums: compound Poisson. Quantiles: the order statistics around it.
        """
        return {"share": self._wilson, "mean": self._student, "count": self._byar, "sum": self._compound, "quantile": self._between}[
            self.kind
        ]()

    def quantile(self, p: float) -> float | None:
        """The smallest value that is not exceeded by a share p of them."""
        return _at_ranks(self.sketch, [max(1, ceil(p * self.n))])[0] if self.sketch else None

    @property
    def _weight_sq(self) -> float:
        return self.weight_sq or (self.weight**2 / self.n if self.n else 0.0)

    def _wilson(self) -> Interval | None:
        n = self.effective_n
        if not n:
            return None
        p = min(1.0, max(0.0, self.sum / self.weight))
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def _student(self) -> Interval | None:
        n = self.effective_n
        if n < 2:
            return None
        mean = self.sum / self.weight
        variance = max(0.0, self.sum_sq / self.weight - mean * mean) * n / (n - 1)
        half = _t(n - 1) * sqrt(variance / n)
        return mean - half, mean + half

    def _byar(self) -> Interval:
        k, more = self.sum, self.sum + 1
        low = k * max(0.0, 1 - 1 / (9 * k) - Z / (3 * sqrt(k))) ** 3 if k else 0.0
        return low, more * (1 - 1 / (9 * more) + Z / (3 * sqrt(more))) ** 3

    def _compound(self) -> Interval:
        half = Z * sqrt(self.sum_sq)
        return self.sum - half, self.sum + half

    def _between(self) -> Interval | None:
        if not self.sketch:
            return None
        middle, half = self.p * self.n, Z * sqrt(self.n * self.p * (1 - self.p))
        low, high = _at_ranks(self.sketch, [max(1, ceil(middle - half)), min(self.n, ceil(middle + half) + 1)])
        return low, high


def _t(freedom: float) -> float:
    """Student's 97.5 % (Cornish and Fisher's series; off by less than 1 % from 3 degrees of freedom on, below it is the table's)."""
    if freedom < 3:
        return 12.706 if freedom < 2 else 4.303
    z, v = Z, freedom
    return (
        z + (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )  # fmt: skip


def total(amounts: Iterable[Amount], like: Amount) -> Amount:
    """All of them as one; of none, nothing of that kind."""
    found = list(amounts)
    return replace(
        like, n=sum(one.n for one in found), weight=sum(one.weight for one in found), sum=sum(one.sum for one in found),
        sum_sq=sum(one.sum_sq for one in found), weight_sq=sum(one._weight_sq for one in found),
        sketch=together([one.sketch for one in found]),
    )  # fmt: skip
