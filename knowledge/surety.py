"""How sure the answerer is that its answer is right, and from where on it speaks: learned from questions that people judged.

Logistic regression over what speaks for the nearest article. Few judged questions move it only a little away from what it was before
(`STRENGTH`); before there are any, the one that ships decides.
"""

import json
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from math import exp, floor, isfinite, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers import abstention
from data.errors import Refused
from data.measures import Share, percent
from knowledge.evidence import Article, Evidence

Floats = NDArray[np.float64]
Rights = NDArray[np.bool_]

WITH_VECTORS = (
    "likeness", "likeness_ahead", "three_likest", "above_own", "votes", "whole", "whole_ahead", "title", "covered", "covered_ahead",
    "covered_at_once", "found_first", "found_ahead", "words_ahead", "rungs_agree", "telling_words",
)  # fmt: skip
BY_WORDS = (
    "covered", "covered_ahead", "covered_at_once", "found_first", "found_ahead", "words", "words_ahead", "rungs_agree", "telling_words",
)  # fmt: skip
STRENGTH, BIAS_HOLDS = 100.0, 1.0  # how firmly it holds on to what it was: with a tenth of that, what was learned held less on new topics
BELIEVED = 100.0  # answers that its own word about itself counts for, beside the judged ones
CAUTION = 0.5  # of what may be wrong is kept back: without it, in every other trial less than the target was right
LIGHTLY = 3.0  # ... where there was nothing before
STEPS, CLOSE = 50, 1e-9  # of learning
PARTS = 5  # each judged question is told by one that learned from the other parts
TARGET = 0.95
FEWEST = 20  # judged questions; fewer change nothing
NEVER = abstention.NEVER


def signs(evidence: Evidence) -> dict[str, float]:
    """What speaks for the nearest article; without an encoder, words alone do. Empty where nothing was found."""
    if not evidence.articles:
        return {}
    best, others = evidence.articles[0], evidence.articles[1:]
    likest = [_likest(article) for article in others]
    near = sorted((seen.likeness for seen in best.seen), reverse=True)[:3]
    covered, at_once = evidence.covered(best.holds), max((evidence.covered(seen.holds) for seen in best.seen), default=0.0)
    found = sorted((article.score for article in others), reverse=True)
    told = {
        "likeness": _likest(best), "likeness_ahead": _likest(best) - max(likest, default=0.0),
        "three_likest": sum(near) / len(near) if near else 0.0, "above_own": _likest(best) - best.own,
        "votes": _votes(evidence), "whole": best.whole, "whole_ahead": best.whole - max((one.whole for one in others), default=0.0),
        "title": best.title, "covered": covered,
        "covered_ahead": covered - max((evidence.covered(one.holds) for one in others), default=0.0), "covered_at_once": at_once,
        "found_first": 1 / (1 + best.rank), "found_ahead": _ahead(best.score, found),
        "words": log(1 + best.words), "words_ahead": _over(best.words, [one.words for one in others]),
        "rungs_agree": best.agreed, "telling_words": log(1 + len(evidence.weights)),
    }  # fmt: skip
    return {name: told[name] for name in (WITH_VECTORS if evidence.encoded else BY_WORDS)}


def _likest(article: Article) -> float:
    return max((seen.likeness for seen in article.seen), default=0.0)


def _votes(evidence: Evidence) -> float:
    """Of the five likest parts of all articles, how many are the nearest article's."""
    all_seen = sorted(((seen.likeness, article.slug) for article in evidence.articles for seen in article.seen), reverse=True)[:5]
    return sum(slug == evidence.articles[0].slug for _, slug in all_seen) / max(1, len(all_seen))


def _ahead(score: float, others: Sequence[float]) -> float:
    """How far its score stands above the next, as a share of how far all lie apart: scores of two combinations have no common size."""
    if not others:
        return 1.0
    span = max(score, others[0]) - min(score, others[-1])
    return (score - others[0]) / span if span > 1e-12 else 0.0


