"""What the machines were worth: what they resolved without a person, the time people had back, the money they moved, what they cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import sqrt

from data import trends
from data.amounts import Amount, Interval
from data.defined import MONEY
from data.tables import Person
from data.trends import Slice

FEWEST = 5  # handling times of people on an intent; with fewer, those of all intents stand in
METHOD = (
    "Each conversation that was resolved without a person counts for the median time that people took on the same intent in these days, "
    f"where they took it {FEWEST} times or more, else for their median over all intents. The interval is of the medians, 95 %, by order "
    "statistics, and taken together as independent; that such a conversation would have taken a person as long is an assumption."
)


@dataclass(frozen=True)
class Worth:
    """Of some days."""

    resolved: Amount  # conversations, without a person
    minutes: float | None  # None: nobody's handling time is known
    minutes_interval: Interval | None
    borrowed: int  # of the conversations, those that count for the median over all intents
    money: Mapping[str, Amount]  # by currency
    cost: Amount
    method: str = METHOD

    @property
    def sentence(self) -> str:
        were = "conversation was" if self.resolved.n == 1 else "conversations were"
        told = f"{self.resolved.n:,} {were} resolved without a person"
        if self.minutes is None or self.minutes_interval is None:
            return f"{told}. What time that gave back cannot be told: no handling time of people is known."
        per, unit = (60, "hours") if self.minutes >= 3 * 60 else (1, "minutes")
        low, high = (one / per for one in self.minutes_interval)
        return f"{told}, which gave people back about {self.minutes / per:,.0f} {unit} ({low:,.0f}–{high:,.0f})."


def worth(*, by: Person, since: date, until: date, of: Slice = Slice()) -> Worth:
    alone = trends.broken_down("alone", by=by, since=since, until=until, along="intent", of=of)
    people = trends.broken_down("handling", by=by, since=since, until=until, along="intent", of=of)
    anybody = trends.amount("handling", by=by, since=since, until=until, of=of)
    priced = {key: people.get(key) for key in alone}
    known = {key: one if one is not None and one.n >= FEWEST else None for key, one in priced.items()}
    minutes, interval = _minutes([(alone[key].n, known[key] or anybody) for key in alone])
    currencies = [one.name for one in trends.measures(by=by, since=since, until=until) if one.name.startswith(MONEY)]
    return Worth(
        trends.amount("alone", by=by, since=since, until=until, of=of), minutes, interval,
        sum(alone[key].n for key, one in known.items() if one is None),
        {name.removeprefix(MONEY): trends.amount(name, by=by, since=since, until=until, of=of) for name in currencies},
        trends.amount("cost", by=by, since=since, until=until, of=of),
    )  # fmt: skip


def _minutes(told: list[tuple[int, Amount]]) -> tuple[float | None, Interval | None]:
    """Of so many conversations each, at the median of these times. Of none it is nothing."""
    whole, below, above = 0.0, 0.0, 0.0
    for count, times in told:
        middle, around = times.value, times.interval
        if middle is None or around is None:
            return None, None
        whole += count * middle / 60
        below += (count * (middle - around[0]) / 60) ** 2
        above += (count * (around[1] - middle) / 60) ** 2
    return whole, (whole - sqrt(below), whole + sqrt(above))
