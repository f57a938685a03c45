"""Acts that need a second person: proposed by one, approved by another (some by two others), carried out once.

An approval names the hash of exactly what was proposed; the database itself refuses an approver who is the proposer.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from data import access, audit, config, deputies, inbox, sealing, settings, store, tasks
from data.errors import Denied, Refused
from data.masking import masked
from data.tables import Approval, Person, Proposal
from data.values import now

WAITS = timedelta(days=14)  # a proposal nobody decides on
HOLDS = timedelta(hours=24)  # an approval nobody carries out
REMINDS = (timedelta(days=2), timedelta(days=7), timedelta(days=13))  # after which those who could decide are told again
LIGHT, HEAVY = 1, 3


@dataclass(frozen=True)
class Kind:
    """What can be proposed: whose right it is to propose and to approve, and how much hangs on it."""

    propose: str
    approve: str
    weight: int  # LIGHT: one click undoes it, so the evidence on its line is enough to decide; HEAVY: it is opened first
    then: str  # what happens after the yes, for the person who gives it


KINDS = {
    "ship_classifier": Kind("classifier.propose", "classifier.approve", LIGHT, "It goes live in a moment."),
    "ship_answerer": Kind("answerer.propose", "answerer.approve", LIGHT, "It is tried beside what is live, then goes on step by step."),
    "ship_model": Kind("model.propose", "model.approve", LIGHT, "It is asked beside the one in force, then goes on step by step."),
    "publish_articles": Kind("article.propose", "article.approve", LIGHT, "Answers may quote it in a moment; it can be gone back from."),
    "issue_token": Kind("token.propose", "token.approve", LIGHT, "The token opens from now on."),
    "issue_surface": Kind("token.propose", "token.approve", LIGHT, "Visitors of these pages can write from now on."),
    "change_gate": Kind("gate.propose", "gate.approve", HEAVY, "From now on releases must pass it."),
    "change_gold": Kind("gold.propose", "gold.approve", HEAVY, "From now on people are measured by them."),
    "grant_role": Kind("role.propose", "role.approve", HEAVY, "They have the role in a moment."),
    "change_connection": Kind("connection.propose", "connection.approve", HEAVY, "It is in force in a moment."),
    "connect_tools": Kind("tool_source.propose", "tool_source.approve", HEAVY, "It is looked at what it offers."),
    "connect_command": Kind("tool_command.propose", "tool_command.approve", HEAVY, "It is run, and looked at what it offers."),
    "approve_tools": Kind("tool_source.propose", "tool_source.approve", HEAVY, "Recipes may use them from now on."),
    "relabel": Kind("relabelling.propose", "relabelling.approve", LIGHT, "They are labelled in a moment; the proposer can take it back."),
    "publish_small": Kind("small_publication.propose", "automation.publish", LIGHT, "It runs with nothing leaving, then for some."),
    "publish_recipe": Kind("publication.propose", "publication.approve", HEAVY, "It runs with nothing leaving, then for some."),
    "act_once": Kind("refund.propose", "refund.approve", HEAVY, "It is done in a moment, and the recipe goes on."),
    "act_twice": Kind("large_refund.propose", "large_refund.approve", HEAVY, "It is done in a moment, and the recipe goes on."),
    "change_limit": Kind("limit.propose", "limit.approve", HEAVY, "From now on every recipe is held to it."),
    "change_policy": Kind("limit.propose", "limit.approve", HEAVY, "From now on machines may do so, within each recipe's own limits."),
    "restore": Kind("restore.propose", "restore.approve", HEAVY, "The backup is checked, then takes the place of what is here."),
    "emergency": Kind("emergency.propose", "emergency.approve", HEAVY, "For an hour admins may decide in the place of leads."),
}


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
    needs: int = 1,
    team_id: str | None = None,
    at: datetime | None = None,
) -> Proposal:
    """Called by the owning domain inside its own transaction, after it checked the right to propose. It is of the team whose thing it is
    about; where that is no team's, of the proposer's."""
    access.require(by, KINDS[kind].propose)
    if not why.strip():
        raise Refused("Not proposed: say in a sentence why; the approver reads it first.")
    started = at or now()
    proposal = Proposal(
        kind=kind, title=title, payload=payload, payload_sha=payload_digest(payload), proposer_id=by.id, authors=sorted({*authors, by.id}),
        why=masked(why.strip()), evidence=evidence, needs=needs, lapses_at=started + WAITS, at=started, by_person_id=by.id,
        team_id=team_id or by.team_id,
    )  # fmt: skip
    db.add(proposal)
    audit.record(db, by, "proposed", "proposal", proposal.id, f"Proposed: {title}.", at=at, after={"payload_sha": proposal.payload_sha})
    db.flush()
    if _one_person_decides(db):
        return _approve_oneself(db, proposal, by, at)
    for person in who_could_decide(db, proposal):
        _tell(db, person, "decide", proposal, f"{by.name} asks you to decide: {title}.", at)
    return proposal


def payload_digest(payload: dict[str, Any]) -> str:
    return sealing.sha(json.dumps(payload, sort_keys=True, ensure_ascii=False))


def approve(proposal_id: str, *, by: Person, note: str = "", at: datetime | None = None) -> Proposal:
    """Say yes as another person. Once enough have, a background task carries it out, and checks again."""
    with store.writing() as db:
        store.one_at_a_time(db, f"proposal {proposal_id}")
        proposal = _open(db, proposal_id, at)
        by = _as_they_are(db, by)
        _require_may_decide(db, proposal, by)
        _require_another(db, proposal, by)
        _require_active_proposer(db, proposal, "Not approved")
        if proposal.payload_sha != payload_digest(proposal.payload):
            raise Refused(f"Not approved: '{proposal.title}' was changed after it was proposed. Propose it again.")
        before = _approvals(db, proposal_id)
        if any(one.approver_id == by.id for one in before):
            raise Refused(f"Not approved again: you approved '{proposal.title}' already. It needs another person too.")
        _move(db, proposal, "open", "approved" if len(before) + 1 >= proposal.needs else "open", at=at)
        approval = Approval(
            proposal_id=proposal.id, approver_id=by.id, payload_sha=proposal.payload_sha, proposer_id=proposal.proposer_id,
            note=masked(note), at=at or now(), by_person_id=by.id,
        )  # fmt: skip
        db.add(approval)
        audit.record(db, by, "approved", "proposal", proposal.id, f"Approved: {proposal.title}.", at=at)
        if proposal.state == "approved":
            _carry_out_later(db, proposal, by, at)
        _tell_authors(db, proposal, "approved", f"{by.name} approved: {proposal.title}.", by, at)
        return proposal


def _carry_out_later(db: Session, proposal: Proposal, by: Person, at: datetime | None) -> None:
    title, key = f"Carry out: {proposal.title}", f"carry out {proposal.id}"
    tasks.later(db, "carry_out", {"proposal_id": proposal.id}, title=title, by=by, dedup_key=key, at=at)


def _one_person_decides(db: Session) -> bool:
    """Whoever set up a portal for one person may say so (PORTAL_FOUR_EYES=off). It ends with the second person's account."""
    return not config.settings().four_eyes and _active_people(db) == 1


