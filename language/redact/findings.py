"""What is found in a text, and the placeholder that stands in its place."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

KINDS = ("card", "iban", "email", "phone", "url", "ip", "id", "address", "name", "secret")
PLACEHOLDER = re.compile(rf"‹(?:{'|'.join(kind.upper() for kind in KINDS)}) [1-9][0-9]{{0,4}}›")
LETTER = re.compile(r"[^\W\d_]")
GAP = "\ue000"  # stands for what is masked while the rest is searched: no letter, no digit, no space


@dataclass(frozen=True)
class Finding:
    kind: str  # one of KINDS
    value: str  # normalised, so that the same card written in two ways is one value
    start: int
    end: int


def placeholder(kind: str, number: int) -> str:
    return f"‹{kind.upper()} {number}›"


def is_called(words: re.Pattern[str], text: str, place: int, signs: int) -> bool:
    """Whether the words stand in the signs before that place. Without a letter there is no word, which is quickly seen."""
    before = text[max(0, place - signs) : place]
    return LETTER.search(before) is not None and words.search(before) is not None


@cache
def listed(name: str) -> frozenset[str]:
    """The words of one of the lists beside this module."""
    lines = Path(__file__).with_name(f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def these(words: str) -> frozenset[str]:
    return frozenset(words.split())
