"""Calibration: conversations of which two people agreed what is right, and how far each person agrees with them.

Who answers sees nothing of what is right before, each item once. Nothing learns from the answers, and nobody is ranked by them.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from data import access, agreement, approvals, audit, conversations, labels, reviews, store
from data.agreement import Agreement, Rating
from data.errors import Denied, Refused
from data.masking import masked
from data.tables import Approval, Conversation, Example, GoldAnswer, Message, Person, Proposal
from data.values import now
from language import redact

KIND = "change_gold"
FEWEST = 30  # answers before a lead sees somebody's figures
MOST_AT_ONCE = 50  # an approver looks at each
LONGEST_WHY = 500
GOLD, MINE = "gold", "mine"  # the two who are compared
NONE_FITS = "none of ours"  # an answer too, where an intent is right
MISSING = {  # why a customer was not helped at once: what somebody has to build or to mend, not who was at fault
    "nothing": "Nothing was missing",
    "article": "No article says it",
    "intent": "No intent of ours covers it",
    "rule": "It is not said who may decide it",
    "tool": "It could not be looked up or done",
    "product": "The product itself is at fault",
    "handover": "It was lost between people",
}


# -- what is right: proposed by one, approved by another ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """A conversation that should become a gold example, and what is right about it."""

    conversation_id: str
    kind: str  # strong, weak
    label_id: str | None
    why: str  # shown to each who answered, beside what is right
    example_id: str | None = None  # of a flag that waits: it becomes gold itself
    missing: str = ""  # what was missing, of MISSING; empty: that is not asked


def flags_that_wait(*, by: Person) -> list[Wanted]:
    """Flags within reach that no eval set has taken in yet: each could become gold instead."""
    access.require(by, "gold.propose")
    with store.reading() as db:
        query = select(Example).where(*_within_reach(by), Example.use == "loose").order_by(col(Example.id).desc())
        taken = _gold_conversations(db) | _proposed_conversations(db)
        found = [Wanted(one.conversation_id, one.kind, one.label_id, one.why, one.id) for one in db.exec(query)]
    return [one for one in found if one.conversation_id not in taken]


def propose_gold(chosen: Sequence[Wanted], *, why: str, by: Person, at: datetime | None = None) -> Proposal:
    access.require(by, "gold.propose")
    if not 1 <= len(chosen) <= MOST_AT_ONCE:
        raise Refused(f"Not proposed: choose 1 to {MOST_AT_ONCE} conversations, these are {len(chosen)}. Somebody looks at each.")
    with store.writing() as db:
        store.one_at_a_time(db, KIND)
        taken = _gold_conversations(db) | _proposed_conversations(db)
        items = [_checked(db, one, taken, by) for one in chosen]
        if len({item["conversation_id"] for item in items}) < len(items):
            raise Refused("Not proposed: one conversation stands there twice.")
        title = "hold up a conversation as a gold example" if len(items) == 1 else f"hold up {len(items)} conversations as gold examples"
        because = f" Because: {items[0]['why']}" if len(items) == 1 else ""
        told = f"Right would be: {_counted(items)}.{because} Look at each on Calibration before you decide."
        evidence = {"sentence": told}
        return approvals.propose(db, KIND, title, {"add": items, "take_out": []}, why=why, evidence=evidence, authors=[by.id], by=by, at=at)


def propose_taking_out(example_ids: Sequence[str], *, why: str, by: Person, at: datetime | None = None) -> Proposal:
    """What turned out not to be clear enough. Its answers count no longer."""
    access.require(by, "gold.propose")
    with store.writing() as db:
        store.one_at_a_time(db, KIND)
        found = [_gold(db, example_id, "Not proposed", by=by, verb="example.flag") for example_id in sorted(set(example_ids))]
        if not found:
            raise Refused("Not proposed: choose at least one gold example.")
        answers = _answer_count(db, [example.id for example in found])
        title = "take a gold example out" if len(found) == 1 else f"take {len(found)} gold examples out"
        evidence = {"sentence": f"{answers} {'answer' if answers == 1 else 'answers'} would count no longer."}
        payload = {"add": [], "take_out": [example.id for example in found]}
        return approvals.propose(db, KIND, title, payload, why=why, evidence=evidence, authors=[by.id], by=by, at=at)


def carry_out(proposal_id: str, *, at: datetime | None = None) -> list[Example]:
    """What was approved is gold, or no longer."""
    with store.writing() as db:
        proposal, approver = approvals.begin_execution(db, proposal_id, KIND, at=at)
        store.one_at_a_time(db, KIND)
        proposer = db.get_one(Person, proposal.proposer_id)
        taken = _gold_conversations(db)
        made = [_hold_up(db, item, taken, proposer, at) for item in proposal.payload["add"]]
        for example_id in proposal.payload["take_out"]:
            example = db.get_one(Example, example_id)
            if example.use != GOLD:
                raise Refused("Not done: it is no gold example any more.")
            example.use = "retired"
            made.append(example)
        db.add_all(made)
        for example in made:
            done = "Took a gold example out" if example.use == "retired" else f"Held up a {example.kind} gold example"
            audit.record(db, approver, "changed", "example", example.id, f"{done}: {example.why}", at=at)
        return made


def proposed(proposal: Proposal) -> list[Wanted]:
    """What an approver looks at, one by one."""
    return [Wanted(**item) for item in proposal.payload.get("add", [])]


def _checked(db: Session, one: Wanted, taken: set[str], by: Person) -> dict[str, Any]:
    conversations.within_reach(db, one.conversation_id, "example.flag", by=by)
    if one.conversation_id in taken:
        raise Refused("Not proposed: one of these is a gold example already, or waits to become one.")
    if one.kind not in ("strong", "weak"):
        raise Refused("Not proposed: a gold example is strong or weak. What is neither is no good measure.")
    if one.label_id and labels.in_use(db, one.label_id) is None:
        raise Refused("Not proposed: that intent is no longer in use. Choose another.")
    if one.missing and one.missing not in MISSING:
        raise Refused(f"Not proposed: what was missing is one of: {', '.join(MISSING)}.")
    why = masked(one.why.strip().replace("\0", ""))
    if not 1 <= len(why) <= LONGEST_WHY:
        raise Refused(f"Not proposed: say of each in 1 to {LONGEST_WHY} characters why that is right; who saw it differently reads it.")
    if one.example_id and not _fits(db.get(Example, one.example_id), one):
        raise Refused("Not proposed: that flag does not wait any more, or says something else. Load the page again.")
    return {
        "conversation_id": one.conversation_id, "kind": one.kind, "label_id": one.label_id, "why": why, "example_id": one.example_id,
        "missing": one.missing,
    }  # fmt: skip


def _fits(example: Example | None, one: Wanted) -> bool:
    if example is None or example.use != "loose":
        return False
    return (example.conversation_id, example.kind, example.label_id) == (one.conversation_id, one.kind, one.label_id)


def _counted(items: Sequence[dict[str, Any]]) -> str:
    """Shown where it is decided: how many of what."""
    names = labels.names()
    said = Counter((names.get(item["label_id"] or "", "no intent asked"), item["kind"]) for item in items)
    parts = [f"{name}, {kind}" + (f" ({count})" if count > 1 else "") for (name, kind), count in sorted(said.items())]
    lacking = Counter(MISSING[item["missing"]] for item in items if item.get("missing"))
    also = f". What was missing: {', '.join(f'{told} ({count})' for told, count in sorted(lacking.items()))}" if lacking else ""
    return "; ".join(parts[:8]) + (f" and {len(parts) - 8} more" if len(parts) > 8 else "") + also


def _hold_up(db: Session, item: dict[str, Any], taken: set[str], proposer: Person, at: datetime | None) -> Example:
    if item["conversation_id"] in taken:
        raise Refused("Not done: one of these is a gold example already.")
    if item["example_id"]:
        example = db.get_one(Example, item["example_id"])
        if example.use != "loose":
            raise Refused("Not done: a flag became a test case since, or was taken back. Look at the others and propose again.")
        example.use, example.missing = GOLD, item.get("missing", "")
        return example
    conversation = db.get_one(Conversation, item["conversation_id"])
    if conversation.hidden_at is not None:
        raise Refused("Not done: one of the conversations is not here any more. Propose the others again.")
    messages = conversations.messages_of(db, conversation.id)
    return Example(
        conversation_id=conversation.id, seq=messages[-1].seq, customer_id=conversation.customer_id, kind=item["kind"], why=item["why"],
        messages=conversations.frozen(messages), subject_line=conversation.subject or "", purpose="classifier", use=GOLD,
        label_id=item["label_id"], missing=item.get("missing", ""), redaction=redact.NUMBER, at=at or now(), by_person_id=proposer.id,
    )  # fmt: skip


def _gold_conversations(db: Session) -> set[str]:
    return set(db.exec(select(Example.conversation_id).where(Example.use == GOLD)).all())


def _proposed_conversations(db: Session) -> set[str]:
    waiting = db.exec(select(Proposal).where(Proposal.kind == KIND, col(Proposal.state).in_(("open", "approved"))))
    return {one.conversation_id for proposal in waiting if proposal.lapses_at > now() for one in proposed(proposal)}


def _gold(db: Session, example_id: str, what_not: str, *, by: Person, verb: str) -> Example:
    example = db.get(Example, example_id)
    if example is None or example.use != GOLD:
        access.require(by, verb)
        raise Denied(f"{what_not}: there is no such gold example.")
    conversations.within_reach(db, example.conversation_id, verb, by=by)
    return example


def _answer_count(db: Session, example_ids: Sequence[str]) -> int:
    return db.exec(select(func.count()).where(col(GoldAnswer.example_id).in_(example_ids))).one()


@dataclass(frozen=True)
class Kept:
    """A gold example in the list from which one is taken out: without what is right, which whoever reads it may still be asked."""

    example_id: str
    conversation_id: str
    answers: int
    since: datetime


def all_gold(*, by: Person) -> list[Kept]:
    """Within reach, the most answered first."""
    access.require(by, "gold.propose")
    answers = select(GoldAnswer.example_id, func.count().label("answers")).group_by(GoldAnswer.example_id).subquery()
    with store.reading() as db:
        query = select(Example, func.coalesce(answers.c.answers, 0)).where(*_within_reach(by), Example.use == GOLD)
        query = query.outerjoin(answers, answers.c.example_id == Example.id)
        found = [Kept(example.id, example.conversation_id, count, example.at) for example, count in db.exec(query)]
    return sorted(found, key=lambda one: (-one.answers, one.example_id))


# -- one's own word, then what is right ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """A gold example as it is asked: nothing in it says what is right."""

    example_id: str
    conversation: Conversation
    messages: list[Message]
    left: int  # with this one
    asks_missing: bool = False  # also what was missing


def next_item(*, by: Person, among: Collection[str] | None = None) -> Item | None:
    """One that this person has not answered, and had no part in; of these examples alone, where an exercise names them."""
    with store.reading() as db:
        waiting = [example for example in waiting_for(db, by) if among is None or example.id in among]
        for example in waiting:
            if found := conversations.get(example.conversation_id, by=by):
                conversation, messages = found
                read = [one for one in messages if one.seq <= example.seq]
                return Item(example.id, conversation, read, len(waiting), bool(example.missing))
    return None


@dataclass(frozen=True)
class Told:
    """What is right, once it was answered."""

    conversation_id: str
    answer: GoldAnswer
    verdict: str
    label_id: str | None
    why: str
    missing: str = ""

    @property
    def differs(self) -> list[str]:
        """In what: the verdict, the intent, what was missing, or nothing. Who was not asked what was missing does not differ in it."""
        other_intent = self.label_id is not None and self.answer.label_id != self.label_id
        other_gap = bool(self.missing and self.answer.missing) and self.answer.missing != self.missing
        return ["verdict"] * (self.answer.verdict != self.verdict) + ["intent"] * other_intent + ["gap"] * other_gap


def answer(
    example_id: str,
    verdict: str,
    label_id: str | None,
    *,
    by: Person,
    missing: str = "",
    seconds: float | None = None,
    at: datetime | None = None,
) -> Told:
    """Once a person and example: who knows what is right says nothing by saying it."""
    if verdict not in reviews.VERDICTS:
        raise Refused("Not saved: say whether the answer was strong, weak or neither.")
    if missing and missing not in MISSING:
        raise Refused(f"Not saved: what was missing is one of: {', '.join(MISSING)}.")
    with store.writing() as db:
        example = _gold(db, example_id, "Not saved", by=by, verb="calibration.take")
        store.one_at_a_time(db, f"gold {example_id} {by.id}")
        if label_id and labels.in_use(db, label_id) is None:
            raise Refused("Not saved: that intent is no longer in use. Choose another.")
        if db.exec(select(GoldAnswer.id).where(GoldAnswer.example_id == example_id, GoldAnswer.person_id == by.id)).first():
            raise Refused("Not saved again: you have answered this one, and have seen what is right.")
        if example.missing and not missing:
            raise Refused("Not saved: say also what was missing, or that nothing was.")
        if example.by_person_id == by.id or example.conversation_id in _had_part(db, by):
            raise Refused("Not saved: you had a part in saying what is right here, so your own answer would measure nothing.")
        given = GoldAnswer(
            example_id=example_id, person_id=by.id, verdict=verdict, label_id=label_id, missing=missing if example.missing else "",
            seconds=seconds, at=at or now(), by_person_id=by.id,
        )  # fmt: skip
        db.add(given)
        audit.record(db, by, "answered", "gold answer", given.id, "Answered a gold example.", at=at)
        return Told(example.conversation_id, given, example.kind, example.label_id, example.why, example.missing)


def _within_reach(by: Person) -> tuple[Any, ...]:
    reach = access.require(by, "calibration.take")
    mine = (access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None))
    return col(Example.conversation_id) == col(Conversation.id), *mine


def told(example_id: str, *, by: Person) -> Told | None:
    """What is right about one that this person has answered."""
    access.require(by, "calibration.take")
    with store.reading() as db:
        return next((one for one in answered(db, by.id) if one.answer.example_id == example_id), None)


def waiting_for(db: Session, by: Person) -> list[Example]:
    """Gold examples within reach that the person neither answered nor had a part in, oldest first."""
    given = select(GoldAnswer.example_id).where(GoldAnswer.person_id == by.id)
    query = select(Example).where(
        *_within_reach(by), Example.use == GOLD, col(Example.id).not_in(given), col(Example.by_person_id) != by.id
    )
    part = _had_part(db, by)
    return [example for example in db.exec(query.order_by(col(Example.id))) if example.conversation_id not in part]


def _had_part(db: Session, by: Person) -> set[str]:
    """Conversations of which the person proposed or approved what is right."""
    approved = set(db.exec(select(Approval.proposal_id).where(Approval.approver_id == by.id)).all())
    found = db.exec(select(Proposal).where(Proposal.kind == KIND, Proposal.state == "done"))
    return {one.conversation_id for made in found if by.id in made.authors or made.id in approved for one in proposed(made)}


# -- how far somebody agrees with them ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    n: int  # answers to what still is gold
    intent: Agreement
    verdict: Agreement
    taken_for: list[tuple[str, str, int]]  # label ids: what is right, what was said instead, how often
    differing: list[Told]  # one's own alone, newest first


def my_figures(*, by: Person) -> Figures:
    access.require(by, "calibration.take")
    with store.reading() as db:
        return _figures(answered(db, by.id))


def figures_of(person_id: str, *, by: Person) -> Figures:
    """A colleague's, from so many answers on that they say something; without the single answers, which are their own."""
    with store.reading() as db:
        person = _colleague(db, person_id, by)
        told = answered(db, person_id)
    if len(told) < FEWEST:
        raise Refused(f"Not shown yet: {len(told)} of {FEWEST} answers. Fewer would tell more about chance than about {person.name}.")
    found = _figures(told)
    return Figures(found.n, found.intent, found.verdict, found.taken_for, [])


