"""Finding: every rung that is on looks at all articles, what they say is put together, and the best passages are handed back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from knowledge.retrieval import classification, entities, hybrid, keyword, picks, rungs, sentences, stems, titles, tuned, vectors
from knowledge.retrieval.asked import Asked
from knowledge.retrieval.asked import Part as Sentence
from knowledge.retrieval.combination import LIVE, Combination
from knowledge.retrieval.library import Found, Library, Stood
from knowledge.retrieval.rungs import PARTS, RUNG_OF

Floats = npt.NDArray[np.float32]

OTHER_WORDS = 0.5  # what a question in a model's words weighs, by the customer's own
ENOUGH_WORDS = 20  # different ones of a question, from which on they count in full; measured on short questions of a shop's customers
ENOUGH_CHOICES = 40  # questions
BY_WORDS = ("words", "title words", "title share", "other words")
BY_MEANING = (rungs.VECTORS, rungs.SENTENCES, rungs.ENTITIES, rungs.PICKS, rungs.TUNED)  # rungs that ask the encoder
SAY_NOTHING_ALONE = {"names", "area", "chosen for intent", "chosen often"}  # none of them looks at what is asked
AS_IT_IS = {"names", "chosen alike", "chosen for intent"}  # between 0 and 1 already, and the less it is above 0 the less it is sure


@dataclass(frozen=True, eq=False)
class Look:
    """A question, made ready once for all rungs."""

    library: Library
    asked: Asked
    combination: Combination
    extra: tuple[str, ...] = ()  # the question in other words

    @cached_property
    def said(self) -> list[str]:
        return stems.of(self.asked.text)

    @cached_property
    def sentences(self) -> list[Sentence]:
        on = any(self.combination.on(rung) for rung in (rungs.SENTENCES, rungs.PICKS, rungs.TUNED))
        own = self.asked.parts(self.combination.sentences) if on else []
        return [*own, *(Sentence(text, OTHER_WORDS) for text in self.extra)]

    @cached_property
    def question(self) -> str:
        """A conversation's last question, with the names that only earlier messages say."""
        return entities.question(self.library.names, self.asked.messages) if self.combination.on(rungs.ENTITIES) else ""

    @cached_property
    def lines(self) -> list[str]:
        """What is looked for: all of it, each of its sentences, and the last question."""
        return [self.asked.text, *(one.text for one in self.sentences), *([self.question] if self.question else [])]

    @cached_property
    def shares(self) -> Floats:
        return np.array([one.weight for one in self.sentences], np.float32)

    @cached_property
    def rows(self) -> Floats | None:
        """A vector for each line."""
        wanted = any(self.combination.on(rung) for rung in BY_MEANING)
        return vectors.of(self.lines, self.library.encode_asked) if wanted and self.asked.text else None

    @cached_property
    def meaning(self) -> Floats | None:
        """Of all of it in one row, as the questions of earlier choices have one."""
        share = picks.weights(len(self.sentences), self.shares.tolist())
        return None if self.rows is None else picks.meaning(self.rows[: len(share)], share)

    @cached_property
    def turned(self) -> Floats | None:
        """The same as the choices taught to read it."""
        matrix = self.library.tuned if self.combination.on(rungs.TUNED) and self.meaning is not None else None
        return None if matrix is None or self.meaning is None else tuned.turned(self.meaning, matrix)

    @cached_property
    def word_scores(self) -> list[Floats]:
        """Of each part of the library: a row for each line, a column for each passage."""
        postings = [part.words for part in self.library.parts]
        weights = [keyword.weighed(stems.of(line), postings) for line in self.lines]
        return [np.stack([part.scores(one) for one in weights]) for part in postings]

    @cached_property
    def meaning_scores(self) -> list[Floats] | None:
        """Like `word_scores`; a row more where something was turned: all are compared with the passages in one go."""
        rows = self.rows if self.rows is None or self.turned is None else np.concatenate([self.rows, self.turned[None]])
        if rows is None or any(part.meanings is None for part in self.library.parts):
            return None
        return [vectors.alike(rows, part.meanings) for part in self.library.parts if part.meanings is not None]

    def by_article(self, scores: Sequence[Floats]) -> Floats:
        """The best of each article's passages, line by line."""
        return np.concatenate(
            [np.maximum.reduceat(one, part.starts, axis=1) for one, part in zip(scores, self.library.parts, strict=True)], axis=1
        )

    @cached_property
    def measured(self) -> dict[str, Floats]:
        """What the rungs that are on measured of each article, between 0 and 1."""
        told: dict[str, Floats] = {}
        for rung, weight in self.combination.weights:
            if weight > 0:
                told |= MEASURES[rung](self)
        return {part: scores if part in AS_IT_IS else hybrid.levelled(scores, self.library.in_force) for part, scores in told.items()}

    @cached_property
    def words_by_article(self) -> Floats:
        return self.by_article(self.word_scores)

    @cached_property
    def meanings_by_article(self) -> Floats | None:
        return None if self.meaning_scores is None else self.by_article(self.meaning_scores)


