"""YAML of people we do not know: no tags, no bombs, no field twice, and each part with its line.

Words are read as YAML 1.2 has them (yes is a word, 12:30 is no number), since that is how the tools that write these files read them.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from data.errors import Refused

LARGEST = 10_000_000  # bytes
DEEPEST = 40  # lists and tables in each other
MOST_ALIASES = 10_000
MOST_PARTS = 400_000  # with every alias written out: some thousand tests
CORE = "tag:yaml.org,2002:"
OURS = {f"{CORE}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Only ever asked for events and nodes: nothing is constructed by it."""


_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"{CORE}{_name}", re.compile(rf"(?:{_pattern})\Z"), _first)


class Faulty(ValueError):
    """A part of the file is not what it should be; the rest may be."""


def root(content: bytes) -> yaml.Node:
    """The whole as nodes, once it is known to be small, flat and finite."""
    text = _text(content)
    try:
        _count(text)
        found = yaml.compose(text, Loader=_Loader)
        if found is None:
            raise Refused("Nothing was read: the file is empty.")
        _expanded(found)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise Refused(f"Nothing was read: the file is not YAML: {error.problem or error.context}{where}.") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Refused(f"Nothing was read: the file is not YAML: {str(error).splitlines()[0]}.") from error
    return found


def _text(content: bytes) -> str:
    if len(content) > LARGEST:
        raise Refused(f"Nothing was read: the file is larger than {LARGEST // 1_000_000} MB. Split it.")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("Nothing was read: the file is written in UTF-16. Save it as UTF-8 and take that.")
    if b"\0" in content:
        raise Refused("Nothing was read: the file holds a NUL character, so it is no text.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"Nothing was read: the file is not UTF-8 (at byte {error.start:,}).") from error


def _count(text: str) -> None:
    depth = aliases = documents = 0
    for number, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if number > MOST_PARTS:  # before it is all in memory
            raise Refused(f"Nothing was read: the file has more than {MOST_PARTS:,} parts. Split it.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if depth > DEEPEST:
            raise Refused(f"Nothing was read: it is nested more than {DEEPEST} deep.")
        if aliases > MOST_ALIASES:
            raise Refused(f"Nothing was read: the file has more than {MOST_ALIASES:,} references (*name).")
        if documents > 1:
            raise Refused("Nothing was read: the file holds several YAML documents. Split it where a line is '---'.")


def _expanded(top: yaml.Node) -> None:
    """Refuse what would be endless, or very long, with every reference written out."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        if id(node) in sizes:
            return sizes[id(node)]
        if id(node) in open_nodes or depth > DEEPEST * 4:
            raise Refused("Nothing was read: a reference (*name) in the file leads to itself, or too deep.")
        open_nodes.add(id(node))
        sizes[id(node)] = total = 1 + sum(size(part, depth + 1) for part in _parts(node))
        open_nodes.discard(id(node))
        if total > MOST_PARTS:
            raise Refused(f"Nothing was read: with its references written out the file has more than {MOST_PARTS:,} parts.")
        return total

    size(top, 0)


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, inner in node.value:
            yield key
            yield inner
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def line_of(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def fields(node: yaml.Node) -> dict[str, yaml.Node]:
    """A table's fields, those of '<<' under its own; Faulty in words where it is none."""
    if not isinstance(node, yaml.MappingNode) or node.tag not in OURS:
        raise Faulty(f"line {line_of(node)} is no table of fields")
    own: dict[str, yaml.Node] = {}
    merged: dict[str, yaml.Node] = {}
    for key, inner in node.value:
        if key.tag == f"{CORE}merge":
            for whole in inner.value if isinstance(inner, yaml.SequenceNode) else [inner]:
                merged = {**fields(whole), **merged}
            continue
        if not isinstance(key, yaml.ScalarNode):
            raise Faulty(f"line {line_of(key)} has a field whose name is no word")
        if key.value in own:
            raise Faulty(f"the field '{key.value[:60]}' stands twice, line {line_of(key)}")
        own[key.value] = inner
    return {**merged, **own}


def items(node: yaml.Node) -> list[yaml.Node]:
    """What is in a list; Faulty in words where it is none."""
    if not isinstance(node, yaml.SequenceNode) or node.tag not in OURS:
        raise Faulty(f"line {line_of(node)} is no list")
    return list(node.value)


def value(node: yaml.Node) -> Any:
    """The plain value of a part; Faulty in words where it is none."""
    if node.tag not in OURS:
        raise Faulty(f"the tag '{str(node.tag)[:60]}' is not known, line {line_of(node)}")
    if isinstance(node, yaml.MappingNode):
        return {name: value(inner) for name, inner in fields(node).items()}
    if isinstance(node, yaml.SequenceNode):
        return [value(inner) for inner in node.value]
    return _scalar(node.tag.removeprefix(CORE), str(node.value), line_of(node))


def _scalar(kind: str, text: str, line: int) -> Any:
    try:
        match kind:
            case "null":
                return None
            case "bool":
                return {"true": True, "false": False}[text.lower()]
            case "int":
                return int(text, 0 if text[:2] in ("0o", "0x") else 10)
            case "float":
                return float(text.replace(".inf", "inf").replace(".Inf", "inf").replace(".INF", "inf").replace(".nan", "nan"))
            case _:
                return text
    except (ValueError, KeyError):  # also a number of more digits than Python reads
        raise Faulty(f"line {line} is no {kind}") from None


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _words(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    """Quoted unless it is plainly a word: what one YAML reads as a text, another reads as a number."""
    style = None if re.fullmatch(r"[A-Za-z][A-Za-z_-]*", text) else "|" if "\n" in text and text.replace("\n", "").isprintable() else '"'
    return dumper.represent_scalar(f"{CORE}str", text, style=style)


_Dumper.add_representer(str, _words)


def dump(whole: dict[str, Any]) -> str:
    return yaml.dump(whole, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000_000)
