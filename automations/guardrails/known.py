"""What is known in a run: what articles say, what look-ups gave, what was done, what the customer wrote; read once for many sentences."""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from automations.agents import sentences
from automations.door import ASKED, Wanted
from automations.guardrails import figures, leaving
from automations.guardrails.face import Looked
from automations.recipe import amount_of
from evals.graders import cites_sources, tokens
from knowledge import support

FEWEST_WORDS = 5  # of a text that a tool gave, to be read as one
ENOUGH, LOOKED_UP = 0.6, 0.3  # of a sentence's words: in look-ups and the customer's own words together, and in look-ups alone
MONEY = ("refund", "credit")
OF_THE_CASE = frozenset({"conversation", "message", "customer", "intent", "asked"})  # what every run knows; no tool looked it up
_LITTLE = """
    ll ve re yes since already unfortunately currently regarding according details however therefore additionally leider bereits gerade
    derzeit laut aktuell zudem ausserdem daher deshalb
"""
LITTLE = frozenset(_LITTLE.split())  # words that claim nothing; of I'll and you're what is left
_SAME = """
    bestellung auftrag paket sendung parcel package shipment order | rechnung invoice bill |
    lieferung geliefert zugestellt zustellung delivered delivery arrived |
    unterwegs versandt verschickt versendet transit shipped sent way | erstattung erstattet erstatten ruckerstattung refund refunded |
    gutschrift gutgeschrieben credit credited | bezahlt beglichen gezahlt paid payment | fallig due | storniert cancelled canceled |
    verspatet verspatung late delayed delay | versanddienst paketdienst carrier | sendungsnummer trackingnummer tracking |
    betrag summe gesamt total amount | versprochen zugesagt promised expected | artikel items item | status stand |
    tage tagen days day | offen unpaid open | storung ausfall incident outage | kunde customer
"""
SAME = {stem: group.split()[-1] for group in _SAME.split("|") for stem in cites_sources.stems(set(group.split()))}
_STATES = "delivered shipped refund credit paid cancelled late unpaid incident returned packed placed lost confirmed"
STATES = {SAME.get(stem, stem) for stem in cites_sources.stems(set(_STATES.split()))}  # that a customer's words make true for nobody
Part = tuple[str, set[str], bool]  # a sentence, its stems, and whether it denies something
Passage = tuple[str, tuple[Part, ...], set[str]]  # its text, its sentences, all its stems


class Known:
    def __init__(self, at: Looked) -> None:
        self.facts = {name: gave for name, gave in at.facts.items() if name not in OF_THE_CASE}
        self.did = [one.wanted for one in at.held.did if one.state != ASKED] if at.held else []
        self.knows_what_was_done = at.held is not None
        read = [as_table(source) for source in at.sources]
        tables = [self.facts, *(one for one in read if one is not None)]
        texts = [source for source, one in zip(at.sources, read, strict=True) if one is None]
        self.passages = [_passage(text) for text in dict.fromkeys([*texts, *(text for one in tables for text in _long(one))])]
        self.ours = {tokens.plain(sentence) for sentence in _ours(self.facts, self.did)}
        looked_up = "\n".join([*(line for one in tables for line in _lines(one)), *(f"{one.told}." for one in self.did)])
        self._read_words(looked_up, "\n".join([*texts, looked_up]), leaving.customers_words(at))

    def _read_words(self, looked_up: str, backed: str, customers: str) -> None:
        self.lines = [(line, stems(line)) for line in map(tokens.of, looked_up.splitlines())]
        self.looked_up: set[str] = set().union(*(words for _, words in self.lines))
        self.customers, said = stems(tokens.of(customers)), tokens.of(backed)
        self.plainly, self.backed = cites_sources.stems(set(said)), stems(said)
        self.stems = self.backed | self.customers
        self.numbers, self.told_numbers = figures.numbers(backed), figures.numbers(customers)
        self.days = {*figures.days(backed), *figures.days(customers)}
        self.times = {*figures.times(backed), *figures.times(customers)}

    def has_day(self, day: figures.Day) -> bool:
        return any(figures.agree(day, other) for other in self.days)

    def promises_more(self, found: list[str]) -> bool:
        """Than any source does."""
        said = set(found) - ({"free"} if "feel" in found else set())  # feel free to write
        promised = cites_sources.stems(said) & support.PROMISING - self.plainly
        return not cites_sources.denies(found) and any(SAME.get(stem, stem) not in self.backed for stem in promised)

    def from_source(self, sentence: str) -> bool:
        """Sentences of one source, one after the other, say it."""
        told = stems(tokens.of(sentence))
        return any(support.support(sentence, text) for one in self.passages for text in _windows(one, told))

    def together(self, found: list[str]) -> bool:
        """Look-ups, acts and the customer's words say it together: most of its words, no promise that is not theirs, nothing denied."""
        told = stems(found)
        if not told or told & STATES - self.looked_up or self.promises_more(found) or self._is_denied(found, told):
            return False
        nearest = max(self.lines, key=lambda one: len(one[1] & told), default=([], set()))[0]
        if cites_sources.denies(found) != cites_sources.denies(nearest):
            return False
        return len(told & (self.looked_up | self.customers)) >= ENOUGH * len(told) and len(told & self.looked_up) >= LOOKED_UP * len(told)

    def _is_denied(self, found: list[str], told: set[str]) -> bool:
        """A source speaks of the same and says the contrary."""
        parts = [part for one in self.passages for part in one[1] if len(told & part[1]) >= ENOUGH * len(told)]
        return bool(parts) and all(part[2] != cites_sources.denies(found) for part in parts)

    def nearest(self, found: list[str]) -> str:
        return max(self.passages, key=lambda one: len(stems(found) & one[2]), default=("", (), set()))[0]

    def refunded(self) -> bool:
        """Before this run, as a look-up says."""
        return any(amount > 0 for amount in _refunded(self.facts))

    def says(self, verb: str) -> bool:
        """What was looked up has this word itself: a status that is 'cancelled'."""
        return bool(cites_sources.stems({verb}) & cites_sources.stems(set(tokens.of(leaving.known(self.facts)))))


