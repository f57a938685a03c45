"""When two values are the same, and how a value is told."""

import json
from typing import Any

LONGEST = 60


def same(one: Any, other: Any) -> bool:
    """By value: 1 is 1.0, whatever the order of keys; '5' is not 5, and true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def told(value: Any) -> str:
    """In a few words: a text in quotes, so that '5' and 5 look different."""
    plain = {True: "yes", False: "no", None: "nothing"}.get(value) if value is None or isinstance(value, bool) else None
    if plain:
        return plain
    return f"'{cut(value)}'" if isinstance(value, str) else cut(json.dumps(value, ensure_ascii=False, default=str))


def cut(text: str, most: int = LONGEST) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
