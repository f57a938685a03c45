"""One call to another program, as the door makes it: to an allowed place alone, whose name is looked up once and has to be public.

Nothing is followed elsewhere, nothing is waited for longer than five seconds, and no answer is taken that is longer than a megabyte.
"""

import json
import re
import socket
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from email.message import Message
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx2

from automations.conditions import shown
from automations.door import Did, Wanted
from data.errors import Refused
from language.fitting import kept
from language.wire import Expired, TooLarge, Wire, within

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SECONDS, CONNECT = 5.0, 2.0
LARGEST, LARGEST_SENT = 1_000_000, 100_000
CHECK = "Look over there whether it was done before it is tried again."
_ADDRESS = re.compile(
    r"(https?)://([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::([0-9]{1,5}))?"
    r"((?:/[A-Za-z0-9._~%!$&'()*+,;=:@/-]*)?)((?:\?[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?)"
)
_ASTRAY = re.compile(r"//|(?:^|/)(?:\.|%2e){1,2}(?:/|$)|%2f|%5c|%00|%0[ad]", re.IGNORECASE)  # leads elsewhere than it reads
_EMBEDS = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))  # an address of the old kind in the last four bytes
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], list[Address]]


class CallFault(Refused):
    """What was not learned or done; `outcome_unknown` where it may have been done all the same."""

    def __init__(self, sentence: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(sentence)
        self.outcome_unknown = outcome_unknown


@dataclass(frozen=True)
class Called(Did):
    """... and what it answered."""

    status: int = 0
    body: Any = None


@dataclass(frozen=True)
class Place:
    scheme: str
    host: str
    port: int
    path: str  # with what is asked behind it

    @property
    def named(self) -> str:
        """As it is allowed, and as it is told whom we mean."""
        return self.host if self.port == 443 else f"{self.host}:{self.port}"

    @property
    def is_here(self) -> bool:
        """This machine, written as a number: an admin allows it with its port."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def place(address: str, allowed: Collection[str]) -> Place:
    """Refused where it is not allowed, or does not lead where it seems to."""
    parts = _ADDRESS.fullmatch(address)
    if parts is None or _ASTRAY.search(parts[4]):
        raise Refused(f"Not called: '{shown(address)}' is no plain address such as https://example.com/orders/7. Check what was filled in.")
    scheme, host = parts[1], parts[2].lower()
    port = int(parts[3]) if parts[3] else 443 if scheme == "https" else 80
    made = Place(scheme, host, port, (parts[4] or "/") + parts[5])
    if not 0 < port < 65_536 or made.named not in {one.lower() for one in allowed}:
        raise Refused(f"Not called: {made.named} is none of the addresses that recipes may call. An admin allows it on Installation.")
    if scheme != "https" and not made.is_here:
        raise Refused(f"Not called: {host} would be called without encryption. Write its address with https://.")
    return made


def called(
    wanted: Wanted, allowed: Collection[str], *, key: str = "", seconds: float = SECONDS, resolve: Resolve | None = None,
    headers: Mapping[str, str] | None = None,
) -> Called:  # fmt: skip
    """What the door does of a wanted call. The key goes along, so that the other side may tell a second try from a second order; so
    does what else the caller has to say of itself, such as a credential, which stands in nothing that is kept."""
    method, to = str(wanted.what["method"]), place(str(wanted.what["address"]), allowed)
    if method not in METHODS:
        raise Refused(f"Not called: '{shown(method)}' is none of {', '.join(METHODS)}.")
    line = _Line(key, headers)
    status, body = _asked(method, to, wanted.what.get("body") or None, line, seconds, resolve or looked_up)
    return Called(wanted, "done", key, status, body)


def looked_up(host: str, port: int) -> list[Address]:
    try:
        return [ip_address(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError, ValueError):
        return []


def is_public(address: Address) -> bool:
    """Also what stands inside it: an old address within a new one leads to the old one."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if any(address in network for network in _EMBEDS):
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None and not is_public(inner):
            return False
    return address.is_global and not address.is_multicast


def where(to: Place, resolve: Resolve) -> Address:
    """Looked up once: whoever answers for the name cannot say something else when we connect."""
    if to.is_here:
        return ip_address(to.host)
    found = resolve(to.host, to.port)
    if not found:
        raise CallFault(f"Not called: nobody knows where {to.host} is. Check the address.")
    if not all(is_public(one) for one in found):
        raise CallFault(f"Not called: {to.host} is inside a private network, where recipes do not call. Check the address.")
    return found[0]


def _asked(method: str, to: Place, body: Mapping[str, Any] | None, line: "_Line", seconds: float, resolve: Resolve) -> tuple[int, Any]:
    try:
        return within(seconds, line, lambda: _exchanged(line, request_to(method, to, where(to, resolve), body, seconds)))
    except httpx2.ConnectTimeout:
        raise CallFault(f"Not called: {to.host} did not pick up within {min(CONNECT, seconds):g} seconds. Try again in a minute.") from None
    except httpx2.ConnectError:
        raise CallFault(f"Not called: {to.host} is not reachable over a safe connection. Check the address, or try later.") from None
    except (Expired, httpx2.TimeoutException):
        raise _unknown(method, to, f"it gave no whole answer within {seconds:g} seconds") from None
    except TooLarge as large:
        raise _unknown(method, to, f"its answer cannot be taken: {large}") from None
    except httpx2.TransportError:
        raise _unknown(method, to, "it hung up before its answer was whole") from None
    except _Unusable as unusable:
        raise _unknown(method, to, str(unusable)) from None


def _unknown(method: str, to: Place, why: str) -> CallFault:
    if method == "GET":
        return CallFault(f"Nothing was learned from {to.host}: {why}. Try again in a minute.")
    return CallFault(f"Whether {to.host} did it is not known: {why}. {CHECK}", outcome_unknown=True)


class _Unusable(Exception):
    """Why an answer is none."""


class WithHeaders(httpx2.HTTPTransport):
    """Adds the headers that a wire would leave out."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__()
        self._headers = headers

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        for name, value in self._headers.items():
            request.headers[name] = value
        return super().handle_request(request)


class _Line(Wire):
    """One call: a connection of its own, no key of ours, none of the environment's proxies."""

    def __init__(self, key: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__("")
        if told := {**(headers or {}), **({"Idempotency-Key": key} if key else {})}:
            self._http = WithHeaders(told)


def request_to(method: str, to: Place, at: Address, body: Mapping[str, Any] | None, seconds: float) -> httpx2.Request:
    """To the number that was looked up, in the name of the host: its certificate has to be for that name."""
    content = None if body is None else json.dumps(body).encode()
    told = {"Content-Type": "application/json", "Content-Length": str(len(content))} if content is not None else {}
    default = 443 if to.scheme == "https" else 80
    host = to.host if to.port == default else f"{to.host}:{to.port}"
    number = f"[{at}]" if at.version == 6 else str(at)
    limits = {"connect": min(CONNECT, seconds), "read": seconds, "write": seconds, "pool": seconds}
    return httpx2.Request(
        method, f"{to.scheme}://{number}:{to.port}{to.path}", headers={"Host": host, "Accept": "application/json, text/plain", **told},
        content=content, extensions={"timeout": limits, "sni_hostname": to.host},
    )  # fmt: skip


def _exchanged(line: Wire, request: httpx2.Request) -> tuple[int, Any]:
    answer = line.handle_request(request)
    if 300 <= answer.status_code < 400:
        elsewhere = urlsplit(answer.headers.get("location", "")).hostname if _is_plain(answer.headers.get("location", "")) else None
        raise _Unusable(f"it points elsewhere{f', to {elsewhere}' if elsewhere else ''} ({answer.status_code}), and that is not followed")
    content = bytearray()
    for part in answer.iter_raw():
        content += part
        if len(content) > LARGEST:
            raise TooLarge(f"it is longer than {LARGEST // 1_000_000} MB")
    return answer.status_code, _read(bytes(content), answer.headers.get("content-type", ""))


def _is_plain(address: str) -> bool:
    return _ADDRESS.fullmatch(address) is not None


def _read(content: bytes, told: str) -> Any:
    """Values of JSON, or a text."""
    if not content:
        return ""
    said = Message()
    said["Content-Type"] = told or "application/octet-stream"
    kind = said.get_content_type()
    if kind == "text/plain":
        return kept(content.decode("utf-8", "replace"))
    if kind != "application/json" and not kind.endswith("+json"):
        raise _Unusable(f"it answered with {'a page' if kind == 'text/html' else shown(kind)}, not with data")
    try:
        return kept(json.loads(content, parse_constant=_no_number))
    except (ValueError, RecursionError):
        raise _Unusable("its answer is no whole JSON") from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")