def _over(words: float, others: Sequence[float]) -> float:
    """How much better its words fit than the next one's, from -1 to 1."""
    next_one = max(others, default=0.0)
    return (words - next_one) / max(words, next_one, 1e-9)


# -- the model ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Surety:
    """Weights of the signs, each in its own spread. It speaks from the threshold on."""

    names: tuple[str, ...]
    middle: tuple[float, ...]
    spread: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    threshold: float
    judged: int = 0  # questions that it learned from
    target: float = TARGET

    def reads(self, found: dict[str, float]) -> bool:
        """Whether it knows these signs: one that learned with an encoder cannot tell anything without."""
        return not found or set(self.names) <= found.keys()

    def of(self, found: dict[str, float]) -> float:
        """The chance that an answer from the nearest article is right."""
        if not found:
            return 0.0
        told = zip(self.names, self.middle, self.spread, self.weights, strict=True)
        total = self.bias + sum(weight * (found[name] - middle) / spread for name, middle, spread, weight in told)
        return 1 / (1 + exp(-min(30.0, max(-30.0, total))))

    def as_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def of_json(cls, told: str) -> "Surety":
        try:
            raw: dict[str, Any] = json.loads(told)
            kept: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}
            found = cls(**kept)
            sound = _sound(found)
        except (ValueError, TypeError, AttributeError) as wrong:
            raise Refused(f"Not read: this is no surety of an answerer ({wrong}).") from wrong
        if not sound:
            raise Refused("Not read: this surety of an answerer does not fit its signs, or holds what is no number.")
        return found


def _sound(found: Surety) -> bool:
    lists = (found.middle, found.spread, found.weights)
    numbers: list[Any] = [*found.middle, *found.spread, *found.weights, found.bias, found.threshold, found.target]
    return (
        found.names in (WITH_VECTORS, BY_WORDS) and all(len(one) == len(found.names) for one in lists)
        and all(isinstance(one, int | float) and not isinstance(one, bool) and isfinite(one) for one in numbers)
        and all(one > 0 for one in found.spread) and isinstance(found.judged, int)
    )  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """A question that somebody judged: whether the nearest article answers it. Where no article does, it never is right."""

    signs: dict[str, float]
    right: bool
    customer: Hashable | None = None


@dataclass(frozen=True)
class Threshold:
    """From which surety on it speaks, and what that would have meant for the judged questions."""

    value: float
    target: float
    answered: Share  # of the judged questions
    right: Share  # of those answered
    low: float  # the share of right answers is at least this, 95 % sure (Clopper and Pearson, one-sided)

    @property
    def promised(self) -> bool:
        return bool(self.right.n) and self.low >= self.target

    @property
    def sentence(self) -> str:
        if not self.right.n:
            return (
                f"Be right {percent(self.target)} of the time: of {self.answered.n:,} judged questions it would answer none. "
                "Judge more questions that an article answers, or ask for less."
            )
        told = f"Be right {percent(self.target)} of the time: it answers from {floor(self.value * 100)}\u00a0% surety on,"
        promised = "" if self.promised else f" That it stays at {percent(self.target)} is likely, and not yet promised: judge more."
        return (
            f"{told} {self.answered.k:,} of {self.answered.n:,} judged questions, and was right in {self.right.k:,} of them "
            f"(at least {floor(self.low * 100)}\u00a0%, 95\u00a0% sure).{promised}"
        )


def fit(judged: Sequence[Judged], *, prior: Surety | None = None, target: float = TARGET) -> tuple[Surety, Threshold]:
    """A surety that learned from judged questions, with its threshold; each question is told by one that did not learn from it."""
    before = prior or shipped(vectors=all("likeness" in one.signs for one in judged if one.signs))
    if len(judged) < FEWEST:
        raise Refused(
            f"Not learned: {len(judged):,} questions are judged, and {FEWEST} are the fewest. Judge {FEWEST - len(judged):,} more."
        )
    found, right = _table(judged, before), np.array([one.right for one in judged], dtype=bool)
    told = np.zeros(len(judged))
    for part in range(PARTS):
        mine = _part_of(judged) == part
        if mine.any() and not mine.all():
            told[mine] = _share(found[mine], _learn(found[~mine], right[~mine], before))
    threshold = threshold_for(told, right, target=target, customers=[one.customer for one in judged])
    weights = _learn(found, right, before)
    return _made(before, weights, threshold.value, len(judged), target), threshold


