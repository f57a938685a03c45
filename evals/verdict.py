"""What a comparison showed, in words that need no statistics, and for engineers how it is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from data.errors import Refused
from evals import power, statistics
from evals.power import MOST, SURE
from evals.statistics import Customers, Difference

MARGIN = 0.02  # "no worse": at most two points could be lost
FEWEST_CASES = 20  # a slice of fewer is an anecdote, however it came out
FEWEST_CHANGED = 6  # customers: five that all change the same way are chance in 6 of 100 slices, so no verdict could come of them

Said = Literal["better", "worse", "no_worse", "cannot_tell"]


@dataclass(frozen=True)
class Verdict:
    found: Difference
    p: float  # adjusted for as many questions as were asked at once
    verdict: Said
    more_needed: int | None  # above MOST: more than anybody has
    sentence: str
    how: str

    def columns(self) -> dict[str, float | int | str | None]:
        """As a comparison is kept."""
        one = self.found
        return {
            "cases": one.n, "fixed": one.fixed, "broken": one.broken, "difference": one.difference, "low": one.low, "high": one.high,
            "p": self.p, "verdict": self.verdict, "more_needed": self.more_needed, "sentence": self.sentence,
        }  # fmt: skip


def of_passes(candidate: Sequence[bool], live: Sequence[bool], customers: Customers | None = None) -> Difference:
    """What changed by a grader that passes or fails, over the cases that both answered."""
    _same_cases(len(candidate), len(live))
    return statistics.pass_fail(candidate, live, customers)


def of_scores(candidate: Sequence[float], live: Sequence[float], customers: Customers | None = None) -> Difference:
    """What changed by a grader that scores from 0 to 1."""
    _same_cases(len(candidate), len(live))
    return statistics.scored(candidate, live, customers)


def _same_cases(one: int, other: int) -> None:
    if one != other:
        raise ValueError(f"{one} and {other} answers are not answers to the same cases")
    if not one:
        raise Refused("Not compared: the two runs share no case. Run both on the same frozen set.")


def judge(found: Difference, *, margin: float = MARGIN) -> Verdict:
    """One grader's verdict."""
    return _judge(found, found.p, 1, margin)


def judge_all(found: Mapping[str, Difference], *, margin: float = MARGIN) -> dict[str, Verdict]:
    """Several graders, or slices, asked at once: the more of them, the surer each has to be (Holm).

    "No worse" is not adjusted: who asks that all be no worse is not misled more often by asking for more.
    """
    adjusted = statistics.holm({name: one.p for name, one in found.items()})
    return {name: _judge(one, adjusted[name], len(found), margin) for name, one in found.items()}


def by_slice(
    candidate: Sequence[bool],
    live: Sequence[bool],
    slices: Mapping[str, Sequence[int]],
    customers: Customers | None = None,
    *,
    margin: float = MARGIN,
) -> dict[str, Verdict]:
    """Each slice (its name -> the places of its cases) where there is enough to tell by; of the others it says that there is not.

    How much changed does not say which way, so leaving out where little did makes no other slice look surer than it is.
    """
    found = {}
    for name, places in slices.items():
        whose = [customers[place] for place in places] if customers else None
        if places:
            found[name] = of_passes([candidate[place] for place in places], [live[place] for place in places], whose)
    judged = judge_all({name: one for name, one in found.items() if _enough(one, margin)}, margin=margin)
    return {name: judged.get(name) or _too_few(one) for name, one in found.items()}


def _enough(found: Difference, margin: float) -> bool:
    return found.n >= FEWEST_CASES and (found.changed_clusters >= FEWEST_CHANGED or found.low > -margin)


def _too_few(found: Difference) -> Verdict:
    sentence = f"Cannot tell: {counted(found)}; too few to tell."
    how = f"Not judged: a slice needs at least {FEWEST_CASES} cases, and {FEWEST_CHANGED} customers whose cases changed."
    return Verdict(found, 1.0, "cannot_tell", None, sentence, how)


def _judge(found: Difference, p: float, asked: int, margin: float) -> Verdict:
    said = _decide(p < SURE, found.difference > 0, found.low > -margin)
    more = _more(found, SURE * found.p / p) if said == "cannot_tell" else None
    return Verdict(found, p, said, more, _sentence(said, found, more, margin), how_we_know(found, p, asked))


def _decide(sure: bool, gained: bool, hardly_lost: bool) -> Said:
    if sure:
        return "better" if gained else "worse"
    return "no_worse" if hardly_lost else "cannot_tell"


def _more(found: Difference, sure: float) -> int | None:
    if found.kind == "scores":
        return power.more_needed_scores(found.difference, found.error, found.n, sure=sure)
    return power.more_needed(found.fixed, found.broken, found.n, found.size_of_a_change, sure=sure)


def _sentence(said: Said, found: Difference, more: int | None, margin: float) -> str:
    if said in ("better", "worse"):
        return f"{said.capitalize()}: {counted(found)}."
    if said == "no_worse":
        allowed = "" if margin == MARGIN else f"; a loss of {margin * 100:g} points was allowed"
        return f"No worse: {counted(found)}{allowed}."
    if more is None:
        return f"Cannot tell: {counted(found)}; these cases show no difference."
    return f"Cannot tell: {counted(found)}; {'more than' if more > MOST else 'about'} {min(more, MOST):,} more cases would decide."


def counted(found: Difference) -> str:
    up, down = ("fixed", "broken") if found.kind == "passes" else ("higher", "lower")
    reach = f"{points(found.low)} to {points(found.high)}"
    return f"{found.fixed:,} {up}, {found.broken:,} {down} of {found.n:,}, {points(found.difference)} points ({reach})"


def points(difference: float) -> str:
    """A difference of shares in whole points, with its sign; no minus before nothing."""
    return f"{round(difference * 100):+d}" if round(difference * 100) else "0"


def how_we_know(found: Difference, p: float, asked: int = 1) -> str:
    """One paragraph for engineers."""
    return " ".join([_cases(found), _test(found), *([_adjusted(p, asked)] if asked > 1 else []), _interval(found)])


def _cases(found: Difference) -> str:
    if found.clusters == found.n:
        cases = f"{found.n:,} cases, and each counts as one of another customer" if found.n > 1 else "one case"
        return f"Both versions answered the same {cases}."
    return (
        f"Both versions answered the same {found.n:,} cases of {found.clusters:,} {'customer' if found.clusters == 1 else 'customers'}. "
        f"Cases of one customer are alike: these tell as much as {found.n / found.design_effect:,.0f} of different customers would "
        f"(design effect {found.design_effect:.1f})."
    )


def _test(found: Difference) -> str:
    if found.kind == "scores":
        return f"Studentised bootstrap of the customers, {statistics.DRAWS:,} draws: p = {chance(found.p)}."
    if found.clusters == found.n:
        return f"McNemar's exact test on the {found.fixed + found.broken:,} cases that changed: p = {chance(found.p)}."
    return f"Exact sign-flip test on the {found.changed_clusters:,} customers whose cases changed on balance: p = {chance(found.p)}."


def _adjusted(p: float, asked: int) -> str:
    return f"{asked} questions were asked at once, so by Holm p = {chance(p)}."


def _interval(found: Difference) -> str:
    kind = "of the same bootstrap" if found.kind == "scores" else "by Tango's score method"
    return f"95 % interval of the difference {kind}: {found.low * 100:+.1f} to {found.high * 100:+.1f} points."


def chance(p: float) -> str:
    return "1" if p >= 0.9995 else f"{p:.3f}" if p >= 0.001 else f"{p:.1g}"
