"""Harmful releases are rolled back and harmless ones are not, looked at again and again over a day; a repeated 5 % test fails at that."""

from dataclasses import dataclass, replace
from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest

from data.measures import Share
from evals import guards
from evals.guards import Limits, Verdict, Window, judge
from tests.conftest import SOAK

SETS = 300 if SOAK else 30
DAY, EVERY = 2_000, 25  # conversations, and so many come between two looks
LABELS = 12
SHARES = (1 / np.arange(1, LABELS + 1)) / (1 / np.arange(1, LABELS + 1)).sum()
SWALLOWED = SHARES * 0.6 + np.eye(LABELS)[4] * 0.4


@dataclass(frozen=True)
class Kind:
    errors: float = 0.002
    silent: float = 0.12
    right: float = 0.9
    shares: tuple[float, ...] = tuple(SHARES)


BEFORE = Kind()
HARMFUL = {
    "15 points less often right": Kind(right=0.75),
    "twice as often silent": Kind(silent=0.24),
    "one label swallows others": Kind(shares=tuple(SWALLOWED)),
    "5 % errors": Kind(errors=0.05),
}
HARMLESS = {
    "the same": BEFORE,
    "better": Kind(errors=0.0, silent=0.09, right=0.93),
    "a little of everything": Kind(errors=0.003, silent=0.125, right=0.895, shares=tuple(SHARES * 0.97 + np.eye(LABELS)[3] * 0.03)),
}


def labelled_stream(kind: Kind, items: int, random: np.random.Generator, *, every: int) -> list[Window]:
    """What was counted down to each look, every answer looked at by a person."""
    failed = random.random(items) < kind.errors
    silent = ~failed & (random.random(items) < kind.silent)
    said = ~failed & ~silent
    agreed = said & (random.random(items) < kind.right)
    label = random.choice(LABELS, items, p=kind.shares)
    counted = np.column_stack([failed, silent, agreed, said, np.eye(LABELS, dtype=bool)[label] & said[:, None]])
    return [
        Window(n, f, s, {f"label {place}": c for place, c in enumerate(row) if c}, Share(a, m))
        for n in range(every, items + 1, every)
        for f, s, a, m, *row in [counted[:n].sum(axis=0).tolist()]
    ]


def day_of(kind: Kind, seed: int) -> tuple[Window, list[Window]]:
    random = np.random.default_rng(seed)
    before = labelled_stream(BEFORE, 3_000, random, every=3_000)[-1]
    return before, labelled_stream(kind, DAY, random, every=EVERY)


def rolled_back_after(kind: Kind, seed: int) -> int | None:
    """After so many items; None where it is never."""
    before, looks = day_of(kind, seed)
    return next((window.items for window in looks if judge(window, before).act == "roll_back"), None)


@pytest.mark.parametrize("name", HARMFUL)
def test_a_harmful_release_is_rolled_back(name: str) -> None:
    after = [rolled_back_after(HARMFUL[name], seed) for seed in range(SETS)]
    assert sum(one is not None for one in after) >= 0.95 * SETS
    assert float(np.median([one or DAY for one in after])) <= 200


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_release_stays(name: str) -> None:
    assert sum(rolled_back_after(HARMLESS[name], seed) is not None for seed in range(SETS)) <= 0.05 * SETS


def naive(window: Window, before: Window) -> bool:
    """Worse at 5 %, by the test of every textbook."""
    pairs = (
        (Share(window.errors, window.items), Share(before.errors, before.items)),
        (Share(window.silent, window.items), Share(before.silent, before.items)),
        (Share(window.agreed.n - window.agreed.k, window.agreed.n), Share(before.agreed.n - before.agreed.k, before.agreed.n)),
    )
    for now, then in pairs:
        both = (now.k + then.k) / (now.n + then.n)
        error = sqrt(both * (1 - both) * (1 / now.n + 1 / then.n))
        if error and (now.value - then.value) / error > NormalDist().inv_cdf(0.95):
            return True
    return False


def test_a_repeated_test_rolls_harmless_releases_back() -> None:
    """The control: 5 % at each look is about every second release over a day."""
    alarms = 0
    for seed in range(SETS):
        before, looks = day_of(BEFORE, seed)
        alarms += any(naive(window, before) for window in looks)
    assert alarms > 0.3 * SETS


