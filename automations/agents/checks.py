"""What is wrong with a recipe's agents before they ever run, in sentences that name the agent and the tool."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from automations import conditions, filling
from automations.agents import offering
from automations.agents.agent import SAYS, Agent, Tool
from automations.agents.offering import NEVER_CHOSEN
from automations.conditions import shown
from automations.recipe import Recipe, amount_of
from automations.steps.face import NUMBERS, Declaration, Declarations
from language.call import JOBS

STEP = "agent"
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST_AGENTS, MOST_TOOLS = 8, 20
BOUNDS = {"turns": (1, 30), "seconds": (5, 600), "tokens": (500, 500_000)}
Names = Mapping[str, str]  # of what may stand in a gap or a condition, with its kind


def faults(recipe: Recipe, declarations: Declarations, known: Names) -> list[str]:
    """`known`: what stands for something in every recipe."""
    return list(_in_all(recipe, declarations, known))


def _in_all(recipe: Recipe, declarations: Declarations, known: Names) -> Iterator[str]:
    names = [agent.name for agent in recipe.agents]
    begins = [(number, act.given.get("agent")) for number, _, act in recipe.walk() if act.step == STEP]
    for number, name in begins:
        if isinstance(name, str) and name and name not in names:
            yield f"Step {number}: there is no agent '{shown(name)}'. {_there_are(names)}"
    if recipe.agents and not begins:
        yield f"No step uses the agent '{shown(names[0])}': add a step 'agent', or take the agent out."
    if len(recipe.agents) > MOST_AGENTS:
        yield f"A recipe has at most {MOST_AGENTS} agents, this one {len(recipe.agents)}."
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"{names.count(name)} agents are named '{shown(name)}'. Each needs a name of its own."
    for agent in recipe.agents:
        place = f"Agent '{shown(agent.name)}'"
        yield from (f"{place}: {one}" for one in (*_of_agent(agent, names), *_of_tools(agent, declarations, known)))


def _of_agent(agent: Agent, names: list[str]) -> Iterator[str]:
    if not NAME.fullmatch(agent.name):
        yield "its name is written in small letters, digits and _, up to 40, beginning with a letter."
    if not agent.instructions.strip():
        yield "it has no instructions. Say in a few sentences what it does when all goes well."
    if agent.model not in JOBS:
        yield f"there is no model for '{shown(agent.model)}'. There are: {', '.join(JOBS)}."
    if agent.says not in SAYS:
        yield f"its last words leave by {' or '.join(SAYS)}, not by '{shown(agent.says)}'."
    for name, (least, most) in BOUNDS.items():
        if not least <= getattr(agent, name) <= most:
            yield f"it has {least:,} to {most:,} {name}, not {getattr(agent, name):,}."
    for to in agent.hands_to:
        if to == agent.name or to not in names:
            yield f"it hands over to '{shown(to)}', which is {'itself' if to == agent.name else 'no agent of this recipe'}."
    yield from _of_guardrails(agent)


def _of_guardrails(agent: Agent) -> Iterator[str]:
    from automations.guardrails import all as guardrails  # which read conditions and amounts as recipes do

    yield from guardrails.faults(agent.guardrails)


def _of_tools(agent: Agent, declarations: Declarations, known: Names) -> Iterator[str]:
    names = [tool.name for tool in agent.tools]
    taken = {*known, *(name.split(".")[0] for name in known), *offering.handoffs(agent)}
    if len(names) > MOST_TOOLS:
        yield f"it has at most {MOST_TOOLS} tools, not {len(names)}."
    inside = {**known, **_outputs(agent, declarations)}
    for tool in agent.tools:
        place = f"tool '{shown(tool.name)}': "
        if not NAME.fullmatch(tool.name) or names.count(tool.name) > 1 or tool.name in taken:
            yield f"{place}its name is its own, in small letters, digits and _, beginning with a letter."
        if tool.step == STEP or tool.step not in declarations:
            yield f"{place}there is no step '{shown(tool.step)}' that it could use."
            continue
        yield from (f"{place}{one}" for one in _of_tool(tool, declarations[tool.step], inside))


def _of_tool(tool: Tool, declaration: Declaration, known: Names) -> Iterator[str]:
    inputs = {one.name: one for one in declaration.inputs}
    for name in sorted(set(tool.given) - set(inputs)):
        yield f"'{declaration.name}' takes no '{shown(name)}'. {_there_are(inputs)}"
    chosen = offering.free(tool, declaration)
    for name, one in inputs.items():
        if one.required and one.default is None and name not in tool.given and name not in chosen:
            yield f"the {one.title[:1].lower()}{one.title[1:]} is nothing that an agent chooses. Bind it under 'with'."
    for value in tool.given.values():
        for name in filling.names_in(value):
            if conditions.kind_of(name, known) is None:
                yield conditions.unknown(name, dict(known))
    if tool.when is not None:
        yield from (f"its condition: {one}" for one in conditions.faults(tool.when, dict(known)))
    yield from _of_amounts(tool, declaration, known)


def _of_amounts(tool: Tool, declaration: Declaration, known: Names) -> Iterator[str]:
    """An amount is a gap that a look-up fills, or written out; a text that somebody wrote is never one."""
    for one in (one for one in declaration.inputs if one.kind in NEVER_CHOSEN and one.name in tool.given):
        value: Any = tool.given[one.name]
        name = filling.alone(value)
        if one.kind == "money" and not (conditions.kind_of(name, known) in NUMBERS if name else amount_of(value) is not None):
            yield f"the {one.title.lower()} is a gap that an amount fills, or an amount such as 19.90, not '{shown(value)}'."
        if one.kind == "address" and filling.names_in(value):
            yield f"the {one.title.lower()} is written out: nothing fills it in."


def _outputs(agent: Agent, declarations: Declarations) -> dict[str, str]:
    """Of its tools, by tool.output; whether it was looked up yet, the run finds out."""
    return {
        f"{tool.name}.{output.name}": output.kind
        for tool in agent.tools if tool.step in declarations for output in declarations[tool.step].outputs
    }  # fmt: skip


def _there_are(names: Any) -> str:
    return f"There are: {', '.join(names) or 'none'}."
