"""Which sentences of a passage may be quoted: whole ones, in plain words, that tell a person something and instruct no machine."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

import re2

from evals.graders import tokens
from knowledge.passages import CELLS, STEP, Passage

FEWEST_WORDS, BARE_SENTENCE, FULL_SENTENCE = 3, 4, 9  # words; from so many on, one without a full stop is no heading either
LONGEST, MOST_ITEMS = 900, 12  # characters; and items of a list
ENDS = frozenset(".!?…。！？;")
MOST = 200  # of one passage

# what would be more than text wherever it is shown: links, images, HTML, also half of one
MARKUP = re2.compile(
    r"(?i)!\[|\]\s?\(|\]\s?\[|\]:|<[a-z/!?]|://|\bwww\.|\b(?:javascript|vbscript|data|mailto|file):\S|&(?:#\w+|lt|gt|quot);"
    r"|\b[\w-]+(?:\.[\w-]+)+[/?]\S"
)
# what speaks to a program and not to a person: names of tools, calls, and orders to a model
FOR_MACHINES = re2.compile(
    r"(?i)\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b|\b\w+\(\)|\{\s*[\"']"
    r"|\b(?:call|invoke|run|execute|trigger) (?:[\w-]+ ){0,4}?tools?\b"
    r"|\b(?:call|invoke|run|execute|use|trigger) (?:[\w-]+ ){0,4}?(?:functions?|apis?|endpoints?|webhooks?)\b"
    r"|\b(?:ignore|disregard|forget|override|bypass)\b[^.!?]{0,60}"
    r"\b(?:instructions?|rules?|prompts?|guidelines?|polic(?:y|ies)|above|previous|everything|safeguards?)\b"
    r"|\b(?:ignorier\w*|vergiss|missachte\w*)\b[^.!?]{0,60}\b(?:anweisung\w*|regeln?|vorgaben?|alles)\b"
    r"|\b(?:system|developer|hidden) (?:prompts?|messages?)\b|\b(?:new|secret|hidden|special) (?:instructions?|rules?) (?:for|to)\b"
    r"|\byou are (?:now |really )?(?:an? )?(?:\w+ )?(?:ai|assistant|chatbot|bot|language model|llm|dan)\b"
    r"|\b(?:as|dear|hey|attention|note to|to the|if you are) (?:an? |the |any |all )?(?:\w+ )?"
    r"(?:ai|llms?|language models?|chatbots?|assistants?)\b"
    r"|^\s*(?:system|assistant|user|developer|tool)\s*:"
)


@dataclass(frozen=True)
class Part:
    """A sentence, or a list with the words that lead to it: half the steps would mislead."""

    text: str  # word for word
    asks: str = ""  # the question or heading that it stands under


def sayable(text: str) -> bool:
    """Whether it is nothing but words to a person."""
    return not (MARKUP.search(text) or FOR_MACHINES.search(text) or any(map(_hidden, text)))


def _hidden(sign: str) -> bool:
    """Not seen by whoever approves it, such as tags and marks that turn the direction; joiners belong to some scripts."""
    if sign.isascii() or sign in "\u00ad\u200c\u200d":
        return False
    return sign >= "\U000e0000" or unicodedata.category(sign) in ("Cf", "Co", "Cs")


@lru_cache(maxsize=20_000)
def parts(passage: Passage) -> tuple[Part, ...]:
    """What of a passage may be quoted, in its order."""
    own = {tokens.plain(told) for told in (passage.title, *passage.heading.split(STEP))}
    found: list[Part] = []
    asks = passage.heading.split(STEP)[-1]
    fewest = _fewest(passage.text)
    for text, is_list in _pieces(passage.text):
        if tokens.plain(text) in own or not (is_list or _whole(text, fewest)):
            asks = asks if text.rstrip().endswith(":") else text  # a heading that stands in the text
            continue
        found.append(Part(text, asks))
        asks = text if _is_question(text) else asks
    said = [part for part in found if sayable(part.text) and len(tokens.of(part.text)) >= FEWEST_WORDS and len(part.text) <= LONGEST]
    return tuple(said[:MOST])


def lines(passage: Passage) -> list[str]:
    """All that is said in it: of a ready reply."""
    return [line.strip() for line in passage.text.splitlines() if line.strip() and sayable(line)]


def texts(passage: Passage) -> list[str]:
    """What of a passage is looked at by the encoder: stored when it is published, a question need not wait for them."""
    found = parts(passage)
    return list(dict.fromkeys([passage.title, *(part.asks for part in found if part.asks), *(part.text for part in found)]))


def _is_question(text: str) -> bool:
    return text.rstrip("\"')”’").endswith("?")


def _fewest(text: str) -> int:
    """Words of a sentence without a full stop. Where hardly any line has one, that is how the article is written."""
    ended = [_end(line) in ENDS for line in text.splitlines() if len(line.split()) >= FEWEST_WORDS]
    return FULL_SENTENCE if sum(ended) * 2 >= len(ended) else BARE_SENTENCE


def _whole(text: str, fewest: int) -> bool:
    """A sentence, and neither a heading nor words that lead to what is not quoted with them; a table's row where it tells a number."""
    if CELLS in text:
        return bool(tokens.numbers(tokens.of(text)))
    return _end(text) != ":" and (_end(text) in ENDS or len(tokens.of(text)) >= fewest)


def _end(text: str) -> str:
    return text.rstrip("\"')”’* ")[-1:]


def _pieces(text: str) -> Iterable[tuple[str, bool]]:
    """Sentences, and lists with the words that lead to them."""
    left = [line.strip() for line in text.splitlines() if line.strip()]
    while left:
        line = left.pop(0)
        *sentences, last = tokens.sentences(line) or [""]
        yield from ((sentence, False) for sentence in sentences)
        items = _items(left) if last.rstrip("* ").endswith(":") else []
        whole = "\n".join([last, *items])
        if items and len(whole) <= LONGEST:
            yield whole, True
            del left[: len(items)]
        elif last:
            yield last, bool(tokens.ITEM.match(line)) and not last.endswith(":")


def _items(lines: list[str]) -> list[str]:
    """The lines that are a list: one sentence each, and all of them ended alike. A long list is none: its lines stand for themselves."""
    if not lines:
        return []
    alike = lines[0][-1] in ENDS
    found = list(takewhile(lambda line: (line[-1] in ENDS) == alike and line[-1] != ":" and len(tokens.sentences(line)) == 1, lines))
    return found if len(found) <= MOST_ITEMS else []
