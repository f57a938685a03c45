"""Whether what comes in is still like what came before: which intents, how sure the classifier is, which words, and the vectors.

Conversations of one customer are alike, so a customer is one draw however often he wrote: windows are mixed customer by customer, and
a change is told where few mixtures show one as large. That counts all words, or all intents, at once (the largest change of each mixture is
what one has to beat: Westfall and Young's), and needs no assumption about rare ones. Pure: texts and vectors go in, sentences come out.

A look is made every night, so `SURE` is far below 5 %. What that means in false alarms a quarter is simulated in
test_classifiers_drift.py, with a plain chi-square test as the control that alarms too often.
"""

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from data.measures import Share, percent
from language import words

Numbers = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Kind = Literal["share", "confidence", "words", "vectors"]
REDACTED = re.compile("‹[^›]*›")

SURE = 0.01  # looks with a false alarm of any kind, where nothing changed
MIXTURES, AT_ONCE = 2_000, 250
FEWEST = 50  # conversations in each window, of half as many customers: with fewer nothing is told
TIMES, POINTS = 1.25, 0.01  # a share that changed by less is no news, however sure it is
CONFIDENCE = 0.02
WORD_TIMES, WORD_CONVERSATIONS, WORD_CUSTOMERS = 1.5, 8, 6
MOST_TOLD, MOST_EXAMPLES = 8, 20  # words, conversations
SILENT = "No intent (the classifier kept silent)"


@dataclass(frozen=True)
class Window:
    """The conversations of some days; all in the same order."""

    called: str  # "last week's conversations", "the four weeks before"
    texts: Sequence[str]
    customers: Sequence[Hashable | None]  # without one, a conversation counts as a customer of its own
    labels: Sequence[str | None] = ()  # what the classifier said; None: it kept silent. Empty where it was not asked
    confidences: Sequence[float] = ()
    vectors: Vectors | None = None


@dataclass(frozen=True)
class Drift:
    """One change that is larger than chance."""

    kind: Kind
    what: str | None  # the label's id, or the word. None: silence, or all conversations
    before: float  # a share, a mean confidence; for vectors, how far apart the windows would lie by chance
    now: float
    p: float  # of one as large by chance, among all that was looked at
    sentence: str
    examples: tuple[int, ...]  # places in the window of now, one a customer, the most typical first


def look(before: Window, now: Window, *, names: Mapping[str, str] | None = None, sure: float = SURE, seed: int = 0) -> list[Drift]:
    """What changed, the surest first; `names` are those of the labels. Nothing is told where either window is small."""
    both = _Both.of(before, now)
    if not both.are_enough:
        return []
    mixed = both.mixtures(np.random.default_rng(seed))
    kinds = [
        *([_shares(both, mixed, names or {})] if before.labels and now.labels else []),
        *([_confidence(both, mixed)] if len(before.confidences) and len(now.confidences) else []),
        *([_vectors(both, mixed)] if before.vectors is not None and now.vectors is not None else []),
        _words(both, mixed),
    ]
    found = [replace(drift, p=min(1.0, drift.p * len(kinds))) for kind in kinds for drift in kind]  # so many were looked for at once
    return sorted((drift for drift in found if drift.p < sure), key=lambda drift: (drift.p, drift.kind, drift.what or ""))


