"""Arguments of a tool from what is known, only for what it offers to choose, and only if they fit its schema as a whole."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

FREE = ("question", "summary", "reason", "why")  # texts that may be cut to what is allowed


def arguments(schema: Mapping[str, Any], known: Mapping[str, str], *, days: Sequence[str] = ()) -> dict[str, Any] | None:
    """None where the tool cannot be used: something that it needs is not known, or what is known is not what it takes."""
    try:
        plain = json.loads(json.dumps(dict(schema)))
    except (TypeError, ValueError, RecursionError):
        return None
    offered, needed = plain.get("properties", {}), plain.get("required", [])
    if not isinstance(offered, dict) or not isinstance(needed, list):
        return None
    chosen: dict[str, Any] = {}
    for name, wanted in offered.items():
        value = _value(name, wanted if isinstance(wanted, dict) else {}, known, days, needed=name in needed)
        if value is None and (name in needed or known.get(name)):
            return None
        if value is not None:
            chosen[name] = value
    return chosen if _fits(chosen, plain) else None


def _value(name: str, wanted: Mapping[str, Any], known: Mapping[str, str], days: Sequence[str], *, needed: bool) -> Any:
    one_of = wanted.get("enum") if isinstance(wanted.get("enum"), list) else None
    if said := known.get(name, ""):
        if one_of is not None:
            return next((one for one in one_of if isinstance(one, str) and one.lower() == said.lower()), None)
        most = wanted.get("maxLength")
        return said[:most] if name in FREE and isinstance(most, int) and most > 0 else said
    if wanted.get("format") == "date" and days:
        return days[0]
    if not needed:
        return None
    return one_of[0] if one_of is not None and len(one_of) == 1 else wanted.get("const")


def _fits(chosen: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    """A schema that nobody can read, such as one from outside, fits nothing."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
    from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        Draft202012Validator.check_schema(schema)
        return bool(Draft202012Validator(schema, registry=Registry()).is_valid(chosen))
    except (SchemaError, Unresolvable, re.error, RecursionError, TypeError, ValueError):
        return False
