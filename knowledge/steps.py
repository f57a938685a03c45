"""The steps of a ladder: which rungs a set is climbed by, in which order, and what comes of each question on one of them."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from data import encoding, vectors
from knowledge import answerers, articles, evidence, extractive, shelf, surety
from knowledge.answerers import Setup
from knowledge.evidence import Encode, Evidence
from knowledge.other_words import OtherWords
from knowledge.passages import Chunking
from knowledge.retrieval import library as libraries
from knowledge.retrieval import picks, reranker, searching
from knowledge.retrieval.asked import Asked
from knowledge.retrieval.combination import LIVE, Combination
from knowledge.retrieval.library import Found, Library
from knowledge.retrieval.picks import Memory, Pick
from knowledge.retrieval.rungs import CHUNKING, CLASSIFICATION, HYBRID, KEYWORD, PARTS, PICKS, RERANKER, RUNGS, TUNED, VECTORS, Rung

PARTED = 5  # of a set, where something learns from it
TODAY = -1  # in the place of a part: nothing is taken for chosen that was not
FIRST = 5  # articles in which the right one is looked for
WHOLE = Chunking("whole")

Progress = Callable[[float, str], None]
Look = Callable[[], list[Found]]
Again = tuple[str, Look] | None


@dataclass(frozen=True, eq=False)
class Question:
    messages: Sequence[answerers.Message]
    asked: Asked
    wanted: frozenset[str]  # any of these articles answers it; none does where it is empty
    customer: str | None
    part: int


@dataclass(frozen=True)
class Step:
    """A rung's turn."""

    rung: Rung
    combination: Combination
    on: bool  # the version has it
    against: tuple[str, ...]  # rungs before it; of several the best
    learns: bool = False
    today: bool = False  # it remembers what people chose so far, and no more
    others: Mapping[str, OtherWords] = field(default_factory=dict, compare=False)  # of each question, where a model was asked

    @property
    def remembers(self) -> bool:
        return self.learns or any(self.combination.on(rung) for rung in (PICKS, CLASSIFICATION, TUNED))


@dataclass(frozen=True, eq=False)
class Hits:
    """What came of each question."""

    places: Sequence[int | None]  # of the first right article among the first five, from 0; of those that an article answers
    answers: Sequence[bool]
    ms: float

    @property
    def first(self) -> list[bool]:
        return [place == 0 for place in self.places]


# -- which steps --------------------------------------------------------------------------------------------------------------------------


def steps(combination: Combination, questions: Sequence[Question], *, encoded: bool) -> tuple[list[Step], list[dict[str, str]]]:
    """The ladder from below, and what cannot be measured here, each with the reason."""
    made = [_step(combination, KEYWORD, {KEYWORD: weight(combination, KEYWORD)}, WHOLE, ())]
    carried = {rung: weight(combination, rung) for rung in (KEYWORD, VECTORS) if combination.on(rung) and (encoded or rung == KEYWORD)}
    carried = carried or {KEYWORD: weight(combination, KEYWORD)}
    if encoded:
        both = {rung: weight(combination, rung) for rung in (KEYWORD, VECTORS)}
        made.append(_step(combination, VECTORS, {VECTORS: both[VECTORS]}, WHOLE, (KEYWORD,)))
        made.append(_step(combination, HYBRID, both, WHOLE, (KEYWORD, VECTORS)))
    before = HYBRID if len(carried) == 2 else next(iter(carried))
    chunking, skipped = WHOLE, []
    for rung in RUNGS:
        if why := _cannot(rung.name, questions, encoded):
            skipped.append({"name": rung.name, "title": rung.title, "why": why})
        elif rung.name not in (KEYWORD, VECTORS, HYBRID):
            more = {rung.name: weight(combination, rung.name)} if rung.name in PARTS else {}
            finer = _finer(combination) if rung.name == CHUNKING else chunking
            step = _step(combination, rung.name, carried | more, finer, (before,))
            made.append(step)
            if step.on:
                carried, chunking, before = carried | more, finer, rung.name
    return made, skipped


def _step(combination: Combination, name: str, weights: Mapping[str, float], chunking: Chunking, against: tuple[str, ...]) -> Step:
    rung = next(one for one in RUNGS if one.name == name)
    found = replace(combination, weights=tuple(weights.items()), chunking=chunking, learned=())
    return Step(rung, found, name in has(combination), against, name == RERANKER)


