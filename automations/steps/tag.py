"""A word on the conversation, by which people find it."""

from collections.abc import Mapping
from typing import Any

from automations.door import Did
from automations.steps import taken, wanting
from automations.steps.face import Declaration, Field
from automations.world import World

declaration = Declaration(
    name="tag",
    title="Tag",
    explanation="Puts a tag on the conversation.",
    icon="sell",
    inputs=(Field("tag", "Tag", "text"),),
    outputs=(Field("tag", "Tag", "text"),),
    changes=True,
    stake="low",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    tag = taken.line(declaration, given, "tag")
    wanting.require_conversation(world, declaration)
    return gave(wanting.asked(world, declaration, "tag", {"tag": tag}, f"Tag the conversation '{tag}'"))


def gave(did: Did) -> dict[str, Any]:
    return {"tag": did.wanted.what["tag"]}
