"""How many requests a program may send: so many in any minute, each token for itself. Kept in memory; a restart forgives."""

import threading
import time
from collections import deque
from math import ceil

MINUTE = 60.0


class Pace:
    def __init__(self, a_minute: int) -> None:
        self.a_minute = a_minute
        self._taken: dict[str, deque[float]] = {}  # of each program the last that were taken, the oldest first
        self._lock = threading.Lock()

    def wait(self, who: str, *, clock: float | None = None) -> int:
        """0: go on. Otherwise the seconds to wait, which are told in Retry-After. What has to wait does not count."""
        moment = time.monotonic() if clock is None else clock
        with self._lock:
            taken = self._taken.setdefault(who, deque(maxlen=self.a_minute))
            if len(taken) == self.a_minute and (left := taken[0] + MINUTE - moment) > 0:
                return ceil(left)
            taken.append(moment)  # a full one drops its oldest
            return 0
