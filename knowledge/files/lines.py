"""JSONL: an article a line, each read alone."""

import json
from collections.abc import Iterator
from typing import Any

from data.intake.readers.jsonl import strict_json
from knowledge.files.article import Faulty, field_named, too_large

LONGEST_LINE = 8_000_000  # bytes: the largest article with every sign of it escaped, and more


def read(content: bytes) -> Iterator[tuple[int, dict[str, Any] | Faulty, tuple[str, ...]]]:
    """Each line's number with the fields on it, or with what is wrong with it; and the fields that nobody reads."""
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            fields, unknown = _fields(line)
        except Faulty as fault:
            yield number, fault, ()
        else:
            yield number, fields, unknown


def _fields(line: bytes) -> tuple[dict[str, Any], tuple[str, ...]]:
    if len(line) > LONGEST_LINE:
        raise Faulty(too_large(len(line)))
    try:
        told = strict_json(line)
        json.loads(line, object_pairs_hook=_told_once)
    except UnicodeDecodeError as error:
        raise Faulty("it is not UTF-8. Save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise Faulty(f"it is not JSON: {error}. Write an article on one line, between {{ and }}") from error
    if not isinstance(told, dict):
        raise Faulty("it is no article. Write one between { and }, with title and text")
    return known(told)


def _told_once(pairs: list[tuple[str, Any]]) -> None:
    """Of two fields of one name, readers choose differently: neither is the right one."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a field stands in it twice")


def known(told: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Ours of its fields, the first that says something of each, and the names of those that nobody reads."""
    fields: dict[str, Any] = {}
    unknown = []
    for name, value in told.items():
        ours = field_named(name)
        if ours is None:
            unknown.append(name)
        elif fields.get(ours) in (None, ""):
            fields[ours] = value
    return fields, tuple(unknown)
