"""An act that was written down is carried out: let out once, and asked after by its key until it is known what became of it.

However many try at once and however often one is cut off: the other side sees one key, and the state here moves by compare-and-set.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from automations import mandates
from automations.connectors import asking
from automations.connectors.asking import Connections
from automations.door import Did, Wanted
from automations.outside import using
from automations.outside.using import Tools
from automations.shop.client import Shop
from automations.shop.values import Entry
from automations.steps import calling
from data import audit, store, tasks, traces
from data.errors import Refused
from data.tables import Action, Person, Proposal, Trace
from data.values import now

PLANNED, SENT, DONE, UNKNOWN, REFUSED = "planned", "sent", "done", "unknown", "refused"
OPEN = (PLANNED, SENT, UNKNOWN)
BY_KEY = ("refund", "credit")  # what can be asked after; anything else leaves once at most
SETTLE, GO_ON = "settle_actions", "go_on"  # tasks
LOOKS_AGAIN = 0.1  # seconds
GIVES_UP = timedelta(hours=24)  # after which what the shop does not know is no longer sent
SETTLES_AFTER = timedelta(seconds=15)  # as long as whoever let it out may still wait for the answer
FOR_LATER = (401, 403, 408, 425, 429)  # answers of a shop that has not looked at what was asked
ENDED_RUNS = {"stopped": "the run was stopped", "failed": "the run failed", "handed_over": "a person has the run"}
ENDED_PROPOSALS = ("refused", "withdrawn", "lapsed", "failed")
NO_SHOP = "no shop is connected. An admin connects one on Installation"
NO_CHANNEL = (
    "no channel is connected that replies go out by. Draft the reply instead, or have an admin connect the help desk and let the portal "
    "write there"
)
Deliver = Callable[[Action], str]  # of a reply: the other side's reference; asked after, "" where it is not there to be seen


@dataclass(frozen=True)
class Ways:
    """Out of the portal, passed in from above. What is missing is said in words."""

    shop: Shop | None = None
    deliver: Deliver | None = None
    look: Deliver | None = None  # for a reply that was let out before
    addresses: frozenset[str] = frozenset()  # hosts that a call may go to
    services: Connections = field(default_factory=dict)  # programs that a description tells of
    tools: Tools = field(default_factory=dict)  # of programs outside, as approved

    def missing(self, kind: str) -> str:
        if kind in BY_KEY and self.shop is None:
            return NO_SHOP
        return NO_CHANNEL if kind == "reply" and self.deliver is None else ""


@dataclass(frozen=True)
class Came:
    """What the other side said."""

    ref: str = ""
    answer: dict[str, Any] | None = None


class NotKnown(Exception):
    """Whether it was done, or when it can be: nobody can say now."""


def carry_out(action_id: str, *, ways: Ways, at: datetime | None = None) -> Action:
    """Until it is known what became of it, or nobody can say now. What was let out before is asked after first."""
    action, first = _let_out(action_id, at)
    if action.state not in OPEN:
        return action
    try:
        if first:
            came = _made(action, ways)
        elif action.kind not in BY_KEY:
            action = _awaited(action)
            if action.state not in OPEN:
                return action
            came = _seen(action, ways)
        else:
            came = _asked_again(action, ways, at or now())
    except NotKnown as why:
        return _not_known(action_id, str(why), at)
    except Refused as refused:
        return end(action_id, REFUSED, why=str(refused), at=at)
    return end(action_id, DONE, came, at=at)


def told(action: Action) -> str:
    return str(action.payload["told"])


def _let_out(action_id: str, at: datetime | None) -> tuple[Action, bool]:
    """As it is now, and whether this try lets it out. Of a run that ended meanwhile nothing is let out."""
    with store.writing() as db:
        action = _there(db, action_id)
        if action.state != PLANNED:
            return action, False
        if why := _run_ended(db, action):
            return end(action_id, REFUSED, why=f"Not done: {told(action)}. Before it left, {why}.", at=at), False
        return action, _move(db, action, (PLANNED,), state=SENT)


def _there(db: Session, action_id: str) -> Action:
    return db.get_one(Action, action_id, populate_existing=True)


def _run_ended(db: Session, action: Action) -> str:
    """Why nothing more of the run leaves: it ended, or the policy was made stricter since it was written down."""
    trace = db.get(Trace, action.trace_id, populate_existing=True) if action.trace_id else None
    ended = ENDED_RUNS.get(trace.state, "") if trace else ""
    return ended or mandates.stops(db, action.conversation_id, agreed=action.proposal_id is not None)


def _move(db: Session, action: Action, before: tuple[str, ...], **values: Any) -> bool:
    """Compare and set: of two who end it at once one finds it ended."""
    moved = db.execute(update(Action).where(col(Action.id) == action.id, col(Action.state).in_(before)).values(**values))
    db.refresh(action)
    return bool(moved.rowcount == 1)  # type: ignore[attr-defined]


# -- what the other side says -------------------------------------------------------------------------------------------------------------


def _made(action: Action, ways: Ways) -> Came:
    """Let out. An answer that was lost can mostly be had at once, by asking, else by sending the same again."""
    try:
        return _make(action, ways)
    except NotKnown as why:
        if action.kind not in BY_KEY:
            raise why from None
        return _found(action, ways) or _make(action, ways)


def _asked_again(action: Action, ways: Ways, at: datetime) -> Came:
    """By its key; what the other side does not know is sent again with the same key, never with another."""
    if (came := _found(action, ways)) is not None:
        return came
    with store.reading() as db:
        ended = _run_ended(db, action)
    if ended or at - action.at > GIVES_UP:
        raise Refused(f"Not done: {told(action)}. The shop has not made it, and {ended or 'did not take it for a day'}.")
    return _make(action, ways)


def _make(action: Action, ways: Ways) -> Came:
    if why := ways.missing(action.kind):
        raise NotKnown(f"{told(action)}: {why}.")
    try:
        match action.kind:
            case "refund" | "credit":
                return Came(_paid(action, ways).id)
            case "call":
                made = _called(wanted_of(action), ways, action.idempotency_key)
                return Came(made.ref, {"status": made.status, "body": made.body})
        assert ways.deliver is not None  # noqa: S101  it is not missing
        return Came(ways.deliver(action))
    except Refused as fault:
        if getattr(fault, "outcome_unknown", False) or _for_later(fault):
            raise NotKnown(str(fault)) from None
        raise


def _called(wanted: Wanted, ways: Ways, key: str) -> calling.Called:
    if "service" in wanted.what:
        return asking.called(wanted, ways.services, key=key)
    if "tool" in wanted.what:
        return using.called(wanted, ways.tools, key=key)
    return calling.called(wanted, ways.addresses, key=key)


def _for_later(fault: Refused) -> bool:
    """The shop was not there, or has not looked at it: nothing was made, and the next try may be luckier."""
    status = getattr(fault, "status", -1)  # only the shop's own faults have one
    return status is None or status in FOR_LATER


def _awaited(action: Action) -> Action:
    """Where another let it out a moment ago, they are still waiting for the answer: what they hear counts."""
    until = action.at + SETTLES_AFTER
    while action.state == SENT and now() < until:
        time.sleep(LOOKS_AGAIN)
        with store.reading() as db:
            action = _there(db, action.id)
    return action


def _seen(action: Action, ways: Ways) -> Came:
    """What leaves once at most is never sent again; a reply may be there to be seen."""
    if action.kind == "reply" and ways.look is not None and (ref := ways.look(action)):
        return Came(ref)
    raise NotKnown(f"{told(action)}: it was let out, and whether it arrived nobody knows. Look over there before it is done again.")


def _paid(action: Action, ways: Ways) -> Entry:
    what, cents = action.payload["what"], action.cents
    assert ways.shop is not None and cents is not None  # noqa: S101  neither is written down without
    told = (cents, action.currency, str(what["reason"]))
    if action.kind == "refund":
        return ways.shop.refund(str(what["order"]), *told, key=action.idempotency_key)
    return ways.shop.credit(str(what["customer"]), *told, key=action.idempotency_key, order=what.get("order"))


def _found(action: Action, ways: Ways) -> Came | None:
    """What the shop has under the key."""
    if ways.shop is None:
        raise NotKnown(f"{told(action)}: {NO_SHOP}.")
    try:
        ask = ways.shop.refund_by_key if action.kind == "refund" else ways.shop.credit_by_key
        entry = ask(action.idempotency_key)
    except Refused as fault:
        raise NotKnown(f"Whether it was done is not known. {fault}") from None
    return Came(entry.id) if entry else None


# -- what is kept of it -------------------------------------------------------------------------------------------------------------------


def end(action_id: str, state: str, came: Came | None = None, *, why: str = "", at: datetime | None = None) -> Action:
    """Known for good, once; a run that waited for it goes on, or a person takes it over."""
    came = came or Came()
    with store.writing() as db:
        action = _there(db, action_id)
        # the run's row before the action's and the record's, as everybody takes them: else two could wait for each other
        trace = db.get(Trace, action.trace_id, populate_existing=True, with_for_update=True) if action.trace_id else None
        if _move(db, action, OPEN, state=state, provider_ref=came.ref, answer=came.answer, why=why, ended_at=at or now()):
            record(db, action, at)
            if trace is not None and trace.state == "waiting" and (trace.state_json or {}).get("waits_for") == action.act:
                let_go_on(db, trace, action, at)
        return action


def record(db: Session, action: Action, at: datetime | None) -> None:
    done = action.state == DONE
    whose = f"by recipe '{action.target_name}' {action.target_number}"
    sentence = f"{told(action)}: done, {whose}." if done else f"{told(action)}: not done, {whose}. {action.why}"
    by = db.get(Person, action.by_person_id) if action.by_person_id else None
    after = {"payload_sha": action.payload_sha, "ref": action.provider_ref, "key": action.idempotency_key}
    audit.record(db, by, "did" if done else "did not do", "action", action.id, sentence, at=at, after=after)


def let_go_on(db: Session, trace: Trace, action: Action, at: datetime | None, *, turn: str = "done") -> None:
    """In the background, once for each turn: it is done, its question is answered. Where it was not done, a person has it."""
    if action.state == REFUSED:
        traces.end(db, trace, "handed_over", action.why)
        return
    traces.go_on(db, trace)
    arguments, title = {"trace_id": trace.id, "act": action.act}, f"Go on with '{trace.target_name}'"
    tasks.later(db, GO_ON, arguments, title=title, by=None, dedup_key=f"go on {action.id} {turn}", at=at)


def _not_known(action_id: str, why: str, at: datetime | None) -> Action:
    with store.writing() as db:
        action = _there(db, action_id)
        if _move(db, action, (SENT,), state=UNKNOWN, why=why) and action.kind in BY_KEY:
            tasks.later(db, SETTLE, {}, title="Ask what became of what was sent", by=None, dedup_key=f"settle {action.id}", at=at)
        return action


# -- again and again, in the background ---------------------------------------------------------------------------------------------------


def anything_to_settle(*, at: datetime | None = None) -> bool:
    with store.reading() as db:
        return bool(db.exec(_unsettled(at or now()).limit(1)).first() or db.exec(_ended_by_people().limit(1)).first())


def settle(*, ways: Ways, at: datetime | None = None) -> str:
    """What is not known yet is asked after; runs whose proposal was not agreed to are handed over."""
    moment = at or now()
    with store.reading() as db:
        found = list(db.exec(_unsettled(moment)))
    states = [carry_out(one, ways=ways, at=at).state for one in found]
    handed = _hand_over()
    known = sum(state not in OPEN for state in states)
    return f"{known:,} of {len(states):,} things that were sent are known now; {handed:,} runs were handed to people."


def _unsettled(moment: datetime) -> Any:
    """What nobody waits for any more; of what can not be asked after, what has not left or is not marked yet."""
    open_for_all = col(Action.state).in_((PLANNED, SENT))
    still = open_for_all | ((col(Action.state) == UNKNOWN) & col(Action.kind).in_(BY_KEY))
    fresh = col(Action.at) > moment - SETTLES_AFTER
    return select(Action.id).where(still, ~(fresh & open_for_all)).order_by(Action.id)


def _ended_by_people() -> Any:
    waits = select(Trace, Proposal).join(Proposal, col(Proposal.id) == col(Trace.proposal_id))
    return waits.where(Trace.state == "waiting", col(Proposal.state).in_(ENDED_PROPOSALS)).order_by(Trace.id)


def _hand_over() -> int:
    with store.writing() as db:
        found = list(db.exec(_ended_by_people()))
        for trace, proposal in found:
            traces.end(db, trace, "handed_over", f"'{proposal.title}' was {_outcome(proposal)}.")
        return len(found)


def _outcome(proposal: Proposal) -> str:
    word = {"failed": "not carried out", "lapsed": "decided by nobody in time"}.get(proposal.state, proposal.state)
    return f"{word}: {proposal.outcome}".rstrip(" .:")


# -- back to what a step knows ------------------------------------------------------------------------------------------------------------


def wanted_of(action: Action) -> Wanted:
    return wanted_from(action.payload)


def wanted_from(payload: dict[str, Any]) -> Wanted:
    amount = Decimal(payload["amount"]) if payload["amount"] is not None else None
    return Wanted(payload["act"], payload["step"], payload["kind"], payload["what"], payload["told"], amount, payload["currency"])


def did_of(action: Action) -> Did:
    """As the door told it then."""
    wanted = wanted_of(action)
    if action.kind == "call":
        said = action.answer or {"status": 0, "body": {}}
        return calling.Called(wanted, DONE, action.provider_ref, said["status"], said["body"])
    return Did(wanted, DONE, action.provider_ref)
