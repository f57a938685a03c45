"""A live run, done again: the same version of its recipe, from what was frozen when it ran. Nobody is asked anything, and nothing leaves.

What the outside said then is played (taping.py), so whatever differs was changed since: in what is kept of the run, or in the code.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import zip_longest
from typing import Any, cast

from automations import RECIPE, going_on, ran, recipes, running, taping, tracing
from automations.conditions import shown
from automations.connectors.asking import Connections
from automations.door import Held, Wanted
from automations.outside.using import Tools
from automations.recipe import Recipe
from automations.running import Span, Stand, Steps, Told
from automations.steps.face import Changes
from automations.taping import Played, PlayedDoor
from data import access, approvals, versions
from data.errors import Refused
from data.tables import Action, Person, Trace
from data.tables import Span as SpanRow
from data.traces import Step
from data.values import LIVE, Target

LONGEST = 60  # signs of a value in a sentence
MOST = 3  # differences in the sentence; all of them are listed


@dataclass(frozen=True)
class Replayed:
    """How it went beside how it went then."""

    trace_id: str
    steps: int
    effects: int
    differs: tuple[str, ...]
    changed: bool = False  # what was frozen is not what its hash was made of

    @property
    def exact(self) -> bool:
        return not self.differs and not self.changed

    @property
    def sentence(self) -> str:
        changed = "What the run began with was changed since it was kept: its hash is another. " if self.changed else ""
        if self.differs:
            more = f" And {len(self.differs) - MOST:,} more." if len(self.differs) > MOST else ""
            many = "one place" if len(self.differs) == 1 else f"{len(self.differs):,} places"
            return f"{changed}Done again, it differs at {many}. {' '.join(self.differs[:MOST])}{more}"
        what = [_count(self.steps, "step", "steps"), *([_count(self.effects, "effect", "effects")] if self.effects else [])]
        same = "is the same" if what == ["1 step"] else "are the same"
        return f"{changed}Done again from what was frozen: {' and '.join(what)}, {'it ' if same.startswith('is') else 'all '}{same}."


def _count(many: int, one: str, several: str) -> str:
    return f"{many:,} {one if many == 1 else several}"


def replay(trace_id: str, *, steps: Steps, by: Person, services: Connections | None = None, tools: Tools | None = None) -> Replayed:
    """Of a run within reach. `services`: the programs that are connected now, whose descriptions steps fill in; `tools`: those
    that are approved now."""
    access.require(by, "automation.read")
    run = ran.one(trace_id, by=by)
    trace, kept, did = run.trace, run.steps, run.did
    stretches, recipe = _stretches(trace), recipes.read(versions.get(Target(RECIPE, trace.target_name, trace.target_number)))
    again = _again(recipe, stretches, _all_there(recipe, steps), Outside(services or {}, tools or {}))
    differs = [*_of_steps(kept, tracing.steps_of(again.spans)), *again.differs, *_of_effects(did, again.door)]
    return Replayed(trace.id, len(kept), len(did), tuple(dict.fromkeys(differs)), tracing.sha_of(trace.inputs) != trace.inputs_sha)


def _stretches(trace: Trace) -> list[dict[str, Any]]:
    if trace.mode != LIVE:
        raise Refused("Not done again: nothing of it counted. Try the recipe on the conversation instead, on its cards.")
    if trace.inputs is None:
        raise Refused("Not done again: when it ran, what a run begins with was not kept yet.")
    found = tracing.stretches_of(trace)
    if not found:
        raise Refused("Not done again: no step of it was kept, so there is nothing to compare. A person has it, or it is still under way.")
    return found


def _all_there(recipe: Recipe, steps: Steps) -> Steps:
    if gone := next((step for _, _, step in recipe.uses() if step not in steps), None):
        raise Refused(f"Not done again: there is no step '{shown(gone)}' any more.")
    return steps


# -- once more ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outside:
    """What there is now to fill in; nothing of it is asked."""

    services: Connections
    tools: Tools


@dataclass
class _Again:
    door: PlayedDoor
    spans: list[Span] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    stand: Stand | None = None


def _again(recipe: Recipe, stretches: Sequence[Mapping[str, Any]], steps: Steps, outside: Outside) -> _Again:
    """From its beginning to where it waited, from there to its end."""
    again = _Again(PlayedDoor(Held(recipe)))
    for began in stretches:
        again.door.played = played = Played(began["heard"])
        if again.stand is not None and not again.stand.waits_for:
            again.differs.append("Then it waited and went on; done again, it does not wait.")
            break
        told = _stretch(recipe, again, began, steps, outside)
        again.spans += told.spans
        again.stand = Stand.of(told, again.stand)
        if told.state != began["came_to"]:
            again.differs.append(f"Then it came to '{_words(began['came_to'])}'; done again, to '{_words(told.state)}'.")
        if played.place < len(played.heard):
            again.differs.append(f"Done again, it does not ask {played.heard[played.place]['of']} for what it asked then.")
    return again


def _stretch(recipe: Recipe, again: _Again, began: Mapping[str, Any], steps: Steps, outside: Outside) -> Told:
    world = again.door.played.world(began, again.door, outside.services, outside.tools)
    if again.stand is None:
        return running.run(recipe, began["facts"], world, steps)
    did = taping.did_of(began["did"])
    gave = going_on.gave(cast(Changes, steps[did.wanted.step]), did, began.get("answer"))
    return running.resume(recipe, again.stand, gave, world, steps)


def _words(state: str) -> str:
    return state.replace("_", " ")


# -- beside what was then -----------------------------------------------------------------------------------------------------------------


def _of_steps(kept: Sequence[SpanRow], made: Sequence[Step]) -> Iterator[str]:
    for number, (then, now) in enumerate(zip_longest(kept, made), start=1):
        if then is None and now is not None:
            yield f"Step {number}, '{now.name}' ({now.input['step']}), is done now and was not then."
        elif then is not None and now is None:
            yield f"Step {number}, '{then.name}' ({then.input.get('step')}), was done then and is not now."
        elif then is not None and now is not None and (what := _differs(then, now)):
            yield f"Step {number}, '{then.name}' ({then.input.get('step')}): {what}"


def _differs(then: SpanRow, now: Step) -> str:
    """The first thing, in words; empty where all is the same."""
    told, says = then.output or {}, now.output
    if then.name != now.name:
        return f"in its place '{now.name}' is done now."
    if told.get("state") != says["state"]:
        return f"it came to '{_words(str(told.get('state')))}' then and to '{_words(says['state'])}' now. {says['why']}".rstrip()
    if what := _values(then.input.get("given") or {}, now.input["given"]):
        return f"it was given {what}"
    if what := _values(told.get("gave") or {}, says["gave"]):
        return f"it gave {what}"
    if told.get("why", "") != says["why"]:
        return f"it said '{_value(told.get('why'))}' then, and '{_value(says['why'])}' now."
    return ""


def _values(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    for name in sorted({*then, *now}):
        if then.get(name) != now.get(name) or (name in then) != (name in now):
            return f"{name} {_value(then.get(name))} then, and {_value(now.get(name))} now."
    return ""


def _value(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"


def _of_effects(did: Sequence[Action], door: PlayedDoor) -> Iterator[str]:
    """What left, as it stands in the ledger, and what is asked for now beside what was asked for then."""
    then = {wanted.name: note for wanted, note in door.wanted}
    asked = {*then, *(one.wanted.name for one in door.held.did)}
    for action in did:
        told = _value(tracing.redacted(action.payload["told"]))
        if action.act not in asked:
            yield f"'{told}' was asked for then and is not now."
        elif approvals.payload_digest(action.payload) != action.payload_sha or action.cents != _cents(action):
            yield f"What is kept of '{told}' was changed since: it is not what its hash was made of."
    for wanted, note in door.wanted:
        if what := _of_effect(wanted, note):
            yield what


def _cents(action: Action) -> int | None:
    return None if action.payload["amount"] is None else int(Decimal(action.payload["amount"]) * 100)


def _of_effect(wanted: Wanted, note: Mapping[str, Any]) -> str:
    told, what = tracing.redacted([wanted.told, dict(wanted.what)])
    if told != note.get("told"):
        return f"It asks for '{_value(told)}' now, and asked for '{_value(note.get('told'))}' then."
    return f"For '{_value(told)}': {differs}" if (differs := _values(note.get("what") or {}, what)) else ""
