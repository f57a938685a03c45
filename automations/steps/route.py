"""The team that the conversation goes to."""

from collections.abc import Mapping
from typing import Any

from automations.door import Did
from automations.steps import taken, wanting
from automations.steps.face import Declaration, Field
from automations.world import World

declaration = Declaration(
    name="route",
    title="Route",
    explanation="Gives the conversation to a team.",
    icon="alt_route",
    inputs=(Field("team", "Team", "text"),),
    outputs=(Field("team", "Team", "text"),),
    changes=True,
    stake="low",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    team = taken.line(declaration, given, "team")
    wanting.require_conversation(world, declaration)
    return gave(wanting.asked(world, declaration, "route", {"team": team}, f"Give the conversation to the team '{team}'"))


def gave(did: Did) -> dict[str, Any]:
    return {"team": did.wanted.what["team"]}
