"""Reads a file, or a folder with all that is in it, into articles; of everything that is none it tells where and why."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG
from typing import Any

from data.errors import Refused
from knowledge.files import front, lines, page, table
from knowledge.files.article import Faulty, NewArticle, made, too_large

MOST_FILES = 50_000  # in a folder with all in it; and articles
MOST_IN_ALL = 500_000_000  # bytes of text that are held at once
MARKDOWN, HTML, CSV, JSONL = (".md", ".markdown"), (".html", ".htm"), (".csv", ".tsv"), (".jsonl", ".ndjson")
LARGEST = {**dict.fromkeys(MARKDOWN, 8_000_000), **dict.fromkeys(HTML, 20_000_000), **dict.fromkeys((*CSV, *JSONL), 200_000_000)}  # bytes


@dataclass(frozen=True)
class Read:
    """What came of files. Where: a path within the folder, and the line where a file has several."""

    articles: tuple[NewArticle, ...]
    refused: tuple[tuple[str, str], ...]  # where, why
    unknown: tuple[str, ...] = ()  # fields that were told and that nobody reads


def read(path: Path) -> Read:
    """Everything under it, by name. Nothing is stored."""
    reading = _Reading()
    if path.is_dir():
        _read_folder(path, reading)
    elif path.is_file():
        reading.take(path, shown(path.name))
    else:
        raise Refused(f"Nothing was read: {shown(path.name)} is neither a file nor a folder. Look whether its name is right.")
    return reading.told()


def shown(name: str) -> str:
    """A file's name as it can stand in a sentence."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[-200:]


class _Reading:
    """What has come so far, and by which names and texts a twin is known."""

    def __init__(self) -> None:
        self.articles: list[NewArticle] = []
        self.refused: list[tuple[str, str]] = []
        self.unknown: dict[str, None] = {}
        self.by_slug: dict[str, str] = {}
        self.by_text: dict[bytes, str] = {}
        self.size = 0

    def told(self) -> Read:
        return Read(tuple(self.articles), tuple(self.refused), tuple(self.unknown))

    @property
    def full(self) -> bool:
        return len(self.articles) >= MOST_FILES or self.size >= MOST_IN_ALL

    def refuse(self, where: str, fault: object) -> None:
        self.refused.append((where, f"It was left out: {fault}."))

    def take(self, path: Path, where: str) -> None:
        """A file's articles."""
        ending = path.suffix.lower()
        if ending not in LARGEST:
            return self.refuse(where, f"files that end in '{shown(ending)}' are not read. Articles are .md, .html, .csv or .jsonl")
        try:
            content = _content(path, LARGEST[ending])
            for line, fields, unknown in _rows(content, path, ending):
                at = f"{where}, line {line}" if line else where
                if self.full:
                    return self.refuse(at, f"{len(self.articles):,} articles are as many as are read at once. Take the rest by itself")
                self.unknown |= dict.fromkeys(unknown)
                self._keep(fields, at)
        except Refused as error:
            self.refused.append((where, str(error)))
        except Faulty as fault:
            self.refuse(where, fault)
        except OSError as error:
            self.refuse(where, f"it could not be read: {os.strerror(error.errno or 0).lower()}")
        return None

    def _keep(self, fields: dict[str, Any] | Faulty, where: str) -> None:
        try:
            if isinstance(fields, Faulty):
                raise fields
            article = made(fields, where)
            self._check_twins(article)
        except Faulty as fault:
            return self.refuse(where, fault)
        self.articles.append(article)
        self.by_slug[article.slug] = self.by_text[_gist(article)] = where
        self.size += len(article.text)
        return None

    def _check_twins(self, article: NewArticle) -> None:
        if twin := self.by_text.get(_gist(article)):
            raise Faulty(f"it says word for word what {twin} says. Keep one of them")
        if twin := self.by_slug.get(article.slug):
            raise Faulty(f"it has the same name as {twin}: '{article.slug}'. Give it an id of its own, or keep one of them")


def _gist(article: NewArticle) -> bytes:
    """The same for the same words, however they are broken into lines."""
    return hashlib.blake2b(" ".join(article.text.split()).encode(), digest_size=16).digest()


def _content(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise Faulty(too_large(path.stat().st_size))
    return content


def _rows(content: bytes, path: Path, ending: str) -> Iterator[tuple[int, dict[str, Any] | Faulty, tuple[str, ...]]]:
    """A file's articles, each with its line where it has several."""
    if ending in CSV:
        yield from table.read(content, path)
    elif ending in JSONL:
        yield from lines.read(content)
    elif ending in HTML:
        yield 0, page.read(_decoded(content)), ()
    else:
        fields, text, unknown = front.parted(_decoded(content))
        yield 0, {**fields, "text": text}, unknown


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Faulty(f"it is not UTF-8 (at byte {error.start:,}). Save it as UTF-8") from error


# Folders


def _read_folder(folder: Path, reading: _Reading) -> None:
    files, other = [], Counter[str]()
    for path in _walked(folder, reading):
        if path.suffix.lower() in LARGEST:
            files.append(path)
        else:
            other[path.suffix.lower()] += 1
        if len(files) + other.total() > MOST_FILES:
            many = f"Nothing of it was read: it holds more than {MOST_FILES:,} files. Take it in several folders."
            reading.refused[:] = [(shown(folder.name), many)]
            return
    for number, path in enumerate(sorted(files)):
        where = shown(path.relative_to(folder).as_posix())
        if reading.full:
            rest = f"{len(reading.articles):,} articles are as many as are read at once, and {len(files) - number:,} files are left"
            reading.refuse(where, f"{rest}. Take them by themselves")
            break
        reading.take(path, where)
    for ending, count in sorted(other.items()):
        many = "1 file was" if count == 1 else f"{count:,} files were"
        reading.refused.append((shown(ending) or "no ending", f"{many} not read: articles end in .md, .html, .csv or .jsonl."))


def _walked(folder: Path, reading: _Reading) -> Iterator[Path]:
    """Each ordinary file in it. A link that leads out of the folder is not followed, and one to a folder in it neither."""
    top = folder.resolve()
    waiting = [folder]
    while waiting:
        for path in _entries(waiting.pop(), folder, reading):
            try:
                mode = path.lstat().st_mode
                if S_ISLNK(mode) and not path.resolve().is_relative_to(top):
                    reading.refuse(_where(path, folder), "it is a link that leads out of the folder. Put the file itself there")
                    continue
                mode, linked = path.stat().st_mode, S_ISLNK(mode)
            except (OSError, RuntimeError):  # a link to nothing, or to itself
                reading.refuse(_where(path, folder), "it is a link that leads nowhere. Take it away")
                continue
            if S_ISDIR(mode) and not linked:
                waiting.append(path)
            elif S_ISREG(mode):
                yield path
            elif not S_ISDIR(mode):
                reading.refuse(_where(path, folder), "it is no ordinary file. Take it away")


def _where(path: Path, folder: Path) -> str:
    return shown(path.relative_to(folder).as_posix())


def _entries(folder: Path, top: Path, reading: _Reading) -> list[Path]:
    """What is in a folder, without what begins with a dot: those are tools' own."""
    try:
        with os.scandir(folder) as found:
            return [folder / entry.name for entry in found if not entry.name.startswith(".")]
    except OSError as error:
        where = _where(folder, top) if folder != top else shown(folder.name)
        reading.refuse(where, f"the folder could not be read: {os.strerror(error.errno or 0).lower()}")
        return []
