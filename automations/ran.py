"""The runs that there were, as people look at them: the newest of a recipe, and one with its steps and with what left."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from sqlmodel import col, func, select

from automations import RECIPE, actions, tracing
from data import access, conversations, store
from data.errors import Denied
from data.tables import Action, Conversation, Person, Proposal, Span, Trace
from data.values import LIVE

NEWEST = 50
STATES = ("running", "waiting", "done", "handed_over", "stopped", "failed")


@dataclass(frozen=True)
class Listed:
    """A run in a list."""

    trace: Trace
    did: Sequence[Action]


@dataclass(frozen=True)
class Run:
    """One, whole."""

    trace: Trace
    steps: Sequence[Span]
    did: Sequence[Action]
    proposals: Sequence[Proposal]  # what it asked a yes for, the first first

    @property
    def ms(self) -> float:
        """Of work, from its beginning to its end; what went on beside each other counts once."""
        return max((starts + one.ms for starts, one in zip(self.starts, self.in_turn, strict=True)), default=0.0)

    @property
    def starts(self) -> Sequence[float]:
        """When each of those began, ms after the run did. Of a run that was kept before that was known, each behind the one before it."""
        known = [(one.output or {}).get(tracing.STARTS) for one in self.in_turn]
        if all(isinstance(one, int | float) for one in known):
            return [float(one) for one in known if one is not None]
        return list(accumulate((one.ms for one in self.in_turn[:-1]), initial=0.0))

    @property
    def in_turn(self) -> Sequence[Span]:
        """What was done: without a step that only holds what its agents did."""
        return [one for one in self.steps if not any(inner.name.startswith(f"{one.name}.") for inner in self.steps)]


def newest(name: str, *, by: Person, state: str = "", most: int = NEWEST) -> list[Listed]:
    """Those that count, of conversations within reach; a state leaves the others out."""
    with store.reading() as db:
        query = select(Trace).where(*_theirs(name, by), *([Trace.state == state] if state else []))
        query = query.join(Conversation, col(Conversation.id) == col(Trace.conversation_id))
        found = list(db.exec(query.order_by(col(Trace.at).desc(), col(Trace.id).desc()).limit(most)))
        did: dict[str, list[Action]] = {one.id: [] for one in found}
        for action in db.exec(select(Action).where(col(Action.trace_id).in_(list(did))).order_by(Action.id)):
            did[str(action.trace_id)].append(action)
    return [Listed(one, did[one.id]) for one in found]


def counted(name: str, *, by: Person) -> dict[str, int]:
    """How many there are in each state, of those that the person may see."""
    with store.reading() as db:
        query = select(Trace.state, func.count()).join(Conversation, col(Conversation.id) == col(Trace.conversation_id))
        found = dict(db.exec(query.where(*_theirs(name, by)).group_by(Trace.state)).all())
    return {state: found[state] for state in STATES if state in found}


def _theirs(name: str, by: Person) -> tuple[Any, ...]:
    access.require(by, "automation.read")
    reach = access.reach(by, "conversation.read")
    here = access.within(reach, by, col(Conversation.team_id)) if reach else col(Trace.id).is_(None)
    return (
        Trace.target_kind == RECIPE, Trace.target_name == name, Trace.mode == LIVE, col(Conversation.hidden_at).is_(None), here,
    )  # fmt: skip


def one(trace_id: str, *, by: Person) -> Run:
    """Denied where there is none, and where its conversation is another team's: the two look alike."""
    access.require(by, "automation.read")
    with store.reading() as db:
        trace = db.get(Trace, trace_id)
        if trace is None or trace.target_kind != RECIPE or not conversations.reachable([str(trace.conversation_id)], by=by):
            raise Denied("Not shown: that run is not here.")
        steps = list(db.exec(select(Span).where(Span.trace_id == trace.id).order_by(col(Span.seq))))
        did = list(actions.of_trace(trace.id, by=by))
        ids = {trace.proposal_id, *(action.proposal_id for action in did)} - {None}
        proposals = list(db.exec(select(Proposal).where(col(Proposal.id).in_(ids)).order_by(Proposal.id)))
        return Run(trace, steps, did, proposals)
