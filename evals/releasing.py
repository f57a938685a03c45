"""What every release has in common: its steps from beside the live version to everybody, each by hand or by itself, and its end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from data import access, inbox, releases, store
from data.errors import Refused
from data.measures import percent
from data.tables import Person, Proposal, Release
from evals import guards

FIRST_STEP = 10  # percent of the customers

Gate = Callable[[Release], str | None]  # why it may not go on; None where nothing is against it


@dataclass(frozen=True)
class Progress:
    """How far a release is, and what its next step asks."""

    release: Release
    seen: int  # conversations that both versions looked at
    differ: int  # of them, where the two say another thing
    answered: int  # of them, where its word counted
    asks: tuple[str, ...]  # what is not met yet, in words
    guarded: guards.Verdict

    @property
    def ready(self) -> bool:
        return not self.asks and self.guarded.act != "roll_back"

    @property
    def sentence(self) -> str:
        where = "runs beside the live version" if self.release.stage == "shadow" else f"answers for {self.release.percent} % of customers"
        differ = f"; the two differ in {percent(self.differ / self.seen)} ({self.differ:,} of {self.seen:,})" if self.seen else ""
        return f"{releases.target_of(self.release)} {where}{differ}."


def asks_of(release: Release, *, seen: int, answered: int, wanted: tuple[int, int], against: str | None) -> tuple[str, ...]:
    """In words: so many conversations beside the live one, then so many for some; and an open gate."""
    there, fewest = (seen, wanted[0]) if release.stage == "shadow" else (answered, wanted[1])
    few = [f"It was tried on {there:,} conversations; the next step asks for {fewest:,}."] if there < fewest else []
    return (*few, *([against] if against else []))


@dataclass(frozen=True)
class Steps:
    """Of one kind of thing: who may lead it on, who may stop it, and how it is put live."""

    kind: str
    approve: str  # the right to lead it on
    roll_back: str  # the right to stop it
    page: str  # where who proposed it is led
    put_live: Callable[..., Release]  # (db, target, proposal_id, *, by, at)

    def advance(self, release_id: str, gate: Gate, *, why: str, by: Person, at: datetime | None = None) -> Release:
        """The next step, by hand: somebody may go before enough was tried, never past the gate."""
        access.require(by, self.approve)
        if not why.strip():
            raise Refused("Not changed: say why; it stands beside the release afterwards.")
        with store.writing() as db:
            release = self._of_now(db, release_id)
            if reason := gate(release):
                raise Refused(f"Not changed: {reason}")
            return self._step(db, release, why.strip(), by, at)

    def stop(self, release_id: str, *, why: str, by: Person, at: datetime | None = None) -> None:
        """It answers for nobody any more, at once. The safe direction needs one person only."""
        access.require(by, self.roll_back)
        if not why.strip():
            raise Refused("Not stopped: say why; it stands beside the release afterwards.")
        with store.writing() as db:
            releases.stop(db, self._of_now(db, release_id), why=why.strip(), by=by, at=at)

    def look_at(self, found: Progress, at: datetime | None) -> str:
        """By itself: what harms ends, what met all that its step asks goes on."""
        if found.guarded.act == "roll_back":
            return self._end(found, at)
        if not found.release.by_itself or not found.ready:
            return " ".join([found.sentence, *found.asks])
        with store.writing() as db:
            step = self._step(db, self._of_now(db, found.release.id), f"all that this step asks is met: {found.sentence}", None, at)
        target = releases.target_of(step)
        return f"{target} answers for everybody." if step.stage == "live" else f"{target} answers for {step.percent} % of customers."

    def tell(self, db: Session, ended: Release, told: str, at: datetime | None) -> None:
        """Who proposed it hears why it ended."""
        proposal = db.get(Proposal, ended.proposal_id) if ended.proposal_id else None
        if proposal and proposal.proposer_id:
            inbox.tell(db, proposal.proposer_id, "moved", told, page=self.page, key=f"ended {ended.id}", at=at)

    def _end(self, found: Progress, at: datetime | None) -> str:
        """It harms: the live one answers for everybody again, and who proposed it hears why."""
        why = " ".join(found.guarded.reasons)
        told = f"{releases.target_of(found.release)} was taken back by itself. {why}"
        with store.writing() as db:
            ended = self._of_now(db, found.release.id)
            releases.stop(db, ended, why=why, by=None, at=at)
            self.tell(db, ended, told, at)
        return told

    def _of_now(self, db: Session, release_id: str) -> Release:
        if known := db.get(Release, release_id):
            store.one_at_a_time(db, f"release {known.target_kind} {known.target_name}")  # somebody may stop it at this moment
        release = db.get(Release, release_id, populate_existing=True)
        if release is None or release.target_kind != self.kind or release.stage not in ("shadow", "percent"):
            raise Refused("Not changed: that release is not under way any more. Look at the page again.")
        return release

    def _step(self, db: Session, release: Release, why: str, by: Person | None, at: datetime | None) -> Release:
        if release.stage == "shadow":
            return releases.widen(db, release, FIRST_STEP, why=why, by=by, at=at)
        return self.put_live(db, releases.target_of(release), release.proposal_id, by=by, at=at)
