"""Writes articles as a folder of Markdown files that reads as the same articles."""

import os
from collections.abc import Sequence
from pathlib import Path

from data.errors import Refused
from knowledge.files import front
from knowledge.files.article import LONGEST_SLUG, SLUG, NewArticle
from knowledge.files.folder import shown

PARTIAL = ".partial"  # what the folder's name ends in while it is written: one that was cut off still does


def write(articles: Sequence[NewArticle], folder: Path) -> int:
    """How many were written. The folder has its name only when all of them are in it."""
    _check(articles, folder)
    partial = folder.with_name(folder.name + PARTIAL)
    try:
        partial.mkdir(parents=True)
    except FileExistsError:
        raise Refused(f"Nothing was written: {shown(partial.name)} is there, of a writing that was cut off. Take it away first.") from None
    except OSError as error:
        raise _not_written(folder, error) from error
    try:
        for article in articles:
            (partial / f"{article.slug}.md").write_bytes(front.written(article).encode())
        if folder.exists():
            folder.rmdir()  # empty: only Unix moves one over it
        partial.rename(folder)
    except OSError as error:
        raise _not_written(folder, error) from error
    return len(articles)


def _check(articles: Sequence[NewArticle], folder: Path) -> None:
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise Refused(f"Nothing was written: {shown(folder.name)} is there and not an empty folder. Name a new one.")
    seen: set[str] = set()
    for article in articles:
        if not SLUG.fullmatch(article.slug) or len(article.slug) > LONGEST_SLUG:
            raise Refused(f"Nothing was written: '{article.slug[:80]}' is no name for an article's file. Use a-z, 0-9 and hyphens.")
        if article.slug in seen:
            raise Refused(f"Nothing was written: two articles are named '{article.slug}'. Rename one.")
        seen.add(article.slug)


def _not_written(folder: Path, error: OSError) -> Refused:
    why = os.strerror(error.errno or 0).lower()
    return Refused(
        f"Not all was written: {why}. What there is stands in {shown(folder.name + PARTIAL)}. Make room, take that away, and write again."
    )
