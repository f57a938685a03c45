"""Canonical JSONL: one conversation a line."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from data.errors import Refused
from data.intake.canonical import CanonicalConversation

LONGEST_LINE = 5_000_000  # bytes


def read(path: Path, *, after_line: int = 0) -> Iterator[tuple[int, CanonicalConversation | str]]:
    """Each line's number with its conversation, or with what is wrong with it. A bad line never spoils the rest."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                while line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST_LINE)
                if number > after_line:
                    yield number, f"longer than {LONGEST_LINE // 1_000_000} MB"
            elif number > after_line and line.strip():
                yield number, parse(line)


def parse(line: bytes | str) -> CanonicalConversation | str:
    try:
        return CanonicalConversation.model_validate(json.loads(line))
    except ValidationError as error:
        return in_words(error)
    except (ValueError, RecursionError) as error:  # broken JSON, broken UTF-8, a number of thousands of digits
        return f"not JSON: {error}"


def in_words(error: ValidationError) -> str:
    told = [
        f"{'.'.join(str(part) for part in fault['loc']) or 'conversation'}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors()
    ]
    return "; ".join(told[:3]) + (f" (and {len(told) - 3} more)" if len(told) > 3 else "")


def check(path: Path) -> None:
    """A file that is not what it says is refused whole."""
    if not path.is_file():
        raise Refused(f"Nothing was imported: {path} is not a file.")
    with path.open("rb") as file:
        start = file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
    if not start:
        raise Refused(f"Nothing was imported: {path.name} is empty.")
    if not start.startswith(b"{"):
        raise Refused(f"Nothing was imported: {path.name} is not JSONL. Each line must be one conversation as a JSON object.")
