"""Source: one text that was looked up, an article's or a tool's, read once however many replies lean on it."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from automations.guardrails import figures, wording
from automations.guardrails.wording import stems
from automations.recipe import amount_of
from evals.graders import cites_sources, tokens

KEPT = 256  # sources that are kept as they were read: the next reply of the same run leans on them again
FEWEST_WORDS = 5  # of a text that a tool gave, to be read as one
BEFORE, BEHIND = 3, 3  # words around a number that may say what it counts
CONDITION = re.compile(r"\b(?:if|unless|wenn|falls|sofern)\b", re.IGNORECASE)  # what is so only then denies nothing
STAMP = re.compile(r"\b(?:created|updated|modified|timestamp|dob|birth|birthday|geburtsdatum|erstellt|angelegt)\b", re.IGNORECASE)
Counts = Mapping[str, frozenset[str]]
Words = frozenset[str]
Found = tuple[Words, Words, frozenset[figures.Day], frozenset[figures.Day], frozenset[int], Words, Words]


@dataclass(frozen=True)
class Part:
    """A sentence of an article, or a line of a look-up."""

    text: str
    stems: frozenset[str]
    denies: bool
    only_if: bool = False


@dataclass(frozen=True)
class Passage:
    text: str
    parts: tuple[Part, ...]
    stems: frozenset[str]


@dataclass(frozen=True)
class Source:
    passages: tuple[Passage, ...]
    lines: tuple[Part, ...]  # of a look-up
    words: frozenset[str]
    numbers: frozenset[str]
    days: frozenset[figures.Day]
    stamped: frozenset[figures.Day]  # on which something was made, as a look-up says
    times: frozenset[int]
    codes: frozenset[str]
    amounts: frozenset[str]  # numbers that are money
    ranges: frozenset[tuple[str, str]]  # 5 to 7
    records: tuple[tuple[str, str, str], ...]  # of what has a code: the code, what an amount is called, the amount
    counts: Counts  # in a look-up: of each number, what it may count
    written: Counts  # the same in an article


@lru_cache(maxsize=KEPT)
def of_text(text: str) -> Source:
    """An article, an instruction, what a customer wrote."""
    text = wording.denied(text)
    passage = _passage(text)
    return Source((passage,), (), *_figures(text), _ranges(text), (), {}, _frozen(_written([passage])))


@lru_cache(maxsize=KEPT)
def of_table(text: str, name: str = "") -> Source:
    """What a tool gave, as JSON; `name`: the tool's."""
    told = json.loads(text)
    passages = tuple(_passage(wording.denied(one)) for one in dict.fromkeys(_long(told)))
    lines = tuple(_part(line) for line in dict.fromkeys(map(wording.denied, _lines(told, name))))
    whole = "\n".join(line.text for line in lines)
    made = [line.text for line in lines if STAMP.search(line.text)]
    words, numbers, days, stamped, times, codes, amounts = _figures(whole, "\n".join(made))
    amounts |= {number for line in lines if line.stems & wording.MONEY for number in tokens.numbers(tokens.of(line.text))}
    found = (words, numbers, days - stamped, stamped, times, codes, amounts)
    return Source(
        passages, lines, *found, _ranges(whole), tuple(_records(told)), _frozen(_counted(told, lines)), _frozen(_written(passages))
    )


def as_table(source: str) -> Any:
    """What a tool gave, as it is kept; None where it is a text."""
    if source.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(source)
    except (ValueError, RecursionError):
        return None


def _figures(text: str, made: str = "") -> Found:
    """Words, numbers, days, those on which something was made, times, codes and amounts."""
    rest, days = figures.without_days(text)
    times = {*figures.times(rest), *figures.hours(rest)}
    codes, amounts = {one.casefold() for one in figures.codes(rest)}, {number for _, number in figures.amounts(rest)}
    numbers = figures.numbers(figures.in_digits(figures.TIME.sub(" ", rest)))
    words, stamped = frozenset(tokens.of(text)), frozenset(figures.days(made))
    return words, frozenset(numbers), frozenset(days), stamped, frozenset(times), frozenset(codes), frozenset(amounts)


def _ranges(text: str) -> frozenset[tuple[str, str]]:
    return frozenset(figures.ranges(text))


def _passage(text: str) -> Passage:
    parts = tuple(map(_part, figures.sentences(text)))
    return Passage(text, parts, frozenset().union(*(part.stems for part in parts)))


def _part(text: str) -> Part:
    found = tokens.of(text)
    return Part(text, frozenset(stems(found)), cites_sources.denies(found), CONDITION.search(text) is not None)


def _written(passages: Any) -> Mapping[str, set[str]]:
    """What numbers in an article count: the words before them, and the first behind them."""
    told: dict[str, set[str]] = defaultdict(set)
    for part in (part for passage in passages for part in passage.parts):
        found = tokens.of(figures.in_digits(part.text))
        for place, token in enumerate(found):
            if token[0].isdigit():
                told[token] |= stems(found[max(0, place - BEFORE) : place]) | wording.first(found[place + 1 : place + 1 + BEHIND])
    return told


def _counted(told: Any, lines: tuple[Part, ...]) -> Mapping[str, set[str]]:
    """What numbers in a look-up count: their name in it; and how long a list of a name is."""
    counts: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        for number in tokens.numbers(tokens.of(line.text)):
            counts[number] |= line.stems
    for name, many in _lengths(told):
        counts[str(many)] |= stems(tokens.of(name))
    return counts


def _frozen(counts: Mapping[str, set[str]]) -> Counts:
    return {number: frozenset(words) for number, words in counts.items()}


def _long(value: Any) -> Iterator[str]:
    """Texts in what a tool gave: an article's answer, what an incident is about."""
    if isinstance(value, str):
        if len(value.split()) >= FEWEST_WORDS:
            yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _long(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _long(inner)


def _lengths(value: Any, name: str = "") -> Iterator[tuple[str, int]]:
    """Of the lists in what a tool gave: two passengers."""
    if isinstance(value, Mapping):
        for inner_name, inner in value.items():
            yield from _lengths(inner, str(inner_name).replace("_", " "))
    elif isinstance(value, list | tuple):
        if name:
            yield name, len(value)
        for inner in value:
            yield from _lengths(inner, name)


def _records(value: Any) -> Iterator[tuple[str, str, str]]:
    """Of each thing with a code of its own the amounts in it."""
    if isinstance(value, Mapping):
        own = [code.casefold() for inner in value.values() if isinstance(inner, str) for code in figures.codes(inner) if code == inner]
        for name, inner in value.items():
            amounts = _amounts(inner, str(name))
            yield from ((code, path, amount) for path, amount in amounts for code in own)
            yield from _records(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _records(inner)


def _amounts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _amounts(inner, f"{path} {name}")
    elif not isinstance(value, bool) and (amount := amount_of(value)) is not None:
        yield path, str(amount)


def _lines(facts: Any, before: str = "") -> Iterator[str]:
    """'order status in transit' of what a look-up named order gave."""
    if isinstance(facts, Mapping):
        for name, value in facts.items():
            yield from _lines(value, f"{before} {str(name).replace('_', ' ')}".strip())
    elif isinstance(facts, list | tuple):
        for value in facts:
            yield from _lines(value, before)
    elif facts is not None and facts != "":
        none = facts is False or amount_of(facts) == 0  # nothing refunded, no day late: it is not so
        words = str(facts)
        value = (
            ""
            if isinstance(facts, bool)
            else f" {words}"
            if " " in words or any(map(str.isdigit, words))
            else f" {words.replace('_', ' ')}"
        )
        yield f"{'not ' if none else ''}{before}{value}."
