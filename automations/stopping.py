"""The switch: a recipe, or all of them, stops at once. What it had begun, people have; what it wanted a yes for is withdrawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from automations import RECIPE
from automations.settling import OPEN
from data import access, audit, inbox, releases, store, traces
from data.approvals import drop
from data.errors import Refused
from data.masking import masked
from data.tables import Action, Conversation, Person, Proposal, Release, Trace
from data.values import LIVE

OPEN_RUNS = ("running", "waiting")


@dataclass(frozen=True)
class Stopped:
    """What the switch did."""

    names: tuple[str, ...]
    runs: int
    proposals: int
    under_way: int  # acts that had left, of which is not known yet what became of them: they are asked after

    @property
    def sentence(self) -> str:
        what = f"'{self.names[0]}' is stopped." if len(self.names) == 1 else f"{len(self.names):,} recipes are stopped."
        runs = f"{_count(self.runs, 'open run is', 'open runs are')} with people now"
        told = f"{what} {runs}, {_count(self.proposals, 'proposal is', 'proposals are')} withdrawn."
        if self.under_way:
            told += f" {_count(self.under_way, 'act had', 'acts had')} left before; what became of it is still asked."
        return told


def _count(many: int, one: str, several: str) -> str:
    return f"{many:,} {one if many == 1 else several}"


def stop(name: str, *, why: str, by: Person, at: datetime | None = None) -> Stopped:
    """One person is enough: it is the safe direction."""
    access.require(by, "guardrail.tighten")
    with store.writing() as db:
        return _stop(db, [name], _said(why), by, at)


def stop_all(*, why: str, by: Person, at: datetime | None = None) -> Stopped:
    access.require(by, "guardrail.tighten")
    with store.writing() as db:
        return _stop(db, list(releases.standing(db, RECIPE, at)), _said(why), by, at)


def trip(name: str, *, why: str, at: datetime | None = None) -> Stopped:
    """By itself; what watches it (tripping.py) says why."""
    with store.writing() as db:
        return _stop(db, [name], why, None, at)


def _said(why: str) -> str:
    if not why.strip():
        raise Refused("Not stopped: say why; whoever has the open runs now reads it.")
    return masked(why.strip())


def _stop(db: Session, names: Sequence[str], why: str, by: Person | None, at: datetime | None) -> Stopped:
    """In one transaction, behind the same lock that an act is written down behind: what is not written down by now never is."""
    for name in sorted(names):
        store.one_at_a_time(db, f"actions {name}")
        store.one_at_a_time(db, f"release {RECIPE} {name}")  # what is about to go live or further is there, or finds it stopped
    ended = [one for name in names for one in _in_force(db, name)]
    if not ended:
        raise Refused("Not stopped: nothing of it is in force. Look at the page again.")
    runs = proposals = 0
    for release in ended:
        releases.stop(db, release, why=why, by=by, at=at)
    for name in names:
        handed, withdrawn = _hand_over(db, name, f"'{name}' was stopped: {why}", by, at)
        runs, proposals = runs + handed, proposals + withdrawn
    query = select(Action.id).where(Action.target_kind == RECIPE, col(Action.target_name).in_(names), col(Action.state).in_(OPEN))
    stopped = Stopped(tuple(names), runs, proposals, len(db.exec(query).all()))
    _tell(db, ended, stopped, why, by, at)
    return stopped


def _in_force(db: Session, name: str) -> list[Release]:
    stages = col(Release.stage).in_(("live", "shadow", "percent"))
    return list(db.exec(select(Release).where(Release.target_kind == RECIPE, Release.target_name == name, stages)))


def _hand_over(db: Session, name: str, why: str, by: Person | None, at: datetime | None) -> tuple[int, int]:
    query = select(Trace).where(Trace.target_kind == RECIPE, Trace.target_name == name, Trace.mode == LIVE, col(Trace.state).in_(OPEN_RUNS))
    found, dropped = list(db.exec(query.execution_options(populate_existing=True).with_for_update())), 0
    for trace in found:
        proposal = db.get(Proposal, trace.proposal_id) if trace.proposal_id else None
        if trace.state == "waiting" and proposal is not None and proposal.state in ("open", "approved"):
            drop(db, proposal, why, by=by, at=at)
            dropped += 1
        traces.end(db, trace, "handed_over", why)
    return len(found), dropped


def _tell(db: Session, ended: Sequence[Release], stopped: Stopped, why: str, by: Person | None, at: datetime | None) -> None:
    """Whoever answers for it hears of it, unless they stopped it."""
    who = by.name if by else "It stopped by itself"
    for release in ended:
        proposal = db.get(Proposal, release.proposal_id) if release.proposal_id else None
        owner = proposal.proposer_id if proposal else release.by_person_id
        if owner and (by is None or owner != by.id):
            told = f"Recipe '{release.target_name}' {release.target_number} was stopped. {who}: {why}"
            inbox.tell(db, owner, "moved", told, page="automations", key=f"stopped {release.id}", at=at)
    for name in stopped.names:
        audit.record(db, by, "stopped", "recipe", name, f"Stopped recipe '{name}': {why}", at=at)


# -- who has what now ---------------------------------------------------------------------------------------------------------------------


def handed_over(*, by: Person, most: int = 100) -> list[Trace]:
    """Runs that people have from here, of conversations within reach, the newest first."""
    access.require(by, "automation.read")
    reach = access.reach(by, "conversation.read")
    if reach is None:
        return []
    here = access.within(reach, by, col(Conversation.team_id))
    query = select(Trace).join(Conversation, col(Conversation.id) == col(Trace.conversation_id))
    own = (Trace.target_kind == RECIPE, Trace.mode == LIVE, Trace.state == "handed_over", col(Conversation.hidden_at).is_(None), here)
    with store.reading() as db:
        return list(db.exec(query.where(*own).order_by(col(Trace.id).desc()).limit(most)))
