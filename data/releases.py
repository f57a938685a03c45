"""What is in force: one state machine for everything that ships. Going live is one row in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from data import audit, sealing, store
from data.errors import Refused
from data.tables import Person, Release
from data.values import Target, new_id, now

EVERYBODY = 100  # percent
HELD_OUT = 5  # percent of the customers, who stay with the version before while a new one is watched
WATCHED = timedelta(days=7)
Audience = Mapping[str, Sequence[str]]  # teams, channels, segments -> those that it is for


def live(kind: str, name: str) -> Release | None:
    with store.reading() as db:
        return _live(db, kind, name)


def live_in(db: Session, kind: str, name: str) -> Release | None:
    """The same inside somebody's transaction."""
    return _live(db, kind, name)


def _live(db: Session, kind: str, name: str) -> Release | None:
    return db.exec(select(Release).where(Release.target_kind == kind, Release.target_name == name, Release.stage == "live")).first()


def all_live(db: Session, kind: str) -> list[Release]:
    """Of each name the one that is live."""
    return list(db.exec(select(Release).where(Release.target_kind == kind, Release.stage == "live").order_by(Release.target_name)))


def anything_live(db: Session, kind: str) -> bool:
    return db.exec(select(Release.id).where(Release.target_kind == kind, Release.stage == "live").limit(1)).first() is not None


def target_of(release: Release) -> Target:
    return Target(release.target_kind, release.target_name, release.target_number)


def anything_looks(db: Session) -> bool:
    """Whether anything waits for what comes in: a classifier that is live, a recipe that is live or on its way."""
    stages = col(Release.stage).in_(("live", "shadow", "percent"))
    return db.exec(select(Release.id).where(col(Release.target_kind).in_(("classifier", "recipe")), stages).limit(1)).first() is not None


def go_live(
    db: Session, target: Target, *, proposal_id: str | None, why_before_ends: str, by: Person | None, at: datetime | None = None
) -> Release:
    """The target becomes the live one, and the one before ends, both or neither. Called by the owning domain, which checked the right."""
    store.one_at_a_time(db, f"release {target.kind} {target.name}")
    moment = at or now()
    before, coming = _live(db, target.kind, target.name), _under_way(db, target.kind, target.name)
    if before is not None:
        if target_of(before) == target:
            raise Refused(f"Nothing changed: {target} is already live.")
        _end(db, before, why_before_ends, moment)
    if coming is not None:
        _end(db, coming, "it answers for everybody" if target_of(coming) == target else why_before_ends, moment)
    followed = coming if coming and target_of(coming) == target else None
    release = Release(
        **target.columns(), stage="live", proposal_id=proposal_id, previous_id=before.id if before else None, started_at=moment, at=moment,
        by_person_id=by.id if by else None, salt=followed.salt if followed else "", audience=followed.audience if followed else None,
    )  # fmt: skip
    db.add(release)
    audit.record(
        db, by, "released", "release", release.id, f"{target} is live.", at=at, after={"before": before.target_number if before else None}
    )
    return release


# -- on the way there: beside the live one, then for some of the customers ----------------------------------------------------------------


def under_way(kind: str, name: str) -> Release | None:
    """What runs beside the live one, or for a part of the customers."""
    with store.reading() as db:
        return _under_way(db, kind, name)


def all_under_way() -> list[Release]:
    with store.reading() as db:
        return list(db.exec(select(Release).where(col(Release.stage).in_(("shadow", "percent"))).order_by(Release.id)))


def _under_way(db: Session, kind: str, name: str) -> Release | None:
    query = select(Release).where(Release.target_kind == kind, Release.target_name == name, col(Release.stage).in_(("shadow", "percent")))
    return db.exec(query.execution_options(populate_existing=True)).first()


def begin(
    db: Session, target: Target, *, proposal_id: str | None, by_itself: bool, by: Person, audience: Audience | None = None,
    at: datetime | None = None,
) -> Release:  # fmt: skip
    """The target runs beside the live one; what it says counts nowhere yet. What was under way before ends."""
    store.one_at_a_time(db, f"release {target.kind} {target.name}")
    if (before := _under_way(db, target.kind, target.name)) is not None:
        _end(db, before, f"followed by {target}", at)
    release = Release(
        **target.columns(), stage="shadow", percent=0, salt=new_id()[-12:], proposal_id=proposal_id, by_itself=by_itself,
        audience=dict(audience) if audience else None, started_at=at or now(), at=at or now(), by_person_id=by.id,
    )  # fmt: skip
    db.add(release)
    audit.record(db, by, "began", "release", release.id, f"{target} runs beside what is live.", at=at)
    return release


def widen(db: Session, release: Release, percent: int, *, why: str, by: Person | None, at: datetime | None = None) -> Release:
    """It answers for so many of the customers; the others stay with the live one."""
    if not 0 < percent < 100:
        raise Refused("Nothing changed: it answers for 1 to 99 % of the customers on the way.")
    release.stage, release.percent = "percent", percent
    db.add(release)
    told = f"{target_of(release)} answers for {percent} % of the customers: {why}"
    audit.record(db, by, "widened", "release", release.id, told, at=at, after={"percent": percent})
    return release


