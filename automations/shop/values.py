"""What the shop tells: one shape for its ledger, its API and whoever asks it. Money is whole cents inside and "19.90" outside."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic.dataclasses import dataclass
from pydantic_core.core_schema import ValidationInfo

MONEY = r"^(0|[1-9][0-9]{0,8})\.[0-9]{2}$"
KEY = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$"  # of an entry: needs no quoting in an address
NUMBER = r"^[A-Za-z0-9][A-Za-z0-9-]{0,39}$"  # of an order or an invoice
CUSTOMER = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$"
CURRENCY = r"^[A-Z]{3}$"
LONGEST_REASON = 500
EVERYWHERE = "everywhere"


def cents(money: str) -> int:
    """1990 of "19.90"; a ValueError for what is not written so."""
    if not re.fullmatch(MONEY, money):
        raise ValueError('it is no amount such as "19.90"')
    return int(money.replace(".", ""))


def money(cents: int) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


def _read(value: Any, info: ValidationInfo) -> int:
    if info.mode == "json":
        if not isinstance(value, str):
            raise ValueError('it is no amount such as "19.90"')
        return cents(value)
    if type(value) is not int:
        raise ValueError("it is not in whole cents")
    return value


Cents = Annotated[
    int,
    BeforeValidator(_read),
    PlainSerializer(money, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": MONEY, "examples": ["19.90"]}),
]
Currency = Annotated[str, Field(pattern=CURRENCY)]
Kind = Literal["refund", "credit"]
Status = Literal["placed", "packed", "shipped", "delivered", "returned", "cancelled"]


@dataclass(frozen=True)
class Customer:
    key: str
    name: str
    area: str  # where incidents are told for
    since: date


@dataclass(frozen=True)
class Item:
    name: str
    quantity: int
    price: Cents  # of one


@dataclass(frozen=True)
class Entry:
    """Money that went to the customer: a refund of what was paid, or a credit for later orders. It is never changed."""

    id: str
    kind: Kind
    customer: str
    order: str | None
    amount: Cents
    currency: Currency
    reason: str
    key: str
    made_by: str  # people, or the name of the program
    at: AwareDatetime


@dataclass(frozen=True)
class Order:
    """An order as it stood at the time that was asked about."""

    number: str
    customer: str
    area: str
    status: Status
    items: tuple[Item, ...]
    delivery_fee: Cents
    total: Cents
    currency: Currency
    placed_at: AwareDatetime
    promised_on: date
    shipped_at: AwareDatetime | None
    delivered_at: AwareDatetime | None
    returned_at: AwareDatetime | None
    cancelled_at: AwareDatetime | None
    carrier: str | None
    tracking: str | None
    days_late: int
    paid: Cents
    refunded: Cents
    refundable: Cents
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Invoice:
    number: str
    order: str
    customer: str
    amount: Cents
    currency: Currency
    issued_on: date
    due_on: date
    paid_at: AwareDatetime | None


@dataclass(frozen=True)
class Incident:
    """What went wrong for many at once: an outage, or parcels that are late."""

    kind: Literal["outage", "delay"]
    area: str
    began_at: AwareDatetime
    ended_at: AwareDatetime | None
    what: str
