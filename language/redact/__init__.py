"""Finds personal data and secrets in a text and puts numbered placeholders in their place."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from language.redact.addresses import addresses
from language.redact.cards import cards, passes_luhn
from language.redact.findings import GAP, KINDS, PLACEHOLDER, Finding, placeholder
from language.redact.known import told
from language.redact.numbers import ibans, ids
from language.redact.people import people
from language.redact.phones import phones
from language.redact.secrets import links, machines, secrets

__all__ = ["KINDS", "NUMBER", "PLACEHOLDER", "Finding", "but", "find", "masked", "passes_luhn", "placeholder", "redact"]

NUMBER = 1  # of the rules: raised when they find more, so that what was frozen says by which it was masked

EMAIL = re.compile(r"[^\W_][\w.%+\-'’]{0,63}@(?:[^\W_](?:[\w\-]{0,61}[^\W_])?\.)+(?:xn--[a-z0-9\-]{2,30}|[^\W\d_]{2,24})", re.IGNORECASE)
WORDS = re.compile(r"[^\W_]+")
DIGIT = re.compile(r"[0-9]")
PASSES = 6  # masking one thing can free another beside it; after this many it is left


def find(text: str, known: Sequence[str] = ()) -> list[Finding]:
    """Everything personal in the text, in reading order, without overlaps. `known` is what the source calls the customer.

    Placeholders stay closed. The search is repeated on what is left, so that a redacted text has nothing to find.
    """
    taken = [match.span() for match in PLACEHOLDER.finditer(text)] if "‹" in text else []
    found: list[Finding] = []
    for _ in range(PASSES):
        left, places = _without(text, taken) if taken else (text, [(0, 0)])
        fresh = _scan(left, known)
        if not fresh:
            break
        for finding in fresh:
            start = finding.start + _shift(places, finding.start)
            found.append(Finding(finding.kind, finding.value, start, start + finding.end - finding.start))
        taken = sorted(taken + [(finding.start, finding.end) for finding in found[-len(fresh) :]])
    return sorted(found, key=lambda finding: finding.start)


def redact(
    text: str, number_of: Callable[[Finding], int], known: Sequence[str] = (), keep: Iterable[str] = ()
) -> tuple[str, list[Finding]]:
    """The text with '‹CARD 1›' in place of each finding. `number_of` gives the same value the same number in one conversation."""
    findings = but(find(text, known), keep) if keep else find(text, known)
    parts: list[str] = []
    end = 0
    for finding in findings:
        parts += [text[end : finding.start], placeholder(finding.kind, number_of(finding))]
        end = finding.end
    return "".join([*parts, text[end:]]), findings


def masked(text: str, keep: Iterable[str] = ()) -> str:
    """The text with what was found replaced, counted within this text: for what people write themselves. `keep` are names that stay."""
    seen: dict[tuple[str, str], int] = {}
    parts: list[str] = []
    end = 0
    for found in but(find(text), keep):
        number = seen.setdefault((found.kind, found.value), len([1 for kind, _ in seen if kind == found.kind]) + 1)
        parts += [text[end : found.start], placeholder(found.kind, number)]
        end = found.end
    return "".join([*parts, text[end:]])


def but(found: Iterable[Finding], keep: Iterable[str]) -> list[Finding]:
    """Without the names of which each word belongs to a name that stays: a colleague's, the company's own."""
    words = {word for name in keep for word in WORDS.findall(name.lower())}
    return [one for one in found if one.kind != "name" or not words.issuperset(WORDS.findall(one.value.lower()))]


def _without(text: str, taken: list[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """The text with one sign in place of each taken piece, and from which place on it is shifted by how much."""
    parts, places, end, length = [], [(0, 0)], 0, 0
    for start, stop in taken:
        parts += [text[end:start], GAP]
        length += start - end + 1
        places.append((length, stop - length))
        end = stop
    return "".join([*parts, text[end:]]), places


def _shift(places: list[tuple[int, int]], place: int) -> int:
    return places[bisect_right(places, (place, 1 << 60)) - 1][1]


def _scan(text: str, known: Sequence[str]) -> list[Finding]:
    """One search, the surest kinds first: what one has taken the next does not see."""
    words = set(WORDS.findall(text.lower()))
    left = _Left(text)
    numbers = DIGIT.search(text) is not None
    if known:
        left.take(told(text, known))
    if "://" in text or "www." in text:
        left.take(links(left.text))
    left.take(secrets(left.text, words))
    if numbers:
        left.take(ibans(left.text))
        left.take(cards(left.text))
    if "@" in text:
        left.take(_emails(left.text))
    if numbers:
        left.take(ids(left.text))
        if "." in text or ":" in text:
            left.take(machines(left.text))
        left.take(phones(left.text))
    elif "::" in text:
        left.take(machines(left.text))
    left.take(addresses(left.text, words, numbers))
    left.take(people(left.text, words, [finding for finding in left.found if finding.kind == "address"]))
    return left.found


class _Left:
    """The text that is still to be searched."""

    def __init__(self, text: str) -> None:
        self.text, self.found = text, list[Finding]()

    def take(self, findings: Iterable[Finding]) -> None:
        parts: list[str] = []
        end = 0
        for finding in sorted(findings, key=lambda finding: (finding.start, -finding.end)):
            if finding.start >= end and GAP not in self.text[finding.start : finding.end]:
                self.found.append(finding)
                parts += [self.text[end : finding.start], GAP * (finding.end - finding.start)]
                end = finding.end
        if parts:
            self.text = "".join([*parts, self.text[end:]])


def _emails(text: str) -> Iterator[Finding]:
    for match in EMAIL.finditer(text):
        yield Finding("email", match.group().lower(), match.start(), match.end())
