"""The rung of other words: what the articles call it, where the customer calls it something else."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from knowledge.retrieval import stems

SHORT = re.compile(r"\b((?:[A-Za-z][\w-]*[ -]){1,5}[A-Za-z][\w-]*) \(([A-Z][A-Z0-9]{1,6})s?\)")  # Annual Percentage Yield (APY)
LONG = re.compile(r"\b([A-Z][A-Z0-9]{1,6})s? \(((?:[A-Za-z][\w-]*[ -]){1,5}[A-Za-z][\w-]*)\)")  # APY (annual percentage yield)
CALLED = re.compile(
    r"\b([A-Za-z]{4,})(?: \(|, | )(?:also called|also known as|known as|aka|or simply|i\.e\.,?) (?:an? |the )?[\"“']?([A-Za-z]{4,})",
    re.IGNORECASE,
)
MOST = 6  # other words for one
MOST_TEXT = 20_000_000  # characters that are read

Words = tuple[str, ...]


@dataclass(frozen=True)
class Synonyms:
    others: Mapping[Words, frozenset[Words]]  # runs of words -> what stands for them

    def of(self, asked: Sequence[str]) -> set[str]:
        """Words that the question does not hold, and that stand for what it holds."""
        found: set[str] = set()
        for size in sorted({len(run) for run in self.others}):
            for start in range(len(asked) - size + 1):
                for other in self.others.get(tuple(asked[start : start + size]), ()):
                    found.update(other)
        return found - set(asked)


NONE = Synonyms({})


def mined(texts: Iterable[str]) -> Synonyms:
    """From own texts alone: short forms beside what they stand for, and what authors say that something is also called."""
    both: set[tuple[Words, Words]] = set()
    read = 0
    for text in texts:
        read += len(text)
        if read > MOST_TEXT:
            break
        both |= {(_run(letters), _run(said)) for whole, letters in SHORT.findall(text) if (said := _stands_for(whole, letters))}
        both |= {(_run(letters), _run(said)) for letters, whole in LONG.findall(text) if (said := _stands_for(whole, letters))}
        both |= {(_run(one), _run(other)) for one, other in CALLED.findall(text)}
    found: defaultdict[Words, set[Words]] = defaultdict(set)
    for one, other in both:
        if one and other and one != other:
            found[one].add(other)
            found[other].add(one)
    return Synonyms({word: frozenset(others) for word, others in found.items() if len(others) <= MOST})


def _run(text: str) -> Words:
    return tuple(stems.of(text))


def _stands_for(whole: str, letters: str) -> str:
    """The last words of a run whose first letters these are; empty: it stands for something else."""
    said = re.split(r"[ -]", whole)
    for start in range(len(said)):
        every = "".join(word[0] for word in said[start:]).upper()
        telling = "".join(word[0] for word in said[start:] if word.lower() not in stems.SILENT).upper()
        if letters in (every, telling):
            return " ".join(said[start:])
    return ""
