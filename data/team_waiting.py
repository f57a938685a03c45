"""What waits on the people of a team, and for how long: each from when it began to wait. Nobody is named."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, exists, or_
from sqlmodel import Session, col, func, select

from data import access, approvals, disputes, queue, standing, store, team_view
from data.tables import Assignment, Conversation, Dispute, Draft, Example, Pattern, Person, ProductFeedback, Proposal, QueueReason, Review
from data.team_view import Whose
from data.values import now

KINDS = ("asked", "noticed", "drafts", "flags", "disputes", "gaps", "patterns", "proposals", "feedback")
OPEN, GAP, NOTED = "open", "gap", "noted"
OLDEST = 8  # rows of a kind that are named


@dataclass(frozen=True)
class One:
    """A thing that waits: a conversation, a proposal, a pattern, whatever its kind is about."""

    id: str
    since: datetime


@dataclass(frozen=True)
class Waits:
    kind: str  # see KINDS
    count: int
    median: timedelta | None  # None: nothing waits
    oldest: timedelta | None
    first: tuple[One, ...] = ()  # those that wait longest


def waiting(*, by: Person, team_id: str | None = None, at: datetime | None = None) -> list[Waits]:
    """In the order of KINDS; of each kind how many wait, half of them for how long, and the oldest."""
    looked, moment = team_view.whose(by=by, team_id=team_id), at or now()
    with store.reading() as db:
        found = {
            "asked": _asked(db, looked), "noticed": _noticed(db, looked), "drafts": _drafts(db, looked), "flags": _flags(db, looked),
            "disputes": _disputes(db, looked), **_patterns(db, looked), "proposals": _proposals(db, looked, moment),
            "feedback": _feedback(db, looked),
        }  # fmt: skip
    return [_told(kind, found[kind], moment) for kind in KINDS]


def longest(found: Iterable[Waits]) -> Waits | None:
    """The kind whose oldest has waited longest; None: nothing waits."""
    return max((one for one in found if one.oldest is not None), key=lambda one: (one.oldest or timedelta(), one.count), default=None)


def _told(kind: str, found: Iterable[One], moment: datetime) -> Waits:
    ones = sorted(found, key=lambda one: (one.since, one.id))
    if not ones:
        return Waits(kind, 0, None, None)
    ages = [max(moment - one.since, timedelta()).total_seconds() for one in ones]
    return Waits(kind, len(ones), timedelta(seconds=median(ages)), timedelta(seconds=max(ages)), tuple(ones[:OLDEST]))


def _theirs(looked: Whose) -> tuple[ColumnElement[bool], ...]:
    return looked.within(Conversation.team_id), col(Conversation.hidden_at).is_(None)


def _judged(column: Any) -> ColumnElement[bool]:
    said = (col(Review.conversation_id) == col(Conversation.id), col(Review.by_person_id) == column)
    return exists().where(*said, standing.stands())


# -- conversations ------------------------------------------------------------------------------------------------------------------------


def _asked(db: Session, looked: Whose) -> list[One]:
    """Somebody asked somebody to look. It ends with that person's review; a conversation that two were asked for waits once."""
    query = select(Conversation.id, func.min(Assignment.at)).join(Assignment, col(Assignment.conversation_id) == col(Conversation.id))
    query = query.where(*_theirs(looked), ~_judged(col(Assignment.person_id))).group_by(col(Conversation.id))
    return [One(*row) for row in db.exec(query)]


def _noticed(db: Session, looked: Whose) -> list[One]:
    """Something asks for a look: a second one, a disagreement, a bad score, a pattern. As the queue of Review has it."""
    still = or_(~col(Conversation.reviewed), col(QueueReason.kind).not_in(queue.ENDED_KINDS))
    query = select(Conversation.id, func.min(QueueReason.at)).join(QueueReason, col(QueueReason.conversation_id) == col(Conversation.id))
    return [One(*row) for row in db.exec(query.where(*_theirs(looked), still).group_by(col(Conversation.id)))]


