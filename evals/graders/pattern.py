"""Pattern: regular expressions that a person wrote, matched in linear time, so that none of them can hold up a worker."""

from functools import lru_cache
from typing import Any

import re2

from evals.graders import said
from evals.graders.contains import listed
from evals.graders.face import Asked, Grade, Output, not_judged

NAME, NUMBER = "pattern", 1
PERSON_WROTE, LIVE = True, False
NEEDS = ("pattern",)
MOST_STEPS = 2_500  # of the compiled pattern: each may be taken once for each letter of the reply


class Unusable(Exception):
    """The engine refuses the pattern; where and why, in words."""


def grade(case: Asked, output: Output | None) -> Grade:
    if not (reply := said.reply(output)):
        return said.nothing()
    matches, never = (case.expected["pattern"].get(name) or [] for name in ("matches", "not"))
    try:
        lacking = [pattern for pattern in matches if not compiled(pattern).search(reply)]
        forbidden = [pattern for pattern in never if compiled(pattern).search(reply)]
    except Unusable as unusable:
        return not_judged(f"was not judged: {unusable}", str(unusable))
    wrong = len(lacking) + len(forbidden)
    told = [part for part in (lacking and f"does not fit {listed(lacking)}", forbidden and f"fits {listed(forbidden)}") if part]
    return Grade(1 - wrong / max(1, len(matches) + len(never)), not wrong, ", and ".join(map(str, told)) or "fits as it should")


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False  # it would write to the terminal
    try:
        found = re2.compile(pattern, options)
    except UnicodeEncodeError:
        raise Unusable(f"the pattern '{_shown(pattern)}' holds half a character") from None
    except re2.error as wrong:
        raise Unusable(_told(pattern, wrong)) from None
    if found.programsize > MOST_STEPS:
        raise Unusable(f"the pattern '{_shown(pattern)}' is too large: repeat less in it, or cut it in two")
    return found


REASONS = {  # what the engine says, in words
    "missing )": "a bracket is opened and not closed", "unexpected )": "a bracket is closed and was not opened",
    "missing ]": "a square bracket is opened and not closed", "trailing \\": "it ends with a backslash",
    "no argument for repetition operator": "nothing stands before it to be repeated", "bad repetition operator": "it is repeated twice",
    "invalid repetition size": "it is repeated more than 1,000 times", "invalid perl operator": "the engine looks neither ahead nor back",
    "invalid escape sequence": "the engine does not know this, and nothing can refer back", "pattern too large": "it is too large",
    "invalid character class range": "this is no range of characters",
}  # fmt: skip


def _told(pattern: str, wrong: Exception) -> str:
    raw = wrong.args[0] if wrong.args else b""
    what, _, part = (raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)).partition(": ")
    reason = next((words for begins, words in REASONS.items() if what.startswith(begins)), what)
    place = pattern.find(part) if part and part != pattern else -1
    where = f" at '{_shown(part)}' (character {place + 1})" if place >= 0 else ""
    return f"the pattern '{_shown(pattern)}' cannot be used{where}: {reason}"


def _shown(pattern: str) -> str:
    return (pattern if len(pattern) <= 60 else f"{pattern[:59]}…").encode("utf-8", "replace").decode()
