"""A tool from outside does something. It leaves by the door, once; whether it was done is asked of a person where nobody can say."""

from collections.abc import Mapping
from typing import Any

from automations.conditions import shown
from automations.door import Did
from automations.outside import using
from automations.steps import calling, taken, wanting
from automations.steps.face import Declaration
from automations.steps.look_with_tool import INPUTS, OUTPUTS
from automations.world import World

declaration = Declaration(
    name="use tool",
    title="Use a tool",
    explanation="Has a tool of another program do something.",
    icon="construction",
    inputs=INPUTS,
    outputs=OUTPUTS,
    changes=True,
    stake="high",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    found = using.source(world.tools, taken.text(declaration, given, "source"))
    one = using.pin(found, taken.text(declaration, given, "tool"))
    if not one.changes:
        raise taken.refused(declaration, "tool", f"'{one.tool.name}' only looks something up. Take the step 'Look with a tool' for it")
    what = using.what(found, one, taken.table(declaration, given, "arguments"), world)
    return gave(wanting.asked(world, declaration, using.KIND, what, told(what)))


def told(what: Mapping[str, Any]) -> str:
    """For whoever has to say yes: which tool, with what."""
    arguments = ", ".join(f"{name}: {shown(value)}" for name, value in what["arguments"].items())
    return f"Have {what['source']} use '{what['tool']}'{f' with {wanting.short(arguments, 120)}' if arguments else ''}"


def gave(did: Did) -> dict[str, Any]:
    """Nothing in a dry run, where nothing is used."""
    body = did.body if isinstance(did, calling.Called) and did.body else {"text": "", "values": {}}
    return {"text": body["text"], "values": body["values"]}
