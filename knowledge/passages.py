"""An article as retrieval reads it, and the passages into which it is cut: what is found, quoted and cited."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from data.errors import Refused

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

How = Literal["whole", "heading", "window"]
HOWS: dict[str, str] = {
    "whole": "Each article is one passage.",
    "heading": "Each part under a heading is a passage; a long part is cut further where a sentence ends.",
    "window": "Passages of equally many words, each beginning within the one before.",
}
MOST_TEXT = 500_000  # characters of an article that are read: hostile Markdown of that length takes seconds, not minutes
MOST_PASSAGES = 2_000  # of an article
LONG_WORD = 12  # signs: a text of longer ones has no spaces between words
STEP, CELLS = " › ", " | "  # between headings, and between the cells of a table's row
SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+|\n+")
UNSEEN = re.compile(
    r"<\s*(/?)\s*(script|style|template|noscript|title|textarea|iframe)\b", re.IGNORECASE
)  # between two such tags nothing is text


@dataclass(frozen=True)
class Published:
    """The version of an article that is in force."""

    slug: str
    number: int
    title: str
    text: str  # Markdown
    kind: str = "help"  # help, macro, policy
    audience: str = ""
    area: str = ""
    language: str = ""


@dataclass(frozen=True)
class Passage:
    """A piece of one version of an article, in plain words."""

    slug: str
    number: int
    place: int  # within the article
    title: str
    heading: str  # under which it stands, from the outermost: "Returns › Plants"; empty before the first
    text: str
    kind: str = "help"
    audience: str = ""
    area: str = ""

    @property
    def id(self) -> str:
        return f"{self.slug}@{self.number}#{self.place}"

    @property
    def told(self) -> str:
        """With what it stands under, as the encoder reads it. What is stored for this text is found again by it."""
        return "\n".join(part for part in (self.title, self.heading, self.text) if part)


@dataclass(frozen=True)
class Chunking:
    """How articles are cut into passages."""

    how: How = "heading"
    words: int = 160  # the longest passage; of "whole" it says nothing
    overlap: int = 40  # words that a window shares with the one before

    def __post_init__(self) -> None:
        if self.how not in HOWS:
            raise Refused(f"Not cut: articles are cut by {', '.join(HOWS)}, not by '{str(self.how)[:40]}'.")
        if not 20 <= self.words <= 2_000 or not (self.how != "window" or 0 <= self.overlap <= self.words // 2):
            raise Refused(
                f"Not cut: a passage has 20 to 2,000 words and shares at most half of them, not {self.words} and {self.overlap}. "
                "Change either."
            )


@dataclass(frozen=True)
class Block:
    """A paragraph, a list's item, a table's row: what a reader takes in at once."""

    heading: str
    text: str


def cut(published: Published, chunking: Chunking | How = "heading") -> list[Passage]:
    """In the article's order. An article without a word has no passage: nothing of it could be quoted."""
    asked = chunking if isinstance(chunking, Chunking) else Chunking(chunking)
    blocks = read(published.text)
    pieces = {"whole": _whole, "heading": _by_heading, "window": _windows}[asked.how](blocks, asked)
    return [
        Passage(published.slug, published.number, place, published.title, heading, text, published.kind, published.audience, published.area)
        for place, (heading, text) in zip(range(MOST_PASSAGES), pieces, strict=False)
    ]


def left_off(published: Published, chunking: Chunking | How = "heading") -> str:
    """What of a very long article is not found, in words; empty: all of it is found."""
    if len(published.text) > MOST_TEXT:
        return (
            f"Only the first {MOST_TEXT:,} of this article's {len(published.text):,} characters are found and quoted. "
            "Split it into several articles."
        )
    if len(cut(published, chunking)) == MOST_PASSAGES:
        return f"Only the first {MOST_PASSAGES:,} passages of this article are found and quoted. Split it into several articles."
    return ""


