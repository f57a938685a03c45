"""Answers from what is published: to a colleague who asks, to a customer as a suggested reply. What becomes of each is kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

from sqlmodel import Session, col, select

from data import access, conversations, releases, store, traces
from data.errors import Refused
from data.masking import masked
from data.tables import Conversation, Person, Trace
from data.values import LIVE, RUN, SHADOW, Subject, Target, now
from knowledge import ANSWERER, answerers
from knowledge.answerers import Message

LONGEST = 2_000  # characters of a question
LATELY = 8
FRESH = timedelta(days=1)  # what came before that is history
OUTCOMES = {  # of an answer to a colleague
    "helped": "You said that it helped.",
    "refused": "You said that it is wrong. It counts towards a gap.",
    "missing": "You said that it is missing. It counts towards a gap; somebody will write it.",
}
OF_SUGGESTIONS = ("accepted", "edited", "refused")


def ask(question: str, *, by: Person, at: datetime | None = None) -> Trace:
    """A colleague asks for themselves: what is for staff only may be quoted too."""
    access.require(by, "knowledge.ask")
    text = masked(" ".join(question.replace("\0", "").split()))
    if not text:
        raise Refused("Nothing was asked: write a question.")
    if len(text) > LONGEST:
        raise Refused(f"Nothing was asked: a question has at most {LONGEST:,} characters, this one has {len(text):,}. Ask the heart of it.")
    target = answerers.target_in_force()
    said, steps = _said(target, [{"role": "customer", "text": text}], for_staff=True)
    with store.writing() as db:
        return traces.answered(db, target, {"question": text, **said}, steps, by=by, mode=RUN, at=at)


def for_customer(messages: Sequence[Message], *, key: str = "", by: Person, at: datetime | None = None) -> Trace:
    """A program asks for a customer: what is for staff only is never quoted. With a key, the same version answers the same customer."""
    access.require(by, "knowledge.ask")
    force = releases.in_force(ANSWERER, answerers.NAME, at)
    target = (force.answers(key) if key else releases.target_of(force.live)) if force else answerers.PLAIN
    said, steps = _said(target, messages)
    with store.writing() as db:
        return traces.answered(db, target, said | {"question": masked(said["question"])}, steps, by=by, mode=LIVE, at=at)


def get(trace_id: str, *, by: Person) -> Trace | None:
    """One's own question, or what was suggested for a conversation within reach."""
    access.require(by, "knowledge.ask")
    with store.reading() as db:
        trace = db.get(Trace, trace_id) if trace_id else None
    if trace is None or trace.target_kind != ANSWERER:
        return None
    if trace.conversation_id:
        return trace if conversations.reachable([trace.conversation_id], by=by) else None
    return trace if trace.by_person_id == by.id else None


def mine(*, by: Person) -> list[Trace]:
    """What one asked lately, newest first."""
    access.require(by, "knowledge.ask")
    query = select(Trace).where(Trace.target_kind == ANSWERER, Trace.mode == RUN, Trace.by_person_id == by.id, col(Trace.said).is_not(None))
    with store.reading() as db:
        return list(db.exec(query.order_by(col(Trace.at).desc(), col(Trace.id).desc()).limit(LATELY)))


def decide(trace_id: str, outcome: str, *, by: Person, better: str = "", at: datetime | None = None) -> Trace:
    """What came of it: it helped, it is wrong, it is missing; of a suggested reply: accepted, edited, refused. The last word counts."""
    access.require(by, "knowledge.ask")
    trace = get(trace_id, by=by)
    if trace is None:
        raise Refused("Nothing was kept: that answer is not here.")
    if outcome not in (OF_SUGGESTIONS if trace.conversation_id else OUTCOMES):
        raise Refused("Nothing was kept: say whether it helped, is wrong or is missing.")
    if outcome == "edited" and not better.strip():
        raise Refused("Nothing was kept: write the reply that you would send.")
    if trace.conversation_id:
        with store.reading() as db:
            conversations.within_reach(db, trace.conversation_id, "review.record", by=by)
    with store.writing() as db:
        kept = db.get_one(Trace, trace.id, populate_existing=True)
        return traces.decide(db, kept, outcome, better=masked(better.strip()), by=by, at=at)


