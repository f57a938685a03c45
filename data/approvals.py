"""Acts that need a second person: proposed by one, approved by another, carried out once.

An approval names the hash of exactly what was proposed; the database itself refuses an approver who is the proposer.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from data import access, audit, sealing, store, tasks
from data.errors import Denied, Refused
from data.tables import Approval, Person, Proposal
from data.values import now

WAITS = timedelta(days=14)  # a proposal nobody decides on
HOLDS = timedelta(hours=24)  # an approval nobody carries out
RIGHT = {"ship_classifier": "classifier.approve"}  # kind of proposal -> the right its approver needs
PROPOSING = {"ship_classifier": "classifier.propose"}  # ... and the one that its proposer must still have


def propose(
    db: Session,
    kind: str,
    title: str,
    payload: dict[str, Any],
    *,
    why: str,
    evidence: dict[str, Any],
    authors: list[str],
    by: Person,
    at: datetime | None = None,
) -> Proposal:
    """Called by the owning domain inside its own transaction, after it checked the right to propose."""
    if not why.strip():
        raise Refused("Not proposed: say in a sentence why; the approver reads it first.")
    started = at or now()
    proposal = Proposal(
        kind=kind, title=title, payload=payload, payload_sha=payload_digest(payload), proposer_id=by.id, authors=sorted({*authors, by.id}),
        why=why.strip(), evidence=evidence, lapses_at=started + WAITS, at=started, by_person_id=by.id, team_id=by.team_id,
    )  # fmt: skip
    db.add(proposal)
    audit.record(db, by, "proposed", "proposal", proposal.id, f"Proposed: {title}.", at=at, after={"payload_sha": proposal.payload_sha})
    return proposal


def payload_digest(payload: dict[str, Any]) -> str:
    return sealing.sha(json.dumps(payload, sort_keys=True, ensure_ascii=False))


def approve(proposal_id: str, *, by: Person, note: str = "", at: datetime | None = None) -> Proposal:
    """Say yes as the second person. What was proposed is then carried out by a background task, which checks again."""
    with store.writing() as db:
        proposal = _open(db, proposal_id, at)
        access.require(by, RIGHT[proposal.kind])
        _require_another(proposal, by)
        _require_active_proposer(db, proposal, "Not approved")
        if proposal.payload_sha != payload_digest(proposal.payload):
            raise Refused(f"Not approved: '{proposal.title}' was changed after it was proposed. Propose it again.")
        _move(db, proposal, "open", "approved")
        approval = Approval(
            proposal_id=proposal.id, approver_id=by.id, payload_sha=proposal.payload_sha, proposer_id=proposal.proposer_id,
            note=note, at=at or now(), by_person_id=by.id,
        )  # fmt: skip
        db.add(approval)
        audit.record(db, by, "approved", "proposal", proposal.id, f"Approved: {proposal.title}.", at=at)
        tasks.later(
            db,
            "carry_out",
            {"proposal_id": proposal.id},
            title=f"Carry out: {proposal.title}",
            by=by,
            dedup_key=f"carry out {proposal.id}",
            at=at,
        )
        return proposal


def refuse(proposal_id: str, *, by: Person, why: str, at: datetime | None = None) -> Proposal:
    with store.writing() as db:
        proposal = _open(db, proposal_id, at)
        access.require(by, RIGHT[proposal.kind])
        if not why.strip():
            raise Refused("Not refused: say why, so that the proposer knows what to mend.")
        _move(db, proposal, "open", "refused", why.strip())
        audit.record(db, by, "refused", "proposal", proposal.id, f"Refused: {proposal.title}. {why.strip()}", at=at)
        return proposal


def withdraw(proposal_id: str, *, by: Person) -> Proposal:
    with store.writing() as db:
        proposal = _open(db, proposal_id)
        if proposal.proposer_id != by.id:
            raise Denied("Not withdrawn: only the person who proposed it can withdraw it.")
        _move(db, proposal, "open", "withdrawn")
        audit.record(db, by, "withdrew", "proposal", proposal.id, f"Withdrew: {proposal.title}.")
        return proposal


def begin_execution(db: Session, proposal_id: str, kind: str, *, at: datetime | None = None) -> tuple[Proposal, Person]:
    """Approved -> done in the executing transaction, once. Rights of both are checked again. Returns the approver too."""
    proposal = db.get_one(Proposal, proposal_id)
    if proposal.kind != kind or proposal.state != "approved":
        raise Refused(f"Not carried out: '{proposal.title}' is {proposal.state}.")
    approval = db.exec(select(Approval).where(Approval.proposal_id == proposal_id)).one()
    if (at or now()) - approval.at > HOLDS:
        raise Refused(f"Not carried out: the approval of '{proposal.title}' is older than 24 hours. Propose it again.")
    approver = db.get_one(Person, approval.approver_id)
    access.require(approver, RIGHT[kind])
    _require_another(proposal, approver)
    _require_active_proposer(db, proposal, "Not carried out")
    if not proposal.payload_sha == approval.payload_sha == payload_digest(proposal.payload):
        raise Refused(f"Not carried out: '{proposal.title}' is not what was approved. Propose it again.")
    _move(db, proposal, "approved", "done")
    return proposal, approver


def fail(proposal_id: str, why: str) -> None:
    """Carrying out ended without effect; the proposal says so."""
    with store.writing() as db:
        proposal = db.get_one(Proposal, proposal_id)
        if proposal.state == "approved":
            _move(db, proposal, "approved", "failed", why)
            audit.record(db, None, "failed", "proposal", proposal.id, f"Was not carried out: {proposal.title}. {why}")


def may_decide(proposal: Proposal, by: Person) -> str | None:
    """Why the person may not decide on it; None when they may. For screens: the verbs check by themselves."""
    if not access.may(by, RIGHT[proposal.kind]):
        return "Leads and engineers approve this."
    if by.id in proposal.authors:
        return "You proposed or built this, so somebody else has to approve it."
    return None


def waiting(*, by: Person) -> list[Proposal]:
    access.require(by, "proposal.read")
    with store.reading() as db:
        return list(db.exec(select(Proposal).where(Proposal.state == "open", col(Proposal.lapses_at) > now()).order_by(Proposal.id)))


def decided(*, by: Person, most: int = 30) -> list[Proposal]:
    access.require(by, "proposal.read")
    with store.reading() as db:
        return list(db.exec(select(Proposal).where(Proposal.state != "open").order_by(col(Proposal.id).desc()).limit(most)))


def approvers(proposals: list[Proposal]) -> dict[str, Approval]:
    """The approval of each proposal that has one."""
    with store.reading() as db:
        ids = [proposal.id for proposal in proposals]
        return {approval.proposal_id: approval for approval in db.exec(select(Approval).where(col(Approval.proposal_id).in_(ids)))}


def open_for(kind: str, **payload: Any) -> Proposal | None:
    """The proposal that already waits for the same thing."""
    digest = payload_digest(payload)
    with store.reading() as db:
        query = select(Proposal).where(Proposal.kind == kind, Proposal.state == "open", Proposal.payload_sha == digest)
        return db.exec(query.where(col(Proposal.lapses_at) > now())).first()


def _open(db: Session, proposal_id: str, at: datetime | None = None) -> Proposal:
    proposal = db.get(Proposal, proposal_id)
    if proposal is None:
        raise Refused("Nothing was decided: there is no such proposal.")
    if proposal.state == "open" and proposal.lapses_at <= (at or now()):
        raise Refused(f"Nothing was decided: '{proposal.title}' has lapsed, it waited for {WAITS.days} days. Propose it again.")
    if proposal.state != "open":
        raise Refused(f"Nothing was decided: '{proposal.title}' is already {proposal.state}{_by_whom(db, proposal)}.")
    return proposal


def _by_whom(db: Session, proposal: Proposal) -> str:
    approval = db.exec(select(Approval).where(Approval.proposal_id == proposal.id)).first()
    person = db.get(Person, approval.approver_id) if approval else None
    return f" by {person.name}" if person else ""


def _require_another(proposal: Proposal, by: Person) -> None:
    if by.id in proposal.authors:
        raise Denied(f"Not approved: {by.name} proposed or built this. A second person has to look at it.")


def _require_active_proposer(db: Session, proposal: Proposal, what_not: str) -> None:
    proposer = db.get_one(Person, proposal.proposer_id)
    if proposer.disabled_at is not None:
        raise Refused(f"{what_not}: {proposer.name}, who proposed it, is no longer active. Somebody else can propose it again.")
    access.require(proposer, PROPOSING[proposal.kind])


def _move(db: Session, proposal: Proposal, before: str, after: str, outcome: str = "") -> None:
    """Compare and set: of two who decide at once, one finds the state gone."""
    db.flush()
    moved = db.execute(
        update(Proposal).where(col(Proposal.id) == proposal.id, col(Proposal.state) == before).values(state=after, outcome=outcome)
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        db.refresh(proposal)
        raise Refused(f"Nothing was decided: '{proposal.title}' is already {proposal.state}{_by_whom(db, proposal)}.")
    db.refresh(proposal)
