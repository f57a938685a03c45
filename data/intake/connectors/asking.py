"""How help desks are asked: over https, with time-outs and few tries, within their limits, and telling nobody what was sent or answered."""

import json
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx

from data.errors import Refused
from data.intake.canonical import CanonicalConversation

LARGEST = 50_000_000  # bytes of one answer, unpacked
TRIES = 4
LONGEST_WAIT = 30.0  # seconds a pull waits by itself; longer, and the place is free for others meanwhile
LONGEST_PAUSE = 86_400.0
SLOWEST = 120.0  # seconds for one whole answer, however steadily it drips
MOST = 25  # conversations a page
STUCK_AFTER = 3  # pulls in which the same conversation could not be fetched although others could


@dataclass(frozen=True)
class Account:
    """Where a help desk is, and as whom it is asked."""

    url: str
    account: str  # an e-mail address or an account's number; may be empty
    secret: str = field(repr=False)
    source: str


@dataclass(frozen=True)
class Page:
    """Some conversations, and how far that is. Both are committed together."""

    conversations: list[CanonicalConversation | str]
    position: dict[str, Any]
    more: bool


class TryLater(Refused):
    """Nothing is lost: the same question is asked again in so many seconds."""

    def __init__(self, told: str, seconds: float) -> None:
        super().__init__(told)
        self.seconds = seconds


class Failing(TryLater):
    """One question was answered badly each time it was asked; others may well be answered."""

    def __init__(self, why: str, seconds: float) -> None:
        super().__init__(f"{why} Nothing is lost: it is asked again later.", seconds)
        self.why = why


class TooMuch(Refused):
    """An answer larger than we take."""


class NotThere(Refused):
    """404."""


class _Again(Exception):
    """Worth another try, after so many seconds if it said so."""

    def __init__(self, told: str, seconds: float | None = None, *, limited: bool = False) -> None:
        super().__init__(told)
        self.seconds, self.limited = seconds, limited