# -- customers and mixtures -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Both:
    """The two windows as draws: what one customer wrote in one of them is one."""

    before: Window
    now: Window
    draw_of: npt.NDArray[np.intp]  # of each conversation, those of before first
    sizes: Numbers  # of the draws
    is_now: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, before: Window, now: Window) -> "_Both":
        places: dict[Hashable, int] = {}
        draw_of = np.array(
            [
                places.setdefault((side, customer) if customer is not None else (side, None, case), len(places))
                for side, window in enumerate((before, now))
                for case, customer in enumerate(window.customers)
            ],
            np.intp,
        )
        is_now = np.zeros(len(places), bool)
        is_now[draw_of[len(before.customers) :]] = True
        return cls(before, now, draw_of, np.bincount(draw_of, minlength=len(places)).astype(float), is_now)

    @property
    def n(self) -> tuple[int, int]:
        return len(self.before.customers), len(self.now.customers)

    @property
    def are_enough(self) -> bool:
        customers = int(self.is_now.sum())
        return min(self.n) >= FEWEST and min(customers, len(self.is_now) - customers) >= FEWEST / 2

    def mixtures(self, random: np.random.Generator) -> Vectors:
        """Which draws are "now": in the first row as it was, in the others by lot."""
        rows = np.tile(self.is_now, (MIXTURES, 1))
        rows[1:] = random.permuted(rows[1:], axis=1)
        return rows.astype(np.float32)

    def sums(self, cases: Any) -> Any:
        """By draw, of a matrix with a row for each conversation."""
        from scipy.sparse import csr_array  # scikit-learn brings it

        cells = (np.ones(len(self.draw_of)), (self.draw_of, np.arange(len(self.draw_of))))
        return csr_array(cells, shape=(len(self.sizes), len(self.draw_of))) @ cases

    def examples(self, order: npt.ArrayLike) -> tuple[int, ...]:
        """Of places in this order one a customer."""
        first: dict[int, int] = {}
        for place in np.asarray(order, np.intp).tolist():
            first.setdefault(int(self.draw_of[self.n[0] + place]), place)
        return tuple(first.values())[:MOST_EXAMPLES]


