"""A run that waits: how far it is is kept with it, a person is asked, and after a yes it goes on once, in whichever process."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, func, select

from automations import RECIPE, actions, conversing, recipes, settling, tracing
from automations.actions import ONCE, TWICE, Asking, Real
from automations.door import Held
from automations.recipe import Recipe
from automations.running import DONE, SKIPPED, WAITING, Stand, Told
from automations.settling import OPEN, REFUSED, Ways
from automations.steps import ask_for_detail
from data import access, approvals, sealing, store, traces, versions
from data.errors import Refused
from data.tables import Action, Conversation, Person, Proposal, Trace
from data.values import LIVE, Target

KINDS = (ONCE, TWICE)
DECIMAL, TIME = "decimal", "time"  # what JSON has no word for
LONGEST_WHY = 500
SEAL = "where a run stands"


def park(door: Real, told: Told, *, before: Stand | None = None) -> Trace:
    """Where it stands and what a person is asked are kept together, or neither: a kill between leaves a run that is done again."""
    stand = Stand.of(told, before)
    with store.writing() as db:
        trace = actions.run_of(db, door.trace_id)
        if trace.state != "running":  # another did the same run at the same time, and was first
            return trace
        tracing.keep(db, trace, told, at=door.at)
        proposal = _propose(db, door, door.asking, trace) if door.asking else None
        traces.wait(db, trace, as_json(stand), proposal_id=proposal.id if proposal else None)
        if door.unknown:
            action = db.get_one(Action, door.unknown, populate_existing=True)
            if action.state not in OPEN:  # it became known between
                settling.let_go_on(db, trace, action, door.at)
        return trace


def close(door: Real, told: Told, *, before: Stand | None = None) -> Trace:
    """What became of a run, once: whoever did the same run beside it and was slower changes nothing."""
    if told.state == WAITING:
        return park(door, told, before=before)
    with store.writing() as db:
        trace = actions.run_of(db, door.trace_id)
        if trace.state == "running":
            tracing.keep(db, trace, told, at=door.at)
            traces.end(db, trace, DONE if told.state == SKIPPED else told.state, told.why)
        return trace


def stand_of(trace: Trace) -> Stand:
    """Where the run waits, or waited."""
    kept = trace.state_json or {}
    facts = json.loads(sealing.unseal(kept["facts"], SEAL)) if "facts" in kept else {}
    return Stand(
        _back(facts), frozenset(kept.get("done", ())), frozenset(kept.get("skipped", ())), str(kept.get("waits_for", ""))
    )  # fmt: skip


def as_json(stand: Stand) -> dict[str, Any]:
    """What was looked up names people, and the run needs it as it is: it is sealed."""
    facts = sealing.seal(json.dumps(_kept(stand.facts), default=str), SEAL)
    return {"facts": facts, "done": sorted(stand.done), "skipped": sorted(stand.skipped), "waits_for": stand.waits_for}


def _kept(value: Any) -> Any:
    """An amount stays an amount, not a text that looks like one."""
    if isinstance(value, Mapping):
        return {str(name): _kept(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_kept(inner) for inner in value]
    if isinstance(value, Decimal):
        return {DECIMAL: str(value)}
    return {TIME: value.isoformat()} if isinstance(value, datetime) else value


def _back(value: Any) -> Any:
    match value:
        case {"decimal": str(text), **rest} if not rest:
            return Decimal(text)
        case {"time": str(text), **rest} if not rest:
            return datetime.fromisoformat(text)
        case dict():
            return {name: _back(inner) for name, inner in value.items()}
        case list():
            return [_back(inner) for inner in value]
    return value


# -- asking the customer ------------------------------------------------------------------------------------------------------------------


def asks_the_customer(action: Action) -> bool:
    return action.step == ask_for_detail.declaration.name


def wait_for_customer(trace_id: str, stand: Stand) -> Trace:
    """The question is out; nobody but the customer can go on from here."""
    with store.writing() as db:
        trace = actions.run_of(db, trace_id)
        if trace.state == "running":
            traces.wait(db, trace, as_json(stand))
        return trace


def answered(conversation_id: str, *, at: datetime | None = None) -> list[str]:
    """Runs that asked the customer for something, who wrote since: they go on, in the background too if nobody gets to it here."""
    going = []
    with store.writing() as db:
        query = select(Trace).where(
            Trace.conversation_id == conversation_id, Trace.target_kind == RECIPE, Trace.mode == LIVE, Trace.state == "waiting"
        )
        for trace in db.exec(query.order_by(Trace.id).with_for_update().execution_options(populate_existing=True)):
            action = actions.action_of(db, trace.id, stand_of(trace).waits_for)
            asked = action is not None and action.state == DONE and asks_the_customer(action)
            if action is not None and asked and conversing.said_since(conversation_id, trace.seq or 0):
                settling.let_go_on(db, trace, action, at, turn="answered")
                going.append(trace.id)
    return going


# -- asking a person ----------------------------------------------------------------------------------------------------------------------


def _propose(db: Session, door: Real, asking: Asking, trace: Trace) -> Proposal:
    told, passage = asking.wanted.told, dict(door.policy.passage) if door.policy else {}
    like = _decided_before(db, trace.target_name, asking.wanted.step)
    evidence = {
        "sentence": _sentence(asking, like), "recipe": trace.target_name, "number": trace.target_number,
        "conversation": trace.conversation_id, "policy": passage, "like": like, "amounts": dict(asking.amounts),
        "decide": sorted(access.TABLE[approvals.KINDS[asking.kind].approve]),
    }  # fmt: skip
    return approvals.propose(
        db, asking.kind, told[:1].lower() + told[1:], actions.payload_of(trace, asking.wanted), why=asking.why[:LONGEST_WHY],
        evidence=evidence, authors=[door.by.id], by=door.by, needs=asking.needs,
        team_id=_team_of(db, trace), at=door.at,
    )  # fmt: skip


def _team_of(db: Session, trace: Trace) -> str | None:
    """Those who know the customer decide."""
    return db.get_one(Conversation, trace.conversation_id).team_id if trace.conversation_id else None


def _sentence(asking: Asking, like: Mapping[str, int]) -> str:
    decided = like["approved"] + like["refused"]
    before = f"{like['approved']:,} of {decided:,} like it were approved." if decided else "Nobody decided on one like it before."
    return f"{asking.why} {before}"


def _decided_before(db: Session, recipe: str, step: str) -> dict[str, int]:
    """What people said to the same step of the same recipe."""
    payload: Any = col(Proposal.payload)
    same = (col(Proposal.kind).in_(KINDS), payload["recipe"].as_string() == recipe, payload["step"].as_string() == step)
    found = dict(db.exec(select(Proposal.state, func.count()).where(*same).group_by(Proposal.state)).all())
    return {"approved": sum(found.get(state, 0) for state in ("approved", "done", "failed")), "refused": found.get("refused", 0)}


# -- after a yes --------------------------------------------------------------------------------------------------------------------------


def continue_run(proposal_id: str, *, ways: Ways, at: datetime | None = None) -> Action:
    """What was approved is done, under the proposal's id as its key; the task `go_on` then has the run go on. However often it is called:
    once. begin_execution checks the rights of the proposer and of each approver again."""
    with store.writing() as db:
        store.one_at_a_time(db, f"proposal {proposal_id}")
        action = db.exec(select(Action).where(Action.proposal_id == proposal_id)).first() or _written(db, proposal_id, ways, at)
    action = settling.carry_out(action.id, ways=ways, at=at)
    if action.state == REFUSED:
        raise Refused(action.why)
    return action


def _written(db: Session, proposal_id: str, ways: Ways, at: datetime | None) -> Action:
    proposal = db.get_one(Proposal, proposal_id, populate_existing=True)
    store.one_at_a_time(db, f"actions {proposal.payload.get('recipe')}")
    proposal, _ = approvals.begin_execution(db, proposal_id, proposal.kind, at=at)
    trace, wanted = actions.run_of(db, proposal.payload["trace"]), settling.wanted_from(proposal.payload)
    if trace.state != "waiting" or trace.proposal_id != proposal.id:
        raise Refused(f"Not done: {wanted.told}. The run does not wait for it any more: it is {trace.state.replace('_', ' ')}.")
    actions.require_possible(wanted, ways)
    customer_id, proposer = actions.customer_of(db, trace, wanted), db.get_one(Person, proposal.proposer_id)
    actions.hold(db, Held(_recipe(trace)), trace, wanted, at)
    told = {"key": proposal.id, "proposal_id": proposal.id}
    action = actions.add(db, trace, proposal.payload, customer_id=customer_id, by=proposer, at=at, **told)
    if action.state == DONE:  # in the portal itself
        settling.let_go_on(db, trace, action, at)
    return action


def _recipe(trace: Trace) -> Recipe:
    return recipes.read(versions.get(Target(RECIPE, trace.target_name, trace.target_number)))
