"""What two runs over the same cases show: how far they differ, and how sure that is. Cases of one customer are alike, so customers are
counted, not cases. The simulations behind each choice are tests (test_evals_statistics.py)."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf, sqrt
from typing import Literal

import numpy as np
import numpy.typing as npt

from data.agreement import Agreement, Rating, kappa
from data.measures import Share, Z
from evals.power import SURE, Numbers, binomial

Customers = Sequence[Hashable | None]

DRAWS = 2_000
CAUTION = 0.75  # changed cases added; with 1 the interval is too wide, with 0.5 too narrow where six customers changed, all one way
NOTHING = 1e-9  # scores so close are the same, and were only added up in another order


@dataclass(frozen=True)
class Difference:
    """What the candidate changed on cases that both answered, with its 95 % interval and the chance of seeing it without any difference."""

    kind: Literal["passes", "scores"]
    n: int
    clusters: int  # customers; a case without one counts as a customer of its own
    fixed: int  # passes now and did not, or scores higher
    broken: int
    changed_clusters: int  # customers whose cases changed on balance
    difference: float
    low: float
    high: float
    p: float
    design_effect: float  # n cases tell as much as n / design_effect of different customers
    error: float  # standard error of the difference, customers drawn anew

    @property
    def size_of_a_change(self) -> float:
        """As the design effect, for how many further cases it takes: where all customers change one way, the test counts them alone."""
        if self.fixed and self.broken:
            return self.design_effect
        return (self.fixed + self.broken) / max(self.changed_clusters, 1)


def pass_fail(candidate: Sequence[bool], live: Sequence[bool], customers: Customers | None = None) -> Difference:
    """Two lists of passes, case by case."""
    changes = np.asarray(candidate, dtype=float) - np.asarray(live, dtype=float)
    sums, sizes = by_customer(changes, customers)
    n, fixed, broken = len(changes), int((changes > 0).sum()), int((changes < 0).sum())
    p = flip_test(sums)
    low, high = (float(end) for end in paired_interval(fixed, broken, n, design_effect(sums, sizes, fixed, broken, caution=CAUTION)))
    if p < SURE:  # what the exact test rules out is not in the interval
        low, high = (max(low, 0.0), high) if fixed > broken else (low, min(high, 0.0))
    effect = float(design_effect(sums, sizes, fixed, broken))
    error = sqrt(max(fixed + broken - (fixed - broken) ** 2 / n, 0.0) * effect) / n
    moved = int(np.count_nonzero(sums))
    return Difference("passes", n, len(sizes), fixed, broken, moved, (fixed - broken) / n, low, high, p, effect, error)


def by_customer(changes: Numbers, customers: Customers | None) -> tuple[Numbers, Numbers]:
    """The sum of the changes of each customer's cases, and how many cases those are."""
    if customers is None:
        return changes, np.ones(len(changes))
    places: dict[Hashable, int] = {}
    where = np.array(
        [places.setdefault((customer,) if customer is not None else case, len(places)) for case, customer in enumerate(customers)]
    )
    return np.bincount(where, changes).astype(float), np.bincount(where).astype(float)


# Whether it is chance.