def _cannot(name: str, questions: Sequence[Question], encoded: bool) -> str:
    if name in (VECTORS, HYBRID) and not encoded:
        return "no sentence encoder is installed, so words alone are compared"
    if name == CLASSIFICATION and not any(one.asked.intent for one in questions):
        return "no intent classifier is live, or it says nothing to these questions"
    taught = sum(bool(one.wanted) for one in questions) * (PARTED - 1) // PARTED
    if name == RERANKER and taught < reranker.FEWEST:
        return f"it learns from {reranker.FEWEST} questions or more, and four fifths of these are {taught:,}"
    return ""


def weight(combination: Combination, rung: str) -> float:
    """As much as it counts in the combination; one that is off, as much as in what ships."""
    return dict(combination.weights)[rung] if combination.on(rung) else dict(LIVE.weights)[rung]


def _finer(combination: Combination) -> Chunking:
    return combination.chunking if combination.chunking.how != WHOLE.how else Chunking()


def has(combination: Combination) -> set[str]:
    """The rungs that it climbs."""
    found = {name for name in PARTS if combination.on(name)}
    found |= {HYBRID} if {KEYWORD, VECTORS} <= found else set()
    found |= {CHUNKING} if combination.chunking.how != WHOLE.how else set()
    return found | ({RERANKER} if combination.learned else set())


def chosen(names: Collection[str], combination: Combination) -> Combination:
    """The same with these rungs on and the others off. What was learned for others is forgotten."""
    wanted = tuple((rung, weight(combination, rung)) for rung in PARTS if rung in names)
    chunking = _finer(combination) if CHUNKING in names else WHOLE
    found = replace(combination, weights=wanted, chunking=chunking, learned=())
    kept = RERANKER in names and found == replace(combination, learned=())
    return combination if kept else found


# -- one step -----------------------------------------------------------------------------------------------------------------------------


class Climb:
    """What all steps share: the questions, and what is remembered of the choices for the others."""

    def __init__(self, setup: Setup, questions: Sequence[Question]) -> None:
        self.setup, self.questions = setup, questions
        self.answerable = [one for one in questions if one.wanted]
        self.customers = [one.customer for one in self.answerable]
        encoder = encoding.in_force()
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self.encode = once(lambda texts: vectors.of(texts, encoder), self._vectors) if encoder else None
        self._memories: dict[int, Memory] = {}
        self._orders: dict[int, Combination] = {}

    def encoding_ms(self) -> float:
        """How long a question takes that the encoder never saw; it is told apart, as each rung that compares meaning needs it once."""
        if self.encode is None:
            return 0.0
        waited = []
        for one in self.questions:
            began = time.perf_counter()
            self.encode([one.asked.text])
            waited.append((time.perf_counter() - began) * 1000)
        return float(np.median(waited))

    def hits(self, step: Step, progress: Progress) -> Hits:
        found: list[list[Found]] = []
        waited: list[float] = []
        looks = list(self._looks(step))
        for number, (look, _) in enumerate(looks):
            progress(number / len(self.questions), f"{step.rung.title}: {number:,} of {len(self.questions):,} questions")
            told, ms = self._timed(look)
            found.append(told)
            waited.append(ms)
        places = [place_of(slugs(told), one.wanted) for told, one in zip(found, self.questions, strict=True) if one.wanted]
        right = [
            is_right(answer, one) for answer, one in zip(self._quoted(found, [again for _, again in looks]), self.questions, strict=True)
        ]
        asked_ms = float(np.median([one.ms for one in step.others.values()])) if step.others else 0.0
        return Hits(places, right, float(np.median(waited)) + asked_ms)

    def _timed(self, look: Callable[[], list[Found]]) -> tuple[list[Found], float]:
        """And how long it took where its vectors are known: looked for again where they were not."""
        while True:
            known, began = len(self._vectors), time.perf_counter()
            found = look()
            ms = (time.perf_counter() - began) * 1000
            if len(self._vectors) == known:
                return found, ms

    def answered(self, step: Step) -> list[tuple[Question, list[Found], extractive.Answer]]:
        """Each question with what is found for it on the step, and what is quoted of that."""
        looks = list(self._looks(step))
        found = [look() for look, _ in looks]
        return list(zip(self.questions, found, self._quoted(found, [again for _, again in looks]), strict=True))

    def _looks(self, step: Step) -> Iterator[tuple[Look, Again]]:
        """For each question, and how it is looked for once more by a model's words alone."""
        library = replace(shelf.current(step.combination), encode_asked=self.encode)
        self._orders = {}
        remembering: dict[int, Library] = {}  # each keeps what it learned
        for one in self.questions:
            held, part = library, TODAY if step.today else one.part
            if step.remembers:
                held = remembering.setdefault(part, libraries.with_memory(library, self._memory(library, part)))
            combination = self._ordered(held, one.part, step.combination) if step.learns else step.combination
            other = step.others.get(one.asked.text)
            lines = other.lines if other else ()
            instead = Asked.of(" ".join(lines), intent=one.asked.intent)
            yield (
                partial(find, held, one.asked, combination, lines),
                (instead.text, partial(find, held, instead, combination)) if lines else None,
            )

    def people_chose(self, library: Library) -> list[Pick]:
        """For other questions than these."""
        return choices(library, {one.asked.text for one in self.questions})

    def _chosen(self, library: Library, part: int) -> list[Pick]:
        """What people chose, and as if they had chosen for the questions of the other parts."""
        others = [Pick(one.asked, slug) for one in self.answerable if part not in (one.part, TODAY) for slug in sorted(one.wanted)]
        return [*self.people_chose(library), *others]

    def _memory(self, library: Library, part: int) -> Memory:
        if part not in self._memories:
            self._memories[part] = picks.memory(self._chosen(library, part), encode=self.encode, most=libraries.SENTENCES)
        return self._memories[part]

    def _ordered(self, held: Library, part: int, combination: Combination) -> Combination:
        if part not in self._orders:
            chosen = [Pick(one.asked, slug) for one in self.answerable if one.part != part for slug in sorted(one.wanted)]
            self._orders[part] = reranker.learned(held, chosen, combination)
        return self._orders[part]

    def _quoted(self, found: Sequence[list[Found]], once_more: Sequence[Again]) -> list[extractive.Answer]:
        """As `answerers.found_for` does it."""
        seen = [
            evidence.look(evidence.asked_now(one.messages), told, self.encode) for one, told in zip(self.questions, found, strict=True)
        ]  # fmt: skip
        sure = self._sure(seen)

        def decided(one: Evidence, question: Question) -> extractive.Answer:
            return extractive.decided(one, sure=sure[question.part], threshold=self.setup.threshold, pieces=shelf.pieces)

        quoted = [decided(one, question) for one, question in zip(seen, self.questions, strict=True)]
        for place, (question, again) in enumerate(zip(self.questions, once_more, strict=True)):
            if quoted[place].declined and again is not None:
                second = decided(evidence.look(again[0], again[1](), self.encode), question)
                quoted[place] = quoted[place] if second.declined else second
        return quoted

    def _sure(self, seen: Sequence[Evidence]) -> dict[int, surety.Surety | None]:
        """For each part. One that was learned may have learned from this very set: it is learned anew from the other parts."""
        parts = {one.part for one in self.questions}
        if not self.setup.surety:
            return dict.fromkeys(parts)
        target = surety.Surety.of_json(self.setup.surety).target
        judged = [
            surety.Judged(surety.signs(one), bool(one.articles) and one.articles[0].slug in asked.wanted, asked.customer)
            for one, asked in zip(seen, self.questions, strict=True)
        ]
        found: dict[int, surety.Surety | None] = {}
        for part in parts:
            others = [one for one, asked in zip(judged, self.questions, strict=True) if asked.part != part]
            found[part] = surety.fit(others, target=target)[0] if len(others) >= surety.FEWEST else None
        return found


