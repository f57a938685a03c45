"""Reply words: says what the expected reply says, by the words that both use; or keeps away from a reply that was weak."""

from collections import Counter
from typing import Any

from language import words

NAME, NUMBER = "reply words", 1
ENOUGH = 0.5  # of the words, as a harmonic mean of both sides


def grade(expected: dict[str, Any], output: dict[str, Any] | None) -> tuple[bool, str]:
    if output is None or not (said := str(output.get("reply") or "")):
        return False, "there was no reply"
    if (avoided := expected.get("not_reply")) is not None:
        share = overlap(avoided, said)
        return share < ENOUGH, f"shares {share:.0%} of its words with the reply that was weak"
    share = overlap(expected["reply"], said)
    return share >= ENOUGH, f"shares {share:.0%} of its words with the expected reply"


def overlap(one: str, other: str) -> float:
    """The harmonic mean of how much of each is in the other, 0 to 1."""
    first, second = Counter(words.of(one)), Counter(words.of(other))
    shared = (first & second).total()
    return 2 * shared / (first.total() + second.total()) if shared else 0.0
