"""Sentences about what was lost: the same thing on many lines is one sentence."""

from collections import defaultdict

MOST_SHOWN = 60  # letters of a word of theirs in a sentence of ours


class Notes:
    def __init__(self) -> None:
        self._lines: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, sentence: str, line: int = 0) -> None:
        """A sentence without its full stop; no line: it is about the file."""
        self._lines[sentence].append(line)

    def sentences(self) -> tuple[str, ...]:
        return tuple(f"{sentence}{_where(lines)}." for sentence, lines in self._lines.items())


def _where(lines: list[int]) -> str:
    places = sorted({line for line in lines if line})
    if not places:
        return ""
    if len(places) == 1:
        return f" (line {places[0]})"
    shown = ", ".join(map(str, places[:3]))
    return f" (lines {shown}{f' and {len(places) - 3:,} more' if len(places) > 3 else ''})"


def word(theirs: object) -> str:
    """A word of the file as it can stand in a sentence."""
    told = "".join(letter if letter.isprintable() else "?" for letter in str(theirs)[: MOST_SHOWN + 1])
    return f"'{told[:MOST_SHOWN]}…'" if len(told) > MOST_SHOWN else f"'{told}'"


def counted(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"