def is_right(answer: extractive.Answer, one: Question) -> bool:
    """From a right article, or not at all where nothing covers it."""
    return not one.wanted if answer.declined else bool(answer.articles) and answer.articles[0] in one.wanted


def choices(library: Library, without: Collection[str]) -> list[Pick]:
    """What people chose, but for these texts."""
    pairs = zip(library.memory.questions, library.memory.slugs, strict=True)
    return [Pick(asked, slug) for asked, some in pairs if asked.text not in without for slug in some]


def once(encode: Encode, known: dict[str, NDArray[np.float32]]) -> Encode:
    """The same, each text once: what is read of articles is read on every rung again."""

    def encoded(texts: Sequence[str]) -> NDArray[np.float32]:
        if new := [text for text in dict.fromkeys(texts) if text not in known]:
            known.update(zip(new, encode(new), strict=True))
        return np.stack([known[text] for text in texts]) if texts else encode([])

    return encoded


def find(library: Library, asked: Asked, combination: Combination, extra: Sequence[str] = ()) -> list[Found]:
    """As a customer's question is looked for."""
    most, each = answerers.MOST_FOUND, shelf.PER_ARTICLE
    found = searching.search(library, asked, combination, most=2 * most, per_article=each, extra=extra)
    return [one for one in found if one.passage.audience != articles.STAFF][: most * each]


def slugs(found: Sequence[Found]) -> list[str]:
    return list(dict.fromkeys(one.passage.slug for one in found))


def place_of(found: Sequence[str], wanted: Collection[str]) -> int | None:
    return next((place for place, slug in enumerate(found[:FIRST]) if slug in wanted), None)
