"""What the shop knows of the one customer that a run is for. What belongs to another is refused as if there were no such thing."""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from automations.conditions import shown
from automations.shop.client import Shop, ShopFault
from automations.shop.values import Customer, Invoice, Order
from automations.world import World
from data.errors import Refused

UNKNOWN = "Nothing was looked up: the shop does not know this customer. Hand over to a person who can find out."
Told = TypeVar("Told")


def shop_of(world: World) -> Shop:
    if world.shop is None:
        raise Refused("Nothing was looked up: no shop is connected. An admin connects one on Installation.")
    if not world.customer:
        raise Refused("Nothing was looked up: nobody knows which customer of the shop this is. Hand over to a person who can find out.")
    return world.shop


def customer(world: World) -> Customer:
    return _known(lambda: shop_of(world).customer(world.customer))


def _known(ask: Callable[[], Told]) -> Told:
    try:
        return ask()
    except ShopFault as fault:
        raise (Refused(UNKNOWN) if fault.status == 404 else fault) from None


def order(world: World, number: str) -> Order:
    """As it stood when the run looks."""
    shop, named = shop_of(world), number.strip().lstrip("#")
    try:
        found = shop.order(named, at=world.at)
    except ShopFault as fault:
        raise (_not_theirs("order", named) if fault.status == 404 else fault) from None
    if found.customer != world.customer:
        raise _not_theirs("order", named)
    return found


def newest_order(world: World, status: str = "") -> Order:
    """Of all, or of those that stand so."""
    found = _known(lambda: shop_of(world).orders_of(world.customer, at=world.at))
    so = [one for one in found if not status or one.status == status]
    if not so:
        none = f"of this customer's {len(found):,} orders none is {status}" if found else "this customer has none"
        raise Refused(f"No order was looked up: {none}. Ask for the number of the order that they mean.")
    return so[0]


def invoice(world: World, number: str) -> Invoice:
    shop, named = shop_of(world), number.strip().lstrip("#")
    try:
        found = shop.invoice(named, at=world.at)
    except ShopFault as fault:
        raise (_not_theirs("invoice", named) if fault.status == 404 else fault) from None
    if found.customer != world.customer:
        raise _not_theirs("invoice", named)
    return found


def _not_theirs(what: str, number: str) -> Refused:
    """The same whether there is none or it is another's: whoever tries numbers learns nothing."""
    return Refused(f"This customer has no {what} {shown(number)}. Ask them for the number again, or hand over to a person.")


def amount(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
