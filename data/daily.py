"""Keeps what the days held current: each day that something changed in is counted anew, whole, within a minute.

What a day holds is one function of its rows (rollups.py). A rebuild calls it for every day, an ordinary minute for those that triggers
noticed: the two cannot differ.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, insert, literal, select
from sqlmodel import Session, col

from data import bulk, config, days, rollups, store
from data.defined import RETURNS
from data.tables import Action, Conversation, Daily, Due, Position, Trace
from data.values import now

NAME = "daily"  # its place among what goes on piece by piece; and the lock under which days are counted
TURNS = "daily turns"
EVERY_DAY = datetime(1970, 1, 1, tzinfo=UTC)  # what is due before it stands for every day: nothing is so old
MANY = 5_000  # changes; more of them are looked at by the day
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Counted:
    days: int
    rows: int

    @property
    def sentence(self) -> str:
        if not self.days:
            return "No day had changed."
        return f"{self.days:,} {'day was' if self.days == 1 else 'days were'} counted anew: {self.rows:,} figures."


def anything_due(*, at: datetime | None = None) -> bool:
    """Whether a day is to be counted anew: something changed in it, a week has passed, or days begin elsewhere."""
    with store.reading() as db:
        if db.execute(select(col(Due.moment)).limit(1)).first() is not None:
            return True
        return _stood(db) != _stand(at) and db.execute(select(col(Conversation.id)).limit(1)).first() is not None


def bring_up_to_date(*, at: datetime | None = None, progress: Progress = lambda share, doing: None) -> Counted:
    """Count every day anew that is due. A day is one transaction, so a kill loses none."""
    counted, rows, done = _Clock(at), 0, set[date]()
    _note_time(counted)
    while waiting := sorted(_due_days(counted) - done, reverse=True):
        for number, day in enumerate(waiting):
            progress(number / len(waiting), f"{day:%d %B %Y}")
            rows += _count_again(day, counted)
            done.add(day)
    return Counted(len(done), rows)


def rebuild(*, since: date | None = None, at: datetime | None = None, progress: Progress = lambda share, doing: None) -> Counted:
    """Count every day anew, or every one from that day on."""
    counted = _Clock(at)
    with store.writing() as db:
        store.one_at_a_time(db, NAME)
        _make_due(db, [day for day in _all_days(db, counted.zone) if since is None or day >= since], counted.zone)
    return bring_up_to_date(at=at, progress=progress)


def stand(db: Session, since: date, until: date, *, at: datetime | None = None) -> tuple[Any, ...]:
    """Of these days: it differs as soon as anything changed that they are counted from, or that anybody came back after."""
    clock = _Clock(at)
    starts, ends = days.bounds(since, clock.zone)[0], days.bounds(until + timedelta(days=RETURNS + 1), clock.zone)[1]
    counted_anew = select(func.count()).select_from(Due).where(col(Due.moment) < EVERY_DAY)
    newest = db.execute(select(func.max(Conversation.id))).scalar()  # another, where another database was put in place of this one
    return clock.zone.key, clock.today, newest, _noticed(db, starts, ends), db.execute(counted_anew).scalar_one()


class _Clock:
    """What time it is, and where."""

    def __init__(self, at: datetime | None) -> None:
        self.at = at
        self.zone = ZoneInfo(config.settings().time_zone)
        self.today = (at or now()).astimezone(self.zone).date()

    def day_of(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()


# -- what time alone changes --------------------------------------------------------------------------------------------------------------


def _stand(at: datetime | None) -> dict[str, Any]:
    """Where days begin, how they are counted, and which day it is."""
    clock = _Clock(at)
    return {"zone": clock.zone.key, "form": rollups.FORM, "today": clock.today.toordinal()}


def _stood(db: Session) -> dict[str, Any] | None:
    return db.execute(select(col(Position.value)).where(col(Position.name) == NAME)).scalar()


def _note_time(clock: _Clock) -> None:
    """Make due what is so because of another zone, another way to count, or another day."""
    with store.writing() as db:
        store.one_at_a_time(db, NAME)
        before, stand = _stood(db), _stand(clock.at)
        if before == stand:
            return
        if before is None or (before["zone"], before["form"]) != (stand["zone"], stand["form"]):
            _make_due(db, _all_days(db, clock.zone), clock.zone)
        else:  # those from which a customer may have come back until then, and now cannot any more; the other way where a clock went back
            first, last = sorted((before["today"], stand["today"]))
            _make_due(db, [date.fromordinal(one - RETURNS - 1) for one in range(first + 1, last + 1)], clock.zone)
        place = db.execute(select(Position).where(col(Position.name) == NAME)).scalar() or Position(name=NAME, value=stand)
        place.value = stand
        db.add(place)


def _make_due(db: Session, some: Iterable[date], zone: ZoneInfo) -> None:
    bulk.insert(db, Due, [{"moment": days.bounds(day, zone)[0], "customer_id": ""} for day in some])


def _all_days(db: Session, zone: ZoneInfo) -> set[date]:
    """On which anything is, or was counted."""
    found = {date.fromordinal(day) for (day,) in db.execute(select(col(Daily.day)).distinct())}
    for moment in (Conversation.opened_at, Trace.at, Action.at):
        for hour in _hours(db, col(moment)):
            found |= _days_of(hour, zone)
    return found


def _hours(db: Session, moment: Any) -> Iterator[datetime]:
    for (told,) in db.execute(select(_hour(moment)).distinct()):
        yield _as_time(told)


def _hour(moment: Any) -> Any:
    return func.substr(moment, 1, 13) if store.is_sqlite() else func.date_trunc("hour", moment)


def _as_time(told: Any) -> datetime:
    found: datetime = datetime.strptime(told, "%Y-%m-%d %H") if isinstance(told, str) else told.astimezone(UTC)
    return found.replace(tzinfo=UTC)


def _days_of(hour: datetime, zone: ZoneInfo) -> set[date]:
    """Some zones begin a day within an hour of ours."""
    return {(hour + timedelta(minutes=minutes)).astimezone(zone).date() for minutes in (0, 59)}


# -- what was noticed ---------------------------------------------------------------------------------------------------------------------


def _due_days(clock: _Clock) -> set[date]:
    """Days in which something changed; after a great change all that are near it."""
    with store.reading() as db:
        moments = list(db.execute(select(col(Due.moment), col(Due.customer_id)).limit(MANY + 1)))
    if len(moments) <= MANY and all(moment >= EVERY_DAY for moment, _ in moments):
        return {clock.day_of(moment) for moment, _ in moments}
    return _at_large(clock)


def _at_large(clock: _Clock) -> set[date]:
    """Who changed is not looked at one by one: each day, and those whose customers may have come back on it."""
    with store.writing() as db:
        store.one_at_a_time(db, NAME)
        changed = _taken(db)
        _turn(db)
        found = _all_days(db, clock.zone) if any(hour < EVERY_DAY for hour, _ in changed) else set[date]()
        for hour, somebodys in changed:
            for day in _days_of(hour, clock.zone) if hour >= EVERY_DAY else ():
                found |= {day - timedelta(days=back) for back in range(RETURNS + 1 if somebodys else 1)}
        _make_due(db, found, clock.zone)
        return found


def _taken(db: Session) -> list[tuple[datetime, bool]]:
    """The hours of all that was noticed, and whether it was somebody's. It is forgotten."""
    told = (_hour(col(Due.moment)), col(Due.customer_id) != "")
    if store.is_sqlite():  # where nobody writes in between
        rows = db.execute(select(*told).distinct()).all()
        db.execute(delete(Due))
    else:
        gone = delete(Due).returning(col(Due.moment), col(Due.customer_id)).cte()
        rows = db.execute(select(func.date_trunc("hour", gone.c.moment), gone.c.customer_id != "").distinct()).all()
    return [(_as_time(hour), bool(somebodys)) for hour, somebodys in rows]


