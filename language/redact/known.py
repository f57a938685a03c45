"""What the source knows of a customer, found again wherever it stands."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from language.redact.findings import Finding, listed, these

SHORTEST = 3  # letters of a part that is looked for by itself
TITLES = these("mr mrs ms miss mx dr prof herr frau dipl ing med phd jr sr")


def told(text: str, known: Sequence[str]) -> Iterator[Finding]:
    pattern = _pattern(tuple(known))
    if pattern:
        for match in pattern.finditer(text):
            kind = "address" if match.lastgroup == "address" else "name"
            yield Finding(kind, " ".join(match.group().casefold().split()), match.start(), match.end())


@lru_cache(maxsize=4096)
def _pattern(known: tuple[str, ...]) -> re.Pattern[str] | None:
    """Whole names and addresses first, then their parts that are no everyday words, in any capitalisation, with and without accents."""
    places = {piece for entry in known if any(map(str.isdigit, entry)) and "@" not in entry for piece in _pieces(entry)}
    people = {piece for entry in known if not any(map(str.isdigit, entry)) and "@" not in entry for piece in _parts(entry)}
    groups = [
        f"(?P<{kind}>{'|'.join(_written(entry) for entry in sorted(entries, key=lambda entry: (-len(entry), entry)))})"
        for kind, entries in (("address", places), ("name", people)) if entries
    ]  # fmt: skip
    return re.compile(rf"(?<!\w)(?:{'|'.join(groups)})(?!\w)", re.IGNORECASE) if groups else None


def _parts(name: str) -> Iterator[str]:
    name = " ".join(name.split())
    for spelling in (name, _plain(name)):
        words = re.findall(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*", spelling)
        if len(words) > 1 or not _is_everyday(name):
            yield spelling
        yield from (word for word in words if len(word) >= SHORTEST and not _is_everyday(word))


def _pieces(address: str) -> Iterator[str]:
    yield " ".join(address.split())
    for piece in re.split(r"[,;\n]", address):
        piece = " ".join(piece.split())
        if len(piece) > SHORTEST and not _is_everyday(piece) and any(map(str.isalpha, piece)):
            yield piece


def _is_everyday(word: str) -> bool:
    return len(word) < SHORTEST or word.lower() in listed("words") | listed("places") | TITLES


def _plain(name: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))


def _written(entry: str) -> str:
    parts = [part for part in re.split(r"[\s,]+", entry) if part]
    if parts and all(map(_is_everyday, parts)):  # 'Rose Will' is a name only when it is written as one
        ways = ([part.title() for part in parts], [part.upper() for part in parts])
        return f"(?-i:{'|'.join(' '.join(map(re.escape, way)) for way in ways)})"
    return r"[\s,]{1,4}".join(map(re.escape, parts)) or r"(?!)"
