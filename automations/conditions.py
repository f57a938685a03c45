"""When something is to be done: a condition is a small tree of plain values that is looked at, never run.

    all:                                    every one of these holds
      - order.total: {at most: 50}          a name, one comparison, what it is compared with
      - order.total: {at most: {value: order.paid}}      ... or with another value
      - order.delivered_at: is known
      - any:                                at least one of these
          - message.text: {matches word: broken}
          - not: {order.status: {equals: delivered}}

Names are looked up in plain dictionaries, piece by piece. Texts are compared without regard to small and large letters and to
blanks around them, numbers and amounts as decimals; yes and no are no numbers, and a text is none either. What is not known decides
nothing: a comparison with it does not hold, nor does `not` of that comparison, so that nobody is paid because a total was missing.
Whoever means such a case says `is not known`. Values of unlike kinds are compared in the same way: neither so nor otherwise.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from automations.comparisons import BARE, KNOWN, LONGEST_WORD, MOST_DAYS, OPERATORS, UNKNOWN, Takes, negated
from automations.comparisons import number as number
from automations.steps.face import KINDS, NUMBERS, OPEN, TEXTS
from data.errors import Refused

Condition = Mapping[str, Any]
Names = Mapping[str, str]  # a name that may be asked for -> its kind (steps/face.py)

DEEPEST, MOST_NODES, MOST_LISTED, LONGEST_TEXT = 8, 200, 500, 2_000
MOST_CHARACTERS = 100_000  # of all its texts together
ALL, ANY, NOT, VALUE = "all", "any", "not", "value"
PIECE = r"[A-Za-z][A-Za-z0-9_]{0,59}"
PATH = rf"{PIECE}(?:\.{PIECE}){{0,5}}"
_PATH = re.compile(PATH)
_MISSING = object()
KINDS_SHOWN: dict[type, str] = {dict: "a table", list: "a list", tuple: "a list", int: "a number of too many digits"}


def found(name: str, facts: Mapping[str, Any]) -> Any:
    """None where nothing is known under this name. Only dictionaries are entered; an object's attributes are out of reach."""
    value: Any = facts
    for piece in name.split("."):
        value = value.get(piece, _MISSING) if isinstance(value, dict) else _MISSING
    return None if value is _MISSING or (isinstance(value, str) and not value.strip()) else value


@dataclass(frozen=True)
class Leaf:
    """One comparison."""

    name: str
    operator: str
    than: Any = None


def leaf_of(tree: Condition) -> Leaf:
    ((name, said),) = tree.items()
    if isinstance(said, str):
        return Leaf(name, said)
    ((operator, than),) = said.items()
    return Leaf(name, operator, than)


def other_name(than: Any) -> str:
    """The name of the value that is compared with; empty where it is a constant."""
    return than[VALUE] if isinstance(than, Mapping) else ""


# Whether it holds


def holds(tree: Condition, facts: Mapping[str, Any], at: datetime) -> bool:
    _sound(tree)
    return _verdict(tree, facts, at) is True


def _verdict(tree: Condition, facts: Mapping[str, Any], at: datetime) -> bool | None:
    ((key, inner),) = tree.items()
    if key == NOT:
        return negated(_verdict(inner, facts, at))
    if key in (ALL, ANY):
        decides = key == ANY  # one that is so settles 'any', one that is not settles 'all'
        verdicts = [_verdict(part, facts, at) for part in inner]
        return decides if decides in verdicts else None if None in verdicts else not decides
    leaf = leaf_of(tree)
    value, operator = found(leaf.name, facts), OPERATORS[leaf.operator]
    if operator.takes == "nothing":
        return operator.fits(value, None, at)
    than = found(other_name(leaf.than), facts) if other_name(leaf.than) else leaf.than
    return None if value is None or than is None else operator.fits(value, than, at)


def named(tree: Condition) -> list[str]:
    """Every name it asks for."""
    ((key, inner),) = tree.items()
    if key in (ALL, ANY):
        return [name for part in inner for name in named(part)]
    if key == NOT:
        return named(inner)
    leaf = leaf_of(tree)
    return [name for name in (leaf.name, other_name(leaf.than)) if name]


def known_where_it_holds(tree: Condition) -> set[str]:
    """The names that have a value whenever this holds: what is done then may use them."""
    ((key, inner),) = tree.items()
    if key == ALL:
        return set().union(*(known_where_it_holds(part) for part in inner))
    if key == ANY:
        return set.intersection(*(known_where_it_holds(part) for part in inner))
    if key == NOT:
        return known_where_it_fails(inner)
    return set() if leaf_of(tree).operator == UNKNOWN else set(named(tree))


def known_where_it_fails(tree: Condition) -> set[str]:
    """The names that have a value whenever its `not` holds."""
    ((key, inner),) = tree.items()
    if key == ALL:
        return set.intersection(*(known_where_it_fails(part) for part in inner))
    if key == ANY:
        return set().union(*(known_where_it_fails(part) for part in inner))
    if key == NOT:
        return known_where_it_holds(inner)
    return set() if leaf_of(tree).operator == KNOWN else set(named(tree))


