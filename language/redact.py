"""Finds payment cards and e-mail addresses in a text and puts numbered placeholders in their place."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

# groups of digits with at most two signs between them, as people and programmes write them; a card is some of the groups
RUN = re.compile(r"[0-9]+(?:[ \t\u00a0\u202f\u2009.\-\u2010-\u2013]{1,2}[0-9]+)*")
GROUP = re.compile(r"[0-9]+")
PRINTED = ((4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3))  # the groups as they stand on cards
TYPICAL = re.compile(r"4\d{12}|4\d{15}|4\d{18}|5\d{15}|2[2-7]\d{14}|3[47]\d{13}|3[0689]\d{12}|35\d{14}|6\d{15}|6\d{18}")
SHORTEST, LONGEST = 13, 19

EMAIL = re.compile(r"[^\W_][\w.%+\-'’]{0,63}@(?:[^\W_](?:[\w\-]{0,61}[^\W_])?\.)+(?:xn--[a-z0-9\-]{2,30}|[^\W\d_]{2,24})", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    kind: str  # "card" or "email"
    value: str  # normalised, so that the same card written in two ways is one value
    start: int
    end: int


def find(text: str) -> list[Finding]:
    """Every card and address in the text, in reading order, without overlaps. A card's last digits are no part of an address."""
    cards = [card for run in RUN.finditer(text) if run.end() - run.start() >= SHORTEST for card in _cards(run)]
    rest, end = "", 0
    for card in cards:
        rest += text[end : card.start] + "\0" * (card.end - card.start)
        end = card.end
    rest += text[end:]
    return sorted([*cards, *_emails(rest)], key=lambda finding: finding.start)


def redact(text: str, number_of: Callable[[Finding], int]) -> tuple[str, list[Finding]]:
    """The text with '[card 1]' in place of each finding. `number_of` gives the same value the same number in one conversation."""
    findings = find(text)
    parts: list[str] = []
    end = 0
    for finding in findings:
        parts += [text[end : finding.start], f"[{finding.kind} {number_of(finding)}]"]
        end = finding.end
    return "".join([*parts, text[end:]]), findings


def masked(text: str) -> str:
    """The text with what was found replaced, counted within this text: for what people write themselves."""
    seen: dict[tuple[str, str], int] = {}
    return redact(text, lambda found: seen.setdefault((found.kind, found.value), len([1 for kind, _ in seen if kind == found.kind]) + 1))[0]


def passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _cards(run: re.Match[str]) -> list[Finding]:
    """The cards among a run's groups: what looks most like one first, so that a date or a code beside it is left alone."""
    groups = [(run.start() + group.start(), run.start() + group.end(), group.group()) for group in GROUP.finditer(run.group())]
    candidates = sorted(_candidates(groups, run), key=lambda pair: (not TYPICAL.fullmatch(pair[1].value), not pair[0], pair[1].start))
    chosen: list[Finding] = []
    for _, card in candidates:
        if all(card.end <= other.start or other.end <= card.start for other in chosen):
            chosen.append(card)
    return sorted(chosen, key=lambda card: card.start)


def _candidates(groups: list[tuple[int, int, str]], run: re.Match[str]) -> Iterator[tuple[bool, Finding]]:
    """Whole groups that pass the checksum: in one piece, grouped as printed, or in the lengths of known issuers."""
    for first in range(len(groups)):
        digits = ""
        for last in range(first, len(groups)):
            digits += groups[last][2]
            if len(digits) > LONGEST:
                break
            if len(digits) < SHORTEST:
                continue
            printed = first == last or _is_printed(groups[first : last + 1], run)
            if (printed or TYPICAL.fullmatch(digits)) and passes_luhn(digits) and len(set(digits)) > 1:
                yield printed, Finding("card", digits, groups[first][0], groups[last][1])


def _is_printed(groups: list[tuple[int, int, str]], run: re.Match[str]) -> bool:
    gaps = {run.string[left[1] : right[0]] for left, right in pairwise(groups)}
    return tuple(len(group[2]) for group in groups) in PRINTED and len(gaps) == 1


def _emails(text: str) -> Iterator[Finding]:
    if "@" not in text:
        return
    for match in EMAIL.finditer(text):
        yield Finding("email", match.group().lower(), match.start(), match.end())
