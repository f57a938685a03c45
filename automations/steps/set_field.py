"""One field of the conversation in the help desk."""

from collections.abc import Mapping
from typing import Any

from automations.conditions import shown
from automations.door import Did
from automations.steps import taken, wanting
from automations.steps.face import Declaration, Field
from automations.world import World

LONGEST_VALUE = 2_000
declaration = Declaration(
    name="set field",
    title="Set field",
    explanation="Sets a field of the conversation, such as its priority.",
    icon="edit_attributes",
    inputs=(Field("field", "Field", "text"), Field("value", "Value", "any", help="A text, a number, yes or no.")),
    outputs=(Field("field", "Field", "text"), Field("value", "Value", "any")),
    changes=True,
    stake="low",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    field, value = taken.line(declaration, given, "field"), taken.value(declaration, given, "value")
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        raise taken.refused(declaration, "value", f"has at most {LONGEST_VALUE:,} characters, this one {len(value):,}")
    wanting.require_conversation(world, declaration)
    what = {"field": field, "value": value}
    return gave(wanting.asked(world, declaration, "field", what, f"Set the field '{field}' to '{shown(value)}'"))


def gave(did: Did) -> dict[str, Any]:
    return {name: did.wanted.what[name] for name in ("field", "value")}