def _active_people(db: Session) -> int:
    return db.exec(select(func.count()).where(col(Person.disabled_at).is_(None))).one()


def _approve_oneself(db: Session, proposal: Proposal, by: Person, at: datetime | None) -> Proposal:
    proposal.self_approved = True
    _move(db, proposal, "open", "approved", at=at)
    audit.record(db, by, "self-approved", "proposal", proposal.id, f"Self-approved, as nobody else works here: {proposal.title}.", at=at)
    _carry_out_later(db, proposal, by, at)
    return proposal


def refuse(proposal_id: str, *, by: Person, why: str, at: datetime | None = None) -> Proposal:
    with store.writing() as db:
        proposal = _open(db, proposal_id, at)
        by = _as_they_are(db, by)
        _require_may_decide(db, proposal, by)
        if not why.strip():
            raise Refused("Not refused: say why, so that the proposer knows what to mend.")
        why = masked(why.strip())
        _move(db, proposal, "open", "refused", why, at=at)
        audit.record(db, by, "refused", "proposal", proposal.id, f"Refused: {proposal.title}. {why}", at=at)
        _tell_authors(db, proposal, "refused", f"{by.name} refused: {proposal.title}. {why}", by, at)
        return proposal


def withdraw(proposal_id: str, *, by: Person, why: str = "", at: datetime | None = None) -> Proposal:
    with store.writing() as db:
        proposal = _open(db, proposal_id, at)
        if proposal.proposer_id != by.id or by.disabled_at is not None:
            raise Denied("Not withdrawn: only the person who proposed it can withdraw it.")
        access.require(by, "proposal.read")
        why = masked(why.strip())
        _move(db, proposal, "open", "withdrawn", why, at=at)
        audit.record(db, by, "withdrew", "proposal", proposal.id, f"Withdrew: {proposal.title}. {why}".strip(), at=at)
        return proposal


