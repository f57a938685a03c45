"""What a chart shows, said in a sentence: its title."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from data.amounts import Amount
from data.trends import Stage
from portal.quality_figures import FEW, Figure


def trend(one: Figure, against: str) -> str:
    """The measure in these days, and how it stands to the days before where both are told."""
    if not one.now.n:
        return f"{one.measure.title}: nothing to tell in these days"
    sure = f" ({one.sure})" if one.sure else ""
    told = f"{one.measure.title}: {one.told}{sure}"
    if one.few:
        return f"{told}; fewer than {FEW}, too few to say"
    if not one.change:
        return told
    if one.moved == "few":
        return f"{told}; {one.change}"
    return f"{told}; against {against} {one.change}"


def multiples(title: str, figures: Mapping[str, Amount], names: Mapping[str, str]) -> str:
    """Which part is highest and which lowest, of those that say something."""
    told = {names.get(key, "no intent yet"): one.value for key, one in figures.items() if one.n >= FEW and one.value is not None and key}
    if len(told) < 2:
        return f"{title} by intent"
    highest, lowest = max(told, key=lambda name: told[name]), min(told, key=lambda name: told[name])
    return f"{title} by intent: highest with {highest}, lowest with {lowest}"


def funnel(stages: Sequence[Stage]) -> str:
    """Where most are lost, of those that got there."""
    if not stages or not stages[0].amount.n:
        return "Nothing arrived in these days"
    if not stages[1].amount.n:
        return "No machine looked at what arrived"
    lost = [(before.amount.n - after.amount.n, before, after) for before, after in pairwise(stages)]
    most, before, after = max(lost, key=lambda one: one[0])
    if not most:
        return "Everything that arrived was answered and resolved"
    first = "arrived" if before is stages[0] else before.measure.title.lower()
    return f"{stages[-1].amount.n:,} of {stages[0].amount.n:,} end accepted and resolved; most are lost between {first} and {_to(after)}"


def _to(stage: Stage) -> str:
    return stage.measure.title.lower()
