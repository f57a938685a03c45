"""One article as it comes from a file: what it may hold, and in words what is wrong with one that is none."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from evals.cases import unkeepable

KINDS = ("help", "macro", "policy")
MOST_TEXT = 1_000_000  # bytes of UTF-8: an article answers a question, a book does not
LONGEST_SLUG = 80
LONGEST = {"title": 200, "audience": 60, "area": 60, "owner": 254, "language": 20}
FIELDS = ("slug", "title", "kind", "audience", "area", "owner", "review_by", "language")  # beside the text, as files name them
NAMES = {name: name for name in (*FIELDS, "id", "text")} | {
    "content": "text", "body": "text", "markdown": "text", "owner_email": "owner", "lang": "language", "product_area": "area", "key": "id"
}  # fmt: skip
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
EMAIL = re.compile(r"[^@\s<>\"',;]+@[^@\s<>\"',;]+\.[^@\s<>\"',;]+")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
HEADING = re.compile(r"\A {0,3}#{1,6}[ \t]+([^\n]*?)[ \t]*#*[ \t]*(?:\n|\Z)|\A {0,3}(\S[^\n]*)\n {0,3}(?:=+|-{2,})[ \t]*(?:\n|\Z)")
LATER_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S[^\n]*?)[ \t]*#*[ \t]*$", re.MULTILINE)
WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l"})


class Faulty(ValueError):
    """It is no article; the words say why and what to do."""


@dataclass(frozen=True)
class NewArticle:
    """An article that somebody brings. Nobody has approved it."""

    slug: str  # lower-case letters, digits, hyphens
    title: str
    text: str  # Markdown
    kind: str = "help"  # help, macro, policy
    audience: str = ""
    area: str = ""
    owner_email: str = ""
    review_by: date | None = None
    language: str = ""
    source: str = field(default="", compare=False)  # where it came from: the same article from another place is the same


def field_named(name: str) -> str | None:
    """Ours for "Review by", "review-by" and "review_by"; None where we know no use for it."""
    return NAMES.get(re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_"))


def made(raw: Mapping[str, Any], source: str) -> NewArticle:
    """The article of these fields; Faulty where they are none."""
    if fault := unkeepable(dict(raw)):
        raise Faulty(f"{fault}. Take that out")
    said = {name: _words(name, value) for name, value in raw.items() if name != "text"}
    whole = settled(_text(raw.get("text")))
    title, text = (said["title"], whole) if said.get("title") else titled(whole)
    _check_size(text)
    for name, most in LONGEST.items():
        if len(value := title if name == "title" else said.get(name, "")) > most:
            raise Faulty(f"its {name} has {len(value):,} characters, {most} are the most. Shorten it")
    if not text:
        raise Faulty("it is empty. Write its words under the title, or leave it out")
    if not title:
        raise Faulty("it has no title and no heading. Give it one")
    return NewArticle(
        slug=slug_of(said.get("slug") or said.get("id") or title),
        title=title,
        text=text,
        kind=_kind(said.get("kind", "")),
        audience=said.get("audience", ""),
        area=said.get("area", ""),
        owner_email=_email(said.get("owner", "")),
        review_by=_day(said.get("review_by", "")),
        language=said.get("language", ""),
        source=source,
    )


def settled(text: str) -> str:
    """As it is kept: one sign for a line's end, nothing before the first line and behind the last."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "").rstrip()
    return re.sub(r"\A(?:[^\S\n]*\n)+", "", text)


def titled(text: str) -> tuple[str, str]:
    """The title in the text, and the text without it where it stands on top."""
    first = HEADING.match(text)
    if first:
        rest = settled(text[first.end() :])
        return one_line(first[1] or first[2] or ""), rest
    later = LATER_HEADING.search(text)
    return (one_line(later[1]) if later else ""), text


def slug_of(said: str) -> str:
    """Of an id or a title. Where it cannot say all of it, a few digits of its own keep two apart."""
    plain = unicodedata.normalize("NFKD", said.strip().lower().translate(WRITTEN_OUT))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    lost = any(letter.isalnum() and not letter.isascii() for letter in plain)
    if slug and not lost and len(slug) <= LONGEST_SLUG:
        return slug
    digits = hashlib.sha256(said.strip().encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{slug[: LONGEST_SLUG - 11].strip('-') or 'article'}-{digits}"


def one_line(text: str) -> str:
    """Without what no name holds: lines' ends and control signs."""
    return " ".join("".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text).split())


def _words(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | dict | list | tuple):
        raise Faulty(f"its {name} is no text. Write it as words")
    return one_line(str(value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Faulty("its text is no text. Write it as words")
    return value


def _check_size(text: str) -> None:
    if (size := len(text.encode())) > MOST_TEXT:
        raise Faulty(too_large(size))


def too_large(size: int) -> str:
    most = MOST_TEXT // 1_000_000
    return f"it holds {size / 1_000_000:.1f} MB of text, {most} MB is the most. Split it, so that each part answers a question"


def _kind(said: str) -> str:
    kind = said.lower() or KINDS[0]
    if kind not in KINDS:
        raise Faulty(f"its kind '{said[:40]}' is not known. There are {', '.join(KINDS)}")
    return kind


def _email(said: str) -> str:
    if said and not EMAIL.fullmatch(said):
        raise Faulty(f"its owner '{said[:60]}' is no e-mail address. Write one like jo@example.com")
    return said


def _day(said: str) -> date | None:
    if not said:
        return None
    try:
        if DAY.fullmatch(said):
            return date.fromisoformat(said)
    except ValueError:
        pass
    raise Faulty(f"its review_by '{said[:40]}' is no day. Write it like 2026-03-01")
