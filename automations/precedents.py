"""What people said to the same step of the same recipe before: it stands beside an act that waits for a yes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from automations.actions import ONCE, TWICE
from data import access, store
from data.tables import Approval, AuditEntry, Person, Proposal

KINDS = (ONCE, TWICE)
APPROVED, REFUSED = ("approved", "done", "failed"), "refused"
SHOWN = 5


@dataclass(frozen=True)
class Precedent:
    """One that was decided."""

    proposal_id: str
    title: str
    approved: bool
    person_ids: tuple[str, ...]  # who said so
    why: str  # of a refusal
    at: datetime | None


def like(proposal: Proposal, *, by: Person, most: int = SHOWN) -> list[Precedent]:
    """The newest first. Nothing for what is no act of a recipe."""
    access.require(by, "proposal.read")
    if proposal.kind not in KINDS:
        return []
    query = select(Proposal).where(*_decided_like(proposal))
    with store.reading() as db:
        found = list(db.exec(query.order_by(col(Proposal.decided_at).desc(), col(Proposal.id).desc()).limit(most)))
        who = _who(db, found)
    return [
        Precedent(
            one.id, one.title, one.state != REFUSED, tuple(who.get(one.id, ())), one.outcome if one.state == REFUSED else "", one.decided_at
        )
        for one in found
    ]  # fmt: skip


def counted(proposal: Proposal, *, by: Person) -> tuple[int, int]:
    """How many of them were approved, of how many that were decided."""
    access.require(by, "proposal.read")
    if proposal.kind not in KINDS:
        return 0, 0
    query = select(Proposal.state, func.count()).where(*_decided_like(proposal)).group_by(Proposal.state)
    with store.reading() as db:
        found = dict(db.exec(query).all())
    return sum(found.values()) - found.get(REFUSED, 0), sum(found.values())


def _decided_like(proposal: Proposal) -> tuple[Any, ...]:
    payload: Any = col(Proposal.payload)
    return (
        col(Proposal.kind).in_(KINDS), col(Proposal.state).in_((*APPROVED, REFUSED)), Proposal.id != proposal.id,
        payload["recipe"].as_string() == proposal.payload["recipe"], payload["step"].as_string() == proposal.payload["step"],
    )  # fmt: skip


def _who(db: Session, found: list[Proposal]) -> dict[str, list[str]]:
    """Of each proposal those who said yes, or the one who said no."""
    told = {one.id: [one.proposer_id] for one in found if one.self_approved}
    said_yes = select(Approval.proposal_id, Approval.approver_id).order_by(Approval.id)
    for proposal_id, person_id in db.exec(said_yes.where(col(Approval.proposal_id).in_([one.id for one in found if one.state != REFUSED]))):
        told.setdefault(proposal_id, []).append(person_id)
    said_no = select(AuditEntry.noun_id, AuditEntry.by_person_id).where(AuditEntry.noun == "proposal", AuditEntry.verb == "refused")
    for proposal_id, refuser in db.exec(said_no.where(col(AuditEntry.noun_id).in_([one.id for one in found if one.state == REFUSED]))):
        told[proposal_id] = [refuser] if refuser else []
    return told
