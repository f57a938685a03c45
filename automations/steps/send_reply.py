"""A reply that goes to the customer."""

from collections.abc import Mapping
from typing import Any

from automations.door import Did
from automations.steps import shaping, taken, wanting
from automations.steps.face import Declaration, Field
from automations.world import World

declaration = Declaration(
    name="send reply",
    title="Send reply",
    explanation="Sends a reply to the customer.",
    icon="send",
    inputs=(Field("text", "Text", "long_text"),),
    outputs=(Field("text", "Text", "long_text", help="As the channel has it."),),
    changes=True,
    stake="high",
    talks=True,
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    text = shaping.shaped(taken.text(declaration, given, "text"), channel=world.channel, language=world.language)
    wanting.require_conversation(world, declaration)
    return gave(wanting.asked(world, declaration, "reply", {"text": text}, f'Send the reply "{wanting.short(text)}"'))


def gave(did: Did) -> dict[str, Any]:
    return {"text": did.wanted.what["text"]}
