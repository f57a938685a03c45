"""The watch over an agent: guardrails that look beside the model, and a door that opens once each of them said yes.

No verdict is a no. One that fails, comes late, says something else than yes or no, or never says anything stops what waits for it.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event, Lock, Thread
from time import perf_counter
from typing import Any

from automations.door import Did, Door, Wanted
from automations.guardrails.all import GUARDRAILS
from automations.guardrails.face import CAME, LEAVES, Guardrail, Looked, Verdict
from automations.guardrails.leaving import words
from data.errors import Refused

SECONDS = 5.0
LONGEST = 200_000  # characters; what is longer nobody has looked at


@dataclass(frozen=True)
class Said:
    """What one guardrail said of one thing: a span."""

    name: str
    passes: bool
    why: str = ""
    ms: float = 0.0
    moment: str = CAME
    began: float = field(default=0.0, compare=False)  # as time.perf_counter told it; 0: in another process


class Stopped(Refused):
    """A guardrail did not let it through; nothing was done."""

    def __init__(self, said: Sequence[Said]) -> None:
        self.said = tuple(said)
        told = [one for one in said if not one.passes]
        super().__init__(f"Not done: {told[0].why} ({told[0].name})" if told else "Not done: no guardrail said why.")


@dataclass
class _Open:
    """A guardrail that looks."""

    name: str
    moment: str
    began: float
    ready: Event = field(default_factory=Event)
    said: Said | None = None


class Watch:
    """Over one agent in one run. `chosen`: guardrails by name, with their settings."""

    def __init__(
        self, chosen: Mapping[str, Any], *, seconds: float = SECONDS, known: Mapping[str, Guardrail] = GUARDRAILS
    ) -> None:  # fmt: skip
        if unknown := sorted(set(chosen) - set(known)):
            raise Refused(f"Not begun: there is no guardrail '{unknown[0]}'. There are: {', '.join(known)}.")
        self._chosen = {name: settings if isinstance(settings, Mapping) else {} for name, settings in chosen.items()}
        self._seconds, self._known = seconds, known
        self._lock, self._open = Lock(), list[_Open]()
        self._against: list[Said] = []

    @property
    def against(self) -> list[Said]:
        """What was said against what came in this run. Nobody unreads it, so it stands until the run ends."""
        with self._lock:
            return list(self._against)

    def begin(self, at: Looked) -> None:
        """Have every guardrail look that looks at this moment, beside whatever is done meanwhile."""
        for name, settings in self._chosen.items():
            guardrail = self._known[name]
            if at.moment in guardrail.declaration.looks_at:
                self._start(name, guardrail, replace(at, settings=settings))

    def _start(self, name: str, guardrail: Guardrail, at: Looked) -> None:
        one = _Open(name, at.moment, perf_counter())
        with self._lock:
            self._open.append(one)
        try:
            Thread(target=_looks, args=(guardrail, at, one), name=f"guardrail {name}", daemon=True).start()
        except RuntimeError:  # no more threads: it is one that never answered
            one.said = _no(one, "could not begin to look")
            one.ready.set()

    def verdicts(self) -> list[Said]:
        """Of all that was begun and not collected yet, once each has spoken or its time is up."""
        with self._lock:
            waiting, self._open = self._open, []
        said = [self._collected(one) for one in waiting]
        with self._lock:
            self._against += [one for one in said if one.moment == CAME and not one.passes]
        return said

    def _collected(self, one: _Open) -> Said:
        one.ready.wait(max(0.0, one.began + self._seconds - perf_counter()))
        said = one.said
        if said is None:
            return _no(one, f"did not answer within {self._seconds:g} seconds")
        return (
            _no(one, f"answered after {said.ms / 1000:.1f} seconds, and has {self._seconds:g}") if said.ms > self._seconds * 1000 else said
        )

    def go_on_from(self, other: "Watch") -> None:
        """As the watch over the agent that is handed to: what the one before found, and what it has not said yet, still counts."""
        with other._lock:
            found, other._open, against = other._open, [], list(other._against)
        with self._lock:
            self._open += found
            self._against += against

    def let_through(self, at: Looked) -> list[Said]:
        """What is said of this, and of all that is still open."""
        self.begin(at)
        return self.verdicts()


def _looks(guardrail: Guardrail, at: Looked, one: _Open) -> None:
    """In a thread of its own. Whatever goes wrong in it is a no."""
    said = _no(one, "ended without an answer")
    try:
        said = _heard(guardrail.look(at), one) if len(words(at)) <= LONGEST else _no(one, f"looks at no more than {LONGEST:,} characters")
    except BaseException as fault:  # also an exit: it ends this thread and no other
        said = _no(one, f"failed ({type(fault).__name__})")
    finally:
        one.said = replace(said, ms=_ms(one), began=one.began)
        one.ready.set()


def _heard(verdict: Any, one: _Open) -> Said:
    if not isinstance(verdict, Verdict) or not isinstance(verdict.passes, bool) or not isinstance(verdict.why, str):
        return _no(one, "said neither yes nor no")
    return Said(one.name, verdict.passes, "" if verdict.passes else verdict.why or f"'{one.name}' says no.", 0.0, one.moment)


def _no(one: _Open, what: str) -> Said:
    return Said(
        one.name, False, f"The guardrail '{one.name}' {what}, and no verdict is a no. A person goes on.", _ms(one), one.moment, one.began
    )


def _ms(one: _Open) -> float:
    return round((perf_counter() - one.began) * 1000, 1)


@dataclass
class Guarded:
    """A door that opens once every guardrail said yes: of all that came, and of exactly what is wanted."""

    door: Door
    watch: Watch
    looked_of: Callable[[Wanted], Looked]
    said: list[Said] = field(default_factory=list)  # in the order in which it was collected

    def before(self, name: str) -> Did | None:
        return self.door.before(name)

    def act(self, wanted: Wanted) -> Did:
        """What was looked at is what is done: a copy, which nobody else holds."""
        wanted = copy.deepcopy(wanted)
        looked = replace(self.looked_of(wanted), moment=LEAVES, wanted=copy.deepcopy(wanted))
        said = self.watch.let_through(looked)
        self.said += said
        if against := [one for one in (*self.watch.against, *said) if not one.passes]:
            raise Stopped(against)
        return self.door.act(wanted)


def guarded(door: Door, watch: Watch, looked_of: Callable[[Wanted], Looked]) -> Guarded:
    return Guarded(door, watch, looked_of)
