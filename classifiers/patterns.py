"""What customers write about and no intent covers: conversations that look alike, under a name made of their own words.

Pure: texts and vectors go in, patterns come out. The night's job reads and keeps them; what it makes of each is in standouts.py. The
figures beside the limits were measured on the demo, night by night, and by the simulations of test_classifiers_patterns.py.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import log, sqrt

import numpy as np
import numpy.typing as npt

from classifiers.standouts import Found, Intents, Vectors, made_of, middle_of
from language import words

Places = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

MOST = 10_000  # conversations that are clustered; what else is uncovered is then counted to the pattern that it lies in
DIRECTIONS = 30  # of the vectors: with more all distances are alike, and none is a cluster
FEWEST_ALIKE = 5  # conversations that make a cluster
ALIKE = 0.4  # cosine, the common part taken away: clusters as close as that are one matter in several wordings
MEMBER = 0.02  # of its own members lie farther out than what else is counted to a pattern
NEIGHBOURS = 3
HALF = 0.5
STEP = 1_000  # conversations that are compared with all at once
ORDINARY = 0.04  # share of other texts: words like that begin and end no phrase
TELLING = 4  # times as often as elsewhere, at least
NAMED = 0.6  # share of its texts in which the word stands that names a matter
OFTEN = 0.1  # share of its own texts in which a phrase stands
LONGER = 0.3  # a phrase says so much more with each further word
FEW_COVERED = 0.2
FEW_SPOKEN = 10  # covered texts of a language: from fewer nobody knows what is ordinary in it, and those of all languages stand for them
UNHEARD = 3  # times that a phrase could have been expected, at most, which nobody said (95 %); 2 standard deviations more than was said
ALL = "*"  # languages
MOST_READ = 300  # texts of a group, for its phrases; of all others ten times as many
PHRASES = 5


def find(
    texts: Sequence[str],
    vectors: Vectors,
    days: Sequence[date],
    customers: Sequence[Hashable | None],
    *,
    covered: Mask,
    languages: Sequence[str | None] = (),
    earlier: Sequence[tuple[str, str | None]] = (),
    intents: Intents | None = None,
    seed: int = 0,
) -> list[Found]:
    """The patterns among what is not covered and like no intent, the largest first. Give the whole traffic of the last two weeks or more:
    what is covered tells which words are ordinary, in each language, and how much came in at all. `earlier`: other texts that an intent
    covers, and their languages; of a rare one two weeks hold little."""
    open_ones = np.flatnonzero(~np.asarray(covered, bool) & (np.linalg.norm(vectors, axis=1) > 0))
    if len(open_ones) < 2 * FEWEST_ALIKE:
        return []
    common = np.asarray(vectors.mean(axis=0), np.float32)
    rows = _apart(vectors, common)
    known = Intents(_apart(intents.vectors, common), intents.labels) if intents is not None and len(intents.labels) else None
    sample = open_ones
    if len(sample) > MOST:
        sample = np.sort(np.random.default_rng(seed).choice(open_ones, MOST, replace=False))
    to_intents = _to_intents(rows, open_ones, known)
    elsewhere = _Elsewhere.of(texts, languages or [None] * len(texts), open_ones, earlier)
    groups = _merged(_clusters(sample, rows, to_intents, elsewhere, seed), rows, to_intents)
    groups = _of_one_word(groups, elsewhere, _are_new(groups, rows, to_intents))
    found = []
    for group in _with_the_rest(groups, open_ones, rows):
        newer = _newer(group, rows, to_intents)
        if newer.mean() > HALF and newer.sum() >= FEWEST_ALIKE:
            phrases = _in_common(group[newer], _best(_Spoken.of(group[newer], elsewhere)), texts)
            made = made_of(group[newer], phrases, rows, vectors, days, customers, int((~newer).sum()), known)
            found.append(made)
    return sorted(found, key=lambda one: (-one.size, one.members))


# -- groups -----------------------------------------------------------------------------------------------------------------------------


def _apart(vectors: Vectors, common: Vectors) -> Vectors:
    """What sets them apart: all customers' texts have much in common, which hides how far they differ."""
    rows = vectors - common
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 1e-6, lengths, 1.0), np.float32)


