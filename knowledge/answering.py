"""Answers from what is published: to a colleague who asks, to a customer as a suggested reply. What becomes of each is kept.

What the policy keeps machines out of is passed in from above, in words; where there are any, nothing is looked for.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

from sqlmodel import Session, col, select

from data import access, conversations, releases, sealing, store, traces
from data.errors import Refused
from data.masking import masked
from data.tables import Conversation, Person, Trace
from data.values import LIVE, RUN, SHADOW, Subject, Target, now
from knowledge import ANSWERER, INSTEAD, LEFT, answerers, evidence
from knowledge.answerers import Message
from knowledge.manner import Writer

LONGEST = 2_000  # characters of a question
LATELY = 8
NEAREST = 50  # later answers among which the written one of a question is looked for
FRESH = timedelta(days=1)  # what came before that is history
OUTCOMES = {  # of an answer to a colleague
    "helped": "You said that it helped.",
    "refused": "You said that it is wrong. It counts towards a gap.",
    "missing": "You said that it is missing. It counts towards a gap; somebody will write it.",
}
BY_A_MODEL = ("other_words", "written")  # of what was said: a model was asked for it
OF_SUGGESTIONS = ("accepted", "edited", "refused")
Keeps = Callable[[str], str]  # why a conversation is left to people; "" where it is not
QUOTES = "Quoted: the version in force quotes word for word. A lead releases one that writes, on the page Ladder."


def ask(question: str, *, by: Person, writer: Writer | None = None, at: datetime | None = None) -> Trace:
    """A colleague asks for themselves: what is for staff only may be quoted too."""
    access.require(by, "knowledge.ask")
    text = masked(" ".join(question.replace("\0", "").split()))
    if not text:
        raise Refused("Nothing was asked: write a question.")
    if len(text) > LONGEST:
        raise Refused(f"Nothing was asked: a question has at most {LONGEST:,} characters, this one has {len(text):,}. Ask the heart of it.")
    target = answerers.target_in_force()
    said, steps = _said(target, [{"role": "customer", "text": text}], for_staff=True, writer=writer)
    with store.writing() as db:
        return traces.answered(db, target, {"question": text, **said}, steps, by=by, mode=RUN, at=at)


def for_customer(
    messages: Sequence[Message], *, key: str = "", by: Person, writer: Writer | None = None, left: str = "", at: datetime | None = None
) -> Trace:  # fmt: skip
    """A program asks for a customer: what is for staff only is never quoted. With a key, the same version answers the same customer.
    `left`: why it is left to people; then nothing is looked for, and the silence is no gap."""
    access.require(by, "knowledge.ask")
    target = who_answers(key, at=at)
    said, steps = _left_to_people(messages, left) if left else _said(target, messages, writer=writer)  # a model only where it writes
    asker = {"asker": sealing.hmac_of(key, "asker")} if key else {}  # whose question it is, told to nobody: one person's count once
    with store.writing() as db:
        return traces.answered(db, target, said | asker | {"question": masked(said["question"])}, steps, by=by, mode=LIVE, at=at)


def _left_to_people(messages: Sequence[Message], why: str) -> tuple[dict[str, Any], list[traces.Step]]:
    nothing: dict[str, Any] = {"sentences": [], "sources": [], "articles": [], "declined": True, "confidence": 0.0}
    said = nothing | {"reply": why, "why": why, "question": evidence.asked_now(messages), LEFT: why}
    return said, [traces.Step("guardrail", "the policy", {"messages": len(messages)}, {"why": why}, 0.0)]


def who_answers(key: str = "", *, at: datetime | None = None) -> Target:
    """The version whose word counts for a customer; without a key the one that is live."""
    force = releases.in_force(ANSWERER, answerers.NAME, at)
    return (force.answers(key) if key else releases.target_of(force.live)) if force else answerers.PLAIN


def get(trace_id: str, *, by: Person) -> Trace | None:
    """One's own question, or what was suggested for a conversation within reach; what is said beside the live version nobody is shown."""
    access.require(by, "knowledge.ask")
    with store.reading() as db:
        trace = db.get(Trace, trace_id) if trace_id else None
    if trace is None or trace.target_kind != ANSWERER or trace.mode == SHADOW:
        return None
    if trace.conversation_id:
        return trace if conversations.reachable([trace.conversation_id], by=by) else None
    return trace if trace.by_person_id == by.id else None


def mine(*, by: Person) -> list[Trace]:
    """What one asked lately, newest first; of what was written since, the written answer."""
    access.require(by, "knowledge.ask")
    with store.reading() as db:
        found = list(db.exec(_own(by).order_by(col(Trace.at).desc(), col(Trace.id).desc()).limit(2 * LATELY)))
    followed = {(one.said or {}).get(INSTEAD) for one in found}
    return [one for one in found if one.id not in followed][:LATELY]


def _own(by: Person) -> Any:
    return select(Trace).where(Trace.target_kind == ANSWERER, Trace.mode == RUN, Trace.by_person_id == by.id, col(Trace.said).is_not(None))


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


