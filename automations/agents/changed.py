"""What became of a recipe's agents between two versions, in sentences for whoever approves it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from automations import conditions
from automations.agents.agent import Agent, Tool
from automations.recipe import Recipe

Value = Callable[[str, Any, Any], Iterator[str]]  # label, old, new: a sentence where they differ
OF_AGENT = ("title", "what", "instructions", "model", "says", "turns", "seconds", "tokens", "cost")
WORDS = {"what": "what it is for", "says": "its last words leave by", "seconds": "seconds of models", "tokens": "tokens of models",
         "cost": "money for models"}  # fmt: skip


def told(before: Recipe, after: Recipe, value: Value) -> Iterator[str]:
    old, new = {one.name: one for one in before.agents}, {one.name: one for one in after.agents}
    yield from (f"Agent '{name}' is gone" for name in old if name not in new)
    for name, agent in new.items():
        label = f"Agent '{name}'"
        if name not in old:
            yield f"{label} is new, with the tools {', '.join(tool.name for tool in agent.tools) or 'none'}"
        yield from _agent(label, old.get(name, Agent(name)), agent, value)
    if old.keys() == new.keys() and list(old) != list(new):
        yield f"The agents are in another order: {', '.join(new)}"


def _agent(label: str, was: Agent, agent: Agent, value: Value) -> Iterator[str]:
    for name in OF_AGENT:
        old, new = (_plain(getattr(one, name)) for one in (was, agent))
        yield from value(f"{label}, {WORDS.get(name, name)}", old, new)
    yield from value(f"{label} hands over to", ", ".join(was.hands_to), ", ".join(agent.hands_to))
    yield from _tables(f"{label}, guardrail", was.guardrails, agent.guardrails, value)
    old, new = {one.name: one for one in was.tools}, {one.name: one for one in agent.tools}
    yield from (f"{label} has no tool '{name}' any more" for name in old if name not in new)
    for name, tool in new.items():
        if name not in old:
            yield f"{label} has the new tool '{name}': {tool.step}"
        yield from _tool(f"{label}, tool '{name}'", old.get(name, Tool(name, tool.step)), tool, value)
    if old.keys() == new.keys() and list(old) != list(new):
        yield f"{label} has its tools in another order: {', '.join(new)}"


def _tool(label: str, was: Tool, tool: Tool, value: Value) -> Iterator[str]:
    yield from value(f"{label} does", was.step, tool.step)
    yield from value(f"{label}, when to use it", was.what, tool.what)
    yield from value(f"{label} is used", *(f"only if {conditions.told(one.when)}" if one.when else "always" for one in (was, tool)))
    for name in sorted({*was.given, *tool.given}):
        yield from value(f"{label}, {name.replace('_', ' ')}", was.given.get(name), tool.given.get(name))


def _tables(label: str, was: Mapping[str, Any], now: Mapping[str, Any], value: Value) -> Iterator[str]:
    for name in sorted({*was, *now}):
        if name not in was:
            yield f"{label} '{name}' is new"
        elif name not in now:
            yield f"{label} '{name}' is gone"
        yield from value(f"{label} '{name}'", was.get(name) or {}, now.get(name) or {})


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int) else str(value)
