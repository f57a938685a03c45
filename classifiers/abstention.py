"""From which confidence on a classifier answers: chosen on checked rows so that the precision somebody asked for is a promise.

Thresholds are tried from strict to lax, each by the exact binomial test (Clopper and Pearson), and the first that fails ends the row
(Learn then Test, fixed sequence), so trying many costs nothing. A row that starts too strict has too few rows to pass, one that starts too
lax fails at once: with some rows two rows of tests start at two places, with many three at three, and share the chance of being wrong.

Which thresholds are tried depends on the confidences alone, never on what was right. Then the promise holds for rows like the checked ones
wherever an answer of more confidence is not less often right; where that fails a little, simulation shows it to hold too.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil, floor, inf, log, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data.errors import Refused
from data.measures import Share, percent
from evals.power import binomial

Floats = NDArray[np.float64]
Rights = NDArray[np.bool_]
Groups = Sequence[Hashable | None]

NEVER = float(np.nextafter(1.0, 2.0))  # a threshold that no confidence reaches
SURE = 0.95
HALF = 0.5  # a suggestion is worth showing where it is right at least every other time
STEPS = 25  # thresholds in a row of tests over all rows: with more, one of them fails by chance sooner
MANY = 15  # times the rows that can promise anything: from then on three rows of tests find more than one
STARTS = (0.1, 0.25, 0.5)
SOME, TWO_STARTS = 3, (0.1, 0.5)  # times too: two are better than one, which fails at a first mistake
GAPS = (0.0, 0.1, 0.2)  # how far apart the two likeliest labels have to be
MOST = 100_000  # nobody checks more than so many

Decision = Literal["answers", "names both", "asks", "silent"]


@dataclass(frozen=True)
class Threshold:
    """It answers where the best label's confidence is at least the value, and the second best at least the gap below it."""

    value: float
    promised: bool
    precision: float
    answered: Share  # of the checked rows
    right: Share  # of those answered
    more_needed: int | None  # checked rows, about; None where it is promised, or where more would not help
    sentence: str
    gap: float = 0.0


@dataclass(frozen=True)
class _Tried:
    """One threshold, and what it let through."""

    value: float
    rows: int
    right: int
    passes: bool


def fit(
    confidence: Floats,
    was_right: Rights,
    *,
    precision: float,
    sure: float = SURE,
    groups: Groups | None = None,
    second: Floats | None = None,
    gaps: Sequence[float] = GAPS,
) -> Threshold:
    """The threshold that answers most, of those for which the precision is promised on these held-out rows.

    Groups are customers: their rows are alike, so one row of each counts, drawn whatever was right, and the promise is about customers.
    Second is the confidence of the second best label; with it the two have to be apart by the one of the gaps that answers most. Few rows
    are not enough to choose by: then the first gap stands.
    """
    if not 0 < precision < 1:
        raise Refused(f"Not chosen: to be right {percent(precision)} of the time cannot be promised. Ask for 1 to 99\u00a0%.")
    counted = one_of_each(groups) if groups is not None else np.arange(len(confidence))
    best, right = np.asarray(confidence, dtype=float)[counted], np.asarray(was_right, dtype=bool)[counted]
    gaps = (0.0,) if second is None else gaps if len(best) >= MANY * needed(precision, sure) else gaps[:1]
    apart = best - np.asarray(second, dtype=float)[counted] if second is not None else np.ones(len(best))
    wrong = (1 - sure) / len(gaps)
    tried = {gap: _try(best[apart >= gap], right[apart >= gap], precision, wrong) for gap in gaps}
    said = partial(_threshold, n=len(best), precision=precision, sure=sure)
    return max((said(tests, gap, wrong) for gap, tests in tried.items()), key=lambda one: (one.answered.k, -one.gap))


