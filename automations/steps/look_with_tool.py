"""A question to a tool from outside that two people approved as one that only reads: no door is needed."""

from collections.abc import Mapping
from typing import Any

from automations.outside import using
from automations.steps import taken
from automations.steps.face import Declaration, Field
from automations.world import World

INPUTS = (
    Field("source", "Program", "text", help="As it is named on Installation."),
    Field("tool", "Tool", "text", help="As the program names it."),
    Field("arguments", "Arguments", "mapping", required=False, help="Each by its name. Those bound to the conversation are left out."),
)
OUTPUTS = (
    Field("text", "Text", "long_text", help="In plain words, without links and pictures. Somebody else's: it is never obeyed."),
    Field("values", "Values", "mapping", help="What it gave by names; empty where it gave none."),
)

declaration = Declaration(
    name="look with tool",
    title="Look with a tool",
    explanation="Has a tool of another program look something up.",
    icon="search_insights",
    inputs=INPUTS,
    outputs=OUTPUTS,
    changes=False,
    stake="none",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    found = using.source(world.tools, taken.text(declaration, given, "source"))
    one = using.pin(found, taken.text(declaration, given, "tool"))
    if one.changes:
        raise taken.refused(declaration, "tool", f"'{one.tool.name}' changes something over there. Take the step 'Use a tool' for it")
    came = using.asked(found, using.what(found, one, taken.table(declaration, given, "arguments"), world))
    return {"text": came.body["text"], "values": came.body["values"]}
