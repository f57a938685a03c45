"""How a help desk is told something: a request was surely taken, surely not, or nobody can say. Nothing of what it answers is repeated."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import httpx

from data.errors import Refused
from data.intake.connectors import Account
from data.intake.connectors.asking import LONGEST_PAUSE, Desk, host_of

SECONDS = 10.0  # that a request may take; whoever waits for it holds a run
SLOWEST = 20.0  # for one whole answer, however steadily it drips
LARGEST = 10_000_000  # bytes of one answer
ALTOGETHER = 120.0  # of all that one act needs: whoever comes after a try that died comes later than that
PATIENCE, TRIES = 5.0, 3  # seconds that are waited for at once, and how often; what takes longer is told by a later task
AGAIN = 60.0  # seconds after which one is asked again that did not say when


class NotNow(Refused):
    """Nothing was taken; it may be asked for again in so many seconds."""

    def __init__(self, told: str, seconds: float = AGAIN) -> None:
        super().__init__(told)
        self.seconds = seconds


class NotKnown(Refused):
    """It may have been taken."""

    outcome_unknown = True


class NotThere(Refused):
    """404."""


class Opens(Protocol):
    """A connector's own way of asking: its address, and its key in the headers that it wants it in."""

    def __call__(
        self, account: Account, wait: Callable[[float], None], clock: Callable[[], float], tries: int = ...
    ) -> AbstractContextManager[Desk]: ...  # fmt: skip


@dataclass
class Line:
    """One help desk, as long as it is being told something."""

    desk: Desk
    account: Account
    seconds: float = SECONDS
    began: float = field(default_factory=time.monotonic)

    @property
    def name(self) -> str:
        return self.desk.name

    def get(self, path: str, params: dict[str, Any] | None = None) -> Any:
        return self._patiently("GET", path, again=True, params=params)

    def send(self, method: str, path: str, body: dict[str, Any], *, again: bool = False) -> Any:
        """`again`: that it is said twice does no harm, so an unknown outcome is no more than a reason to say it again."""
        return self._patiently(method, path, again=again, json=body)

    def unusable(self, what: str) -> Refused:
        return Refused(f"{host_of(self.desk.url)} does not answer as {self.name} does: {what} is missing. Check the address.")

    def _patiently(self, method: str, path: str, *, again: bool, **said: Any) -> Any:
        for tried in range(1, TRIES + 1):
            if time.monotonic() - self.began > ALTOGETHER:
                raise NotNow(f"{self.name} takes too long: {ALTOGETHER:,.0f} seconds were not enough.")
            try:
                return self._once(method, path, **said)
            except NotNow as later:
                if tried == TRIES or later.seconds > PATIENCE:
                    raise
                self.desk.wait(later.seconds)
            except NotKnown as unknown:
                if again:
                    raise NotNow(str(unknown)) from None
                raise
        raise AssertionError("at least one try is made")

    def _once(self, method: str, path: str, **said: Any) -> Any:
        try:
            with self.desk.client.stream(method, self.desk.url + path, timeout=self.seconds, **said) as answer:
                self._accept(answer)
                return self._read(answer)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise NotNow(f"{self.name} could not be reached at {host_of(self.desk.url)}.") from None
        except httpx.TimeoutException:
            raise NotKnown(f"{self.name} did not answer within {self.seconds:g} seconds.") from None
        except (httpx.TransportError, httpx.DecodingError) as error:  # its words may hold what was sent
            raise NotKnown(f"{self.name} hung up before its answer was whole ({type(error).__name__}).") from None

    def _accept(self, answer: httpx.Response) -> None:
        status = answer.status_code
        if status in (409, 425, 429) or (status == 503 and "Retry-After" in answer.headers):
            seconds = self._told_to_wait(answer.headers)
            raise NotNow(f"{self.name} asks us to wait for {seconds:,.0f} seconds.", seconds)
        if status >= 500 or status == 408:
            raise NotKnown(f"{self.name} answered with an error of its own ({status}).")
        if status in (401, 403):
            raise Refused(f"{self.name} does not let us do this ({status}). Check the key, and that it may write.")
        if status == 404:
            raise NotThere(f"{self.name} does not know what was asked for (404): the conversation may be gone over there.")
        if 300 <= status < 400:
            raise Refused(f"{self.name} sends us on elsewhere ({status}), and that is not followed. Check its address.")
        if not 200 <= status < 300:
            raise Refused(f"{self.name} did not take it ({status}). It may be closed over there; look at it.")

    def _read(self, answer: httpx.Response) -> Any:
        content, began = bytearray(), time.monotonic()
        for piece in answer.iter_bytes(65_536):
            content += piece
            if len(content) > LARGEST or time.monotonic() - began > SLOWEST:
                raise NotKnown(f"{self.name}'s answer was too long.")
        if not content.strip():
            return {}
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise NotKnown(f"{self.name} answered with no whole JSON.") from None

    def _told_to_wait(self, headers: httpx.Headers) -> float:
        told = headers.get("Retry-After", "").strip()
        try:
            plain = told.replace(".", "", 1).isdecimal()
            seconds = float(told) if plain else parsedate_to_datetime(told).astimezone(UTC).timestamp() - self.desk.clock()
        except (ValueError, OverflowError):
            return AGAIN
        return min(max(seconds, 0.1), LONGEST_PAUSE)


@contextmanager
def opened(
    opens: Opens, account: Account, *, seconds: float = SECONDS, wait: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> Iterator[Line]:  # fmt: skip
    with opens(account, wait, clock) as desk:
        yield Line(desk, account, seconds)
