"""Payment cards: groups of digits that pass the checksum, left alone when they only look like one."""

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise

from language.redact.findings import Finding

# groups of digits with at most two signs between them, as people and programmes write them; a card is some of the groups
RUN = re.compile(r"[0-9]+(?:[ \t\u00a0\u202f\u2009.\-\u2010-\u2013]{1,2}[0-9]+)*")
GROUP = re.compile(r"[0-9]+")
PRINTED = ((4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3))  # the groups as they stand on cards
TYPICAL = re.compile(r"4\d{12}|4\d{15}|4\d{18}|5\d{15}|2[2-7]\d{14}|3[47]\d{13}|3[0689]\d{12}|35\d{14}|6\d{15}|6\d{18}")
SHORTEST, LONGEST = 13, 19
ISSUERS = "23456"  # what the numbers of TYPICAL begin with
MOST_PRINTED = max(map(len, PRINTED))
MOST_UNLIKE = 7  # groups between which now this and now that stands; a card is told digit by digit in one way
ZERO = ord("0")
DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")  # Luhn's: twice the digit, and the sum of its digits from ten on


def cards(text: str) -> list[Finding]:
    return [card for run in RUN.finditer(text) if run.end() - run.start() >= SHORTEST for card in _cards(run)]


def passes_luhn(digits: str) -> bool:
    signs = digits.encode()
    return (sum(signs[::-2]) + sum(signs[-2::-2].translate(DOUBLED)) - ZERO * len(signs)) % 10 == 0


Group = tuple[int, int, str]  # where it begins, where it ends, its digits


def _cards(run: re.Match[str]) -> list[Finding]:
    """The cards among a run's groups: what looks most like one first, so that a date or a code beside it is left alone."""
    groups = [(*group.span(), group.group()) for group in GROUP.finditer(run.string, *run.span())]
    chosen: list[Finding] = []
    taken: set[int] = set()
    for _, _, first, last, value in sorted(_candidates(groups, run.string)):
        if taken.isdisjoint(range(first, last + 1)):
            chosen.append(Finding("card", value, groups[first][0], groups[last][1]))
            taken.update(range(first, last + 1))
    return sorted(chosen, key=lambda card: card.start)


def _candidates(groups: list[Group], text: str) -> Iterator[tuple[bool, bool, int, int, str]]:
    """Whole groups that pass the checksum: in one piece, as printed, or in the lengths of known issuers. What is likeliest sorts first."""
    digits = "".join(written for _, _, written in groups)
    places = [0, *accumulate(len(written) for _, _, written in groups)]
    group_that_ends = {place: number for number, place in enumerate(places[1:])}
    alike = _alike(groups, text)
    for first, begin in enumerate(places[:-1]):
        for length in range(SHORTEST, LONGEST + 1):
            last = group_that_ends.get(begin + length)
            if last is None:
                continue
            many = last - first + 1
            if many > MOST_PRINTED and (digits[begin] not in ISSUERS or (many > MOST_UNLIKE and alike[first] < last)):
                break
            value = digits[begin : begin + length]
            printed = many == 1 or (alike[first] >= last and many <= MOST_PRINTED and _lengths(groups[first : last + 1]) in PRINTED)
            typical = TYPICAL.fullmatch(value) is not None
            if (printed or typical) and passes_luhn(value) and len(set(value)) > 1:
                yield not typical, not printed, first, last, value


def _lengths(groups: list[Group]) -> tuple[int, ...]:
    return tuple(len(written) for _, _, written in groups)


def _alike(groups: list[Group], text: str) -> list[int]:
    """For each group the last one up to which all gaps are the same."""
    gaps = [text[left[1] : right[0]] for left, right in pairwise(groups)]
    last = [len(groups) - 1] * len(groups)
    for place in range(len(groups) - 3, -1, -1):
        last[place] = last[place + 1] if gaps[place] == gaps[place + 1] else place + 1
    return last
