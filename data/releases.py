"""What is in force: one state machine for everything that ships. Going live is one row in one transaction."""

from datetime import datetime

from sqlmodel import Session, col, select

from data import audit, store
from data.errors import Refused
from data.tables import Person, Release
from data.values import Target, now


def live(kind: str, name: str) -> Release | None:
    with store.reading() as db:
        return _live(db, kind, name)


def _live(db: Session, kind: str, name: str) -> Release | None:
    return db.exec(select(Release).where(Release.target_kind == kind, Release.target_name == name, Release.stage == "live")).first()


def anything_live(db: Session, kind: str) -> bool:
    return db.exec(select(Release.id).where(Release.target_kind == kind, Release.stage == "live").limit(1)).first() is not None


def target_of(release: Release) -> Target:
    return Target(release.target_kind, release.target_name, release.target_number)


def go_live(
    db: Session, target: Target, *, proposal_id: str | None, why_before_ends: str, by: Person, at: datetime | None = None
) -> Release:
    """The target becomes the live one, and the one before ends, both or neither. Called by the owning domain, which checked the right."""
    store.one_at_a_time(db, f"release {target.kind} {target.name}")
    moment = at or now()
    before = _live(db, target.kind, target.name)
    if before is not None:
        if target_of(before) == target:
            raise Refused(f"Nothing changed: {target} is already live.")
        before.stage, before.ended_at, before.ended_why = "ended", moment, why_before_ends
        db.add(before)
        db.flush()
    release = Release(
        **target.columns(), stage="live", proposal_id=proposal_id, previous_id=before.id if before else None, started_at=moment, at=moment,
        by_person_id=by.id,
    )  # fmt: skip
    db.add(release)
    audit.record(
        db, by, "released", "release", release.id, f"{target} is live.", at=at, after={"before": before.target_number if before else None}
    )
    return release


def once_live(db: Session, target: Target) -> bool:
    """Whether people approved the target before: going back to it is the safe direction."""
    query = select(Release.id).where(
        Release.target_kind == target.kind, Release.target_name == target.name, Release.target_number == target.number
    )
    return db.exec(query.limit(1)).first() is not None


def of_proposal(proposal_id: str) -> Release | None:
    with store.reading() as db:
        return db.exec(select(Release).where(Release.proposal_id == proposal_id)).first()


def history(kind: str, name: str) -> list[Release]:
    """Every release, oldest first: the markers on charts are these rows."""
    with store.reading() as db:
        return list(
            db.exec(select(Release).where(Release.target_kind == kind, Release.target_name == name).order_by(col(Release.started_at)))
        )