# -- suggested replies --------------------------------------------------------------------------------------------------------------------


def suggest(conversation_id: str, *, by: Person, at: datetime | None = None) -> Trace | None:
    """What the machine would reply to the customer now; what it said to the same words before stays. None: there is nobody to reply to."""
    access.require(by, "knowledge.ask")
    found = conversations.get(conversation_id, by=by)
    if found is None:
        return None
    conversation, messages = found
    told = conversations.frozen(messages)
    last = max((one["seq"] for one in told if one["role"] == "customer" and one["text"].strip()), default=0)
    if not last:
        return None
    subject = Subject(conversation_id, last)
    if before := _of_subject(subject):
        return before
    return _answer(conversation, [one for one in told if one["seq"] <= last], subject, by, at)


def suggested(conversation_id: str, *, by: Person) -> Trace | None:
    """The newest suggestion, if there is one."""
    access.require(by, "knowledge.ask")
    if not conversations.reachable([conversation_id], by=by):
        return None
    query = select(Trace).where(Trace.conversation_id == conversation_id, Trace.target_kind == ANSWERER, Trace.mode == LIVE)
    with store.reading() as db:
        return db.exec(query.order_by(col(Trace.seq).desc(), col(Trace.at).desc(), col(Trace.id).desc())).first()


def arrived(conversation_ids: Sequence[str], *, at: datetime | None = None) -> int:
    """What came in is answered at once, as far as the customer had written then: the suggestion is there before anybody opens it."""
    done, moment = 0, at or now()
    for conversation_id in conversation_ids:
        with store.reading() as db:
            conversation = db.get(Conversation, conversation_id)
            if conversation is None or conversation.opened_at < moment - FRESH:  # of an import of last year nobody waits for a reply
                continue
            messages = conversations.frozen(conversations.messages_of(db, conversation_id))
        subject = conversations.opening_subject(conversation_id, messages)
        asked = [one for one in messages if one["seq"] <= subject.seq]
        if not any(one["role"] == "customer" and one["text"].strip() for one in asked) or _of_subject(subject):
            continue
        _answer(conversation, asked, subject, None, at)
        done += 1
    return done


def _of_subject(subject: Subject) -> Trace | None:
    with store.reading() as db:
        return _of_subject_in(db, subject)


def _of_subject_in(db: Session, subject: Subject) -> Trace | None:
    query = select(Trace).where(
        Trace.conversation_id == subject.conversation_id, Trace.seq == subject.seq, Trace.target_kind == ANSWERER, Trace.mode == LIVE
    )
    return db.exec(query.order_by(col(Trace.at).desc(), col(Trace.id).desc())).first()


def _answer(
    conversation: Conversation, messages: Sequence[Message], subject: Subject, by: Person | None, at: datetime | None
) -> Trace:  # fmt: skip
    """By the version whose word counts for the customer; the others that are under way say theirs beside it."""
    force = releases.in_force(ANSWERER, answerers.NAME, at)
    target = force.answers(conversation.customer_id) if force else answerers.PLAIN
    others = [one for one in force.targets if one != target] if force else []
    intent = conversation.intent_id
    made = [(one, *_said(one, messages, intent=intent)) for one in (target, *others)]
    with store.writing() as db:
        store.one_at_a_time(db, f"suggestion {subject.conversation_id}")
        if before := _of_subject_in(db, subject):  # somebody opened the conversation while it was answered
            return before
        kept = [
            traces.answered(db, one, said, steps, by=by, mode=LIVE if one == target else SHADOW, subject=subject, at=at)
            for one, said, steps in made
        ]
    return kept[0]


def _said(
    target: Target, messages: Sequence[Message], *, for_staff: bool = False, intent: str | None = None
) -> tuple[dict[str, Any], list[traces.Step]]:
    began = perf_counter()
    answer, found = answerers.answer(target, messages, for_staff=for_staff, intent_id=intent)
    ms = (perf_counter() - began) * 1000
    ranked = [{"passage": one.passage.id, "title": one.passage.title, "score": round(one.score, 4)} for one in found[:5]]
    step = traces.Step("retrieval", "articles", {"messages": len(messages)}, {"found": ranked}, round(ms, 2))
    return {**answer, "ms": round(ms, 1)}, [step]
