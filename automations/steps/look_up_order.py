"""What the shop knows of an order: where it is, what was paid, what can be refunded."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from automations.shop.values import Order, Status
from automations.steps import own, taken
from automations.steps.face import Declaration, Field
from automations.world import World

declaration = Declaration(
    name="look up order",
    title="Look up order",
    explanation="Finds an order of this customer in the shop, as it stands now.",
    icon="package_2",
    inputs=(
        Field("number", "Order number", "text", required=False, help="Left out: the customer's newest order."),
        Field(
            "status", "Status", "choice", required=False, choices=get_args(Status), help="Without a number: the newest one that stands so."
        ),
    ),
    outputs=(
        Field("number", "Order number", "text"),
        Field("status", "Status", "text"),
        Field("total", "Total", "money"),
        Field("goods", "Worth of the goods", "money", help="The total without the delivery."),
        Field("currency", "Currency", "text"),
        Field("paid", "Paid", "money"),
        Field("refunded", "Refunded", "money"),
        Field("refundable", "Can be refunded", "money"),
        Field("placed_at", "Placed", "text"),
        Field("promised_on", "Promised for", "text"),
        Field("delivered_at", "Delivered", "text", required=False),
        Field("returned_at", "Came back", "text", required=False),
        Field("days_late", "Days late", "number"),
        Field("carrier", "Carrier", "text", required=False, help="Known once it was sent."),
        Field("tracking", "Tracking number", "text", required=False),
        Field("items", "Items", "text"),
    ),
    changes=False,
    stake="none",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    number, status = taken.maybe(given, "number"), taken.choice(declaration, given, "status")
    return _told(own.order(world, number) if number else own.newest_order(world, status))


def _told(order: Order) -> dict[str, Any]:
    told = {
        "number": order.number, "status": order.status, "total": own.amount(order.total),
        "goods": own.amount(order.total - order.delivery_fee), "currency": order.currency,
        "paid": own.amount(order.paid), "refunded": own.amount(order.refunded), "refundable": own.amount(order.refundable),
        "placed_at": minute(order.placed_at), "promised_on": order.promised_on.isoformat(), "days_late": order.days_late,
        "items": ", ".join(f"{item.quantity:,} × {item.name}" for item in order.items),
    }  # fmt: skip
    known = {
        "delivered_at": minute(order.delivered_at) if order.delivered_at else "",
        "returned_at": minute(order.returned_at) if order.returned_at else "",
        "carrier": order.carrier,
        "tracking": order.tracking,
    }
    return told | {name: value for name, value in known.items() if value}


def minute(at: datetime) -> str:
    """As a text has it and a condition reads it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"
