"""Who the customer is, as the shop knows them."""

from collections.abc import Mapping
from typing import Any

from automations.steps import own
from automations.steps.face import Declaration, Field
from automations.world import World

declaration = Declaration(
    name="look up customer",
    title="Look up customer",
    explanation="Finds this conversation's customer in the shop.",
    icon="person_search",
    inputs=(),
    outputs=(Field("name", "Name", "text"), Field("area", "Area", "text"), Field("since", "Customer since", "text")),
    changes=False,
    stake="none",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    found = own.customer(world)
    return {"name": found.name, "area": found.area, "since": found.since.isoformat()}
