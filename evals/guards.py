"""Whether a release harms, from what it did since it began beside what the version before did: keep it, roll it back, or wait.

Somebody looks every minute, so an ordinary 5 % test would sooner or later roll back nearly everything. Here each guard is a bet against
"it is no worse than allowed" (a mixture of sequential probability ratio tests; Wald 1945, Robbins 1970): its odds grow where it is worse,
and where it is not the chance that they ever reach 1 to c, however often one looks, is at most c (Ville 1939). The odds depend on counts
alone, so nothing is remembered between two looks. Group-sequential bounds would decide a little sooner, but only at looks fixed in advance.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, exp, log
from typing import Literal

from data.measures import Share

NOBODY = Share(0, 0)
BETS = (1.4, 2.0, 3.5, 8.0)  # how many times as bad as allowed it may be: one of these is near to whatever it is


@dataclass(frozen=True)
class Window:
    """What a version did, counted. Two versions have to be counted alike: the same traffic, reviews drawn in the same way."""

    items: int
    errors: int = 0
    silent: int = 0
    labels: Mapping[str, int] = field(default_factory=dict)  # label -> how often it was said; the silent ones are no label
    agreed: Share = NOBODY  # of its answers that a person reviewed, those that the person gave too
    slow: int | None = None  # answers that took longer than they may; None: nobody measured


@dataclass(frozen=True)
class Limits:
    """What is allowed on top of the version before: less than that is no harm."""

    errors: float = 0.003  # of all items
    silent: float = 0.15  # of how often it was silent before
    label: float = 0.08  # one label's share of what is said
    disagreed: float = 0.02  # of what people reviewed
    slow: float = 0.03
    items: int = 200  # with so many it is decided
    reviews: int = 30  # with fewer agreement is not looked at
    wrongly: float = 0.05  # so often at most a release that does no harm is rolled back, over all guards and looks


@dataclass(frozen=True)
class Verdict:
    act: Literal["keep", "roll_back", "wait"]
    reasons: list[str]


@dataclass(frozen=True)
class _Guard:
    now: Share
    before: Share
    allowed: float  # on top of what was seen before
    told: str
    part: float = 1.0  # of the chance to be wrong that all guards of one kind share


def judge(window: Window, before: Window, limits: Limits | None = None) -> Verdict:
    """Look as often as you like. To keep it is no promise for later: what is counted on may still roll it back."""
    limits = limits or Limits()
    guards = _guards(window, before, limits)
    kinds = 5 if window.slow is not None else 4
    harms = [_harm(guard) for guard in guards if _odds(guard) * guard.part >= kinds / limits.wrongly]
    if harms:
        return Verdict("roll_back", harms)
    if window.items < limits.items:
        return Verdict(
            "wait", [f"Wait: {window.items:,} of {limits.items:,} conversations are in, and nothing of them speaks against it so far."]
        )
    return Verdict("keep", [f"Keep: in {window.items:,} conversations nothing is worse than allowed.", *_not_yet(window, before, limits)])


def _guards(window: Window, before: Window, limits: Limits) -> list[_Guard]:
    """What is compared. A version before that did nothing is one without errors; of all else nothing can be told then."""
    guards = [_Guard(Share(window.errors, window.items), Share(before.errors, before.items), limits.errors, "it failed in")]
    if not before.items:
        return guards
    was_silent = Share(before.silent, before.items)
    guards.append(_Guard(Share(window.silent, window.items), was_silent, limits.silent * was_silent.value, "it kept silent in"))
    said, said_before = sum(window.labels.values()), sum(before.labels.values())
    if said_before:
        for label, count in sorted(window.labels.items()):
            share_before = Share(before.labels.get(label, 0), said_before)
            guards.append(_Guard(Share(count, said), share_before, limits.label, f"it said '{label}' in", 1 / len(window.labels)))
    if min(window.agreed.n, before.agreed.n) >= limits.reviews:
        now, then = (Share(one.n - one.k, one.n) for one in (window.agreed, before.agreed))
        guards.append(_Guard(now, then, limits.disagreed, "people saw it differently in"))
    if window.slow is not None and before.slow is not None:
        guards.append(_Guard(Share(window.slow, window.items), Share(before.slow, before.items), limits.slow, "it was too slow in"))
    return guards


def _bar(guard: _Guard) -> float:
    """The largest share that is no harm: what was seen before and the allowance, or what before may well have been, if few tell of it."""
    most = guard.before.interval[1] if guard.before.n else 0.0
    return min(max(guard.before.value + guard.allowed, most, 1e-3), 1.0)


def _odds(guard: _Guard) -> float:
    """That it is worse than the bar, against that it is not: a mean over how much worse it may be."""
    bar, (k, n) = _bar(guard), (guard.now.k, guard.now.n)
    if bar >= 1.0 or k <= bar * n:
        return 0.0
    worse = [min(bar * times, (1 + bar) / 2) for times in BETS]
    logs = [k * log(one / bar) + (n - k) * log((1 - one) / (1 - bar)) for one in worse]
    return sum(exp(min(one, 700.0)) for one in logs) / len(logs)


def _harm(guard: _Guard) -> str:
    now, then = guard.now, guard.before
    was = f"the version before in {then.k:,} of {then.n:,} ({_share(then.value)})" if then.n else "there is no version before to go by"
    return f"Roll back: {guard.told} {now.k:,} of {now.n:,} ({_share(now.value)}), {was}; up to {_share(_bar(guard))} would be no harm."


def _share(value: float) -> str:
    return f"{ceil(value * 1000 - 0.5) / 10:g}\u00a0%"


def _not_yet(window: Window, before: Window, limits: Limits) -> list[str]:
    """What could not be looked at."""
    told = []
    if not before.items:
        told.append("There is no version before to compare with: only errors were looked at.")
    if (fewest := min(window.agreed.n, before.agreed.n)) < limits.reviews:
        told.append(f"Whether people agree with it is not known yet: {fewest:,} of {limits.reviews} reviews are there.")
    return told
