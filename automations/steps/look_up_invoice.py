"""What the shop knows of an invoice: how much, until when, and whether it is paid."""

from collections.abc import Mapping
from typing import Any

from automations.steps import own, taken
from automations.steps.face import Declaration, Field
from automations.world import World

declaration = Declaration(
    name="look up invoice",
    title="Look up invoice",
    explanation="Finds an invoice of this customer in the shop.",
    icon="receipt_long",
    inputs=(Field("number", "Invoice number", "text"),),
    outputs=(
        Field("number", "Invoice number", "text"),
        Field("order", "Order number", "text"),
        Field("amount", "Amount", "money"),
        Field("currency", "Currency", "text"),
        Field("due_on", "Due on", "text"),
        Field("paid", "Paid", "yes_no"),
    ),
    changes=False,
    stake="none",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    invoice = own.invoice(world, taken.text(declaration, given, "number"))
    return {
        "number": invoice.number, "order": invoice.order, "amount": own.amount(invoice.amount), "currency": invoice.currency,
        "due_on": invoice.due_on.isoformat(), "paid": invoice.paid_at is not None,
    }  # fmt: skip
