"""The words that articles are found by: without endings, so that 'refunded' finds 'refunds', and without those that say nothing."""

import re
from functools import lru_cache

from language import words

SILENT_WORDS = """
    a about all also am an and any are as at be been being but by can could did do does for from had has have he her him his how i if in
    into is it its just me my no not of on or our she should so than that the their them then there they this to up us was we were what
    when where which who will with would yes you your hi hello thanks thank please ok okay
"""
SILENT = frozenset(SILENT_WORDS.split())
ENDINGS = (
    ("ies", "y"), ("ied", "y"), ("sses", "ss"), ("ings", ""), ("ing", ""), ("edly", ""), ("ed", ""), ("es", ""), ("ly", ""),
    ("s", ""),
)  # fmt: skip
SHORT, SHORTEST = 4, 3  # letters of a word that is left alone, and of what must be left of one
SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"'”’)*]*\s+|\n+")


def of(text: str) -> list[str]:
    return [stem(word) for word in words.of(text) if word not in SILENT]


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Light on purpose: it may leave two forms apart, and seldom makes one of two words."""
    if len(word) < SHORT or not word.isalpha() or not word.isascii():
        return word
    for ending, instead in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST and not (ending == "s" and word.endswith(("ss", "us", "is"))):
            word = word[: -len(ending)] + instead
            break
    if len(word) > SHORTEST and word[-1] == word[-2] and word[-1] not in "aeilosuz":
        word = word[:-1]  # shipp(ing) is ship
    return word[:-1] if len(word) > SHORT and word.endswith("e") else word


def sentences(text: str, *, fewest: int = 3) -> list[str]:
    """Those of so many words or more; what is shorter asks for nothing by itself."""
    return [one.strip() for one in SENTENCE.split(text) if len(one.split()) >= fewest]