def threshold_for(
    told: Floats, right: Rights, *, target: float = TARGET, customers: Sequence[Hashable | None] | None = None
) -> Threshold:  # fmt: skip
    """The lowest threshold above which, as far as can be told, so many answers are right and a margin more.

    Counting alone picks the luckiest of many thresholds, and one that is promised (classifiers/abstention.py) took some 1,000 judged
    questions to speak at all. So what is counted is mixed with what the surety says of itself, which varies less.
    """
    if not 0 < target < 1:
        raise Refused(f"Not chosen: to be right {percent(target)} of the time cannot be promised. Ask for 1 to 99\u00a0%.")
    order = np.argsort(-told, kind="stable")
    counts = np.arange(1, len(told) + 1)
    believed = np.cumsum(told[order]) / counts
    mixed = (np.cumsum(right[order]) + BELIEVED * believed) / (counts + BELIEVED)
    ends = np.append(np.diff(told[order]) < 0, True)  # equals are answered together
    possible = np.array([Share(int(k), int(n)).interval[1] >= target for k, n in zip(np.cumsum(right[order]), counts, strict=True)])
    enough = np.nonzero((mixed >= target + CAUTION * (1 - target)) & possible & ends)[0]
    value = float(told[order][enough[-1]]) if len(enough) else NEVER
    chosen = np.nonzero(told >= value)[0]
    counted = chosen[abstention.one_of_each([customers[place] for place in chosen.tolist()])] if customers is not None else chosen
    low = lowest(int(right[counted].sum()), len(counted))
    return Threshold(value, target, Share(len(chosen), len(told)), Share(int(right[chosen].sum()), len(chosen)), low)


def lowest(right: int, answers: int, sure: float = 0.95) -> float:
    """The share of which at least so many right ones are seen with only 5 % chance: Clopper and Pearson's one-sided bound, by halving."""
    if not right:
        return 0.0
    low, high = 0.0, right / answers
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if abstention.tail(right, answers, middle) <= 1 - sure else (low, middle)
    return low


def _part_of(judged: Sequence[Judged]) -> NDArray[np.intp]:
    """Questions of one customer are alike: they stay in one part."""
    keys = {
        key: place
        for place, key in enumerate(dict.fromkeys((n,) if one.customer is None else (one.customer, "") for n, one in enumerate(judged)))
    }
    shuffled = np.random.default_rng(len(keys)).permutation(len(keys)) % PARTS
    return np.array([shuffled[keys[(n,) if one.customer is None else (one.customer, "")]] for n, one in enumerate(judged)], dtype=np.intp)


def _table(judged: Sequence[Judged], like: Surety) -> Floats:
    """A row of signs for each question, each in its spread, and a one for the bias. Where nothing was found, what is unlikeliest."""
    nothing = dict.fromkeys(like.names, 0.0)
    rows = np.array([[(one.signs or nothing)[name] for name in like.names] for one in judged])
    return np.hstack([(rows - like.middle) / like.spread, np.ones((len(rows), 1))])


def _share(found: Floats, weights: Floats) -> Floats:
    share: Floats = 1 / (1 + np.exp(-np.clip(found @ weights, -30, 30)))
    return share


def _learn(found: Floats, right: Rights, before: Surety, strength: float = STRENGTH) -> Floats:
    """Newton's method; each step is halved until it makes things better."""
    start = np.array([*before.weights, before.bias])
    hold = np.diag([*[strength] * len(before.weights), BIAS_HOLDS])  # how many questions have no article differs from house to house
    weights, loss = start, _loss(found, right, start, start, hold)
    for _ in range(STEPS):
        share = _share(found, weights)
        slope = found.T @ (right - share) - hold @ (weights - start)
        step = np.linalg.solve((found * (share * (1 - share))[:, None]).T @ found + hold, slope)
        tried = [weights + step / 2**halved for halved in range(10)]
        better = next((one for one in tried if _loss(found, right, one, start, hold) < loss - CLOSE), None)
        if better is None:
            break
        weights, loss = better, _loss(found, right, better, start, hold)
    return weights


