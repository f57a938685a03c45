"""A recipe is run for whoever asks: a colleague at a button, or a program in a customer's name, and what came of it is told.

What a recipe says to a customer whom a program speaks to goes out as the answer to that program. What a person has to say yes to first is
no answer: the program asks again, and once they have it is there.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Any
from zlib import crc32

from sqlmodel import col, func, select

from automations import actions, arriving, settling
from automations.arriving import Means
from automations.desks import origin
from automations.settling import Ways
from data import access, approvals, conversations, sealing, store, traces
from data.errors import Busy, Denied, Refused
from data.masking import masked
from data.tables import Action, Conversation, Message, Person, Proposal, Trace
from language import redact

ANSWERED = "the answer to the program that asked"  # the reference of a reply that went out so
PROGRAM = "program"  # on a run that waits: a program asked for it, and asks again
SENT = "sent along"  # on a run: the hash of what a program sent along
TALKS, DRAFT = "reply", "draft"
ENDED_WITH_PEOPLE = ("handed_over", "failed", "stopped")
PATIENCE = 30.0  # seconds that a second request for the same conversation waits for the first
NOT_HERE = "Not run: that conversation is not here."
NOBODY = "No recipe in force is for it. A person answers."
_turns = tuple(Lock() for _ in range(64))


@dataclass(frozen=True)
class Waits:
    """What a run waits for."""

    told: str
    proposal_id: str = ""  # of a person's yes
    needs: int = 0  # how many have to say it


@dataclass(frozen=True)
class Ran:
    """What became of a run, for whoever asked for it."""

    trace: Trace
    did: Sequence[Action]
    waits: Waits | None
    why: str

    @property
    def sentences(self) -> list[str]:
        return [masked(settling.told(one)) for one in self.did]

    @property
    def replies(self) -> list[str]:
        """What went to the customer as the answer."""
        return [_text(one) for one in self.did if one.kind == TALKS and one.provider_ref == ANSWERED]

    @property
    def draft(self) -> str:
        """What a person sends, changes or drops."""
        return masked(next((_text(one) for one in reversed(self.did) if one.kind == DRAFT), ""))


@dataclass(frozen=True)
class Responded:
    """What a program shows the customer, and which runs it came of."""

    reply: str
    by: Trace | None  # whose reply it is
    runs: Sequence[Ran]

    @property
    def waits(self) -> Waits | None:
        return next((one.waits for one in self.runs if one.waits), None)

    @property
    def handed_over(self) -> bool:
        """Whether a person has it from here."""
        return not self.runs or any(one.trace.state in ENDED_WITH_PEOPLE for one in self.runs)

    @property
    def why(self) -> str:
        return " ".join(dict.fromkeys(one.why for one in self.runs if one.why)) if self.runs else NOBODY


def respond(
    conversation_id: str, *, by: Person, means: Means, classify: Callable[[Sequence[str]], object] | None = None, at: datetime | None = None
) -> Responded:  # fmt: skip
    """What is in force for what the customer wrote last. Asked again about the same words, the same is told."""
    access.require(by, "agent.run")
    _require_here(conversation_id, by)
    given: list[str] = []
    with _in_turn(conversation_id):
        if classify:
            classify([conversation_id])
        ran = arriving.arrived([conversation_id], means=_as_answer(means, given), at=at)
        last = _last_words(conversation_id)
        runs = [_noted(trace, by) for trace in ran.live]
    mine = [one for one in runs if one.trace.seq == last or any(act.id in given for act in one.did)]
    said = [(one.trace, text) for one in mine for text in one.replies]
    return Responded("\n\n".join(text for _, text in said), said[0][0] if said else None, mine)


def pressed(
    name: str, conversation_id: str, *, by: Person, means: Means, asked: Mapping[str, Any] | None = None, at: datetime | None = None
) -> Ran:  # fmt: skip
    """A button. For a program the answer is the way to the customer; a colleague's goes out by the help desk."""
    access.require(by, "agent.run")
    _require_here(conversation_id, by)
    program = by.scopes is not None
    with _in_turn(conversation_id):
        trace = arriving.press(name, conversation_id, by=by, means=_as_answer(means, []) if program else means, asked=asked, at=at)
        if asked:
            _require_same(trace, asked)
        return _noted(trace, by) if program else told(trace, by=by)


def told(trace: Trace, *, by: Person) -> Ran:
    """What it did and what it waits for, if its conversation is within reach."""
    access.require(by, "agent.run")
    _require_here(str(trace.conversation_id), by)
    did = [one for one in actions.of_trace(trace.id, by=by) if one.state == settling.DONE]
    waits = _waits(trace) if trace.state == "waiting" else None
    kept = (trace.state_json or {}).get("why", "") if trace.state in ENDED_WITH_PEOPLE else ""
    return Ran(trace, did, waits, waits.told if waits else masked(str(kept)))