# -- written by a model, after it was quoted ----------------------------------------------------------------------------------------------


def may_be_written(trace: Trace) -> bool:
    """Its version writes; it was quoted, no model was asked yet, and nobody decided on it. Of silence only another question makes an
    answer: where a model says it in other words."""
    setup = answerers.setup_of(_target_of(trace))
    return _is_open(trace) and (setup.rephrases if (trace.said or {}).get("declined") else setup.writes)


def _target_of(trace: Trace) -> Target:
    return Target(trace.target_kind, trace.target_name, trace.target_number)


def _is_open(trace: Trace) -> bool:
    said = trace.said or {}
    return bool(said) and not trace.outcome and not any(name in said for name in BY_A_MODEL)


def write(trace_id: str, *, writer: Writer, by: Person, keeps: Keeps | None = None, at: datetime | None = None) -> Trace:
    """A model writes what was quoted. Its answer stands in the other's place as one of its own, so that whoever decides, decides on what
    they were shown. Where it cannot be used the quoted one stays, with the reason. What stands then."""
    access.require(by, "knowledge.ask")
    trace = get(trace_id, by=by)
    if trace is None:
        raise Refused("Not written: that answer is not here.")
    _require_not_left(trace.conversation_id, keeps, "Not written")
    return _write(trace, writer, by, at) if may_be_written(trace) else trace


def _write(trace: Trace, writer: Writer, by: Person | None, at: datetime | None) -> Trace:
    messages, intent = _asked(trace)
    target = _target_of(trace)
    writer = writer.about(Subject(trace.conversation_id, trace.seq or 0)) if trace.conversation_id else writer
    said, steps = _said(target, messages, for_staff=trace.mode == RUN, intent=intent, writer=writer)
    with store.writing() as db:
        store.one_at_a_time(db, _turn(trace))
        kept = db.get_one(Trace, trace.id, populate_existing=True)
        told = {name: said[name] for name in (*BY_A_MODEL, "note") if name in said}
        if (before := _in_place_of(db, kept)) or not _is_open(kept) or not told:
            return before or kept  # somebody was faster, decided meanwhile, or there is nothing left to write
        if told.get("written", {}).get("by_model") or said["declined"] != (kept.said or {}).get("declined"):
            subject = Subject(kept.conversation_id, kept.seq or 0) if kept.conversation_id else None
            return traces.answered(
                db, target, said | {"question": masked(said["question"]), INSTEAD: kept.id}, steps, by=by, mode=kept.mode, subject=subject,
                at=at,
            )  # fmt: skip
        kept.said = {**(kept.said or {}), **told}
        db.add(kept)
        person_id = access.whose(by) if by else None
        new = steps if "other_words" in told else steps[1:]  # where it was found stands there already
        traces.add_steps(db, kept, new, after=1, person_id=person_id, at=at)
        return kept


def _require_not_left(conversation_id: str | None, keeps: Keeps | None, what_not: str) -> None:
    if conversation_id and keeps and (why := keeps(conversation_id)):
        raise Refused(f"{what_not}: {why}")


def _turn(trace: Trace) -> str:
    return f"suggestion {trace.conversation_id}" if trace.conversation_id else f"answer {trace.id}"


def _asked(trace: Trace) -> tuple[list[dict[str, Any]], str | None]:
    """What it answered, as it stood then, and what the conversation is about."""
    if trace.conversation_id is None:
        return [{"role": "customer", "text": str((trace.said or {}).get("question", ""))}], None
    with store.reading() as db:
        conversation = db.get_one(Conversation, trace.conversation_id)
        messages = conversations.frozen(conversations.messages_of(db, trace.conversation_id))
    return [one for one in messages if one["seq"] <= (trace.seq or 0)], conversation.intent_id


def _in_place_of(db: Session, trace: Trace) -> Trace | None:
    """The written answer to the same words, if it came."""
    whose = Trace.conversation_id == trace.conversation_id if trace.conversation_id else Trace.by_person_id == trace.by_person_id
    later = select(Trace).where(Trace.target_kind == ANSWERER, Trace.mode == trace.mode, whose, Trace.at >= trace.at)
    found = db.exec(later.order_by(col(Trace.at), col(Trace.id)).limit(NEAREST))
    return next((one for one in found if (one.said or {}).get(INSTEAD) == trace.id), None)


def standing(trace_id: str, *, by: Person) -> Trace | None:
    """The answer, or the written one that took its place before anybody decided on it."""
    trace = get(trace_id, by=by)
    if trace is None or trace.outcome:
        return trace
    with store.reading() as db:
        return _in_place_of(db, trace) or trace


# -- suggested replies --------------------------------------------------------------------------------------------------------------------


