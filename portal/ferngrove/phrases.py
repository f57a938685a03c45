"""Reads the demo's phrases: data that the grammar in text.py puts together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Words = tuple[str, ...]


@dataclass(frozen=True)
class GermanText:
    """An intent's German phrases."""

    openings: Words
    asides: Words
    follow_ups: Words
    good: Words
    subjects: Words


@dataclass(frozen=True)
class IntentText:
    """One intent: how it is described, and how customers and reps speak about it."""

    key: str
    name: str
    description: str
    do: str  # a customer's line that belongs here
    dont: str  # a customer's line that looks alike and belongs elsewhere
    minutes: int  # median handling time
    weight: float  # share of traffic
    groups: Words  # the pools of VAGUE it shares with its neighbours
    openings: Words
    short: Words  # terse openings, mostly chat
    asides: Words  # the same ask as a clause, for a second ask
    follow_ups: Words
    good: Words
    poor: Words
    subjects: Words
    german: GermanText


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return {key: _tuples(part) for key, part in value.items()} if isinstance(value, dict) else value


def _intent(raw: dict[str, Any]) -> IntentText:
    return IntentText(**{**_tuples(raw), "german": GermanText(**_tuples(raw["german"]))})


_loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster, where it was built
_RAW: dict[str, Any] = yaml.load(Path(__file__).with_name("phrases.yaml").read_text(encoding="utf-8"), _loader)  # noqa: S506

INTENTS: dict[str, IntentText] = {raw["key"]: _intent(raw) for raw in _RAW["intents"]}
NEW_PATTERN: IntentText = _intent(_RAW["new_pattern"])
ABOUT_AN_ORDER: frozenset[str] = frozenset(_RAW["about_an_order"])

# by language
CONTEXTS: dict[str, Words] = _tuples(_RAW["contexts"])
FILLERS: dict[str, Words] = _tuples(_RAW["fillers"])
FOLLOW_UPS: dict[str, Words] = _tuples(_RAW["follow_ups"])
GOOD_ENDS: dict[str, Words] = _tuples(_RAW["good_ends"])
GOOD_STARTS: dict[str, Words] = _tuples(_RAW["good_starts"])
ORDER_CONTEXTS: dict[str, Words] = _tuples(_RAW["order_contexts"])
POLITE: dict[str, Words] = _tuples(_RAW["polite"])
POOR: dict[str, Words] = _tuples(_RAW["poor"])
PRIVATE: dict[str, Words] = _tuples(_RAW["private"])
SECOND_AFTER: dict[str, Words] = _tuples(_RAW["second_after"])
SECOND_BEFORE: dict[str, Words] = _tuples(_RAW["second_before"])
SIGN_OFFS: dict[str, Words] = _tuples(_RAW["sign_offs"])

# by language, then by channel, by satisfaction, by slot
GREETINGS: dict[str, dict[str, Words]] = _tuples(_RAW["greetings"])
THANKS: dict[str, dict[str, Words]] = _tuples(_RAW["thanks"])
WORDS: dict[str, dict[str, Words]] = _tuples(_RAW["words"])

VAGUE: dict[str, Words] = _tuples(_RAW["vague"])  # openings that neighbouring intents share, by group
SHARED_WORDS: dict[str, Words] = _tuples(_RAW["shared_words"])
ARTICLES: dict[str, dict[str, str]] = _RAW["articles"]
DE_GOODS: dict[str, str] = _RAW["de_goods"]
DE_PLANTS: dict[str, str] = _RAW["de_plants"]
SLANG: dict[str, str] = _RAW["slang"]
EMOJI: Words = _tuples(_RAW["emoji"])
FIRST_NAMES: Words = _tuples(_RAW["first_names"])
LAST_NAMES: Words = _tuples(_RAW["last_names"])
GEAR: Words = _tuples(_RAW["gear"])
KITS: Words = _tuples(_RAW["kits"])
PLANTS: Words = _tuples(_RAW["plants"])
POTS: Words = _tuples(_RAW["pots"])
REPS: Words = _tuples(_RAW["reps"])
STREETS: Words = _tuples(_RAW["streets"])