@dataclass
class Desk:
    """One help desk, as long as it is being asked."""

    name: str
    url: str
    client: httpx.Client = field(repr=False)
    wait: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    tries: int = TRIES
    not_before: float = 0.0
    asked: deque[float] = field(default_factory=deque)

    def get(self, path: str, params: dict[str, Any] | None = None, *, per_minute: int = 0) -> dict[str, Any]:
        return self._ask("GET", path, params=params, per_minute=per_minute)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._ask("POST", path, json=body)

    def _ask(self, method: str, path: str, *, per_minute: int = 0, **said: Any) -> dict[str, Any]:
        for tried in range(1, self.tries + 1):
            self._keep_pace(per_minute)
            try:
                return self._once(method, path, **said)
            except _Again as again:
                patience = 2.0**tried * random.uniform(0.5, 1)
                seconds = patience if again.seconds is None else min(max(again.seconds, 0.1), LONGEST_PAUSE)
                if again.limited and (seconds > LONGEST_WAIT or tried == self.tries):
                    raise TryLater(f"{self.name} asks us to wait: it is asked again in {seconds:.0f} seconds.", seconds) from None
                if seconds > LONGEST_WAIT or tried == self.tries:
                    told = f"{self.name} {again}, {tried} times in a row." if tried > 1 else f"{self.name} {again}."
                    raise Failing(told, max(seconds, 60.0)) from None
                self.wait(seconds)
        raise AssertionError("at least one try is made")

    def _keep_pace(self, per_minute: int) -> None:
        """Wait as its last answer asked us to, and no more than so many questions a minute where it says so beforehand."""
        pause = self.not_before - self.clock()
        if pause > LONGEST_WAIT:
            raise TryLater(f"{self.name}'s limit is used up: it is asked again in {pause:.0f} seconds.", min(pause, LONGEST_PAUSE))
        if pause > 0:
            self.wait(pause)
        if not per_minute:
            return
        while self.asked and self.asked[0] <= self.clock() - 60:
            self.asked.popleft()
        if len(self.asked) >= per_minute:
            self.wait(max(0.0, self.asked.popleft() + 60 - self.clock()))
        self.asked.append(self.clock())

    def _once(self, method: str, path: str, **said: Any) -> dict[str, Any]:
        try:
            with self.client.stream(method, self.url + path, **said) as answer:
                self._note_limit(answer.headers)
                self._accept(answer)
                return self._read(answer)
        except httpx.TimeoutException:
            raise _Again("did not answer in time") from None
        except (httpx.TransportError, httpx.DecodingError) as error:  # its words may hold what was sent
            raise _Again(f"could not be reached at {host_of(self.url)} ({type(error).__name__})") from None

    def _accept(self, answer: httpx.Response) -> None:
        status = answer.status_code
        if status == 429 or (status == 503 and "Retry-After" in answer.headers):
            raise _Again("asks us to wait", self._told_to_wait(answer.headers), limited=True)
        if status >= 500 or status == 408:
            raise _Again(f"answered with an error of its own ({status})")
        if status in (401, 403):
            raise Refused(
                f"Nothing more was fetched: {self.name} does not accept the key ({status}). "
                "Check the key, and that it may read conversations."
            )
        if status == 404:
            raise NotThere(f"Nothing was fetched: {host_of(self.url)} has no such page (404). Check {self.name}'s address and account.")
        if 300 <= status < 400:
            elsewhere = host_of(answer.headers.get("Location", ""))
            onward = f"sends us on to {elsewhere}" if elsewhere else "sends us on elsewhere"
            raise Refused(f"Nothing was fetched: {host_of(self.url)} {onward}. Enter the address that {self.name} itself answers at.")
        if status != 200:
            raise Refused(f"Nothing more was fetched: {self.name} did not take our question ({status}). Check its address and account.")
        if "json" not in answer.headers.get("Content-Type", ""):
            raise Refused(f"Nothing was fetched: {host_of(self.url)} answered with a page, not with data. Check {self.name}'s address.")

    def _read(self, answer: httpx.Response) -> dict[str, Any]:
        content, began = bytearray(), time.monotonic()
        for piece in answer.iter_bytes(65_536):
            content += piece
            if len(content) > LARGEST:
                raise TooMuch(f"{self.name} answered one question with more than {LARGEST // 1_000_000} MB.")
            if time.monotonic() - began > SLOWEST:
                raise _Again("did not finish its answer in time")
        try:
            told = json.loads(content)
        except (ValueError, RecursionError):
            raise _Again("broke off its answer") from None
        if not isinstance(told, dict):
            raise Refused(f"Nothing was fetched: {host_of(self.url)} does not answer as {self.name} does. Check the address.")
        return told

    def _note_limit(self, headers: httpx.Headers) -> None:
        """A tenth of the limit is left to the others who ask the same account."""
        left, limit, reset = (_number(headers, name) for name in ("remaining", "limit", "reset"))
        if left is None or reset is None or left > (limit or 0) // 10:
            return
        self.not_before = min(reset if reset > 1e9 else self.clock() + reset, self.clock() + LONGEST_PAUSE)

    def _told_to_wait(self, headers: httpx.Headers) -> float | None:
        told = headers.get("Retry-After", "").strip()
        try:
            return (
                float(told)
                if told.replace(".", "", 1).isdecimal()
                else parsedate_to_datetime(told).astimezone(UTC).timestamp() - self.clock()
            )
        except (ValueError, OverflowError):
            return max(self.not_before - self.clock(), 0.0) or None


def _number(headers: httpx.Headers, name: str) -> float | None:
    """Zendesk says ratelimit-remaining, Intercom X-RateLimit-Remaining."""
    told = headers.get(f"ratelimit-{name}") or headers.get(f"x-ratelimit-{name}") or headers.get(f"x-rate-limit-{name}") or ""
    return float(told) if told.isdecimal() and len(told) < 16 else None


