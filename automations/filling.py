"""Texts with gaps: `{{order.total}}` becomes the order's total, and nothing else is ever done with what stands in them.

There are no filters, no loops, no arithmetic and no attributes: between the braces stands a name or it is plain text. One pass fills all
gaps, so braces in a customer's words stay the customer's words. Three braces, single ones and odd ones are plain text.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from automations.comparisons import number
from automations.conditions import PATH, found, keepable, shown
from data.errors import Refused

LONGEST, DEEPEST, MOST_PARTS = 20_000, 8, 500
_GAP = re.compile(rf"(?<!\{{)\{{\{{ {{0,3}}({PATH}) {{0,3}}\}}\}}(?!\}})")
_MEANT = re.compile(r"(?<!\{)\{\{(?!\{)([^{}]{0,200})\}\}(?!\})")


def filled(template: str, facts: Mapping[str, Any]) -> str:
    """Refused where a name is not known, or stands for more than one value."""
    if len(template) > LONGEST:
        raise Refused(f"Not filled in: a text has at most {LONGEST:,} characters, this one {len(template):,}.")
    pieces: list[str] = []
    end = length = 0
    for gap in _GAP.finditer(template):
        pieces += [template[end : gap.start()], written(gap[1], found(gap[1], facts))]
        length += len(pieces[-2]) + len(pieces[-1])
        if length > LONGEST:
            break
        end = gap.end()
    text = "".join([*pieces, template[end:]])
    if length > LONGEST or len(text) > LONGEST:
        raise Refused(f"Not filled in: with its gaps filled the text has more than {LONGEST:,} characters. Fill in less.")
    return text


def written(name: str, value: Any) -> str:
    """A value as it stands in a text."""
    if value is None:
        raise Refused(f"Not filled in: '{name}' is not known. Ask for it first, or do this only if it is known.")
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    amount = number(value)
    if amount is None:
        raise Refused(f"Not filled in: '{name}' is no single text, number or date but {shown(value)}. Name one value in it.")
    return f"{amount:f}"


def value_of(template: Any, facts: Mapping[str, Any]) -> Any:
    """A gap alone keeps the kind of its value; lists and tables are filled part by part."""
    return _value_of(template, facts, 0, [MOST_PARTS])


def _value_of(template: Any, facts: Mapping[str, Any], depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0 or depth > DEEPEST:
        raise Refused(f"Not filled in: values have at most {MOST_PARTS} parts, nested at most {DEEPEST} deep.")
    if isinstance(template, Mapping):
        return {key: _value_of(inner, facts, depth + 1, left) for key, inner in template.items()}
    if isinstance(template, list | tuple):
        return [_value_of(inner, facts, depth + 1, left) for inner in template]
    if not isinstance(template, str):
        return template
    name = alone(template)
    if not name:
        return filled(template, facts)
    value = found(name, facts)
    if value is None:
        written(name, None)
    return value


def alone(template: Any) -> str:
    """The name where a gap is all there is; else empty."""
    whole = _GAP.fullmatch(template.strip()) if isinstance(template, str) and len(template) <= LONGEST else None
    return whole[1] if whole else ""


def names_in(template: Any) -> list[str]:
    """Each name once, in the order in which they stand; of a table in that of its names."""
    return list(dict.fromkeys(gap[1] for text in texts_in(template) for gap in _GAP.finditer(text)))


def odd_gaps(template: Any) -> list[str]:
    """What was surely meant as a gap and is none: a customer would read the braces."""
    texts = texts_in(template)
    return [gap[0] for text in texts for gap in _MEANT.finditer(text) if not _GAP.fullmatch(gap[0])]


def texts_in(template: Any) -> list[str]:
    """Every text in it that may have gaps: names of a table have none."""
    if isinstance(template, str):
        return [template]
    if isinstance(template, Mapping):
        return [text for key in sorted(template, key=str) for text in texts_in(template[key])]
    return [text for inner in template for text in texts_in(inner)] if isinstance(template, list | tuple) else []


def plain(value: Any) -> str:
    """Why this cannot be kept as a value with gaps; empty if it can."""
    return _plain(value, 0, [MOST_PARTS])


def _plain(value: Any, depth: int, left: list[int]) -> str:
    left[0] -= 1
    if left[0] < 0 or depth > DEEPEST:
        return f"values have at most {MOST_PARTS} parts, nested at most {DEEPEST} deep"
    if isinstance(value, str):
        if len(value) > LONGEST:
            return f"a text has at most {LONGEST:,} characters, this one has {len(value):,}"
        return "" if keepable(value) else "a text holds a sign that cannot be stored"
    if isinstance(value, dict):
        odd = next((key for key in value if not isinstance(key, str) or len(key) > 200 or not keepable(key)), None)
        if odd is not None:
            return f"'{shown(odd)}' cannot be the name of a value"
        return next((told for inner in value.values() if (told := _plain(inner, depth + 1, left))), "")
    if isinstance(value, list | tuple):
        return next((told for inner in value if (told := _plain(inner, depth + 1, left))), "")
    fine = value is None or isinstance(value, bool) or (number(value) is not None and not isinstance(value, Decimal))
    return "" if fine else f"'{shown(value)}' is no text, number, yes or no"