def one_of_each(groups: Groups) -> NDArray[np.intp]:
    """The place of one row of each customer; a row without one is a customer of its own."""
    order = np.random.default_rng(len(groups)).permutation(len(groups))
    chosen: dict[Hashable, int] = {}
    for place in order.tolist():
        chosen.setdefault(place if (group := groups[place]) is None else (group,), place)
    return np.array(sorted(chosen.values()), dtype=np.intp)


def needed(precision: float, sure: float = SURE) -> int:
    """So many rows without a mistake are the fewest that can promise it."""
    return ceil(log(1 - sure) / log(precision) - 1e-9)


def _try(confidence: Floats, was_right: Rights, precision: float, wrong: float) -> list[_Tried]:
    """Every threshold that was tested, with whether it may be promised."""
    n, order = len(confidence), np.argsort(-confidence, kind="stable")
    falling, right = confidence[order], np.cumsum(was_right[order])
    fewest = needed(precision, 1 - wrong)
    starts = STARTS if n >= MANY * fewest else TWO_STARTS if n >= SOME * fewest else STARTS[:1]
    fewest = needed(precision, 1 - wrong / len(starts))
    tried = []
    for start in sorted({max(fewest, floor(start * n)) for start in starts}):
        passes = True
        for rows in _counts(falling, start):
            passes = passes and tail(int(right[rows - 1]), rows, precision) <= wrong / len(starts)
            tried.append(_Tried(float(falling[rows - 1]), rows, int(right[rows - 1]), passes))
    return tried


def _counts(falling: Floats, start: int) -> list[int]:
    """How many rows each threshold lets through, from so many on; equal confidences are let through together."""
    n = len(falling)
    if start > n:
        return []
    places = np.unique(np.linspace(start, n, max(2, ceil(STEPS * (n - start) / n) + 1)).round().astype(int))
    counts: list[int] = np.unique(np.searchsorted(-falling, -falling[places - 1], side="right")).tolist()
    return counts


def tail(right: int, rows: int, precision: float) -> float:
    """How likely at least so many are right where the precision is just not reached."""
    return float(binomial(rows, precision, np.arange(right, rows + 1)).sum())


def _threshold(tried: list[_Tried], gap: float, wrong: float, *, n: int, precision: float, sure: float) -> Threshold:
    held = max((one for one in tried if one.passes), key=lambda one: one.rows, default=None)
    if held is None:
        more, why = _not_yet(tried, n, precision, wrong)
        told = f"Be right {percent(precision)} of the time: that cannot be promised yet. {why}"
        return Threshold(NEVER, False, precision, Share(0, n), Share(0, 0), more, told, gap)
    apart = f" and the next intent is at least {gap * 100:.0f} points behind" if gap else ""
    told = (
        f"Be right {percent(precision)} of the time: it answers where it is at least {_down(held.value)} confident{apart}, in "
        f"{held.rows:,} of {n:,} checked conversations, and was right in {held.right:,} of them. That it stays at {percent(precision)} "
        f"or above is {_down(sure)} sure."
    )
    return Threshold(held.value, True, precision, Share(held.rows, n), Share(held.right, held.rows), None, told, gap)


def _down(share: float) -> str:
    """Rounded down: it is never surer than it says."""
    return f"{floor(share * 1000 + 1e-9) / 10:g}\u00a0%"


def _not_yet(tried: list[_Tried], n: int, precision: float, wrong: float) -> tuple[int | None, str]:
    """How many more checked rows would do, about, and why."""
    fewest = needed(precision, 1 - wrong)
    if n < fewest:
        short = fewest - n
        few = f"With {n:,} checked conversations not even no mistake is enough: at least {fewest:,} without a mistake are needed."
        return short, f"{few} Check {short:,} more; until then it keeps silent."
    best = max(tried, key=lambda one: _margin(one.right, one.rows, precision), default=None)
    if best is None:
        return fewest, f"Too few of the {n:,} checked conversations are clear enough. Check {fewest:,} more; until then it keeps silent."
    seen = f"Of the {best.rows:,} it is surest of it was right in {best.right:,}"
    over = (best.right + 0.5) / (best.rows + 1) - precision
    enough = NormalDist().inv_cdf(1 - wrong) ** 2 * precision * (1 - precision) / over**2 if over > 0 else inf
    more = max((max(enough, fewest) / best.rows - 1) * n, fewest * 0.2, 10)
    if more > MOST:
        return None, f"{seen}: more of the same would not help. Correct doubtful labels, add examples, or ask for less than that."
    tens = ceil(more / 10) * 10
    return tens, f"{seen}, which is too few to be sure. Check about {tens:,} more; until then it keeps silent."


