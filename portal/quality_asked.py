"""What Quality is asked: which days, by day or by week, of which conversations. The words of its controls become this, and nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from data import trends
from data.errors import Refused
from data.trends import Grain, Slice

OWN = "Own days"
PERIODS = {"Last 7 days": 7, "4 weeks": 28, "12 weeks": 84, "A year": 364}  # whole weeks: weekdays meet the same weekdays before
GRAINS: dict[str, Grain] = {"Day": "day", "Week": "week"}
BY_WEEK_FROM = 60  # days; more points by day than that tell less than weeks do
LONGEST = 5 * 366
DAY = timedelta(days=1)
ALL = Slice()
Days = tuple[date, date]  # both included


@dataclass(frozen=True)
class Asked:
    """The line goes on until today, which is not over; figures are of the whole days before it."""

    since: date
    until: date  # of the line
    ends: date  # of the figures
    grain: Grain = "day"
    of: Slice = ALL
    compared: bool = True

    @property
    def length(self) -> int:
        return (self.ends - self.since).days + 1

    @property
    def back(self) -> timedelta:
        """From a day to the same weekday in the period before."""
        return timedelta(days=-(-self.length // 7) * 7)

    @property
    def before(self) -> Days:
        return self.since - self.back, self.ends - self.back

    @property
    def begins_before(self) -> Days:
        """The first days of the period before. Where nothing came in them, it is not known whole."""
        since, until = self.before
        return since, min(until, since + max(6, self.length // 10) * DAY)

    @property
    def drawn_since(self) -> date:
        """Weeks are drawn whole: the first begins on its Monday."""
        return monday(self.since) if self.grain == "week" else self.since

    @property
    def drawn_before(self) -> Days:
        """What is drawn beside the line, as many days as it has."""
        return self.drawn_since - self.back, self.ends - self.back

    def of_point(self, day: date) -> Days:
        """The days that a point of the line stands for."""
        return (day, day) if self.grain == "day" else (day, min(day + 6 * DAY, self.until))

    def is_over(self, day: date) -> bool:
        """Whether the point that begins with this day has all its days."""
        return day + (6 * DAY if self.grain == "week" else 0 * DAY) <= self.ends

    def of_whole_days(self, grain: Grain) -> "Asked":
        return replace(self, grain=grain, until=self.ends)

    def in_part(self, **part: str) -> "Asked":
        return replace(self, of=replace(self.of, **part))


def monday(day: date) -> date:
    return day - day.weekday() * DAY


def days_of(period: str, own: Iterable[date], *, today: date) -> Days | None:
    """From the first day to the last; None where somebody has only begun to choose."""
    if period != OWN:
        return today - PERIODS[period] * DAY, today
    chosen = sorted(own)
    if len(chosen) < 2:
        return None
    until = min(chosen[1], today)
    since = min(chosen[0], until)
    return max(since, until - LONGEST * DAY), until


def asked(days: Days, *, today: date, grain: Grain, of: Slice, compared: bool) -> Asked:
    since, until = days
    yesterday = today - DAY
    return Asked(since, until, max(since, min(until, yesterday)), grain, of, compared)


def with_today(asked: Asked) -> Asked:
    """A portal that began today has no whole day yet: what there is counts."""
    return replace(asked, since=min(asked.since, asked.until), ends=asked.until)


def alone(asked: Asked) -> Asked:
    """Beside nothing."""
    return replace(asked, compared=False)


def usual_grain(days: int) -> str:
    return "Week" if days > BY_WEEK_FROM else "Day"


def fits(told: Iterable[str]) -> bool:
    """Whether these dimensions are counted together."""
    try:
        trends.cut_of(told)
    except Refused:
        return False
    return True


def that_fit(told: Mapping[str, str]) -> dict[str, str]:
    """The first of these that are counted together, in their order; an address may hold any."""
    kept: dict[str, str] = {}
    for name, value in told.items():
        if fits({*kept, name}):
            kept[name] = value
    return kept


def slice_of(told: Mapping[str, str]) -> Slice:
    return Slice(**{"team_id" if name == "team" else name: value for name, value in told.items()})
