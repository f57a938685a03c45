"""Records of a CSV file, in flat memory, with the lines where they begin."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from data.intake.reading import HEAD, head

DELIMITERS = ",;\t|"
LONGEST_LINE, LONGEST_RECORD = 5_000_000, 2_000_000
csv.field_size_limit(LONGEST_LINE)  # ours are told in words before this is reached
ONE_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")

Record = list[str] | str  # its cells, or what is wrong with it


def _lines(path: Path) -> Iterator[str | None]:
    """Text lines in whatever they are written; None is one without end."""
    utf_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(head(path)[:2])
    if utf_16:
        with path.open(encoding=utf_16, errors="replace") as text:
            while line := text.readline(LONGEST_LINE + 1):
                long = len(line) > LONGEST_LINE
                while long and line and not line.endswith("\n"):
                    line = text.readline(LONGEST_LINE)
                yield None if long else line.removeprefix("\ufeff").replace("\0", "")
        return
    with path.open("rb") as file:
        while raw := file.readline(LONGEST_LINE + 1):
            if len(raw) > LONGEST_LINE:
                while raw and not raw.endswith(b"\n"):
                    raw = file.readline(LONGEST_LINE)
                yield None
            else:
                yield from ONE_LINE.findall(decoded(raw)) if b"\r" in raw.rstrip(b"\r\n") else (decoded(raw),)


def decoded(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    return text.removeprefix("\ufeff").replace("\0", "")


class _EndlessError(Exception):
    """A quotation mark that is never closed, or a line without end."""


class _Records:
    """Records with the lines where they begin. A quotation mark that is not closed costs its own line, not the rest of the file."""

    def __init__(self, path: Path, delimiter: str) -> None:
        self.lines, self.delimiter = _lines(path), delimiter
        self.again: deque[str | None] = deque()  # lines that are read a second time
        self.number = 0

    def __iter__(self) -> Iterator[tuple[int, Record]]:
        while True:
            taken: list[str | None] = []
            begins = self.number + 1
            try:
                record = next(csv.reader(self._feed(taken), delimiter=self.delimiter))
            except StopIteration:
                return
            except _EndlessError as error:
                self.again.extendleft(reversed(taken[1:]))
                self.number = begins
                yield begins, str(error)
                continue
            except csv.Error as error:
                self.number = begins + len(taken) - 1
                yield begins, f"not CSV: {error}"
                continue
            self.number = begins + len(taken) - 1
            if any(cell.strip() for cell in record):
                yield begins, record

    def _feed(self, taken: list[str | None]) -> Iterator[str]:
        size = 0
        while True:
            line = self.again.popleft() if self.again else next(self.lines, "")
            if line == "":
                if taken:
                    raise _EndlessError("a quotation mark is never closed")
                return
            taken.append(line)
            if line is None:
                raise _EndlessError(
                    f"longer than {LONGEST_LINE // 1_000_000} MB" if len(taken) == 1 else "a quotation mark is never closed"
                )
            size += len(line)
            if size > LONGEST_RECORD and len(taken) > 1:
                raise _EndlessError("a quotation mark is never closed")
            yield line


def delimiter_of(path: Path) -> str:
    """The one that cuts the first records into the same number of cells, and into most."""
    start = head(path)
    text = start.decode("utf-16", errors="replace") if start[:2] in (b"\xff\xfe", b"\xfe\xff") else decoded(start)
    lines = ONE_LINE.findall(text)
    lines = lines[:-1] if len(start) == HEAD and len(lines) > 1 else lines
    if lines and (said := re.fullmatch(r"\"?sep=(.)\"?\s*", lines[0])):
        return said[1]
    best = (0.0, 0, ",")
    for delimiter in DELIMITERS:
        with suppress(csv.Error):
            records = [len(record) for record in islice(csv.reader(iter(lines), delimiter=delimiter), 50) if record]
            if records and records[0] > 1:
                best = max(best, (round(records.count(records[0]) / len(records), 1), records[0], delimiter))
    return best[2]


def records_of(path: Path) -> Iterator[tuple[int, Record]]:
    records = iter(_Records(path, delimiter_of(path)))
    for number, record in records:
        if number == 1 and len(record) <= 2 and "".join(record).lower().startswith("sep="):
            continue
        yield number, record
