"""What the checks on conversations of other customers show: where a version errs, how well it knows it, and which labels look wrong.

Pure: places of labels and out-of-fold probabilities in, plain JSON out, which is kept with the version, so that no screen needs the model.
"""

import base64
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.measures import Share

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Rights = NDArray[np.bool_]

BINS = 10
POINTS = 50  # of the risk-coverage curve
MOST_SUSPECTS = 500
MOST_EXAMPLES = 100  # conversations named of a confusion
POINTS_MORE = 0.02  # what a learning curve asks for
RELIABLE = 2.0  # standard errors that a slope is away from none
MOST_MORE = 3.0  # a curve is not told further than so many times the examples that there are


@dataclass(frozen=True)
class Checked:
    """Every example, scored by a model that had seen nothing of its customer."""

    ids: Sequence[str]  # conversations
    labels: Sequence[str]  # ids, in the order of the columns
    names: Sequence[str]
    given: Places  # the label that a person gave
    shares: Floats  # a column each label

    @property
    def said(self) -> Places:
        found: Places = np.argmax(self.shares, axis=1)
        return found

    @property
    def right(self) -> Rights:
        found: Rights = self.said == self.given
        return found

    @property
    def confidence(self) -> Floats:
        found: Floats = self.shares.max(axis=1)
        return found

    @property
    def second(self) -> Floats:
        found: Floats = np.partition(self.shares, -2, axis=1)[:, -2]
        return found


def body(checked: Checked, slices: Mapping[str, Sequence[str | None]], customers: Sequence[str]) -> dict[str, Any]:
    """Everything of this module, for the version's body."""
    return {
        "confusions": confusions(checked),
        "reliability": reliability(checked.confidence, checked.right),
        "risk_coverage": risk_coverage(checked.confidence, checked.right),
        "suspects": suspects(checked),
        "slices": [found for name, values in slices.items() for found in by_slice(name, values, checked.right)],
        "checked": packed(checked, customers),
    }


# -- by label ---------------------------------------------------------------------------------------------------------------------------


def per_label(checked: Checked) -> list[dict[str, Any]]:
    """Precision, recall, F1 and support, each with its interval; the weakest first."""
    told = []
    for place, (label_id, name) in enumerate(zip(checked.labels, checked.names, strict=True)):
        said, given = checked.said == place, checked.given == place
        hits, claimed, support = int((said & given).sum()), int(said.sum()), int(given.sum())
        alike = Share(hits, claimed + support - hits)  # of all that are or were called so; F1 rises with it, and so do its bounds
        f1, low, high = (2 * share / (1 + share) for share in (alike.value, *alike.interval))
        told.append(
            {
                "label_id": label_id, "label": name, "support": support, "precision": share_of(hits, claimed),
                "recall": share_of(hits, support), "f1": {"value": round(f1, 4), "low": round(low, 4), "high": round(high, 4)},
            }
        )  # fmt: skip
    return sorted(told, key=lambda one: (one["f1"]["value"], one["label"]))


def macro_f1(told: Sequence[Mapping[str, Any]]) -> float:
    known = [one["f1"]["value"] for one in told if one["support"]]
    return sum(known) / len(known) if known else 0.0


def share_of(k: int, n: int) -> dict[str, Any]:
    share = Share(k, n)
    low, high = share.interval
    return {"k": k, "n": n, "value": round(share.value, 4), "low": round(low, 4), "high": round(high, 4)}