@contextmanager
def desk(
    name: str,
    account: Account,
    headers: dict[str, str],
    *,
    wait: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
    tries: int = TRIES,
    timeout: float = 30.0,
) -> Iterator[Desk]:
    url = address(account.url, name)
    if not account.secret or not account.secret.isascii() or not account.secret.isprintable():
        raise Refused(f"{name} was not asked: its key is missing, or is no key. Copy it again.")
    told = {"Accept": "application/json", "User-Agent": "support-portal"} | headers
    # a proxy of the environment is used, but not for what runs on this machine
    encrypted, here = url.startswith("https:"), _here(url)
    with httpx.Client(headers=told, timeout=timeout, follow_redirects=False, trust_env=not here, verify=encrypted) as client:
        yield Desk(name, url, client, wait, clock, tries)


def address(told: str, name: str) -> str:
    """The help desk's address without a path, or what is wrong with it."""
    told = told.strip()
    try:
        parts = urlsplit(told if "://" in told else f"https://{told}")
        port, host = parts.port, parts.hostname
    except ValueError:
        parts, port, host = urlsplit(""), None, None
    if not host or parts.scheme not in ("http", "https") or parts.username or parts.query or parts.fragment or not host.isprintable():
        raise Refused(f"{name} was not asked: its address must look like https://example.com, without a key or a question in it.")
    at = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}"
    if parts.scheme == "http" and not _here(at):
        raise Refused(f"{name} was not asked: {host} would be asked without encryption. Enter its address with https://.")
    return at


def host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _here(url: str) -> bool:
    host = host_of(url)
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


Listed = tuple[str, Any, dict[str, Any]]  # an id, a stamp that changes with the conversation, and what the list said of it


def in_pages(
    listed: list[Listed],
    fetch: Callable[[dict[str, Any]], CanonicalConversation | str | None],
    before: dict[str, Any],
    after: dict[str, Any],
    *,
    more: bool,
    noun: str = "conversation",
    keep: Callable[[str, Any], bool] = lambda _key, _stamp: False,
) -> Iterator[Page]:
    """What a list names, fetched one by one. `had` says which are done, so that a pull that was cut off repeats none of them.

    A conversation that cannot be fetched is told and left out, but only after some pulls: until then it holds up the rest,
    since what fails today mostly works tomorrow.
    """
    had, stuck = dict(before.get("had", {})), dict(before.get("stuck", {}))
    waiting = [(key, stamp, item) for key, stamp, item in listed if key not in had or had[key] != stamp]
    page: list[CanonicalConversation | str] = []

    def so_far() -> dict[str, Any]:
        return before | {"had": dict(had), "stuck": dict(stuck)}

    for place, (key, stamp, item) in enumerate(waiting, start=1):
        try:
            found = fetch(item)
        except NotThere:
            found = None  # deleted between the list and now
        except TooMuch as error:
            found = f"{noun} {key}: {error}"
        except Failing as error:
            stuck[key] = stuck.get(key, 0) + 1
            if stuck[key] < STUCK_AFTER:
                yield Page(page, so_far(), True)
                raise
            found = f"{noun} {key}: left out, since it could not be fetched in {STUCK_AFTER} pulls: {error.why}"
        except Refused:
            yield Page(page, so_far(), True)  # what was fetched until then is kept
            raise
        had[key] = stamp
        stuck.pop(key, None)
        if found is not None:
            page.append(found)
        if place % MOST == 0 and place < len(waiting):
            yield Page(page, so_far(), True)
            page = []
    kept = {key: stamp for key, stamp in had.items() if keep(key, stamp)}  # what a later list may name again
    done = after | ({"had": kept} if kept else {}) | ({"stuck": stuck} if stuck else {})
    if page or not more or done != before:
        yield Page(page, done, more)
