"""Recipes as YAML files, in and out: what engineers keep beside their code and what teams hand to each other.

Words are read as YAML 1.2 has them, so `no` is a word; what belongs in a text stays as it was written, so 007 is no 7 there. There
are no tags, no anchors and no references; a field that stands twice or that nobody knows is refused with its line.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from automations import recipe as document
from automations.conditions import ALL, ANY, NOT, shown
from automations.recipe import SHAPES, Recipe, unknown_field
from automations.steps.face import TEXTS, Declarations
from data.errors import Refused
from evals.files import safe_yaml
from evals.files.safe_yaml import Faulty

LARGEST = 200_000  # bytes
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]{0,40})(\.[0-9]{1,20})?")  # as people write them: no 0x, no 1e9, no 007
_Events = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBERED = {f"{safe_yaml.CORE}int", f"{safe_yaml.CORE}float"}


def read(content: bytes | str, declarations: Declarations | None = None) -> Recipe:
    """With declarations, what goes into a text is read as a text even where no quotes stand around it."""
    try:
        return document.of(_body(content, declarations or {}))
    except Faulty as fault:
        raise Refused(f"Not read: {fault}{'' if str(fault).endswith(('.', '?')) else '.'}") from fault


def _body(content: bytes | str, declarations: Declarations) -> dict[str, Any]:
    try:
        raw = content.encode() if isinstance(content, str) else content
    except UnicodeEncodeError as error:
        raise Refused("Not read: the text holds half a character, so it cannot be kept. Write it anew.") from error
    if len(raw) > LARGEST:
        raise Refused(f"Not read: a recipe has at most {LARGEST // 1_000:,} kB, this one {len(raw) // 1_000:,} kB.")
    root = safe_yaml.root(raw)
    _without_references(raw)
    return _table("recipe", root, declarations)


def _without_references(raw: bytes) -> None:
    """The root was found to be small even with all of them written out; still nobody sees at a glance what they stand for."""
    for event in yaml.parse(raw, Loader=_Events):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Faulty(f"line {line} has an anchor or a reference (& or *). Write the part out, or put it in quotes")
        if (tag := getattr(event, "tag", None)) is not None:
            raise Faulty(f"line {line} has the tag '{shown(tag)}'. A recipe has none; put a text in quotes")


# Nodes to the body that recipe.of() takes


def _table(shape: str, node: yaml.Node, declarations: Declarations) -> dict[str, Any]:
    fields = _fields(node)
    for name, inner in fields.items():
        if name not in SHAPES[shape]:
            raise Faulty(f"line {safe_yaml.line_of(inner)}: {unknown_field(shape, name)}")
    told = {name: _value(SHAPES[shape][name], inner, declarations) for name, inner in fields.items() if name != "with"}
    if "with" in fields:
        told["with"] = _given(fields["with"], str(told.get("step", "")), declarations)
    return told


def _fields(node: yaml.Node) -> dict[str, yaml.Node]:
    if isinstance(node, yaml.MappingNode) and any(isinstance(key, yaml.MappingNode) for key, _ in node.value):
        raise Faulty(f'line {safe_yaml.line_of(node)}: put quotes around what begins with braces: "{{{{order.total}}}}"')
    if isinstance(node, yaml.MappingNode) and any(key.tag == f"{safe_yaml.CORE}merge" for key, _ in node.value):
        raise Faulty(f"line {safe_yaml.line_of(node)}: '<<' takes over nothing here. Write the fields out")
    return safe_yaml.fields(node)


def _value(kind: str, node: yaml.Node, declarations: Declarations) -> Any:
    match kind:
        case "text" | "long text" | "money":
            return _written_as(node)
        case "texts":
            return [_written_as(inner) for inner in safe_yaml.items(node)]
        case "acts":
            return [_table("act", inner, declarations) for inner in safe_yaml.items(node)]
        case "agents" | "tools":
            return [_table(kind.removesuffix("s"), inner, declarations) for inner in safe_yaml.items(node)]
        case "given":
            return _settings(node)
        case "condition":
            return _condition(node)
        case "number" | "count":
            return _plain(node)
    return _table(kind, node, declarations)


def _given(node: yaml.Node, step: str, declarations: Declarations) -> dict[str, Any]:
    kinds = {field.name: field.kind for field in declarations[step].inputs} if step in declarations else {}
    return {name: _written_as(inner) if kinds.get(name) in TEXTS else _plain(inner) for name, inner in _fields(node).items()}


def _settings(node: yaml.Node) -> dict[str, Any]:
    return {name: _plain(inner) for name, inner in _fields(node).items()}


def _condition(node: yaml.Node) -> Any:
    if not isinstance(node, yaml.MappingNode):
        return _plain(node)
    inner = {ALL: _conditions, ANY: _conditions, NOT: _condition}
    return {name: inner.get(name, _plain)(value) for name, value in _fields(node).items()}


def _conditions(node: yaml.Node) -> Any:
    return [_condition(inner) for inner in node.value] if isinstance(node, yaml.SequenceNode) else _plain(node)


def _written_as(node: yaml.Node) -> Any:
    """The signs of a word or number as they stand in the file."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else _plain(node)