def test_looking_at_every_item_does_not_make_it_roll_back_more() -> None:
    """The bound itself: a share exactly at the bar reaches odds of 1 to 5 % in at most 5 of 100 streams, looked at after every item."""
    guard = guards._Guard(Share(0, 0), Share(100, 1_000), 0.05, "")
    bar = guards._bar(guard)
    reached = 0
    for seed in range(SETS):
        counts = np.cumsum(np.random.default_rng(seed).random(1_000) < bar).tolist()
        reached += any(guards._odds(replace(guard, now=Share(k, n))) >= 1 / 0.05 for n, k in enumerate(counts, start=1))
    assert reached / SETS <= 0.05 + 3 * sqrt(0.05 * 0.95 / SETS)


def test_a_version_before_of_which_little_is_known_is_no_reason_to_roll_back() -> None:
    """In 40 conversations it was never silent: that is no proof that it never would be."""
    before = Window(40, labels={"refund": 40})
    assert judge(Window(300, silent=20, labels={"refund": 280}), before).act == "keep"
    assert judge(Window(300, silent=20, labels={"refund": 280}), Window(4_000, labels={"refund": 4_000})).act == "roll_back"


GOOD = Window(5_000, 5, 500, {"refund": 2_495, "parcel": 2_000}, Share(270, 300))


def test_the_reason_says_the_numbers() -> None:
    found = judge(Window(120, 11, 12, {"refund": 57, "parcel": 40}), GOOD)
    assert found == Verdict(
        "roll_back",
        [
            "Roll back: it failed in 11 of 120 (9.2\u00a0%), the version before in 5 of 5,000 (0.1\u00a0%); "
            "up to 0.4\u00a0% would be no harm."
        ],
    )


def test_every_harm_is_told() -> None:
    found = judge(Window(400, 60, 200, {"refund": 10, "parcel": 130}, Share(20, 60)), GOOD)
    assert [reason.split(" in ")[0].removeprefix("Roll back: ") for reason in found.reasons] == [
        "it failed", "it kept silent", "it said 'parcel'", "people saw it differently",
    ]  # fmt: skip


def test_it_waits_until_it_can_be_decided_and_then_decides() -> None:
    few = judge(Window(199, 0, 20, {"refund": 100, "parcel": 79}), GOOD)
    assert few == Verdict("wait", ["Wait: 199 of 200 conversations are in, and nothing of them speaks against it so far."])
    enough = judge(Window(200, 0, 20, {"refund": 100, "parcel": 80}, Share(20, 20)), GOOD)
    assert enough.act == "keep"
    assert enough.reasons[1] == "Whether people agree with it is not known yet: 20 of 30 reviews are there."


def test_agreement_counts_from_thirty_reviews_on() -> None:
    window = Window(300, 0, 30, {"refund": 150, "parcel": 120}, Share(4, 29))
    assert judge(window, GOOD).act == "keep"
    assert judge(replace(window, agreed=Share(4, 30)), GOOD).act == "roll_back"


def test_an_immediate_disaster_needs_no_two_hundred() -> None:
    assert judge(Window(4, 4), GOOD).act == "roll_back"


def test_the_first_release_is_held_to_its_errors_alone() -> None:
    assert judge(Window(200, 0, 190, {"refund": 10}), Window(0)).act == "keep"
    assert "no version before" in " ".join(judge(Window(200), Window(0)).reasons)
    assert judge(Window(100, 20), Window(0)).act == "roll_back"


def test_nothing_came_yet() -> None:
    assert judge(Window(0), GOOD).act == "wait"


def test_slow_answers_are_looked_at_where_they_are_measured() -> None:
    before, slow = replace(GOOD, slow=50), Window(200, 0, 20, {"refund": 100, "parcel": 80}, slow=60)
    assert judge(slow, before).act == "roll_back"
    assert judge(slow, GOOD).act == judge(replace(slow, slow=None), before).act == "keep"


def test_the_limits_are_the_callers() -> None:
    window = Window(300, 0, 90, {"refund": 120, "parcel": 90})
    assert judge(window, GOOD).act == "roll_back"
    assert judge(window, GOOD, Limits(silent=3.0)).act == "keep"