def _clusters(sample: Places, rows: Vectors, to_intents: Vectors, elsewhere: "_Elsewhere", seed: int) -> list[Places]:
    """First of what is new: a matter of a few days would end in one cluster with rare wordings of intents. Then of all."""
    newer = sample[_newer(sample, rows, to_intents)]
    new_ones = [newer[group] for group in _dense(rows[newer], seed)] if len(newer) >= 2 * FEWEST_ALIKE else []
    if len(newer) >= FEWEST_ALIKE and _Spoken.of(newer, elsewhere).names():
        new_ones = [newer]  # all of it is one matter: where nothing else is new, nothing in it is dense
    taken = np.concatenate([sample[:0], *new_ones])
    rest = [np.setdiff1d(sample[group], taken) for group in _dense(rows[sample], seed)]
    return [*new_ones, *(group for group in rest if len(group) >= FEWEST_ALIKE)]


def _dense(rows: Vectors, seed: int) -> list[Places]:
    from sklearn.cluster import HDBSCAN
    from sklearn.decomposition import PCA

    if float(rows.var(axis=0).max()) < 1e-9:
        return [np.arange(len(rows))]  # all say the same
    size = min(DIRECTIONS, *rows.shape)
    turned = PCA(size, svd_solver="randomized", random_state=seed).fit_transform(rows)
    lengths = np.linalg.norm(turned, axis=1, keepdims=True)
    turned = turned / np.where(lengths > 1e-6, lengths, 1.0)
    fewest = max(FEWEST_ALIKE, round(len(rows) ** 0.5 / 4))  # in much traffic a handful alike is chance
    # the leaves of the tree: what it would take together by itself is often everything
    clusters = HDBSCAN(min_cluster_size=fewest, min_samples=3, cluster_selection_method="leaf", copy=True).fit(turned).labels_
    return [np.flatnonzero(clusters == number) for number in range(int(clusters.max()) + 1)]


