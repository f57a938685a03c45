"""Two arms inside what a recipe is for: the customers it answers, and those beside them for whom it only says what it would have done.

Which of the two a customer is in is decided by their id alone (releases.py), so what differs is the recipe's doing. Somebody looks every
minute. A 95 % interval of the ordinary kind would sooner or later show a difference where there is none, so these hold at all looks
together: the odds of a normal mixture (Robbins 1970; Johari and others 2017) on the difference of two shares. They depend on counts alone,
and are nearly exact from FEWEST customers in each arm on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log, sqrt
from typing import Any, Literal

from sqlmodel import Session, col, select

from automations import RECIPE
from data import access, releases, store
from data.measures import Share, percent
from data.tables import AuditEntry, Conversation, Person, Release, Trace
from data.values import LIVE, SHADOW, now
from evals.verdict import points

FEWEST = 50  # customers in each arm, of whom the measure is known
WRONGLY = 0.05  # so often at most a difference is told where there is none: over all measures, and however often one looks
LIKELY = 0.1  # how large a difference there may be: what is looked for
MARGIN = 0.05  # so much less is no worse
RETURNS = timedelta(days=3)  # within which whoever was not helped comes back
SATISFIED = 4  # of 5, or more
Said = Literal["better", "worse", "no_worse", "cannot_tell"]
HANDED = ("handed_over", "failed")


@dataclass(frozen=True)
class Difference:
    """Of the first share from the second, with its variance."""

    value: float
    variance: float

    def interval(self, wrongly: float = WRONGLY) -> tuple[float, float]:
        """That holds at all looks together."""
        together = self.variance + LIKELY**2
        half = sqrt(2 * self.variance * together / LIKELY**2 * (log(1 / wrongly) + log(together / self.variance) / 2))
        return max(-1.0, self.value - half), min(1.0, self.value + half)


def difference(strata: Iterable[tuple[Share, Share]]) -> Difference | None:
    """Of two shares, each pair within one stretch of time, or one kind of conversation, that both come from (Mantel and Haenszel)."""
    there = [(one, other) for one, other in strata if one.n and other.n]
    if not there:
        return None
    weights = [one.n * other.n / (one.n + other.n) for one, other in there]
    whole = sum(weights)
    value = sum(weight * (one.value - other.value) for weight, (one, other) in zip(weights, there, strict=True)) / whole
    variance = sum(weight**2 * _variance(*pair) for weight, pair in zip(weights, there, strict=True))
    return Difference(value, variance / whole**2)


def _variance(one: Share, other: Share) -> float:
    """The larger of what it is where both are alike and where each is as it was seen: a few that all went well are no certainty."""
    alike, apart = _likely(Share(one.k + other.k, one.n + other.n)), (_likely(one), _likely(other))
    return max(
        sum(value * (1 - value) / (share.n + 2) for value, share in zip(both, (one, other), strict=True))
        for both in ((alike, alike), apart)
    )


def _likely(share: Share) -> float:
    """As if one more had gone well and one more badly (Agresti and Caffo 2000)."""
    return (share.k + 1) / (share.n + 2)


@dataclass(frozen=True)
class Measure:
    """One thing that both arms are judged on."""

    name: str
    told: str  # "resolved in"
    with_it: Share
    without: Share
    interval: tuple[float, float] | None  # of the difference, at all looks together
    verdict: Said
    sentence: str


@dataclass(frozen=True)
class Arms:
    """What two arms showed so far."""

    measures: tuple[Measure, ...]
    verdict: Said
    sentence: str


def judge(name: str, told: str, strata: Sequence[tuple[Share, Share]], *, less_is_better: bool = False, asked: int = 1) -> Measure:
    """One measure, looked at as often as one likes. `asked` measures are looked at together."""
    with_it, without = (Share(sum(pair[arm].k for pair in strata), sum(pair[arm].n for pair in strata)) for arm in (0, 1))
    found = difference(strata)
    if found is None or min(with_it.n, without.n) < FEWEST:
        few = f"Too few to tell by {name} yet: {with_it.n:,} customers with it, {without.n:,} without; {FEWEST} are needed in each."
        return Measure(name, told, with_it, without, None, "cannot_tell", few)
    low, high = found.interval(WRONGLY / asked)
    verdict = _verdict(*((-high, -low) if less_is_better else (low, high)))
    words = f"{told} {percent(with_it.value)} with it and {percent(without.value)} without"
    reach = f"{points(found.value)} points, {points(low)} to {points(high)} at all looks together"
    return Measure(name, told, with_it, without, (low, high), verdict, f"{SAID[verdict]}: {words} ({reach}).")


BY_WEIGHT: tuple[Said, ...] = ("worse", "better", "cannot_tell", "no_worse")
SAID: Mapping[Said, str] = {"better": "Better", "worse": "Worse", "no_worse": "No worse", "cannot_tell": "Cannot tell yet"}


def _verdict(low: float, high: float) -> Said:
    if high < 0:
        return "worse"
    if low > 0:
        return "better"
    return "no_worse" if low > -MARGIN else "cannot_tell"


def overall(measures: Sequence[Measure]) -> Arms:
    """One that is worse decides, then one that is better; no worse it is where all are."""
    if not measures:
        return Arms((), "cannot_tell", "Nobody is in either arm yet. They fill as customers write.")
    said = [one.verdict for one in measures]
    verdict = next(one for one in BY_WEIGHT if one in said)
    told = " ".join(one.sentence for one in measures if one.verdict == verdict)
    open_too = [one.name for one in measures if one.verdict == "cannot_tell" != verdict]
    return Arms(tuple(measures), verdict, told + (f" Of {' and '.join(open_too)} it cannot be told yet." if open_too else ""))


# -- who is in which arm ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """A customer's first conversation since they were in an arm."""

    conversation: Conversation
    stretch: int  # how far it was widened then: more customers are in the first arm from then on
    with_it: bool
    handed: bool | None  # whether it was handed over; None: people had it anyway
    returned: bool


