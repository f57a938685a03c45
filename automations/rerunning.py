"""Two versions of a recipe on the same conversation, with nothing leaving: whether each goes right, what each costs, and who is better.

Right is what is served to its end and moves the money that was right then: what people moved, and what an earlier run moved with nobody
saying that it was wrong. How close replies come to what people wrote is a question of its own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from math import ceil
from time import perf_counter
from typing import Any, Literal

from sqlmodel import col, or_, select

from automations import conversing, running
from automations.agents.checks import STEP
from automations.agents.loop import HANDOFF, MODEL
from automations.agents.planner import MODEL as PLANNER
from automations.arms import SAID
from automations.backtest import CENT, Line, line_of
from automations.causes import POLICY, WRONG_ARGUMENT, WRONG_INTENT
from automations.conversing import Case, Connected
from automations.door import NOTHING
from automations.recipe import Recipe
from automations.running import FAILED, Span, Steps
from automations.world import World
from data import sealing, store
from data.errors import Refused
from data.tables import Action, Trace
from data.values import LIVE
from evals import power, verdict
from evals.graders.face import Graders
from evals.verdict import Verdict

FAILING, WELL = "failing", "well"
RIGHT, REPLIES = "right", "replies"  # what a group is judged on
DOUBTED = (POLICY, WRONG_ARGUMENT, WRONG_INTENT)  # confirmed causes of runs that should not have paid what they paid
FEWEST_REPLIES = 10  # whose closeness is known in both versions: of fewer nothing is said
Group = Literal["failing", "well"]


@dataclass(frozen=True)
class Twice:
    """A conversation as it stood when each of the two versions would have begun."""

    group: str
    before: Case
    after: Case
    moved: Decimal  # by an earlier run, and nobody said that it was wrong

    @property
    def conversation_id(self) -> str:
        return self.after.conversation.id

    @property
    def opened_at(self) -> datetime:
        return self.after.conversation.opened_at


@dataclass(frozen=True)
class Ran:
    """One version on one conversation."""

    line: Line
    due: Decimal  # the money that is right
    calls: int  # of models
    tokens: int
    cost: float
    seconds: float  # until its agents were done
    agents: tuple[str, ...]  # whom it was handed to
    models: frozenset[str]
    unasked: str  # why a model gave no answer: then this says nothing about the version

    @property
    def agrees(self) -> bool:
        return abs(self.line.machine - self.due) < CENT

    @property
    def right(self) -> bool:
        return self.line.handled and self.agrees

    def as_body(self) -> dict[str, Any]:
        told = {"right": self.right, "agrees": self.agrees, "calls": self.calls, "cost": round(self.cost, 6), "agents": list(self.agents)}
        return self.line.as_body() | told | {"seconds": round(self.seconds, 3), "due": str(self.due)}


@dataclass(frozen=True)
class Pair:
    case: Twice
    before: Ran
    after: Ran

    @property
    def asked(self) -> bool:
        """Whether every model that was asked gave an answer, in both."""
        return not (self.before.unasked or self.after.unasked)

    def as_body(self) -> dict[str, Any]:
        change = "fixed" if self.after.right > self.before.right else "broken" if self.after.right < self.before.right else ""
        return {
            "conversation": self.case.conversation_id, "group": self.case.group, "channel": self.after.line.channel,
            "change": change if self.asked else "unasked", "before": self.before.as_body(), "after": self.after.as_body(),
            "why": self.before.unasked or self.after.unasked,
        }  # fmt: skip


@dataclass(frozen=True)
class Both:
    """The two versions, and what they work with."""

    before: Recipe
    after: Recipe
    connected: Connected
    steps: Steps
    known: Graders

    @property
    def talks(self) -> bool:
        """Whether models decide, and not the embedded planner."""
        return self.connected.talk is not None

    def twice(self, conversation_id: str, group: str, moved: Mapping[str, Decimal]) -> Twice | None:
        """None where it is not here any more."""
        cases = [conversing.as_it_is(recipe, conversation_id) for recipe in (self.before, self.after)]
        if cases[0] is None or cases[1] is None:
            return None
        return Twice(group, cases[0], cases[1], moved.get(conversation_id, NOTHING))

    def pair(self, case: Twice, *, later_first: bool = False) -> Pair:
        """In turns one of them is the first, so that neither is quicker for what the other had loaded."""
        if later_first:
            after = self._ran(case.after, self.after, case.moved)
            return Pair(case, self._ran(case.before, self.before, case.moved), after)
        return Pair(case, self._ran(case.before, self.before, case.moved), self._ran(case.after, self.after, case.moved))

    def _ran(self, case: Case, recipe: Recipe, moved: Decimal) -> Ran:
        watched = _Watched(self.steps[STEP])
        line = line_of(case, recipe, self.connected, {**self.steps, STEP: watched}, self.known)
        asked = [one for one in watched.spans if one.kind == MODEL]
        handed = tuple(one.name.rpartition(".")[2] for one in watched.spans if one.kind == HANDOFF)
        unasked = next((one.why for one in asked if one.state == FAILED), "")
        return Ran(
            line, line.people + moved, sum(one.step != PLANNER for one in asked), sum(one.tokens for one in asked),
            sum(one.cost for one in asked), watched.seconds, handed, frozenset(one.step for one in asked), unasked,
        )  # fmt: skip


class _Watched:
    """The step of agents, with what they did inside it and how long that took."""

    def __init__(self, step: Any) -> None:
        self.step, self.declaration = step, step.declaration
        self.spans: list[Span] = []
        self.seconds = 0.0

    def run(self, given: Mapping[str, Any], world: World) -> Mapping[str, Any]:
        within, began = world.within, perf_counter()

        def note(span: Span) -> None:
            self.spans.append(span)
            if within is not None:
                within.note(span)

        try:
            told: Mapping[str, Any] = self.step.run(given, replace(world, within=replace(within, note=note) if within else None))
            return told
        finally:
            self.seconds += perf_counter() - began


def moved_by_runs(kind: str, name: str, conversation_ids: Sequence[str]) -> dict[str, Decimal]:
    """What runs of it moved, except where a person said since that it was not right to do what was done."""
    stood = or_(col(Trace.cause_by_id).is_(None), col(Trace.cause).not_in(DOUBTED), Trace.outcome == "edited")
    query = select(Action.conversation_id, Action.cents).join(Trace, col(Trace.id) == col(Action.trace_id)).where(
        Trace.target_kind == kind, Trace.target_name == name, Trace.mode == LIVE, stood, Action.state == running.DONE,
        col(Action.cents).is_not(None), col(Action.conversation_id).in_(conversation_ids),
    )  # fmt: skip
    found: dict[str, Decimal] = {}
    with store.reading() as db:
        for made, cents in db.exec(query):
            found[str(made)] = found.get(str(made), NOTHING) + Decimal(cents or 0).scaleb(-2)
    return found


def inputs(cases: Sequence[Twice], *shas: str) -> str:
    """Of all that was looked at here; what the shop told is as it stood then."""
    seen = [[one.group, str(one.moved), *(_seen(case) for case in (one.before, one.after))] for one in cases]
    return sealing.sha(json.dumps([shas, seen], sort_keys=True, ensure_ascii=False, default=str))


def _seen(case: Case) -> list[Any]:
    return [case.conversation.id, [dict(one) for one in case.messages], case.intent]


# -- what it comes to ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """One group of cases: whether the later version goes right where the earlier did, and whether its replies come closer."""

    cases: int
    right: Verdict | None  # None: there was no case
    replies: Verdict | None  # None: too few were written by both and by people
    said: str = field(default="cannot_tell")

    def as_body(self) -> dict[str, Any]:
        parts = {name: one for name, one in ((RIGHT, self.right), (REPLIES, self.replies)) if one}
        told = {name: {**one.columns(), "how": one.how} for name, one in parts.items()}
        return {"cases": self.cases, "verdict": self.said, "judged": told}


def told(pairs: Sequence[Pair], agent: str, talks: bool) -> dict[str, Any]:
    """`agent`: the one that is new. Where a model gave no answer, that says nothing about either version."""
    asked = [one for one in pairs if one.asked]
    if not any(one.case.group == FAILING for one in asked):
        why = next((one.before.unasked or one.after.unasked for one in pairs if not one.asked), "")
        raise Refused(f"Not compared: a model gave no answer in any of the cases that failed. {why}")
    groups = {name: [one for one in asked if one.case.group == name] for name in (FAILING, WELL)}
    judged = {name: judge(some) for name, some in groups.items()}
    figures = {name: {"before": _figures([one.before for one in some], agent), "after": _figures([one.after for one in some], agent)}
               for name, some in {**groups, "all": asked}.items()}  # fmt: skip
    said = overall(judged[FAILING], judged[WELL])
    sentence = " ".join([
        f"{SAID[said]}: {_right(FAILING, figures, judged)} {_right(WELL, figures, judged)}", *_reached(figures, agent),
        *_missing(said, judged[FAILING], judged[WELL]), _costs(figures["all"], talks),
    ])  # fmt: skip
    models = sorted({model for one in asked for ran in (one.before, one.after) for model in ran.models})
    return {
        "verdict": said, "sentence": sentence, "models": models, "talks": talks, "unasked": len(pairs) - len(asked),
        "groups": {name: one.as_body() for name, one in judged.items()}, "figures": figures, "lines": [one.as_body() for one in pairs],
    }  # fmt: skip


def judge(pairs: Sequence[Pair]) -> Judged:
    """Two questions of the same cases, so each has to be surer (Holm); what goes right decides before how it is said."""
    if not pairs:
        return Judged(0, None, None)
    found = {RIGHT: verdict.of_passes([one.after.right for one in pairs], [one.before.right for one in pairs], _customers(pairs))}
    written = [one for one in pairs if one.before.line.close is not None and one.after.line.close is not None]
    if len(written) >= FEWEST_REPLIES:
        later, earlier = (
            [ran.line.close or 0.0 for ran in side] for side in zip(*((one.after, one.before) for one in written), strict=True)
        )
        found[REPLIES] = verdict.of_scores(later, earlier, _customers(written))
    said = verdict.judge_all(found)
    right, replies = said[RIGHT], said.get(REPLIES)
    sure = next((one.verdict for one in (right, replies) if one and one.verdict in ("better", "worse")), right.verdict)
    return Judged(len(pairs), right, replies, sure)


def _customers(pairs: Sequence[Pair]) -> list[str]:
    return [one.case.after.conversation.customer_id for one in pairs]


def overall(failing: Judged, well: Judged) -> verdict.Said:
    """Better is what helps where it failed and, as far as was seen, breaks nothing on balance."""
    if "worse" in (failing.said, well.said):
        return "worse"
    keeps = well.right is not None and (well.said in ("better", "no_worse") or well.right.found.difference >= 0)
    return "better" if failing.said == "better" and keeps else "cannot_tell"


def _figures(ran: Sequence[Ran], agent: str) -> dict[str, Any]:
    handled = [one for one in ran if one.line.handled]
    close = [one.line.close for one in handled if one.line.close is not None]
    seconds = sorted(one.seconds for one in ran)
    return {
        "cases": len(ran), "right": sum(one.right for one in ran), "handled": len(handled), "agrees": sum(one.agrees for one in handled),
        "close": [round(sum(close) / len(close), 4), len(close)] if close else None, "breaches": sum(bool(one.line.breach) for one in ran),
        "machine": str(sum((one.line.machine for one in ran), NOTHING)), "due": str(sum((one.due for one in ran), NOTHING)),
        "reached": sum(agent in one.agents for one in ran), "calls": sum(one.calls for one in ran),
        "tokens": sum(one.tokens for one in ran), "cost": round(sum(one.cost for one in ran), 6),
        "p50": _rank(seconds, 0.5), "p95": _rank(seconds, 0.95),
    }  # fmt: skip


def _rank(ordered: Sequence[float], share: float) -> float:
    """By the nearest rank."""
    return round(ordered[max(0, ceil(share * len(ordered)) - 1)], 3) if ordered else 0.0


# -- in words -----------------------------------------------------------------------------------------------------------------------------


def _right(group: str, figures: Mapping[str, Any], judged: Mapping[str, Judged]) -> str:
    one = judged[group]
    if one.right is None:
        return "No case that went well was there to see whether it breaks any."
    before, after = (figures[group][side]["right"] for side in ("before", "after"))
    began = "of the cases that failed," if group == FAILING else "Of those that went well,"
    words = f"{began} {after:,} of {one.cases:,} go right with it and {before:,} did before ({one.right.found.fixed:,} fixed, "
    words += f"{one.right.found.broken:,} broken)."
    if one.replies and one.replies.verdict == one.said != one.right.verdict:
        words += f" Its replies come {'closer to' if one.said == 'better' else 'less close to'} what people wrote."
    return words


def _reached(figures: Mapping[str, Any], agent: str) -> list[str]:
    """One that nobody hands anything to changes nothing, whatever it could do."""
    if figures[FAILING]["after"]["reached"]:
        return []
    return [f"'{agent}' was handed none of those that failed: say in what it is for, or to whoever hands over, when it has its turn."]


def _missing(said: str, failing: Judged, well: Judged) -> list[str]:
    """What it would take to tell."""
    if said != "cannot_tell" or failing.right is None:
        return []
    of, words = (well, "that went well") if failing.said == "better" else (failing, "that failed")
    if of.right is None:
        return []
    if (more := _more(of.right)) is None:
        return [f"The cases {words} show no difference."]
    return [f"{'More than' if more > power.MOST else 'About'} {min(more, power.MOST):,} more cases {words} would decide."]


def _more(right: Verdict) -> int | None:
    """Cases until it is better or worse: that it is no worse is not enough for one that was added to help."""
    found = right.found
    return power.more_needed(found.fixed, found.broken, found.n, found.size_of_a_change, sure=power.SURE * found.p / right.p)


def _costs(figures: Mapping[str, Mapping[str, Any]], talks: bool) -> str:
    before, after = figures["before"], figures["after"]
    cases = max(int(after["cases"]), 1)
    time = (
        f"half of the cases take up to {after['p50']:,.2f} seconds in place of {before['p50']:,.2f}, 19 of 20 up to {after['p95']:,.2f} in "
    )
    time += f"place of {before['p95']:,.2f}."
    if not talks:
        return f"No model was asked: the embedded planner decided in both; {time}"
    each = {name: (after[name] / cases, before[name] / cases) for name in ("calls", "tokens", "cost")}
    dearer = "It costs more. " if each["cost"][0] > each["cost"][1] else ""
    calls, tokens, cost = each.values()
    return (
        f"{dearer}A case asks models {calls[0]:.1f} times in place of {calls[1]:.1f}, uses {tokens[0]:,.0f} tokens in place of "
        f"{tokens[1]:,.0f} and costs {cost[0]:.4f} in place of {cost[1]:.4f}; {time}"
    )
