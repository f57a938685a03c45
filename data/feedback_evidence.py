"""What a product team is shown of a fault: how many conversations are about it, whether they grow more, what they cost people, and whether
they became fewer once the product had changed. Counted anew each time, by a search."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from math import sqrt
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import case, exists, false, func, or_
from sqlmodel import Session, col, select

from data import access, amounts, config, days, search, store, trends, worth
from data.amounts import Amount, Interval
from data.conversations import Filter
from data.errors import Refused
from data.measures import Share
from data.tables import Conversation, Message, Person
from data.values import now

WINDOW = 28  # days: as many of each weekday
WEEKS = 12
FOLLOWED = 84  # days after a change; later ones have other reasons
FEWEST = 5  # conversations about it that had to be expected since, before anything is said of them
Verdict = Literal["fewer", "more", "open", "too early"]
METHOD = (
    f"Share: of all conversations opened in these days, those that the search finds, 95 % by Wilson. A change is sure where the interval "
    f"of the difference, 95 % by Newcombe, does not hold zero; before {FEWEST} conversations about it were to be expected, nothing is "
    "said. What has just peaked goes down by itself, and other things change too, such as the classifier that names the intent: look "
    "at the weeks."
)


@dataclass(frozen=True)
class Stretch:
    """Some days, both included, and the share of their conversations that is about it."""

    since: date
    until: date
    share: Share

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1


@dataclass(frozen=True)
class Cost:
    """Of people's time, in the last four weeks."""

    handled: int  # of the conversations, those in which people wrote
    times: Amount  # of handling, in seconds: read as their median
    borrowed: bool  # too few are known, so that those of all conversations stand in

    @property
    def minutes(self) -> float:
        return (self.times.value or 0.0) / 60

    @property
    def hours_a_week(self) -> float:
        return self._hours(self.times.value or 0.0)

    @property
    def interval(self) -> Interval:
        low, high = self.times.interval or (0.0, 0.0)
        return self._hours(low), self._hours(high)

    @property
    def hours_a_year(self) -> float:
        return 52 * self.hours_a_week

    def _hours(self, seconds: float) -> float:
        return self.handled / (WINDOW / 7) * seconds / 3600

    @property
    def sentence(self) -> str:
        low, high = (_round(one) for one in self.interval)
        whose = "the median of all conversations, for too few of these are known" if self.borrowed else "median"
        if self.hours_a_week < 0.1:
            return f"Minutes of people's time a week: {self.handled:,} in four weeks at {self.minutes:,.0f} minutes ({whose})."
        return (
            f"About {_round(self.hours_a_week)} hours of people's time a week ({low}–{high}), {self.hours_a_year:,.0f} a year at this "
            f"rate: {self.handled:,} in four weeks at {self.minutes:,.0f} minutes ({whose})."
        )


@dataclass(frozen=True)
class Followed:
    """The days before the product changed beside those since."""

    before: Stretch
    since: Stretch

    @property
    def verdict(self) -> Verdict:
        if self.before.share.value * self.since.share.n < FEWEST and self.since.share.k < FEWEST:
            return "too early"
        low, high = difference(self.before.share, self.since.share)
        return "fewer" if high < 0 else "more" if low > 0 else "open"

    @property
    def sentence(self) -> str:
        of, days_since = self.since.share, self.since.days
        when = f"in the {days_since:,} days since" if days_since > 1 else "on the first day since"
        if self.verdict == "too early":
            return f"Cannot be told yet: {of.k:,} of {_conversations(of.n)} {when}, from {percent(self.before.share.value)} before."
        told = f"From {percent(self.before.share.value)} to {percent(of.value)} of conversations {when}"
        if self.verdict == "open":
            low, high = difference(self.before.share, of)
            return f"{told}: that may be chance ({points(low)} to {points(high)} points)."
        return f"{told}: {self.verdict}, surely."


