"""Which arguments of a tool are money, as two people said it, and how much a use of it moves: that is counted as a refund is.

What a name makes likely has to be said of one way or the other: a tool that changes something and takes an amount of which nobody said
what it is, is not used. An amount that is left out is refused too: then the other side would choose it.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from automations.conditions import shown
from automations.connectors.shapes import Shape
from automations.recipe import amount_of
from data.errors import Refused

if TYPE_CHECKING:
    from automations.outside.pins import Pin, Tool

SHOPS, NO_MONEY, IN_CENTS = "the shop's", "no money", ", in cents"  # in place of a currency such as EUR; behind one
LIKELY = frozenset({
    "amount", "cent", "charge", "compensation", "cost", "credit", "discount", "fee", "money", "payment", "payout", "price", "refund", "sum",
    "surcharge", "total", "voucher",
})  # fmt: skip
ABOUT = frozenset({  # of a text: it tells of money
    "code", "comment", "currency", "date", "id", "method", "note", "number", "reason", "status", "text", "type",
})  # fmt: skip
MOST_NAMED = 5
_CURRENCY = re.compile(r"[A-Z]{3}")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")

Named = Mapping[str, str]  # an argument by its place, such as payment.amount -> its currency, SHOPS, either IN_CENTS, or NO_MONEY


def places(shape: Shape, before: str = "") -> Iterator[tuple[str, Shape]]:
    """Every argument that is one value, by its place; those of a list's entries stand in the list's own."""
    if shape.kind == "list" and shape.items is not None:
        yield from places(shape.items, before)
    elif shape.kind == "table" and shape.fields:
        for one in shape.fields:
            yield from places(one.shape, f"{before}.{one.name}" if before else one.name)
    elif before:
        yield before, shape


def may_be(shape: Shape) -> bool:
    return shape.kind in ("number", "whole", "any") or (shape.kind == "text" and not shape.choices)


def likely(tool: "Tool") -> list[str]:
    """Arguments that sound like money."""
    return [place for place, shape in places(tool.shape) if _sounds_so(place, shape.kind)]


def _sounds_so(place: str, kind: str) -> bool:
    """Of a number each word of its place counts; of a text its own name."""
    if kind in ("yes_no", "list"):
        return False
    own = _words(place.rpartition(".")[2])
    if kind == "text":
        return bool(LIKELY & set(own)) and own[-1] not in ABOUT
    return bool(LIKELY & set(_words(place)))


def _words(name: str) -> list[str]:
    """Those of money in singular: refundTotals is refund and total."""
    found = [word.lower() for word in _WORD.findall(name)] or [""]
    return [word.removesuffix("s") if word.removesuffix("s") in LIKELY else word for word in found]


def unnamed(pin: "Pin") -> list[str]:
    """What sounds like money and nobody said of what it is. A tool that only reads moves none."""
    return [place for place in likely(pin.tool) if place not in pin.money and place not in pin.bound] if pin.changes else []


def not_said(pin: "Pin", places: list[str]) -> str:
    told = ", ".join(f"'{shown(place)}'" for place in places[:MOST_NAMED])
    return (
        f"'{pin.tool.name}' takes {told}, and nobody said whether that is money. Say on Installation in which currency, or that it is no "
        "money, and have the tool approved"
    )


def wrong(tool: "Tool", named: Named, bound: Mapping[str, str]) -> str:
    """Why an argument cannot be what was said of it; empty where all of them can."""
    there = dict(places(tool.shape))
    for place, said in named.items():
        if there and place not in there:
            return f"'{tool.name}' takes no '{shown(place)}'. It takes {', '.join(there)}"
        if place in bound:
            return f"'{place}' of '{tool.name}' is always {bound[place]}, so it is no money"
        if said != NO_MONEY and place in there and not may_be(there[place]):
            return f"'{place}' of '{tool.name}' is no amount, so it is no money"
        if said != NO_MONEY and not _CURRENCY.fullmatch(code := said.removesuffix(IN_CENTS)) and code != SHOPS:
            return f"'{shown(said)}' is no currency. There is {SHOPS}, or three capital letters such as EUR"
    if len(found := _currencies(named)) > 1:
        return f"'{tool.name}' would move {' and '.join(sorted(found))} at once. What is counted is one currency"
    return ""


def _currencies(named: Named) -> set[str]:
    return {said.removesuffix(IN_CENTS) for said in named.values() if said != NO_MONEY}


def currency(pin: "Pin") -> str:
    """`SHOPS` where it is the customer's; empty where nothing of it is money."""
    return next(iter(_currencies(pin.money)), "")


def moved(pin: "Pin", arguments: Mapping[str, Any]) -> Decimal | None:
    """How much this use moves; None where nothing of it is money. Whatever is written so that it cannot be counted is refused."""
    if not pin.changes:
        return None
    found = list(_values(arguments))
    if odd := [place for place, value in found if place not in pin.money and place not in pin.bound and _is_amount(place, value)]:
        raise Refused(f"Not used: {not_said(pin, odd)}.")
    amounts = [
        _amount(pin, place, said, [value for there, value in found if there == place])
        for place, said in pin.money.items() if said != NO_MONEY
    ]  # fmt: skip
    return sum(amounts, Decimal(0)) if amounts else None


def _is_amount(place: str, value: Any) -> bool:
    """Also of what the tool did not describe."""
    if isinstance(value, bool) or value is None:
        return False
    kind = "number" if not isinstance(value, str) or amount_of(value) is not None else "text"
    return _sounds_so(place, kind) and (kind == "number" or any(sign.isdigit() for sign in value))


def _amount(pin: "Pin", place: str, said: str, values: list[Any]) -> Decimal:
    if not values:
        raise Refused(f"Not used: '{pin.tool.name}' takes '{place}', which is money, and it is left out: over there it would be chosen.")
    each = [amount_of(value) for value in values]
    if any(one is None for one in each):
        raise Refused(f"Not used: '{place}' of '{pin.tool.name}' is money, and '{shown(values[each.index(None)])}' is no amount.")
    total = sum((one for one in each if one is not None), Decimal(0))
    return total / 100 if said.endswith(IN_CENTS) else total


def _values(value: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Each value by its place, as `places` names it."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _values(inner, f"{before}.{name}" if before else str(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _values(inner, before)
    elif before:
        yield before, value


def said_of(amount: Decimal | None, code: str) -> str:
    return "" if amount is None else f": {amount:,.2f} {code}"
