"""A question to a connected service, as its description has it: it changes nothing over there, so no door is needed."""

from collections.abc import Mapping
from typing import Any

from automations.connectors import asking
from automations.steps import taken
from automations.steps.face import Declaration, Field
from automations.world import World

declaration = Declaration(
    name="ask service",
    title="Ask a service",
    explanation="Asks a connected program for something that its description offers.",
    icon="travel_explore",
    inputs=(
        Field("service", "Service", "text", help="As it is named on Installation."),
        Field("operation", "Operation", "text", help="What it is asked, as the service's description names it."),
        Field("parameters", "Parameters", "mapping", required=False, help="Each by its name in the description."),
    ),
    outputs=(
        Field("status", "Status", "number", help="200 where it went well."),
        Field("answer", "Answer", "mapping", help="The fields that the description names; a list stands under 'items'."),
    ),
    changes=False,
    stake="none",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    service, operation = taken.text(declaration, given, "service"), taken.text(declaration, given, "operation")
    values = taken.table(declaration, given, "parameters")
    through = asking.connection(world.services, service)
    one = asking.operation(through.service, operation)
    if one.changes:
        raise taken.refused(declaration, "operation", f"'{one.name}' changes something over there. Take the step 'Call a service' for it")
    came = asking.asked(through, asking.what(through.service, one, values))
    return {"status": came.status, "answer": came.body}
