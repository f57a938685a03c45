"""What speaks for each found article: how near its sentences come to the question, and which of the question's words it holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evals.graders import cites_sources, tokens
from knowledge import quotable
from knowledge.passages import Passage
from knowledge.quotable import Part

MOST_ARTICLES, PER_ARTICLE, MOST_PASSAGES, MOST_PARTS = 10, 3, 30, 60  # that are looked at
MOST_OF_ONE = 16  # parts of one passage
MOST_ASPECTS = 4  # sentences of a long question that are looked at by themselves
LONG = 40  # words: until there a question is one thought
FEW = 3  # telling words: with fewer the message before is needed to understand it
LONGEST = 4_000  # characters of a question

Vectors = NDArray[np.float32]
_Told = tuple[Passage, int, Part]  # a part, and its place in its passage
Encode = Callable[[Sequence[str]], Vectors]  # a row of length 1 for each text; those of published sentences are stored


class Stood(Protocol):
    @property
    def place(self) -> int: ...


class Candidate(Protocol):
    """A passage that retrieval found, best first."""

    @property
    def passage(self) -> Passage: ...
    @property
    def score(self) -> float: ...
    @property
    def stood(self) -> Mapping[str, Stood]: ...  # where each rung put its article
    @property
    def words(self) -> float: ...  # how well its words fit


@dataclass(frozen=True)
class Seen:
    """A part of a passage, beside the question."""

    part: Part
    passage: Passage
    place: int  # in its passage
    likeness: float  # cosine; 0 without an encoder
    asks: float  # ... of the question or heading that it stands under
    holds: frozenset[str]  # of the question's telling words


@dataclass(frozen=True)
class Article:
    """What was found of one article."""

    slug: str
    kind: str
    rank: int  # among the found articles, from 0
    score: float  # of its best passage
    seen: tuple[Seen, ...]
    holds: frozenset[str]  # of the question's telling words, in all that was found of it
    title: float  # the likeness of its title, or of the heading that is nearer ...
    whole: float  # ... and of all its parts together
    own: float  # how like each other its parts are: of one whose parts are alike, more is expected
    words: float  # how well the words of its best passage fit
    agreed: float  # the share of the rungs that put it first
    near: float = 0.0  # all of the above in one number, by which articles are ordered


@dataclass(frozen=True)
class Evidence:
    question: str
    weights: Mapping[str, float]  # of the question's telling words: the fewer of the found articles hold one, the more it tells
    articles: tuple[Article, ...]  # nearest first
    encoded: bool

    def covered(self, held: frozenset[str]) -> float:
        """The share of the question's words, by their weight."""
        whole = sum(self.weights.values())
        return sum(self.weights[word] for word in held) / whole if whole else 0.0


def asked_now(messages: Sequence[Mapping[str, Any]]) -> str:
    """What the customer asks at the end of a conversation; where that is too short to understand, with what they said before."""
    said = [str(message.get("text") or "").strip() for message in messages if message.get("role") == "customer"]
    found = ""
    for text in reversed([text for text in said if text]):
        found = f"{text}\n{found}".strip()
        if len(telling(found)) >= FEW:
            break
    return found[:LONGEST]


def look(question: str, found: Sequence[Candidate], encode: Encode | None = None) -> Evidence:
    """The found passages beside the question. Without an encoder words alone speak."""
    question = question[:LONGEST]
    grouped = _by_article(found)
    wanted = telling(question)
    holds = {slug: wanted & _words(cands) for slug, cands in grouped.items()}
    weights = {word: log(1 + (len(grouped) + 1) / (sum(word in held for held in holds.values()) + 0.5)) for word in sorted(wanted)}
    parts = _parts(grouped, wanted)
    like = _Likeness.of(question, grouped, parts, encode)
    articles = [
        Article(
            slug, cands[0].passage.kind, rank, float(cands[0].score),
            tuple(
                Seen(part, passage, place, like.parts[number], like.asks.get(part.asks, 0.0), wanted & words_of(part.text))
                for number, (passage, place, part) in enumerate(parts) if passage.slug == slug
            ),
            frozenset(holds[slug]), like.titles[slug], like.whole[slug], like.own[slug],
            max(float(one.words) for one in cands), _agreed(cands[0]),
        )
        for rank, (slug, cands) in enumerate(grouped.items())
    ]  # fmt: skip
    seen = Evidence(question, weights, (), encode is not None)
    return Evidence(question, weights, _nearest_first(seen, articles), encode is not None)


def _agreed(found: Candidate) -> float:
    return sum(stood.place == 1 for stood in found.stood.values()) / max(1, len(found.stood))


def telling(text: str) -> frozenset[str]:
    """The words of a question that say what it is about, by their stems, and its numbers."""
    found = tokens.of(text)
    words = cites_sources.telling(found)
    return frozenset(cites_sources.stems(words - cites_sources.KIND or words) | tokens.numbers(found))


@lru_cache(maxsize=50_000)
def words_of(text: str) -> frozenset[str]:
    found = tokens.of(text)
    return frozenset(cites_sources.stems(set(found)) | tokens.numbers(found))


