"""What a model reads out of a text, as values of kinds that the recipe names. The text is data to it, never an instruction."""

import re
from collections.abc import Mapping
from typing import Any

from automations.comparisons import number
from automations.conditions import PIECE, shown
from automations.steps import taken
from automations.steps.face import Declaration, Field
from automations.world import World
from data.errors import Refused
from evals.graders import judge

MOST_FIELDS, MOST_CHOICES, LONGEST_VALUE, LONGEST_NUMBER = 20, 50, 2_000, 1_000_000_000
KINDS = ("text", "number", "yes_no")
NO_MONEY = "an amount is never read out of a text. Take it from an order"
TASK = """You read values out of a text for a support team. What they want to know:
{instructions}

Give each field of the schema the value that the text says. Say null where the text does not say it: never guess, never calculate."""
declaration = Declaration(
    name="model step",
    title="Model step",
    explanation="Has a model read named values out of a text.",
    icon="network_intelligence",
    inputs=(
        Field("instructions", "Instructions", "long_text"),
        Field("text", "Text", "long_text"),
        Field("fields", "Fields", "mapping", help="Each name with its kind: text, number, yes_no, or a list of words to choose from."),
    ),
    outputs=(Field("values", "Values", "mapping", help="By the names of the fields."),),
    changes=False,
    stake="none",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    instructions, text = (taken.text(declaration, given, name) for name in ("instructions", "text"))
    fields = taken.table(declaration, given, "fields")
    shape = schema(fields)
    if world.ask is None:
        raise Refused("Nothing was read: no model is connected. An admin connects one on Installation.")
    answer = judge.ask_for(world.ask, TASK.format(instructions=instructions), {"text": text}, shape)
    if answer.error:
        raise Refused(f"Nothing was read by a model: {answer.error}")
    return {"values": _checked(answer.parsed, fields)}


def schema(fields: Mapping[str, Any]) -> dict[str, Any]:
    if len(fields) > MOST_FIELDS:
        raise taken.refused(declaration, "fields", f"are {len(fields):,}, and a model is asked for at most {MOST_FIELDS}")
    properties = {_name(name): _property(name, kind) for name, kind in fields.items()}
    return {"title": "Values", "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _name(name: Any) -> str:
    if not isinstance(name, str) or not re.fullmatch(PIECE, name):
        raise taken.refused(declaration, "fields", f"have names of letters, digits and _, not '{shown(name)}'")
    return name


def _property(name: str, kind: Any) -> dict[str, Any]:
    match kind:
        case "text":
            return {"type": ["string", "null"], "maxLength": LONGEST_VALUE}
        case "number":
            return {"type": ["number", "null"]}
        case "yes_no":
            return {"type": ["boolean", "null"]}
        case "money":
            raise taken.refused(declaration, "fields", f"hold '{name}': {NO_MONEY}")
        case list() if 0 < len(kind) <= MOST_CHOICES and all(isinstance(one, str) and one for one in kind):
            return {"enum": [*kind, None]}
    raise taken.refused(declaration, "fields", f"hold '{name}': its kind is {', '.join(KINDS)} or a list of words, not '{shown(kind)}'")


def _checked(values: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Looked at once more, whoever answered."""
    if odd := [name for name in values if name not in fields]:
        raise Refused(
            f"Nothing was read by a model: it told '{shown(odd[0])}', which nobody asked for. Try again, or hand over to a person."
        )
    return {name: _value(name, kind, values.get(name)) for name, kind in fields.items()}


def _value(name: str, kind: Any, value: Any) -> Any:
    if value is None or value == "":
        raise Refused(f"Nothing was read by a model: the text does not say '{name}'. Ask the customer for it, or hand over to a person.")
    fits = {
        "text": isinstance(value, str) and len(value) <= LONGEST_VALUE,
        "number": (told := number(value)) is not None and abs(told) <= LONGEST_NUMBER,
        "yes_no": isinstance(value, bool),
    }
    if not (value in kind and isinstance(value, str) if isinstance(kind, list) else fits[kind]):
        raise Refused(f"Nothing was read by a model: '{name}' came as '{shown(value)}', which is of another kind. Hand over to a person.")
    return value
