"""What people see differently, and how a lead settles it: with a reason, told to those who differed, as a review that counts last."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from sqlmodel import Session, col, func, or_, select

from data import access, agreements, audit, conversations, deeds, inbox, labels, queue, reviews, standing, store
from data.errors import Denied, Refused
from data.masking import masked
from data.tables import Conversation, Dispute, Person, Review
from data.values import now

LONGEST = 500
SETTLED = "Settled what people saw differently."
WORST = ("strong", "weak")  # the two verdicts that contradict each other


@dataclass(frozen=True)
class Open:
    """A conversation that people see differently, and nobody settled it since."""

    conversation_id: str
    pair: tuple[str, str]  # two intents by their ids, or strong and weak
    said: tuple[Review, ...]  # first to last


def open_ones(*, by: Person) -> list[Open]:
    """Within reach; what is taken for each other most often comes first, and of that what was said last."""
    reach = access.require(by, "agreement.read")
    with store.reading() as db:
        said = _said(db, _suspects(db, reach, by))
    differing = {made: theirs for made, theirs in said.items() if _is_open(theirs)}
    pairs = {made: _pairs(own_words(theirs)) for made, theirs in differing.items()}
    often = Counter(pair for found in pairs.values() for pair in found)
    chosen = {made: max(found, key=lambda pair: (often[pair], pair)) for made, found in pairs.items()}
    total = Counter(chosen.values())
    return sorted(
        (Open(made, chosen[made], tuple(own_words(theirs))) for made, theirs in differing.items()),
        key=lambda one: (-total[one.pair], one.pair, -one.said[-1].at.timestamp(), one.conversation_id),
    )


def settle(conversation_id: str, verdict: str, label_id: str | None, reason: str, *, by: Person, guideline_label_id: str | None = None,
           at: datetime | None = None) -> Dispute:  # fmt: skip
    """Decide, and say why. The decision is the lead's own review: one undo takes it back, and the difference is open again."""
    reason = masked(reason.strip().replace("\0", ""))
    if not reason:
        raise Refused("Not settled: say in a sentence why; those who saw it differently read it.")
    if len(reason) > LONGEST:
        raise Refused(f"Not settled: the reason may have {LONGEST} characters, this one has {len(reason):,}.")
    with store.writing() as db, deeds.in_one(db, SETTLED, by=by, at=at):
        conversation = conversations.within_reach(db, conversation_id, "dispute.settle", by=by)
        store.one_at_a_time(db, f"dispute {conversation_id}")
        said = standing.of(db, conversation_id)
        _refuse_unless_open(db, said, by)
        dispute = Dispute(
            conversation_id=conversation_id, verdict=verdict, label_id=label_id, reason=reason, at=at or now(), by_person_id=by.id,
            review_ids=[review.id for review in said], guideline_label_id=guideline_label_id,
        )  # fmt: skip
        reviews.record(conversation_id, verdict, by=by, label_id=label_id, note=reason, settled_by=dispute.id, at=at)
        db.add(dispute)
        db.flush()
        decision = _in_words(db, dispute)
        audit.record(db, by, "settled", "dispute", dispute.id, f"Settled what people saw differently: {decision}. {reason}", at=at)
        for review in own_words(said):
            _tell(db, review.by_person_id or "", f"{by.name} settled what {_others(db, said, review)} saw differently: it is {decision}, "
                  f"because: {reason}", conversation, dispute, at)  # fmt: skip
        return dispute


def settled(*, by: Person, most: int = 20) -> list[Dispute]:
    """The latest decisions that still stand, within reach, newest first."""
    reach = access.require(by, "agreement.read")
    standing_ids = select(Review.settled_by_dispute_id).where(col(Review.settled_by_dispute_id).is_not(None), standing.stands())
    mine = (access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None))
    query = select(Dispute).where(col(Dispute.id).in_(standing_ids), col(Dispute.conversation_id) == col(Conversation.id), *mine)
    with store.reading() as db:
        return list(db.exec(query.order_by(col(Dispute.at).desc(), col(Dispute.id).desc()).limit(most)))


def own_words(said: Sequence[Review]) -> list[Review]:
    """What people said themselves: a decision is nobody's own word."""
    return [review for review in said if not review.settled_by_dispute_id]


def _is_open(said: Sequence[Review]) -> bool:
    """They differ, and the last decision, if there is one, did not know all of what stands now."""
    theirs = own_words(said)
    if len({review.by_person_id for review in theirs}) < 2 or not queue.differ(theirs):
        return False
    decided = [review.at for review in said if review.settled_by_dispute_id]
    return not decided or max(review.at for review in theirs) > max(decided)


def _refuse_unless_open(db: Session, said: Sequence[Review], by: Person) -> None:
    theirs = own_words(said)
    if any(review.by_person_id == by.id for review in theirs) and queue.differ(theirs):
        two = "one of the two" if len(theirs) == 2 else f"one of the {len(theirs)}"
        raise Denied(
            f"Not settled: you are {two} who see it differently. Another lead decides, or one of you corrects their review after a talk."
        )
    if not _is_open(said):
        decision = next((review for review in said if review.settled_by_dispute_id), None)
        whom = db.get(Person, decision.by_person_id) if decision else None
        raise Refused(
            f"Not settled again: {whom.name} decided on it already." if whom else "Not settled: nobody sees this one differently any more."
        )


def _suspects(db: Session, reach: str, by: Person) -> list[str]:
    """Conversations of which not everybody said the same; what of that contradicts is told by queue.differ alone."""
    intents = func.count(func.distinct(Review.label_id))
    verdicts = func.count(func.distinct(Review.verdict))
    several = func.count(func.distinct(Review.by_person_id)) > 1
    query = select(Review.conversation_id).where(*agreements.counted(reach, by)).group_by(Review.conversation_id)
    return list(db.exec(query.having(several, or_(intents > 1, verdicts > 1))).all())


def _said(db: Session, ids: Sequence[str]) -> dict[str, list[Review]]:
    found: defaultdict[str, list[Review]] = defaultdict(list)
    for start in range(0, len(ids), 500):
        query = select(Review).where(col(Review.conversation_id).in_(ids[start : start + 500]), standing.stands())
        for review in db.exec(query.order_by(col(Review.at), col(Review.id))):
            found[review.conversation_id].append(review)
    return found


def _pairs(theirs: Sequence[Review]) -> list[tuple[str, str]]:
    """What is taken for what: intents where they differ, else strong and weak."""
    intents = sorted({review.label_id for review in theirs if review.label_id})
    return list(combinations(intents, 2)) or [WORST]


def _in_words(db: Session, dispute: Dispute) -> str:
    label = labels.in_use(db, dispute.label_id)
    verdict = reviews.VERDICTS[dispute.verdict]
    return f"'{label.name}', {verdict}" if label else verdict


def _others(db: Session, said: Sequence[Review], mine: Review) -> str:
    ids = {review.by_person_id for review in own_words(said)} - {mine.by_person_id}
    names = sorted(db.exec(select(Person.name).where(col(Person.id).in_(ids))))
    return f"you and {' and '.join(names)}"


def _tell(db: Session, person_id: str, sentence: str, conversation: Conversation, dispute: Dispute, at: datetime | None) -> None:
    """Whoever left, or moved to another team, is not told."""
    person = db.get(Person, person_id)
    reach = access.reach(person, "conversation.read") if person else None
    if person and (reach == access.ALL or (reach and conversation.team_id in (None, person.team_id))):
        page = f"conversation?conversation={conversation.id}"
        inbox.tell(db, person.id, "moved", sentence, page=page, key=f"settled {dispute.id}", at=at)
