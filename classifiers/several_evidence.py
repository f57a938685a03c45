"""What the checks of a classifier that may say several labels show: how often all of a conversation is right, and how good each label is.

Pure, in the same shape as evidence.py, whose figures of one label against the rest it takes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifiers import evidence
from classifiers.evidence import Floats, Rights

LIKELY = 0.1  # shares below say nothing of how well it knows: most labels do not come up in most conversations
NONE = "none of the labels"

UNCHECKED: dict[str, Any] = {
    "accuracy": None, "accuracy_k": 0, "accuracy_n": 0, "answered": 0.0, "macro_f1": None, "ece": None, "per_label": [],
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """Every conversation, scored by a model that had seen nothing of its customer."""

    ids: Sequence[str]  # conversations
    labels: Sequence[str]  # ids, in the order of the columns
    names: Sequence[str]
    given: Rights  # a row each conversation, a column each label: whether a person said it comes up
    shares: Floats  # how likely it does

    def against_the_rest(self, place: int, shares: Floats | Rights) -> evidence.Checked:
        """One label as a question of yes and no."""
        likely = shares.astype(float)
        both = np.column_stack([1 - likely, likely])
        given = self.given[:, place].astype(np.intp)
        return evidence.Checked(self.ids, ["", self.labels[place]], ["", self.names[place]], given, both)


def figures(seen: Seen, bars: Floats) -> dict[str, Any]:
    """How good it is for customers it had not seen, where each label is said from its own bar on."""
    said = seen.shares >= bars
    right = (said == seen.given).all(axis=1)
    per_label = _per_label(seen, said)
    return {
        "accuracy": float(right.mean()), "accuracy_k": int(right.sum()), "accuracy_n": len(right),
        "answered": float(said.any(axis=1).mean()), "macro_f1": evidence.macro_f1(per_label), "ece": _reliability(seen)["ece"],
        "per_label": per_label,
    }  # fmt: skip


def _per_label(seen: Seen, said: Rights) -> list[dict[str, Any]]:
    told = [
        next(one for one in evidence.per_label(seen.against_the_rest(place, said[:, place])) if one["label_id"] == label_id)
        for place, label_id in enumerate(seen.labels)
    ]
    return sorted(told, key=lambda one: (one["f1"]["value"], one["label"]))


def body(seen: Seen, bars: Floats, slices: Mapping[str, Sequence[str | None]]) -> dict[str, Any]:
    """Everything of this module, for the version's body."""
    said = seen.shares >= bars
    right = (said == seen.given).all(axis=1)
    sure = np.where(said, seen.shares, 1 - seen.shares).prod(axis=1)  # that all of it is right
    return {
        "confusions": _confusions(seen, said, sure),
        "reliability": _reliability(seen),
        "reliability_by_label": {
            label_id: evidence.reliability(seen.shares[:, place], seen.given[:, place]) for place, label_id in enumerate(seen.labels)
        },
        "risk_coverage": evidence.risk_coverage(sure, right),
        "suspects": _suspects(seen),
        "slices": [found for name, values in slices.items() for found in evidence.by_slice(name, values, right)],
    }


def _reliability(seen: Seen) -> dict[str, Any]:
    likely = seen.shares >= LIKELY
    return evidence.reliability(seen.shares[likely], seen.given[likely])


def _confusions(seen: Seen, said: Rights, sure: Floats) -> list[dict[str, Any]]:
    """What was missed and what was said in its place, each with each; alone where nothing stands against it. The surest mistake first."""
    wrong: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for row in np.argsort(-sure, kind="stable").tolist():
        missed, beside = np.nonzero(seen.given[row] & ~said[row])[0].tolist(), np.nonzero(said[row] & ~seen.given[row])[0].tolist()
        if missed or beside:
            for pair in ((given, other) for given in missed or [-1] for other in beside or [-1]):
                wrong[pair].append(row)
    ordered = sorted(wrong.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [
        {
            "given_id": _id(seen, given), "given": _name(seen, given), "said_id": _id(seen, other), "said": _name(seen, other),
            "n": len(rows), "conversation_ids": [seen.ids[row] for row in rows[: evidence.MOST_EXAMPLES]],
        }
        for (given, other), rows in ordered
    ]  # fmt: skip


def _id(seen: Seen, place: int) -> str | None:
    return seen.labels[place] if place >= 0 else None


def _name(seen: Seen, place: int) -> str:
    return seen.names[place] if place >= 0 else NONE


def _suspects(seen: Seen) -> list[dict[str, Any]]:
    """Conversations of which a label is likely missing, or there by mistake: judged label by label, told with all labels of each."""
    doubts: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
    for place in range(len(seen.labels)):
        for one in evidence.suspects(seen.against_the_rest(place, seen.shares[:, place])):
            doubts[one["conversation_id"]].append((one["confidence"], place))
    row_of = {made: row for row, made in enumerate(seen.ids)}
    ordered = sorted(doubts.items(), key=lambda one: (-max(one[1])[0], row_of[one[0]]))
    return [_suspect(seen, row_of[made], doubted) for made, doubted in ordered[: evidence.MOST_SUSPECTS]]


def _suspect(seen: Seen, row: int, doubted: Sequence[tuple[float, int]]) -> dict[str, Any]:
    given = np.nonzero(seen.given[row])[0].tolist()
    likelier = sorted(set(given) ^ {place for _, place in doubted})
    confidence = max(doubted)[0]
    return {
        "conversation_id": seen.ids[row], "given_id": None, "given_ids": [seen.labels[place] for place in given],
        "given": _all(seen, given), "likelier_id": None, "likelier_ids": [seen.labels[place] for place in likelier],
        "likelier": _all(seen, likelier), "confidence": confidence, "of_given": round(1 - confidence, 4),
    }  # fmt: skip


def _all(seen: Seen, places: Sequence[int]) -> str:
    return ", ".join(sorted(seen.names[place] for place in places)) or NONE
