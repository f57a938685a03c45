"""Money for the customer's next orders, in the currency in which they order."""

from collections.abc import Mapping
from typing import Any

from automations.steps import own, taken, wanting
from automations.steps.face import Declaration, Field
from automations.steps.refund import gave, reason
from automations.world import World

__all__ = ["declaration", "gave", "run"]

declaration = Declaration(
    name="credit",
    title="Credit",
    explanation="Gives this customer a credit for later orders.",
    icon="redeem",
    inputs=(
        Field("amount", "Amount", "money"),
        Field("reason", "Reason", "text"),
        Field("order", "Order number", "text", required=False, help="The order that it is for."),
    ),
    outputs=(Field("amount", "Amount", "money"), Field("currency", "Currency", "text"), Field("ref", "Reference", "text")),
    changes=True,
    stake="high",
    done="A credit was given: {amount} {currency}.",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    amount, why, number = taken.amount(declaration, given, "amount"), reason(declaration, given), taken.maybe(given, "order")
    order = own.order(world, number) if number else own.newest_order(world)
    what = {
        "customer": world.customer, "order": order.number if number else None, "amount": f"{amount:f}", "currency": order.currency,
        "reason": why,
    }  # fmt: skip
    told = f"Credit {amount:,.2f} {order.currency} to the customer{f' for order {order.number}' if number else ''}"
    return gave(wanting.asked(world, declaration, "credit", what, told, amount=amount, currency=order.currency))
