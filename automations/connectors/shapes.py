"""What a value must look like that goes to another program or comes from it, and in words what is wrong with one that does not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from automations.comparisons import number
from automations.conditions import keepable, shown

Kind = Literal["text", "number", "whole", "yes_no", "table", "list", "any"]
WORDS: dict[Kind, str] = {
    "text": "a text", "number": "a number", "whole": "a whole number", "yes_no": "yes or no", "table": "a table of values",
    "list": "a list", "any": "any value",
}  # fmt: skip
DEEPEST, MOST_SHOWN = 20, 12


@dataclass(frozen=True)
class Shape:
    kind: Kind = "any"
    fields: tuple["Named", ...] = field(default=(), repr=False)  # of a table; without any it may hold what it likes
    items: "Shape | None" = field(default=None, repr=False)  # of a list
    choices: tuple[str, ...] = ()  # of a text
    or_nothing: bool = False


@dataclass(frozen=True)
class Named:
    """A field of a table."""

    name: str
    shape: Shape
    required: bool = False


ANY = Shape()


def sent(value: Any, shape: Shape, where: str, odd: list[str]) -> Any:
    """As JSON says it; what is missing, unknown or of another kind is added to `odd`, each in words."""
    return _fit(value, shape, where, odd, 0, sending=True)


def came(value: Any, shape: Shape, where: str, odd: list[str]) -> Any:
    """What is described of it, and nothing else."""
    return _fit(value, shape, where, odd, 0, sending=False)


def _fit(value: Any, shape: Shape, where: str, odd: list[str], depth: int, *, sending: bool) -> Any:
    if depth > DEEPEST:
        odd.append(f"{_quoted(where)} is nested more than {DEEPEST} deep")
        return None
    if value is None and shape.or_nothing:
        return None
    match shape.kind:
        case "table" if isinstance(value, Mapping):
            return _table(value, shape, where, odd, depth, sending=sending)
        case "list" if isinstance(value, list | tuple):
            items = shape.items or ANY
            return [_fit(one, items, f"{where}.{place}", odd, depth + 1, sending=sending) for place, one in enumerate(value)]
        case "any" if value is not None:
            return _any(value, where, odd, depth, sending=sending)
        case "text" | "number" | "whole" | "yes_no":
            return _single(value, shape, where, odd, sending=sending)
    return _other(value, WORDS[shape.kind], where, odd)


def _other(value: Any, wanted: str, where: str, odd: list[str]) -> None:
    told = "nothing" if value is None else "signs that cannot be kept" if not keepable(shown(value)) else f"'{shown(value)}'"
    odd.append(f"{_quoted(where)} is {wanted}, not {told}")


def _quoted(where: str) -> str:
    return f"'{where}'" if where else "it"


def _table(value: Mapping[str, Any], shape: Shape, where: str, odd: list[str], depth: int, *, sending: bool) -> dict[str, Any]:
    if not shape.fields:
        return {str(name): _any(inner, f"{where}.{shown(name)}", odd, depth + 1, sending=sending) for name, inner in value.items()}
    known = {one.name: one for one in shape.fields}
    begin = f"{where}." if where else ""
    if sending:
        odd += [f"there is no '{begin}{shown(name)}'" for name in value if name not in known]
    odd += [f"'{begin}{name}' is missing" for name, one in known.items() if one.required and name not in value]
    there = [one for name, one in known.items() if name in value and not (value[name] is None and not one.required)]
    return {one.name: _fit(value[one.name], one.shape, f"{begin}{one.name}", odd, depth + 1, sending=sending) for one in there}


def _single(value: Any, shape: Shape, where: str, odd: list[str], *, sending: bool) -> Any:
    if shape.kind == "yes_no":
        return value if isinstance(value, bool) else _other(value, WORDS["yes_no"], where, odd)
    amount = number(value)
    if shape.kind == "text":
        text = _written(value, amount) if sending else value
        if not isinstance(text, str) or not keepable(text):
            return _other(value, WORDS["text"], where, odd)
        if shape.choices and text not in shape.choices:
            return _other(value, f"one of {', '.join(shape.choices[:MOST_SHOWN])}", where, odd)
        return text
    if amount is None or (shape.kind == "whole" and amount != amount.to_integral_value()):
        return _other(value, WORDS[shape.kind], where, odd)
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _written(value: Any, amount: Decimal | None) -> Any:
    """A number or a time as it stands in a text; yes and no stay what they are."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value if amount is None else f"{amount:f}"


def _any(value: Any, where: str, odd: list[str], depth: int, *, sending: bool) -> Any:
    """Whatever JSON says: of what is not described nothing but its kind can be looked at."""
    if isinstance(value, Mapping):
        return {str(name): _fit(inner, LOOSE, f"{where}.{shown(name)}", odd, depth + 1, sending=sending) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_fit(inner, LOOSE, f"{where}.{place}", odd, depth + 1, sending=sending) for place, inner in enumerate(value)]
    if value is None or isinstance(value, bool):
        return value
    if (amount := number(value)) is not None:
        return int(amount) if amount == amount.to_integral_value() else float(amount)
    return _single(value, Shape("text"), where, odd, sending=sending)


LOOSE = Shape(or_nothing=True)
