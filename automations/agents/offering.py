"""What an agent is offered: its tools with what it may choose of each, and the agents that it may hand the conversation to."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from automations.agents.agent import Agent, Tool
from automations.agents.face import Offered
from automations.steps.face import Declaration, Field

if TYPE_CHECKING:
    from automations.world import Within

NEVER_CHOSEN = ("money", "address")  # they come from the store, or from the document
WHICH = ("order", "invoice", "number")  # all that it may choose where money moves: of what, among what is the customer's
LOOSE = ("long_text", "mapping", "any")  # said in other words the next time
SCHEMAS: dict[str, dict[str, Any]] = {
    "number": {"type": "number"}, "yes_no": {"type": "boolean"}, "mapping": {"type": "object"}, "any": {},
}  # fmt: skip


def offered(agent: Agent, within: "Within") -> list[Offered]:
    tools = [_tool(tool, within.steps[tool.step].declaration) for tool in agent.tools]
    others = {name: within.recipe.agent(to) for name, to in handoffs(agent).items()}
    return [*tools, *(Offered(name, f"Hand the conversation to '{to.title or to.name}': {to.what}") for name, to in others.items() if to)]


def handoffs(agent: Agent) -> dict[str, str]:
    """By the name of the tool the agent behind it."""
    return {f"to_{name}": name for name in agent.hands_to}


def free(tool: Tool, declaration: Declaration) -> dict[str, Field]:
    """What it may choose."""
    open_ones = (one for one in declaration.inputs if one.name not in tool.given and one.kind not in NEVER_CHOSEN)
    return {one.name: one for one in open_ones if not declaration.pays or one.name in WHICH}


def in_its_words(tool: Tool, declaration: Declaration) -> bool:
    """Whether the same, asked for again, may read differently."""
    return any(one.kind in LOOSE for one in free(tool, declaration).values())


def _tool(tool: Tool, declaration: Declaration) -> Offered:
    chosen = free(tool, declaration)
    shape = {
        "type": "object", "properties": {name: _schema(one) for name, one in chosen.items()}, "additionalProperties": False,
        "required": [name for name, one in chosen.items() if one.required and one.default is None],
    }  # fmt: skip
    return Offered(tool.name, tool.what or declaration.explanation, tool.step, shape, declaration.changes, declaration.talks)


def _schema(one: Field) -> dict[str, Any]:
    told = {"description": f"{one.title}. {one.help}".strip()}
    return told | ({"enum": list(one.choices)} if one.kind == "choice" else SCHEMAS.get(one.kind, {"type": "string"}))


def as_tool(one: Offered) -> Mapping[str, Any]:
    """As chat completions take one."""
    return {"name": one.name, "description": one.what, "parameters": dict(one.parameters) or {"type": "object", "properties": {}}}