def _errors(both: _Both, mixed: Vectors, sums: Any) -> Numbers:
    """How far the means of the two windows lie apart, in standard errors: a row a mixture, a column of each value that was summed.

    The error is that over draws of both windows together: that of a short window alone is smallest where it happens to have few. But it
    goes by the conversations: who is drawn from the longer window wrote more, so that mixtures are more even than the windows are."""
    from scipy.sparse import csr_array

    sums, sizes, total = csr_array(sums), both.sizes, both.sizes.sum()
    all_sums = np.asarray(sums.sum(axis=0), float).ravel()
    mean = all_sums / total
    squares, by_size = np.asarray(sums.multiply(sums).sum(axis=0)).ravel(), np.asarray(sums.T @ sizes).ravel()
    spread = np.sqrt(np.maximum(squares - 2 * mean * by_size + mean**2 * (sizes**2).sum(), 1e-18))
    rows = []
    for some in np.array_split(mixed.astype(float), len(mixed) // AT_ONCE + 1):
        cases = (some @ sizes)[:, None]
        here = some @ sums
        rows.append((here / cases - (all_sums - here) / (total - cases)) / (spread * _width(cases, total)))
    return np.concatenate(rows)


def _width(cases: Any, total: float) -> Any:
    return np.sqrt(1 / cases + 1 / (total - cases))


def _chance(errors: Numbers) -> Numbers:
    """Of each value, in how many mixtures the furthest of all values lies as far out as it does."""
    furthest = errors.max(axis=1)
    ranks = np.searchsorted(np.sort(furthest), errors[0] - 1e-9)
    return np.asarray(1 - ranks / len(furthest))


# -- the kinds of change ----------------------------------------------------------------------------------------------------------------


def _shares(both: _Both, mixed: Vectors, names: Mapping[str, str]) -> list[Drift]:
    from sklearn.feature_extraction.text import CountVectorizer

    said: list[str | None] = [*both.before.labels, *both.now.labels]
    labels = CountVectorizer(analyzer=lambda label: [label], dtype=np.float64)
    sums = both.sums(labels.fit_transform([SILENT if label is None else label for label in said]))
    chances = _chance(np.abs(_errors(both, mixed, sums)))
    found = []
    for label, place in labels.vocabulary_.items():
        what = None if label == SILENT else label
        before, now = (Share(list(window.labels).count(what), len(window.labels)) for window in (both.before, both.now))
        if _is_news(before, now):
            sure_of = both.now.confidences if len(both.now.confidences) else np.zeros(both.n[1])
            places = [case for case in np.argsort(-np.asarray(sure_of, float), kind="stable") if both.now.labels[case] == what]
            told = _told(names.get(label, label), before, now, both)
            found.append(Drift("share", what, before.value, now.value, float(chances[place]), told, both.examples(places)))
    return found


def _is_news(before: Share, now: Share) -> bool:
    low, high = sorted((before.value, now.value))
    return high - low >= POINTS and high >= TIMES * low


def _told(name: str, before: Share, now: Share, both: _Both) -> str:
    counted = f"({now.k:,} of {now.n:,}, {before.k:,} of {before.n:,})"
    return f"{name}: {_percent(now)} of {both.now.called}, {_percent(before)} in {both.before.called} {counted}."


def _percent(share: Share) -> str:
    return percent(share.value) if share.value >= 0.1 or not share.k else f"{share.value * 100:.1f}\u00a0%"


def _confidence(both: _Both, mixed: Vectors) -> list[Drift]:
    cases = np.array([*both.before.confidences, *both.now.confidences], float)[:, None]
    before, now = float(cases[: both.n[0]].mean()), float(cases[both.n[0] :].mean())
    if abs(now - before) < CONFIDENCE:
        return []
    chance = float(_chance(np.abs(_errors(both, mixed, both.sums(cases))))[0])
    order = np.argsort(cases[both.n[0] :, 0] * (1 if now < before else -1), kind="stable")
    told = (
        f"The classifier is {'less' if now < before else 'more'} sure: {percent(now)} on average over {both.now.called}, "
        f"{percent(before)} in {both.before.called} ({both.n[1]:,} and {both.n[0]:,} conversations)."
    )
    return [Drift("confidence", None, before, now, chance, told, both.examples(order))]


def _words(both: _Both, mixed: Vectors) -> list[Drift]:
    """Those whose share grew most."""
    from sklearn.feature_extraction.text import CountVectorizer

    spoken = [_said(text) for text in (*both.before.texts, *both.now.texts)]
    many = Counter(word for own in spoken for word in own)
    names = sorted(word for word, count in many.items() if count >= WORD_CONVERSATIONS)
    if not names:
        return []
    said = CountVectorizer(analyzer=list, vocabulary=names, dtype=np.float64).transform(spoken).tocsc()
    sums = both.sums(said).tocsc()
    common = np.flatnonzero(np.diff(sums.indptr) >= WORD_CUSTOMERS)
    if not len(common):
        return []
    said, sums = said[:, common], sums[:, common]
    chances = _chance(_errors(both, mixed, sums))
    found = []
    for place in np.argsort(chances, kind="stable"):
        places = said[:, place].indices
        here = np.sort(places[places >= both.n[0]]) - both.n[0]
        before, now = Share(len(places) - len(here), both.n[0]), Share(len(here), both.n[1])
        customers = len({int(both.draw_of[both.n[0] + case]) for case in here})
        if len(here) >= WORD_CONVERSATIONS and customers >= WORD_CUSTOMERS and now.value >= WORD_TIMES * before.value:
            told = _told(f"The word \u201c{names[common[place]]}\u201d", before, now, both)
            found.append(Drift("words", names[common[place]], before.value, now.value, float(chances[place]), told, both.examples(here)))
    return found[:MOST_TOLD]


def _said(text: str) -> set[str]:
    """Each word once a text. Numbers and what was redacted say nothing of the matter."""
    return {word for word in words.of(REDACTED.sub(" ", text)) if len(word) > 2 and not any(sign.isdigit() for sign in word)}


def _vectors(both: _Both, mixed: Vectors) -> list[Drift]:
    """How far apart the middles of the two windows lie, against those of the mixtures."""
    cases = np.concatenate([both.before.vectors, both.now.vectors]).astype(np.float32)
    cases -= cases.mean(axis=0)
    sums, sizes = np.asarray(both.sums(cases), np.float32), both.sizes.astype(np.float32)
    here, many = mixed @ sums, (mixed @ sizes)[:, None]
    apart = np.linalg.norm(here / many - (sums.sum(axis=0) - here) / (sizes.sum() - many), axis=1)
    apart *= _width(many[0], sizes.sum())[0] / _width(many[:, 0], sizes.sum())
    chance, usual = float((apart >= apart[0] * (1 - 1e-6)).mean()), float(np.median(apart[1:]))
    toward = cases[both.n[0] :].mean(axis=0) - cases[: both.n[0]].mean(axis=0)
    order = np.argsort(-(cases[both.n[0] :] @ toward), kind="stable")
    times = apart[0] / max(usual, 1e-9)
    told = (
        f"What customers write has changed: {both.now.called} differ {times:.1f} times as much from {both.before.called} as by chance "
        f"({both.n[1]:,} and {both.n[0]:,} conversations). Open those most typical of the change to see what it is."
    )
    return [Drift("vectors", None, usual, float(apart[0]), chance, told, both.examples(order))]
