"""mbox: a mailbox in one file, as Gmail, Thunderbird and Apple Mail export it."""

import re
from collections.abc import Iterator
from pathlib import Path

from data.errors import Refused
from data.intake import mails
from data.intake.reading import Mapping, Row, head, inputs, shown

NAME, WORDS, UNIT = "mbox", "Mails (mbox)", "mail"
ENDINGS = (".mbox", ".mbx", ".mbs")
BEGINS = re.compile(rb"^From \S*[^\r\n]{0,200}\d\d:\d\d[^\r\n]{0,60}\d{4}|^From - ")  # the line above a mail tells when it came
ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
PIECE = 1_000_000


def looks_like(path: Path, head: bytes) -> bool:
    return bool(BEGINS.match(head.lstrip(b"\xef\xbb\xbf\r\n")))


def check(path: Path, mapping: Mapping = Mapping()) -> None:
    for one in inputs(path, ENDINGS):
        if not looks_like(one, head(one)):
            raise Refused(f"Nothing was imported: {shown(one)} is no mbox. Its first line must begin with 'From ', an address and a time.")


def guess(path: Path) -> Mapping:
    return Mapping(roles=mails.ours(raw for _, raw in _mails(path)))


def read(path: Path, mapping: Mapping = Mapping()) -> Iterator[Row]:
    yield from mails.conversations(_mails(path), mails.with_ours(mapping, (raw for _, raw in _mails(path))))


def _mails(path: Path) -> Iterator[tuple[int, bytes | str]]:
    """Each mail as it stands between two lines that begin with 'From '; one that is too long is only told."""
    number = 0
    for one in inputs(path, ENDINGS):
        for raw in _between(one):
            number += 1
            yield number, raw


def _between(path: Path) -> Iterator[bytes | str]:
    pieces: list[bytes] = []
    size, begun, line_begins, after_blank = 0, False, True, True
    with path.open("rb") as file:
        while piece := file.readline(PIECE):
            if line_begins and after_blank and BEGINS.match(piece.removeprefix(b"\xef\xbb\xbf") if not begun else piece):
                if begun:
                    yield _whole(pieces, size)
                pieces, size, begun, line_begins = [], 0, True, piece.endswith(b"\n")
                after_blank = True  # an empty mail: the next one may follow at once
                continue
            after_blank = line_begins and not piece.strip(b"\r\n")
            line_begins = piece.endswith(b"\n")
            size += len(piece)
            if begun and size <= mails.LONGEST_MAIL:
                pieces.append(piece)
    if begun:
        yield _whole(pieces, size)


def _whole(pieces: list[bytes], size: int) -> bytes | str:
    if size > mails.LONGEST_MAIL:
        return f"longer than {mails.LONGEST_MAIL // 1_000_000} MB"
    return ESCAPED.sub(rb"\1", b"".join(pieces))
