"""Whether something is wrong for many at once where the customer lives: an outage, parcels that are late."""

from collections.abc import Mapping
from typing import Any

from automations.steps import own, taken
from automations.steps.face import Declaration, Field
from automations.steps.look_up_order import minute
from automations.world import World

LONGEST_AREA = 100
declaration = Declaration(
    name="look up incident",
    title="Look up incident",
    explanation="Looks whether an outage or a delay is known in the customer's area.",
    icon="crisis_alert",
    inputs=(
        Field("area", "Area", "text", required=False, help="Left out: the customer's own."),
        Field("kind", "Kind", "choice", required=False, choices=("outage", "delay"), help="Left out: any."),
    ),
    outputs=(
        Field("found", "Found", "yes_no"),
        Field("what", "What happened", "text"),
        Field("began_at", "Began", "text", required=False),
        Field("area", "Area", "text"),
    ),
    changes=False,
    stake="none",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    kind, area = taken.choice(declaration, given, "kind"), taken.maybe(given, "area")
    if len(area) > LONGEST_AREA:
        raise taken.refused(declaration, "area", f"has at most {LONGEST_AREA} characters, this one {len(area):,}")
    area = area or own.customer(world).area
    known = [one for one in own.shop_of(world).incidents(area, at=world.at) if not kind or one.kind == kind]
    if not known:
        return {"found": False, "what": f"No {kind or 'incident'} is known in {area}.", "area": area}
    newest = max(known, key=lambda one: one.began_at)
    return {"found": True, "what": newest.what, "began_at": minute(newest.began_at), "area": newest.area}
