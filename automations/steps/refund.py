"""Money back for an order. The currency and how much there can be comes from the shop, whatever any text says."""

from collections.abc import Mapping
from typing import Any

from automations.door import Did
from automations.shop.values import LONGEST_REASON
from automations.steps import own, taken, wanting
from automations.steps.face import Declaration, Field
from automations.world import World
from data.errors import Refused

declaration = Declaration(
    name="refund",
    title="Refund",
    explanation="Pays money back for an order of this customer, never more than was paid for it.",
    icon="payments",
    inputs=(Field("order", "Order number", "text"), Field("amount", "Amount", "money"), Field("reason", "Reason", "text")),
    outputs=(Field("amount", "Amount", "money"), Field("currency", "Currency", "text"), Field("ref", "Reference", "text")),
    changes=True,
    stake="high",
    done="We pay {amount} {currency} back the way you paid. Your money was paid back and refunded for the order.",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    number, amount = taken.text(declaration, given, "order"), taken.amount(declaration, given, "amount")
    why = reason(declaration, given)
    order = own.order(world, number)
    refundable = own.amount(order.refundable)
    if amount > refundable:
        raise Refused(
            f"Not refunded: {amount:,.2f} {order.currency} were asked for, and {refundable:,.2f} {order.currency} of order {order.number} "
            "can be refunded. Lower the amount, or hand over to a person."
        )
    what = {"customer": world.customer, "order": order.number, "amount": f"{amount:f}", "currency": order.currency, "reason": why}
    told = f"Refund {amount:,.2f} {order.currency} of order {order.number}"
    return gave(wanting.asked(world, declaration, "refund", what, told, amount=amount, currency=order.currency))


def gave(did: Did) -> dict[str, Any]:
    return {"amount": did.wanted.amount, "currency": did.wanted.currency, "ref": wanting.reference(did)}


def reason(step: Declaration, given: Mapping[str, Any]) -> str:
    """As the shop's book takes it."""
    said = taken.text(step, given, "reason")
    if len(said) > LONGEST_REASON:
        raise taken.refused(step, "reason", f"has at most {LONGEST_REASON} characters, this one {len(said):,}")
    return said