def _count_again(day: date, clock: _Clock) -> int:
    """What was noticed of the day is forgotten in the transaction that counts it; what changes meanwhile is noticed for the next."""
    starts, ends = days.bounds(day, clock.zone)
    ahead = _counted_ahead(day, clock) if store.is_sqlite() else None
    with store.writing() as db:
        store.one_at_a_time(db, NAME)
        holds = ahead is not None and ahead[0] == _noticed(db, starts, ends)
        noticed = delete(Due).where(col(Due.moment) >= starts, col(Due.moment) < ends)
        changed = set(db.execute(noticed.returning(col(Due.customer_id))).scalars()) - {""}
        _note_earlier(db, changed, starts)
        # forgotten first, counted then: on PostgreSQL others write in between
        rows = ahead[1] if ahead and holds else _rows_of(db, day, clock)
        _replace(db, day, rows)
        _turn(db)
    return len(rows)


def _counted_ahead(day: date, clock: _Clock) -> tuple[tuple[int, int], list[rollups.Row]]:
    """SQLite lets nobody write while somebody does, so there a day is counted first, from one state, and kept if nothing changed since."""
    with store.reading() as db:
        return _noticed(db, *days.bounds(day, clock.zone)), _rows_of(db, day, clock)


def _noticed(db: Session, starts: datetime, ends: datetime) -> tuple[int, int]:
    """How often days were counted, and what was noticed of this one since: it grows with each change, until the next turn."""
    turns = db.execute(select(col(Position.value)).where(col(Position.name) == TURNS)).scalar() or {"turns": 0}
    due = select(func.count()).select_from(Due).where(col(Due.moment) >= starts, col(Due.moment) < ends)
    return turns["turns"], db.execute(due).scalar_one()


def _turn(db: Session) -> None:
    place = db.execute(select(Position).where(col(Position.name) == TURNS)).scalar() or Position(name=TURNS, value={"turns": 0})
    place.value = {"turns": place.value["turns"] + 1}
    db.add(place)


def _rows_of(db: Session, day: date, clock: _Clock) -> list[rollups.Row]:
    return rollups.of_day(db, day, zone=clock.zone, today=clock.today)


def _note_earlier(db: Session, customers: Iterable[str], starts: datetime) -> None:
    """Whether these customers came back may read differently now, on the days before."""
    whose = sorted(customers)
    for start in range(0, len(whose), 500):
        earlier = select(col(Conversation.opened_at), literal("")).where(
            col(Conversation.customer_id).in_(whose[start : start + 500]), col(Conversation.opened_at) < starts,
            col(Conversation.opened_at) >= starts - timedelta(days=RETURNS),
        )  # fmt: skip
        db.execute(insert(Due).from_select(["moment", "customer_id"], earlier))


def _replace(db: Session, day: date, rows: list[rollups.Row]) -> None:
    db.execute(delete(Daily).where(col(Daily.day) == day.toordinal()))
    bulk.write(db, bulk.Ready(Daily.__table__, list(rollups.COLUMNS), rows))  # type: ignore[attr-defined]
