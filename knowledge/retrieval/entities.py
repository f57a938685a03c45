"""The rung of names: which product, plan or account the conversation is about, also where only its first message says so."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from knowledge.retrieval import stems
from knowledge.retrieval.asked import CUSTOMER
from language import words

LONGEST = 6  # words of a name
FEWEST = 2  # titles that hold it
FEW = 8  # titles: so many may hold it also where there are few articles
WIDEST = 0.2  # of all titles: a name that more of them hold tells them apart no longer
SPREAD = 5  # texts that name it, by titles that do: what more texts name is the company, or a common thing
NAMED = 0.8  # of its occurrences inside sentences are in capitals
KINDS, BEHIND = 3, 0.5  # what follows so many words, and in so many of its titles, is a kind of thing (card, account) and not one of them
FADES = 0.7  # what a name weighs, by one that was mentioned after it
NEITHER = 0.8  # what an article about no name gets, between one of another name (0) and one of the name that is meant (1)
TELLING = 2  # telling words: a last message with fewer that is no question is read with the one before
MEANT, MOST_MEANT = 0.8, 2  # names that weigh so much by the weightiest are put in front of the last question
SHARED = 4  # names that a short form may stand for; with more it stands for none

WORD = re.compile(r"[^\W_]+(?:[-'’&+/][^\W_]+)*")
BREAK = re.compile(r"[:;,.!?()\"“”|–—]+(?:\s|$)|\s[–—|-]\s|[()\"“”]")

Words = tuple[str, ...]
Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
Seen = tuple[str, bool, bool, str]


@dataclass(frozen=True)
class Names:
    """What is known by a name, and the words that stand for each."""

    spoken: Mapping[Words, frozenset[Words]]  # words -> the names they may mean; a name stands for itself
    written: Mapping[Words, str] = field(default_factory=dict)  # as the first title that holds it writes it
    longest: int = LONGEST

    def mentioned(self, text: str) -> list[tuple[Words, float]]:
        """In order of mention, the longest form at each place; a form of several names counts a part for each."""
        return [(name, 1 / len(meant)) for form in self._forms(text) for meant in (self.spoken[form],) for name in sorted(meant)]

    def about(self, title: str, text: str) -> frozenset[Words]:
        """Whose article it is: the names in its title, or else the one that its text names most."""
        titled = frozenset(form for form in self._forms(title) if form in self.spoken[form])
        if titled:
            return titled
        counted = Counter(form for form in self._forms(text) if form in self.spoken[form]).most_common(2)
        clear = counted and counted[0][1] >= FEWEST and (len(counted) == 1 or counted[0][1] > counted[1][1])
        return frozenset([counted[0][0]]) if clear else frozenset()

    def _forms(self, text: str) -> Iterator[Words]:
        said = [stems.stem(word) for word in words.of(text)] if self.spoken else []
        place = 0
        while place < len(said):
            for size in range(min(self.longest, len(said) - place), 0, -1):
                if (form := tuple(said[place : place + size])) in self.spoken:
                    yield form
                    break
            else:
                size = 1
            place += size


NONE = Names({})


def carried(names: Names, messages: Sequence[tuple[str, str]]) -> dict[Words, float]:
    """What each name that was mentioned anywhere weighs at the end: those mentioned last the most, and within a message those mentioned
    most."""
    weights: dict[Words, float] = {}
    now = 1.0
    for _, text in reversed(messages):
        counted: defaultdict[Words, float] = defaultdict(float)
        for name, share in names.mentioned(text):
            counted[name] += share
        for name, count in counted.items():
            weights[name] = max(weights.get(name, 0.0), now * (0.5 + 0.5 * count / max(counted.values())))
        now *= FADES if counted else 1.0
    return weights


def scores(named: Mapping[Words, Places], wanted: Mapping[Words, float], size: int) -> Floats:
    """Of each article, by the names that it is about. Where many names were said, they tell little."""
    known = sorted(((name, weight) for name, weight in wanted.items() if name in named), key=lambda one: one[1])
    told = np.zeros(size, np.float32)
    if not known:
        return told
    told[:] = NEITHER
    for places in named.values():
        told[places] = 0.0
    for name, weight in known:
        told[named[name]] = NEITHER + (1 - NEITHER) * weight
    return told / np.float32(max(1.0, sum(weight for _, weight in known)))


def mined(titles: Sequence[str], texts: Iterable[str]) -> Names:
    """What several titles hold and texts write in capitals, also inside a sentence."""
    held, kinds = _in_titles(titles)
    most = max(FEW, WIDEST * len(titles))
    likely = {name for name, count in held.items() if FEWEST <= count <= most and _may_be_a_name(name, kinds)}
    forms = {name: _shorter(name, kinds) for name in likely}
    counted = _in_texts(texts, likely | {form for others in forms.values() for form in others})
    heads = _heads(titles)
    whole = _by_themselves(titles, {name for name in likely if counted.names(name, held[name], heads[name])})
    spoken = {name: {name} for name in whole}
    for name in whole:
        for form in forms[name]:
            common = len(form) == 1 and counted.small[form]  # a student may have another account than the Student Account
            if form not in whole and not common and counted.names(form, held[form], 0):
                spoken.setdefault(form, set()).add(name)
    return Names({form: frozenset(meant) for form, meant in spoken.items() if len(meant) <= SHARED}, _written(titles, whole))


def joined(one: Names, other: Names) -> Names:
    if not other.spoken:
        return one
    both = {form: one.spoken.get(form, frozenset()) | other.spoken.get(form, frozenset()) for form in {*one.spoken, *other.spoken}}
    return Names(both, {**other.written, **one.written})


def question(names: Names, messages: Sequence[tuple[str, str]]) -> str:
    """A conversation's last question with the names that it does not say itself; empty for a text that stands alone."""
    if len(messages) < 2:
        return ""
    asked: list[str] = []
    for role, text in reversed(messages):
        if role == CUSTOMER:
            asked.insert(0, text)
            if text.rstrip().endswith("?") or sum(len(set(stems.of(one))) for one in asked) >= TELLING:
                break
    said = "\n".join(asked)
    known = {name for name, _ in names.mentioned(said)}
    weights = {} if known else carried(names, messages)
    meant = [name for name, weight in weights.items() if weight >= MEANT * max(weights.values())]
    return ". ".join([*(names.written[name] for name in meant[:MOST_MEANT] if name in names.written), said]) if said else ""


