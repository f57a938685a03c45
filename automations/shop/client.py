"""Asks the shop over HTTP, and takes nothing on trust: not its time, not the size or the shape of its answers, not where it points.

A question ends in a value or in one `ShopFault`. When a refund's answer is lost, `outcome_unknown` says so: ask for it by its key first.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx2
from pydantic import TypeAdapter, ValidationError

from automations.shop.values import CUSTOMER, KEY, NUMBER, Customer, Entry, Incident, Invoice, Kind, Order, money
from data.errors import Refused
from data.intake.connectors.asking import address
from language import patience, redact
from language.fitting import kept
from language.wire import Expired, TooLarge, Wire, within

SECONDS = 5.0  # for one question, all in all
CONNECT = 2.0  # of them until somebody picks up
LARGEST = 1_000_000  # bytes of an answer
JSON, PROBLEM = "application/json", "application/problem+json"
WHAT_THEN = "Ask the shop by its key before it is tried again."
Told = TypeVar("Told")


class ShopFault(Refused):
    """What was not learned or done, why, and what to do next."""

    def __init__(
        self, sentence: str, *, outcome_unknown: bool = False, status: int | None = None, retry_after: float | None = None
    ) -> None:  # fmt: skip
        super().__init__(sentence)
        self.sentence = sentence
        self.outcome_unknown = outcome_unknown  # it may have been done
        self.status = status  # what the shop itself answered: 404 there is none, 409 the key stands for another request, 422 not possible
        self.retry_after = retry_after  # seconds


class _Failed(Exception):
    """Why a question has no usable answer, and whether the shop may have acted on it."""

    def __init__(self, why: str, *, acted: bool, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.acted, self.status, self.retry_after = acted, status, retry_after


class _Said(Exception):
    """The shop itself refused, in its own words."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True)
class Shop:
    """Where it is, and by which token it is asked."""

    url: str
    token: str = field(repr=False)
    seconds: float = SECONDS

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", address(self.url, "The shop"))

    def customer(self, key: str) -> Customer:
        found: Customer = self._look(Customer, f"customer {key}", "/customers/", key, CUSTOMER)
        return self._same(found, found.key, key, "customer")

    def order(self, number: str, *, at: datetime | None = None) -> Order:
        """As it stood then, else now."""
        found: Order = self._look(Order, f"order {number}", "/orders/", number, NUMBER, at=at)
        return self._same(found, found.number, number, "order")

    def orders_of(self, customer: str, *, at: datetime | None = None) -> tuple[Order, ...]:
        """Newest first, 200 at most."""
        what = f"the orders of customer {customer}"
        found: tuple[Order, ...] = self._look(tuple[Order, ...], what, "/customers/", customer, CUSTOMER, "/orders", at=at)
        others = [order.customer for order in found if order.customer != customer]
        return self._same(found, (others or [customer])[0], customer, "the orders of customer")

    def invoice(self, number: str, *, at: datetime | None = None) -> Invoice:
        found: Invoice = self._look(Invoice, f"invoice {number}", "/invoices/", number, NUMBER, at=at)
        return self._same(found, found.number, number, "invoice")

    def incidents(self, area: str, *, at: datetime | None = None) -> tuple[Incident, ...]:
        """What an area, or everywhere, had then."""
        found: tuple[Incident, ...] = self._look(tuple[Incident, ...], f"what {area} had", "/incidents", "", None, area=area, at=at)
        return found

    def refund(self, order: str, cents: int, currency: str, reason: str, *, key: str) -> Entry:
        """Money back, once for each key: a second request with the same key is answered with what came of the first."""
        body = {"order": order, "amount": money(cents), "currency": currency, "reason": reason}
        return self._make("refund", f"the refund of {money(cents)} {currency} on order {order}", "/refunds", body, cents, key)

    def credit(self, customer: str, cents: int, currency: str, reason: str, *, key: str, order: str | None = None) -> Entry:
        body = {"customer": customer, "amount": money(cents), "currency": currency, "reason": reason, "order": order}
        return self._make("credit", f"the credit of {money(cents)} {currency} for customer {customer}", "/credits", body, cents, key)

    def refund_by_key(self, key: str) -> Entry | None:
        """What came of a request whose answer was lost; None when the shop has no such refund."""
        return self._by_key("refund", key)

    def credit_by_key(self, key: str) -> Entry | None:
        return self._by_key("credit", key)

    # -- one question

    def _look(
        self, shape: Any, what: str, path: str, named: str, pattern: str | None, onward: str = "", **asked: Any
    ) -> Any:  # fmt: skip
        """What the shop tells of a thing that somebody named: a name that is none is not asked for."""
        if pattern is not None and not re.fullmatch(pattern, named):
            raise ShopFault(f"The shop was not asked: {_shown(named)} cannot be the name of one. Check it.")
        told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asked.items() if value is not None}
        try:
            return _shaped(shape, self._ask("GET", f"{path}{named}{onward}" + (f"?{urlencode(told)}" if told else "")))
        except _Said as said:
            raise ShopFault(str(said), status=said.status) from None
        except _Failed as failed:
            sentence = f"The shop did not tell {_shown(what)}: {failed}. Try again in a minute."
            raise ShopFault(sentence, status=failed.status, retry_after=failed.retry_after) from None

    def _make(self, kind: Kind, what: str, path: str, body: Mapping[str, Any], cents: int, key: str) -> Entry:
        if not re.fullmatch(KEY, key):
            raise ShopFault(f"{_capital(_shown(what))} was not made: its key is not 1 to 200 of a-z, A-Z, 0-9 and . _ : -")
        if cents <= 0:
            raise ShopFault(f"{_capital(_shown(what))} was not made: an amount is more than 0.00.")
        try:
            made: Entry = _shaped(Entry, self._ask("POST", path, body, key))
            if (made.kind, made.key, made.amount, made.currency) != (kind, key, cents, body["currency"]):
                raise _Failed("it answered with another entry than was asked for", acted=True)
            return made
        except _Said as said:
            raise ShopFault(str(said), status=said.status) from None
        except _Failed as failed:
            if failed.acted:
                sentence = f"Whether {_shown(what)} was made is not known: {failed}. {WHAT_THEN}"
            else:
                sentence = f"{_capital(_shown(what))} was not made: {failed}. Try again in a minute."
            raise ShopFault(
                sentence, outcome_unknown=failed.acted, status=failed.status, retry_after=failed.retry_after
            ) from None  # fmt: skip

    def _by_key(self, kind: Kind, key: str) -> Entry | None:
        try:
            found: Entry = self._look(Entry, f"the {kind} with the key {key}", f"/{kind}s/by-key/", key, KEY)
        except ShopFault as fault:
            if fault.status == 404:
                return None
            raise
        return self._same(found, found.key, key, kind)

    def _same(self, found: Told, named: str, wanted: str, what: str) -> Told:
        if named != wanted:
            raise ShopFault(f"The shop was asked for {what} {wanted} and told another. Tell whoever runs the shop.")
        return found

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, key: str = "") -> bytes:
        """The content of a good answer. Only what never left, or what the shop itself refused, is known not to have acted."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": JSON, "Content-Length": str(len(content))} if content is not None else {}
        limits = {"connect": min(CONNECT, self.seconds), "read": self.seconds, "write": self.seconds, "pool": self.seconds}
        request = httpx2.Request(method, self.url + path, headers=headers, content=content, extensions={"timeout": limits})
        wire = _Wire(self.token, key)
        try:
            answer = within(self.seconds, wire, lambda: _exchanged(wire, request))
        except httpx2.ConnectTimeout:
            raise _Failed(f"nobody picked up within {limits['connect']:g} seconds", acted=False) from None
        except httpx2.ConnectError:
            raise _Failed("it is not running, or not reachable", acted=False) from None
        except (Expired, httpx2.TimeoutException):
            raise _Failed(f"it gave no whole answer within {self.seconds:g} seconds", acted=True) from None
        except TooLarge as large:
            raise _Failed(f"its answer cannot be taken: {large}", acted=True) from None
        except httpx2.TransportError:
            raise _Failed("it hung up before its answer was whole", acted=True) from None
        return _accepted(answer)


class _WithKey(httpx2.HTTPTransport):
    """Adds the one header that a wire would leave out."""

    def __init__(self, key: str) -> None:
        super().__init__(verify=_trusted())
        self._key = key

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["Idempotency-Key"] = self._key
        return super().handle_request(request)


class _Wire(Wire):
    """One request: a connection of its own, never redirected, none of the environment's proxies, nothing unpacked."""

    def __init__(self, token: str, key: str) -> None:
        super().__init__(token)
        if key:
            self._http = _WithKey(key)


