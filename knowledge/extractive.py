"""The answer that needs no model: a few sentences of articles, word for word, each with its passage; or silence.

The nearest article speaks. What it says is chosen by how near its sentences come to the question and which of its words they hold, and told
in the order in which it stands there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

from evals.graders.values import cut
from knowledge import evidence, quotable, surety
from knowledge.evidence import Article, Candidate, Encode, Evidence, Seen
from knowledge.passages import CELLS, Passage
from knowledge.surety import Surety

MOST_SENTENCES, MOST_ARTICLES = 4, 2
WORTH = 0.72  # a further sentence comes so near to the question, measured by the nearest one ...
NEW = 0.12  # ... or adds so much of the question's words that no sentence before it held
SECOND = 0.25  # a second article adds so much
BY_WORDS, BY_HEADING = 0.45, 0.8  # what the words count beside the likeness; what the heading above a sentence counts beside the sentence
ASKING = 0.6  # a question is seldom an answer
LONGEST = 1_600  # characters of an answer that is no ready reply
MACRO = "macro"  # a ready reply: quoted whole
DECLINED = "I should not answer this: nothing we know covers it."

Pieces = Callable[[Passage], Sequence[Passage]]  # all passages of its article's version, in their order


@dataclass(frozen=True)
class Said:
    """One sentence of an answer, or a list with the words that lead to it."""

    text: str
    passage: Passage
    quote: str  # word for word in the passage


@dataclass(frozen=True)
class Answer:
    sentences: tuple[Said, ...]
    confidence: float
    declined: bool
    why: str  # in words
    nearest: str = ""  # the slug of the nearest article, also where it declines

    @property
    def reply(self) -> str:
        """The sentences as one text; what is no running text begins a line."""
        told = ""
        for before, said in zip((None, *self.sentences), self.sentences, strict=False):
            runs_on = before is not None and before.passage.slug == said.passage.slug and _runs_on(before.text, said.text)
            told += (" " if runs_on else "\n" if told else "") + said.text
        return told or DECLINED

    @property
    def articles(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(said.passage.slug for said in self.sentences))

    def as_output(self) -> dict[str, Any]:
        """As graders read it."""
        sources = [
            {
                "quote": said.quote, "text": said.passage.text, "title": said.passage.title, "article": said.passage.slug,
                "number": said.passage.number,
            }
            for said in self.sentences
        ]  # fmt: skip
        return {
            "reply": self.reply, "sources": sources, "articles": list(self.articles), "declined": self.declined,
            "confidence": round(self.confidence, 4),
        }  # fmt: skip


def _runs_on(before: str, text: str) -> bool:
    return before.rstrip("\"')”’")[-1:] in tuple(".!?…") and "\n" not in before + text and text[:1].isupper()


def answer(
    question: str,
    found: Sequence[Candidate],
    *,
    encode: Encode | None = None,
    sure: Surety | None = None,
    threshold: float | None = None,
    pieces: Pieces | None = None,
) -> Answer:
    """To a question in words (`evidence.asked_now` of a conversation), from what retrieval found, best first."""
    return decided(evidence.look(question, found, encode), sure=sure, threshold=threshold, pieces=pieces)


def decided(
    seen: Evidence, *, sure: Surety | None = None, threshold: float | None = None, pieces: Pieces | None = None
) -> Answer:  # fmt: skip
    """Whether it speaks, and what it says then."""
    signs = surety.signs(seen)
    if sure is None or not sure.reads(signs):  # the encoder is missing since
        sure = surety.shipped(vectors=seen.encoded)
    needed = sure.threshold if threshold is None else threshold
    if not seen.articles:
        return Answer((), 0.0, True, "Nothing was found that has to do with it.")
    nearest = seen.articles[0]
    confidence = sure.of(signs)
    title = cut(nearest.seen[0].passage.title if nearest.seen else nearest.slug)
    if confidence < needed:
        return Answer((), confidence, True, _too_unsure(title, confidence, needed), nearest.slug)
    said = _whole(nearest, pieces) if nearest.kind == MACRO else chosen(seen)
    if not said:
        return Answer((), confidence, True, f"'{title}' is about it, and holds no sentence that may be quoted.", nearest.slug)
    return Answer(said, confidence, False, f"'{title}' answers it, {floor(confidence * 100)}\u00a0% sure.", nearest.slug)


def _too_unsure(title: str, confidence: float, needed: float) -> str:
    at_least = (
        f"it answers from {min(100, _up(needed))}\u00a0% on" if needed <= 1 else "it answers nothing until enough questions are judged"
    )
    return f"Nothing we know surely covers it: the nearest article is '{title}', {floor(confidence * 100)}\u00a0% sure, and {at_least}."


def _up(share: float) -> int:
    return -floor(-share * 100)


# -- which sentences ----------------------------------------------------------------------------------------------------------------------


def chosen(seen: Evidence) -> tuple[Said, ...]:
    """One to four sentences of the nearest article, and where another adds what it does not say, of that too."""
    first = _of_one(seen, seen.articles[0], frozenset(), MOST_SENTENCES, LONGEST)
    if not first:
        return ()
    covered = frozenset().union(*(one.holds for one in first))
    second = _second(seen, covered, MOST_SENTENCES - len(first), LONGEST - sum(len(one.part.text) for one in first))
    return tuple(_said(one) for one in (*first, *second))


def _of_one(seen: Evidence, article: Article, covered: frozenset[str], most: int, room: int) -> list[Seen]:
    """In the order of the article."""
    ranked = sorted(article.seen, key=lambda one: (-_worth(seen, one), one.passage.place, one.place))
    taken: list[Seen] = []
    for one in ranked:
        if len(taken) == most:
            break
        if len(one.part.text) > room or any(_same(one, other) for other in taken):
            continue
        if taken and not _adds(seen, one, taken, covered):
            continue
        taken.append(one)
        room -= len(one.part.text)
        covered |= one.holds
    return sorted(taken, key=lambda one: (one.passage.place, one.place))


def _worth(seen: Evidence, one: Seen) -> float:
    """How much it says to the question."""
    value = max(one.likeness, BY_HEADING * one.asks) + BY_WORDS * seen.covered(one.holds)
    return value * ASKING if one.part.text.rstrip("\"')").endswith("?") else value


def _adds(seen: Evidence, one: Seen, taken: Sequence[Seen], covered: frozenset[str]) -> bool:
    best = max(_worth(seen, other) for other in taken)
    return _worth(seen, one) >= WORTH * best or seen.covered(one.holds - covered) >= NEW


def _same(one: Seen, other: Seen) -> bool:
    """Windows of words overlap, so the same sentence may stand in two passages."""
    words, others = evidence.words_of(one.part.text), evidence.words_of(other.part.text)
    return len(words & others) >= 0.8 * min(len(words), len(others))


def _second(seen: Evidence, covered: frozenset[str], most: int, room: int) -> list[Seen]:
    if not most:
        return []
    others = [article for article in seen.articles[1:] if article.kind != MACRO and seen.covered(article.holds - covered) >= SECOND]
    if not others:
        return []
    adding = max(others, key=lambda article: (seen.covered(article.holds - covered), article.near))
    rows = [one for one in adding.seen if seen.covered(one.holds - covered) >= SECOND and len(one.part.text) <= room]
    return [max(rows, key=lambda one: _worth(seen, one))] if rows else []


def _said(one: Seen) -> Said:
    return Said(_in_running_text(one.part.text), one.passage, one.part.text)


def _in_running_text(text: str) -> str:
    """A table's row, as a person would write it to somebody."""
    return text.replace(CELLS, ", ")


def _whole(article: Article, pieces: Pieces | None) -> tuple[Said, ...]:
    """A ready reply, without what no answer may hold. A sentence that stands in two passages is said once."""
    passages = list(pieces(article.seen[0].passage)) if pieces and article.seen else []
    passages = passages or list(dict.fromkeys(one.passage for one in article.seen))
    said: dict[str, Said] = {}
    for passage in sorted(passages, key=lambda one: one.place):
        for text in quotable.lines(passage):
            said.setdefault(text, Said(_in_running_text(text), passage, text))
    return tuple(said.values())