def _by_article(found: Sequence[Candidate]) -> dict[str, list[Candidate]]:
    grouped: dict[str, list[Candidate]] = {}
    for one in found[:MOST_PASSAGES]:
        if one.passage.slug in grouped or len(grouped) < MOST_ARTICLES:
            grouped.setdefault(one.passage.slug, []).append(one)
    return grouped


def _words(candidates: Sequence[Candidate]) -> frozenset[str]:
    told = {text for one in candidates for text in (one.passage.title, one.passage.heading, one.passage.text)}
    return frozenset().union(*map(words_of, told))


def _parts(grouped: Mapping[str, list[Candidate]], wanted: frozenset[str]) -> list[_Told]:
    """The parts worth looking at: of each passage those that hold most of the question's words, the better passages' first."""
    found: list[_Told] = []
    ordered = sorted((one for cands in grouped.values() for one in cands), key=lambda one: -one.score)
    each = max(2, min(MOST_OF_ONE, MOST_PARTS // max(1, len(ordered)) + 1))
    for rank, one in enumerate(ordered):
        parts = list(enumerate(quotable.parts(one.passage)))
        most = MOST_OF_ONE if rank == 0 else each
        if len(parts) > most:
            parts = sorted(sorted(parts, key=lambda told: -len(wanted & words_of(told[1].text)))[:most])
        found += [(one.passage, place, part) for place, part in parts]
    return found[: MOST_PARTS + MOST_OF_ONE]


@dataclass(frozen=True)
class _Likeness:
    parts: list[float]
    asks: Mapping[str, float]  # of titles and headings
    titles: Mapping[str, float]
    whole: Mapping[str, float]
    own: Mapping[str, float]

    @classmethod
    def of(cls, question: str, grouped: Mapping[str, list[Candidate]], parts: list[_Told], encode: Encode | None) -> "_Likeness":
        nothing = dict.fromkeys(grouped, 0.0)
        if encode is None or not grouped:
            return cls([0.0] * len(parts), {}, nothing, nothing, nothing)
        titles = {slug: candidates[0].passage.title for slug, candidates in grouped.items()}
        headings = {slug: [part.asks for passage, _, part in parts if passage.slug == slug and part.asks] for slug in grouped}
        aspects = aspects_of(question)
        texts = list(
            dict.fromkeys([*aspects, *titles.values(), *(one for each in headings.values() for one in each), *(p.text for *_, p in parts)])
        )
        rows = dict(zip(texts, encode(texts), strict=True))
        asked = np.stack([rows[aspect] for aspect in aspects])
        like = {text: float((asked @ row).max()) for text, row in rows.items()}
        said = {
            slug: np.stack([rows[titles[slug]], *(rows[p.text] for passage, _, p in parts if passage.slug == slug)]) for slug in grouped
        }
        return cls(
            [like[part.text] for *_, part in parts], like,
            {slug: max(like[text] for text in (titles[slug], *headings[slug])) for slug in grouped},
            {slug: float((asked @ _unit(said[slug].mean(axis=0))).max()) for slug in grouped},
            {slug: _inner(said[slug][1:]) for slug in grouped},
        )  # fmt: skip


def aspects_of(question: str) -> list[str]:
    """A long question asks for several things: each is looked at by itself, since all together they come near to nothing."""
    if len(question.split()) <= LONG:
        return [question]
    sentences = [sentence for sentence in tokens.sentences(question) if len(telling(sentence)) >= FEW]
    asking = [sentence for sentence in sentences if sentence.endswith("?")]
    rest = [sentence for sentence in reversed(sentences) if sentence not in asking]
    return [*asking, *rest][:MOST_ASPECTS] or [question]


def _unit(row: Vectors) -> Vectors:
    unit: Vectors = row / (np.linalg.norm(row) + 1e-9)
    return unit


def _inner(rows: Vectors) -> float:
    """How near each part's nearest neighbour is, on average."""
    if len(rows) < 2:
        return 0.0
    alike = rows @ rows.T
    np.fill_diagonal(alike, -1.0)
    return float(alike.max(axis=1).mean())


# how much each counts, in its own spread: learned on BANKING77 and CLINC150
NEAR = {"score": 1.5, "likeness": 1.2, "whole": 0.4}
NEAR_BY_WORDS = {"score": 1.0, "covered": 0.7}


def _nearest_first(evidence: Evidence, articles: Sequence[Article]) -> tuple[Article, ...]:
    if not articles:
        return ()
    signs = {
        "score": [article.score for article in articles],
        "likeness": [max((seen.likeness for seen in article.seen), default=0.0) for article in articles],
        "whole": [article.whole for article in articles],
        "covered": [evidence.covered(article.holds) for article in articles],
    }
    counts = NEAR if evidence.encoded else NEAR_BY_WORDS
    near = sum(counts[name] * _spread(np.array(signs[name])) for name in counts)
    told = [Article(**{**vars(article), "near": float(value)}) for article, value in zip(articles, near, strict=True)]  # type: ignore[arg-type]
    return tuple(sorted(told, key=lambda article: (-article.near, article.rank)))


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    spread: NDArray[np.float64] = (values - values.mean()) / (values.std() + 1e-9) if values.std() > 1e-9 else np.zeros(len(values))
    return spread
