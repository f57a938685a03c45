"""What of a conversation an argument can be bound to: whoever writes a recipe, and any model, cannot choose it then."""

from collections.abc import Callable
from typing import Any

from data.errors import Refused

FACTS: dict[str, Callable[[Any], str]] = {  # of a step's world
    "customer.key": lambda world: str(world.customer),
    "conversation.id": lambda world: str(world.conversation_id),
    "conversation.channel": lambda world: str(world.channel),
    "conversation.language": lambda world: str(world.language),
}


def said(fact: str, world: Any) -> str:
    if not (value := FACTS[fact](world)):
        raise Refused(f"Not used: '{fact}' is not known in this run, and the tool always takes it from there.")
    return value
