"""How many requests a program may send: a bucket each, filled by the minute. Kept in memory; a restart forgives."""

import threading
import time
from dataclasses import dataclass


@dataclass
class _Bucket:
    left: float
    seen: float


class Pace:
    def __init__(self, a_minute: int) -> None:
        self.a_minute = a_minute
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def wait(self, who: str, *, clock: float | None = None) -> int:
        """0: go on. Otherwise the seconds to wait, which are told in Retry-After."""
        moment = time.monotonic() if clock is None else clock
        with self._lock:
            bucket = self._buckets.setdefault(who, _Bucket(self.a_minute, moment))
            bucket.left = min(self.a_minute, bucket.left + (moment - bucket.seen) * self.a_minute / 60)
            bucket.seen = moment
            if bucket.left >= 1:
                bucket.left -= 1
                return 0
            if len(self._buckets) > 10_000:
                self._buckets.clear()
            return max(1, round((1 - bucket.left) * 60 / self.a_minute))
