"""Patterns as guardrails write them: one a line, read in linear time whatever text comes. A line that begins with | goes on."""

from collections.abc import Iterator
from typing import Any

import re2


class Patterns:
    """Several, looked for one after the other: together they would be too large a table to keep."""

    def __init__(self, patterns: list[str]) -> None:
        self._compiled = [re2.compile(f"(?im){pattern}") for pattern in patterns]

    def search(self, text: str) -> Any:
        """The first of them that is found, in the order in which they are written; None where none is."""
        return next(self.finditer(text), None)

    def finditer(self, text: str) -> Iterator[Any]:
        for pattern in self._compiled:
            yield from pattern.finditer(text)


def of(lines: str, **named: str) -> Patterns:
    """Without regard to capitals. <name> stands for a named piece."""
    pieces: list[str] = []
    for line in filter(None, map(str.strip, lines.splitlines())):
        if line.startswith("|"):
            pieces[-1] += line
        else:
            pieces.append(line)
    for name, piece in named.items():
        pieces = [one.replace(f"<{name}>", f"(?:{piece})") for one in pieces]
    return Patterns(pieces)
