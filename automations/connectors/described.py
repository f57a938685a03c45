"""An OpenAPI document is read into what recipes can ask of a program: each operation with what it takes and what it answers.

It is somebody else's text: bounded in size and depth, nothing outside of it is looked at, and a reference that leads nowhere, in a
circle or to another document is told with its place. What is in order there but cannot be done from here is left out, with the reason.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

from automations.conditions import shown
from automations.connectors import document
from automations.connectors.shapes import ANY, Named, Shape
from data.errors import Refused

MOST_OPERATIONS, MOST_PARAMETERS, MOST_TOLD, LONGEST_TOLD = 300, 60, 20, 200
DEEPEST_SHAPE, LONGEST_CHAIN, MOST_CHOICES = 40, 10, 100
METHODS = ("get", "post", "put", "patch", "delete")
OTHERS = ("head", "options", "trace")
BODY = "body"  # the name of a body that is no table of fields
RESERVED = frozenset({
    "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "cookie", "expect", "host",
    "idempotency-key", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
})  # fmt: skip
Place = Literal["path", "query", "header", "body", "whole body"]
GAP = r"\{([^{}/]+)\}"  # in a path
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|\{[^{}/]{1,60}\})*)+")
_VERSION = re.compile(r"3\.[01](\.[0-9]{1,3})?")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,59}")
_SUCCESS = re.compile(r"2[0-9X]{2}")
_JSON = re.compile(r"application/(?:[A-Za-z0-9.-]{1,60}\+)?json(?:\s*;.*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Parameter:
    """One value that an operation takes. One that stands in the path and in the body has the same name twice."""

    name: str
    where: Place
    shape: Shape
    required: bool


@dataclass(frozen=True)
class Operation:
    """One thing that the other program does."""

    name: str
    method: str
    path: str
    told: str
    parameters: tuple[Parameter, ...]
    needs_body: bool  # else one may be sent: then whole
    answers: tuple[tuple[str, Shape | None], ...]  # by status, 200 or 2XX; without a shape where it answers nothing

    @property
    def changes(self) -> bool:
        return self.method != "GET"


@dataclass(frozen=True)
class Described:
    title: str
    address: str  # where the document says that it stands; empty where it does not
    operations: tuple[Operation, ...]
    left_out: tuple[str, ...]  # what recipes cannot ask of it, and why
    document: str = field(repr=False)  # as it is kept


def read(content: bytes) -> Described:
    """Refused with everything that is wrong with the document, each with its place."""
    reading = _Reading(document.tree(content))
    found = reading.described()
    if reading.wrong:
        raise Refused(_all_of(reading.wrong))
    return found


def shape_of(schema: Any) -> Shape:
    """What a JSON schema that stands alone says of a value that is sent."""
    try:
        return _Reading(schema)._shape(schema, "it", sending=True, depth=0)
    except (_Wrong, _NotFromHere) as wrong:
        raise Refused(f"Not read: {wrong}.") from None


def _all_of(wrong: list[str]) -> str:
    many = "one thing is" if len(wrong) == 1 else f"{len(wrong):,} things are"
    more = f"\n- and {len(wrong) - MOST_TOLD:,} more" if len(wrong) > MOST_TOLD else ""
    return f"The document cannot be used yet: {many} to be mended.\n" + "\n".join(f"- {one}" for one in wrong[:MOST_TOLD]) + more


# From plain values to operations


class _Wrong(Exception):
    """A part of the document is not what it should be."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(f"{place}: {why}")


class _NotFromHere(Exception):
    """It is in order, and still nothing that a recipe can ask."""


