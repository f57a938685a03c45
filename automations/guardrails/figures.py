"""Days, times and numbers in a text, however they are written: 2026-11-24, 24.11., November 24th; 7 PM; 1,200.00; R-1041 by its number."""

import re
from collections.abc import Iterator
from datetime import date

from evals.graders import tokens

_MONTHS = """
    jan january januar | feb february februar | mar march marz | apr april | may mai | jun june juni | jul july juli | aug august |
    sep sept september | oct october okt oktober | nov november | dec december dez dezember
"""
MONTHS = {name: number for number, names in enumerate(_MONTHS.split("|"), start=1) for name in names.split()}
ISO = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
POINTED = re.compile(r"(?<![\d.,])(\d{1,2})\.\s?(\d{1,2})\.(?:\s?(\d{4}))?(?!\d)")
SLASHED = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{4})(?![\d/])")
NAMED_MONTHS = "|".join(sorted(MONTHS, key=len, reverse=True)).replace("marz", "m[aä]rz")
DAY_FIRST = re.compile(rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?({NAMED_MONTHS})\b\.?,?(?:\s+(\d{{4}}))?", re.IGNORECASE)
MONTH_FIRST = re.compile(rf"\b({NAMED_MONTHS})\b\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s+(\d{{4}}))?", re.IGNORECASE)
ENDS_NOTHING = re.compile(rf"(?<!\d)(\d{{1,2}})\.\s+(?=(?:{NAMED_MONTHS})\b)", re.IGNORECASE)
Day = tuple[int, int, int]  # year, or 0 where none is said; month; day
TIME = re.compile(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?::[0-5]\d)?(?![\d:])\s*([ap]\.?m\b\.?)?", re.IGNORECASE)


def sentences(text: str) -> list[str]:
    """Where '1. Dezember' ends none."""
    return tokens.sentences(ENDS_NOTHING.sub(r"\1 ", text))


def numbers(text: str) -> set[str]:
    """Numbers as they stand, and those inside codes: R-1041 is told as 1041."""
    return tokens.numbers(tokens.of(text)) | tokens.numbers(tokens.of(re.sub(r"(?<=[A-Za-z])-?(?=\d)", " ", text)))


def agree(one: Day, other: Day) -> bool:
    return one[1:] == other[1:] and (one[0] == other[0] or 0 in (one[0], other[0]))


def shown(day: Day) -> str:
    return f"{day[0]}-{day[1]:02}-{day[2]:02}" if day[0] else f"{day[2]}.{day[1]}."


def times(text: str) -> Iterator[int]:
    """Minutes of the day."""
    for found in TIME.finditer(text):
        hour, half = int(found[1]), (found[3] or "").lower()[:1]
        yield (hour % 12 + (12 if half == "p" else 0) if half else hour) * 60 + int(found[2])


def days(text: str) -> Iterator[Day]:
    yield from (day for _, _, day in _placed(text))


def without_days(text: str) -> tuple[str, list[Day]]:
    """The rest, and the days in it."""
    pieces, end, found = [], 0, list[Day]()
    for start, stop, day in sorted(_placed(text)):
        if start >= end:
            pieces.append(text[end:start])
            found.append(day)
            end = stop
    return " ".join([*pieces, text[end:]]), found


def _placed(text: str) -> Iterator[tuple[int, int, Day]]:
    orders = ((ISO, (1, 2, 3)), (POINTED, (3, 2, 1)), (SLASHED, (3, 1, 2)), (DAY_FIRST, (3, 2, 1)), (MONTH_FIRST, (3, 1, 2)))
    for pattern, (year, month, day) in orders:
        for found in pattern.finditer(text):
            if made := _day(found[year], found[month], found[day]):
                yield found.start(), found.end(), made


def _day(year: str | None, month: str, day: str) -> Day | None:
    number = int(month) if month.isdigit() else MONTHS[month.casefold().replace("ä", "a")]
    made = (int(year or 0), number, int(day))
    try:
        date(made[0] or 2024, number, made[2])
    except ValueError:
        return None
    return made
