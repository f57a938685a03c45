"""How many requests a program may send: so many in any minute, each token for itself. Kept in memory; a restart forgives."""

import threading
import time
from collections import deque
from math import ceil

MINUTE = 60.0
CROWD = 10_000  # so many are remembered before those who are idle are forgotten: on a public page anybody comes


class Pace:
    def __init__(self, a_minute: int) -> None:
        self.a_minute = a_minute
        self._taken: dict[str, deque[float]] = {}  # of each program the last that were taken, the oldest first
        self._lock = threading.Lock()
        self._crowd = CROWD

    def wait(self, who: str, *, clock: float | None = None) -> int:
        """0: go on. Otherwise the seconds to wait, which are told in Retry-After. What has to wait does not count."""
        moment = time.monotonic() if clock is None else clock
        with self._lock:
            if len(self._taken) >= self._crowd:
                self._forget_the_idle(moment)
            taken = self._taken.setdefault(who, deque(maxlen=self.a_minute))
            if len(taken) == self.a_minute and (left := taken[0] + MINUTE - moment) > 0:
                return ceil(left)
            taken.append(moment)  # a full one drops its oldest
            return 0

    def _forget_the_idle(self, moment: float) -> None:
        """Whose last request no longer counts. The next look is later the more are left."""
        self._taken = {who: taken for who, taken in self._taken.items() if taken and taken[-1] + MINUTE > moment}
        self._crowd = max(CROWD, 2 * len(self._taken))
