"""Which texts say nearly the same: shown before a case enters a set, since the same question twice counts twice."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import floor

from language import words

ENOUGH = 0.7  # of the three-word pieces that both have together
MOST_LOOKED_AT = 100  # other texts that have a rare piece in common; where more have, the latest of them


@dataclass(frozen=True)
class Near:
    new: str  # the names under which the texts were given
    known: str
    share: float
    new_text: str
    known_text: str

    @property
    def same(self) -> bool:
        return self.share >= 1.0


def pairs(new: Mapping[str, str], known: Mapping[str, str] | None = None, *, enough: float = ENOUGH) -> list[Near]:
    """Of each new text the known, or earlier new, one that is nearest, where one is near enough. The nearest first."""
    texts = {**(known or {}), **new}
    pieces = {name: _pieces(text) for name, text in texts.items()}
    frequent = Counter(piece for own in pieces.values() for piece in own)
    first: dict[frozenset[object], str] = {}  # of those that say the same: the others need not be looked at
    places: defaultdict[object, list[str]] = defaultdict(list)
    found: list[Near] = []
    for name, own in pieces.items():
        same = first.setdefault(own, name)
        rarest = _rarest(own, frequent, enough) if same == name else []
        if name in new and (nearest := (same, 1.0) if same != name else _nearest(own, rarest, pieces, places, enough)):
            found.append(Near(name, *nearest, texts[name], texts[nearest[0]]))
        for piece in rarest:
            places[piece].append(name)
    return sorted(found, key=lambda near: -near.share)


def _rarest(own: frozenset[object], frequent: Counter[object], enough: float) -> list[object]:
    """So many of its pieces that whatever is near enough has one of them among its own rarest."""
    return sorted(own, key=lambda piece: (frequent[piece], piece))[: floor(len(own) * (1 - enough) + 1e-9) + 1]


def _nearest(
    own: frozenset[object], rarest: list[object], pieces: Mapping[str, frozenset[object]], places: Mapping[object, list[str]], enough: float
) -> tuple[str, float] | None:
    best: tuple[str, float] | None = None
    others = dict.fromkeys(other for piece in rarest if piece in places for other in places[piece][-MOST_LOOKED_AT:])
    for other in others:
        both = len(own & pieces[other])
        share = both / (len(own) + len(pieces[other]) - both)
        if share >= enough and (best is None or share > best[1]):
            best = other, share
    return best


def _pieces(text: str) -> frozenset[object]:
    said = words.of(text)
    whole: frozenset[object] = frozenset([(" ".join(said) or text.strip(),)])  # without a word: two signs are not the same sign
    return frozenset(zip(said, said[1:], said[2:], strict=False)) if len(said) > 3 else whole
