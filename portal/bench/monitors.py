"""How often monitors cry for nothing, and how soon they see a fall. On made-up traffic: weekdays, weekends that are worse, customers who
differ, of whom some write much more than others, and again within days."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from evals import alarms
from evals.alarms import CHANGE, RATIO, SHARE, THRESHOLD, WEEK, Day, Finding, Rule, Standing

START = date(2026, 1, 5)  # a Monday
WEEKDAYS = (1.2, 1.15, 1.1, 1.1, 1.05, 0.75, 0.65)
WORSE = (0.0, 0.0, 0.0, 0.0, 0.0, 0.06, 0.06)  # weekends
ALIKE, MESSAGES, AGAIN = 6.0, 1.6, 3  # how far customers differ (beta); conversations in one go; the days that these fall into
BEFORE, QUARTER = 70, 90  # days that a monitor has seen when it begins, and those on which it is watched itself
BETTER, FALL, SOON, NEVER = 0.8, 0.1, 3, 61


def made_up(seed: int, days: int, per_day: float, share: float = BETTER, *, fall: float = 0.0, from_day: int = 0,
            until_day: int | None = None) -> list[Day]:  # fmt: skip
    """Days of one measure that is a share: what a monitor gets to see."""
    draw = np.random.default_rng(seed)
    customers = max(50, int(per_day * 20))
    weight = draw.pareto(1.8, customers) + 0.2
    inclined = draw.beta(share * ALIKE, (1 - share) * ALIKE, customers)
    inclined += share + np.mean(WORSE) - inclined @ (weight / weight.sum())  # so that the share is what it is called
    which = np.arange(days) % 7
    begun = draw.poisson(per_day * np.array(WEEKDAYS)[which] / MESSAGES)
    who = draw.choice(customers, begun.sum(), p=weight / weight.sum())
    many = draw.geometric(1 / MESSAGES, len(who))
    on = np.repeat(np.repeat(np.arange(days), begun), many)
    first = np.zeros(len(on), dtype=bool)
    first[np.cumsum(many) - many] = True
    on = np.where(first, on, on + draw.integers(0, AGAIN, len(on)))
    fell = (on >= from_day) & (on < (days if until_day is None else until_day))
    chance = inclined[np.repeat(who, many)] - np.array(WORSE)[on % 7] - fall * fell
    good = draw.random(len(on)) < chance
    n, k = (np.bincount(some, minlength=days)[:days] for some in (on, on[good]))
    return [Day(START + timedelta(days=place), int(n[place]), float(n[place]), float(k[place]), float(k[place])) for place in range(days)]


def told(days: Sequence[Day], rule: Rule, *, first: int, many: int = QUARTER) -> list[tuple[int, Finding]]:
    """The alarms that a monitor tells when it looks each day: on which day, counted as the days are, and what."""
    standing: Standing | None = None
    trouble: list[tuple[date, date]] = []
    found: list[tuple[int, Finding]] = []
    for place in range(first, min(first + many, len(days))):
        one = alarms.look(days[max(0, place - 119) : place + 1], rule, last=days[place].day, standing=standing, without=trouble)
        if standing is None and one.state == "alarm":
            standing = Standing(one.since, one.until, one.sign, one.value or 0.0, one.baseline)
            found.append((place, one))
        elif standing is not None and one.state == "calm":
            trouble.append((standing.since, one.since - timedelta(days=1)))
            standing = None
    return found


RULES = {
    "change": Rule(CHANGE, SHARE, "down", 0.03, 0.015),
    "change over weeks": Rule(CHANGE, SHARE, "down", 0.03, 0.015, window=WEEK),
    "ratio": Rule(RATIO, SHARE, "down", 0.1, 0.05),
    "threshold 3 points below": Rule(THRESHOLD, SHARE, "down", BETTER - 0.03, BETTER - 0.03, window=WEEK),
}


def run(simulations: int = 200) -> dict[str, Any]:
    found: dict[str, Any] = {"simulations": simulations}
    for per_day in (200, 20):
        still = [made_up(seed, BEFORE + QUARTER, per_day) for seed in range(simulations)]
        for name, rule in RULES.items():
            counts = [len(told(days, rule, first=BEFORE)) for days in still]
            found[f"{per_day} a day, nothing happens, {name}: alarms a quarter"] = float(np.mean(counts))
        for share in (0.8, 0.7, 0.5):
            found |= _falls(simulations, per_day, share)
    return found | _falls(simulations, 20, 0.8, "change over weeks", soon=28)


def _falls(simulations: int, per_day: int, share: float, rule_name: str = "change", soon: int = 7) -> dict[str, Any]:
    """Ten points less from one day on, for two months."""
    rule, days_until, again = RULES[rule_name], [], []
    for seed in range(simulations):
        days = made_up(10_000 + seed, BEFORE + 61, per_day, share, fall=FALL, from_day=BEFORE)
        seen = [place - BEFORE + 1 for place, _ in told(days, rule, first=BEFORE, many=60)]
        days_until.append(seen[0] if seen else NEVER)
        again.append(max(0, len(seen) - 1))
    what = f"{per_day} a day, {share * 100:.0f} % falls by 10 points, {rule_name}"
    return {
        f"{what}: seen within {SOON} days": float(np.mean(np.array(days_until) <= SOON)),
        f"{what}: within {soon} days": float(np.mean(np.array(days_until) <= soon)),
        f"{what}: days until seen, median (61: not in two months)": float(np.median(days_until)),
        f"{what}: told again in two months": float(np.mean(again)),
    }