@dataclass(frozen=True)
class Colleague:
    id: str
    name: str
    answers: int


def colleagues(*, by: Person) -> list[Colleague]:
    """Who of the people within reach answered so far, by name."""
    reach = access.require(by, "calibration.read")
    counted = select(GoldAnswer.person_id, func.count()).join(Example, col(Example.id) == col(GoldAnswer.example_id))
    counted = counted.where(Example.use == GOLD).group_by(col(GoldAnswer.person_id))
    with store.reading() as db:
        answers = dict(db.exec(counted).all())
        query = select(Person).where(col(Person.disabled_at).is_(None), Person.id != by.id)
        if reach != access.ALL:
            query = query.where(Person.team_id == (by.team_id or ""))
        return [Colleague(one.id, one.name, answers[one.id]) for one in db.exec(query.order_by(Person.name)) if one.id in answers]


def _colleague(db: Session, person_id: str, by: Person) -> Person:
    person = db.get(Person, person_id)
    if person is None:
        access.require(by, "calibration.read")
        raise Denied("Not shown: there is no such person.")
    access.require(by, "calibration.read", team_id=person.team_id or "no team")
    return person


def answered(db: Session, person_id: str) -> list[Told]:
    """A person's answers to what still is gold, newest first."""
    query = select(GoldAnswer, Example).where(GoldAnswer.example_id == Example.id, Example.use == GOLD, GoldAnswer.person_id == person_id)
    found = db.exec(query.order_by(col(GoldAnswer.at).desc(), col(GoldAnswer.id).desc()))
    return [Told(example.conversation_id, given, example.kind, example.label_id, example.why, example.missing) for given, example in found]


def _figures(told: Sequence[Told]) -> Figures:
    intents = [rating for one in told if one.label_id for rating in _both(one, one.label_id, one.answer.label_id or NONE_FITS)]
    verdicts = [rating for one in told for rating in _both(one, one.verdict, one.answer.verdict)]
    taken = Counter((one.label_id, one.answer.label_id or NONE_FITS) for one in told if one.label_id and "intent" in one.differs)
    return Figures(
        n=len(told),
        intent=agreement.kappa(intents, GOLD, MINE),
        verdict=agreement.kappa(verdicts, GOLD, MINE),
        taken_for=[(right, said, count) for (right, said), count in sorted(taken.items(), key=lambda pair: (-pair[1], pair[0]))],
        differing=[one for one in told if one.differs],
    )


def _both(one: Told, right: str, said: str) -> tuple[Rating, Rating]:
    return Rating(one.answer.example_id, GOLD, right), Rating(one.answer.example_id, MINE, said)
