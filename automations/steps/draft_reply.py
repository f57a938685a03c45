"""A reply that waits for a person, who sends it, changes it or drops it."""

from collections.abc import Mapping
from typing import Any

from automations.door import Did
from automations.steps import shaping, taken, wanting
from automations.steps.face import Declaration, Field
from automations.world import World

declaration = Declaration(
    name="draft reply",
    title="Draft reply",
    explanation="Writes a reply for a person to send. The customer sees nothing of it before.",
    icon="edit_note",
    inputs=(Field("text", "Text", "long_text"),),
    outputs=(Field("text", "Text", "long_text", help="As the channel has it."),),
    changes=True,
    stake="low",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    text = shaping.shaped(taken.text(declaration, given, "text"), channel=world.channel, language=world.language)
    wanting.require_conversation(world, declaration)
    return gave(wanting.asked(world, declaration, "draft", {"text": text}, f'Draft the reply "{wanting.short(text)}"'))


def gave(did: Did) -> dict[str, Any]:
    return {"text": did.wanted.what["text"]}
