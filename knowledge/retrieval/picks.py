"""The rung of earlier choices: what people chose where somebody asked alike, and what they choose often."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from knowledge.retrieval import classification, keyword, stems, vectors
from knowledge.retrieval.asked import Asked
from knowledge.retrieval.vectors import Encode

Floats = npt.NDArray[np.float32]
NEAREST = 30  # earlier questions that are asked
LIKE = 0.65  # cosine: what is less like it is about something else, above all where questions are short
DOUBT = 0.5  # likeness that speaks against all of them: one earlier question proves little


@dataclass(frozen=True)
class Pick:
    """A person chose this article for this question."""

    asked: Asked
    slug: str


@dataclass(frozen=True, eq=False)
class Memory:
    """The picks, ready to be asked. Questions stand once, each with all that was chosen for it."""

    questions: tuple[Asked, ...]
    slugs: tuple[tuple[str, ...], ...]
    meanings: Floats | None
    words: keyword.Postings
    by_intent: Mapping[str, Mapping[str, int]]

    def __len__(self) -> int:
        return len(self.questions)

    @cached_property
    def often(self) -> Counter[str]:
        return Counter(slug for chosen in self.slugs for slug in chosen)


def memory(picks: Iterable[Pick], *, encode: Encode | None, most: int) -> Memory:
    """`most` sentences of each question make its meaning."""
    by_question: dict[Asked, dict[str, None]] = {}
    for pick in picks:
        by_question.setdefault(pick.asked, {})[pick.slug] = None
    questions = tuple(by_question)
    slugs = tuple(tuple(chosen) for chosen in by_question.values())
    intents = classification.counted([(asked.intent, slug) for asked, chosen in by_question.items() for slug in chosen])
    words = keyword.build([stems.of(asked.text) for asked in questions])
    return Memory(questions, slugs, meanings(questions, encode, most), words, intents)


def meanings(questions: Sequence[Asked], encode: Encode | None, most: int) -> Floats | None:
    """A row a question. All texts are encoded in one go."""
    texts: list[str] = []
    spans: list[tuple[int, Floats]] = []
    for asked in questions:
        parts = asked.parts(most)
        spans.append((len(texts), weights(len(parts), [part.weight for part in parts])))
        texts += [asked.text, *(part.text for part in parts)]
    rows = vectors.of(texts, encode)
    if rows is None:
        return None
    return np.stack([meaning(rows[start : start + len(share)], share) for start, share in spans])


def weights(count: int, parts: Sequence[float]) -> Floats:
    """The whole text counts as one of its sentences."""
    return np.array([1.0, *parts][: count + 1], np.float32)


def meaning(rows: Floats, share: Floats) -> Floats:
    """One row of many: the middle of a question's sentences."""
    middle = share @ rows
    return np.asarray(middle / max(float(np.linalg.norm(middle)), 1e-12), np.float32)


def alike(memory: Memory, asked_meaning: Floats | None, asked_words: Sequence[str], places: Mapping[str, int], size: int) -> Floats:
    """What share of the questions most like this one each article was chosen for; the more alike they are, the surer."""
    scores = np.zeros(size, np.float32)
    if not len(memory):
        return scores
    if memory.meanings is not None and asked_meaning is not None:
        likeness = memory.meanings @ asked_meaning
    else:
        likeness = memory.words.scores(keyword.weighed(set(asked_words), [memory.words]))
    ahead = np.maximum(likeness - max(float(np.median(likeness)), LIKE), 0)
    nearest = np.argsort(-ahead, kind="stable")[:NEAREST]
    for place in nearest:
        for slug in memory.slugs[place]:
            if slug in places:
                scores[places[slug]] += ahead[place]
    return scores / np.float32(ahead[nearest].sum() + DOUBT)


def often(memory: Memory, places: Mapping[str, int], size: int) -> Floats:
    """The tenth choice of an article tells less than its first."""
    scores = np.zeros(size, np.float32)
    for slug, count in memory.often.items():
        if slug in places:
            scores[places[slug]] = np.log1p(count)
    return scores
