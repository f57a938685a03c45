"""A recipe is run: step after step, each with what the ones before it gave, until it ends, a person has to decide, or one fails.

Where it stands is a value (`Stand`) that is kept with the run: after a yes it goes on from there, in another process too.
"""

import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, cast

from automations import conditions, filling
from automations.door import Waits
from automations.recipe import GO_ON, HAND_OVER, Act, Recipe
from automations.steps.face import Changes, Step
from automations.world import Within, World
from data.errors import Refused

DONE, WAITING, HANDED_OVER, STOPPED = "done", "waiting", "handed_over", "stopped"
SKIPPED, FAILED = "skipped", "failed"
STANDS = "stands"  # under the name of an act that goes on from the middle: an agent's
Steps = Mapping[str, Step]


@dataclass(frozen=True)
class Span:
    """What one step was given and what it gave."""

    name: str
    step: str
    state: str  # done, skipped, failed, waiting
    given: Mapping[str, Any] = field(default_factory=dict)
    gave: Mapping[str, Any] = field(default_factory=dict)
    ms: float = 0.0
    why: str = ""
    kind: str = "step"  # of what an agent does inside its step: model, tool, guardrail, handoff
    tokens: int = 0
    cost: float = 0.0
    starts: float | None = None  # ms since this stretch of the run began: guardrails look beside the model. None: it took no time of it


@dataclass(frozen=True)
class Told:
    """What became of a run."""

    state: str
    spans: tuple[Span, ...]
    facts: Mapping[str, Any]
    why: str = ""
    taped: Mapping[str, Any] = field(default_factory=dict)  # what it began with and what it heard, of a run that is kept (taping.py)


@dataclass(frozen=True)
class Stand:
    """Where a run is that waits for a person."""

    facts: Mapping[str, Any]
    done: frozenset[str] = frozenset()  # acts, by name
    skipped: frozenset[str] = frozenset()
    waits_for: str = ""

    @classmethod
    def of(cls, told: Told, before: "Stand | None" = None) -> "Stand":
        """Of a run that waits; `before` is where it waited the last time."""
        by_state = {state: frozenset(one.name for one in told.spans if one.state == state) for state in (DONE, SKIPPED, FAILED, WAITING)}
        done, skipped = by_state[DONE] | by_state[FAILED], by_state[SKIPPED]  # one that failed and did not end it is over
        if before is not None:
            done, skipped = done | before.done, skipped | before.skipped
        return cls(told.facts, done, skipped, next(iter(by_state[WAITING]), ""))


def applies(recipe: Recipe, facts: Mapping[str, Any], world: World) -> str:
    """Why it is not for this conversation; empty where it is."""
    if recipe.channels and world.channel not in recipe.channels:
        return f"It is for {', '.join(recipe.channels)}, and this came by {world.channel or 'no channel'}."
    if recipe.language and world.language and world.language.split("-")[0] != recipe.language.split("-")[0]:
        return f"It is for conversations in {recipe.language}, and this one is in {world.language}."
    trigger, intent = recipe.trigger, facts.get("intent") or {}
    if trigger.intent and intent.get("name") != trigger.intent:
        return f"It is for '{trigger.intent}', and this is {intent.get('name') or 'nothing that was recognised'}."
    if trigger.confidence is not None and not (intent.get("confidence") or 0) >= float(trigger.confidence):
        return f"It needs {float(trigger.confidence):.0%} sure, and the intent is {float(intent.get('confidence') or 0):.0%}."
    if recipe.when is not None and not conditions.holds(recipe.when, facts, world.at):
        return f"Its condition does not hold: {conditions.told(recipe.when)}."
    return ""


def run(recipe: Recipe, facts: Mapping[str, Any], world: World, steps: Steps) -> Told:
    """From its beginning. What it is not for, it leaves alone."""
    if why := applies(recipe, facts, world):
        return Told(SKIPPED, (), dict(facts), why)
    return _Run(recipe, steps, world, deepcopy(dict(facts))).through(recipe.acts)