class _Reading:
    """One document, and what was found wrong in it so far."""

    def __init__(self, tree: Any) -> None:
        self.tree, self.wrong, self.left_out = tree, list[str](), list[str]()
        self._known: dict[tuple[str, bool], Shape] = {}  # what a reference leads to; while it is being read, anything

    def described(self) -> Described:
        if not isinstance(self.tree, dict) or not isinstance(version := self.tree.get("openapi"), str) or not _VERSION.fullmatch(version):
            said = self.tree.get("openapi", self.tree.get("swagger")) if isinstance(self.tree, dict) else None
            older = "" if said is None else f" It says '{shown(said)}'."
            raise Refused(f"Not read: this is no OpenAPI document of version 3.0 or 3.1.{older} Ask whoever runs the program for one.")
        try:
            operations = tuple(self._operations())
        except _Wrong as wrong:
            raise Refused(_all_of([str(wrong)])) from None
        self._require_unlike(operations)
        if not operations and not self.wrong:
            why = f" {self.left_out[0]}" if self.left_out else " It has none under 'paths'."
            raise Refused(f"Not read: the document describes no operation that a recipe can ask.{why}")
        info = self.tree.get("info")
        kept = json.dumps(self.tree, ensure_ascii=False, separators=(",", ":"))
        return Described(
            _line(info.get("title") if isinstance(info, dict) else ""), self._address(), operations, tuple(self.left_out), kept
        )

    def _address(self) -> str:
        servers = self.tree.get("servers")
        first = servers[0].get("url") if isinstance(servers, list) and servers and isinstance(servers[0], dict) else None
        return first if isinstance(first, str) and re.match(r"https?://", first) and len(first) <= LONGEST_TOLD else ""

    def _operations(self) -> Iterator[Operation]:
        for path, method, place, whole, shared in self._found():
            try:
                yield self._operation(path, method, place, whole, shared)
            except _Wrong as wrong:
                self.wrong.append(str(wrong))
            except _NotFromHere as why:
                self.left_out.append(f"{method.upper()} {shown(path)}: {why}.")

    def _found(self) -> Iterator[tuple[str, str, str, dict[str, Any], list[Any]]]:
        paths, many = _table(self.tree.get("paths", {}), "paths"), 0
        for path, told in paths.items():
            place = f"paths.{shown(path)}"
            try:
                item = _table(self._whole(told, place), place)
                shared = _list(item.get("parameters", []), f"{place}.parameters")
            except _Wrong as wrong:
                self.wrong.append(str(wrong))
                continue
            self.left_out += [f"{one.upper()} {shown(path)}: recipes ask nothing in this way." for one in OTHERS if one in item]
            own = {"servers": item["servers"]} if "servers" in item else {}
            for method in (one for one in METHODS if one in item):
                many += 1
                if many > MOST_OPERATIONS:
                    raise Refused(f"Not read: the document has more than {MOST_OPERATIONS:,} operations. Leave out of it what recipes do "
                                  "not need.")  # fmt: skip
                if not isinstance(item[method], dict):
                    self.wrong.append(f"{place}.{method}: it is no table of fields")
                    continue
                yield path, method, f"{place}.{method}", own | item[method], shared

    def _operation(self, path: str, method: str, place: str, told: dict[str, Any], shared: list[Any]) -> Operation:
        if not _PATH.fullmatch(path):
            raise _Wrong(place, "a path begins with / and holds letters, digits and {names}")
        if "servers" in told:
            raise _NotFromHere("it stands on a server of its own, and only the approved address is asked")
        name = self._name(told, method, path, place)
        needs_body, body = self._body(told, place) if method != "get" else (False, [])
        parameters = [*self._parameters(path, place, told, shared), *body]
        if len(parameters) > MOST_PARAMETERS:
            raise _NotFromHere(f"it takes {len(parameters):,} values, and a recipe fills in at most {MOST_PARAMETERS}")
        summary = _line(told.get("summary")) or _line(told.get("description"))
        return Operation(name, method.upper(), path, summary, tuple(parameters), needs_body, tuple(self._answers(told, place)))

    def _name(self, told: Mapping[str, Any], method: str, path: str, place: str) -> str:
        """As the document names it, else by what is asked: get_orders_id."""
        name = told.get("operationId", re.sub(r"[^A-Za-z0-9]+", "_", f"{method} {path}").strip("_"))
        if not isinstance(name, str) or not 0 < len(name.strip()) <= 120 or not name.isprintable():
            raise _Wrong(f"{place}.operationId", "a name is a text of 1 to 120 characters in one line")
        return name.strip()

    def _require_unlike(self, operations: tuple[Operation, ...]) -> None:
        seen: dict[str, str] = {}
        for one in operations:
            asked = f"{one.method} {one.path}"
            if one.name in seen:
                self.wrong.append(f"two operations are named '{shown(one.name)}': {seen[one.name]} and {asked}")
            seen[one.name] = asked

    # what it takes

    def _parameters(self, path: str, place: str, told: Mapping[str, Any], shared: list[Any]) -> list[Parameter]:
        """Those of the path, with the operation's own in their stead."""
        found: dict[tuple[str, str], Parameter | None] = {}
        for part, where in [(shared, place.rpartition(".")[0]), (_list(told.get("parameters", []), f"{place}.parameters"), place)]:
            for count, one in enumerate(part):
                at = f"{where}.parameters.{count}"
                key, made = self._parameter(_table(self._whole(one, at), at), at)
                found[key] = made
        gaps = re.findall(GAP, path)
        filled = {name for name, where in found if where == "path"}
        if lacking := [name for name in gaps if name not in filled]:
            raise _Wrong(place, f"the path names '{lacking[0]}', and no parameter says what that is")
        return [one for (name, where), one in found.items() if one is not None and (where != "path" or name in gaps)]

    def _parameter(self, told: Mapping[str, Any], place: str) -> tuple[tuple[str, str], Parameter | None]:
        """None of one that is left to the portal, or may be left out."""
        name, where = told.get("name"), told.get("in")
        if not isinstance(name, str) or not 0 < len(name) <= 100 or where not in ("path", "query", "header", "cookie"):
            raise _Wrong(place, "a parameter has a name, and stands in path, query, header or cookie")
        required = told.get("required") is True or where == "path"
        if where == "header" and (name.lower() in RESERVED or not _HEADER.fullmatch(name)):
            return (name, where), None
        shape = self._shape(told.get("schema", {}), f"{place}.schema", sending=True)
        plain = shape.kind not in ("table", "list") or (where == "query" and _is_plain_list(shape, told))
        if where == "cookie" or "schema" not in told or not plain:
            if required:
                raise _NotFromHere(f"it needs '{shown(name)}' in a way that recipes cannot fill in")
            return (name, where), None
        return (name, where), Parameter(name, where, shape, required)

    def _body(self, told: Mapping[str, Any], place: str) -> tuple[bool, list[Parameter]]:
        """Whether one is needed, and what it consists of."""
        if "requestBody" not in told:
            return False, []
        place = f"{place}.requestBody"
        whole = _table(self._whole(told["requestBody"], place), place)
        required = whole.get("required") is True
        schema = self._json_of(whole, place)
        if schema is None:
            if required:
                raise _NotFromHere("it takes no JSON")
            return False, []
        shape = self._shape(schema, f"{place}.schema", sending=True)
        if shape.kind != "table" or not shape.fields:
            return required, [Parameter(BODY, "whole body", shape, required)]
        return required, [Parameter(one.name, "body", one.shape, one.required) for one in shape.fields]

    # what it answers

    def _answers(self, told: Mapping[str, Any], place: str) -> Iterator[tuple[str, Shape | None]]:
        place = f"{place}.responses"
        fine = {status: one for status, one in _table(told.get("responses", {}), place).items() if _SUCCESS.fullmatch(status)}
        if not fine:
            raise _NotFromHere("its description does not say what it answers when all is well")
        for status, one in sorted(fine.items()):
            whole = _table(self._whole(one, f"{place}.{status}"), f"{place}.{status}")
            if not whole.get("content"):
                yield status, None
                continue
            schema = self._json_of(whole, f"{place}.{status}")
            if schema is None:
                raise _NotFromHere("it answers something other than JSON")
            yield status, self._shape(schema, f"{place}.{status}.schema", sending=False)

    def _json_of(self, told: Mapping[str, Any], place: str) -> Any:
        """The schema of what it takes or gives as JSON; None where it has none."""
        content = _table(told.get("content", {}), f"{place}.content")
        media = next((one for kind, one in content.items() if _JSON.fullmatch(kind)), None)
        return None if media is None else _table(media, f"{place}.content").get("schema", {})

    # schemas

    def _shape(self, told: Any, place: str, *, sending: bool, depth: int = 0) -> Shape:
        if isinstance(told, dict) and isinstance(pointer := told.get("$ref"), str):
            return self._referred(told, pointer, place, sending=sending, depth=depth)
        if isinstance(told, bool) or depth > DEEPEST_SHAPE:
            return ANY
        return self._own_shape(_table(told, place), place, sending=sending, depth=depth)

    def _referred(self, told: Any, pointer: str, place: str, *, sending: bool, depth: int) -> Shape:
        """Read once, however often it is named: within itself it is anything."""
        if (pointer, sending) in self._known:
            return self._known[pointer, sending]
        whole = self._whole(told, place)
        self._known[pointer, sending] = ANY
        try:
            made = self._shape(whole, place, sending=sending, depth=depth)
        except _Wrong:
            del self._known[pointer, sending]
            raise
        self._known[pointer, sending] = made
        return made

    def _own_shape(self, told: Mapping[str, Any], place: str, *, sending: bool, depth: int) -> Shape:
        kinds, or_nothing = _kinds(told)
        parts = _list(told.get("allOf", []), f"{place}.allOf")
        choice = [one for name in ("oneOf", "anyOf") for one in _list(told.get(name, []), f"{place}.{name}")]
        if len(parts) == 1 and len(told) <= 2 + ("nullable" in told):
            return _or_nothing(self._shape(parts[0], place, sending=sending, depth=depth + 1), or_nothing)
        if choice:
            some = [one for one in choice if not (isinstance(one, dict) and one.get("type") == "null")]
            only = self._shape(some[0], place, sending=sending, depth=depth + 1) if len(some) == 1 else ANY
            return _or_nothing(only, or_nothing or len(some) < len(choice) or len(some) > 1)
        if "properties" in told or parts or kinds == ["object"]:
            return Shape("table", self._fields(told, parts, place, sending=sending, depth=depth), or_nothing=or_nothing)
        match kinds:
            case ["array"]:
                items = self._shape(told.get("items", {}), f"{place}.items", sending=sending, depth=depth + 1)
                return Shape("list", items=items, or_nothing=or_nothing)
            case [] | ["string"] if kinds or _choices(told):
                return Shape("text", choices=_choices(told), or_nothing=or_nothing)
            case ["integer"]:
                return Shape("whole", or_nothing=or_nothing)
            case ["number"]:
                return Shape("number", or_nothing=or_nothing)
            case ["boolean"]:
                return Shape("yes_no", or_nothing=or_nothing)
        return Shape(or_nothing=or_nothing)

    def _fields(self, told: Mapping[str, Any], parts: list[Any], place: str, *, sending: bool, depth: int) -> tuple[Named, ...]:
        """Its own, and those of all that it consists of."""
        found: dict[str, Named] = {}
        required = {one for one in _list(told.get("required", []), f"{place}.required") if isinstance(one, str)}
        for one in parts:
            part = self._shape(one, f"{place}.allOf", sending=sending, depth=depth + 1)
            found |= {field.name: field for field in part.fields}
        for name, one in _table(told.get("properties", {}), f"{place}.properties").items():
            if isinstance(one, dict) and one.get("readOnly" if sending else "writeOnly") is True:
                continue
            found[name] = Named(name, self._shape(one, f"{place}.properties.{shown(name)}", sending=sending, depth=depth + 1))
        return tuple(Named(one.name, one.shape, one.required or name in required) for name, one in found.items())

    # parts

    def _whole(self, told: Any, place: str) -> Any:
        """What stands there, or where it refers to: within this document, not in a circle."""
        seen: set[str] = set()
        while isinstance(told, dict) and "$ref" in told:
            pointer = told["$ref"]
            if not isinstance(pointer, str) or not pointer.startswith("#"):
                raise _Wrong(place, f"it refers to '{shown(pointer)}', outside of this document. Put that into it")
            if pointer in seen or len(seen) >= LONGEST_CHAIN:
                raise _Wrong(place, f"its reference '{shown(pointer)}' leads to itself, or over more than {LONGEST_CHAIN} others")
            seen.add(pointer)
            told = self._at(pointer, place)
        return told

    def _at(self, pointer: str, place: str) -> Any:
        found: Any = self.tree
        if not pointer.startswith("#/"):
            raise _Wrong(place, f"its reference '{shown(pointer)}' is no way such as #/components/schemas/Order")
        for piece in pointer[2:].split("/"):
            name = unquote(piece).replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isdecimal() and len(name) < 7 and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, dict) and name in found:
                found = found[name]
            else:
                raise _Wrong(place, f"its reference '{shown(pointer)}' leads nowhere")
        return found


