"""Markdown files: what stands between two lines of '---' on top says of which kind an article is, the rest is its text."""

import re
from typing import Any

import yaml

from data.errors import Refused
from evals.files import safe_yaml
from knowledge.files.article import Faulty, NewArticle, field_named

LONGEST = 100_000  # characters of the part on top
OPENS = re.compile(r"\A---[ \t]*\n")
CLOSES = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
A_FIELD = re.compile(r"\A[A-Za-z_][\w -]*:(?:\s|$)")


def parted(text: str) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    """The fields on top, the text below, and the fields that nobody reads. A line of '---' alone is a line, and opens nothing."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    opens = OPENS.match(text)
    if not opens:
        return {}, text, ()
    closes = CLOSES.search(text, opens.end())
    if closes is None:
        if A_FIELD.match(text[opens.end() : opens.end() + 200]):
            raise Faulty("the part that begins with '---' on top never ends. Write '---' below its last line")
        return {}, text, ()
    if closes.start() - opens.end() > LONGEST:
        raise Faulty(f"the part between '---' on top has more than {LONGEST:,} characters. Take the text out of it")
    top = text[opens.end() : closes.start()]
    node = _node(top)
    if not isinstance(node, yaml.MappingNode):
        return ({}, text, ()) if node is not None else ({}, text[closes.end() :], ())
    fields, unknown = _fields(node)
    return fields, text[closes.end() :], unknown


def _node(top: str) -> yaml.Node | None:
    """Its parts; None where it says nothing."""
    if not top.strip():
        return None
    try:
        return safe_yaml.root(top.encode())
    except Refused as error:
        why = str(error).removeprefix("Nothing was read: ").rstrip(".")
        raise Faulty(f"the part between '---' on top cannot be read: {why}. Write a line like 'title: Returns' for each field") from error


def _fields(node: yaml.Node) -> tuple[dict[str, Any], tuple[str, ...]]:
    try:
        told = safe_yaml.fields(node)
    except safe_yaml.Faulty as error:
        raise Faulty(f"in the part between '---' on top {error}. Mend it") from error
    fields: dict[str, Any] = {}
    unknown = []
    for name, inner in told.items():
        ours = field_named(name)
        if ours is None:
            unknown.append(name)
        elif ours in fields:
            raise Faulty(f"in the part between '---' on top {ours} stands twice. Keep one")
        elif not isinstance(inner, yaml.ScalarNode):
            raise Faulty(f"its {ours} is no text. Write it as words")
        else:
            fields[ours] = None if inner.tag.endswith(":null") else str(inner.value)
    return fields, tuple(unknown)


def written(article: NewArticle) -> str:
    """The file that reads as this article."""
    told = {
        "title": article.title, "slug": article.slug, "kind": article.kind, "audience": article.audience, "area": article.area,
        "owner": article.owner_email, "review_by": article.review_by.isoformat() if article.review_by else "", "language": article.language,
    }  # fmt: skip
    return f"---\n{safe_yaml.dump({name: value for name, value in told.items() if value})}---\n\n{article.text}\n"