def _loss(found: Floats, right: Rights, weights: Floats, start: Floats, hold: Floats) -> float:
    total = found @ weights
    away = weights - start
    return float(np.logaddexp(0, total).sum() - total[right].sum() + away @ hold @ away / 2)


def _made(before: Surety, weights: Floats, threshold: float, judged: int, target: float) -> Surety:
    *told, bias = (round(float(weight), 6) for weight in weights)
    return Surety(before.names, before.middle, before.spread, tuple(told), bias, threshold, judged, target)


def from_nothing(judged: Sequence[Judged], *, target: float = TARGET) -> Surety:
    """What ships was made by this, from many judged questions and nothing before: the sizes of the signs are learned too."""
    names = next(tuple(one.signs) for one in judged if one.signs)
    rows = np.array([[one.signs[name] for name in names] for one in judged if one.signs])
    middle, spread = (tuple(round(float(value), 6) for value in values) for values in (rows.mean(axis=0), rows.std(axis=0) + 1e-6))
    blank = Surety(names, middle, spread, (0.0,) * len(names), 0.0, NEVER, 0, target)
    found, right = _table(judged, blank), np.array([one.right for one in judged], dtype=bool)
    weights = _learn(found, right, blank, LIGHTLY)
    threshold = threshold_for(_share(found, weights), right, target=target)
    return _made(blank, weights, threshold.value, len(judged), target)


def shipped(*, vectors: bool = True) -> Surety:
    """Before anybody judged anything."""
    return SHIPPED[vectors]


# Learned from 5,500 public questions, of which about half have no article: of training texts of BANKING77 and CLINC150 (articles made of
# the name and 4 or 8 texts of every other intent, two draws each, asked by other training texts), and of the titles of 698 help articles of
# a bank (tau2-bench), asked of every other one of those articles without its title. On their other texts (dev and val, five draws each) of
# 100 answers 97 and 96 were right, to 14 and 20 of 100 questions; `portal bench answers --train … --test …` measures that, and with
# --weights prints what it learns. The threshold with vectors is rounded up from 0.883: new questions are less like the articles. Words
# alone are seldom so sure: without an encoder it is nearly always silent.
SHIPPED: dict[bool, Surety] = {
    True: Surety(
        WITH_VECTORS,
        (0.6195, 0.1021, 0.5387, -0.0466, 0.5179, 0.5842, 0.0912, 0.5068, 0.4386, 0.0683,
         0.3813, 0.8918, 0.3020, 0.1546, 0.7688, 1.6004),
        (0.1774, 0.1531, 0.1702, 0.1989, 0.2898, 0.1795, 0.1582, 0.2184, 0.2967, 0.2812,
         0.2685, 0.2273, 0.3511, 0.3865, 0.2191, 0.3838),
        (0.2917, 0.4240, -0.5168, 0.7622, 0.0629, 1.1101, 0.8232, -0.0374, 0.5400, 0.2975,
         -0.5016, 0.1930, -0.2110, 0.1263, 0.3711, -0.1074),
        -0.7880, 0.9, 5500,
    ),
    False: Surety(
        BY_WORDS,
        (0.4861, 0.1327, 0.4073, 0.9152, 0.3556, 2.2112, 0.2563, 0.8535, 1.6143),
        (0.2844, 0.2427, 0.2618, 0.2091, 0.3676, 0.4960, 0.2938, 0.1942, 0.3741),
        (0.1618, 0.2383, 0.3384, 0.2024, 0.2062, 0.8245, 0.5365, -0.0876, -0.1079),
        -0.8394, 0.9660, 5500,
    ),
}  # fmt: skip
