"""Finds payment cards and e-mail addresses in a text and puts numbered placeholders in their place."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# 13 to 19 digits, possibly grouped by single blanks or hyphens, not inside a longer run of digits
CARD = re.compile(r"(?<![\d])(?:\d[ \-]?){12,18}\d(?![\d])")
EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}")


@dataclass(frozen=True)
class Finding:
    kind: str  # "card" or "email"
    value: str  # normalised, so that the same card written in two ways is one value
    start: int
    end: int


def find(text: str) -> list[Finding]:
    """Every card and address in the text, in reading order, without overlaps."""
    found = sorted([*_cards(text), *_emails(text)], key=lambda finding: (finding.start, -finding.end))
    kept: list[Finding] = []
    for finding in found:
        if not kept or finding.start >= kept[-1].end:
            kept.append(finding)
    return kept


def redact(text: str, number_of: Callable[[Finding], int]) -> tuple[str, list[Finding]]:
    """The text with '[card 1]' in place of each finding. `number_of` gives the same value the same number in one conversation."""
    findings = find(text)
    parts: list[str] = []
    end = 0
    for finding in findings:
        parts += [text[end : finding.start], f"[{finding.kind} {number_of(finding)}]"]
        end = finding.end
    return "".join([*parts, text[end:]]), findings


def passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _cards(text: str) -> Iterator[Finding]:
    for match in CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if passes_luhn(digits) and len(set(digits)) > 1:
            yield Finding("card", digits, match.start(), match.end())


def _emails(text: str) -> Iterator[Finding]:
    if "@" not in text:
        return
    for match in EMAIL.finditer(text):
        yield Finding("email", match.group().lower(), match.start(), match.end())
