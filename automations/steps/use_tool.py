"""A tool from outside does something. It leaves by the door, once; whether it was done is asked of a person where nobody can say.

What it moves of money, as whoever approved it said which argument that is, is held to the same limits as a refund.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from automations.conditions import shown
from automations.door import Did
from automations.outside import money, using
from automations.outside.pins import Pin
from automations.steps import calling, own, taken, wanting
from automations.steps.face import Declaration
from automations.steps.look_with_tool import INPUTS, OUTPUTS
from automations.world import World

declaration = Declaration(
    name="use tool",
    title="Use a tool",
    explanation="Has a tool of another program do something.",
    icon="construction",
    inputs=INPUTS,
    outputs=OUTPUTS,
    changes=True,
    stake="high",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    found = using.source(world.tools, taken.text(declaration, given, "source"))
    one = using.pin(found, taken.text(declaration, given, "tool"))
    if not one.changes:
        raise taken.refused(declaration, "tool", f"'{one.tool.name}' only looks something up. Take the step 'Look with a tool' for it")
    what = using.what(found, one, taken.table(declaration, given, "arguments"), world)
    amount = money.moved(one, what["arguments"])
    code = currency(one, world) if amount is not None else ""
    return gave(wanting.asked(world, declaration, using.KIND, what, told(what, amount, code), amount=amount, currency=code))


def currency(one: Pin, world: World) -> str:
    """The shop's is the one in which this customer orders."""
    named = money.currency(one)
    return own.newest_order(world).currency if named == money.SHOPS else named


def told(what: Mapping[str, Any], amount: Decimal | None = None, code: str = "") -> str:
    """For whoever has to say yes: which tool, with what, and how much it moves."""
    arguments = ", ".join(f"{name}: {shown(value)}" for name, value in what["arguments"].items())
    with_them = f" with {wanting.short(arguments, 120)}" if arguments else ""
    return f"Have {what['source']} use '{what['tool']}'{with_them}{money.said_of(amount, code)}"


def gave(did: Did) -> dict[str, Any]:
    """Nothing in a dry run, where nothing is used."""
    body = did.body if isinstance(did, calling.Called) and did.body else {"text": "", "values": {}}
    return {"text": body["text"], "values": body["values"]}