# Whether it is one


class _Left:
    """How much more of it there may be: it is looked at no further than that."""

    def __init__(self) -> None:
        self.nodes, self.characters = MOST_NODES, MOST_CHARACTERS

    def too_long(self, than: Any) -> str:
        self.characters -= sum(len(one) for one in (than if isinstance(than, list | tuple) else [than]) if isinstance(one, str))
        return f"the texts of a condition have at most {MOST_CHARACTERS:,} characters together." if self.characters < 0 else ""


def check(tree: Any, names: Names) -> None:
    """Refused with everything that is wrong with it, each with its place."""
    if told := faults(tree, names):
        raise Refused(f"This condition cannot be used. {' '.join(told)}")


def faults(tree: Any, names: Names | None) -> list[str]:
    """In sentences; without names only its shape is looked at."""
    return list(_faults(tree, names, (), _Left()))


def _sound(tree: Any) -> None:
    if told := faults(tree, None):
        raise Refused(f"This condition cannot be used. {' '.join(told[:5])}")


def _faults(tree: Any, names: Names | None, place: tuple[str, ...], left: _Left) -> Iterator[str]:
    left.nodes -= 1
    where = f"In {' › '.join(place)}: " if place else ""
    if left.nodes < 0:
        if left.nodes == -1:
            yield f"{where}a condition has at most {MOST_NODES} parts. Part it into several recipes."
    elif len(place) >= DEEPEST:
        yield f"{where}a condition is nested at most {DEEPEST} deep. Say the same with fewer levels."
    elif not isinstance(tree, Mapping) or len(tree) != 1:
        yield f"{where}each part is one line, like 'order.total: {{at most: 50}}'. Put several under 'all' or 'any'."
    else:
        ((key, inner),) = tree.items()
        if key in (ALL, ANY):
            yield from _in_list(key, inner, names, place, left, where)
        elif key == NOT:
            yield from _faults(inner, names, (*place, "'not'"), left)
        else:
            yield from (f"{where}{told}" for told in _in_leaf(key, inner, names, left))


def _in_list(key: str, inner: Any, names: Names | None, place: tuple[str, ...], left: _Left, where: str) -> Iterator[str]:
    if not isinstance(inner, list | tuple) or not inner:
        yield f"{where}under '{key}' stands a list with at least one part."
    elif len(inner) > MOST_NODES:
        yield f"{where}'{key}' has {len(inner):,} parts; a condition has at most {MOST_NODES}."
    else:
        for count, part in enumerate(inner, start=1):
            if left.nodes < 0:  # said once; and no more is looked at, however much there is
                return
            yield from _faults(part, names, (*place, f"'{key}' {count}"), left)


def _in_leaf(name: Any, said: Any, names: Names | None, left: _Left) -> Iterator[str]:
    if not is_name(name):
        yield f"'{shown(name)}' is no name of a value: names look like order.total, at most six words with points between them."
        return
    if isinstance(said, str) and said in BARE:
        operator, than = said, None
    elif isinstance(said, Mapping) and len(said) == 1 and isinstance(next(iter(said)), str):
        ((operator, than),) = said.items()
    else:
        yield f"behind {name} stands one comparison, like {{at most: 50}}, or one of: {', '.join(BARE)}."
        return
    if operator not in OPERATORS:
        yield f"'{shown(operator)}' is no comparison. There are: {', '.join(OPERATORS)}."
    elif operator in BARE and than is not None:
        yield f"'{operator}' needs nothing behind it: write '{name}: {operator}'."
    elif told := _wrong_than(operator, than) or _unlike(name, operator, than, names) or left.too_long(than):
        yield told


def is_name(name: Any) -> bool:
    return isinstance(name, str) and _PATH.fullmatch(name) is not None


def shown(value: Any) -> str:
    """So much of what somebody wrote that they know it again, in one line."""
    if isinstance(value, str):
        text = value
    else:
        plain = isinstance(value, bool | float | Decimal | None) or number(value) is not None
        text = str(value) if plain else KINDS_SHOWN.get(type(value), "something else")
    return " ".join(text[:60].split())


def _wrong_than(operator: str, than: Any) -> str:
    """What it is compared with is no value of the right shape."""
    takes = OPERATORS[operator].takes
    if isinstance(than, Mapping):
        fine = takes not in ("nothing", "two numbers", "a list") and len(than) == 1 and is_name(than.get(VALUE))
        return "" if fine else f"'{operator}' is compared with a constant, or with another value as {{value: order.paid}}."
    match takes:
        case "a number" if number(than) is None:
            return f"'{operator}' needs a number, not '{shown(than)}'."
        case "days" if (days := number(than)) is None or not 0 <= days <= MOST_DAYS:
            return f"'{operator}' needs a number of days from 0 to {MOST_DAYS:,}, not '{shown(than)}'."
        case "two numbers":
            return _wrong_ends(operator, than)
        case "a list":
            return _wrong_list(operator, than)
        case "a word" if not isinstance(than, str) or len(than) > LONGEST_WORD or not any(sign.isalnum() for sign in than):
            return f"'{operator}' needs a word of at most {LONGEST_WORD} characters, not '{shown(than)}'."
        case "a value" | "a word":
            return _wrong_value(operator, than)
    return ""


