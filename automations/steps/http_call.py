"""A question or an order to another program, at an address that an admin allowed. It leaves by the door, as all does that goes out."""

import json
from collections.abc import Mapping
from typing import Any

from automations.door import Did
from automations.steps import calling, taken, wanting
from automations.steps.face import Declaration, Field
from automations.world import World
from data.errors import Refused

declaration = Declaration(
    name="http call",
    title="HTTP call",
    explanation="Calls another program at an allowed address, with values filled in.",
    icon="webhook",
    inputs=(
        Field("method", "Method", "choice", choices=calling.METHODS, default=calling.METHODS[0]),
        Field("address", "Address", "address"),
        Field("body", "Body", "mapping", required=False, help="Sent as JSON. Not with GET."),
    ),
    outputs=(
        Field("status", "Status", "number", help="200 where it went well; 0 in a dry run, where nothing is called."),
        Field("body", "Body", "any", help="What it answered: values, or a text."),
    ),
    changes=True,
    stake="high",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    method = taken.choice(declaration, given, "method") or calling.METHODS[0]
    address, body = taken.text(declaration, given, "address"), taken.table(declaration, given, "body")
    if body and method == calling.METHODS[0]:
        raise taken.refused(declaration, "body", f"is sent with {', '.join(calling.METHODS[1:])} alone, not with {method}")
    place = calling.place(address, world.addresses)
    what = {"method": method, "address": address, "body": plain(body)}
    return gave(wanting.asked(world, declaration, "call", what, f"{method} {place.named}{wanting.short(place.path, 80)}"))


def gave(did: Did) -> dict[str, Any]:
    if isinstance(did, calling.Called):
        return {"status": did.status, "body": did.body}
    return {"status": 0, "body": {}}


def plain(body: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON says it: amounts and times as texts. What stands in a text stays a text, braces and all."""
    try:
        said = json.dumps(body, default=str, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        raise Refused("Not called: the body holds what no JSON says. Name single values in it.") from None
    if len(said) > calling.LARGEST_SENT:
        raise Refused(f"Not called: the body has {len(said):,} characters, and {calling.LARGEST_SENT:,} are sent at most. Send less.")
    made: dict[str, Any] = json.loads(said)
    return made
