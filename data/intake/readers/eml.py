"""eml: mails, each in a file of its own; a folder of them is one mailbox."""

import re
from collections.abc import Iterator
from pathlib import Path

from data.errors import Refused
from data.intake import mails
from data.intake.reading import Mapping, Row, head, inputs, shown

NAME, WORDS, UNIT = "eml", "Mails, each in a file (eml)", "mail"
ENDINGS = (".eml",)
USUAL = re.compile(
    rb"^(?:from|to|subject|date|message-id|received|mime-version|return-path|reply-to|delivered-to|content-type|dkim-signature)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
FIRST = re.compile(rb"^[!-9;-~]{1,100}[ \t]*:")


def looks_like(path: Path, head: bytes) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf\r\n")
    top = re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0]
    return bool(FIRST.match(start)) and len({found.lower() for found in USUAL.findall(top)}) >= 2


def check(path: Path, mapping: Mapping = Mapping()) -> None:
    if path.is_file() and not looks_like(path, head(path)):
        raise Refused(f"Nothing was imported: {shown(path)} is no mail. It must begin with headers such as From, To and Subject.")
    inputs(path, ENDINGS)


def guess(path: Path) -> Mapping:
    return Mapping(roles=mails.ours(raw for _, raw in _mails(path)))


def read(path: Path, mapping: Mapping = Mapping()) -> Iterator[Row]:
    yield from mails.conversations(_mails(path), mails.with_ours(mapping, (raw for _, raw in _mails(path))))


def _mails(path: Path) -> Iterator[tuple[int, bytes | str]]:
    for number, one in enumerate(inputs(path, ENDINGS), start=1):
        with one.open("rb") as file:
            raw = file.read(mails.LONGEST_MAIL + 1)
        if not looks_like(one, raw[:65_536]):
            yield number, f"{shown(one)} is no mail"
        else:
            yield number, raw.lstrip(b"\xef\xbb\xbf\r\n")