def suggest(conversation_id: str, *, by: Person, keeps: Keeps | None = None, at: datetime | None = None) -> Trace | None:
    """What the machine would reply to the customer now; what it said to the same words before stays. None: there is nobody to reply to.
    Refused where it is left to people."""
    access.require(by, "knowledge.ask")
    found = conversations.get(conversation_id, by=by)
    if found is None:
        return None
    _require_not_left(conversation_id, keeps, "Nothing was suggested")
    conversation, messages = found
    told = conversations.frozen(messages)
    last = max((one["seq"] for one in told if one["role"] == "customer" and one["text"].strip()), default=0)
    if not last:
        return None
    subject = Subject(conversation_id, last)
    if before := _of_subject(subject):
        return before
    return _answer(conversation, [one for one in told if one["seq"] <= last], subject, by, at)[0]


def suggested(conversation_id: str, *, by: Person) -> Trace | None:
    """The newest suggestion, if there is one."""
    access.require(by, "knowledge.ask")
    if not conversations.reachable([conversation_id], by=by):
        return None
    query = select(Trace).where(Trace.conversation_id == conversation_id, Trace.target_kind == ANSWERER, Trace.mode == LIVE)
    with store.reading() as db:
        return db.exec(query.order_by(col(Trace.seq).desc(), col(Trace.at).desc(), col(Trace.id).desc())).first()


def arrived(
    conversation_ids: Sequence[str], *, writer: Writer | None = None, keeps: Keeps | None = None, at: datetime | None = None
) -> int:  # fmt: skip
    """What came in is answered at once, as far as the customer had written then: the suggestion is there before anybody opens it.
    All of it is quoted first; a model, where one is given and the version writes, writes one after the other then."""
    done, moment = 0, at or now()
    quoted: list[Trace] = []
    for conversation_id in conversation_ids:
        if keeps and keeps(conversation_id):  # left to people
            continue
        with store.reading() as db:
            conversation = db.get(Conversation, conversation_id)
            if conversation is None or conversation.opened_at < moment - FRESH:  # of an import of last year nobody waits for a reply
                continue
            messages = conversations.frozen(conversations.messages_of(db, conversation_id))
        subject = conversations.opening_subject(conversation_id, messages)
        asked = [one for one in messages if one["seq"] <= subject.seq]
        if not any(one["role"] == "customer" and one["text"].strip() for one in asked) or _of_subject(subject):
            continue
        quoted += _answer(conversation, asked, subject, None, at)
        done += 1
    for trace in quoted if writer else ():
        if writer and may_be_written(trace):
            _write(trace, writer, None, at)
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
) -> list[Trace]:  # fmt: skip
    """By the version whose word counts for the customer; the others that are under way say theirs beside it, and stand behind it here."""
    force = releases.in_force(ANSWERER, answerers.NAME, at)
    target = force.answers(conversation.customer_id) if force else answerers.PLAIN
    others = [one for one in force.targets if one != target] if force else []
    intent = conversation.intent_id
    made = [(one, *_said(one, messages, intent=intent)) for one in (target, *others)]
    with store.writing() as db:
        store.one_at_a_time(db, f"suggestion {subject.conversation_id}")
        if before := _of_subject_in(db, subject):  # somebody opened the conversation while it was answered
            return [before]
        return [
            traces.answered(db, one, said, steps, by=by, mode=LIVE if one == target else SHADOW, subject=subject, at=at)
            for one, said, steps in made
        ]


def _said(
    target: Target, messages: Sequence[Message], *, for_staff: bool = False, intent: str | None = None, writer: Writer | None = None
) -> tuple[dict[str, Any], list[traces.Step]]:
    began = perf_counter()
    answer, found = answerers.answer(target, messages, for_staff=for_staff, intent_id=intent, writer=writer)
    ms = (perf_counter() - began) * 1000
    written, other = answer.get("written") or {}, answer.get("other_words") or {}
    by_model = written.get("ms", 0) + other.get("ms", 0)
    ranked = [{"passage": one.passage.id, "title": one.passage.title, "score": round(one.score, 4)} for one in found[:5]]
    step = traces.Step("retrieval", "articles", {"messages": len(messages)}, {"found": ranked}, round(ms - by_model, 2))
    return {**answer, "ms": round(ms, 1)}, [*(_said_otherwise(other) if other else []), step, *(_steps_of(written) if written else [])]


def _said_otherwise(other: dict[str, Any]) -> list[traces.Step]:
    return [traces.Step("model", "says it in other words", {"tools": 0}, {"questions": other["lines"], "why": other["why"]}, other["ms"])]


def _steps_of(written: dict[str, Any]) -> list[traces.Step]:
    """What the model was given and what the check made of it; the call and its cost stand in a trace of the model's own."""
    given = {name: written[name] for name in ("passages", "examples", "instructions")} | {"tools": 0}
    told = {name: written[name] for name in ("by_model", "why", "cost")}
    return [
        traces.Step("model", f"writes: {written['model'] or 'no model'}", given, told, written["ms"]),
        traces.Step("guardrail", "each sentence has its source", {}, {"removed": written["removed"]}),
    ]
