"""A help desk's JSON export, piece by piece: one object with lists in it, one list, or an object a line; one file or a folder of them."""

import json
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

import ijson

from data.errors import Refused

SMALL = 8_000_000  # bytes that are read at once
LARGEST = 25_000_000  # bytes of one record
LONGEST = 5_000_000  # bytes of one value, and of the line by which a file is known
DEEPEST = 200
ENDINGS = (".json", ".jsonl", ".ndjson")

Piece = tuple[str, dict[str, Any] | str]  # the list it stands in ("" for none), and it, or what is wrong with it


class _Broken(Exception):
    """The rest of the file cannot be read."""


def files_of(path: Path) -> list[Path]:
    """The file, or a folder's files by name."""
    if not path.is_dir():
        return [path]
    return sorted(one for one in path.rglob("*") if one.suffix.lower() in ENDINGS and one.is_file() and not one.is_symlink())


def speaks(path: Path, head: bytes, *words: tuple[bytes, ...]) -> bool:
    """Whether the first 64 kB of the file, or of one in the folder, are JSON that holds all words of one kind."""
    heads = [head]
    if path.is_dir():
        heads = []
        for file in files_of(path)[:50]:
            with file.open("rb") as opened:
                heads.append(opened.read(65_536))
    starts = [one.lstrip(b"\xef\xbb\xbf \r\n\t") for one in heads]
    return any(one.startswith((b"{", b"[")) and any(all(word in one for word in kind) for kind in words) for one in starts)


def check(path: Path, what: str, sections: tuple[str, ...], fits: Callable[[str, dict[str, Any]], bool]) -> None:
    """Refuse a file in which no record is of this kind."""
    if not path.exists():
        raise Refused(f"Nothing was imported: {path.name} is not there.")
    files = files_of(path)
    if not files:
        raise Refused(f"Nothing was imported: {path.name} holds no JSON files.")
    if not any(one.stat().st_size for one in files):
        raise Refused(f"Nothing was imported: {path.name} is empty.")
    wrong = ""
    for one in files:
        for section, piece in pieces(one, sections):
            if isinstance(piece, dict) and fits(section, piece):
                return
            wrong = wrong or (f" ({one.name}: {piece})" if isinstance(piece, str) else "")
    raise Refused(f"Nothing was imported: {path.name} holds no {what}{wrong}. Export them as JSON, or choose the format that the file has.")


def pieces(path: Path, sections: tuple[str, ...]) -> Iterator[Piece]:
    """Every record. One that is broken is told; the rest is read as far as it can be found."""
    with path.open("rb") as file:
        start = file.read(3)
        file.seek(3 if start == b"\xef\xbb\xbf" else 0)
        began = file.tell()
        if _by_line(file):
            file.seek(began)
            yield from _lines(file, sections)
            return
        file.seek(began)
        if path.stat().st_size <= SMALL:
            yield from _opened(_loads(file.read()), sections)
            return
        try:
            yield from _walk(file, sections)
        except (_Broken, ijson.JSONError, UnicodeError) as error:
            yield "", f"it cannot be read any further: {error if isinstance(error, _Broken) else 'it is not JSON, or breaks off'}"


def _by_line(file: BufferedReader) -> bool:
    """Whether the first line that says something is a whole object, with another line behind it."""
    while (line := file.readline(LONGEST)) and len(line) < 100 and not line.strip():
        continue
    if not line.endswith(b"\n") or not line[:100].lstrip().startswith(b"{"):
        return False
    return isinstance(_loads(line), dict) and bool(file.read(1))


def _lines(file: BufferedReader, sections: tuple[str, ...]) -> Iterator[Piece]:
    while line := file.readline(LARGEST + 1):
        if len(line) > LARGEST:
            while line and not line.endswith(b"\n"):
                line = file.readline(LARGEST)
            yield "", f"longer than {LARGEST // 1_000_000} MB"
        elif line.strip():
            yield from _opened(_loads(line), sections)


def _loads(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"


def _opened(found: Any, sections: tuple[str, ...]) -> Iterator[Piece]:
    """The records in a list or in one page of an API's answers; a record itself as it is."""
    if isinstance(found, list):
        for one in found:
            yield from _opened(one, sections) if isinstance(one, dict) else [("", "not an object")]
    elif isinstance(found, dict):
        lists = [(section, _at(found, section)) for section in sections]
        lists = [(section, there) for section, there in lists if isinstance(there, list)]
        if not lists or "id" in found:  # a ticket holds comments too, and is no page of them
            yield "", found
            return
        for section, there in lists:
            for one in there:
                yield section, one if isinstance(one, dict) else "not an object"
    else:
        yield "", found if isinstance(found, str) else "not an object"


def _at(found: dict[str, Any], section: str) -> Any:
    there: Any = found
    for name in section.split("."):
        there = there.get(name) if isinstance(there, dict) else None
    return there


class _Watched:
    """A file that is read on only as long as something comes of it."""

    def __init__(self, file: BufferedReader) -> None:
        self.file, self.unused = file, 0

    def read(self, size: int) -> bytes:
        if size:
            self.unused += size
        if self.unused > LONGEST:
            raise _Broken(f"one value is longer than {LONGEST // 1_000_000} MB")
        return self.file.read(size)


def _walk(file: BufferedReader, sections: tuple[str, ...]) -> Iterator[Piece]:
    """Flat memory: a record is built while it is read, and given away."""
    watched = _Watched(file)
    open_lists: list[tuple[bool, str]] = []  # of what is open: whether it is a list, and what it is called
    key, section, building, depth, size = "", "", None, 0, 0
    for event, value in ijson.basic_parse(watched, use_float=True):
        watched.unused = 0
        if building is not None:
            size += len(value) if isinstance(value, str) else 8
            depth += event.startswith("start_")
            depth -= event.startswith("end_")
            if depth > DEEPEST:
                raise _Broken(f"nested more than {DEEPEST} deep")
            if size <= LARGEST:
                building.event(event, value)
            if not depth:
                found = building.value if size <= LARGEST else f"longer than {LARGEST // 1_000_000} MB"
                building = None
                yield from [(section, found)] if section else _opened(found, sections)
        elif event == "map_key":
            key = value
        elif event.startswith("end_"):
            open_lists.pop()
        elif event.startswith("start_"):
            section = ".".join(name for _, name in open_lists[1:])
            if event == "start_map" and open_lists and open_lists[-1][0] and (not section or section in sections):
                building, depth, size = ijson.ObjectBuilder(), 1, 0
                building.event(event, value)
                continue
            open_lists.append((event == "start_array", key))
            if len(open_lists) > DEEPEST:
                raise _Broken(f"nested more than {DEEPEST} deep")
        elif open_lists and open_lists[-1][0] and ".".join(name for _, name in open_lists[1:]) in ("", *sections):
            yield "", "not an object"
