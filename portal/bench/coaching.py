"""How often coaching names somebody of a team in which all are alike, and how often it finds the one who is not."""

from typing import Any

import numpy as np

from data import coaching
from data.amounts import Amount
from data.coaching import Counted

CRITERIA = {"strong": 0.75, "rated": 0.8, "solved": 0.85, "polite": 0.95, "clear": 0.85, "consistent": 0.85}  # how many are good
MARKED = ("solved", "polite", "clear", "consistent")  # on a sample
INTENTS = 12
HARDER = 0.12  # how far intents differ among each other, one standard deviation
OFF = 0.2  # points that the planted one is below the others in one criterion


def run(*, simulations: int = 500, people: int = 6, reviews: int = 160, seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    quiet = [named(team(random, people, reviews)) for _ in range(simulations)]
    planted = [named(team(random, people, reviews, off=OFF)) for _ in range(simulations)]
    wrong, found = sum(bool(one) for one in quiet), sum(("strong", "p0") in one for one in planted)
    beside = sum(bool(one - {("strong", "p0")}) for one in planted)
    return {
        "all alike: teams with anybody named": _share(wrong, simulations),
        f"one {OFF * 100:.0f} points below in one criterion: found": _share(found, simulations),
        "... and somebody else named beside": _share(beside, simulations),
        "a team": f"{people} people, {reviews} reviews of each in twelve weeks, {len(CRITERIA)} criteria, {INTENTS} intents in other mixes",
    }


def team(random: np.random.Generator, people: int, reviews: int, *, off: float = 0.0) -> dict[str, dict[str, dict[str, Counted]]]:
    """What is counted of a team. Everybody takes intents in a mix of their own, and intents are hard or easy."""
    mixes = random.dirichlet(np.full(INTENTS, 1.5), size=people)
    made: dict[str, dict[str, dict[str, Counted]]] = {}
    for criterion, usual in CRITERIA.items():
        of_intent = np.clip(usual + random.normal(0, HARDER, INTENTS), 0.03, 0.99)
        size = reviews // 4 if criterion in MARKED else reviews
        for place in range(people):
            below = off if (criterion, place) == ("strong", 0) else 0.0
            n = random.multinomial(size, mixes[place])
            good = random.binomial(n, np.clip(of_intent - below, 0.01, 0.99))
            counted = {f"i{intent}": Counted(int(n[intent]), int(good[intent])) for intent in range(INTENTS) if n[intent]}
            made.setdefault(criterion, {})[f"p{place}"] = counted
    return made


def named(counts: dict[str, dict[str, dict[str, Counted]]]) -> set[tuple[str, str]]:
    """Whom the page would name, and in what."""
    found = dict(coaching.compared(counts))
    critical = coaching.critical_for(len(found))
    return {key for key, told in found.items() if told.z > critical}


def _share(count: int, of: int) -> str:
    low, high = Amount(n=of, weight=of, sum=count).interval or (0.0, 1.0)
    return f"{count} of {of} ({count / of:.1%}, {low:.1%} to {high:.1%})"