def drop(db: Session, proposal: Proposal, why: str, *, by: Person | None, at: datetime | None = None) -> None:
    """What it was about is there no more. Called by the owning domain, which checked the right."""
    if proposal.state not in ("open", "approved"):
        return
    _move(db, proposal, proposal.state, "withdrawn", why, at=at)
    audit.record(db, by, "withdrew", "proposal", proposal.id, f"Withdrew: {proposal.title}. {why}", at=at)
    _tell_authors(db, proposal, "withdrawn", f"Withdrawn: {proposal.title}. {why}", by, at)


def begin_execution(db: Session, proposal_id: str, kind: str, *, at: datetime | None = None) -> tuple[Proposal, Person]:
    """Approved -> done in the executing transaction, once. Rights of all are checked again. Returns the last approver too."""
    proposal = db.get_one(Proposal, proposal_id)
    if proposal.kind != kind or proposal.state != "approved":
        raise Refused(f"Not carried out: '{proposal.title}' is {proposal.state}.")
    if proposal.self_approved:
        return proposal, _check_self_approval(db, proposal, at)
    given = _approvals(db, proposal_id)
    if len(given) < proposal.needs:
        raise Refused(f"Not carried out: '{proposal.title}' has {len(given)} of {proposal.needs} approvals.")
    if (at or now()) - max(approval.at for approval in given) > HOLDS:
        raise Refused(f"Not carried out: the approval of '{proposal.title}' is older than 24 hours. Propose it again.")
    approvers = [db.get_one(Person, approval.approver_id) for approval in given]
    for approver in approvers:
        _require_may_decide(db, proposal, approver)
        _require_another(db, proposal, approver)
    _require_active_proposer(db, proposal, "Not carried out")
    if any(one.payload_sha != proposal.payload_sha for one in given) or proposal.payload_sha != payload_digest(proposal.payload):
        raise Refused(f"Not carried out: '{proposal.title}' is not what was approved. Propose it again.")
    _move(db, proposal, "approved", "done", at=at)
    _tell_authors(db, proposal, "done", f"Done: {proposal.title}.", None, at)
    return proposal, approvers[-1]


def _check_self_approval(db: Session, proposal: Proposal, at: datetime | None) -> Person:
    if not _one_person_decides(db):
        raise Refused(f"Not carried out: '{proposal.title}' was approved by its proposer, and more than one person works here now.")
    proposer = db.get_one(Person, proposal.proposer_id)
    _require_active_proposer(db, proposal, "Not carried out")
    if proposal.payload_sha != payload_digest(proposal.payload):
        raise Refused(f"Not carried out: '{proposal.title}' is not what was approved. Propose it again.")
    _move(db, proposal, "approved", "done", at=at)
    return proposer


def fail(proposal_id: str, why: str) -> None:
    """Carrying out ended without effect; the proposal says so."""
    with store.writing() as db:
        proposal = db.get_one(Proposal, proposal_id)
        if proposal.state == "approved":
            _move(db, proposal, "approved", "failed", why)
            audit.record(db, None, "failed", "proposal", proposal.id, f"Was not carried out: {proposal.title}. {why}")
            _tell_authors(db, proposal, "failed", f"Not carried out: {proposal.title}. {why}", None, None)


def lapse_old(*, at: datetime | None = None) -> int:
    """End what waited for 14 days, and approvals that nobody carried out within 24 hours. How many ended."""
    moment = at or now()
    with store.writing() as db:
        unused = select(Approval.proposal_id).group_by(Approval.proposal_id).having(func.max(Approval.at) < moment - HOLDS)
        late = (col(Proposal.state) == "open") & (col(Proposal.lapses_at) <= moment)
        idle = (col(Proposal.state) == "approved") & col(Proposal.id).in_(unused)
        found = list(db.exec(select(Proposal).where(late | idle)))
        for proposal in found:
            why = f"nobody decided within {WAITS.days} days" if proposal.state == "open" else "it was not carried out within 24 hours"
            _move(db, proposal, proposal.state, "lapsed", why, at=at)
            audit.record(db, None, "lapsed", "proposal", proposal.id, f"Lapsed, {why}: {proposal.title}.", at=at)
            _tell_authors(db, proposal, "lapsed", f"Lapsed, {why}: {proposal.title}. You can propose it again.", None, at)
        return len(found)