def _drafts(db: Session, looked: Whose) -> list[One]:
    query = select(Conversation.id, func.min(Draft.at)).join(Draft, col(Draft.conversation_id) == col(Conversation.id))
    return [One(*row) for row in db.exec(query.where(*_theirs(looked)).group_by(col(Conversation.id)))]


def _flags(db: Session, looked: Whose) -> list[One]:
    """Held up as an example for a set that was not frozen since."""
    query = select(Example.conversation_id, Example.at).join(Conversation, col(Conversation.id) == col(Example.conversation_id))
    loose = (Example.use == "loose", col(Example.eval_set_id).is_not(None))
    return [One(*row) for row in db.exec(query.where(*_theirs(looked), *loose))]


def _disputes(db: Session, looked: Whose) -> list[One]:
    """Since the review by which two first saw it differently; where it was decided before, since it was opened again."""
    found = {one.conversation_id: one for one in disputes.open_ones(by=_eyes(looked))}
    theirs = set(_among(db, looked, list(found)))
    decided: dict[str, datetime] = dict(
        db.exec(
            select(Dispute.conversation_id, func.max(Dispute.at))
            .where(col(Dispute.conversation_id).in_(theirs))
            .group_by(col(Dispute.conversation_id))
        ).all()
    )
    return [One(made, _differed(one, decided.get(made))) for made, one in found.items() if made in theirs]


def _differed(one: disputes.Open, decided: datetime | None) -> datetime:
    since = next(
        (review.at for place, review in enumerate(one.said) if queue.differ(one.said[: place + 1])), one.said[-1].at
    )  # fmt: skip
    later = [review.at for review in one.said if decided and review.at > decided]
    return max(since, min(later)) if later else since


def _eyes(looked: Whose) -> Person:
    """Nobody in particular, who sees just that: an admin may count what leads settle, and settles nothing."""
    role = access.ENGINEER if looked.of_all else access.LEAD
    return Person(id="", name="", email="", role=role, team_id=None if looked.of_all else looked.team_id or looked.by.team_id)


def _among(db: Session, looked: Whose, ids: list[str]) -> Iterator[str]:
    for start in range(0, len(ids), 500):
        query = select(Conversation.id).where(col(Conversation.id).in_(ids[start : start + 500]), *_theirs(looked))
        yield from db.exec(query)


# -- what is about more than one conversation ---------------------------------------------------------------------------------------------


def _patterns(db: Session, looked: Whose) -> dict[str, list[One]]:
    """Of those that touch its conversations, and of gaps those that touch nobody's: they were asked by people."""
    found = db.exec(select(Pattern).where(Pattern.state == OPEN)).all()
    theirs = set(_among(db, looked, sorted({one for pattern in found for one in pattern.conversation_ids})))
    told: dict[str, list[One]] = {"gaps": [], "patterns": []}
    for pattern in found:
        if theirs.intersection(pattern.conversation_ids) or (pattern.kind == GAP and not pattern.conversation_ids):
            told["gaps" if pattern.kind == GAP else "patterns"].append(One(pattern.id, pattern.at))
    return told


def _proposals(db: Session, looked: Whose, moment: datetime) -> list[One]:
    """Those that somebody of the team may decide."""
    found = db.exec(select(Proposal).where(Proposal.state == "open", col(Proposal.lapses_at) > moment)).all()
    return [One(one.id, one.at) for one in found if looked.of_all or any(map(looked.has, approvals.who_could_decide(db, one)))]


def _feedback(db: Session, looked: Whose) -> list[One]:
    """Written up, and not handed to a product team yet."""
    theirs = (ProductFeedback.state == NOTED, col(ProductFeedback.taken_back_at).is_(None), looked.within(ProductFeedback.team_id))
    return [One(*row) for row in db.exec(select(ProductFeedback.id, ProductFeedback.at).where(*theirs))]
