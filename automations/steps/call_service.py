"""An order to a connected service, as its description has it. It leaves by the door, once, under a key of its own."""

from collections.abc import Mapping
from typing import Any

from automations.connectors import asking
from automations.door import Did
from automations.steps import calling, taken, wanting
from automations.steps.face import Declaration, Field
from automations.world import World

declaration = Declaration(
    name="call service",
    title="Call a service",
    explanation="Has a connected program do something that its description offers.",
    icon="settings_remote",
    inputs=(
        Field("service", "Service", "text", help="As it is named on Installation."),
        Field("operation", "Operation", "text", help="What it is to do, as the service's description names it."),
        Field("parameters", "Parameters", "mapping", required=False, help="Each by its name in the description."),
    ),
    outputs=(
        Field("status", "Status", "number", help="200 where it went well; 0 in a dry run, where nothing is called."),
        Field("answer", "Answer", "mapping", help="The fields that the description names; empty in a dry run."),
    ),
    changes=True,
    stake="high",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    service, operation = taken.text(declaration, given, "service"), taken.text(declaration, given, "operation")
    values = taken.table(declaration, given, "parameters")
    through = asking.connection(world.services, service)
    one = asking.operation(through.service, operation)
    if not one.changes:
        raise taken.refused(declaration, "operation", f"'{one.name}' only asks for something. Take the step 'Ask a service' for it")
    what = asking.what(through.service, one, values)
    return gave(wanting.asked(world, declaration, "call", what, told(through.service, what)))


def told(service: asking.Service, what: Mapping[str, Any]) -> str:
    """For whoever has to say yes: what it is, and where it goes."""
    path = wanting.short(str(what["address"]).removeprefix(service.url), 80)
    return f"Have {service.name} do '{what['operation']}': {what['method']} {service.host}{path}"


def gave(did: Did) -> dict[str, Any]:
    if isinstance(did, calling.Called):
        return {"status": did.status, "answer": did.body or {}}
    return {"status": 0, "answer": {}}
