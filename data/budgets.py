"""The most that models may use in a day."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """None: as much as is asked for."""

    tokens_per_day: int | None = None
    money_per_day: float | None = None
    tokens_per_person: int | None = None
    money_per_person: float | None = None
