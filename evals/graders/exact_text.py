"""Exact text: the reply is the expected one, however its quotes, spaces and capitals are written, with or without the last full stop."""

from evals.graders import said
from evals.graders.face import Asked, Grade, Output, yes_or_no
from evals.graders.tokens import plain
from evals.graders.values import cut

NAME, NUMBER = "exact text", 1
PERSON_WROTE, LIVE = True, False
NEEDS = ("text",)


def grade(case: Asked, output: Output | None) -> Grade:
    if not (reply := said.reply(output)):
        return said.nothing()
    wanted, told = _bare(case.expected["text"]), _bare(reply)
    return yes_or_no(told == wanted, "says exactly that" if told == wanted else _difference(wanted.split(), told.split()))


def _bare(text: str) -> str:
    return plain(text).rstrip(".").rstrip()


def _difference(wanted: list[str], told: list[str]) -> str:
    """From which word on it is another text."""
    place = next((place for place, (one, other) in enumerate(zip(wanted, told, strict=False)) if one != other), min(len(wanted), len(told)))
    right, wrong = (cut(" ".join(words[place : place + 8])) for words in (wanted, told))
    if not right:
        return f"goes on with '{wrong}' after the expected text"
    return f"says '{wrong}' instead of '{right}'" if wrong else f"ends before '{right}'"
