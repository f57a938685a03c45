"""Days, times and numbers in a text, however they are written: 2026-11-24, 24.11., November 24th; 7 PM; 1,200.00; R-1041 by its number."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

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
HOUR = re.compile(r"(?<![\d:.,$€£])(1[0-2]|0?[1-9])\s?([ap])\.?m\b\.?", re.IGNORECASE)  # 11am
MONEY = re.compile(
    r"(?:[$€£¥]|\b(?:eur|usd|gbp|chf)\s?)\s?(\d+(?:[.,]\d+)*)|(?<![\w.,])(\d+(?:[.,]\d+)*)\s?(?:[€£¥]|(?:eur|euros?|usd|dollars?|gbp|pounds?"
    r"|chf|franken|cents?)\b)",
    re.IGNORECASE,
)
CODE = re.compile(r"(?<![\w@./])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z\d]+(?:[_-][A-Za-z\d]+)*(?!\w)")  # letters and digits: R-1041, PEP4E0
NAMED = re.compile(r"(?<![\w-])(?:[A-Z]{5,}|(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z\d]+(?:[_-][A-Za-z\d]+)*)(?!\w)")
NO_CODE = re.compile(r"\d+(?:st|nd|rd|th|s|k|x|h|m|cm|kg|g|am|pm|e|er|en|ste[nr]?|te[nr]?)?|\d+(?:-[a-zA-Z]+)+|[a-zA-Z]+-\d", re.IGNORECASE)
RANGE = re.compile(r"(?<![\w.,:/-])(\d{1,3})(?: ?[-–] ?| to | bis )(\d{1,3})(?![\w:/-]|[.,]\d)")
ORDINAL = re.compile(r"(?<![\w-])(\d{1,2})(?:st|nd|rd|th)\b", re.IGNORECASE)
LABEL = re.compile(
    r"^\W*(?:[A-Za-zÄÖÜäöüß]+ ){1,3}#?(\d{1,2})(?=\W{0,4}(?::|$|\())|^\W*(?:\d{1,2})[.)](?=\s)", re.MULTILINE
)  # Flight 1: of a list
_WORDS = "two zwei three drei four vier five fünf six sechs seven sieben eight acht nine neun ten zehn"
WORDS = {word: str(2 + place // 2) for place, word in enumerate(_WORDS.split())}
WRITTEN = re.compile(rf"\b(?:{'|'.join(WORDS)})\b", re.IGNORECASE)


def sentences(text: str) -> list[str]:
    """Where '1. Dezember' ends none."""
    return tokens.sentences(ENDS_NOTHING.sub(r"\1 ", text))


def numbers(text: str) -> set[str]:
    """Numbers as they stand, and those inside codes: R-1041 is told as 1041."""
    return tokens.numbers(tokens.of(text)) | tokens.numbers(tokens.of(re.sub(r"(?<=[A-Za-z])(?:-(?=\d)|(?=\d{3}))", " ", text)))


def beside(day: Day) -> Iterator[Day]:
    """The day before and the day after."""
    for step in (-1, 1):
        try:
            other = date(day[0] or 2024, day[1], day[2]) + timedelta(days=step)
        except (ValueError, OverflowError):
            continue
        yield other.year if day[0] else 0, other.month, other.day


def ranges(text: str) -> Iterator[tuple[str, str]]:
    """5 to 7."""
    yield from ((found[1], found[2]) for found in RANGE.finditer(text))


def plain_numbers(text: str) -> set[str]:
    """Those that are no part of a day or a time."""
    return numbers(TIME.sub(" ", without_days(text)[0]))


def agree(one: Day, other: Day) -> bool:
    return one[1:] == other[1:] and (one[0] == other[0] or 0 in (one[0], other[0]))


def shown(day: Day) -> str:
    return f"{day[0]}-{day[1]:02}-{day[2]:02}" if day[0] else f"{day[2]}.{day[1]}."


def times(text: str) -> Iterator[int]:
    """Minutes of the day."""
    for found in TIME.finditer(text):
        hour, half = int(found[1]), (found[3] or "").lower()[:1]
        yield (hour % 12 + (12 if half == "p" else 0) if half else hour) * 60 + int(found[2])


def hours(text: str) -> Iterator[int]:
    """The same of 11am."""
    yield from (int(found[1]) % 12 * 60 + (720 if found[2].lower() == "p" else 0) for found in HOUR.finditer(text))


def amounts(text: str) -> Iterator[tuple[str, str]]:
    """As they are written, and their number."""
    yield from ((found[0].strip(), tokens.of(found[1] or found[2])[0]) for found in MONEY.finditer(text))


def codes(text: str) -> Iterator[str]:
    """What names one thing: an order, a flight, a card."""
    yield from (found[0] for found in CODE.finditer(text) if not NO_CODE.fullmatch(found[0]))


def named(text: str) -> list[str]:
    """Codes in it, also those of letters alone."""
    return [one for one in NAMED.findall(text) if not NO_CODE.fullmatch(one)]


def in_digits(text: str) -> str:
    """Two as 2."""
    return WRITTEN.sub(lambda word: WORDS[word[0].lower()], text)


def without_labels(text: str) -> str:
    """'Flight 1:' counts nothing."""
    return LABEL.sub(" ", text)


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