def flip_test(sums: Numbers) -> float:
    """How often chance alone would show at least this difference, if each customer's change were as likely to be the other way round.

    Exact: all ways to flip are counted, size of change by size of change. With one case a customer it is McNemar's exact test.
    """
    sizes, customers = np.unique(np.abs(sums[sums != 0]).astype(int), return_counts=True)
    ways = np.ones(1)
    for size, many in zip(sizes.tolist(), customers.tolist(), strict=True):
        steps = np.zeros(size * many + 1)
        steps[::size] = binomial(many, 0.5, np.arange(many + 1))
        ways = np.convolve(ways, steps)
    furthest = round(abs(float(sums.sum())))
    return min(1.0, 2 * float(ways[: (len(ways) - 1 - furthest) // 2 + 1].sum()))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """As many questions are asked at once, each answer has to be surer: adjusted p values of which one below 5 % is told with 5 % error
    over all of them."""
    adjusted, highest = {}, 0.0
    for place, name in enumerate(sorted(p_values, key=lambda name: (p_values[name], name))):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[name]))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}


# How large it is.


def design_effect(sums: Numbers, sizes: Numbers, fixed: npt.ArrayLike, broken: npt.ArrayLike, *, caution: float = 0.0) -> Numbers:
    """How many times more cases it takes because those of one customer change together: the variance over customers by the one over cases.

    Never below 1. Few changes cannot show how alike a customer's cases are: with caution, so many changed cases are added of customers who
    are wholly so. Sums may have one more axis in front: many sets at once.
    """
    n, clusters = float(sizes.sum()), len(sizes)
    up, down = np.asarray(fixed, dtype=float), np.asarray(broken, dtype=float)
    alike = float((sizes**2).sum()) / n
    if clusters in (1, n):
        return np.full_like(up, alike)  # one customer alone, or as many as cases
    difference = (up - down) / n
    over_customers = ((sums - difference[..., None] * sizes) ** 2).sum(axis=-1) * clusters / (clusters - 1) + caution * alike
    over_cases = up + down - difference**2 * n + caution
    effect: Numbers = np.divide(over_customers, over_cases, out=np.ones_like(up), where=over_cases > NOTHING)
    return np.maximum(effect, 1.0)


def paired_interval(fixed: npt.ArrayLike, broken: npt.ArrayLike, n: int, effect: npt.ArrayLike = 1.0) -> tuple[Numbers, Numbers]:
    """95 % interval of the difference: all differences that the changed cases do not contradict (Tango's score interval, 1998).

    It stays honest where nothing or only little changed, as Wilson's does for one share. With several cases a customer it is the one of as
    many different customers as would tell as much. In simulation it held the truth 93 to 97 times in 100, more often where little changed.
    """
    effect = np.asarray(effect, dtype=float)
    up, down, cases = np.asarray(fixed) / effect, np.asarray(broken) / effect, n / effect
    return _end(up, down, cases, -1.0), _end(up, down, cases, 1.0)


def _end(up: Numbers, down: Numbers, n: Numbers, outmost: float) -> Numbers:
    """The furthest difference that is not contradicted, by halving."""
    inner, outer = (up - down) / n, np.full_like(n, outmost)
    for _ in range(32):
        middle = (inner + outer) / 2
        held = (up - down - n * middle) ** 2 <= Z * Z * _variance(up, down, n, middle)
        inner, outer = np.where(held, middle, inner), np.where(held, outer, middle)
    return inner


def _variance(up: Numbers, down: Numbers, n: Numbers, difference: Numbers) -> Numbers:
    """Of the changed cases' balance, if that were the true difference and the broken as many as is then most likely."""
    linear = (2 * n - up + down) * difference - up - down
    broken = (np.sqrt(np.maximum(linear**2 + 8 * n * down * difference * (1 - difference), 0.0)) - linear) / (4 * n)
    spread: Numbers = n * (2 * broken + difference * (1 - difference))
    return spread


# Scores from 0 to 1.


def scored(
    candidate: Sequence[float], live: Sequence[float], customers: Customers | None = None, *, seed: int = 0, draws: int = DRAWS
) -> Difference:
    """Two lists of scores, case by case: customers are drawn anew, and the difference is measured in its own error each time."""
    changes = np.asarray(candidate, dtype=float) - np.asarray(live, dtype=float)
    changes[np.abs(changes) < NOTHING] = 0.0
    sums, sizes = by_customer(changes, customers)
    n, moved = len(changes), int((np.abs(sums) > NOTHING).sum())
    difference = float(changes.mean())
    error = float(standard_error(sums, sizes))
    drawn = np.sort(np.abs(drawn_anew(sums, sizes, draws, seed)))
    seen = abs(difference) / error if error > NOTHING else (inf if difference else 0.0)
    as_far = draws - int(np.searchsorted(drawn, seen * (1 - 1e-9)))
    p = max((as_far + 1) / (draws + 1), min(1.0, 2.0 ** (1 - moved)))  # so few changes are all one way by chance as often as that
    half = _half(float(drawn[ceil((1 - SURE) * (draws + 1)) - 1]), error, changes, sizes)
    low, high = max(difference - half, -1.0), min(difference + half, 1.0)
    if p >= SURE:
        low, high = min(low, 0.0), max(high, 0.0)
    plain = float(np.sqrt(((changes - difference) ** 2).sum() / max(n - 1, 1) / n))
    effect = max(1.0, (error / plain) ** 2) if plain > NOTHING and len(sizes) < n else 1.0
    fixed, broken = int((changes > 0).sum()), int((changes < 0).sum())
    return Difference("scores", n, len(sizes), fixed, broken, moved, difference, low, high, p, effect, error)


def standard_error(sums: Numbers, sizes: Numbers) -> Numbers:
    """Of the difference over all cases, when customers are drawn anew. Sums may have one more axis in front."""
    n, clusters = sizes.sum(), len(sizes)
    apart = sums - (sums.sum(axis=-1) / n)[..., None] * sizes
    error: Numbers = np.sqrt((apart**2).sum(axis=-1) * clusters / max(clusters - 1, 1)) / n
    return error


def drawn_anew(sums: Numbers, sizes: Numbers, draws: int, seed: int) -> Numbers:
    """How many of its own errors the difference lies off, each time as many customers are drawn with replacement."""
    random, clusters = np.random.default_rng(seed), len(sizes)
    apart = sums - sums.sum() / sizes.sum() * sizes
    at_once = max(1, 100_000 // clusters)
    drawn = (random.integers(0, clusters, (min(at_once, draws - start), clusters)) for start in range(0, draws, at_once))
    if clusters == sizes.sum():
        return np.concatenate([_in_errors(apart.take(places), np.ones((1, 1))) for places in drawn])
    return np.concatenate([_in_errors(apart.take(places), sizes.take(places)) for places in drawn])


def _in_errors(apart: Numbers, sizes: Numbers) -> Numbers:
    """Of each row of customers, whose sums are so far apart from what is true: the balance by its own standard error."""
    clusters = apart.shape[-1]
    cases, large = (total * (clusters // sizes.shape[-1]) for total in (sizes.sum(axis=-1), np.einsum("...k,...k->...", sizes, sizes)))
    off = apart.sum(axis=-1) / cases
    mixed = np.einsum("...k,...k->...", apart, sizes) if sizes.shape[-1] == clusters else off * cases
    squares = np.einsum("...k,...k->...", apart, apart)
    error = np.sqrt(np.maximum(squares - 2 * off * mixed + off**2 * large, 0.0) * clusters / max(clusters - 1, 1)) / cases
    told = error > NOTHING
    return np.where(told, off / np.where(told, error, 1.0), np.where(np.abs(off) > NOTHING, inf, 0.0))


def _half(errors: float, error: float, changes: Numbers, sizes: Numbers) -> float:
    """So many errors; but cases that happen to be alike, or nearly all so, do not say that every other one is."""
    unseen = Z * Z / (len(changes) ** 2 / float((sizes**2).sum()) + Z * Z)  # Wilson's: so large a share of such customers may never be seen
    if error <= NOTHING:
        return unseen * (float(np.abs(changes).max()) or 1.0)
    return errors * error if errors < inf else min(1.0, unseen + Z * error)


# Whether a grader sees what people see: it may hold up a release only after that was looked at.


@dataclass(frozen=True)
class Checked:
    """What a grader said of outputs, beside what people said of them."""

    n: int
    agreement: Agreement  # beyond chance
    precision: Share  # of what the grader passes, people pass so much
    recall: Share  # of what people pass, the grader passes so much
    caught: Share  # of what people fail, the grader fails so much: where nearly all is good, the other two hardly show this

    @property
    def kappa(self) -> float | None:
        """Cohen's; None where it cannot be told."""
        return self.agreement.value

    @property
    def sentence(self) -> str:
        shares = (("Of what it passes people pass", self.precision), ("of what people pass it passes", self.recall))
        told = [f"{words} {share}" for words, share in (*shares, ("of what people fail it fails", self.caught)) if share.n]
        return f"{self.agreement.sentence} {'; '.join(told)}." if told else self.agreement.sentence

    def figures(self) -> dict[str, float | int | None]:
        """As a check is kept."""
        kept: dict[str, float | int | None] = {"n": self.n, "kappa_low": self.agreement.low, "kappa_high": self.agreement.high}
        for name, share in (("precision", self.precision), ("recall", self.recall), ("caught", self.caught)):
            low, high = share.interval
            kept |= {f"{name}_k": share.k, f"{name}_n": share.n, f"{name}_low": low, f"{name}_high": high}
        return kept


def against_people(machine: Sequence[bool], people: Sequence[bool]) -> Checked:
    """The same outputs judged by both, in the same order."""
    pairs = list(zip(map(bool, machine), map(bool, people), strict=True))
    ratings = [Rating(unit, rater, said) for unit, pair in enumerate(pairs) for rater, said in zip(("it", "people"), pair, strict=True)]
    passed, good = sum(said for said, _ in pairs), sum(right for _, right in pairs)
    both, neither = pairs.count((True, True)), pairs.count((False, False))
    return Checked(
        len(pairs), kappa(ratings, "it", "people"), Share(both, passed), Share(both, good), Share(neither, len(pairs) - good)
    )  # fmt: skip
