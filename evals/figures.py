"""What it costs to ask a model, and how long it takes: the same two figures wherever models are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any


@dataclass(frozen=True)
class Figures:
    """Of calls that were answered."""

    calls: int = 0
    cost: float = 0.0
    p50: float = 0.0  # milliseconds: half of the calls were faster
    p95: float = 0.0

    @classmethod
    def of(cls, calls: Sequence[tuple[float, float]]) -> "Figures":
        """From milliseconds and money, a pair for each call."""
        if not calls:
            return cls()
        times = sorted(ms for ms, _ in calls)
        return cls(len(calls), sum(cost for _, cost in calls), _at(times, 0.5), _at(times, 0.95))

    @classmethod
    def of_told(cls, told: Mapping[str, Any]) -> "Figures":
        return cls(**told)

    def as_told(self) -> dict[str, Any]:
        return dict(vars(self))

    @property
    def of_a_thousand(self) -> float:
        return 1000 * self.cost / self.calls if self.calls else 0.0

    def __str__(self) -> str:
        if not self.calls:
            return "no call was answered"
        money = f"{self.of_a_thousand:,.2f} for 1,000 calls" if self.cost else "no price is known"
        return f"{money}; half are answered in {_seconds(self.p50)}, 95 of 100 in {_seconds(self.p95)}"


def _at(times: Sequence[float], share: float) -> float:
    return times[max(ceil(share * len(times)) - 1, 0)]


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms:.0f} ms"
