"""The gate: whether a candidate may be proposed, rule by rule. It looks nothing up: the same measurements give the same answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from data.measures import Share, percent
from evals.power import SURE
from evals.statistics import flip_test

FEWEST_CASES = 20
ENOUGH = "enough cases"
REGRESSION, CAPABILITY = "regression", "capability"


@dataclass(frozen=True)
class Slice:
    name: str  # such as "channel: chat"
    verdict: str  # better, worse, no_worse, cannot_tell
    difference: float
    cases: int
    fixed: int
    broken: int


@dataclass(frozen=True)
class Measured:
    """How a candidate did on one frozen set, beside what is live where something is."""

    name: str
    number: int
    kind: str
    bar: float
    margin: float
    passed: Share
    verdict: str | None = None  # None: nothing is live
    difference: float = 0.0
    fixed: int = 0
    broken: int = 0
    more_needed: int | None = None
    slices: Sequence[Slice] = ()
    unchecked: Sequence[str] = ()  # what keeps its graders from gating, a clause each

    def __str__(self) -> str:
        return f"'{self.name}' {self.number}"


@dataclass(frozen=True)
class Rules:
    """What a kind of target must meet."""

    fewest_cases: int = FEWEST_CASES
    protected: tuple[str, ...] = ("channel", "language")  # slices that nobody may be made worse off in
    must_be_better: bool = False


@dataclass(frozen=True)
class Rule:
    """One rule and how it was met, with its numbers."""

    name: str
    met: bool
    told: str
    opens: str = ""  # what would open it


@dataclass(frozen=True)
class Decision:
    rules: tuple[Rule, ...]

    @property
    def is_open(self) -> bool:
        return bool(self.rules) and all(rule.met for rule in self.rules)

    @property
    def only_needs_cases(self) -> bool:
        """Nothing speaks against it but that too little was tested: it may run beside what is live, where it harms nobody."""
        unmet = [rule for rule in self.rules if not rule.met]
        return bool(unmet) and all(rule.name == ENOUGH for rule in unmet)

    @property
    def sentence(self) -> str:
        """Why not, with the numbers, and what to do; empty when it is open."""
        return " ".join(f"{rule.told[:1].upper()}{rule.told[1:]}. {rule.opens}" for rule in self.rules if not rule.met)

    def as_evidence(self) -> list[dict[str, object]]:
        """What would open a rule stands only beside one that is not met."""
        return [vars(rule) | ({"opens": ""} if rule.met else {}) for rule in self.rules]


def decide(measured: Sequence[Measured], rules: Rules | None = None) -> Decision:
    """Open when every rule is met on every set. Nothing measured is no yes."""
    agreed = rules or Rules()
    if not measured:
        return Decision((Rule("measured", False, "it was measured on no set", "Freeze an eval set and run both versions on it."),))
    found = [rule for one in measured for rule in _of_set(one, agreed)]
    return Decision((*found, *_overall(measured, agreed)))


def _of_set(one: Measured, rules: Rules) -> list[Rule]:
    found = [_enough(one, rules), _checked(one)]
    if one.kind == REGRESSION:
        found.append(_bar(one))
        found += [_no_regression(one)] if one.verdict else []
        found += [_slice(one, part) for part in one.slices if part.name.split(":")[0] in rules.protected]
    return found


def _enough(one: Measured, rules: Rules) -> Rule:
    told = f"{one} has {one.passed.n:,} cases, at least {rules.fewest_cases} are needed"
    return Rule(ENOUGH, one.passed.n >= rules.fewest_cases, told, f"Flag {rules.fewest_cases - one.passed.n} more and freeze the set.")


def _checked(one: Measured) -> Rule:
    told = (
        f"on {one} graders judge that people did not confirm: {'; '.join(one.unchecked)}"
        if one.unchecked
        else f"the graders of {one} may gate"
    )
    return Rule(
        "graders checked",
        not one.unchecked,
        told,
        "Judge outputs on the Graders page, or use graders for which a person writes what is right.",
    )


def _bar(one: Measured) -> Rule:
    missing = ceil(round(one.bar * one.passed.n, 6)) - one.passed.k
    told = f"it passes {percent(one.passed.value)} of {one} ({one.passed.k:,} of {one.passed.n:,}), the bar is {percent(one.bar)}"
    return Rule("bar", one.passed.value >= one.bar, told, f"{missing:,} more {'case' if missing == 1 else 'cases'} would have to pass.")


def _no_regression(one: Measured) -> Rule:
    told = f"on {one} it is worse than what is live: {one.broken} cases break, {one.fixed} are fixed"
    if one.verdict != "worse":
        told = f"on {one} it is not shown to be worse than what is live: {one.fixed} fixed, {one.broken} broken"
    return Rule("no regression", one.verdict != "worse", told, "Look at the broken cases first.")


def _slice(one: Measured, part: Slice) -> Rule:
    worse = part.verdict == "worse" and part.difference < -one.margin
    told = f"in '{part.name}' of {one} {part.broken} cases break and {part.fixed} are fixed, of {part.cases}"
    return Rule("protected slice", not worse, told, f"At most {percent(one.margin)} may be lost there: look at those cases.")


def _overall(measured: Sequence[Measured], rules: Rules) -> list[Rule]:
    compared = [one for one in measured if one.verdict]
    if not compared:
        return []
    found = [_not_worse_in_all(compared)] if len(compared) > 1 else []
    if rules.must_be_better:
        better = any(one.verdict == "better" for one in compared)
        more = min((one.more_needed for one in compared if one.more_needed), default=None)
        opens = f"About {more:,} more cases would decide." if more else "These cases show no difference."
        told = f"it is {'shown' if better else 'not shown'} to be better than what is live"
        found.append(Rule("better", better, told, opens))
    return found


def _not_worse_in_all(compared: Sequence[Measured]) -> Rule:
    """A little worse on each set may be plainly worse on all of them together."""
    fixed, broken = sum(one.fixed for one in compared), sum(one.broken for one in compared)
    by_chance = flip_test(np.array([1.0] * fixed + [-1.0] * broken))
    told = f"over all {len(compared)} sets {fixed} cases are fixed and {broken} break"
    return Rule("not worse in all", fixed >= broken or by_chance >= SURE, told, "Look at the broken cases first.")
