"""CSV: a row an article, in and out. What would start a formula in a spreadsheet has an apostrophe before it, which reading takes off."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import Refused
from data.exports.cells import STARTS_FORMULA, cell
from data.intake.records import delimiter_of
from knowledge.files.article import FIELDS, Faulty, NewArticle
from knowledge.files.lines import known

MOST_COLUMNS = 500
COLUMNS = ("slug", "title", "content", *FIELDS[2:])


@dataclass(frozen=True)
class _Record:
    line: int  # where it begins
    cells: list[str]
    fault: str = ""


def read(content: bytes, path: Path) -> Iterator[tuple[int, dict[str, Any] | Faulty, tuple[str, ...]]]:
    """Each row's line with its fields, or what is wrong with it, and the columns that nobody reads. Refused where no row can be one."""
    records = _records(_decoded(content), delimiter_of(path))
    first = next(records, None)
    if first is not None and len(first.cells) <= 2 and "".join(first.cells).lower().startswith("sep="):
        first = next(records, None)
    if first is None:
        raise Refused("It was left out: it is empty. Write the columns title and content on the first line.")
    names = [" ".join(name.split()) for name in first.cells]
    _check(names, first)
    for record in records:
        if record.fault or len(record.cells) != len(names):
            told = f"it has {len(record.cells):,} cells, the first line names {len(names):,} columns. Put each cell between quotation marks"
            yield record.line, Faulty(record.fault or told), ()
        else:
            cells = (_without_guard(text) for text in record.cells)
            yield record.line, *known({name: text for name, text in zip(names, cells, strict=True) if name})


def _check(names: list[str], first: _Record) -> None:
    shown = ", ".join(name[:40] for name in names[:20])
    ours = set(known(dict.fromkeys(names, "x"))[0])
    if first.fault or len(names) > MOST_COLUMNS:
        raise Refused(f"It was left out: its first line should name the columns, but {first.fault or f'it has {len(names):,} cells'}.")
    if "text" not in ours:
        raise Refused(
            f"It was left out: it has the columns {shown}. Name the one with the words 'content', and the one with the title 'title'."
        )
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise Refused(f"It was left out: the column '{twice[0][:40]}' stands twice in it. Keep one.")


def _decoded(content: bytes) -> str:
    utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"It was left out: it is not UTF-8 (at byte {error.start:,}). Save it as 'CSV UTF-8' and take that.") from error


def _records(text: str, delimiter: str) -> Iterator[_Record]:
    """Whole records, however many lines an article has in its cell. A quotation mark too many costs its own record."""
    sign = re.escape(delimiter)
    quoted = re.compile(rf'"((?:[^"]++|"")*+)"([^{sign}\r\n]*+)')
    bare = re.compile(rf"[^{sign}\r\n]*+")
    end = re.compile(r"\r\n|\r|\n|\Z")
    place, line, closes = 0, 1, text.rfind('"')
    while place < len(text):
        begins, cells, fault = place, [], ""
        while True:
            found = quoted.match(text, place) if text.startswith('"', place) and place < closes else None
            if found:
                cells.append(found[1].replace('""', '"'))
                fault = fault or ("a quotation mark within a cell stands alone. Write it twice" if found[2].strip() else "")
                place = found.end()
            else:
                fault = fault or ("a quotation mark in it is never closed. Close it" if text.startswith('"', place) else "")
                whole = bare.match(text, place)
                cells.append(whole[0] if whole else "")
                place = whole.end() if whole else place
            if not text.startswith(delimiter, place):
                break
            place += len(delimiter)
        over = end.match(text, place)
        place = over.end() if over else place
        if any(one.strip() for one in cells):
            yield _Record(line, cells, fault)
        line += _lines_in(text, begins, place)


def _lines_in(text: str, begins: int, ends: int) -> int:
    return text.count("\n", begins, ends) or text.count("\r", begins, ends)


def _without_guard(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].lstrip().startswith(STARTS_FORMULA) else text


def as_csv(articles: Sequence[NewArticle]) -> str:
    """All of them as a table that a spreadsheet opens and that can be read again."""
    lines = [",".join(f'"{name}"' for name in COLUMNS)]
    lines += [",".join(cell(text) for text in _row(article)) for article in articles]
    return "\r\n".join(lines) + "\r\n"


def _row(article: NewArticle) -> tuple[str, ...]:
    day = article.review_by.isoformat() if article.review_by else ""
    told = (article.slug, article.title, article.text, article.kind, article.audience, article.area, article.owner_email, day)
    return *told, article.language
