"""Values that several nouns carry in the same columns: ids, times, Target, Subject, Mode."""

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

LIVE, SHADOW, RUN = "live", "shadow", "run"  # Mode: only live rows count in measures

_clock = threading.Lock()
_last_ms = 0
_counter = 0


class _Drawn:
    """Ids of a made-up world: the same in each build of it, so that who falls into which sample is the same too."""

    def __init__(self, begins: datetime, rng: random.Random) -> None:
        self._ms, self._rng, self._made = int(begins.timestamp() * 1000), rng, 0

    def next(self) -> str:
        self._made += 1
        return _as_text(self._ms + (self._made >> 12), self._made & 0xFFF, self._rng.getrandbits(62))


_drawn: ContextVar[_Drawn | None] = ContextVar("drawn", default=None)


@contextmanager
def drawn_ids(begins: datetime, seed: int) -> Iterator[None]:
    """Within this block of this thread ids are drawn, not found; for the demo alone. `begins` is earlier than any id that follows."""
    token = _drawn.set(_Drawn(begins, random.Random(seed)))
    try:
        yield
    finally:
        _drawn.reset(token)


def new_id(at: datetime | None = None) -> str:
    """A UUIDv7 as text: it sorts by time, and within one millisecond by order of creation."""
    global _last_ms, _counter
    if at is None and (drawn := _drawn.get()):
        return drawn.next()
    ms = int(at.timestamp() * 1000) if at else time.time_ns() // 1_000_000
    with _clock:
        _counter = _counter + 1 if ms == _last_ms else 0
        _last_ms = ms
        counter = _counter & 0xFFF
    return _as_text(ms, counter, int.from_bytes(os.urandom(8)) >> 2)


def _as_text(ms: int, counter: int, rest: int) -> str:
    bits = (ms & ((1 << 48) - 1)) << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | rest
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Target:
    """What was run, graded or released: one version of one named thing."""

    kind: str
    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.name} {self.number}"

    def columns(self) -> dict[str, Any]:
        return {"target_kind": self.kind, "target_name": self.name, "target_number": self.number}


@dataclass(frozen=True)
class Subject:
    """A conversation as far as it had been seen: up to and with message `seq`."""

    conversation_id: str
    seq: int
