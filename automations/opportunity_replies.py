"""Whether people answer alike: of many conversations about one matter, how many replies say what the most usual one says.

The most usual reply is looked for in one half of the conversations and the other half is held to it, and the other way round: a reply
that is chosen because so many are like it would flatter the share. What is said whatever the matter is, such as a greeting, says nothing.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from data import vectors
from data.measures import Share
from evals.graders import tokens
from language.encoder import Encodes
from language.fallback import Fallback

ALIKE, ALIKE_IN_WORDS = 0.75, 0.6  # cosine: in the demo other wordings of a matter stay below 0.7, the same one with another day is above
FEWEST = 6  # replies in one language: fewer have no most usual one
WAYS = 3  # usual replies that are looked for
EVERYWHERE = 4  # matters in which a sentence is said that says nothing of any
NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
MONEY = re.compile(
    r"\b(?:refund\w*|reimburs\w*|credited|credit note|store credit|voucher|money back|erstatt\w*|rückerstatt\w*|gutschrift\w*"
    r"|gutgeschrieben)\b",
    re.IGNORECASE,
)

Rows = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Reply:
    """What a person wrote back, at its fullest, in one conversation."""

    conversation_id: str
    text: str
    author: str = ""
    language: str = ""


@dataclass(frozen=True)
class Replies:
    """What people's replies about one matter have in common."""

    alike: Share  # say what the most usual one says
    in_ways: Share  # ... or what one of the three most usual ones says
    people: int  # who wrote them; 0: not known
    about_money: Share  # speak of a refund, a credit, a voucher
    left_out: int  # in languages of which there are too few
    usual: str = ""  # the conversation with the most usual reply
    alike_ids: tuple[str, ...] = ()
    other_ids: tuple[str, ...] = ()


def compared(
    by_matter: Mapping[str, Sequence[Reply]], encoder: Encodes | None, *, at: datetime | None = None
) -> dict[str, Replies]:  # fmt: skip
    """Of each matter, by its key. All are given at once: what is said everywhere is only known then."""
    telling = _Telling.of(by_matter)
    cores = {key: [telling.core(one.text) for one in replies] for key, replies in by_matter.items()}
    languages = {one.language for replies in by_matter.values() for one in replies}
    compare = {
        language: _compares([core for key, replies in by_matter.items() for one, core in zip(replies, cores[key], strict=True)
                             if one.language == language], language, encoder, at)
        for language in sorted(languages)
    }  # fmt: skip
    return {key: _of_matter(replies, cores[key], compare) for key, replies in by_matter.items()}


# -- what a reply says of the matter ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Telling:
    """In how many matters each sentence is said."""

    said: Mapping[str, set[str]]

    @classmethod
    def of(cls, by_matter: Mapping[str, Sequence[Reply]]) -> "_Telling":
        said: dict[str, set[str]] = defaultdict(set)
        for key, replies in by_matter.items():
            for sentence in {tokens.plain(one) for reply in replies for one in tokens.sentences(reply.text)}:
                said[sentence].add(key)
        return cls(said)

    def core(self, text: str) -> str:
        """Without what is said everywhere, and with one number for all: an order's own says nothing of the matter."""
        kept = [one for one in tokens.sentences(text) if len(self.said[tokens.plain(one)]) < EVERYWHERE]
        return NUMBER.sub("1", " ".join(kept) or text)


# -- how like they are --------------------------------------------------------------------------------------------------------------------

Compares = Callable[[Sequence[str]], Mask]  # texts -> which say the same


def _compares(texts: Sequence[str], language: str, encoder: Encodes | None, at: datetime | None) -> Compares:
    """With the encoder where it knows the language, else by words. Each distinct text is encoded once."""
    different = sorted(set(texts))
    if encoder is not None and (not language or encoder.speaks(language)):
        rows, bar = vectors.kept(different, encoder, at=at), ALIKE_IN_WORDS if encoder.is_fallback else ALIKE
    else:
        rows, bar = Fallback(different).encode(different), ALIKE_IN_WORDS
    place = {text: number for number, text in enumerate(different)}

    def same(some: Sequence[str]) -> Mask:
        mine: Rows = rows[[place[text] for text in some]]
        told = np.array([place[text] for text in some])
        found: Mask = (mine @ mine.T >= bar) | (told[:, None] == told)  # word for word is the same, even where no word is known
        return found

    return same


def _of_matter(replies: Sequence[Reply], cores: Sequence[str], compare: Mapping[str, Compares]) -> Replies:
    by_language: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(replies):
        by_language[one.language].append(place)
    found = _Counted()
    for language, places in sorted(by_language.items()):
        if len(places) < FEWEST:
            found.left_out += len(places)
            continue
        found.add(places, compare[language]([cores[place] for place in places]))
    return found.told(replies)


class _Counted:
    """Summed over languages: each has a most usual reply of its own."""

    def __init__(self) -> None:
        self.left_out = 0
        self._one = self._ways = self._n = 0
        self._alike: list[int] = []
        self._other: list[int] = []
        self._usual: list[tuple[int, int]] = []  # how many are like it, where it is

    def add(self, places: Sequence[int], same: Mask) -> None:
        one, ways = held_to_the_other_half(same)
        self._one, self._ways, self._n = self._one + one, self._ways + ways, self._n + len(places)
        usual = most_usual(same)[0]
        self._usual.append((int(same[usual].sum()), -places[usual]))
        for number, place in enumerate(places):
            (self._alike if same[usual, number] else self._other).append(place)

    def told(self, replies: Sequence[Reply]) -> Replies:
        looked = [replies[place] for place in sorted([*self._alike, *self._other])]
        people = Counter(one.author for one in looked if one.author)
        money = sum(bool(MONEY.search(one.text)) for one in looked)
        usual = replies[-max(self._usual)[1]].conversation_id if self._usual else ""
        return Replies(
            Share(self._one, self._n), Share(self._ways, self._n), len(people), Share(money, len(looked)), self.left_out, usual,
            tuple(replies[place].conversation_id for place in self._alike), tuple(replies[place].conversation_id for place in self._other),
        )  # fmt: skip


def most_usual(same: Mask, ways: int = 1) -> list[int]:
    """The reply that most are like; then the one that most of the rest are like."""
    left = np.ones(len(same), bool)
    found: list[int] = []
    while left.any() and len(found) < ways:
        chosen = int((same[:, left].sum(axis=1) * left).argmax())
        found.append(chosen)
        left &= ~same[chosen]
        left[chosen] = False
    return found


def held_to_the_other_half(same: Mask) -> tuple[int, int]:
    """How many are like the most usual reply of the half that they are not in; and like one of its three most usual ones."""
    halves = np.arange(len(same)) % 2 == 0
    one = ways = 0
    for half in (halves, ~halves):
        own, others = np.flatnonzero(half), np.flatnonzero(~half)
        usual = own[most_usual(same[np.ix_(own, own)], WAYS)]
        alike = same[np.ix_(usual, others)]
        one, ways = one + int(alike[0].sum()), ways + int(alike.any(axis=0).sum())
    return one, ways