def _plain(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {name: _plain(inner) for name, inner in _fields(node).items()}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(inner) for inner in node.value]
    if node.tag in _NUMBERED:
        fine = _NUMBER.fullmatch(str(node.value))
        return str(node.value) if fine is None else float(node.value) if fine[2] else int(node.value)
    return safe_yaml.value(node)


# Out


class _Plain(str):
    """Written without quotes: an amount."""


class _InOneLine(dict[str, Any]):
    """A comparison: {at most: 50}."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Lists stand further in than the word above them: it reads better."""
        return super().increase_indent(flow, False)


_TEXT, _WORDS = f"{safe_yaml.CORE}str", re.compile(r"[A-Za-z](?:[A-Za-z0-9 ._,()%'-]*[A-Za-z0-9.)%])?")
_SPECIAL = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}  # to one YAML or another


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    """Bare where every YAML reads the same text, in lines where it has lines, else in quotes."""
    if _WORDS.fullmatch(text) and text.lower() not in _SPECIAL:
        return dumper.represent_scalar(_TEXT, text)
    lines = "\n" in text and text.replace("\n", "").isprintable() and not text[0].isspace()
    return dumper.represent_scalar(_TEXT, text, style="|" if lines else '"')


def _amount(dumper: yaml.SafeDumper, text: _Plain) -> yaml.Node:
    return dumper.represent_scalar(f"{safe_yaml.CORE}{'float' if '.' in text else 'int'}", str(text))


def _one_line(dumper: yaml.SafeDumper, table: _InOneLine) -> yaml.Node:
    return dumper.represent_mapping(f"{safe_yaml.CORE}map", table, flow_style=True)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(_InOneLine, _one_line)
_Dumper.add_representer(_Plain, _amount)


def written(recipe: Recipe) -> str:
    """Always in the same order, whatever order a database kept."""
    whole = _ordered("recipe", recipe.as_body())
    return yaml.dump(whole, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000_000)


def _ordered(shape: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _in_order(kind, body[name]) for name, kind in SHAPES[shape].items() if name in body}


def _in_order(kind: str, value: Any) -> Any:
    if kind in ("acts", "agents", "tools"):
        return [_ordered(kind.removesuffix("s"), one) for one in value]
    if kind == "money":
        return _Plain(value)
    if kind == "condition":
        return _comparing(value)
    return _ordered(kind, value) if kind in SHAPES else _sorted(value)


def _comparing(tree: Any) -> dict[str, Any]:
    """As it is read best: the tree by lines, each comparison in one."""
    ((key, inner),) = tree.items()
    if key in (ALL, ANY):
        return {key: [_comparing(part) for part in inner]}
    if key == NOT:
        return {key: _comparing(inner)}
    return {key: inner if isinstance(inner, str) else _InOneLine(inner)}


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(inner) for inner in value] if isinstance(value, list) else value
