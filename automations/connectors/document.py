"""A document of somebody else's, from bytes to plain values: JSON or YAML, small, flat and finite, with no field twice."""

import json
from typing import Any

from automations.conditions import keepable, shown
from data.errors import Refused
from evals.files import safe_yaml
from evals.files.safe_yaml import Faulty

LARGEST, DEEPEST, MOST_PARTS = 1_000_000, 60, 200_000  # bytes; in each other; values in all


def tree(content: bytes) -> Any:
    found = _tree(content)
    _require_small(found)
    return found


def _tree(content: bytes) -> Any:
    if len(content) > LARGEST:
        raise Refused(f"Not read: a document has at most {LARGEST // 1_000:,} kB, this one {len(content) // 1_000:,} kB. Leave out of it "
                      "what recipes do not need.")  # fmt: skip
    if not content.strip():
        raise Refused("Not read: the document is empty.")
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _json(content)
    try:
        return safe_yaml.value(safe_yaml.root(content))
    except Faulty as fault:
        raise Refused(f"Not read: {fault}.") from fault
    except RecursionError:
        raise Refused(f"Not read: the document is nested more than {DEEPEST} deep.") from None


def _json(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_no_number, object_pairs_hook=_without_twins)
    except RecursionError:
        raise Refused(f"Not read: the document is nested more than {DEEPEST} deep.") from None
    except UnicodeDecodeError as error:
        raise Refused(f"Not read: the document is not UTF-8 (at byte {error.start:,}). Save it as UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Refused(f"Not read: the document is no whole JSON (line {error.lineno:,}).") from None
    except ValueError as error:
        raise Refused(f"Not read: {shown(str(error))}.") from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise ValueError(f"the field '{shown(name)}' stands twice")
        made[name] = value
    return made


def _require_small(whole: Any) -> None:
    waiting: list[tuple[Any, int]] = [(whole, 1)]
    parts = 0
    while waiting:
        value, depth = waiting.pop()
        parts += 1
        if depth > DEEPEST or parts > MOST_PARTS:
            raise Refused(f"Not read: a document has at most {MOST_PARTS:,} parts, nested at most {DEEPEST} deep. Leave out of it what "
                          "recipes do not need.")  # fmt: skip
        if isinstance(value, str) and not keepable(value):
            raise Refused("Not read: the document holds a sign that cannot be kept (NUL, or half a character).")
        inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
        waiting += [(one, depth + 1) for one in inner]