def resume(recipe: Recipe, stand: Stand, gave: Mapping[str, Any], world: World, steps: Steps) -> Told:
    """After a yes, which came to what the act gave. What was done before is not done again."""
    facts = deepcopy(dict(stand.facts)) | {stand.waits_for: dict(gave)}
    if gave.get("ends"):
        return Told(HANDED_OVER, (), facts, str(gave.get("summary", "")))
    told = _Run(recipe, steps, world, facts, stand).through(recipe.acts)
    waited = next((act for _, _, act in recipe.walk() if act.name == stand.waits_for), None)
    return replace(told, spans=(Span(waited.name, waited.step, DONE, {}, dict(gave), starts=0.0), *told.spans)) if waited else told


@dataclass
class _Run:
    recipe: Recipe
    steps: Steps
    world: World
    facts: dict[str, Any]
    before: Stand = field(default_factory=lambda: Stand({}))
    spans: list[Span] = field(default_factory=list)
    clock: float = field(default_factory=time.perf_counter)  # when this stretch began

    def through(self, acts: Sequence[Act]) -> Told:
        ended = self._all(acts)
        return replace(ended, spans=tuple(self.spans), facts=self.facts)

    def _all(self, acts: Sequence[Act]) -> Told:
        for act in acts:
            ended = self._one(act)
            if ended.state != DONE:
                return ended
        return Told(DONE, (), {})

    def _one(self, act: Act) -> Told:
        if act.name in self.before.done or act.name == self.before.waits_for:
            return Told(DONE, (), {})
        if act.name in self.before.skipped:
            return self._all(act.otherwise)
        if act.when is not None and not conditions.holds(act.when, self.facts, self.world.at):
            self._note(act, SKIPPED, {}, {}, time.perf_counter(), conditions.told(act.when))
            return self._all(act.otherwise)
        began, given = time.perf_counter(), {}
        try:
            given = {name: filling.value_of(value, self.facts) for name, value in act.given.items()}
            gave = self._gave(act, given)
        except Waits as waits:
            if not any(one.state == WAITING for one in self.spans):  # else a tool of an agent does, and the agent goes on with it
                self._note(act, WAITING, given, {}, began, waits.why)
            return Told(WAITING, (), {}, waits.why)
        except Refused as refused:
            self._note(act, FAILED, given, {}, began, str(refused))
            return self._failed(act, str(refused))
        self.facts[act.name] = gave
        self._note(act, DONE, given, gave, began)
        return Told(HANDED_OVER, (), {}, str(gave.get("summary", ""))) if gave.get("ends") else Told(DONE, (), {})

    def _gave(self, act: Act, given: Mapping[str, Any]) -> dict[str, Any]:
        step = self.steps[act.step]
        if step.declaration.changes and (did := self.world.door.before(act.name)):
            return dict(cast(Changes, step).gave(did))
        return dict(step.run(given, replace(self.world, act=act.name, so_far=lambda: tuple(self.spans), within=self._within(act))))

    def _within(self, act: Act) -> Within:
        def keep(stands: Mapping[str, Any]) -> None:
            self.facts[act.name] = {STANDS: dict(stands)}

        stood = (self.before.facts.get(act.name) or {}).get(STANDS, {})
        return Within(self.recipe, self.steps, self.facts, stood, self.spans.append, keep, self.clock)

    def _note(self, act: Act, state: str, given: Any, gave: Any, began: float, why: str = "") -> None:
        ms = round((time.perf_counter() - began) * 1000, 2)
        self.spans.append(Span(act.name, act.step, state, given, gave, ms, why, starts=since(self.clock, began)))

    def _failed(self, act: Act, why: str) -> Told:
        if act.on_failure == GO_ON:
            return Told(DONE, (), {})
        return Told(HANDED_OVER if act.on_failure == HAND_OVER else STOPPED, (), {}, why)


def since(clock: float, began: float) -> float:
    """In milliseconds; what began before this stretch, in another, began with it."""
    return round(max(0.0, began - clock) * 1000, 2)