def _wrong_ends(operator: str, than: Any) -> str:
    ends = [number(end) for end in than] if isinstance(than, list | tuple) and len(than) == 2 else []
    if len(ends) != 2 or ends[0] is None or ends[1] is None or ends[0] > ends[1]:
        return f"'{operator}' needs two numbers, the smaller first: [10, 50]."
    return ""


def _wrong_list(operator: str, than: Any) -> str:
    if not isinstance(than, list | tuple) or not 0 < len(than) <= MOST_LISTED:
        return f"'{operator}' needs a list of 1 to {MOST_LISTED} values."
    return next((told for one in than if (told := _wrong_value(operator, one))), "")


def _wrong_value(operator: str, than: Any) -> str:
    if isinstance(than, str):
        if len(than) > LONGEST_TEXT:
            return f"'{operator}' is compared with at most {LONGEST_TEXT:,} characters, not {len(than):,}."
        return "" if than.strip() and keepable(than) else f"'{operator}' needs a text with something in it, in signs that can be stored."
    if isinstance(than, bool) or number(than) is not None:
        return ""
    return f"'{operator}' needs a text, a number, or true or false, not '{shown(than)}'."


def keepable(text: str) -> bool:
    """By both engines: no NUL, no half of a character."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _unlike(name: str, operator: str, than: Any, names: Names | None) -> str:
    """A name that is not known here, or two kinds that can never be compared."""
    if names is None:
        return ""
    for one in (name, other_name(than)):
        if one and kind_of(one, names) is None:
            return unknown(one, names)
    kind, takes = kind_of(name, names) or "any", OPERATORS[operator].takes
    if kind in OPEN or takes == "nothing":
        return ""
    if (takes in ("a number", "two numbers") and kind not in NUMBERS) or (takes in ("a word", "days") and kind not in TEXTS):
        return f"{name} is {KINDS[kind]}, which '{operator}' does not compare."  # type: ignore[index]
    constants = [] if isinstance(than, Mapping) else than if isinstance(than, list | tuple) else [than]
    odd = next((one for one in constants if not _fits_kind(one, kind)), None) if takes in ("a value", "a list") else None
    if odd is None:
        return ""
    return f"{name} is {KINDS[kind]}, and '{shown(odd)}' is none. Put a text in quotes, a number and true or false in none."  # type: ignore[index]


def _fits_kind(constant: Any, kind: str) -> bool:
    if kind == "yes_no":
        return isinstance(constant, bool)
    return number(constant) is not None if kind in NUMBERS else isinstance(constant, str)


def kind_of(name: str, names: Names) -> str | None:
    """None where nothing gives it. Below an open value every name may be there."""
    if name in names:
        return names[name]
    pieces = name.split(".")
    above = (names.get(".".join(pieces[:count])) for count in range(len(pieces) - 1, 0, -1))
    return "any" if any(kind in OPEN for kind in above if kind) else None


def unknown(name: str, names: Names) -> str:
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"nothing gives '{name}' here." + (f" Is {near[0]} meant?" if near else "")


# In words


def told(tree: Condition) -> str:
    """As a rep would say it: "the order's total is at most 50"."""
    _sound(tree)
    return _told(tree)


def _told(tree: Condition) -> str:
    ((key, inner),) = tree.items()
    if key == NOT:
        return f"it is not so that {_within(inner)}"
    if key in (ALL, ANY):
        parts = [_within(part) if len(inner) > 1 else _told(part) for part in inner]
        return (" and " if key == ALL else " or ").join(parts)
    leaf = leaf_of(tree)
    operator = OPERATORS[leaf.operator]
    return f"{spoken(leaf.name)} {operator.words.format(_constant(operator.takes, leaf.than))}"


def _within(tree: Condition) -> str:
    """In brackets where 'and' and 'or' would run into each other."""
    ((key, inner),) = tree.items()
    return f"({_told(tree)})" if key in (ALL, ANY) and len(inner) > 1 else _told(tree)


def _constant(takes: Takes, than: Any) -> str:
    if name := other_name(than):
        return f"{spoken(name)}{' in days' if takes == 'days' else ''}"
    if isinstance(than, list | tuple):
        words = [_said(one) for one in than[:5]]
        if len(than) > 5:
            return f"{', '.join(words)} and {len(than) - 5:,} more"
        last = " and " if takes == "two numbers" else " or "
        return last.join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    return f"{_said(than)} {'day' if than == 1 else 'days'}" if takes == "days" else _said(than)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    amount = number(value)
    return f"{amount:,f}" if amount is not None else f"'{shown(value)}'"


def spoken(name: str) -> str:
    """'the order's total' of order.total."""
    pieces: Sequence[str] = [piece.replace("_", " ") for piece in name.split(".")]
    return "the " + "'s ".join(pieces)
