"""The words that a text is found by. One function writes them for what is stored and for what is asked, on both engines."""

import re
import unicodedata
from collections.abc import Iterable

LONGEST_WORD, LONGEST_TEXT = 80, 200_000  # characters; PostgreSQL keeps no more than 1 MB of words a row
# Chinese, Japanese and Thai put no space between words: there each sign is a word, and a word of two signs is found as a phrase
WORD = re.compile(
    r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W_\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)
ASCII_WORD = re.compile(r"[a-z0-9]+")


def of(text: str) -> list[str]:
    """Letters and digits in small letters, without accents; nothing else."""
    text = text[:LONGEST_TEXT]
    if text.isascii():
        found = ASCII_WORD.findall(text.lower())
    else:
        plain = unicodedata.normalize("NFKD", text).casefold()
        found = WORD.findall("".join(letter for letter in plain if not unicodedata.combining(letter)))
    return [word[:LONGEST_WORD] for word in found]


def document(subject: str | None, texts: Iterable[str], people: Iterable[str], tags: Iterable[str]) -> str:
    """The words of a whole conversation. Between two messages stands a mark, so that no phrase runs across."""
    spoken = f" {BREAK} ".join(" ".join(of(text)) for text in [subject or "", *texts])
    names = {word for name in people for word in (marked(PERSON, name), *(PERSON + part for part in of(name)))}
    told = [*sorted(names), *sorted({marked(TAG, str(tag)) for tag in tags})]
    return f"{spoken[:LONGEST_TEXT]} {BREAK} {' '.join(told)}"


BREAK = "\ue000"  # of a part of Unicode that no text uses
PERSON = "\ue001"  # before a word: it names who answered
TAG = "\ue002"


def marked(mark: str, text: str) -> str:
    """A name or tag as one word that no text holds by itself."""
    return mark + "".join(of(text))[:LONGEST_WORD]
