"""The digest: a week as it was known on the Monday after. One for each group of people who see the same; once written it stays as it is.

What is in it: digested.py. What changed since in the days that it tells of is told beside it, never in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from data import access, config, daily, store, trends
from data.errors import Refused
from data.tables import Digest, Person
from data.values import now
from evals import brief, digested

HOUR = 6  # of Monday, in the portal's time zone
CATCHES_UP = 4  # weeks that were missed
WEEK = timedelta(days=7)
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Written:
    """A digest as its readers have it."""

    week: date  # its Monday
    at: datetime
    told: digested.Told

    @property
    def until(self) -> date:
        return last_of(self.week)


# -- read ---------------------------------------------------------------------------------------------------------------------------------


def weeks(*, by: Person) -> list[date]:
    """Those that there is one of, the newest first."""
    whose = brief.whose_of(by)
    with store.reading() as db:
        return list(db.execute(select(col(Digest.week)).where(Digest.whose == whose).order_by(col(Digest.week).desc())).scalars())


def of(week: date | None = None, *, by: Person) -> Written | None:
    """Of the week that the day lies in; of none, the newest. Of the conversations that the person sees."""
    query = select(Digest).where(Digest.whose == brief.whose_of(by)).order_by(col(Digest.week).desc())
    if week is not None:
        query = query.where(Digest.week == monday_of(week))
    with store.reading() as db:
        kept = db.exec(query.limit(1)).first()
    return Written(kept.week, kept.at, digested.read(kept.told)) if kept else None


def required(week: date | None = None, *, by: Person) -> Written:
    found = of(week, by=by)
    if found is None:
        which = f"of the week of {monday_of(week)}" if week else "yet"
        raise Refused(f"There is no digest {which}. One is written each Monday at {HOUR} for the week before, once something came in it.")
    return found


def corrected(written: Written, *, by: Person) -> dict[str, str]:
    """By measure, what is known today of the same days, where that reads otherwise than on that Monday."""
    access.require(by, "measure.read")
    found = {}
    for one in written.told.numbers:
        today = digested.figure(one.measure, trends.amount(one.measure, by=by, since=one.since, until=one.until))
        if today != one.value:
            found[one.measure] = today
    return found


def last_of(week: date) -> date:
    """Its Sunday."""
    return week + WEEK - timedelta(days=1)


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


# -- written ------------------------------------------------------------------------------------------------------------------------------


def anything_due(*, at: datetime | None = None) -> bool:
    return bool(_due(at or now()))


def write_due(*, at: datetime | None = None, progress: Progress = lambda share, doing: None) -> str:
    """Of the last week, and of those before that were missed, for everybody who sees something of it."""
    moment = at or now()
    if daily.anything_due(at=moment):  # after a night without the portal the days come first
        daily.bring_up_to_date(at=at)
    due = _due(moment)
    for place, (week, whose) in enumerate(due):
        progress(place / len(due), f"The week of {week:%d %B}")
        write(week, whose, at=moment)
    return f"{len(due):,} {'digest' if len(due) == 1 else 'digests'} written."


def write(week: date, whose: str, *, at: datetime | None = None) -> None:
    """Once: who comes second writes nothing."""
    told = digested.made(week, whose, at=written_at(week))
    with store.writing() as db:
        store.one_at_a_time(db, f"digest {week} {whose}")
        if db.exec(select(Digest.id).where(Digest.week == week, Digest.whose == whose)).first() is None:
            db.add(Digest(week=week, whose=whose, told=told.kept(), at=at or now()))


def written_at(week: date) -> datetime:
    """The Monday after, at its hour."""
    return datetime.combine(week + WEEK, time(HOUR), ZoneInfo(config.settings().time_zone)).astimezone(UTC)


def _due(moment: datetime) -> list[tuple[date, str]]:
    """The oldest first. Of a week in which nothing came there is nothing to tell."""
    ended = (moment - timedelta(hours=HOUR)).astimezone(ZoneInfo(config.settings().time_zone)).date()
    last = monday_of(ended) - WEEK
    wanted = [(last - back * WEEK, whose) for back in range(CATCHES_UP - 1, -1, -1) for whose in brief.reaches()]
    with store.reading() as db:
        there = {(one, whose) for one, whose in db.execute(select(col(Digest.week), col(Digest.whose)).where(Digest.week >= wanted[0][0]))}
    return [one for one in wanted if one not in there and _came(*one)]


def _came(week: date, whose: str) -> int:
    return trends.amount("volume", by=brief.eyes(whose), since=week, until=last_of(week)).n
