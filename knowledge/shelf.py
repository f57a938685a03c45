"""What is published, ready to be searched in this process: built when it is first asked for, mended when something is published."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlmodel import col, func, select

from data import config, encoding, store, vectors
from data.tables import Trace
from knowledge import ANSWERER, articles, in_force, passages, quotable
from knowledge.passages import Chunking, Passage, Published
from knowledge.retrieval import library, searching
from knowledge.retrieval.asked import Asked
from knowledge.retrieval.combination import Combination
from knowledge.retrieval.library import Found, Library
from knowledge.retrieval.picks import Pick
from language.encoder import Encodes

MOST_PICKS = 5_000  # the newest choices of people
PER_ARTICLE = 3  # passages of each article that an answer may be made of
STEP = 1_000  # texts encoded at once

Progress = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class Shelf:
    library: Library
    stamp: str  # of what was published when it was put together
    picks: int  # choices that it knows


_shelves: dict[tuple[str, str, str, Chunking], Shelf] = {}
_one_at_a_time = Lock()  # of two who ask first, one builds


def find(
    messages: Sequence[Mapping[str, Any]], combination: Combination, *, intent: str = "", for_staff: bool = False, most: int = 20,
    extra: Sequence[str] = (),
) -> list[Found]:  # fmt: skip
    """The passages that fit what is asked at the end of the messages, the best first. What is for staff no customer's question finds.
    `extra` is what is asked in other words."""
    shelf = _of(combination.chunking)
    return _among(shelf.library, messages, combination, intent, for_staff, most, extra)


def _among(
    shelf: Library, messages: Sequence[Mapping[str, Any]], combination: Combination, intent: str, for_staff: bool, most: int,
    extra: Sequence[str] = (),
) -> list[Found]:  # fmt: skip
    asked = Asked.of([(str(one.get("role")), str(one.get("text") or "")) for one in messages], intent=intent)
    wanted = most
    while True:
        found = searching.search(shelf, asked, combination, most=wanted, per_article=PER_ARTICLE, extra=extra)
        told = [one for one in found if for_staff or one.passage.audience != articles.STAFF]
        if len(told) == len(found) or _count(told) >= most or _count(found) < wanted:
            return told[: most * PER_ARTICLE]
        wanted *= 4  # what is for staff fits better: a customer's answer may stand behind all of it


def _count(found: Sequence[Found]) -> int:
    return len({one.passage.slug for one in found})


def changed_library(changed: Sequence[Published], combination: Combination) -> Library:
    shelf = _of(combination.chunking)
    numbers = in_force.numbers() | {one.slug: one.number for one in changed}
    others = in_force.published((slug, number) for slug, number in numbers.items() if slug not in {one.slug for one in changed})
    return library.updated(shelf.library, [*others, *changed])


def in_library(
    shelf: Library, messages: Sequence[Mapping[str, Any]], combination: Combination, *, for_staff: bool = False, most: int = 20
) -> list[Found]:  # fmt: skip
    return _among(shelf, messages, combination, "", for_staff, most)


def current(combination: Combination) -> Library:
    return _of(combination.chunking).library


def pieces(passage: Passage) -> list[Passage]:
    """All passages of its article's version, in their order, cut as it was: what is quoted is found again where it stands. Windows begin
    within the one before, so a text that is to be read once is read in one piece."""
    found = in_force.published([(passage.slug, passage.number)])
    if not found:
        return [passage]
    known = dict.fromkeys([Chunking(), *(chunking for *_, chunking in _shelves)])
    cuts = (passages.cut(found[0], chunking) for chunking in known if chunking.how != "window")
    return next((made for made in cuts if passage in made), None) or passages.cut(found[0], Chunking("whole"))


def _of(chunking: Chunking) -> Shelf:
    encoder = encoding.in_force()
    here = config.settings()
    key = (str(here.home.absolute()), here.database_url, encoder.name if encoder else "", chunking)
    stamp, chosen = in_force.stamp(), _picked()
    shelf = _shelves.get(key)
    if shelf is not None and (shelf.stamp, shelf.picks) == (stamp, chosen):
        return shelf
    with _one_at_a_time:
        shelf = _shelves.get(key)
        if shelf is None or (shelf.stamp, shelf.picks) != (stamp, chosen):
            shelf = _mended(shelf, stamp, chosen, chunking, encoder)
            _shelves[key] = shelf
        return shelf


def _mended(shelf: Shelf | None, stamp: str, chosen: int, chunking: Chunking, encoder: Encodes | None) -> Shelf:
    numbers = in_force.numbers()
    if shelf is None:
        encode = (lambda texts: vectors.kept(texts, encoder)) if encoder else None
        asked = (lambda texts: vectors.of(texts, encoder)) if encoder else None
        made = library.build(in_force.published(numbers.items()), chunking=chunking, encode=encode, encode_asked=asked, chosen=_picks())
        return Shelf(made, stamp, chosen)
    made = shelf.library
    if shelf.stamp != stamp:
        held = {key for key, is_there in zip(made.keys, made.in_force, strict=True) if is_there}
        new = {one.slug: one for one in in_force.published(key for key in numbers.items() if key not in held)}
        made = library.updated(made, [new.get(slug) or _known(slug, number) for slug, number in numbers.items()])
    if shelf.picks != chosen:
        made = library.with_picks(made, _picks())
    return Shelf(made, stamp, chosen)


def _known(slug: str, number: int) -> Published:
    """One that the library holds already: of it only the name is read."""
    return Published(slug, number, "", "")


# -- what people chose --------------------------------------------------------------------------------------------------------------------

_GOOD = ("accepted", "helped")


def _picked() -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).where(Trace.target_kind == ANSWERER, col(Trace.outcome).in_(_GOOD))).one()


def _picks() -> list[Pick]:
    """A person took the answer: what it was made of answers that question."""
    query = select(Trace.said).where(Trace.target_kind == ANSWERER, col(Trace.outcome).in_(_GOOD))
    with store.reading() as db:
        rows = list(db.exec(query.order_by(col(Trace.at).desc()).limit(MOST_PICKS)))
    return [Pick(Asked.of(said["question"]), said["articles"][0]) for said in rows if said and said.get("articles")]


# -- before it is published ---------------------------------------------------------------------------------------------------------------


def prepare(published: Sequence[Published], chunking: Chunking, *, progress: Progress = lambda _share, _doing: None) -> int:
    """Encode what will be looked at, in background work: nobody who asks waits for it. How many texts it has."""
    encoder = encoding.in_force()
    if encoder is None or encoder.is_fallback:
        return 0
    texts = list(dict.fromkeys(text for one in published for passage in passages.cut(one, chunking) for text in _texts(passage)))
    for start in range(0, len(texts), STEP):
        progress(start / len(texts), f"{start:,} of {len(texts):,} sentences encoded")
        vectors.kept(texts[start : start + STEP], encoder)
    return len(texts)


def _texts(passage: Passage) -> list[str]:
    return [passage.told, passage.title, *(text for part in quotable.parts(passage) for text in (part.text, part.asks) if text)]
