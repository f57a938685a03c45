"""What one's own work changed, over some weeks: what was given, and what became of it. Each reads only of themselves.

What was given counts where it was given in these weeks; what became of it is told as it is today. Of versions, runs and answers those of
these weeks count, whenever what they are made of was given.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from data import access, releases, store, work_built, work_taught, work_tested
from data.errors import Refused
from data.measures import next_week, week_of
from data.tables import Person, Release, Version
from data.values import Target, now
from data.work_built import Begun, Intent, Knowledge, Proposed, Ran
from data.work_taught import Learned, Moment, Period, Reviews
from data.work_tested import Flags

PERIODS = {4: "4 weeks", 12: "12 weeks", 52: "A year"}  # this week and those before it
REVIEWS, FLAGS, KNOWLEDGE, BUILT, DECIDED = "Reviews and examples", "Flags", "Knowledge", "Built", "Proposals"


@dataclass(frozen=True)
class Week:
    starts: datetime  # a Monday
    given: dict[str, int]  # REVIEWS and so on


@dataclass(frozen=True)
class WentLive:
    """Something that they wrote, or that learned from them, began to answer for everybody."""

    target: Target
    at: datetime
    wrote: bool


@dataclass(frozen=True)
class Work:
    weeks: int
    since: datetime
    until: datetime
    reviews: Reviews
    learned: tuple[Learned, ...]
    flags: Flags
    knowledge: Knowledge
    intents: tuple[Intent, ...]
    recipes: tuple[Ran, ...]
    use_cases: tuple[Begun, ...]
    proposals: Proposed
    by_week: tuple[Week, ...]
    live: tuple[WentLive, ...]

    @property
    def given(self) -> int:
        return sum(sum(one.given.values()) for one in self.by_week)

    @property
    def is_empty(self) -> bool:
        """Nothing was given in these weeks, and nothing that was given before did anything in them."""
        moved = (self.learned, self.flags.sets, self.flags.failed, self.knowledge.answers, self.knowledge.closed, self.recipes, self.live)
        return not self.given and not any(moved)


def of(*, by: Person, weeks: int = 12, at: datetime | None = None) -> Work:
    """What this person gave in these weeks, and what it changed."""
    access.require(by, "work.read")
    if weeks not in PERIODS:
        raise Refused(f"Not shown: choose {', '.join(map(str, PERIODS))} weeks; {weeks} are none of these.")
    until = at or now()
    since = week_of(until - timedelta(weeks=weeks - 1))
    period = (since, until)
    with store.reading() as db:
        reviews, reviewed = work_taught.reviews_of(db, by, period)
        learned = work_taught.learned_from(db, by, period)
        flags, flagged = work_tested.flags_of(db, by, period)
        knowledge, wrote = work_built.knowledge_of(db, by, period)
        intents = work_built.intents_of(db, by, period)
        recipes, drafted = work_built.recipes_of(db, by, period)
        cases, begun = work_built.use_cases_of(db, by, period)
        proposals, asked = work_built.proposals_of(db, by, period)
        live = _went_live(db, by, learned, period)
    built = [*drafted, *((one.label_id, one.at) for one in intents), *begun]
    given = {REVIEWS: reviewed, FLAGS: flagged, KNOWLEDGE: wrote, BUILT: built, DECIDED: asked}
    counted = by_week(given, since, until)
    return Work(
        weeks, since, until, reviews, tuple(learned), flags, knowledge, intents, recipes, cases, proposals, counted, live
    )  # fmt: skip


def by_week(given: Mapping[str, Sequence[Moment]], since: datetime, until: datetime) -> tuple[Week, ...]:
    """Each week of the period, oldest first, also those in which nothing was given."""
    starts = [since]
    while (later := next_week(starts[-1])) <= until:
        starts.append(later)
    counts: list[dict[str, int]] = [dict.fromkeys(given, 0) for _ in starts]
    for kind, moments in given.items():
        for _, at in moments:
            counts[bisect_right(starts, at) - 1][kind] += 1
    return tuple(Week(start, count) for start, count in zip(starts, counts, strict=True))


def _went_live(db: Session, by: Person, learned: Sequence[Learned], period: Period) -> tuple[WentLive, ...]:
    """Oldest first; of each version only the first time."""
    query = select(Release).where(
        Release.percent == releases.EVERYBODY, col(Release.started_at) >= period[0], col(Release.started_at) < period[1]
    )
    taught = {one.target for one in learned}
    began: dict[Target, datetime] = {}
    for one in db.exec(query.order_by(col(Release.started_at))):
        began.setdefault(releases.target_of(one), one.started_at)
    if not began:
        return ()
    kinds = {target.kind for target in began}
    mine = select(Version.target_kind, Version.target_name, Version.target_number).where(
        col(Version.target_kind).in_(kinds), Version.by_person_id == by.id
    )
    wrote = {Target(*one) for one in db.exec(mine)}
    return tuple(WentLive(target, at, target in wrote) for target, at in began.items() if target in wrote or target in taught)
