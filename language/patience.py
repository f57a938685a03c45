"""When to leave an endpoint alone: after failures in a row, as long as it asked for, and while enough calls are under way."""

import email.utils
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from language.call import Fault, Line

MOST_LINES = 64


class Patience:
    """What this process remembers of one line."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._state = threading.Condition()
        self._running = 0
        self._failures = 0  # in a row
        self._closed_until = 0.0
        self._probing = False
        self._busy_until = 0.0

    @contextmanager
    def turn(self, line: Line, seconds: float) -> Iterator[None]:
        """A place among the calls under way."""
        with self._state:
            if not self._state.wait_for(lambda: self._running < line.at_once, seconds):
                raise Fault("busy", f"{line.at_once} calls are under way and none ended within {seconds:.0f} seconds")
            self._running += 1
        try:
            yield
        finally:
            with self._state:
                self._running -= 1
                self._state.notify()

    @contextmanager
    def attempt(self, line: Line) -> Iterator[None]:
        """A call, unless so many before it failed that the endpoint is left alone. After the rest one call tries, the others wait for
        what becomes of it."""
        with self._state:
            probe = self._failures >= line.failures
            left = self._closed_until - self._clock()
            if probe and (left > 0 or self._probing):
                again = f"in {math.ceil(left)} seconds" if left > 0 else "now by another call"
                raise Fault("down", f"{self._failures} calls in a row failed, so it is left alone; it is tried again {again}")
            self._probing = self._probing or probe
        try:
            yield
        except Fault as fault:
            if fault.kind in ("down", "slow"):
                self._failed(line)
            else:
                self._answered()
            raise
        else:
            self._answered()
        finally:
            if probe:
                with self._state:
                    self._probing = False

    def _failed(self, line: Line) -> None:
        with self._state:
            self._failures += 1
            if self._failures >= line.failures:
                self._closed_until = self._clock() + line.rest

    def _answered(self) -> None:
        with self._state:
            self._failures = 0

    def asked_to_wait(self, seconds: float) -> None:
        with self._state:
            self._busy_until = max(self._busy_until, self._clock() + seconds)

    def still_to_wait(self) -> float:
        """Seconds that the server asked for, by whichever call."""
        with self._state:
            return max(0.0, self._busy_until - self._clock())


_known: OrderedDict[tuple[str, str], Patience] = OrderedDict()
_knowing = threading.Lock()


def of(line: Line) -> Patience:
    """The same for the same URL and key; a new key begins anew."""
    with _knowing:
        found = _known.pop((line.url, line.key), None) or Patience()
        _known[line.url, line.key] = found
        while len(_known) > MOST_LINES:
            _known.popitem(last=False)
        return found


def forget() -> None:
    """Begin anew with every line: somebody mended the endpoint, or a test starts."""
    with _knowing:
        _known.clear()


def asked(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """The seconds that a Retry-After asks for, as a number or as a date; None where it says nothing that makes sense."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if seconds >= 0:  # neither nan nor in the past
            return seconds
    try:
        until = email.utils.parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, until - (time.time() if now is None else now))