def remind(*, at: datetime | None = None) -> int:
    """Tell those who could decide what still waits, after two, seven and thirteen days. How many proposals were named."""
    moment, reminded = at or now(), 0
    with store.writing() as db:
        for proposal in db.exec(select(Proposal).where(Proposal.state == "open", col(Proposal.lapses_at) > moment)):
            days = max((after.days for after in REMINDS if moment - proposal.at >= after), default=0)
            if not days:
                continue
            reminded += 1
            left = (proposal.lapses_at - moment).days
            for person in who_could_decide(db, proposal, at=moment):
                told = f"Still waits for a second person, {left} days left: {proposal.title}."
                _tell(db, person, f"reminder {days}", proposal, told, at)
    return reminded


def who_could_decide(db: Session, proposal: Proposal, *, at: datetime | None = None) -> list[Person]:
    """Everybody active who may say yes to it, deputies included."""
    active = db.exec(select(Person).where(col(Person.disabled_at).is_(None)).order_by(Person.name)).all()
    asked = set(db.exec(select(Approval.approver_id).where(Approval.proposal_id == proposal.id)).all()) | set(proposal.authors)
    able = (person for person in active if person.id not in asked and _may_decide(db, proposal, person, at))
    return [person for person in able if _let_in(db, proposal, person) is None]


def nobody_can(proposal: Proposal) -> str | None:
    """Said at once, not after two weeks: when nobody who works here may approve it."""
    with store.reading() as db:
        given, able = len(_approvals(db, proposal.id)), len(who_could_decide(db, proposal))
    if given + able >= proposal.needs:
        return None
    roles = " or ".join(access.a(role) for role in access.TABLE[KINDS[proposal.kind].approve])
    return f"Nobody who works here can approve this: it needs {roles} who neither proposed nor built it."


def may_decide(proposal: Proposal, by: Person) -> str | None:
    """Why the person may not decide on it; None when they may. For screens: the verbs check by themselves."""
    if by.id in proposal.authors:
        return "You proposed or built this, so somebody else has to approve it."
    with store.reading() as db:
        if not _may_decide(db, proposal, by):
            roles = " and ".join(f"{role}s" for role in access.TABLE[KINDS[proposal.kind].approve])
            return f"{roles.capitalize()} approve this."
        if other := _let_in(db, proposal, by):
            return f"One of you and {other} gave the other their way in, so somebody else has to approve it."
        if any(one.approver_id == by.id for one in _approvals(db, proposal.id)):
            return "You approved this. It needs another person too."
    return None


def _may_decide(db: Session, proposal: Proposal, by: Person, at: datetime | None = None) -> bool:
    right = KINDS[proposal.kind].approve
    reach = access.reach(by, right)
    if reach is None:  # no bypass: in an emergency that two admins declared, admins stand in for leads, and never for themselves
        stands_in = by.role == access.ADMIN and by.disabled_at is None and by.scopes is None and proposal.kind != "emergency"
        return stands_in and settings.emergency_until(db, at=at) is not None
    return reach == access.ALL or proposal.team_id in (None, by.team_id) or proposal.team_id in deputies.teams_of(db, by, at=at)


def _as_they_are(db: Session, by: Person) -> Person:
    """The person now, not as somebody remembers them. A program never decides, and the console is nobody."""
    known = db.get(Person, by.id, populate_existing=True)
    if known is None or by.scopes is not None:
        raise Denied("Not done: only a person who is signed in decides on a proposal.")
    return known if by.disabled_at is None else by


def _require_may_decide(db: Session, proposal: Proposal, by: Person) -> None:
    if not _may_decide(db, proposal, by):
        access.require(by, KINDS[proposal.kind].approve, team_id=proposal.team_id)
        raise Denied("Not done: this proposal is not yours to decide.")


def waiting(*, by: Person) -> list[Proposal]:
    """What waits, the heaviest first, then the oldest."""
    access.require(by, "proposal.read")
    with store.reading() as db:
        found = list(db.exec(select(Proposal).where(Proposal.state == "open", col(Proposal.lapses_at) > now()).order_by(Proposal.id)))
    return sorted(found, key=lambda proposal: -KINDS[proposal.kind].weight)


