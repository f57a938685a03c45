"""Reads what the demo's shop has written down, and questions that customers ask of it: content only, kept beside this file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class ArticleText:
    """An article as it is brought into the portal."""

    slug: str
    title: str
    kind: str  # help, macro, policy
    audience: str  # everyone, staff
    area: str
    language: str
    text: str  # Markdown


@dataclass(frozen=True)
class QuestionText:
    """A customer's question, and what a right answer stands on."""

    text: str
    articles: tuple[str, ...]  # any of these slugs answers it
    decline: bool  # nothing that is written down answers it
    channel: str


def _read(name: str) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster, where it was built
    return yaml.load(Path(__file__).with_name(name).read_text(encoding="utf-8"), loader)  # noqa: S506


def _article(raw: dict[str, Any]) -> ArticleText:
    return ArticleText(**{name: value.strip() for name, value in raw.items() if name != "intents"})


def _question(raw: dict[str, Any]) -> QuestionText:
    return QuestionText(raw["text"], tuple(raw.get("articles", ())), raw.get("decline", False), raw["channel"])


_RAW: dict[str, Any] = _read("articles.yaml")

ARTICLES: tuple[ArticleText, ...] = tuple(_article(raw) for raw in _RAW["articles"])
COVERED: dict[str, tuple[str, ...]] = {raw["slug"]: tuple(raw["intents"]) for raw in _RAW["articles"]}  # by slug: the intents
GAPS: frozenset[str] = frozenset(_RAW["gaps"])  # intents that no article covers
QUESTIONS: tuple[QuestionText, ...] = tuple(_question(raw) for raw in _read("questions.yaml"))

MISSED: tuple[tuple[str, ...], ...] = (  # what reps looked for again and again, each in their own words
    (
        "how long is a gift card valid", "does a gift card run out, and how long is it valid", "until when is a gift card valid",
        "gift card from two years ago, is it still valid",
    ),
    (
        "do we sell to businesses with an invoice", "can a business order from us and pay by invoice",
        "does a business customer get an invoice with 30 days to pay", "business wants to buy sixty plants on invoice",
    ),
)  # fmt: skip

LOOKED_AFTER = {  # by area: who owns its articles, and for how many days what they say is sure to hold
    "Delivery": ("Elif Kaya", 130),
    "Orders": ("Cem Aydin", 150),
    "Returns": ("Alma Berger", 160),
    "Payment": ("Greta Vogel", 120),
    "Account": ("Nora Engel", 240),
    "Plants": ("Henrik Olsen", 365),
}
SOONER = {"discount-codes": 78, "delivery-times-and-costs": 72}  # prices change: these are to be looked at again by now

PROMISE = (  # what was promised for a week, and could not be kept: slug, before, after
    "when-your-refund-arrives",
    "We send your money within three days of the day on which your return arrives with us. After that it is with your bank or provider.",
    "Your money is with you one day after you hand the parcel in.",
)

DRAFT = (  # what a rep wants to add to an article
    "returning-plants",
    "## Without a printer\n\nYou need no printer. The courier brings the label when they fetch the parcel; have the order number at hand.",
)