@dataclass(frozen=True)
class Evidence:
    words: str  # the search that finds them
    now: Stretch  # the last four weeks
    before: Stretch  # the four before
    weeks: Sequence[Stretch]  # from Mondays; the last one is not over
    customers: int  # in the last four weeks
    cost: Cost | None  # None: people wrote in none of them, or nobody knows how long it took
    followed: Followed | None = None  # once the product has changed

    @property
    def a_week(self) -> float:
        return self.now.share.k / (WINDOW / 7)

    @cached_property
    def trend(self) -> Verdict:
        return Followed(self.before, self.now).verdict

    @property
    def sentence(self) -> str:
        """Volume and trend."""
        share = self.now.share
        if not share.k:
            return f"No conversation of the last four weeks is about it, of {share.n:,}."
        about = "is" if share.k == 1 else "are"
        told = f"{_conversations(share.k)} of the last four weeks {about} about it: {told_share(share)}, by {_customers(self.customers)}"
        earlier = percent(self.before.share.value)
        return f"{told}. " + {
            "more": f"More than in the four weeks before ({earlier}), surely.",
            "fewer": f"Fewer than in the four weeks before ({earlier}), surely.",
            "open": f"In the four weeks before it was {earlier}: that may be chance.",
            "too early": "Too few to say whether they grow more.",
        }[self.trend]  # fmt: skip


# -- in words -----------------------------------------------------------------------------------------------------------------------------


def percent(value: float) -> str:
    """With a digit behind the point: most faults are a few in a hundred."""
    return f"{value * 100:.1f}\u00a0%"


def points(value: float) -> str:
    return f"{value * 100:+.1f}".replace("-", "−")


def told_share(share: Share) -> str:
    low, high = share.interval
    return f"{percent(share.value)} ({low * 100:.1f}–{high * 100:.1f}, n\u00a0=\u00a0{share.n:,})"


def _round(hours: float) -> str:
    return f"{hours:,.1f}" if hours < 10 else f"{hours:,.0f}"


def _conversations(count: int) -> str:
    return f"{count:,} conversation{'' if count == 1 else 's'}"


def _customers(count: int) -> str:
    return f"{count:,} customer{'' if count == 1 else 's'}"


# -- counted ------------------------------------------------------------------------------------------------------------------------------


def difference(before: Share, after: Share) -> Interval:
    """How much larger the later share is, 95 %: Newcombe's interval, of the two Wilson intervals."""
    (low_before, high_before), (low_after, high_after) = before.interval, after.interval
    between = after.value - before.value
    below = sqrt((after.value - low_after) ** 2 + (high_before - before.value) ** 2)
    above = sqrt((high_after - after.value) ** 2 + (before.value - low_before) ** 2)
    return between - below, between + above


def today(at: datetime | None = None) -> date:
    return (at or now()).astimezone(_zone()).date()


def noon(day: date, at: datetime | None = None) -> datetime:
    """A moment of that day, and none that has yet to come."""
    return min(datetime(day.year, day.month, day.day, 12, tzinfo=_zone()), at or now())


def _zone() -> ZoneInfo:
    return ZoneInfo(config.settings().time_zone)


def checked(words: str) -> str:
    """A search by which the conversations can be found at any time."""
    terms = search.parse(words)
    if fixed := next((term.field for term in terms if term.field in ("before", "after")), ""):
        raise Refused(f"Not searched: leave {fixed}: out. What customers write from now on is looked for too.")
    if not any(not term.negated for term in terms):
        raise Refused("Not searched: name an intent, or words that these conversations hold.")
    return words.strip()


def filter_of(words: str, since: date, until: date) -> Filter:
    """As the page of conversations takes it."""
    return Filter(words=words, since=days.bounds(since, _zone())[0], until=days.bounds(until, _zone())[1])


def shares(searches: Sequence[str], *, by: Person, at: datetime | None = None) -> list[Share]:
    """Of each search, in the last four weeks."""
    these = [_window(today(at))]
    with store.reading() as db:
        (whole,) = _counts(db, _all(by), these)
        return [Share(_counts(db, _found(db, words, by), these)[0], whole) for words in searches]


def of(words: str, *, by: Person, changed_on: date | None = None, at: datetime | None = None) -> Evidence:
    """Of the conversations within the person's reach, up to now."""
    last = today(at)
    monday = last - timedelta(days=last.weekday())
    windows = [_window(last), _window(last - timedelta(days=WINDOW))]
    weeks = [(monday - timedelta(weeks=back), monday - timedelta(weeks=back - 1, days=1)) for back in range(WEEKS, -1, -1)]
    beside = _beside(changed_on, last) if changed_on else []
    with store.reading() as db:
        asked = [*windows, *weeks, *beside]
        counted = zip(asked, _counts(db, _found(db, words, by), asked), _counts(db, _all(by), asked), strict=True)
        told = [Stretch(since, until, Share(k, n)) for (since, until), k, n in counted]
        customers, cost = _customers_and_cost(db, words, windows[0], by)
    followed = Followed(*told[-2:]) if beside else None
    return Evidence(words, told[0], told[1], told[2 : 2 + len(weeks)], customers, cost, followed)