def stems(found: list[str]) -> set[str]:
    telling = cites_sources.telling(found) - cites_sources.KIND - LITTLE
    return {SAME.get(stem, stem) for stem in cites_sources.stems(telling)}


def _passage(text: str) -> Passage:
    parts = tuple(
        (sentence, stems(found), cites_sources.denies(found)) for sentence in figures.sentences(text) for found in [tokens.of(sentence)]
    )
    return text, parts, set().union(*(words for _, words, _ in parts))


def _windows(passage: Passage, told: set[str], most: int = 3) -> Iterator[str]:
    """One to three sentences in which enough of the words stand."""
    parts = passage[1]
    if len(told & passage[2]) < ENOUGH * len(told):
        return
    for many in range(1, most + 1):
        enough = (ENOUGH if many == 1 else support.TOGETHER) * len(told)
        for start in range(len(parts) - many + 1):
            here = parts[start : start + many]
            if len(told & set().union(*(words for _, words, _ in here))) >= enough:
                yield " ".join(sentence for sentence, _, _ in here)


def as_table(source: str) -> Any:
    """What a tool gave, as it is kept; None where it is a text."""
    if source.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(source)
    except (ValueError, RecursionError):
        return None


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


def _ours(facts: Mapping[str, Any], did: Iterable[Wanted]) -> Iterator[str]:
    """What we say ourselves of what was looked up and done: each figure is a tool's, and the words were written by people."""
    for language, says in sentences.SAID.items():
        for gave in facts.values():
            if isinstance(gave, Mapping):
                told = [sentences.order(gave, language), sentences.order(gave, language, paid=True), sentences.invoice(gave, language)]
                yield from (one for text in told for one in tokens.sentences(text))
        for one in did:
            if one.kind in MONEY and one.amount:
                order = str(one.what.get("order") or "")
                names = [one.kind, *([f"{one.kind} of"] if order and f"{one.kind} of" in says else [])]
                yield from (says[name].format(amount=f"{one.amount:.2f}", currency=one.currency, number=order) for name in names)


def _refunded(facts: Any) -> Iterator[Decimal]:
    if isinstance(facts, Mapping):
        for name, value in facts.items():
            yield from _refunded(value)
            if name == "refunded" and (amount := amount_of(value)) is not None:
                yield amount


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
        yield f"{'not ' if none else ''}{before}{'' if isinstance(facts, bool) else f' {facts}'}."
