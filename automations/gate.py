"""What a version of a recipe has to show before it may be proposed: that it is whole, a backtest that is young enough, few breaches, and
the eval sets that were made for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from automations import backtest, checking, growing, mandates, measuring, recipes
from automations.connectors import connecting
from automations.outside import sources
from automations.recipe import Recipe
from automations.running import Steps
from automations.steps import hand_over
from data import access, versions
from data.errors import Refused
from data.measures import Share, percent
from data.tables import Person
from data.values import Target, now
from evals import candidates, sets
from evals.candidates import Evidence
from evals.graders.face import Graders

PURPOSE = "automation"
AGE = timedelta(days=30)  # of a backtest
FEWEST = 20  # conversations that it has something for, before it moves money without anybody
MOST_BREACHES = 0.02  # of the conversations that it is for
AGREES = 0.8  # with people about the money, at least; the lower end of what is likely
LOW, HIGH = "low", "high"


@dataclass(frozen=True)
class Shown:
    """What is known of a version, and what speaks against proposing it."""

    stake: str
    backtest: backtest.Looked | None
    measured: Evidence | None
    against: tuple[str, ...]
    grown: str = ""  # whether another agent helped, where one was added from failing cases

    @property
    def sentence(self) -> str:
        told = [str(self.backtest.told["sentence"])] if self.backtest else []
        more = [*([self.measured.sentence] if self.measured else []), *([self.grown] if self.grown else [])]
        return " ".join([*told, *more]) or "It was not tried on the past yet."


def stake_of(recipe: Recipe, steps: Steps) -> str:
    """High where it moves money, sends something or calls another program."""
    return HIGH if any(steps[step].declaration.stake == HIGH for _, _, step in recipe.uses() if step in steps) else LOW


def shown(target: Target, *, steps: Steps, known: Graders, by: Person, at: datetime | None = None) -> Shown:
    access.require(by, "automation.read")
    recipe = recipes.read(versions.get(target))
    faults = checking.faults(recipe, sources.offered(connecting.offered(recipes.declared(steps))))
    looked = backtest.newest(target, by=by)
    measured, why_not = _measured(target, known, by)
    against = [
        *([f"It has {len(faults):,} {'fault' if len(faults) == 1 else 'faults'}: {faults[0]}"] if faults else []),
        *_by_policy(recipe, steps), *_against(looked, recipe, at or now()), *([why_not] if why_not else []),
    ]  # fmt: skip
    return Shown(stake_of(recipe, steps), looked, measured, tuple(against), growing.sentence_of(target, by=by))


def _by_policy(recipe: Recipe, steps: Steps) -> list[str]:
    """One that only hands over is a person's way to the conversation, so nothing speaks against it."""
    changing = {name for name, step in steps.items() if step.declaration.changes} - {hand_over.declaration.name}
    why = mandates.against(recipe.trigger.intent) if any(step in changing for _, _, step in recipe.uses()) else ""
    return [why] if why else []


def _against(looked: backtest.Looked | None, recipe: Recipe, at: datetime) -> Sequence[str]:
    if looked is None:
        return ["This version was not backtested yet. Open Backtest and start one."]
    if looked.at < at - AGE:
        return [f"Its backtest is {(at - looked.at).days:,} days old. Start another."]
    return _of_figures(looked.told, recipe)


def _of_figures(told: dict[str, Any] | Any, recipe: Recipe) -> list[str]:
    found = []
    eligible, breaches, agrees = int(told["eligible"]), int(told["breaches"]), Share(*told["agrees"])
    if breaches > MOST_BREACHES * max(eligible, 1):
        found.append(
            f"A limit or the shop had to stop it in {breaches:,} of {eligible:,} conversations, and in {percent(MOST_BREACHES)} at most it "
            "may. Look at them under Backtest."
        )  # fmt: skip
    if recipe.alone.money and agrees.n < FEWEST:
        found.append(
            f"It moves money without asking, and was seen on {agrees.n:,} conversations that it has something for; {FEWEST} are asked for."
        )
    elif recipe.alone.money and agrees.interval[0] < AGREES:
        found.append(
            f"It agrees with people about the money in {percent(agrees.value)}, in {agrees.interval[0] * 100:.0f}\u00a0% at least, and "
            f"{percent(AGREES)} are asked for where it moves money without asking."
        )  # fmt: skip
    return found


def _measured(target: Target, known: Graders, by: Person) -> tuple[Evidence | None, str]:
    """On the sets that were made for this recipe; why not, where that is not known or not good enough."""
    measured_on = sets.measured_on(PURPOSE, target.name)
    if not measured_on:
        return None, ""
    try:
        found = candidates.evidence(target, measured_on, known=known, by=by)
    except Refused as not_yet:
        return None, str(not_yet)
    return found, found.stops() or ""


def evaluate(target: Target, ask: measuring.Asking, *, known: Graders, by: Person, at: datetime | None = None, **progress: Any) -> Evidence:
    """Run it, and what is live, on the sets that were made for it."""
    access.require(by, "automation.draft")
    measured_on = sets.measured_on(PURPOSE, target.name)
    if not measured_on:
        raise Refused(f"Not run: no eval set was made for '{target.name}' and frozen yet.")
    candidates.evaluate(target, measured_on, ask, known=known, by=by, at=at, **progress)
    return candidates.evidence(target, measured_on, known=known, by=by)
