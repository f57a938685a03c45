"""Length: as many words as a person said are enough, and not more than they said are too many."""

from evals.graders import said
from evals.graders.face import Asked, Grade, Output, yes_or_no
from language import words

NAME, NUMBER = "length", 1
PERSON_WROTE, LIVE = True, False
NEEDS = ("length",)


def grade(case: Asked, output: Output | None) -> Grade:
    if not (reply := said.reply(output)):
        return said.nothing()
    count, bounds = counted(reply), case.expected["length"]
    most, least = bounds.get("most_words"), bounds.get("least_words")
    if most is not None and count > most:
        return yes_or_no(False, f"has {count:,} words, {count - most:,} more than the {most:,} that it may have")
    if least is not None and count < least:
        return yes_or_no(False, f"has {count:,} words, {least - count:,} fewer than the {least:,} that it should have")
    return yes_or_no(True, f"has {count:,} words")


def counted(text: str) -> int:
    """As people count them: what stands between spaces. Where a language puts none, each sign is a word."""
    return sum(_in(piece) for piece in text.split() if any(sign.isalnum() for sign in piece))


def _in(piece: str) -> int:
    return 1 if piece.isascii() else max(1, sum(len(word) == 1 and not word.isascii() for word in words.of(piece)))
