"""The only door to side effects: each is held to limits that are counted here, written down, and only then let out, once.

What the recipe may not do alone is not done: the run waits, and waiting.py asks a person.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, func, select

from automations import RECIPE, mandates, settling
from automations.desks import telling
from automations.door import NOTHING, Did, Held, Spent, Waits, Wanted
from automations.settling import BY_KEY, DONE, OPEN, PLANNED, REFUSED, Ways
from data import access, approvals, desk, store, traces
from data.errors import Refused
from data.tables import Action, Conversation, Person, Trace
from data.values import LIVE, now

HERE = ("tag", "route", "field", "draft", "note")  # done in the portal itself, in the transaction that writes it down
ONCE, TWICE = "act_once", "act_twice"  # kinds of proposals, by how many have to say yes


@dataclass(frozen=True)
class Policy:
    """What one customer may get within a while before two people look, by whichever recipes it went."""

    money: Decimal
    days: int = 60
    passage: Mapping[str, Any] = field(default_factory=dict)  # where it is written: title, text, slug


@dataclass(frozen=True)
class Asking:
    """What a person is to decide."""

    wanted: Wanted
    why: str
    needs: int
    amounts: Mapping[str, str]

    @property
    def kind(self) -> str:
        return kind_of(self.needs)


@dataclass
class Real:
    """The door of one live run. `by` is in whose name a person is asked."""

    held: Held
    trace_id: str
    by: Person
    ways: Ways = field(default_factory=Ways)
    policy: Policy | None = None
    at: datetime | None = None
    asking: Asking | None = None  # the run waits for somebody's yes to it
    unknown: str = ""  # ... or for this action to be known

    def __post_init__(self) -> None:
        """What was moved before is known to whoever looks before an act; within the act it is counted again."""
        with store.reading() as db:
            self.held.before = spent_before(db, self.held.recipe.name, self.at, but=self.trace_id)

    def act(self, wanted: Wanted) -> Did:
        """Kept before it leaves, so that whoever comes after a kill finds it."""
        with store.writing() as db:
            if db.in_nested_transaction():
                raise RuntimeError("an act inside a transaction would leave before it is kept")
            action = self._written(db, wanted)
        if action.state in OPEN:
            action = settling.carry_out(action.id, ways=self.ways, at=self.at)
        return self._told(wanted, action)

    def before(self, name: str) -> Did | None:
        """What leaves is asked for once: a second run of the same does not look anew at what the first one changed."""
        with store.reading() as db:
            known = action_of(db, self.trace_id, name)
        if known is None or known.state == REFUSED:
            return None
        if known.state in OPEN:
            known = settling.carry_out(known.id, ways=self.ways, at=self.at)
        return self._told(settling.wanted_of(known), known)

    def _written(self, db: Session, wanted: Wanted) -> Action:
        store.one_at_a_time(db, f"actions {self.held.recipe.name}")
        trace = run_of(db, self.trace_id)
        payload = payload_of(trace, wanted)
        if known := action_of(db, trace.id, wanted.name):
            if known.payload_sha != approvals.payload_digest(payload) and known.state != REFUSED:
                raise Refused(
                    f"Not done: {wanted.told}. This run did otherwise before: {settling.told(known)}. A person should look at it."
                )
            return known
        require_running(trace)
        require_possible(wanted, self.ways)
        customer_id = customer_of(db, trace, wanted)
        hold(db, self.held, trace, wanted, self.at)
        self._require_no_yes(db, wanted, customer_id)
        return add(db, trace, payload, key=f"{trace.id}:{wanted.name}", customer_id=customer_id, by=self.by, at=self.at)

    def _require_no_yes(self, db: Session, wanted: Wanted, customer_id: str | None) -> None:
        needs, amounts = self.held.recipe.alone.approvers, _amounts(self.held, wanted)
        why = self.held.needs_a_yes(wanted)
        if self.policy is not None and wanted.amount is not None:
            got = got_by(db, customer_id, wanted.currency, self.policy.days, self.at)
            amounts |= {f"customer in {self.policy.days} days": f"{got:,.2f}"}
            if customer_id is None or got + wanted.amount > self.policy.money:
                needs, why = 2, why or _above(wanted, self.policy, got)
        if why:
            access.require(self.by, approvals.KINDS[kind_of(needs)].propose)
            self.asking = Asking(wanted, why, needs, amounts)
            raise Waits(wanted, why)

    def _told(self, wanted: Wanted, action: Action) -> Did:
        if action.state == DONE:
            return self.held.count(settling.did_of(action))
        if action.state == REFUSED:
            raise Refused(action.why)
        if action.kind not in BY_KEY:
            raise Refused(action.why or f"{wanted.told}: whether it was done is not known. Look over there before it is done again.")
        self.unknown = action.id
        raise Waits(wanted, f"{wanted.told}: it is not known yet whether it was done. The shop is asked again until it is.")


def kind_of(needs: int) -> str:
    return TWICE if needs > 1 else ONCE


def _amounts(held: Held, wanted: Wanted) -> dict[str, str]:
    if wanted.amount is None:
        return {}
    told = {"this": wanted.amount, "this run before": held.money, "the recipe today before": held.before.money_today + held.money}
    return {name: f"{amount:,.2f}" for name, amount in told.items()} | {"currency": wanted.currency}


def _above(wanted: Wanted, policy: Policy, got: Decimal) -> str:
    together = f"{got + (wanted.amount or NOTHING):,.2f} {wanted.currency}"
    return (
        f"{wanted.told}. With it the customer would have got {together} within {policy.days} days, and above {policy.money:,.2f} "
        f"{wanted.currency} two people decide."
    )


# -- what an act is held to ---------------------------------------------------------------------------------------------------------------


def run_of(db: Session, trace_id: str) -> Trace:
    """As it is now: somebody may have stopped it."""
    trace = db.get(Trace, trace_id, populate_existing=True, with_for_update=True)
    if trace is None or trace.target_kind != RECIPE or trace.mode != LIVE:
        raise Refused("Not done: only a live run of a recipe changes anything.")
    return trace


def require_running(trace: Trace) -> None:
    if trace.state != "running":
        raise Refused(f"Not done: the run is {trace.state.replace('_', ' ')}. Nothing more is done in it.")


def require_possible(wanted: Wanted, ways: Ways) -> None:
    """What is told, approved and moved is one amount, of a kind that this door knows."""
    if wanted.kind not in (*BY_KEY, *HERE, "reply", "call"):
        raise Refused(f"Not done: {wanted.told}. '{wanted.kind}' is nothing that leaves here.")
    said = wanted.what.get("amount")
    if (wanted.kind in BY_KEY and wanted.amount is None) or (said is not None and Decimal(str(said)) != wanted.amount):
        raise Refused(f"Not done: {wanted.told}. The amounts that were named differ.")
    if wanted.amount is not None and wanted.amount != round(wanted.amount, 2):
        raise Refused(f"Not done: {wanted.told}. Money is moved in whole cents.")
    if why := ways.missing(wanted.kind):
        raise Refused(f"Not done: {wanted.told}. Here {why}.")


def customer_of(db: Session, trace: Trace, wanted: Wanted) -> str | None:
    """Whose conversation it is; what is wanted for another is refused, whoever asked a step for it."""
    one = db.get(Conversation, trace.conversation_id) if trace.conversation_id else None
    if one is not None and wanted.what.get("customer", one.customer_id) != one.customer_id:
        raise Refused(f"Not done: {wanted.told}. It is for another customer than the one of this conversation.")
    return one.customer_id if one else None


def hold(db: Session, held: Held, trace: Trace, wanted: Wanted, at: datetime | None) -> None:
    """To the policy and the recipe's limits, with what was moved before counted in the same transaction: of two at once one sees the
    other."""
    held.mandate = mandates.of(db, trace.conversation_id)
    held.before, held.money = spent_before(db, trace.target_name, at, but=trace.id), _moved(db, Action.trace_id == trace.id)
    held.require_within(wanted)


def _counts(*conditions: Any) -> tuple[Any, ...]:
    return (col(Action.state) != REFUSED, *conditions)


def _moved(db: Session, *conditions: Any) -> Decimal:
    cents = db.exec(select(func.coalesce(func.sum(Action.cents), 0)).where(*_counts(*conditions))).one()
    return Decimal(cents or 0) / 100


def spent_before(db: Session, name: str, at: datetime | None, *, but: str = "") -> Spent:
    """Today, by all versions of the recipe; `but` leaves one run out."""
    of_others = (Action.target_kind == RECIPE, Action.target_name == name, Action.at >= traces.today(at), col(Action.trace_id) != but)
    runs = db.exec(select(func.count(func.distinct(Action.trace_id))).where(*_counts(*of_others))).one()
    return Spent(_moved(db, *of_others), runs)


def got_by(db: Session, customer_id: str | None, currency: str, days: int, at: datetime | None) -> Decimal:
    """What went to a customer lately, by whichever recipe. Two that give to the same one come after each other."""
    if customer_id is None:
        return NOTHING
    store.one_at_a_time(db, f"customer {customer_id}")
    since = (at or now()) - timedelta(days=days)
    return _moved(db, Action.customer_id == customer_id, Action.currency == currency, Action.at >= since)


# -- writing it down ----------------------------------------------------------------------------------------------------------------------


def payload_of(trace: Trace, wanted: Wanted) -> dict[str, Any]:
    """Exactly what is done, as it is approved and kept."""
    what = json.loads(json.dumps(dict(wanted.what), default=str))
    return {
        "recipe": trace.target_name, "number": trace.target_number, "trace": trace.id, "conversation": trace.conversation_id,
        "act": wanted.name, "step": wanted.step, "kind": wanted.kind, "what": what, "told": wanted.told,
        "amount": None if wanted.amount is None else f"{wanted.amount:f}", "currency": wanted.currency,
    }  # fmt: skip


def action_of(db: Session, trace_id: str, act: str) -> Action | None:
    query = select(Action).where(Action.trace_id == trace_id, Action.act == act)
    return db.exec(query.execution_options(populate_existing=True)).first()


def add(
    db: Session, trace: Trace, payload: Mapping[str, Any], *, key: str, customer_id: str | None, by: Person | None,
    proposal_id: str | None = None, at: datetime | None = None,
) -> Action:  # fmt: skip
    """Planned; what is done here is done with it."""
    wanted, moment = settling.wanted_from(dict(payload)), at or now()
    here = wanted.kind in HERE
    action = Action(
        target_kind=trace.target_kind, target_name=trace.target_name, target_number=trace.target_number, trace_id=trace.id,
        proposal_id=proposal_id, conversation_id=trace.conversation_id, customer_id=customer_id, act=wanted.name, step=wanted.step,
        kind=wanted.kind, payload=dict(payload), payload_sha=approvals.payload_digest(dict(payload)), idempotency_key=key,
        cents=None if wanted.amount is None else int(wanted.amount * 100), currency=wanted.currency, at=moment,
        state=DONE if here else PLANNED, ended_at=moment if here else None,
        by_person_id=access.whose(by) if by else None,
    )  # fmt: skip
    db.add(action)
    db.flush()
    if here:
        _do_here(db, trace, wanted, by, at)
        settling.record(db, action, at)
        telling.later(db, action, at)
    return action


def _do_here(db: Session, trace: Trace, wanted: Wanted, by: Person | None, at: datetime | None) -> None:
    if trace.conversation_id is None:
        raise Refused(f"Not done: {wanted.told}. The run has no conversation.")
    what, made = wanted.what, trace.conversation_id
    match wanted.kind:
        case "tag":
            desk.tag(db, made, str(what["tag"]), by=by, at=at)
        case "route":
            desk.route(db, made, str(what["team"]), by=by, at=at)
        case "field":
            desk.set_field(db, made, str(what["field"]), what["value"], by=by, at=at)
        case "draft":
            traces.say(db, trace, {"reply": what["text"]})
        case "note":
            traces.say(db, trace, {"notes": [*(trace.said or {}).get("notes", []), what["text"]]})
            if what.get("to"):
                desk.route(db, made, str(what["to"]), by=by, at=at)


# -- looking at it ------------------------------------------------------------------------------------------------------------------------


def spent(recipe: str, *, by: Person, at: datetime | None = None) -> Spent:
    """What the recipe moved today, and in how many runs."""
    access.require(by, "automation.read")
    with store.reading() as db:
        return spent_before(db, recipe, at)


def of_trace(trace_id: str, *, by: Person) -> list[Action]:
    """What a run did, in order, if the person may read its conversation."""
    return _listed(Action.trace_id == trace_id, by=by)


def of_conversation(conversation_id: str, *, by: Person) -> list[Action]:
    return _listed(Action.conversation_id == conversation_id, by=by)


def unsettled(*, by: Person, most: int = 100) -> list[Action]:
    """Of which nobody knows yet, or any more, whether they were done; the oldest first."""
    return _listed(col(Action.state).in_(OPEN), by=by)[:most]


def _listed(condition: Any, *, by: Person) -> list[Action]:
    access.require(by, "automation.read")
    reach = access.reach(by, "conversation.read")
    here: Any = col(Action.conversation_id).is_(None)
    if reach is not None:
        here = here | (access.within(reach, by, col(Conversation.team_id)) & col(Conversation.hidden_at).is_(None))
    query = select(Action).join(Conversation, col(Conversation.id) == col(Action.conversation_id), isouter=True)
    with store.reading() as db:
        return list(db.exec(query.where(condition, here).order_by(Action.id)))
