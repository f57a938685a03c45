"""What a person found in a conversation. A correction is a new review that names the old one."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from data import access, audit, conversations, drafts, glance, labels, queue, store
from data.errors import Refused
from data.masking import masked
from data.tables import Person, Review
from data.values import now

CHANNELS = {"chat": "a chat", "email": "an e-mail", "voice": "a call"}
VERDICTS = ("strong", "weak", "none")
LONGEST = 20_000


def record(
    conversation_id: str,
    verdict: str,
    *,
    by: Person,
    label_id: str | None = None,
    reply: str = "",
    note: str = "",
    seconds: float | None = None,
    seq: int | None = None,
    at: datetime | None = None,
) -> Review:
    """Keep the review. Another of the same person on the same conversation corrects their first."""
    if verdict not in VERDICTS:
        raise Refused("Not saved: say whether the answer was strong, weak or neither.")
    if max(len(reply), len(note)) > LONGEST:
        raise Refused(f"Not saved: a reply or note may have {LONGEST:,} characters, this one has {max(len(reply), len(note)):,}.")
    # cards and addresses are masked here as they are at the door; NUL is pasted along, and PostgreSQL cannot keep it
    reply, note = (masked(text.replace("\0", "")) for text in (reply, note))
    with store.writing() as db:
        conversation = conversations.within_reach(db, conversation_id, "review.record", by=by)
        label = labels.in_use(db, label_id)
        if label_id and label is None:
            raise Refused("Not saved: that intent is no longer in use. Choose another.")
        earlier = _last_of(db, conversation_id, by)
        review = Review(
            conversation_id=conversation_id,
            seq=seq or _last_seq(db, conversation_id),
            verdict=verdict,
            label_id=label_id,
            reply=reply.strip(),
            note=note.strip(),
            seconds=seconds,
            replaces_review_id=earlier.id if earlier else None,
            at=at or now(),
            by_person_id=by.id,
        )
        db.add(review)
        db.flush()
        glance.refresh(db, [conversation_id])
        drafts.forget(db, conversation_id, by=by)
        queue.let_go(db, conversation_id, by=by)
        intent = f" as {label.name}" if label else ""
        said = {"strong": "strong", "weak": "weak", "none": "neither strong nor weak"}[verdict]
        audit.record(
            db,
            by,
            "corrected" if earlier else "reviewed",
            "review",
            review.id,
            f"Reviewed {CHANNELS[conversation.channel]}{intent}: {said}.",
            at=at,
        )
        return review


def _last_of(db: Session, conversation_id: str, by: Person) -> Review | None:
    query = select(Review).where(Review.conversation_id == conversation_id, Review.by_person_id == by.id)
    return db.exec(query.order_by(col(Review.at).desc(), col(Review.id).desc())).first()


def _last_seq(db: Session, conversation_id: str) -> int:
    found = conversations.messages_of(db, conversation_id)
    return found[-1].seq if found else 1


def of_conversation(conversation_id: str, *, by: Person) -> list[Review]:
    """The reviews of a conversation within reach, newest first."""
    if conversations.get(conversation_id, by=by) is None:
        return []
    with store.reading() as db:
        return list(db.exec(select(Review).where(Review.conversation_id == conversation_id).order_by(col(Review.at).desc())))


def standing(db: Session) -> dict[str, Review]:
    """Of each conversation the review that counts: the last one said."""
    return {review.conversation_id: review for review in db.exec(select(Review).order_by(col(Review.at), col(Review.id)))}


@dataclass(frozen=True)
class Tally:
    reviewed: int
    labelled: int


def tally(*, by: Person, since: datetime) -> Tally:
    """What the person did lately."""
    access.require(by, "conversation.read")
    with store.reading() as db:
        query = select(func.count(), func.count(col(Review.label_id))).where(Review.by_person_id == by.id, Review.at >= since)
        reviewed, labelled = db.exec(query).one()
    return Tally(reviewed, labelled)


def labelled_count() -> int:
    """How many conversations carry an intent that a person gave."""
    with store.reading() as db:
        return db.exec(select(func.count(func.distinct(Review.conversation_id))).where(col(Review.label_id).is_not(None))).one()