def waiting_count() -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).where(Proposal.state == "open", col(Proposal.lapses_at) > now())).one()


def decided(*, by: Person, most: int = 30) -> list[Proposal]:
    access.require(by, "proposal.read")
    with store.reading() as db:
        return list(db.exec(select(Proposal).where(Proposal.state != "open").order_by(col(Proposal.id).desc()).limit(most)))


def get(proposal_id: str, *, by: Person) -> Proposal | None:
    access.require(by, "proposal.read")
    with store.reading() as db:
        return db.get(Proposal, proposal_id)


def approvers(proposals: list[Proposal]) -> dict[str, list[Approval]]:
    """The approvals of each proposal that has any, first to last."""
    with store.reading() as db:
        ids = [proposal.id for proposal in proposals]
        found: dict[str, list[Approval]] = {}
        for approval in db.exec(select(Approval).where(col(Approval.proposal_id).in_(ids)).order_by(Approval.id)):
            found.setdefault(approval.proposal_id, []).append(approval)
        return found


def open_for(kind: str, **payload: Any) -> Proposal | None:
    """The proposal that already waits for the same thing."""
    digest = payload_digest(payload)
    with store.reading() as db:
        query = select(Proposal).where(Proposal.kind == kind, Proposal.state == "open", Proposal.payload_sha == digest)
        return db.exec(query.where(col(Proposal.lapses_at) > now())).first()


def _approvals(db: Session, proposal_id: str) -> list[Approval]:
    return list(db.exec(select(Approval).where(Approval.proposal_id == proposal_id).order_by(Approval.id)))


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
    given = _approvals(db, proposal.id)
    names = [person.name for approval in given if (person := db.get(Person, approval.approver_id))]
    return f" by {' and '.join(names)}" if names else ""


def _require_another(db: Session, proposal: Proposal, by: Person) -> None:
    if by.id in proposal.authors:
        raise Denied(f"Not approved: {by.name} proposed or built this. A second person has to look at it.")
    if other := _let_in(db, proposal, by):
        raise Denied(
            f"Not approved: one of {by.name} and {other} gave the other their way into the portal. Somebody else has to look at it."
        )


def _let_in(db: Session, proposal: Proposal, by: Person) -> str | None:
    """Where much hangs on it: an author whose account the approver opened, or who opened the approver's. One of them could be both."""
    if KINDS[proposal.kind].weight < HEAVY:
        return None
    authors = [author for author_id in proposal.authors if (author := db.get(Person, author_id))]
    return next((author.name for author in authors if author.let_in_by == by.id or by.let_in_by == author.id), None)


def _require_active_proposer(db: Session, proposal: Proposal, what_not: str) -> None:
    proposer = db.get_one(Person, proposal.proposer_id)
    if proposer.disabled_at is not None:
        raise Refused(f"{what_not}: {proposer.name}, who proposed it, is no longer active. Somebody else can propose it again.")
    access.require(proposer, KINDS[proposal.kind].propose)


def _tell(db: Session, person: Person, event: str, proposal: Proposal, sentence: str, at: datetime | None) -> None:
    inbox.tell(db, person.id, "approval", sentence, page=f"approvals?proposal={proposal.id}", key=f"{event} {proposal.id}", at=at)


def _tell_authors(db: Session, proposal: Proposal, event: str, sentence: str, by: Person | None, at: datetime | None) -> None:
    for author_id in proposal.authors:
        author = db.get(Person, author_id)
        if author is not None and author.disabled_at is None and (by is None or author.id != by.id):
            _tell(db, author, event if by is None else f"{event} by {by.id}", proposal, sentence, at)


def _move(db: Session, proposal: Proposal, before: str, after: str, outcome: str = "", *, at: datetime | None = None) -> None:
    """Compare and set: of two who decide at once, one finds the state gone."""
    db.flush()
    decided_at = {"decided_at": at or now()} if after != "open" else {}
    moved = db.execute(
        update(Proposal)
        .where(col(Proposal.id) == proposal.id, col(Proposal.state) == before)
        .values(state=after, outcome=outcome, **decided_at)
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        db.refresh(proposal)
        raise Refused(f"Nothing was decided: '{proposal.title}' is already {proposal.state}{_by_whom(db, proposal)}.")
    db.refresh(proposal)
    if before == "open" and after != "open":
        inbox.settle(db, "approval", f"approvals?proposal={proposal.id}")