@lru_cache(maxsize=1)
def _trusted() -> Any:
    return httpx2.create_ssl_context()


def _exchanged(wire: Wire, request: httpx2.Request) -> Answer:
    answer = wire.handle_request(request)
    content = bytearray()
    for part in answer.iter_raw():
        content += part
        if len(content) > LARGEST:
            raise TooLarge(f"it is longer than {LARGEST // 1_000_000} MB")
    return Answer(answer.status_code, answer.headers, bytes(content))


# -- reading an answer ------------------------------------------------------------------------------------------------------------------


def _accepted(answer: Answer) -> bytes:
    told = _media_type(answer)
    if answer.status in (200, 201):
        if told != JSON:
            raise _Failed(f"it answered with {_called(told)}, not with data", acted=True)
        return answer.content
    if answer.status == 429:
        seconds = patience.asked(answer.headers)
        again = "" if seconds is None else f" for {seconds:,.0f} seconds"
        raise _Failed(f"it asks to be left alone{again} (429)", acted=False, status=429, retry_after=seconds)
    if 300 <= answer.status < 400:
        raise _Failed(f"it points elsewhere ({answer.status}), and that is not followed", acted=True)
    if 400 <= answer.status < 500 and told == PROBLEM:
        raise _Said(answer.status, _detail(answer.content))
    raise _Failed(
        f"it answered with an error of its own ({answer.status})", acted=True, retry_after=patience.asked(answer.headers)
    )  # fmt: skip


def _media_type(answer: Answer) -> str:
    said = Message()
    said["Content-Type"] = answer.headers.get("content-type", "application/octet-stream")
    return said.get_content_type()


def _called(media_type: str) -> str:
    return "a page" if media_type == "text/html" else media_type[:60]


def _detail(content: bytes) -> str:
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        told = None
    detail = told.get("detail") if isinstance(told, dict) else None
    if not isinstance(detail, str) or not detail.strip():
        return "The shop refused it without a reason. Tell whoever runs the shop."
    return _shown(detail, most=300)


def _shaped(shape: Any, content: bytes) -> Any:
    try:
        return _reader(shape).validate_json(content, strict=True)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in wrong["loc"])
        why = wrong["msg"].removeprefix("Value error, ").rstrip(".")
        raise _Failed(f"its answer has another shape ({_shown(f'{where}: {why}' if where else why)})", acted=True) from None


@lru_cache(maxsize=16)
def _reader(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def _shown(text: str, most: int = 200) -> str:
    """In a sentence: on one line, without what nobody should read in it."""
    return redact.masked(re.sub(r"\s+", " ", kept(text[: most * 2])).strip())[:most]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