def _margin(right: int, rows: int, precision: float) -> float:
    """How far above the precision, in standard errors."""
    return (right - rows * precision) / sqrt(rows * precision * (1 - precision))


# -- by label ---------------------------------------------------------------------------------------------------------------------------


def fit_by_label(
    labels: Sequence[str],
    confidence: Floats,
    was_right: Rights,
    *,
    precision: float | Mapping[str, float],
    sure: float = SURE,
    groups: Groups | None = None,
) -> dict[str, Threshold]:
    """For each label that is guessed its own threshold; that all these promises hold together is as sure as one alone would be.

    The chance of being wrong is shared among the labels that have rows enough to be promised anything.
    """
    guessed = np.asarray(labels, dtype=object)
    rows = {label: np.nonzero(guessed == label)[0] for label in sorted(set(labels))}
    if groups is not None:
        rows = {label: places[one_of_each([groups[place] for place in places.tolist()])] for label, places in rows.items()}
    wanted = {label: precision if isinstance(precision, float) else precision[label] for label in rows}
    each = 1 - (1 - sure) / _sharers([(len(places), wanted[label]) for label, places in rows.items()], sure)
    best, right = np.asarray(confidence, dtype=float), np.asarray(was_right, dtype=bool)
    return {label: fit(best[places], right[places], precision=wanted[label], sure=each) for label, places in rows.items()}


def _sharers(labels: list[tuple[int, float]], sure: float) -> int:
    """The most labels that can share the chance of being wrong and each still have rows enough. It counts rows, not what was right."""
    for sharers in range(len(labels), 1, -1):
        if sum(rows >= needed(wanted, 1 - (1 - sure) / sharers) for rows, wanted in labels) >= sharers:
            return sharers
    return 1


# -- ask a person -----------------------------------------------------------------------------------------------------------------------


def ask_a_person(
    confidence: Floats,
    was_right: Rights,
    threshold: Threshold,
    *,
    share: float = HALF,
    sure: float = SURE,
    groups: Groups | None = None,
    second: Floats | None = None,
) -> Threshold:
    """The second line: where it does not answer by itself but its guess is worth showing to a person. Below it keeps silent."""
    best = np.asarray(confidence, dtype=float)
    apart = best - np.asarray(second, dtype=float) if second is not None else np.ones(len(best))
    open_ = np.nonzero((best < threshold.value) | (apart < threshold.gap))[0]
    left = [groups[place] for place in open_.tolist()] if groups is not None else None
    found = fit(best[open_], np.asarray(was_right, dtype=bool)[open_], precision=share, sure=sure, groups=left)
    if not found.promised:
        told = f"It shows no guess to people: that at least {percent(share)} of such guesses are right cannot be promised yet."
    else:
        told = (
            f"Where it does not answer, it shows its guess to a person from {_down(found.value)} confidence on: "
            f"{found.right.k:,} of {found.answered.k:,} such guesses were right."
        )
    return Threshold(found.value, found.promised, share, found.answered, found.right, found.more_needed, told)


def decide(confidence: float, second: float, *, threshold: float, gap: float = 0.0, asks: float = NEVER) -> Decision:
    """What becomes of one guess. Two labels that are too close together are both named where together they are sure enough."""
    if confidence >= threshold and confidence - second >= gap:
        return "answers"
    if confidence - second < gap and confidence + second >= threshold:
        return "names both"
    return "asks" if confidence >= asks else "silent"
