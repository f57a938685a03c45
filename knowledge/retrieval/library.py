"""All passages in force, ready to be searched. A value: a published article makes another of it, and only that article is worked on.

The first part holds nearly everything; what is published afterwards stands in small parts beside it, and what is no longer in force is
masked. Small parts are put together from time to time, and everything is built anew when half of the first one is masked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from knowledge import passages
from knowledge.passages import Chunking, Passage, Published
from knowledge.retrieval import entities, expansion, keyword, picks, stems, titles, tuned, vectors
from knowledge.retrieval.entities import Names, Words
from knowledge.retrieval.expansion import Synonyms
from knowledge.retrieval.keyword import Postings
from knowledge.retrieval.picks import Memory, Pick
from knowledge.retrieval.vectors import Encode

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
Progress = Callable[[float, str], None]

MOST_PARTS, SMALL = 8, 5_000  # small parts beside the first; passages of a part that is put together with others in a second
READ = 600  # characters of each article that names are looked for in: it says soon what it is about
SENTENCES = 6  # of a question from which somebody chose
AT_ONCE = 5_000  # passages encoded between two reports


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the articles, a line each, and their passages, one article's after another's."""

    articles: tuple[tuple[str, int], ...]  # slug and number
    areas: tuple[str, ...]
    passages: tuple[Passage, ...]
    starts: Places  # of each article's passages
    words: Postings  # of passages
    titles: Postings  # of articles
    worth: Floats  # what each title tells
    meanings: Floats | None  # of passages
    about: tuple[frozenset[Words], ...]


@dataclass(frozen=True, eq=False)
class Library:
    parts: tuple[Part, ...]
    alive: tuple[npt.NDArray[np.bool_], ...]  # which articles of each part are in force
    chunking: Chunking
    names: Names
    synonyms: Synonyms
    memory: Memory
    encode: Encode | None
    encode_asked: Encode | None

    @cached_property
    def in_force(self) -> npt.NDArray[np.bool_]:
        return np.concatenate([*self.alive, np.zeros(0, bool)])

    @cached_property
    def keys(self) -> list[tuple[str, int]]:
        """Slug and number of every article, also of masked ones, in the order in which they are scored."""
        return [key for part in self.parts for key in part.articles]

    @cached_property
    def places(self) -> dict[str, int]:
        """Where an article stands among them."""
        return {key[0]: place for place, key in enumerate(self.keys) if self.in_force[place]}

    @cached_property
    def areas(self) -> list[str]:
        return [area for part in self.parts for area in part.areas]

    @cached_property
    def named(self) -> dict[Words, Places]:
        """The articles about each name."""
        found: dict[Words, list[int]] = {}
        for place, about in enumerate(one for part in self.parts for one in part.about):
            for name in about:
                found.setdefault(name, []).append(place)
        return {name: np.array(places, np.int64) for name, places in found.items()}

    @cached_property
    def tuned(self) -> Floats | None:
        """The matrix that the choices taught."""
        wanted = {slug for slugs in self.memory.slugs for slug in slugs if slug in self.places}
        rows = {slug: self._meanings_of(self.places[slug]) for slug in sorted(wanted)}
        return tuned.learned(self.memory, {slug: found for slug, found in rows.items() if found is not None})

    def _meanings_of(self, place: int) -> Floats | None:
        part, inside = self.passages_of(place)
        return None if part.meanings is None else part.meanings[inside.start : inside.stop]

    @property
    def articles(self) -> int:
        return int(self.in_force.sum())

    @property
    def size(self) -> int:
        """Passages, masked ones too: what a search goes through."""
        return sum(len(part.passages) for part in self.parts)

    def passages_of(self, place: int) -> tuple[Part, range]:
        """Of the article at this place: its part, and where in that its passages stand."""
        for part in self.parts:
            if place < len(part.articles):
                end = int(part.starts[place + 1]) if place + 1 < len(part.articles) else len(part.passages)
                return part, range(int(part.starts[place]), end)
            place -= len(part.articles)
        raise IndexError(place)


@dataclass(frozen=True)
class Stood:
    """Where a rung put the article, and what that added to its score."""

    place: int  # 1: first
    added: float


@dataclass(frozen=True)
class Found:
    passage: Passage
    score: float
    stood: Mapping[str, Stood]  # rung -> where it put the article
    words: float  # BM25 of this passage
    cosine: float | None  # of this passage to the question; None: there is no encoder


def build(
    published: Iterable[Published],
    *,
    chunking: Chunking | None = None,
    encode: Encode | None = None,  # of passages
    encode_asked: Encode | None = None,  # of questions, if that is another: nobody asks the same again, so their vectors are not kept
    chosen: Iterable[Pick] = (),
    progress: Progress = lambda _share, _doing: None,
) -> Library:
    """From all articles in force."""
    cut = chunking or Chunking()
    every = list(published)
    names = entities.mined([one.title for one in every], (one.text[:READ] for one in every))
    synonyms = expansion.mined(one.text for one in every)
    part = _part(every, cut, encode, names, progress=progress)
    memory = picks.memory(chosen, encode=encode_asked or encode, most=SENTENCES)
    parts, alive = ((part,), (np.ones(len(part.articles), bool),)) if part.articles else ((), ())
    return Library(parts, alive, cut, names, synonyms, memory, encode, encode_asked or encode)


