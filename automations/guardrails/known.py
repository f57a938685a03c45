"""What is known in a run: what articles say, what look-ups gave, what was done, what the customer wrote; read once for many sentences."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from decimal import Decimal
from typing import Any

from automations.agents import sentences
from automations.door import ASKED, Wanted
from automations.guardrails import figures, leaving, source, wording
from automations.guardrails.face import Looked
from automations.guardrails.source import Passage, Source
from automations.guardrails.wording import stems
from automations.recipe import amount_of
from evals.graders import cites_sources, tokens
from knowledge import support

ENOUGH, LOOKED_UP = 0.6, 0.3  # of a sentence's words: in look-ups and the customer's own words together, and in look-ups alone
SAME_CLAIM = 0.5  # of the words of two sentences together, where they speak of the same
FEWEST_TO_DENY = 2  # words that have to be told of, for another sentence to deny it
MOST_ADDED = 8  # things of which amounts are added up
MONEY = ("refund", "credit")
OF_THE_CASE = frozenset({"conversation", "message", "customer", "intent", "asked"})  # what every run knows; no tool looked it up


class Known:
    def __init__(self, at: Looked) -> None:
        self.facts = {name: gave for name, gave in at.facts.items() if name not in OF_THE_CASE}
        self.did = [one.wanted for one in at.held.did if one.state != ASKED] if at.held else []
        self.knows_what_was_done = at.held is not None
        self.ours = {tokens.plain(sentence) for sentence in _ours(self.facts, self.did)}
        looked_up = [source.of_table(json.dumps(gave, default=str), name.replace("_", " ")) for name, gave in self.facts.items()]
        given = [source.of_text(text) if source.as_table(text) is None else source.of_table(text) for text in dict.fromkeys(at.sources)]
        done = [source.of_table(json.dumps({"": one.told})) for one in self.did]
        self._take([*looked_up, *given, *done], source.of_text(leaving.customers_words(at)), at)

    def _take(self, backed: list[Source], customers: Source, at: Looked) -> None:
        every = [*backed, customers]
        self.passages = [*dict.fromkeys(passage for one in backed for passage in one.passages)]
        self.lines = [*dict.fromkeys(line for one in backed for line in one.lines)]
        self.looked_up = _all(line.stems for line in self.lines)
        said = _all(one.words for one in backed)
        self.plainly, self.backed, self.customers = cites_sources.stems(said), stems([*said]), stems([*customers.words])
        self.stems, self.words = (
            self.backed | self.customers,
            said | customers.words | {*tokens.of(leaving.known(at.facts.get("customer")))},
        )
        self.numbers, self.told_numbers = _all(one.numbers for one in backed), customers.numbers
        self.amounts, self.ranges = _all(one.amounts for one in backed), _all(one.ranges for one in every)
        self.named = _all(one.codes for one in every)
        self.days, self.times = _all(one.days for one in every), _all(one.times for one in every)
        self.stamped = _all(one.stamped for one in backed)
        self.days |= {(at.now.year, at.now.month, at.now.day)} if at.now else set()
        self.next_day = wording.NEXT_DAY.search(leaving.customers_words(at)) is not None
        self.counts = [one.counts for one in backed] + [
            {str(len(self.did)): frozenset(_all(stems(tokens.of(one.told)) for one in self.did))}
        ]
        self.written = [one.written for one in backed]
        self.counted = _all(words for one in (*self.counts, *self.written) for words in one.values())
        self.tables, self.told_days = [one for one in backed if one.lines], customers.days
        self.case = self.named | _all(one.numbers for one in (*self.tables, customers))
        parts = [part for passage in self.passages for part in passage.parts if not part.only_if]
        self.speaking = [(part.stems, part.denies) for part in (*self.lines, *parts)]

    def is_counted(self, number: str) -> bool:
        return any(number in one for one in (*self.counts, *self.written))

    def counts_so(self, number: str, behind: list[str], ahead: list[str]) -> bool:
        """Whether something of the name was counted so: in look-ups by any of the words that follow, in articles by the first of them."""
        units = stems(behind) or stems(ahead)
        first = wording.first(behind) or units
        return any(units & one.get(number, set()) for one in self.counts) or any(first & one.get(number, set()) for one in self.written)

    def has_day(self, day: figures.Day, *, made: bool = False) -> bool:
        """`made`: the days on which something was made count as well. Without a year no day of long ago is meant."""
        days = self.days | self.stamped if made else self.days
        days = days | {near for one in days for near in figures.beside(one)} if self.next_day else days
        latest = max((other[0] for other in self.days | self.stamped), default=0)
        years = {other[0] for other in days if figures.agree(day, (0, *other[1:]))}
        if day[0]:
            return day[0] in years or years == {0}
        return bool(years & {0, latest - 1, latest})

    def go_together(self, code: str, day: figures.Day) -> bool:
        """Where look-ups that name a thing give days, the day is one of theirs, or the customer's."""
        theirs = [one.days | one.stamped for one in self.tables if code.casefold() in one.codes]
        return not all(theirs) or not theirs or any(figures.agree(day, other) for days in (*theirs, self.told_days) for other in days)

    def figures_of(self, codes: Sequence[str], called: set[str]) -> set[str]:
        """What look-ups say of these things under such a name."""
        plain = {code.casefold() for code in codes}
        records = (record for one in self.tables for record in one.records if record[0] in plain)
        return {tokens.of(amount)[0] for _, path, amount in records if wording.of_name(path) & called}

    def added_up(self, codes: Sequence[str]) -> frozenset[str]:
        """What look-ups say under the same name of each thing and of two of the things together."""
        plain = [*dict.fromkeys(map(str.casefold, codes))][-MOST_ADDED:]
        told = {
            (code, path): Decimal(amount)
            for one in self.tables
            for code, path, amount in one.records
            if code in plain and wording.is_money(path)
        }
        pairs = (told[one, path] + told[other, path] for one, path in told for other in plain if other > one and (other, path) in told)
        return frozenset(map(str, (*told.values(), *pairs)))

    def has_code(self, code: str) -> bool:
        """Also by its end, as a card is told by its last signs; and as one of the words of a longer one."""
        plain = code.casefold()
        return (
            plain in self.named
            or plain in self.words
            or all(part in self.words or part in self.named for part in plain.replace("_", "-").split("-"))
        )

    def promises_more(self, found: list[str]) -> bool:
        """Than any source does."""
        said = set(found) - ({"free"} if "feel" in found else set())  # feel free to write
        promised = cites_sources.stems(said) & support.PROMISING - self.plainly
        return not cites_sources.denies(found) and any(wording.SAME.get(stem, stem) not in self.backed for stem in promised)

    def from_source(self, sentence: str) -> bool:
        """Sentences of one source, one after the other, say it."""
        found = tokens.of(sentence)
        told = stems(found)
        return any(support.support(self._in_words_of(text, found), text) for one in self.passages for text, _ in _windows(one, told))

    def _in_words_of(self, text: str, found: list[str]) -> str:
        """What is claimed, in the source's own words where they mean the same. What the case itself names is known already."""
        there = tokens.of(text)
        own = {stem: word for word in there for stem in stems([word])}
        case = self.case - {*there}
        found = wording.told_once(found)
        claim = (word if word[0].isdigit() else next((own[stem] for stem in stems([word]) if stem in own), word) for word in found)
        return " ".join(word for word in claim if word not in case and (word in there or word not in wording.LITTLE))

    def together(self, found: list[str]) -> bool:
        """Look-ups, acts, the customer's words and one place in an article say it together: most of its words, no promise that is not
        theirs, nothing denied."""
        told = {stem for stem in stems(found) if stem not in self.named}
        if not told:
            return True
        if (
            (wording.states(found) - self.looked_up and not cites_sources.denies(found))
            or self.promises_more(found)
            or self.is_denied(found, told)
        ):
            return False
        if _enough(told, self.looked_up, self.customers):
            return True
        if not told & self.looked_up:
            return False
        rest = told - self.looked_up - self.customers
        return any(_enough(told, self.looked_up | here, self.customers) for one in self.passages for _, here in _windows(one, rest))

    def is_denied(self, found: list[str], told: set[str]) -> bool:
        """What speaks of the same says the contrary, and nothing that does says so as well."""
        if len(told) < FEWEST_TO_DENY:
            return False
        denies = cites_sources.denies(found)
        near = [(len(told & words) / len(told | words), other == denies) for words, other in self.speaking if told & words]
        best = max(near, default=(0.0, True))[0]
        return best >= SAME_CLAIM and not any(agrees for share, agrees in near if share >= best)

    def told_by_customer(self, found: list[str]) -> bool:
        """What they wrote is said back to them."""
        told = stems(found)
        return len(told & self.customers) >= ENOUGH * len(told)

    def nearest(self, found: list[str]) -> str:
        near = max(self.passages, key=lambda one: len(stems(found) & one.stems), default=None)
        return near.text if near else ""

    def refunded(self) -> bool:
        """Before this run, as a look-up says."""
        return any(amount > 0 for amount in _refunded(self.facts))

    def says(self, verb: str) -> bool:
        """What was looked up has this word itself: a status that is 'cancelled'."""
        return bool(cites_sources.stems({verb}) & cites_sources.stems(set(tokens.of(leaving.known(self.facts)))))


def _all(sets: Iterable[Set[Any]]) -> set[Any]:
    return set[Any]().union(*sets)


def _enough(told: Set[str], backed: Set[str], customers: Set[str]) -> bool:
    return len(told & (backed | customers)) >= ENOUGH * len(told) and len(told & backed) >= LOOKED_UP * len(told)


def _windows(passage: Passage, told: Set[str], most: int = 3) -> Iterator[tuple[str, set[str]]]:
    """One to three sentences in which enough of the words stand, and all their words."""
    if len(told & passage.stems) < ENOUGH * len(told):
        return
    for many in range(1, most + 1):
        enough = (ENOUGH if many == 1 else support.TOGETHER) * len(told)
        for start in range(len(passage.parts) - many + 1):
            here = passage.parts[start : start + many]
            words = _all(part.stems for part in here)
            if len(told & words) >= enough:
                yield " ".join(part.text for part in here), words


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
