"""What is in force of the articles, for whoever looks things up: which version of each, as retrieval reads it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlmodel import col, func, select

from data import sealing, store
from data.tables import Article, Version
from knowledge import ARTICLE
from knowledge.passages import Published


def stamp() -> str:
    """Another one whenever what is published changed, and also with the first draft of an article: whoever keeps something looks again."""
    with store.reading() as db:
        return db.exec(select(func.max(Article.stamp))).one() or ""


def anything_published() -> bool:
    with store.reading() as db:
        return db.exec(select(Article.id).where(col(Article.live).is_not(None)).limit(1)).first() is not None


def numbers() -> dict[str, int]:
    """The published number of each article by its slug."""
    with store.reading() as db:
        return {slug: live for slug, live in db.exec(select(Article.slug, Article.live).where(col(Article.live).is_not(None))) if live}


def mark() -> dict[str, str]:
    """What a study keeps, so that it is known later whether it is about the articles of that day. A draft changes nothing of it."""
    return {"in_force": sealing.sha(json.dumps(sorted(numbers().items())))}


def is_as_marked(told: Mapping[str, Any]) -> bool:
    """The same articles in the same versions; what was kept before that was marked has a stamp, which every new article changes."""
    return mark().items() <= told.items() if "in_force" in told else str(told["stamp"]) == stamp()


def published(wanted: Iterable[tuple[str, int]]) -> list[Published]:
    """Those versions as retrieval reads them."""
    chosen = dict(wanted)
    made = []
    slugs = sorted(chosen)
    with store.reading() as db:
        for start in range(0, len(slugs), 500):
            some = slugs[start : start + 500]
            query = select(Version).where(Version.target_kind == ARTICLE, col(Version.target_name).in_(some))
            made += [as_published(one) for one in db.exec(query) if chosen[one.target_name] == one.target_number]
    return made


def as_published(version: Version) -> Published:
    body = version.body
    return Published(
        version.target_name, version.target_number, body["title"], body["text"], body["kind"], body["audience"], body["area"],
        body["language"],
    )  # fmt: skip