def stop(db: Session, release: Release, *, why: str, by: Person | None, at: datetime | None = None) -> None:
    """What was under way ends; the live one answers for everybody again."""
    _end(db, release, why, at)
    audit.record(db, by, "stopped", "release", release.id, f"{target_of(release)} was stopped: {why}", at=at)


def _end(db: Session, release: Release, why: str, at: datetime | None) -> None:
    release.stage, release.ended_at, release.ended_why = "ended", at or now(), why
    db.add(release)
    db.flush()


def answers_for(release: Release, customer_id: str) -> bool:
    """Whether the customer is one of those; by their id alone, so it stays so, and at a higher percentage too."""
    return release.stage == "percent" and _place(release, customer_id) < release.percent


def _place(release: Release, customer_id: str) -> float:
    return int(sealing.sha(f"{release.salt} {customer_id}")[:8], 16) / 0x100000000 * 100


# -- who looks at what comes, and whose word counts ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InForce:
    """What is live; what is on its way there; and what was live before, as long as the one that followed it is watched."""

    live: Release
    coming: Release | None
    before: Release | None

    @property
    def targets(self) -> list[Target]:
        return list(dict.fromkeys(target_of(one) for one in (self.live, self.coming, self.before) if one))

    def answers(self, customer_id: str) -> Target:
        """Whose word counts for the customer."""
        if self.coming and answers_for(self.coming, customer_id):
            return target_of(self.coming)
        if self.before and _place(self.live, customer_id) >= EVERYBODY - HELD_OUT:
            return target_of(self.before)
        return target_of(self.live)


def in_force(kind: str, name: str, at: datetime | None = None) -> InForce | None:
    with store.reading() as db:
        found, coming = _live(db, kind, name), _under_way(db, kind, name)
        return InForce(found, coming, _before(db, found, at or now())) if found else None


@dataclass(frozen=True)
class Standing:
    """The same of what may have nothing before it: where no version answers, people do."""

    live: Release | None
    coming: Release | None
    before: Release | None
    at: datetime

    def answers(self, customer_id: str) -> Release | None:
        """Whose word counts for the customer; None: people's."""
        if self.coming and answers_for(self.coming, customer_id):
            return self.coming
        if self.live is not None and self._is_held_out(self.live, customer_id):
            return self.before
        return self.live

    def _is_held_out(self, live: Release, customer_id: str) -> bool:
        return bool(live.salt) and live.started_at > self.at - WATCHED and _place(live, customer_id) >= EVERYBODY - HELD_OUT

    @property
    def beside(self) -> Release | None:
        """What is looked at for everybody, whoever answers: the newer one, as long as it is watched."""
        if self.coming is not None:
            return self.coming
        return self.live if self.live is not None and self.live.salt and self.live.started_at > self.at - WATCHED else None


def standing(db: Session, kind: str, at: datetime | None = None) -> dict[str, Standing]:
    """By name, of all of the kind that are live or on their way."""
    moment = at or now()
    stages = col(Release.stage).in_(("live", "shadow", "percent"))
    found = list(db.exec(select(Release).where(Release.target_kind == kind, stages).order_by(Release.target_name)))
    told = {}
    for name in dict.fromkeys(one.target_name for one in found):
        live = next((one for one in found if one.target_name == name and one.stage == "live"), None)
        coming = next((one for one in found if one.target_name == name and one.stage != "live"), None)
        told[name] = Standing(live, coming, _before(db, live, moment) if live else None, moment)
    return told


def is_for(release: Release, **of: str) -> bool:
    """Whether it is for a conversation of this team, channel and segment."""
    return all(not wanted or of.get(name, "") in wanted for name, wanted in (release.audience or {}).items())


def _before(db: Session, found: Release, at: datetime) -> Release | None:
    """What the live one followed step by step, as long as that is watched."""
    is_watched = found.salt and found.previous_id and found.started_at > at - WATCHED
    return db.get(Release, found.previous_id) if is_watched else None


def all_watched(at: datetime | None = None) -> list[InForce]:
    """What went live step by step within the last days."""
    with store.reading() as db:
        found = db.exec(
            select(Release).where(Release.stage == "live", Release.salt != "", Release.started_at > (at or now()) - WATCHED)
        ).all()
        return [InForce(one, None, before) for one in found if (before := _before(db, one, at or now()))]


def once_live(db: Session, target: Target) -> bool:
    """Whether people approved the target before: going back to it is the safe direction."""
    query = select(Release.id).where(
        Release.target_kind == target.kind, Release.target_name == target.name, Release.target_number == target.number,
        Release.percent == EVERYBODY,
    )  # fmt: skip
    return db.exec(query.limit(1)).first() is not None


def of_proposal(proposal_id: str) -> Release | None:
    with store.reading() as db:
        return db.exec(select(Release).where(Release.proposal_id == proposal_id)).first()


def history(kind: str, name: str) -> list[Release]:
    """Every release to everybody, oldest first: the markers on charts are these rows."""
    return [release for release in steps(kind, name) if release.percent == EVERYBODY]


def steps(kind: str, name: str) -> list[Release]:
    """The same with what only ran beside the live one or for some, oldest first."""
    with store.reading() as db:
        return list(
            db.exec(select(Release).where(Release.target_kind == kind, Release.target_name == name).order_by(col(Release.started_at)))
        )
