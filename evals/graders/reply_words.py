"""Reply words: says what the expected reply says, by the words that both use; or keeps away from a reply that was weak."""

from collections import Counter

from data.measures import percent
from evals.graders import said
from evals.graders.contains import listed
from evals.graders.face import Asked, Grade, Output
from language import words

NAME, NUMBER = "reply words", 1
PERSON_WROTE, LIVE = False, False  # that so many words in common mean the same is a guess
NEEDS = ("reply", "not_reply")
ENOUGH = 0.5  # of the words, as a harmonic mean of both sides
TELLING = 4  # letters: shorter words are named to nobody


def grade(case: Asked, output: Output | None) -> Grade:
    if not (reply := said.reply(output)):
        return said.nothing()
    if (avoided := case.expected.get("not_reply")) is not None:
        share = overlap(avoided, reply)
        both = _named(Counter(words.of(avoided)) & Counter(words.of(reply)), " such as ")
        return Grade(1 - share, share < ENOUGH, f"shares {percent(share)} of its words with the reply that was weak{both}")
    wanted = case.expected["reply"]
    share = overlap(wanted, reply)
    lacking = _named(Counter(words.of(wanted)) - Counter(words.of(reply)), "; it lacks ")
    return Grade(share, share >= ENOUGH, f"shares {percent(share)} of its words with the expected reply{lacking}")


def overlap(one: str, other: str) -> float:
    """The harmonic mean of how much of each is in the other, 0 to 1."""
    first, second = Counter(words.of(one)), Counter(words.of(other))
    shared = (first & second).total()
    return 2 * shared / (first.total() + second.total()) if shared else 0.0


def _named(found: Counter[str], before: str) -> str:
    telling = [word for word in found if len(word) >= TELLING or word.isdigit()]
    return f"{before}{listed(telling)}" if telling else ""