def _written(titles: Iterable[str], names: set[Words]) -> dict[Words, str]:
    found: dict[Words, str] = {}
    for title in titles:
        for stretch in _stretches(title):
            for start in range(len(stretch)):
                for end in range(start + 1, min(start + LONGEST, len(stretch)) + 1):
                    name = tuple(one for one, *_ in stretch[start:end])
                    if name in names and name not in found:
                        found[name] = " ".join(word for *_, word in stretch[start:end])
    return found


def _may_be_a_name(name: Words, kinds: set[str]) -> bool:
    telling = [word for word in name if word not in kinds and word not in stems.SILENT and not word.isdigit()]
    return bool(telling) and not {name[0], name[-1]} & stems.SILENT and name[0] not in kinds


def _shorter(name: Words, kinds: set[str]) -> set[Words]:
    """As people say it: without the kind at its end ('the blue one'), or by a word that only this name has."""
    end = len(name)
    while end and name[end - 1] in kinds:
        end -= 1
    own = {(word,) for word in name if word not in kinds and word not in stems.SILENT and not word.isdigit()}
    return ({name[:end]} | own) - {name, ()}


def _stretches(text: str) -> Iterator[list[Seen]]:
    """The words between two marks: without ending, whether each begins with a capital and has nothing else, and whole."""
    for stretch in BREAK.split(text):
        yield [(stems.stem(word), not raw[0].islower(), raw.isupper(), word) for raw in WORD.findall(stretch) for word in words.of(raw)]


def _in_titles(titles: Iterable[str]) -> tuple[Counter[Words], set[str]]:
    """In how many titles each run of words stands, and which words are kinds of things."""
    held: Counter[Words] = Counter()
    before: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for title in titles:
        runs: set[Words] = set()
        for stretch in _stretches(title):
            said = [word for word, *_ in stretch]
            runs |= {tuple(said[start:end]) for start in range(len(said)) for end in range(start + 1, min(start + LONGEST, len(said)) + 1)}
            for earlier, word in zip(["", *said], said, strict=False):
                before[word]["" if earlier in stems.SILENT else earlier] += 1
        held.update(runs)
    kinds = {
        word for word, counted in before.items()
        if len(counted.keys() - {""}) >= KINDS and counted.total() - counted[""] >= BEHIND * counted.total()
    }  # fmt: skip
    return held, kinds


def _heads(titles: Iterable[str]) -> Counter[Words]:
    """'Silver Card: how to apply', 'Silver Card: fees': what many titles begin with is what they are about."""
    every = ([stretch for stretch in _stretches(title) if stretch] for title in titles)
    return Counter(tuple(word for word, *_ in stretches[0]) for stretches in every if len(stretches) > 1)


@dataclass(frozen=True)
class _Counted:
    """How texts write runs of words: in capitals, in small letters, and in how many texts."""

    capital: Counter[Words]
    small: Counter[Words]
    spread: Counter[Words]

    def names(self, form: Words, titles: int, headed: int) -> bool:
        """Whether it is a name of something. What far more texts than titles hold is the company itself, or a common thing."""
        capital, small = self.capital[form], self.small[form]
        known = capital >= FEWEST or headed > FEWEST + (len(form) == 1)
        return known and capital >= NAMED * (capital + small) and self.spread[form] <= SPREAD * titles


def _in_texts(texts: Iterable[str], wanted: set[Words]) -> _Counted:
    """The first word of a sentence says nothing about capitals."""
    counted = _Counted(Counter(), Counter(), Counter())
    firsts = {name[0] for name in wanted}
    for text in texts:
        here: set[Words] = set()
        for stretch in (one for line in text.split("\n") for one in _stretches(line)):
            for start, (word, *_) in enumerate(stretch):
                if word in firsts:
                    here |= _runs(stretch, start, wanted, counted)
        counted.spread.update(here)
    return counted


def _runs(stretch: Sequence[Seen], start: int, wanted: set[Words], counted: _Counted) -> set[Words]:
    """Those that are wanted and begin here, counted."""
    found: set[Words] = set()
    for end in range(start + 1, min(start + LONGEST, len(stretch)) + 1):
        name = tuple(one for one, *_ in stretch[start:end])
        if name in wanted:
            found.add(name)
            if start:
                (counted.capital if _is_named(stretch[start:end]) else counted.small)[name] += 1
    return found


def _is_named(stretch: Sequence[Seen]) -> bool:
    """All words begin with a capital; one word alone that has nothing else is a short form of something common: ATM."""
    return all(high for _, high, *_ in stretch) and not (len(stretch) == 1 and stretch[0][2])


def _by_themselves(titles: Iterable[str], named: set[Words]) -> set[Words]:
    """Those that titles hold also outside of a longer one."""
    every = Names({name: frozenset([name]) for name in named})
    counted: Counter[Words] = Counter()
    for title in titles:
        counted.update(set(every._forms(title)))
    return {name for name, count in counted.items() if count >= FEWEST}
