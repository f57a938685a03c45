"""What was said in the conversation, as steps need it: the customer's last words, and whether a question was answered."""

from collections.abc import Sequence

from automations.world import Message, World
from data.errors import Refused

OURS = ("rep", "assistant")


def shared(messages: Sequence[Message]) -> list[Message]:
    """Without private notes."""
    return [one for one in messages if not one.get("private") and isinstance(one.get("text"), str)]


def last_words(world: World) -> str:
    """Empty where the customer said nothing yet."""
    return next((str(one["text"]).strip() for one in reversed(shared(world.messages)) if one.get("role") == "customer"), "")


def required_last_words(world: World) -> str:
    if not (words := last_words(world)):
        raise Refused("Not done: the customer has written nothing yet. Give the text in the recipe, or start it when they write.")
    return words


def answer_to(question: str, world: World) -> str:
    """What the customer wrote after we asked this; empty where it was not asked yet, or not answered."""
    messages, wanted = shared(world.messages), _flat(question)
    asked = [place for place, one in enumerate(messages) if one.get("role") in OURS and wanted in _flat(str(one["text"]))]
    later = messages[asked[-1] + 1 :] if asked else []
    return "\n".join(str(one["text"]).strip() for one in later if one.get("role") == "customer").strip()


def _flat(text: str) -> str:
    return " ".join(text.split())
