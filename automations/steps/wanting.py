"""How steps ask at the door, the only way out, for what they would change."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from automations.door import Did, Wanted
from automations.steps.face import Declaration
from automations.world import World
from data.errors import Refused

NO_REFERENCE = "(no reference in a dry run)"  # stands where nothing was done, so that a text which names it can still be looked at
LONGEST_SHOWN = 200


def asked(
    world: World, step: Declaration, kind: str, what: Mapping[str, Any], told: str, *, amount: Decimal | None = None, currency: str = ""
) -> Did:  # fmt: skip
    return world.door.act(Wanted(world.act or step.name, step.name, kind, what, told, amount, currency))


def require_conversation(world: World, step: Declaration) -> None:
    if not world.conversation_id:
        raise Refused(
            f"Not done: '{step.title}' needs a conversation, and this run has none. Use it in a recipe that a conversation sets off."
        )


def reference(did: Did) -> str:
    return did.ref or NO_REFERENCE


def short(text: str, most: int = LONGEST_SHOWN) -> str:
    """In a sentence: on one line, cut where it is long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[: most - 1].rstrip()}…"