def _table(told: Any, place: str) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise _Wrong(place, "it is no table of fields")
    return told


def _list(told: Any, place: str) -> list[Any]:
    if not isinstance(told, list):
        raise _Wrong(place, "it is no list")
    return told


def _line(told: Any) -> str:
    text = " ".join(told.split()) if isinstance(told, str) else ""
    return text if len(text) <= LONGEST_TOLD else f"{text[: LONGEST_TOLD - 1]}…"


def _kinds(told: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Its types beside null, as 3.0 and 3.1 write them."""
    said = told.get("type")
    kinds = [one for one in (said if isinstance(said, list) else [said]) if isinstance(one, str)]
    return [one for one in kinds if one != "null"], told.get("nullable") is True or "null" in kinds


def _choices(told: Mapping[str, Any]) -> tuple[str, ...]:
    said = [told["const"]] if "const" in told else told.get("enum")
    choices = [one for one in said if isinstance(one, str)] if isinstance(said, list) else []
    return tuple(choices) if len(choices) <= MOST_CHOICES else ()


def _or_nothing(shape: Shape, or_nothing: bool) -> Shape:
    return Shape(shape.kind, shape.fields, shape.items, shape.choices, or_nothing or shape.or_nothing)


def _is_plain_list(shape: Shape, told: Mapping[str, Any]) -> bool:
    """One that stands in an address as name=a&name=b."""
    form = told.get("style", "form") == "form" and told.get("explode", True) is True
    return shape.kind == "list" and form and (shape.items is None or shape.items.kind not in ("table", "list"))
