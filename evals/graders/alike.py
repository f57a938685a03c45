"""Alike: how close the reply comes to the expected one, by the pieces of words that both use and, with an encoder, by what they mean."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.measures import percent
from evals.graders import said
from evals.graders.face import Asked, Grade, Output, not_judged
from language.call import NoAnswer

NAME = "alike"
ORDER = 6  # letters of the longest piece
RECALL = 2.0  # what is missing counts more than what is said besides
ENOUGH, ENOUGH_WITH_MEANING = 0.5, 0.6

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Alike:
    encode: Encode | None = None
    NAME: str = NAME
    PERSON_WROTE: bool = False  # that so close is close enough is a guess
    LIVE: bool = False
    NEEDS: tuple[str, ...] = ("reply", "not_reply")

    @property
    def NUMBER(self) -> int:
        """With an encoder it judges differently: the odd numbers are without, the even ones with."""
        return 2 if self.encode else 1

    def grade(self, case: Asked, output: Output | None) -> Grade:
        if not (reply := said.reply(output)):
            return said.nothing()
        avoided = case.expected.get("not_reply")
        try:
            share = self._closeness(reply, avoided if avoided is not None else case.expected["reply"])
        except NoAnswer as fault:
            return not_judged("was not judged: the encoder did not answer", str(fault))
        close = share >= (ENOUGH_WITH_MEANING if self.encode else ENOUGH)
        if avoided is not None:
            return Grade(1 - share, not close, f"comes {percent(share)} close to the reply that was weak")
        return Grade(share, close, f"comes {percent(share)} close to the expected reply")

    def _closeness(self, reply: str, other: str) -> float:
        pieces = chrf(reply.casefold(), other.casefold())
        return (pieces + max(0.0, cosine(self.encode([reply, other])))) / 2 if self.encode else pieces


def chrf(said: str, expected: str, recall: float = RECALL) -> float:
    """Popović's chrF: the F score of the pieces of 1 to 6 letters without white space, as a mean over the lengths that both have."""
    one, other = "".join(said.split()), "".join(expected.split())
    scores = []
    for size in range(1, min(ORDER, len(one), len(other)) + 1):
        ours, theirs = (Counter(text[at : at + size] for at in range(len(text) - size + 1)) for text in (one, other))
        shared = (ours & theirs).total()
        precision, found = shared / ours.total(), shared / theirs.total()
        scores.append((1 + recall**2) * precision * found / (recall**2 * precision + found) if shared else 0.0)
    return sum(scores) / len(scores) if scores else 0.0


def cosine(rows: npt.NDArray[np.float32]) -> float:
    """0 where one of them is nothing; rows that are no numbers give no number, which no grade accepts."""
    length = float(np.linalg.norm(rows[0]) * np.linalg.norm(rows[1]))
    return min(1.0, float(rows[0] @ rows[1]) / length) if length else 0.0


def made(encode: Encode | None = None) -> Alike:
    return Alike(encode)
