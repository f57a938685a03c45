"""A run that waited goes on from where it stood, in whichever process takes the task. Taken twice, it does nothing twice."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from automations import actions, conversing, limits, recipes, running, settling, taping, waiting
from automations.actions import Real
from automations.conversing import Connected
from automations.door import Did, Held
from automations.running import Steps, Told
from automations.settling import Ways
from automations.steps import ask_for_detail
from automations.steps.face import Changes
from data import store, versions
from data.errors import Refused
from data.tables import Action, Person, Trace
from data.values import Target, now


def go_on(trace_id: str, *, ways: Ways, connected: Connected, steps: Steps, at: datetime | None = None) -> Trace:
    """What it waited for was done: that is what its act gives, and the acts behind it follow."""
    trace, action, by = _waited(trace_id)
    if trace.state != "running":  # somebody was faster, or stopped it
        return trace
    made = recipes.read(versions.get(Target(trace.target_kind, trace.target_name, trace.target_number)))
    where, step = waiting.stand_of(trace), _changing(steps, action.step)
    door = Real(Held(made), trace.id, by=by, ways=ways, policy=limits.policy(made.limits.currency), at=at)
    case = conversing.as_it_is(made, str(trace.conversation_id))
    if case is None or by.disabled_at is not None:
        why = (
            "The conversation is not here any more." if case is None else f"{by.name}, in whose name it runs, does not work here any more."
        )
        return waiting.close(door, Told(running.HANDED_OVER, (), where.facts, why), before=where)
    answer = conversing.said_since(case.conversation.id, trace.seq or 0) if waiting.asks_the_customer(action) else None
    if answer == "":  # the question left a moment ago, after a yes: now the customer is waited for
        return waiting.wait_for_customer(trace.id, where)
    moment, did, tape = at or now(), settling.did_of(action), taping.Tape()
    world = tape.around(case.world(door, connected, moment))
    told = running.resume(made, where, gave(step, did, answer), world, tape.steps(steps))
    told = tape.over(told, taping.frozen(case, connected, moment) | {"did": taping.kept_did(did), "answer": answer})
    return waiting.close(door, told, before=where)


def gave(step: Changes, did: Did, answer: str | None) -> Mapping[str, Any]:
    """Of a question with what the customer wrote then."""
    return ask_for_detail.gave(did, answer) if answer is not None else step.gave(did)


def _waited(trace_id: str) -> tuple[Trace, Action, Person]:
    with store.reading() as db:
        trace = db.get(Trace, trace_id)
        action = actions.action_of(db, trace.id, waiting.stand_of(trace).waits_for) if trace else None
        if trace is None or action is None or action.by_person_id is None:
            raise Refused("The run does not go on: what it waited for is not there.")
        return trace, action, db.get_one(Person, action.by_person_id)


def _changing(steps: Steps, name: str) -> Changes:
    """One that changes something says itself what it gives once that is done."""
    if name not in steps:
        raise Refused(f"The run does not go on: there is no step '{name}' any more.")
    return cast(Changes, steps[name])
