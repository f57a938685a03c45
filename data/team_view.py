"""A team's work, for whoever leads it: how much of it was reviewed. It is about the work: nobody is named here, and nobody is ranked."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, func, true
from sqlmodel import Session, col, select

from data import access, config, days, people, store
from data.behind import Behind
from data.errors import Refused
from data.measures import Share
from data.tables import Conversation, Label, Person
from data.trends import Slice
from data.values import now

WEEKS, DAYS = 12, 28
FEWEST = 20  # conversations: of fewer no share is told


@dataclass(frozen=True)
class Whose:
    """Whose work is looked at: a lead's own team, with what belongs to no team yet; for an admin one team alone, or all."""

    by: Person
    team_id: str | None  # the one that an admin chose

    def within(self, column: Any) -> ColumnElement[bool]:
        if self.team_id is not None:
            return col(column) == self.team_id
        return access.within(access.require(self.by, "team.read"), self.by, column)

    def owns(self, column: Any) -> ColumnElement[bool]:
        """The team's alone: what belongs to none is left out."""
        return true() if self.of_all else col(column) == (self.team_id or self.by.team_id)

    @property
    def of_all(self) -> bool:
        return self.team_id is None and access.reach(self.by, "team.read") == access.ALL

    def has(self, person: Person) -> bool:
        """Whether somebody works in it."""
        return self.of_all or person.team_id == (self.team_id or self.by.team_id)

    @property
    def slice(self) -> Slice:
        return Slice(team_id=self.team_id)


@dataclass(frozen=True)
class Covered:
    """A part of the conversations, and how many of them anybody reviewed."""

    key: str  # an intent's id, a channel, the day on which a week begins; empty: of which it is not known
    share: Share
    behind: Behind  # all of them; those without a review are the ones that the list shows as not reviewed

    @property
    def left(self) -> int:
        return self.share.n - self.share.k


@dataclass(frozen=True)
class Coverage:
    weeks: tuple[Covered, ...]  # the oldest first; the last one is not over
    whole: Covered  # of the last 28 days
    intents: tuple[Covered, ...]  # of these days, the least covered first
    channels: tuple[Covered, ...]


def teams(*, by: Person) -> dict[str, str]:
    """Those that the person may look at: their ids and names."""
    reach = access.require(by, "team.read")
    return {made: name for made, name in people.teams().items() if reach == access.ALL or made == by.team_id}


def whose(*, by: Person, team_id: str | None = None) -> Whose:
    """An admin chooses; a lead's is their own."""
    reach = access.require(by, "team.read", team_id=team_id)
    if team_id is not None and team_id not in people.teams():
        raise Refused("Not shown: there is no such team.")
    return Whose(by, team_id if reach == access.ALL else None)


def coverage(*, by: Person, team_id: str | None = None, at: datetime | None = None) -> Coverage:
    """How many of its conversations anybody reviewed: week by week, and of the last 28 days by intent and by channel."""
    looked = whose(by=by, team_id=team_id)
    today = _today(at)
    monday = today - timedelta(days=today.weekday())
    since = today - timedelta(days=DAYS - 1)
    with store.reading() as db:
        weeks = tuple(_week(db, looked, monday - timedelta(weeks=back), today) for back in reversed(range(WEEKS)))
        counted = _counted(db, looked, since, today)
    return Coverage(
        weeks,
        Covered("", _sum(counted.values()), Behind("volume", since, today, looked.slice)),
        _least_first(looked, since, today, "intent", _along(counted, 0)),
        _least_first(looked, since, today, "channel", _along(counted, 1)),
    )


def _today(at: datetime | None) -> date:
    return (at or now()).astimezone(ZoneInfo(config.settings().time_zone)).date()


def _week(db: Session, looked: Whose, monday: date, today: date) -> Covered:
    sunday = min(monday + timedelta(days=6), today)
    return Covered(monday.isoformat(), _sum(_counted(db, looked, monday, sunday).values()), Behind("volume", monday, sunday, looked.slice))


def _counted(db: Session, looked: Whose, since: date, until: date) -> dict[tuple[str, str], Share]:
    """By intent and channel. An intent that was merged is the one that it was merged into."""
    zone = ZoneInfo(config.settings().time_zone)
    starts, ends = days.bounds(since, zone)[0], days.bounds(until, zone)[1]
    seen = func.sum(case((col(Conversation.reviewed), 1), else_=0))
    query = select(Conversation.intent_id, Conversation.channel, seen, func.count()).where(
        Conversation.opened_at >= starts, Conversation.opened_at < ends, looked.within(Conversation.team_id),
        col(Conversation.hidden_at).is_(None),
    )  # fmt: skip
    merged = dict(db.exec(select(Label.id, Label.merged_into).where(col(Label.merged_into).is_not(None))).all())
    found: defaultdict[tuple[str, str], list[Share]] = defaultdict(list)
    for intent_id, channel, reviewed, count in db.exec(query.group_by(col(Conversation.intent_id), col(Conversation.channel))):
        kept = intent_id
        for _ in merged:
            kept = merged.get(kept or "", kept)
        found[kept or "", channel].append(Share(int(reviewed), int(count)))
    return {key: _sum(shares) for key, shares in found.items()}


def _sum(shares: Any) -> Share:
    told = list(shares)
    return Share(sum(one.k for one in told), sum(one.n for one in told))


def _along(counted: dict[tuple[str, str], Share], place: int) -> dict[str, Share]:
    found: defaultdict[str, list[Share]] = defaultdict(list)
    for key, share in counted.items():
        found[key[place]].append(share)
    return {key: _sum(shares) for key, shares in found.items()}


def _least_first(looked: Whose, since: date, until: date, dimension: str, parts: dict[str, Share]) -> tuple[Covered, ...]:
    """Of two conversations without a review nobody needs to hear first: what is too few to say comes after what is not. What has no intent
    comes last: a review names one, so it is those that are left."""
    made = [
        Covered(key, share, Behind("volume", since, until, Slice(team_id=looked.team_id, **{dimension: key})))
        for key, share in parts.items()
    ]
    return tuple(sorted(made, key=lambda one: (not one.key, one.share.n < FEWEST, one.share.value, -one.share.n, one.key)))


def least(found: Coverage) -> Covered | None:
    """The intent that is clearly less covered than the whole: even the upper end of its interval lies below. None: no such."""
    telling = [one for one in found.intents if one.key and one.share.n >= FEWEST and one.left]
    return next((one for one in telling if one.share.interval[1] < found.whole.share.value), None)
