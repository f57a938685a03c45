"""The way through a recipe, line by line, as it is drawn and read aloud."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from automations import conditions
from automations.agents.agent import Agent
from automations.checking import called
from automations.recipe import ARRIVES, BUTTON, HAND_OVER, INTENT, ON_FAILURE, TRIGGERS, Act, Recipe, Trigger

MODELS = {  # by their jobs
    "triage": "a small and fast model", "conversation": "a large model", "accuracy": "a model that thinks longer",
}  # fmt: skip
RowKind = Literal["trigger", "condition", "step", "else", "failure", "agent", "tool", "limit"]


@dataclass(frozen=True)
class Row:
    depth: int
    kind: RowKind
    words: str
    act: str = ""  # of a step, a condition, an else: its name


def rows(recipe: Recipe) -> list[Row]:
    return list(_rows(recipe))


def _rows(recipe: Recipe) -> Iterator[Row]:
    yield Row(0, "trigger", f"When {trigger_told(recipe.trigger)}{_where(recipe)}")
    if recipe.when is not None:
        yield Row(0, "condition", f"Only if {conditions.told(recipe.when)}")
    yield from _of_acts(recipe.acts, "", 0)
    for agent in recipe.agents:
        yield from _of_agent(agent)
    if limit := limits_told(recipe):
        yield Row(0, "limit", limit)


def _of_acts(acts: tuple[Act, ...], before: str, depth: int) -> Iterator[Row]:
    for count, act in enumerate(acts, start=1):
        number, inner = f"{before}{count}", depth
        if act.when is not None:
            yield Row(depth, "condition", f"If {conditions.told(act.when)}", act.name)
            inner = depth + 1
        yield Row(inner, "step", f"Step {number}, '{called(act)}': {act.step}", act.name)
        if act.on_failure != HAND_OVER:
            yield Row(inner + 1, "failure", f"If that fails, {ON_FAILURE.get(act.on_failure, act.on_failure)}", act.name)
        if act.otherwise:
            yield Row(depth, "else", "Otherwise", act.name)
            yield from _of_acts(act.otherwise, f"{number}, else ", depth + 1)


def _of_agent(agent: Agent) -> Iterator[Row]:
    hands = f", hands over to {' or '.join(agent.hands_to)}" if agent.hands_to else ""
    yield Row(0, "agent", f"Agent '{agent.title or agent.name}', {MODELS.get(agent.model, agent.model)}{hands}", agent.name)
    for tool in agent.tools:
        only = f", only if {conditions.told(tool.when)}" if tool.when else ""
        yield Row(1, "tool", f"may use '{tool.name.replace('_', ' ')}': {tool.step}{only}", agent.name)
    yield Row(1, "tool", f"its answer leaves by: {agent.says}", agent.name)
    if agent.guardrails:
        yield Row(1, "limit", f"Watched by {', '.join(agent.guardrails)}, beside what watches over every agent", agent.name)


def trigger_told(trigger: Trigger) -> str:
    if trigger.kind == INTENT:
        sure = f", at least {float(trigger.confidence) * 100:.4g} % sure" if trigger.confidence is not None else ""
        return f"the intent is '{trigger.intent}'{sure}"
    if trigger.kind == BUTTON:
        return f"somebody presses '{trigger.button}'"
    return TRIGGERS.get(trigger.kind, TRIGGERS[ARRIVES])


def _where(recipe: Recipe) -> str:
    said = [*([f"by {' or '.join(recipe.channels)}"] if recipe.channels else []), *([f"in {recipe.language}"] if recipe.language else [])]
    return f", {', '.join(said)}" if said else ""


def limits_told(recipe: Recipe) -> str:
    limits = recipe.limits
    parts = [
        f"{money_told(limits.money_per_run, limits.currency)} per run" if limits.money_per_run is not None else "",
        f"{money_told(limits.money_per_day, limits.currency)} per day" if limits.money_per_day is not None else "",
        f"{limits.runs_per_day:,} runs per day" if limits.runs_per_day is not None else "",
    ]
    return f"At most {', '.join(part for part in parts if part)}" if any(parts) else ""


def money_told(amount: Decimal | None, currency: str) -> str:
    return "no amount" if amount is None else f"{amount:,f} {currency}".strip()
