"""Which rungs are climbed, and how much each counts: one value, kept as JSON, so that it can be compared, approved and rolled back."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from data.errors import Refused
from knowledge.passages import Chunking
from knowledge.retrieval import hybrid
from knowledge.retrieval.rungs import FEATURES, PARTS, RUNG_OF

MOST_WEIGHT = 100.0
MOST_PARTS = 40  # sentences


@dataclass(frozen=True)
class Combination:
    weights: tuple[tuple[str, float], ...]  # rung -> how much it counts; a rung that is not named is off
    fusion: str = hybrid.WEIGHTED
    chunking: Chunking = field(default_factory=Chunking)
    sentences: int = 6  # of a long question, those that are looked for by themselves
    learned: tuple[tuple[str, float], ...] = ()  # measure -> its weight, as the reranker learned it; empty: it did not

    def __post_init__(self) -> None:
        unknown = sorted({name for name, _ in self.weights} - PARTS.keys())
        if unknown:
            raise Refused(f"Not used: there is no rung '{unknown[0][:40]}'. There are {', '.join(PARTS)}.")
        if odd := sorted({name for name, _ in self.learned} - set(FEATURES)):
            raise Refused(f"Not used: the learned order weighs '{odd[0][:40]}', which no rung measures. Learn it again.")
        if self.fusion not in hybrid.FUSIONS:
            raise Refused(f"Not used: rungs are put together by {' or '.join(hybrid.FUSIONS)}, not by '{str(self.fusion)[:40]}'.")
        if not any(weight > 0 for _, weight in self.weights):
            raise Refused("Not used: at least one rung has to count. Turn on 'keyword'.")
        if any(not math.isfinite(weight) or not 0 <= weight <= MOST_WEIGHT for _, weight in self.weights):
            raise Refused(f"Not used: a rung counts between 0 and {MOST_WEIGHT:.0f}.")
        if any(not math.isfinite(weight) or abs(weight) > MOST_WEIGHT for _, weight in self.learned):
            raise Refused(f"Not used: a learned weight is between -{MOST_WEIGHT:.0f} and {MOST_WEIGHT:.0f}. Learn the order again.")
        if not 0 <= self.sentences <= MOST_PARTS:
            raise Refused(f"Not used: 0 to {MOST_PARTS} sentences are looked for by themselves, not {self.sentences}.")

    def on(self, rung: str) -> bool:
        return any(name == rung and weight > 0 for name, weight in self.weights)

    @property
    def by_part(self) -> dict[str, float]:
        """What each measure of the rungs that are on counts."""
        if self.learned:
            return {part: weight for part, weight in self.learned if self.on(RUNG_OF[part])}
        return {part: weight * share for rung, weight in self.weights for part, share in PARTS[rung].items() if weight > 0}

    def with_rungs(self, **weights: float) -> "Combination":
        """The same with some rungs turned on, off or to another weight. What was learned for others is forgotten."""
        return replace(self, weights=tuple({**dict(self.weights), **weights}.items()), learned=())

    @classmethod
    def of(cls, told: str | Mapping[str, Any]) -> "Combination":
        """Strict: what it does not know it refuses, because a misspelt rung would be off without anybody noticing."""
        try:
            row = json.loads(told) if isinstance(told, str) else told
            _known(row, {"rungs", "fusion", "sentences", "learned", "chunking"})
            chunking = row.get("chunking", {})
            _known(chunking, {"how", "words", "overlap"})
            if not all(isinstance(chunking.get(name, 0), int) for name in ("words", "overlap")) or not isinstance(
                row.get("sentences", 0), int
            ):
                raise TypeError("numbers of words and sentences are whole")
            return cls(
                _weights(row["rungs"]), str(row.get("fusion", hybrid.WEIGHTED)), Chunking(**chunking), row.get("sentences", 6),
                _weights(row.get("learned", {})),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise Refused(
                f"Not used: this is no combination of rungs ({str(wrong)[:80]}). Export one from Ladder and change that."
            ) from wrong

    def as_body(self) -> dict[str, Any]:
        return {
            "rungs": dict(self.weights), "fusion": self.fusion, "sentences": self.sentences, "learned": dict(self.learned),
            "chunking": {"how": self.chunking.how, "words": self.chunking.words, "overlap": self.chunking.overlap},
        }  # fmt: skip


def climbing(**weights: float) -> Combination:
    """Of rungs by name, all else as usual."""
    return Combination(tuple(weights.items()))


def _weights(told: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    if any(isinstance(weight, bool) or not isinstance(weight, int | float) for weight in told.values()):
        raise TypeError("a weight is a number")
    return tuple((str(name), float(weight)) for name, weight in told.items())


def _known(row: Mapping[str, Any], names: set[str]) -> None:
    if unknown := sorted(set(row) - names):
        raise KeyError(f"'{unknown[0]}' is unknown")


KEYWORD_ONLY = climbing(keyword=1.0)
VECTORS_ONLY = climbing(vectors=1.0)
PLAIN_HYBRID = climbing(keyword=1.0, vectors=1.0)
LIVE = climbing(
    keyword=1.0, vectors=1.0, sentences=0.25, titles=0.6, entities=6.0, expansion=0.1, classification=0.5, picks=4.0, tuned=1.0
)  # fmt: skip