def _require_here(conversation_id: str, by: Person) -> None:
    if not conversations.reachable([conversation_id], by=by):
        raise Denied(NOT_HERE)


def _require_same(trace: Trace, asked: Mapping[str, Any]) -> None:
    """What ran for one invoice says nothing of another: the same words of a customer have one run."""
    here = sealing.sha(json.dumps(asked, sort_keys=True, default=str))
    with store.writing() as db:
        found = db.get_one(Trace, trace.id, populate_existing=True, with_for_update=True)
        if (found.said or {}).get(SENT, here) != here:
            raise Refused("Not run: on these words it ran before, with other values sent along. It runs again once the customer writes.")
        if SENT not in (found.said or {}):
            traces.say(db, found, {SENT: here})


def _last_words(conversation_id: str) -> int:
    query = select(func.max(Message.seq)).where(
        Message.conversation_id == conversation_id, Message.role == "customer", col(Message.gone_at).is_(None)
    )
    with store.reading() as db:
        return db.exec(query).one() or 0


@contextmanager
def _in_turn(conversation_id: str) -> Iterator[None]:
    """Of those who ask at once in this process the first one runs it, the others are told what came of it."""
    turn = _turns[crc32(conversation_id.encode()) % len(_turns)]
    if not turn.acquire(timeout=PATIENCE):
        raise Busy(f"Not run: the same conversation is being looked at for more than {PATIENCE:.0f} seconds. Ask again.")
    try:
        yield
    finally:
        turn.release()


# -- what a run waits for -----------------------------------------------------------------------------------------------------------------


def _waits(trace: Trace) -> Waits:
    with store.reading() as db:
        proposal = db.get(Proposal, trace.proposal_id) if trace.proposal_id else None
        act = (trace.state_json or {}).get("waits_for", "")
        action = actions.action_of(db, trace.id, act) if act else None
    if proposal is not None:
        return Waits(f"{_asked_for(proposal)} {_who_decides(proposal)}", proposal.id, proposal.needs)
    if action is not None and action.state in settling.OPEN:
        return Waits(f"{masked(settling.told(action))}: whether it was done is not known yet. It is asked after.")
    return Waits("The customer was asked for something that is missing.")


def _asked_for(proposal: Proposal) -> str:
    """Of a reply that nobody agreed to yet not a word is told."""
    if proposal.payload.get("kind") in (TALKS, DRAFT):
        return "A reply is written."
    return f"{masked(proposal.title[:1].upper() + proposal.title[1:])}."


def _who_decides(proposal: Proposal) -> str:
    roles = [access.a(role) for role in sorted(access.TABLE[approvals.KINDS[proposal.kind].approve])]
    who = " or ".join(roles)
    return f"{who.capitalize()} decides." if proposal.needs == 1 else f"{proposal.needs} people decide, each of them {who}."


# -- the answer as the way to the customer ------------------------------------------------------------------------------------------------


def asked_by_program(trace_id: str) -> bool:
    with store.reading() as db:
        trace = db.get(Trace, trace_id)
        return bool(trace and (trace.said or {}).get(PROGRAM))


def kept_for_program(ways: Ways) -> Ways:
    """For a run that a program asked for and that goes on later: what it says is there when the program asks again."""
    return _answering(ways, [])


def _noted(trace: Trace, by: Person) -> Ran:
    """A run that waits goes on in the background, and still answers the program."""
    if trace.state == "waiting" and not (trace.said or {}).get(PROGRAM):
        with store.writing() as db:
            trace = db.get_one(Trace, trace.id, populate_existing=True, with_for_update=True)
            traces.say(db, trace, {PROGRAM: True})
    return told(trace, by=by)


def _as_answer(means: Means, given: list[str]) -> Means:
    return replace(means, ways=_answering(means.ways, given))


def _answering(ways: Ways, given: list[str]) -> Ways:
    """Where a help desk has the conversation and the portal may write there, that stays the way."""

    def deliver(action: Action) -> str:
        if _has_desk(action) and ways.deliver is not None:
            return ways.deliver(action)
        _require_readable(action)
        given.append(action.id)
        return ANSWERED

    def look(action: Action) -> str:
        """What was let out to a program that did not hear it is still there for it."""
        if _has_desk(action):
            return ways.look(action) if ways.look is not None else ""
        return ANSWERED

    return replace(ways, deliver=deliver, look=look)


def _has_desk(action: Action) -> bool:
    with store.reading() as db:
        found = db.get(Conversation, action.conversation_id) if action.conversation_id else None
    return found is not None and origin.of(found) is not None


def _require_readable(action: Action) -> None:
    """A customer is shown no gaps where something personal was taken out."""
    if gaps := sorted({found[0] for found in redact.PLACEHOLDER.finditer(_text(action))}):
        raise Refused(f"Not sent: {', '.join(gaps[:3])} stands in it where something personal was taken out. A person fills it in.")


def _text(action: Action) -> str:
    return str(action.payload["what"]["text"])
