"""What a person found in a conversation. A correction is a new review that names the old one, and so is taking it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import Session, col, func, select

from data import access, audit, conversations, deeds, drafts, glance, labels, queue, rubric, standing, store
from data.errors import Refused
from data.masking import masked
from data.tables import Conversation, Message, Person, Review
from data.values import now

CHANNELS = {"chat": "a chat", "email": "an e-mail", "voice": "a call"}
VERDICTS = {"strong": "strong", "weak": "weak", "none": "neither strong nor weak"}
LONGEST = 20_000


def record(
    conversation_id: str,
    verdict: str,
    *,
    by: Person,
    label_id: str | None = None,
    reply: str = "",
    note: str = "",
    marks: dict[str, str] | None = None,
    seconds: float | None = None,
    seq: int | None = None,
    settled_by: str | None = None,
    at: datetime | None = None,
) -> Review:
    """Keep the review. Another of the same person on the same conversation corrects their first. `marks` answer the rubric."""
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
        asked = rubric.current()
        earlier = standing.last_of(db, conversation_id, by.id)
        review = Review(
            conversation_id=conversation_id, seq=seq or _last_seq(db, conversation_id), verdict=verdict, label_id=label_id,
            reply=reply.strip(), note=note.strip(), rubric=rubric.checked(marks, asked), seconds=seconds,
            replaces_review_id=earlier.id if earlier else None, settled_by_dispute_id=settled_by, at=at or now(), by_person_id=by.id,
        )  # fmt: skip
        intent = f" as {label.name}" if label else ""
        said = f"Reviewed {CHANNELS[conversation.channel]}{intent}: {VERDICTS[verdict]}."
        _keep(db, review, asked, by)
        deeds.remember(db, said, "review", review.id, by=by, at=at)
        drafts.forget(db, conversation_id, by=by)
        queue.let_go(db, conversation_id, by=by)
        corrects = earlier is not None and not earlier.withdrawn
        audit.record(db, by, "corrected" if corrects else "reviewed", "review", review.id, said, at=at)
        return review


def name(conversation_id: str, label_id: str, *, by: Person, at: datetime | None = None) -> Review:
    """What it is about, and nothing new of how it was answered: what this person said of that before stays."""
    before = mine(conversation_id, by=by)
    if before is None:
        return record(conversation_id, "none", by=by, label_id=label_id, at=at)
    marks = before.rubric["said"] if before.rubric else None
    return record(
        conversation_id, before.verdict, by=by, label_id=label_id, reply=before.reply, note=before.note, marks=marks, at=at
    )  # fmt: skip


def since(conversation_ids: Sequence[str], moment: datetime) -> set[str]:
    """Those of them that somebody reviewed later than that."""
    query = select(Review.conversation_id).where(col(Review.conversation_id).in_(conversation_ids), Review.at > moment)
    with store.reading() as db:
        return set(db.exec(query))


def _keep(db: Session, review: Review, asked: rubric.Rubric, by: Person) -> None:
    """Write it, and what follows from it: the conversation's intent, and whether somebody else should look too."""
    db.add(review)
    db.flush()
    glance.refresh(db, [review.conversation_id])
    queue.look_again(db, standing.of(db, review.conversation_id), review.conversation_id, asked.wants(review.conversation_id))


def take_back(db: Session, review_id: str, *, by: Person, at: datetime | None = None) -> None:
    """What was said before holds again, or nothing; what was typed is a draft again. Called by undo.py."""
    review = db.get(Review, review_id)
    if review is None or review.by_person_id != by.id:
        raise Refused("Not undone: there is no such review of yours.")
    conversation = conversations.within_reach(db, review.conversation_id, "review.record", by=by)
    last = standing.last_of(db, review.conversation_id, by.id)
    if last is None or last.id != review_id or review.withdrawn:
        raise Refused("Not undone: you have corrected that review since. Open it and correct it again.")
    before = db.get(Review, review.replaces_review_id) if review.replaces_review_id else None
    again = standing.as_before(review, before, by_id=by.id, at=at or now())
    _keep(db, again, rubric.current(), by)
    audit.record(db, by, "took back", "review", again.id, f"Took back the review of {CHANNELS[conversation.channel]}.", at=at)


def as_draft(review: Review) -> dict[str, object]:
    """What was typed in it, so that taking it back loses nothing."""
    said = {"verdict": review.verdict, "label_id": review.label_id or "", "reply": review.reply, "note": review.note}
    return said | ({"marks": review.rubric["said"]} if review.rubric else {})


# written once: it is asked with each review
LAST_SEQ = select(func.max(Message.seq)).where(col(Message.conversation_id) == bindparam("made"))


def _last_seq(db: Session, conversation_id: str) -> int:
    return db.execute(LAST_SEQ, {"made": conversation_id}).scalar() or 1


def of_conversation(conversation_id: str, *, by: Person) -> list[Review]:
    """What people say of a conversation within reach, newest first; one's own alone as long as one should judge without the others'."""
    if conversations.get(conversation_id, by=by) is None:
        return []
    hidden = is_blind(conversation_id, by=by)
    with store.reading() as db:
        found = standing.of(db, conversation_id)
    return [review for review in reversed(found) if review.by_person_id == by.id or not hidden]


def mine(conversation_id: str, *, by: Person) -> Review | None:
    """What this person says of it."""
    access.require(by, "conversation.read")
    with store.reading() as db:
        found = standing.last_of(db, conversation_id, by.id)
    return found if found and not found.withdrawn else None


def is_blind(conversation_id: str, *, by: Person) -> bool:
    """Whether the machine's word and the others' stay hidden from this person: several are to judge it, each for themselves."""
    if not access.may(by, "review.record"):
        return False
    with store.reading() as db:
        wanted = rubric.current().doubles(conversation_id) or queue.wants_another(db, conversation_id)
        return wanted and mine(conversation_id, by=by) is None


def last_said(db: Session) -> dict[str, Review]:
    """Of each conversation the review that counts: the last one said."""
    query = select(Review).where(standing.stands()).order_by(col(Review.at), col(Review.id))
    return {review.conversation_id: review for review in db.exec(query)}


@dataclass(frozen=True)
class Tally:
    reviewed: int
    labelled: int


def tally(*, by: Person, since: datetime) -> Tally:
    """What the person did lately."""
    access.require(by, "conversation.read")
    with store.reading() as db:
        query = select(func.count(), func.count(col(Review.label_id))).where(Review.by_person_id == by.id, Review.at >= since)
        reviewed, labelled = db.exec(query.where(standing.stands())).one()
    return Tally(reviewed, labelled)


def labelled_count() -> int:
    """How many conversations carry an intent that a person gave."""
    with store.reading() as db:
        query = select(func.count()).where(col(Conversation.reviewed), col(Conversation.intent_id).is_not(None))
        return db.exec(query).one()