def _to_intents(rows: Vectors, open_ones: Places, intents: Intents | None) -> Vectors:
    """How close each uncovered conversation lies to the nearest that have an intent: to single ones, since the middle of an intent lies
    far from its own short, rare or German wordings."""
    close = np.full(len(rows), -2.0, np.float32)
    if intents is not None:
        for part in np.array_split(open_ones, len(open_ones) // STEP + 1):
            close[part] = _closest(rows[part] @ intents.vectors.T)
    return close


def _closest(alike: Vectors) -> Vectors:
    few = min(NEIGHBOURS, alike.shape[1])
    return np.asarray(np.partition(alike, -few, axis=1)[:, -few:].mean(axis=1))


def _newer(group: Places, rows: Vectors, to_intents: Vectors) -> Mask:
    """Which members lie closer to each other than to anything that has an intent."""
    newer = np.zeros(len(group), bool)
    for part in np.array_split(np.arange(len(group)), len(group) // STEP + 1):
        inside = rows[group[part]] @ rows[group].T
        inside[np.arange(len(part)), part] = -2.0  # not to itself
        newer[part] = _closest(inside) > to_intents[group[part]]
    return newer


def _are_new(groups: list[Places], rows: Vectors, to_intents: Vectors) -> Mask:
    return np.array([_newer(group, rows, to_intents).mean() > HALF for group in groups], bool)


def _merged(groups: list[Places], rows: Vectors, to_intents: Vectors) -> list[Places]:
    """The closest two are made one, as long as they are alike: new matters among themselves, and other wordings of known ones."""
    is_new = _are_new(groups, rows, to_intents)
    sums = np.array([rows[group].sum(axis=0) for group in groups])
    while len(groups) > 1:
        middles = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
        alike = np.where(is_new[:, None] == is_new, middles @ middles.T, -1.0)
        np.fill_diagonal(alike, -1.0)
        one, other = sorted(divmod(int(alike.argmax()), len(groups)))
        if alike[one, other] < ALIKE:
            break
        groups[one] = np.concatenate([groups[one], groups.pop(other)])
        sums[one] += sums[other]
        sums, is_new = np.delete(sums, other, axis=0), np.delete(is_new, other)
    return groups


def _of_one_word(groups: list[Places], elsewhere: "_Elsewhere", are_new: Mask) -> list[Places]:
    """New matters that nearly all texts name by the same rare word are one, however they go on: where vectors know words only, no two
    wordings lie close."""
    joined: list[Places] = []
    named: list[set[str]] = []
    for group, is_new in zip(groups, are_new, strict=True):
        own = _Spoken.of(group, elsewhere).names() if is_new else set()
        same = [place for place, others in enumerate(named) if own & others]
        group, own = np.concatenate([group, *(joined[place] for place in same)]), own.union(*(named[place] for place in same))
        joined = [other for place, other in enumerate(joined) if place not in same] + [group]
        named = [others for place, others in enumerate(named) if place not in same] + [own]
    return joined


def _with_the_rest(groups: list[Places], open_ones: Places, rows: Vectors) -> list[Places]:
    """What is in no group and lies as close to the middle of one as its members do is alike too."""
    if not groups:
        return []
    middles = np.array([middle_of(rows[group]) for group in groups])
    rest = np.setdiff1d(open_ones, np.concatenate(groups))
    nearest = (rows[rest] @ middles.T).argmax(axis=1)
    grown = []
    for number, (group, middle) in enumerate(zip(groups, middles, strict=True)):
        near = rest[nearest == number]
        grown.append(np.concatenate([group, near[rows[near] @ middle >= np.quantile(rows[group] @ middle, MEMBER)]]))
    return grown


# -- phrases ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Said:
    """In how many texts of each language a phrase is said, and in how many of all."""

    of: dict[str, Counter[str]]
    texts: Counter[str]

    @classmethod
    def among(cls, texts: Sequence[str], tongues: Sequence[str], places: Places) -> "_Said":
        made = cls({ALL: Counter()}, Counter({ALL: len(places)}))
        for place in places:
            phrases = _phrases(texts[place])
            made.of[ALL].update(phrases)
            made.of.setdefault(tongues[place], Counter()).update(phrases)
            made.texts[tongues[place]] += 1
        return made


NOTHING = _Said({}, Counter())


@dataclass(frozen=True)
class _Elsewhere:
    """What is said in the texts that intents cover: against them a matter is distinct, whatever else is uncovered."""

    said: _Said
    texts: Sequence[str]
    tongues: Sequence[str]
    is_all: bool  # too little is covered, and all texts stand for them: those of the pattern itself too

    @classmethod
    def of(
        cls, texts: Sequence[str], languages: Sequence[str | None], open_ones: Places, earlier: Sequence[tuple[str, str | None]]
    ) -> "_Elsewhere":
        places = np.setdiff1d(np.arange(len(texts)), open_ones)
        is_all = len(places) < FEW_COVERED * len(texts)
        places = np.arange(len(texts)) if is_all else places
        texts = [*texts, *(text for text, _ in earlier)]
        tongues = [language or "" for language in (*languages, *(language for _, language in earlier))]
        places = np.concatenate([places, np.arange(len(texts) - len(earlier), len(texts))])
        return cls(_Said.among(texts, tongues, places[:: len(places) // (10 * MOST_READ) + 1]), texts, tongues, is_all)


@dataclass(frozen=True)
class _Spoken:
    """What is said in a group of texts."""

    own: _Said
    elsewhere: _Elsewhere

    @classmethod
    def of(cls, group: Places, elsewhere: _Elsewhere) -> "_Spoken":
        return cls(_Said.among(elsewhere.texts, elsewhere.tongues, group[:: len(group) // MOST_READ + 1]), elsewhere)

    @property
    def said(self) -> Counter[str]:
        return self.own.of[ALL]

    @property
    def size(self) -> int:
        return self.own.texts[ALL]

    def share(self, phrase: str) -> float:
        return self.said[phrase] / self.size

    def share_elsewhere(self, phrase: str) -> float:
        """In covered texts of the same languages: against those of all, a rare language's greeting would be what its texts are about."""
        spoken = [(tongue, count) for tongue, count in self.own.texts.items() if tongue != ALL]
        return sum(count / self.size * self._share_in(tongue, phrase) for tongue, count in spoken)

    def _share_in(self, tongue: str, phrase: str) -> float:
        """So much of it at most, surely: what was never said in a few texts may well be ordinary."""
        everywhere, own = self.elsewhere.said, self.own if self.elsewhere.is_all else NOTHING
        if everywhere.texts[tongue] - own.texts[tongue] < FEW_SPOKEN:
            tongue = ALL
        total = everywhere.texts[tongue] - own.texts[tongue]
        said = max(everywhere.of[tongue][phrase] - (own.of[tongue][phrase] if tongue in own.of else 0), 0)
        return (said + 2 * sqrt(said) + UNHEARD) / max(total, 1)

    def times(self, phrase: str) -> float:
        return self.share(phrase) / self.share_elsewhere(phrase)

    def names(self) -> set[str]:
        """The words by which nearly all call the matter."""
        return {word for word in self.said if " " not in word and self.share(word) > NAMED and self.times(word) > 2 * TELLING}


def _phrases(text: str) -> set[str]:
    """Of one to three words, as written, each once a text: who repeats himself is not more. Numbers and names say nothing of the matter."""
    found: set[str] = set()
    for line in text[:2_000].replace("‹", "\n‹").replace("›", "\n").splitlines():
        if not line.startswith("‹"):
            for part in " ".join(word if word.isalpha() else "\n" for word in words.of(line)).split("\n"):
                said = part.split()
                found.update(word for word in said if len(word) > 2)
                found.update(map(" ".join, pairwise(said)))
                found.update(map(" ".join, zip(said, said[1:], said[2:], strict=False)))
    return found


def _best(spoken: _Spoken) -> tuple[str, ...]:
    """How often it is said here, by how much rarer it is elsewhere (class-based TF-IDF). No two of them share their words."""

    def reads_well(phrase: str) -> bool:
        """Ordinary words begin and end no phrase."""
        edges = phrase.split()[:: max(phrase.count(" "), 1)]
        return all(spoken.share_elsewhere(word) < ORDINARY * (4 if spoken.times(word) > TELLING else 1) for word in edges)

    scores = {
        phrase: spoken.share(phrase) * log(spoken.times(phrase)) * (1 + LONGER * phrase.count(" "))
        for phrase, count in spoken.said.items()
        if count >= max(3, spoken.size * OFTEN) and spoken.times(phrase) > TELLING and reads_well(phrase)
    }
    best = sorted(scores, key=lambda phrase: (-scores[phrase], phrase))
    if best and " " not in best[0]:  # one word alone is no name, where a phrase has it
        best = [phrase for phrase in best if best[0] in phrase.split() and " " in phrase][:1] + best
    chosen: list[str] = []
    for phrase in best:
        if not any(_overlap(phrase, other) for other in chosen):
            chosen.append(phrase)
    return tuple(chosen[:PHRASES])


def _in_common(group: Places, phrases: tuple[str, ...], texts: Sequence[str]) -> tuple[str, ...]:
    """None, where half of the texts say none of them: then something else holds the group together, such as the language."""
    some = [_phrases(texts[place]) for place in group[:: len(group) // MOST_READ + 1]]
    return phrases if sum(not said.isdisjoint(phrases) for said in some) > HALF * len(some) else ()


def _overlap(phrase: str, other: str) -> bool:
    one, two = phrase.split(), other.split()
    return set(one) <= set(two) or set(two) <= set(one) or any(pair in set(pairwise(two)) for pair in pairwise(one))