def _window(last: date) -> tuple[date, date]:
    return last - timedelta(days=WINDOW - 1), last


def _beside(changed_on: date, last: date) -> list[tuple[date, date]]:
    """The day itself belongs to neither."""
    if changed_on >= last:
        return []
    return [_window(changed_on - timedelta(days=1)), (changed_on + timedelta(days=1), min(last, changed_on + timedelta(days=FOLLOWED)))]


def _within(by: Person) -> list[Any]:
    reach = access.require(by, "feedback.read")
    return [access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None)]


def _all(by: Person) -> Any:
    return select(col(Conversation.opened_at).label("opened_at")).where(*_within(by))


def _found(db: Session, words: str, by: Person, *more: Any) -> Any:
    terms = search.parse(words)
    query, _ = search.with_words(select(col(Conversation.opened_at).label("opened_at"), *more), terms)
    return query.where(*_within(by), *search.conditions(db, terms))


def _counts(db: Session, query: Any, stretches: Sequence[tuple[date, date]]) -> list[int]:
    """All of them in one go."""
    bounds = [(days.bounds(since, _zone())[0], days.bounds(until, _zone())[1]) for since, until in stretches]
    opened, first, last = col(Conversation.opened_at), min(one[0] for one in bounds), max(one[1] for one in bounds)
    inner = query.where(opened >= first, opened < last).subquery()
    sums = [func.sum(case(((inner.c.opened_at >= starts) & (inner.c.opened_at < ends), 1), else_=0)) for starts, ends in bounds]
    return [int(one or 0) for one in db.connection().execute(select(*sums)).one()]


def _customers_and_cost(db: Session, words: str, window: tuple[date, date], by: Person) -> tuple[int, Cost | None]:
    wrote = exists().where(
        col(Message.conversation_id) == col(Conversation.id), col(Message.role) == "rep", ~col(Message.private),
        col(Message.gone_at).is_(None),
    )  # fmt: skip
    starts, ends = days.bounds(window[0], _zone())[0], days.bounds(window[1], _zone())[1]
    asked = (col(Conversation.customer_id), col(Conversation.handle_seconds), case((wrote, 1), else_=0))
    opened = (col(Conversation.opened_at) >= starts, col(Conversation.opened_at) < ends)
    rows = list(db.connection().execute(_found(db, words, by, *asked).where(*opened)))
    handled = [seconds for _, _, seconds, by_people in rows if by_people]
    return len({customer for _, customer, _, _ in rows}), _cost(handled, window, by)


def _cost(handled: Sequence[int | None], window: tuple[date, date], by: Person) -> Cost | None:
    """By the median of these, or of all conversations where fewer than a handful are known."""
    if not handled:
        return None
    known = [float(one) for one in handled if one is not None]
    borrowed = len(known) < worth.FEWEST
    times = (
        trends.amount("handling", by=by, since=window[0], until=window[1])
        if borrowed
        else Amount(n=len(known), sketch=amounts.sketch_of(known), kind="quantile")
    )
    return Cost(len(handled), times, borrowed) if times.value is not None else None


# -- samples ------------------------------------------------------------------------------------------------------------------------------


def newest(words: str, most: int, *, by: Person, at: datetime | None = None) -> list[str]:
    """Conversations about it, one a customer, the newest first: of the last twelve weeks."""
    last = today(at)
    found = filter_of(words, last - timedelta(weeks=WEEKS), last)
    opened = col(Conversation.opened_at)
    when = (opened >= found.since, opened < (at or found.until))
    with store.reading() as db:
        query = _found(db, words, by, col(Conversation.id), col(Conversation.customer_id)).where(*when)
        rows = list(db.connection().execute(query.order_by(opened.desc(), col(Conversation.id)).limit(20 * most)))
    one_each: dict[str, str] = {}
    for _, made, customer in rows:
        one_each.setdefault(customer, made)
    return list(one_each.values())[:most]


def fitting(words: str, conversation_ids: Sequence[str], *, by: Person) -> list[str]:
    """Those of them that the search finds within the person's reach, in order."""
    with store.reading() as db:
        asked = or_(false(), col(Conversation.id).in_(conversation_ids))
        there = {made for _, made in db.connection().execute(_found(db, words, by, col(Conversation.id)).where(asked))}
    return [made for made in dict.fromkeys(conversation_ids) if made in there]
