"""What a tool from outside says of itself, the hash by which it was approved, and in words what it says otherwise now.

Its description is somebody else's text that a model would read: one that has a hidden sign, no end or no plain name is left out with the
reason, and one that differs from what two people approved by a single letter is another tool.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from automations.connectors import described
from automations.connectors.shapes import Shape
from automations.outside import cleaning
from automations.outside.facts import FACTS
from data import sealing
from data.errors import Refused

MOST_TOOLS, LONGEST_TOLD, LARGEST_SCHEMA = 100, 4_000, 20_000
MOST_TOLD, LONGEST_SHOWN = 12, 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,99}")
_WORDS = re.compile(r"\S+")


@dataclass(frozen=True)
class Tool:
    """As its program tells of it, word for word."""

    name: str
    title: str
    told: str  # its description
    schema: Mapping[str, Any] = field(repr=False)  # of its arguments
    only_reads: bool = False  # as the program itself says: nobody's approval

    @property
    def sha(self) -> str:
        return sealing.sha(json.dumps(self.plain(), sort_keys=True, ensure_ascii=False))

    def plain(self) -> dict[str, Any]:
        return {"name": self.name, "title": self.title, "told": self.told, "schema": dict(self.schema), "only_reads": self.only_reads}

    @property
    def shape(self) -> Shape:
        return described.shape_of(self.schema)

    @property
    def arguments(self) -> dict[str, bool]:
        """By name, and whether it may not be left out."""
        return {one.name: one.required for one in self.shape.fields}


@dataclass(frozen=True)
class Pin:
    """A tool as two people approved it."""

    tool: Tool
    changes: bool
    bound: Mapping[str, str] = field(default_factory=dict)  # an argument -> what of the conversation it always is
    money: Mapping[str, str] = field(default_factory=dict)  # an argument -> its currency, or that it is no money (money.py)

    def plain(self) -> dict[str, Any]:
        said = {"changes": self.changes, "bound": dict(self.bound), "money": dict(self.money)}
        return {"tool": self.tool.plain(), "sha": self.tool.sha, **said}

    @property
    def chosen(self) -> dict[str, bool]:
        """The arguments that are filled in, and whether each has to be."""
        return {name: needed for name, needed in self.tool.arguments.items() if name not in self.bound}

    @property
    def parameters(self) -> dict[str, Any]:
        """The JSON schema of what may be chosen: what the conversation says is no choice."""
        made = dict(self.tool.schema)
        made["properties"] = {name: one for name, one in dict(made.get("properties") or {}).items() if name not in self.bound}
        made["required"] = [name for name in made.get("required") or [] if name not in self.bound]
        return made


def tool_of(kept: Mapping[str, Any]) -> Tool:
    return Tool(kept["name"], kept["title"], kept["told"], kept["schema"], kept["only_reads"])


def pin_of(kept: Mapping[str, Any]) -> Pin:
    """Refused where it is not what its hash was made of."""
    tool = tool_of(kept["tool"])
    if tool.sha != kept["sha"]:
        raise Refused(f"Not used: what is kept of the tool '{tool.name}' is not what its hash was made of. Have it approved again.")
    return Pin(tool, kept["changes"], kept["bound"], kept.get("money", {}))  # of one that was approved before money was asked for: none


# -- what a program offers ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Offer:
    """All that a program offers at one moment."""

    tools: tuple[Tool, ...]
    left_out: tuple[str, ...] = ()  # and why

    def get(self, name: str) -> Tool | None:
        return next((one for one in self.tools if one.name == name), None)


def offer(found: list[Tool]) -> Offer:
    """Each once; what cannot be approved is left out, with the reason."""
    names = [one.name for one in found]
    wrong = {place: _wrong(one, names) for place, one in enumerate(found)}
    kept = [one for place, one in enumerate(found) if not wrong[place]]
    over = [f"{len(kept) - MOST_TOOLS:,} more: a program may offer {MOST_TOOLS} tools at most."] if len(kept) > MOST_TOOLS else []
    told = dict.fromkeys(f"'{cleaning.line(found[place].name, 60)}': {why}." for place, why in wrong.items() if why)
    return Offer(tuple(kept[:MOST_TOOLS]), (*list(told)[:MOST_TOLD], *over))


def _wrong(one: Tool, names: list[str]) -> str:
    """Why nobody could say what they approve; empty where it is plain."""
    if not _NAME.fullmatch(one.name):
        return "its name is no plain one of letters, digits and _ . / -"
    if names.count(one.name) > 1:
        return "another tool has the same name"
    said = json.dumps(one.schema, ensure_ascii=False)
    if any(cleaning.unseen(text) for text in (one.title, one.told, said)):
        return "its description holds signs that nobody sees"
    if len(one.told) > LONGEST_TOLD or len(one.title) > LONGEST_SHOWN or len(said) > LARGEST_SCHEMA:
        return f"its description is longer than {LONGEST_TOLD:,} signs, or that of its arguments longer than {LARGEST_SCHEMA:,}"
    try:
        shape = one.shape
    except Refused as refused:
        return f"its arguments cannot be read: {str(refused).rstrip('.')}"
    return "" if shape.kind == "table" else "its arguments are no table of values"


# -- what is different --------------------------------------------------------------------------------------------------------------------


def difference(then: Tool, now: Tool) -> list[str]:
    """In words, for whoever has to look at it: what it says otherwise than when it was approved."""
    told = list(_words("Its title", then.title, now.title))
    told += _words("Its description", then.told, now.told)
    if then.only_reads != now.only_reads:
        told.append("It says now that it only reads." if now.only_reads else "It does not say any more that it only reads.")
    return told + list(_schemas(then.schema, now.schema))


def _words(what: str, then: str, now: str) -> Iterator[str]:
    """Piece by piece, so that one word in a long text is found."""
    before, after = _WORDS.findall(then), _WORDS.findall(now)
    for how, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes() if then != now else []:
        old, new = " ".join(before[a:b]), " ".join(after[c:d])
        if how != "equal":
            yield f"{what}: {_change(old, new)}"
    if then != now and before == after:
        yield f"{what}: only blanks are different."


def _change(old: str, new: str) -> str:
    if old and new:
        return f"'{_cut(old)}' then, '{_cut(new)}' now."
    return f"'{_cut(new)}' is new." if new else f"'{_cut(old)}' is gone."


def _cut(text: str) -> str:
    return cleaning.line(text, LONGEST_SHOWN * 5)  # whoever decides reads all that is new in a description


def _schemas(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    before, after = _parts(then), _parts(now)
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            what = f"Its argument '{name}'" if name else "What it says of its arguments"
            yield from _words(what, _json(before.get(name)), _json(after.get(name)))


def _parts(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Argument by argument; what is said of all of them stands under no name."""
    properties = schema.get("properties")
    own = dict(properties) if isinstance(properties, Mapping) else {}
    return {**own, "": {name: value for name, value in schema.items() if name != "properties"}}


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)


def wrong_binding(tool: Tool, bound: Mapping[str, str]) -> str:
    """Why an argument cannot always be what the conversation says; empty where it can."""
    for name, fact in bound.items():
        if name not in tool.arguments:
            return f"'{tool.name}' takes no '{name}'. It takes {', '.join(tool.arguments) or 'nothing'}"
        if fact not in FACTS:
            return f"'{fact}' is nothing that a conversation says. There are {', '.join(FACTS)}"
    return ""