def compare(release: Release, *, by: Person, at: datetime | None = None) -> Arms:
    """Since it answers for some of the customers; of one that is live, beside those who are held out while it is watched."""
    access.require(by, "automation.read")
    moment = at or now()
    with store.reading() as db:
        seen = _seen(db, release, moment)
    by_people = any(one.handed is None for one in seen if not one.with_it)
    measures = [
        judge("resolution", "resolved in", _shares(seen, lambda one: _resolved(one, moment)), asked=3),
        judge("satisfaction", f"{SATISFIED} or 5 stars from", _shares(seen, _satisfied), asked=3),
        *([] if by_people else [judge("hand-over", "handed over in", _shares(seen, lambda one: one.handed), less_is_better=True, asked=3)]),
    ]  # fmt: skip
    return overall(measures if seen else [])


def _resolved(one: Seen, moment: datetime) -> bool | None:
    """As the help desk told it; else that the customer did not come back soon."""
    if one.conversation.resolved is not None:
        return one.conversation.resolved
    if one.returned:
        return False
    return True if moment >= one.conversation.opened_at + RETURNS else None


def _satisfied(one: Seen) -> bool | None:
    stars = one.conversation.csat
    return stars >= SATISFIED if stars else None


def _shares(seen: Sequence[Seen], known: Any) -> list[tuple[Share, Share]]:
    told = [(one.stretch, one.with_it, said) for one in seen if (said := known(one)) is not None]
    stretches = sorted({stretch for stretch, _, _ in told})
    return [(_share(told, stretch, True), _share(told, stretch, False)) for stretch in stretches]


def _share(told: Sequence[tuple[int, bool, bool]], stretch: int, with_it: bool) -> Share:
    said = [one for own, arm, one in told if (own, arm) == (stretch, with_it)]
    return Share(sum(said), len(said))


def _seen(db: Session, release: Release, moment: datetime) -> list[Seen]:
    """Each customer once: two conversations of one are no two experiments."""
    widened = _widened(db, release)
    if not widened:
        return []
    until = min(moment, release.started_at + releases.WATCHED) if release.stage == "live" else moment
    rows = list(db.exec(_own(release, widened[0], until)))
    others = _others(db, release, [conversation.id for _, conversation in rows])
    first: dict[str, Seen] = {}
    returned = _returned(db, [conversation for _, conversation in rows])
    for trace, conversation in rows:
        if conversation.customer_id in first:
            continue
        arm = trace.mode == LIVE
        state = trace.state if arm else others.get(conversation.id)
        first[conversation.customer_id] = Seen(
            conversation, sum(one <= trace.at for one in widened), arm, None if state is None else state in HANDED,
            conversation.id in returned,
        )  # fmt: skip
    return list(first.values())


def _own(release: Release, since: datetime, until: datetime) -> Any:
    return (
        select(Trace, Conversation)
        .join(Conversation, col(Conversation.id) == col(Trace.conversation_id))
        .where(
            Trace.target_kind == RECIPE, Trace.target_name == release.target_name, Trace.target_number == release.target_number,
            col(Trace.mode).in_((LIVE, SHADOW)), Trace.at >= since, Trace.at <= until, col(Conversation.hidden_at).is_(None),
        )
        .order_by(col(Trace.at), col(Trace.id))
    )  # fmt: skip


def _widened(db: Session, release: Release) -> list[datetime]:
    """When more customers came to it. As long as nothing leaves by it for anybody, there are no two arms."""
    if release.stage == "live":
        return [release.started_at]
    query = select(AuditEntry.at).where(AuditEntry.noun_id == release.id, AuditEntry.noun == "release", AuditEntry.verb == "widened")
    return sorted(db.exec(query))


def _others(db: Session, release: Release, ids: Sequence[str]) -> dict[str, str]:
    """By conversation, how the version that answered there ended."""
    found: dict[str, str] = {}
    for start in range(0, len(ids), 500):
        query = select(Trace.conversation_id, Trace.state).where(
            Trace.target_kind == RECIPE, Trace.target_name == release.target_name, Trace.target_number != release.target_number,
            Trace.mode == LIVE, col(Trace.conversation_id).in_(ids[start : start + 500]),
        )  # fmt: skip
        found |= {str(made): state for made, state in db.exec(query)}
    return found


def _returned(db: Session, conversations: Sequence[Conversation]) -> set[str]:
    """Those whose customer began another one soon after."""
    opened: dict[str, list[datetime]] = {}
    customers = sorted({one.customer_id for one in conversations})
    for start in range(0, len(customers), 500):
        query = select(Conversation.customer_id, Conversation.opened_at).where(
            col(Conversation.customer_id).in_(customers[start : start + 500])
        )
        for customer, moment in db.exec(query):
            opened.setdefault(customer, []).append(moment)
    return {one.id for one in conversations if any(one.opened_at < later <= one.opened_at + RETURNS for later in opened[one.customer_id])}