def read(markdown: str) -> list[Block]:
    """The plain words of a Markdown text. Pictures, raw HTML and what links point to are no words."""
    blocks: list[Block] = []
    path: list[tuple[int, str]] = []
    row: list[str] = []
    tokens = _reader().parse(markdown[:MOST_TEXT].replace("\0", ""))
    for before, token in zip([None, *tokens], tokens, strict=False):
        text = ""
        if token.type == "inline" and before is not None and before.type == "heading_open":
            level = int(before.tag[1:])
            path = [step for step in path if step[0] < level] + [(level, _spoken(token.children or []))]
        elif token.type == "inline" and before is not None and before.type in ("th_open", "td_open"):
            row.append(_spoken(token.children or []))
        elif token.type == "tr_close":
            text, row = CELLS.join(cell for cell in row if cell), []
        elif token.type in ("fence", "code_block"):
            text = token.content.strip()
        elif token.type == "inline":
            text = _spoken(token.children or [])
        if text:
            blocks.append(Block(STEP.join(name for _, name in path if name), text))
    return blocks


@cache
def _reader() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": True, "maxNesting": 20}).enable("table")
    made.validateLink = _any_target  # type: ignore[method-assign]
    return made


def _any_target(url: str) -> bool:
    """Links are read for their words alone. One that is refused would be left standing as text, target and all."""
    return True


def _spoken(tokens: "Sequence[Token]") -> str:
    """The words of a line: of a link its words, of a bare address, a picture and a tag nothing."""
    said: list[str] = []
    unseen = hidden = 0
    for token in tokens:
        if token.type == "html_inline" and (tag := UNSEEN.match(token.content)):
            hidden = max(0, hidden + (-1 if tag[1] else 1))
        unseen += {"link_open": 1, "link_close": -1}.get(token.type, 0) if token.markup == "autolink" else 0
        if token.type in ("text", "code_inline") and not unseen and not hidden:
            said.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            said.append("\n" if token.type == "hardbreak" else " ")
    return re.sub(r"[^\S\n]+", " ", "".join(said)).strip()


def _whole(blocks: Sequence[Block], _chunking: Chunking) -> Iterator[tuple[str, str]]:
    if blocks:
        yield "", "\n".join(_with_headings(blocks))


def _with_headings(blocks: Sequence[Block]) -> Iterator[str]:
    for heading, under in groupby(blocks, key=lambda block: block.heading):
        if heading:
            yield heading.split(STEP)[-1]
        yield from (block.text for block in under)


def _by_heading(blocks: Sequence[Block], chunking: Chunking) -> Iterator[tuple[str, str]]:
    for heading, under in groupby(blocks, key=lambda block: block.heading):
        pieces = [piece for block in under for piece in _short(block.text, chunking.words)]
        for together in _filled(pieces, chunking.words):
            yield heading, "\n".join(together)


def _filled(pieces: Sequence[str], most: int) -> Iterator[list[str]]:
    """As many pieces together as there is room for."""
    together: list[str] = []
    count = 0
    for piece in pieces:
        size = _size(piece)
        if together and count + size > most:
            yield together
            together, count = [], 0
        together.append(piece)
        count += size
    if together:
        yield together


def _size(text: str) -> int:
    """In words; where a language puts no space between them, in signs."""
    return max(len(text.split()), len(text) // LONG_WORD)


def _short(text: str, most: int) -> list[str]:
    """A text whole, or by sentences, or where a sentence is longer still, by words or signs."""
    if _size(text) <= most:
        return [text]
    sentences = [sentence.split() for sentence in SENTENCE.split(text) if sentence.strip()]
    pieces = [" ".join(words[start : start + most]) for words in sentences for start in range(0, len(words), most)]
    return [piece[start : start + most * LONG_WORD] for piece in pieces for start in range(0, len(piece), most * LONG_WORD)]


def _windows(blocks: Sequence[Block], chunking: Chunking) -> Iterator[tuple[str, str]]:
    """Each stands under the heading of its first word."""
    words = [(word, block.heading) for block in blocks for word in block.text.split()]
    if sum(_size(block.text) for block in blocks) > 2 * len(words):  # a language without spaces has no windows of words
        yield from _by_heading(blocks, chunking)
        return
    step = chunking.words - chunking.overlap
    for start in range(0, max(len(words) - chunking.overlap, 1), step):
        window = words[start : start + chunking.words]
        if window:
            yield window[0][1], " ".join(word for word, _ in window)