def updated(library: Library, published: Sequence[Published]) -> Library:
    """The library for the articles that are in force now. Only what was not in it is cut, counted and encoded; of what it holds already
    nothing but slug and number is looked at."""
    wanted = {(one.slug, one.number) for one in published}
    alive = tuple(
        mask & np.array([key in wanted for key in part.articles], bool) for part, mask in zip(library.parts, library.alive, strict=True)
    )
    held = {
        key for part, mask in zip(library.parts, alive, strict=True) for key, is_alive in zip(part.articles, mask, strict=True) if is_alive
    }
    new = [one for one in published if (one.slug, one.number) not in held]
    if not new and all(np.array_equal(one, other) for one, other in zip(alive, library.alive, strict=True)):
        return library
    if not held:
        return replace(
            build(published, chunking=library.chunking, encode=library.encode, encode_asked=library.encode_asked), memory=library.memory
        )
    names = entities.joined(library.names, entities.mined([one.title for one in new], (one.text[:READ] for one in new)))
    part = _part(new, library.chunking, library.encode, names, base=library.parts[0])
    grown = replace(library, names=names, parts=(*library.parts, part), alive=(*alive, np.ones(len(part.articles), bool)))
    return _tidied(grown if part.articles else replace(grown, parts=library.parts, alive=alive))


def _tidied(library: Library) -> Library:
    """Small parts become one, and all of them where half of the first is masked. Nothing is encoded again."""
    first = library.alive[0]
    if first.sum() * 2 < len(first):
        every = _joined(library.parts, library.alive, library.names)
        return replace(library, parts=(every,), alive=(np.ones(len(every.articles), bool),))
    small = [place for place in range(1, len(library.parts)) if len(library.parts[place].passages) <= SMALL]
    if len(small) <= MOST_PARTS:
        return library
    one = _joined(
        [library.parts[place] for place in small], [library.alive[place] for place in small], library.names, base=library.parts[0]
    )
    kept = [place for place in range(len(library.parts)) if place not in small]
    return replace(
        library, parts=(*(library.parts[place] for place in kept), one),
        alive=(*(library.alive[place] for place in kept), np.ones(len(one.articles), bool)),
    )  # fmt: skip


def _joined(parts: Sequence[Part], alive: Sequence[npt.NDArray[np.bool_]], names: Names, *, base: Part | None = None) -> Part:
    """One part of several, of what is in force."""
    cut: list[tuple[Passage, ...]] = []
    rows: list[Floats] = []
    for part, mask in zip(parts, alive, strict=True):
        ends = [*part.starts[1:].tolist(), len(part.passages)]
        for start, end, is_alive in zip(part.starts.tolist(), ends, mask.tolist(), strict=True):
            if is_alive:
                cut.append(part.passages[start:end])
                rows += [part.meanings[start:end]] if part.meanings is not None else []
    return _assembled(cut, np.concatenate(rows) if rows else None, names, base)


def with_picks(library: Library, chosen: Iterable[Pick]) -> Library:
    """The same articles, and what people chose meanwhile."""
    return replace(library, memory=picks.memory(chosen, encode=library.encode_asked, most=SENTENCES))


def with_memory(library: Library, memory: Memory) -> Library:
    return replace(library, memory=memory)


def _part(
    published: Iterable[Published],
    chunking: Chunking,
    encode: Encode | None,
    names: Names,
    *,
    base: Part | None = None,
    progress: Progress = lambda _share, _doing: None,
) -> Part:
    """Of articles that hold a word."""
    cut = [tuple(pieces) for one in published if (pieces := passages.cut(one, chunking))]
    return _assembled(cut, _encoded([passage for pieces in cut for passage in pieces], encode, progress), names, base)


def _assembled(cut: Sequence[tuple[Passage, ...]], meanings: Floats | None, names: Names, base: Part | None) -> Part:
    """Of each article's passages. Where there is a first part, words are as rare as they are there."""
    every = tuple(passage for pieces in cut for passage in pieces)
    heads = [pieces[0] for pieces in cut]
    starts = np.cumsum([0, *(len(pieces) for pieces in cut)])[:-1].astype(np.int64)
    words = keyword.build((stems.of(one.told) for one in every), usual=base.words.usual if base else 0.0)
    said = [stems.of(head.title) for head in heads]
    headed = keyword.build(said, usual=base.titles.usual if base else 0.0)
    rarity = keyword.rarity({word for title in said for word in title}, [headed, *([base.titles] if base else [])])
    return Part(
        tuple((head.slug, head.number) for head in heads), tuple(head.area for head in heads), every, starts, words, headed,
        titles.worth(said, rarity), meanings, tuple(names.about(head.title, head.text) for head in heads),
    )  # fmt: skip


def _encoded(every: Sequence[Passage], encode: Encode | None, progress: Progress) -> Floats | None:
    if encode is None or not every:
        return None
    rows: list[Floats] = []
    for start in range(0, len(every), AT_ONCE):
        progress(start / len(every), f"{start:,} of {len(every):,} passages encoded")
        part = vectors.of([one.told for one in every[start : start + AT_ONCE]], encode)
        rows += [part] if part is not None else []
    return np.concatenate(rows)
