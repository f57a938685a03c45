"""Payment cards: groups of digits that pass the checksum, left alone when they only look like one."""

import re
from collections.abc import Iterator
from itertools import pairwise

from language.redact.findings import Finding

# groups of digits with at most two signs between them, as people and programmes write them; a card is some of the groups
RUN = re.compile(r"[0-9]+(?:[ \t\u00a0\u202f\u2009.\-\u2010-\u2013]{1,2}[0-9]+)*")
GROUP = re.compile(r"[0-9]+")
PRINTED = ((4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3))  # the groups as they stand on cards
TYPICAL = re.compile(r"4\d{12}|4\d{15}|4\d{18}|5\d{15}|2[2-7]\d{14}|3[47]\d{13}|3[0689]\d{12}|35\d{14}|6\d{15}|6\d{18}")
SHORTEST, LONGEST = 13, 19


def cards(text: str) -> list[Finding]:
    return [card for run in RUN.finditer(text) if run.end() - run.start() >= SHORTEST for card in _cards(run)]


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
    taken: set[int] = set()
    for _, card in candidates:
        if taken.isdisjoint(range(card.start, card.end)):
            chosen.append(card)
            taken.update(range(card.start, card.end))
    return sorted(chosen, key=lambda card: card.start)


def _candidates(groups: list[tuple[int, int, str]], run: re.Match[str]) -> Iterator[tuple[bool, Finding]]:
    """Whole groups that pass the checksum: in one piece, grouped as printed, or in the lengths of known issuers."""
    lengths = tuple(len(group[2]) for group in groups)
    for first in range(len(groups)):
        digits = ""
        for last in range(first, len(groups)):
            digits += groups[last][2]
            if len(digits) > LONGEST or (last - first > 4 and digits[0] not in "23456"):  # neither printed so nor an issuer's
                break
            if len(digits) < SHORTEST:
                continue
            printed = first == last or (lengths[first : last + 1] in PRINTED and _gaps_alike(groups[first : last + 1], run))
            if (printed or TYPICAL.fullmatch(digits)) and passes_luhn(digits) and len(set(digits)) > 1:
                yield printed, Finding("card", digits, groups[first][0], groups[last][1])


def _gaps_alike(groups: list[tuple[int, int, str]], run: re.Match[str]) -> bool:
    return len({run.string[left[1] : right[0]] for left, right in pairwise(groups)}) == 1