def _keyword(look: Look) -> dict[str, Floats]:
    return {"words": look.words_by_article[0]}


def _vectors(look: Look) -> dict[str, Floats]:
    return {} if look.meanings_by_article is None else {"meaning": look.meanings_by_article[0]}


def _sentences(look: Look) -> dict[str, Floats]:
    """Where the question is one sentence, that is what is looked for anyway."""
    if not look.sentences:
        return {}
    own = slice(1, 1 + len(look.sentences))
    told = {"sentence words": sentences.brought(look.words_by_article[own], look.shares)}
    if look.meanings_by_article is not None:
        told["sentence meaning"] = sentences.brought(look.meanings_by_article[own], look.shares)
    return told


def _titles(look: Look) -> dict[str, Floats]:
    postings = [part.titles for part in look.library.parts]
    weights, once = keyword.weighed(look.said, postings), keyword.rarity(set(look.said), postings)
    return {
        "title words": np.concatenate([part.scores(weights) for part in postings]),
        "title share": np.concatenate([titles.share(part.titles, part.worth, once) for part in look.library.parts]),
    }


def _entities(look: Look) -> dict[str, Floats]:
    wanted = entities.carried(look.library.names, look.asked.messages)
    told = {"names": entities.scores(look.library.named, wanted, len(look.library.keys))}
    if look.question:
        told["question words"] = look.words_by_article[-1]
        if look.meanings_by_article is not None:
            told["question meaning"] = look.meanings_by_article[len(look.lines) - 1]
    return told


def _expansion(look: Look) -> dict[str, Floats]:
    postings = [part.words for part in look.library.parts]
    weights = keyword.rarity(look.library.synonyms.of(look.said), postings)
    return {"other words": look.by_article([part.scores(weights)[None] for part in postings])[0]} if weights else {}


def _classification(look: Look) -> dict[str, Floats]:
    if not look.asked.intent:
        return {}
    counts = look.library.memory.by_intent.get(look.asked.intent, {})
    return {
        "area": classification.of_area(look.asked.intent, look.library.areas),
        "chosen for intent": classification.chosen(counts, look.library.places, len(look.library.keys)),
    }


def _picks(look: Look) -> dict[str, Floats]:
    memory, places, size = look.library.memory, look.library.places, len(look.library.keys)
    if not len(memory):
        return {}
    return {"chosen alike": picks.alike(memory, look.meaning, look.said, places, size), "chosen often": picks.often(memory, places, size)}


def _tuned(look: Look) -> dict[str, Floats]:
    if look.turned is None or look.meanings_by_article is None:
        return {}
    return {"learned meaning": look.meanings_by_article[len(look.lines)]}


MEASURES = {
    rungs.KEYWORD: _keyword, rungs.VECTORS: _vectors, rungs.SENTENCES: _sentences, rungs.TITLES: _titles, rungs.ENTITIES: _entities,
    rungs.EXPANSION: _expansion, rungs.CLASSIFICATION: _classification, rungs.PICKS: _picks, rungs.TUNED: _tuned,
}  # fmt: skip


def look(library: Library, asked: Asked | str, combination: Combination = LIVE, *, extra: Sequence[str] = ()) -> Look:
    """The question, ready for the rungs. `extra` is the same in a model's words."""
    question = Asked.of(asked) if isinstance(asked, str) else asked
    return Look(library, question, combination, tuple(extra))


def scores(looked: Look) -> Floats:
    """Of every article; of one that is not in force less than of any other."""
    measured = looked.measured
    if not measured:
        return np.zeros(len(looked.library.keys), np.float32)
    together = hybrid.by_place if looked.combination.fusion == hybrid.BY_PLACE and not looked.combination.learned else hybrid.weighted
    return np.where(looked.library.in_force, together(measured, _weights(looked)), np.float32(-np.inf))


