"""The numbers behind the Quality page, week by week, each with its sample size and interval."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from data import access, config, reviews, store
from data.tables import Conversation, Person, Prediction
from data.values import LIVE, now

Z = 1.959964  # 95 %


def percent(value: float) -> str:
    """As people read it; the space does not break."""
    return f"{value * 100:.0f}\u00a0%"


@dataclass(frozen=True)
class Share:
    """k of n, with the Wilson interval."""

    k: int
    n: int

    @property
    def value(self) -> float:
        return self.k / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        if not self.n:
            return 0.0, 1.0
        p, n = self.value, self.n
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{percent(self.value)} ({low * 100:.0f}–{high * 100:.0f}, n = {self.n:,})"


@dataclass(frozen=True)
class Week:
    """One week, from Monday in the portal's time zone."""

    starts: datetime
    volume: int
    agreement: Share  # the live intent is the one a person gave, among reviewed conversations for which the machine spoke
    abstained: Share  # the machine kept silent, among the conversations it looked at
    satisfied: Share  # 4 or 5 of 5, among those who answered


def week_of(moment: datetime) -> datetime:
    """The Monday, midnight in the portal's time zone, that begins the moment's week; as UTC."""
    local = moment.astimezone(ZoneInfo(config.settings().time_zone))
    monday = (local - timedelta(days=local.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return monday.astimezone(UTC)


def next_week(starts: datetime) -> datetime:
    return week_of(starts + timedelta(days=8))


def weekly(*, by: Person, weeks: int = 14, until: datetime | None = None, channel: str | None = None) -> list[Week]:
    """The last weeks, oldest first, of the conversations within reach. A week belongs to when a conversation was opened."""
    reach = access.require(by, "measure.read")
    since = week_of((until or now()) - timedelta(weeks=weeks - 1))
    query = select(Conversation.id, Conversation.opened_at, Conversation.csat).where(
        Conversation.opened_at >= since,
        Conversation.opened_at < next_week(week_of(until or now())),
        access.within(reach, by, col(Conversation.team_id)),
        col(Conversation.hidden_at).is_(None),
    )
    if channel:
        query = query.where(Conversation.channel == channel)
    with store.reading() as db:
        rows = db.exec(query).all()
        said = _said(db, since)
        labelled: dict[str, str | None] = {made: review.label_id for made, review in reviews.last_said(db).items() if review.label_id}
    return _by_week(rows, said, labelled)


def _said(db: Session, since: datetime) -> dict[str, str | None]:
    """What the live intent classifier said of each conversation first."""
    query = (
        select(Prediction.conversation_id, Prediction.label_id)
        .join(Conversation, col(Conversation.id) == col(Prediction.conversation_id))
        .where(Conversation.opened_at >= since, Prediction.mode == LIVE, Prediction.target_name == "intent")
        .order_by(col(Prediction.at).desc(), col(Prediction.id).desc())
    )
    return dict(db.exec(query).all())  # the first said comes last, and stays


def _by_week(rows: Iterable[tuple[str, datetime, int | None]], said: dict[str, str | None], labelled: dict[str, str | None]) -> list[Week]:
    volume: Counter[datetime] = Counter()
    sums: dict[datetime, Counter[str]] = defaultdict(Counter)
    starts_of: dict[datetime, datetime] = {}  # by the quarter of an hour: time zones are slow, and none begins between
    for made, opened_at, csat in rows:
        quarter = opened_at.replace(minute=opened_at.minute // 15 * 15, second=0, microsecond=0)
        starts = starts_of.get(quarter) or starts_of.setdefault(quarter, week_of(quarter))
        volume[starts] += 1
        week = sums[starts]
        if csat:
            week.update(answered=1, satisfied=csat >= 4)
        if made in said:
            week.update(looked=1, silent=said[made] is None)
            if said[made] is not None and made in labelled:
                week.update(compared=1, agreed=said[made] == labelled[made])
    return [
        Week(
            starts=starts,
            volume=volume[starts],
            agreement=Share(week["agreed"], week["compared"]),
            abstained=Share(week["silent"], week["looked"]),
            satisfied=Share(week["satisfied"], week["answered"]),
        )
        for starts, week in sorted(sums.items())
    ]
