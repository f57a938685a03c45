"""A text as words and numbers, and as sentences: what two texts are compared by."""

import re
import unicodedata
from collections.abc import Sequence

from language import words

# digits at the beginning of a word: 30, 1,200.50, 10:30, 5kg; in AB1234 they are a part of the word
NUMBER = re.compile(r"(?<!\w)[0-9]+(?:[.,:][0-9]+)*")
QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"') | dict.fromkeys("‘’‚‛`´", "'"))
ITEM = re.compile(r"^\s*(?:[-*•–]|[0-9]{1,2}[.)])\s+")  # how the line of a list begins
ABBREVIATED = r"(?<!\b[NnDM]r\.)(?<!\bNo\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\b[zduo]\.)"
END = re.compile(rf"(?<=[.!?…]){ABBREVIATED}[\"')]*\s+(?![a-zäöüß])|(?<=[。！？])")


def of(text: str) -> list[str]:
    """Words in small letters without accents, and numbers by their value: 1,200.00 is 1200, and 30.5 does not hold 30."""
    text = unicodedata.normalize("NFKC", text)
    found: list[str] = []
    done = 0
    for number in NUMBER.finditer(text):
        found += [*words.of(text[done : number.start()]), _value(number[0])]
        done = number.end()
    return found + words.of(text[done:])


def _value(told: str) -> str:
    """The same for every way of writing it. What is a date, a time or a version stays as it is."""
    parts, marks = re.split(r"[.,]", told), [sign for sign in told if sign in ".,"]
    if not marks or ":" in told:
        return told
    grouped = all(len(part) == 3 for part in parts[1:-1]) and len(parts[0]) <= 3 and parts[0][0] != "0"
    if grouped and len(set(marks)) == 1 and len(parts[-1]) == 3:  # 1,200 and 1.200.000
        return "".join(parts)
    if len(marks) == 1 or (grouped and len(set(marks[:-1])) == 1 and marks[-1] != marks[0]):  # 30.50 and 1.200,50
        return f"{''.join(parts[:-1])}.{parts[-1]}".rstrip("0").rstrip(".")
    return told


def numbers(found: Sequence[str]) -> set[str]:
    return {token for token in found if token[0].isdigit()}


def holds(text: str, part: str) -> bool:
    """Whether the words and numbers of the part stand in the text, one after the other."""
    wanted = of(part)
    if not wanted:  # signs alone, such as a heart
        return plain(part) in plain(text)
    return f" {' '.join(wanted)} " in f" {' '.join(of(text))} "


def plain(text: str) -> str:
    """The text itself, however its quotes, its spaces and its capitals are written."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(QUOTES).casefold().split())


def sentences(text: str) -> list[str]:
    """Each line of a list is one of its own."""
    lines = (ITEM.sub("", line) for line in text.splitlines())
    return [part.strip() for line in lines for part in END.split(line) if part.strip()]