def _weights(looked: Look) -> dict[str, float]:
    """Few words say little by themselves, and so do few choices: there the meaning counts more. What was learned is as it was learned."""
    told = looked.combination.by_part
    if looked.combination.learned:
        return told
    words = min(1.0, len(set(looked.said)) / ENOUGH_WORDS) if looked.meanings_by_article is not None else 1.0
    chosen = min(1.0, len(looked.library.memory) / ENOUGH_CHOICES)
    shares = dict.fromkeys(BY_WORDS, words) | dict.fromkeys((*PARTS[rungs.PICKS], *PARTS[rungs.TUNED]), chosen)
    return {part: weight * shares.get(part, 1.0) for part, weight in told.items()}


def known(looked: Look) -> npt.NDArray[np.bool_]:
    """Articles for which the question itself says something."""
    speak = [scores > 0 for part, scores in looked.measured.items() if part not in SAY_NOTHING_ALONE]
    return np.logical_or.reduce(speak) if speak else np.zeros(len(looked.library.keys), bool)


def best(totals: Floats, most: int) -> list[int]:
    """Places of the articles with the highest scores; of equal ones the earlier."""
    few = min(most, int(np.isfinite(totals).sum()))
    if few <= 0:
        return []
    bar = np.partition(totals, len(totals) - few)[len(totals) - few]
    likely = np.flatnonzero(totals >= bar)
    return [int(place) for place in likely[np.argsort(-totals[likely], kind="stable")][:few]]


def search(
    library: Library,
    asked: Asked | str,
    combination: Combination = LIVE,
    *,
    most: int = 20,
    per_article: int = 1,
    extra: Sequence[str] = (),
) -> list[Found]:
    """The best articles, the best first, each by so many of its best passages. Nothing where no rung knows anything of the question."""
    looked = look(library, asked, combination, extra=extra)
    if not library.articles or not looked.asked.text or not looked.measured:
        return []
    totals = np.where(known(looked), scores(looked), np.float32(-np.inf))
    places = best(totals, most)
    stood = _stood(looked, places)
    return [found for place in places for found in _passages(looked, place, float(totals[place]), stood[place], per_article)]


def _stood(looked: Look, places: Sequence[int]) -> dict[int, dict[str, Stood]]:
    """Of each article, rung by rung."""
    by_rung: dict[str, Floats] = {}
    for part, weight in _weights(looked).items():
        if part in looked.measured:
            rung = RUNG_OF[part]
            added = np.float32(weight) * looked.measured[part]
            by_rung[rung] = by_rung[rung] + added if rung in by_rung else added
    alive = looked.library.in_force
    told: dict[int, dict[str, Stood]] = {place: {} for place in places}
    for rung in (name for name in PARTS if name in by_rung):
        ordered = np.sort(by_rung[rung][alive])
        for place in places:
            own = by_rung[rung][place]
            ahead = len(ordered) - int(np.searchsorted(ordered, own, side="right"))
            told[place][rung] = Stood(ahead + 1, round(float(own), 4))
    return told


def _passages(looked: Look, place: int, score: float, stood: Mapping[str, Stood], most: int) -> list[Found]:
    """The passages of one article by what they say themselves: words and meaning of the question and of its sentences."""
    part, inside = looked.library.passages_of(place)
    number = next(number for number, one in enumerate(looked.library.parts) if one is part)
    span = slice(inside.start, inside.stop)
    last = [1.0] if looked.question else []
    share = np.concatenate([[1.0], looked.shares / max(float(looked.shares.sum()), 1e-9), last]).astype(np.float32)
    words = looked.word_scores[number][:, span]
    fit = share @ (words / np.maximum(looked.words_by_article.max(axis=1, keepdims=True), 1e-9))
    cosines = None
    if looked.meaning_scores is not None:
        cosines = looked.meaning_scores[number][: len(share), span]
        fit = fit + share @ cosines
    return [
        Found(part.passages[inside.start + turn], score, stood, float(words[0, turn]), None if cosines is None else float(cosines[0, turn]))
        for turn in np.argsort(-fit, kind="stable")[:most].tolist()
    ]