def confusions(checked: Checked) -> list[dict[str, Any]]:
    """Which label was taken for which, the most frequent first, with the conversations, the surest mistake first."""
    wrong: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    confidence = checked.confidence
    for row in np.nonzero(~checked.right)[0][np.argsort(-confidence[~checked.right], kind="stable")].tolist():
        wrong[int(checked.given[row]), int(checked.said[row])].append(row)
    ordered = sorted(wrong.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [
        {
            "given_id": checked.labels[given], "given": checked.names[given], "said_id": checked.labels[said], "said": checked.names[said],
            "n": len(rows), "conversation_ids": [checked.ids[row] for row in rows[:MOST_EXAMPLES]],
        }
        for (given, said), rows in ordered
    ]  # fmt: skip


def by_slice(name: str, values: Sequence[str | None], right: Rights) -> list[dict[str, Any]]:
    """How often it is right in each part, the largest first."""
    counted: defaultdict[str, list[bool]] = defaultdict(list)
    for value, is_right in zip(values, right.tolist(), strict=True):
        counted[value or "unknown"].append(is_right)
    ordered = sorted(counted.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [{"slice": name, "part": value, **share_of(sum(rights), len(rights))} for value, rights in ordered]


# -- how well it knows ------------------------------------------------------------------------------------------------------------------


def reliability(confidence: Floats, right: Rights) -> dict[str, Any]:
    """Said against seen, by confidence; ECE is the mean distance between the two, each row counted once."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    told, error = [], 0.0
    for one in range(BINS):
        inside = place == one
        count = int(inside.sum())
        said = float(confidence[inside].mean()) if count else (one + 0.5) / BINS
        told.append({"from": one / BINS, "to": (one + 1) / BINS, "confidence": round(said, 4), **share_of(int(right[inside].sum()), count)})
        if count:
            error += count / len(right) * abs(said - float(right[inside].mean()))
    return {"bins": told, "ece": round(error, 4)}


def risk_coverage(confidence: Floats, right: Rights) -> list[dict[str, float]]:
    """If it answered only the surest part: how large the part, how often it is right there, and from which confidence on."""
    order = np.argsort(-confidence, kind="stable")
    hits = np.cumsum(right[order])
    rows = np.unique(np.linspace(1, len(order), min(POINTS, len(order))).round().astype(int)).tolist()
    return [
        {
            "coverage": round(float(count / len(order)), 4), "right": round(float(hits[count - 1] / count), 4),
            "confidence": round(float(confidence[order[count - 1]]), 4),
        }
        for count in rows
    ]  # fmt: skip


def packed(checked: Checked, customers: Sequence[str]) -> dict[str, str]:
    """The checked rows themselves, so that another threshold can be tried without the model: 16 bytes each."""
    numbers: dict[str, int] = {}
    group = [numbers.setdefault(customer, len(numbers)) for customer in customers]
    columns = {
        "confidence": checked.confidence.astype("<f4"), "second": checked.second.astype("<f4"), "said": checked.said.astype("<u2"),
        "given": checked.given.astype("<u2"), "customer": np.array(group, dtype="<u4"),
    }  # fmt: skip
    return {name: base64.b64encode(column.tobytes()).decode() for name, column in columns.items()}


KINDS = {"confidence": "<f4", "second": "<f4", "said": "<u2", "given": "<u2", "customer": "<u4"}


def unpacked(told: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """confidence, second, said, given (places of the manifest's label_ids) and customer (a number), a row each."""
    return {name: np.frombuffer(base64.b64decode(told[name]), kind) for name, kind in KINDS.items()}


# -- labels that look wrong -------------------------------------------------------------------------------------------------------------


def suspects(checked: Checked) -> list[dict[str, Any]]:
    """Examples whose given label is likely wrong, the likeliest first: confident learning (Northcutt, Jiang and Chuang, 2021), as the
    package cleanlab prunes by noise rate and orders by normalised margin. Held against it by hand; it would bring four more packages.
    """
    given, shares = checked.given, checked.shares
    count = len(checked.labels)
    sizes = np.bincount(given, minlength=count)
    usual = np.array([shares[given == label, label].mean() if sizes[label] else 2.0 for label in range(count)])
    above = shares >= usual - 1e-6  # as sure of a label as of those that have it
    likely = np.where(above.any(axis=1), np.argmax(np.where(above, shares, -1.0), axis=1), -1)
    joint = np.zeros((count, count))
    np.add.at(joint, (given[likely >= 0], likely[likely >= 0]), 1)
    np.fill_diagonal(joint, np.maximum(np.diag(joint), 1))
    joint *= (sizes / np.maximum(joint.sum(axis=1), 1))[:, None]  # as many of each label as there are
    chosen = _pruned(given, shares, np.rint(joint).astype(int), sizes)
    chosen &= checked.said != given
    doubt = shares[np.arange(len(given)), given] - shares.max(axis=1)
    order = [row for row in np.argsort(doubt, kind="stable").tolist() if chosen[row]]
    return [_suspect(checked, row) for row in order[:MOST_SUSPECTS]]


def _pruned(given: Places, shares: Floats, joint: NDArray[np.int_], sizes: NDArray[np.int_]) -> Rights:
    """Of each pair of labels so many as were estimated to be mistaken, those with the widest margin; a label keeps five."""
    chosen = np.zeros(len(given), dtype=bool)
    for label in np.nonzero(sizes > 5)[0]:
        rows = np.nonzero(given == label)[0]
        for likelier in np.nonzero(joint[label])[0]:
            wrong = min(int(joint[label, likelier]), len(rows))
            if likelier != label and wrong:
                margin = shares[rows, likelier] - shares[rows, label]
                widest = rows[np.argsort(-margin, kind="stable")[:wrong]]
                chosen[widest] = True
    return chosen


def _suspect(checked: Checked, row: int) -> dict[str, Any]:
    given, said = int(checked.given[row]), int(checked.said[row])
    return {
        "conversation_id": checked.ids[row], "given_id": checked.labels[given], "given": checked.names[given],
        "likelier_id": checked.labels[said], "likelier": checked.names[said], "confidence": round(float(checked.shares[row, said]), 4),
        "of_given": round(float(checked.shares[row, given]), 4),
    }  # fmt: skip


# -- learning curve ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """Mistakes fall as a power of the number of examples."""

    level: float  # log of the share of mistakes at one example
    slope: float
    error: float  # standard error of the slope

    @property
    def reliable(self) -> bool:
        return self.slope < -RELIABLE * self.error

    def at(self, examples: float) -> float:
        return exp(self.level + self.slope * log(examples))

    def more_for(self, examples: int, points: float = POINTS_MORE) -> int | None:
        """So many more examples for so many points fewer mistakes; None where that is too far to be told."""
        wanted = self.at(examples) - points
        if wanted <= 0 or self.slope >= 0:
            return None
        more = exp((log(wanted) - self.level) / self.slope) - examples
        return ceil(more) if more <= MOST_MORE * examples else None


def fit_curve(examples: Sequence[float], mistakes: Sequence[float], weights: Sequence[float]) -> Curve | None:
    """Least squares on logarithms; None where there is too little to fit. A weight is how many rows a share was measured on."""
    known = [(log(n), log(share), weight * share) for n, share, weight in zip(examples, mistakes, weights, strict=True) if n and share > 0]
    if len({x for x, _, _ in known}) < 3:
        return None
    x, y, w = (np.array(column) for column in zip(*known, strict=True))
    middle = np.average(x, weights=w)
    spread = float((w * (x - middle) ** 2).sum())
    slope = float((w * (x - middle) * y).sum() / spread)
    level = float(np.average(y, weights=w) - slope * middle)
    left = float((w * (y - level - slope * x) ** 2).sum() / (len(x) - 2))
    return Curve(level, slope, (max(left, 1.0) / spread) ** 0.5)  # a count of mistakes alone makes 1 / count of noise in its logarithm


def curve_sentence(name: str, examples: int, curve: Curve | None) -> str | None:
    """What more examples of a label would bring; None where that cannot be told reliably."""
    more = curve.more_for(examples) if curve and curve.reliable else None
    if more is None:
        return None
    rounded = more if more < 20 else ceil(more / 10) * 10
    return f"About {rounded:,} more examples of '{name}' would add {POINTS_MORE * 100:.0f} points."
