"""A document of somebody else's becomes operations that recipes can ask, or a sentence for each thing that is wrong with it."""

import json
from base64 import b64encode
from copy import deepcopy
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automations import checking
from automations.connectors import asking, connecting, described, shapes
from automations.connectors.asking import Connection, Service
from automations.connectors.described import Described, Operation, Parameter
from automations.connectors.shapes import Named, Shape
from automations.recipe import Act, Alone, Limits, Recipe
from automations.steps import calling
from automations.steps.all import DECLARATIONS
from data import approvals, connections, sealing
from data import settings as kept_settings
from data.errors import Denied, Refused
from data.tables import Proposal
from tests.conftest import Staff

SECRET = "the-credential-nobody-is-told"
PARCEL = {
    "type": "object", "required": ["id", "state"],
    "properties": {
        "id": {"type": "string"}, "state": {"type": "string", "enum": ["on its way", "delivered"]},
        "weight": {"type": "number", "nullable": True}, "stops": {"type": "array", "items": {"$ref": "#/components/schemas/Stop"}},
        "pin": {"type": "string", "writeOnly": True},
    },
}  # fmt: skip
STOP = {"type": "object", "required": ["town"], "properties": {"town": {"type": "string"}, "next": {"$ref": "#/components/schemas/Stop"}}}
FINE = {"200": {"description": "fine", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Parcel"}}}}}
MOVE = {
    "operationId": "moveParcel", "summary": "Deliver it on another day",
    "requestBody": {"required": True, "content": {"application/json; charset=utf-8": {"schema": {
        "type": "object", "required": ["day", "id"],
        "properties": {
            "day": {"type": "string", "format": "date"}, "id": {"type": "string"}, "floor": {"type": "integer"},
            "ring": {"type": "boolean"}, "made": {"type": "string", "readOnly": True},
        },
    }}}},
    "responses": {"202": {"$ref": "#/components/responses/Taken"}},
}  # fmt: skip
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3", "info": {"title": "QuickVan\n parcels"}, "servers": [{"url": "https://api.quickvan.example/v2/"}],
    "paths": {
        "/parcels/{id}": {
            "parameters": [{"$ref": "#/components/parameters/Id"}],
            "get": {
                "operationId": "getParcel", "summary": "Where a parcel is",
                "parameters": [
                    {"name": "with", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "days", "in": "query", "schema": {"type": "integer"}},
                    {"name": "X-Shop", "in": "header", "schema": {"type": "string"}},
                    {"name": "Accept", "in": "header", "required": True, "schema": {"type": "string"}},
                ],
                "responses": FINE,
            },
            "put": MOVE,
        },
    },
    "components": {
        "schemas": {"Parcel": PARCEL, "Stop": STOP},
        "parameters": {"Id": {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}},
        "responses": {"Taken": {"description": "taken"}},
    },
}  # fmt: skip


def document(**changed: Any) -> bytes:
    return json.dumps({**DOCUMENT, **changed}).encode()


def with_get(**changed: Any) -> bytes:
    """The one question changed."""
    made = deepcopy(DOCUMENT)
    made["paths"]["/parcels/{id}"]["get"] |= changed
    return json.dumps(made).encode()


def refusal(content: bytes) -> str:
    with pytest.raises(Refused) as raised:
        described.read(content)
    return str(raised.value)


def operations(content: bytes) -> dict[str, Operation]:
    return {one.name: one for one in described.read(content).operations}


# What a document says


def test_a_document_becomes_what_can_be_asked() -> None:
    found = described.read(document())
    get, put = found.operations
    assert (found.title, found.address, found.left_out) == ("QuickVan parcels", "https://api.quickvan.example/v2/", ())
    assert (get.name, get.method, get.path, get.told, get.changes) == ("getParcel", "GET", "/parcels/{id}", "Where a parcel is", False)
    assert [(one.name, one.where, one.shape.kind, one.required) for one in get.parameters] == [
        ("id", "path", "text", True), ("with", "query", "list", False), ("days", "query", "whole", False),
        ("X-Shop", "header", "text", False),
    ]  # fmt: skip
    assert put.changes and put.needs_body and put.answers == (("202", None),)
    assert [(one.name, one.where, one.required) for one in put.parameters] == [
        ("id", "path", True), ("day", "body", True), ("id", "body", True), ("floor", "body", False), ("ring", "body", False),
    ]  # fmt: skip
    ((status, answer),) = get.answers
    assert status == "200" and answer is not None and answer.kind == "table"
    assert [(one.name, one.shape.kind, one.required, one.shape.or_nothing) for one in answer.fields] == [
        ("id", "text", True, False), ("state", "text", True, False), ("weight", "number", False, True), ("stops", "list", False, False),
    ]  # fmt: skip
    assert answer.fields[1].shape.choices == ("on its way", "delivered")


def test_yaml_says_the_same_as_json_and_what_is_kept_says_it_again() -> None:
    import yaml

    one = described.read(document())
    for content in (yaml.safe_dump(DOCUMENT, sort_keys=False).encode(), b"\xef\xbb\xbf" + document(), one.document.encode()):
        again = described.read(content)
        assert again.operations == one.operations and again.document == one.document


def test_an_operation_without_a_name_is_called_by_what_it_asks() -> None:
    made = deepcopy(DOCUMENT)
    del made["paths"]["/parcels/{id}"]["get"]["operationId"]
    assert "get_parcels_id" in operations(json.dumps(made).encode())


def shape_of(schema: Any, version: str = "3.1.0", **schemas: Any) -> Shape:
    content = {"application/json": {"schema": schema}}
    made = {
        "openapi": version, "paths": {"/x": {"get": {"responses": {"200": {"description": "", "content": content}}}}},
        "components": {"schemas": schemas},
    }  # fmt: skip
    (found,) = described.read(json.dumps(made).encode()).operations
    (answer,) = found.answers
    assert answer[1] is not None
    return answer[1]


@pytest.mark.parametrize(
    ("schema", "kind", "or_nothing"),
    [
        ({"type": "string"}, "text", False), ({"type": ["string", "null"]}, "text", True), ({"enum": ["a", "b"]}, "text", False),
        ({"type": "integer", "nullable": True}, "whole", True), ({"type": "boolean"}, "yes_no", False), ({}, "any", False),
        (True, "any", False), ({"type": ["string", "integer"]}, "any", False), ({"type": "object"}, "table", False),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, "number", True), ({"oneOf": [{"type": "number"}, {}]}, "any", True),
        ({"allOf": [{"type": "number"}], "nullable": True}, "number", True), ({"const": "a"}, "text", False),
        ({"type": "array"}, "list", False),
    ],
)  # fmt: skip
def test_a_schema_of_either_version_is_understood(schema: Any, kind: str, or_nothing: bool) -> None:
    found = shape_of(schema)
    assert (found.kind, found.or_nothing) == (kind, or_nothing)


def test_what_consists_of_others_has_their_fields() -> None:
    found = shape_of(
        {"allOf": [{"$ref": "#/components/schemas/A"}, {"properties": {"b": {"type": "integer"}}}], "required": ["b"]},
        A={"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}},
    )
    assert [(one.name, one.shape.kind, one.required) for one in found.fields] == [("a", "text", True), ("b", "whole", True)]


# What is wrong with one


def test_all_that_is_wrong_is_told_at_once_each_with_its_place() -> None:
    made = deepcopy(DOCUMENT)
    made["paths"]["/parcels/{id}"]["get"]["parameters"].append({"$ref": "https://evil.example/p.json"})
    made["paths"]["/parcels/{id}"]["put"]["requestBody"] = {"$ref": "#/components/nothing"}
    made["paths"]["/towns/{town}"] = {"get": {"responses": FINE}}
    made["paths"]["/a"] = {"get": {"operationId": "same", "responses": FINE}, "delete": {"operationId": "same", "responses": FINE}}
    made["paths"]["/b"] = {"get": "soon"}
    told = refusal(json.dumps(made).encode())
    assert told.splitlines() == [
        "The document cannot be used yet: 5 things are to be mended.",
        "- paths./parcels/{id}.get.parameters.4: it refers to 'https://evil.example/p.json', outside of this document. Put that into it",
        "- paths./parcels/{id}.put.requestBody: its reference '#/components/nothing' leads nowhere",
        "- paths./towns/{town}.get: the path names 'town', and no parameter says what that is",
        "- paths./b.get: it is no table of fields",
        "- two operations are named 'same': GET /a and DELETE /a",
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "the document is empty"), (b"   ", "the document is empty"), (b'{"openapi": ', "no whole JSON (line 1)"),
        (b'{"openapi": "3.0.0", "openapi": "3.0.0"}', "the field 'openapi' stands twice"), (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": "\xff"}', "is not UTF-8 (at byte 7)"), (b"[1, 2]", "no OpenAPI document of version 3.0 or 3.1."),
        (b"hello", "no OpenAPI document"), (b'{"swagger": "2.0"}', "It says '2.0'."), (b'{"openapi": "4.0.0"}', "It says '4.0.0'."),
        (b'{"openapi": 3}', "It says '3'."), (b'{"openapi": "3.0.0"}', "describes no operation"),
        (b'{"openapi": "3.0.0", "paths": []}', "paths: it is no table of fields"),
        (b'{"a": "\\u0000"}', "holds a sign that cannot be kept"),
        (b'{"a": "\\ud800"}', "holds a sign that cannot be kept"), (b" " * 1_000_001, "at most 1,000 kB, this one 1,000 kB"),
        (b"[" * 100_000, "nested"), (b'{"a":' * 90 + b"1" + b"}" * 90, "nested at most 60 deep"), (b'{"a":' * 9_000, "nested"),
        (b'{"a": [' + b"1," * 250_000 + b"1]}", "at most 200,000 parts"), (b"a: !!python/object:os.system {}", "is not known"),
        (b"a: &a [*a]", "leads to itself"), (b'{"a": 1' + b"0" * 5_000 + b"}", "Exceeds the limit"),
        (b"a: [" + b"&a x, " + b"*a, " * 20_000 + b"b]", "references"), (b"---\na: 1\n---\nb: 2", "several YAML documents"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused_in_words(content: bytes, why: str) -> None:
    told = refusal(content)
    assert why in told and told.startswith(("Not read: ", "Nothing was read: ", "The document cannot be used yet: ")) and len(told) < 300


def test_references_lead_nowhere_round_and_round_or_over_too_many() -> None:
    ring = {"Id": {"$ref": "#/components/parameters/Other"}, "Other": {"$ref": "#/components/parameters/Id"}}
    chain = {f"P{count}": {"$ref": f"#/components/parameters/P{count + 1}"} for count in range(20)} | {
        "Id": {"$ref": "#/components/parameters/P0"}
    }
    for parameters in (ring, chain, {"Id": {"$ref": "#/components/parameters/Id"}}):
        made = deepcopy(DOCUMENT)
        made["components"]["parameters"] = parameters
        assert "leads to itself, or over more than 10 others" in refusal(json.dumps(made).encode())
    for pointer in (
        "#",
        "#anchor",
        "#/components/schemas/Nobody",
        "#/paths/9",
        "other.json#/a",
        "file:///etc/passwd",
        7,
        "//evil.example/a",
    ):
        told = refusal(with_get(parameters=[{"$ref": pointer}]))
        assert "paths./parcels/{id}.get.parameters.0: it" in told and ("outside" in told or "leads nowhere" in told or "no way" in told)


def test_a_schema_within_itself_is_read_once() -> None:
    found = shape_of({"$ref": "#/components/schemas/Stop"}, Stop=STOP)
    (_, again) = found.fields
    assert (again.name, again.shape.kind) == ("next", "any")


def test_a_document_that_would_be_endless_written_out_is_read_at_once() -> None:
    """Each level names the next twenty times: 20 ** 40 fields."""
    levels = {
        f"L{level}": {"type": "object", "properties": {f"f{count}": {"$ref": f"#/components/schemas/L{level + 1}"} for count in range(20)}}
        for level in range(40)
    }
    found = shape_of({"$ref": "#/components/schemas/L0"}, **levels, L40={"type": "string"})
    assert len(found.fields) == 20 and len(repr(found)) < 300


def test_a_chain_of_two_thousand_schemas_is_no_fault() -> None:
    chain = {f"S{count}": {"type": "object", "properties": {"a": {"$ref": f"#/components/schemas/S{count + 1}"}}} for count in range(2_000)}
    assert shape_of({"$ref": "#/components/schemas/S0"}, **chain, S2000={"type": "string"}).kind == "table"


def test_what_cannot_be_asked_from_here_is_left_out_with_the_reason() -> None:
    made = deepcopy(DOCUMENT)
    made["paths"] |= {
        "/upload": {"post": {"requestBody": {"required": True, "content": {"multipart/form-data": {}}}, "responses": FINE}},
        "/page": {"get": {"responses": {"200": {"description": "", "content": {"text/html": {}}}}}},
        "/cookie": {"get": {"parameters": [{"name": "c", "in": "cookie", "required": True, "schema": {}}], "responses": FINE}},
        "/deep": {"get": {"parameters": [{"name": "f", "in": "query", "required": True, "schema": {"type": "object"}}], "responses": FINE}},
        "/else": {"servers": [{"url": "https://evil.example"}], "get": {"responses": FINE}},
        "/silent": {"get": {"responses": {"default": {"description": ""}}}},
        "/many": {"get": {"parameters": [{"name": f"p{n}", "in": "query", "schema": {}} for n in range(61)], "responses": FINE}},
        "/head": {"head": {"responses": FINE}},
    }
    found = described.read(json.dumps(made).encode())
    assert len(found.operations) == 2
    assert found.left_out == (
        "POST /upload: it takes no JSON.", "GET /page: it answers something other than JSON.",
        "GET /cookie: it needs 'c' in a way that recipes cannot fill in.",
        "GET /deep: it needs 'f' in a way that recipes cannot fill in.",
        "GET /else: it stands on a server of its own, and only the approved address is asked.",
        "GET /silent: its description does not say what it answers when all is well.",
        "GET /many: it takes 61 values, and a recipe fills in at most 60.", "HEAD /head: recipes ask nothing in this way.",
    )  # fmt: skip
    alone = {"openapi": "3.0.0", "paths": {"/silent": made["paths"]["/silent"]}}
    assert "describes no operation that a recipe can ask. GET /silent: its description" in refusal(json.dumps(alone).encode())


@pytest.mark.parametrize("path", ["parcels", ".evil.example/x", "@evil.example/", "/a b", "/a?b=c", "/a#b", "/%2e%2e/x", "/a\\b", "", "/ä"])
def test_a_path_stays_behind_the_address(path: str) -> None:
    assert "a path begins with /" in refusal(document(paths={path: {"get": {"responses": FINE}}}))


def test_more_operations_than_anybody_looks_through_are_refused() -> None:
    paths = {f"/p{count}": {"get": {"responses": FINE}} for count in range(301)}
    assert "more than 300 operations" in refusal(document(paths=paths))
    del paths["/p300"]
    assert len(described.read(document(paths=paths)).operations) == 300


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    | st.sampled_from(["#/paths", "#", "object", "3.0.0", "path", "string"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["$ref", "type", "properties", "schema", "in", "name", "allOf", "content", "items", "x"]), inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(parameters=JSON, body=JSON, responses=JSON, schema=JSON)
def test_whatever_it_says_it_is_read_or_refused_in_words(parameters: Any, body: Any, responses: Any, schema: Any) -> None:
    told = {"parameters": parameters, "requestBody": body, "responses": responses}
    content = {"application/json": {"schema": schema}}
    fine = {"responses": {"200": {"description": "", "content": content}}, "requestBody": {"content": content}}
    made = {
        "openapi": "3.1.0",
        "paths": {"/x": {"post": told, "get": {**told, "responses": FINE}, "put": fine}},
        "components": {"schemas": {"Parcel": schema}},
    }
    try:
        found = described.read(json.dumps(made).encode())
    except Refused as refused:
        assert str(refused)
        return
    assert isinstance(found, Described)


# What is sent


def service(content: bytes | None = None) -> Service:
    return Service("delivery", "https://api.quickvan.example/v2", described.read(content or document()).operations)


def sent(name: str, values: dict[str, Any], content: bytes | None = None) -> dict[str, Any]:
    made = service(content)
    return asking.what(made, asking.operation(made, name), values)


def not_sent(name: str, values: dict[str, Any]) -> str:
    with pytest.raises(Refused) as raised:
        sent(name, values)
    return str(raised.value)


def test_values_go_where_the_description_has_them() -> None:
    told = sent("getParcel", {"id": "QV 1ä", "with": ["a&b", "c/d"], "days": 7, "X-Shop": "oak"})
    assert told["address"] == "https://api.quickvan.example/v2/parcels/QV%201%C3%A4?with=a%26b&with=c%2Fd&days=7"
    assert (told["method"], told["headers"], told["body"]) == ("GET", {"X-Shop": "oak"}, None)
    put = sent("moveParcel", {"id": "QV1", "day": date(2026, 3, 7), "ring": False, "floor": Decimal("3")})
    assert put["address"].endswith("/v2/parcels/QV1") and put["body"] == {"day": "2026-03-07", "id": "QV1", "floor": 3, "ring": False}
    assert sent("getParcel", {"id": 12345})["address"].endswith("/parcels/12345")


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("getParcel", {}, "'id' is missing."), ("getParcel", {"id": None}, "'id' is a text, not nothing."),
        ("getParcel", {"id": "1", "idd": "2"}, "there is no 'idd'. It takes id, with, days, X-Shop."),
        ("getParcel", {"id": "1", "days": "seven"}, "'days' is a whole number, not 'seven'."),
        ("getParcel", {"id": "1", "days": 1.5}, "'days' is a whole number, not '1.5'."),
        ("getParcel", {"id": "1", "with": "a"}, "'with' is a list, not 'a'."),
        ("getParcel", {"id": "1", "with": [["a"]]}, "'with.0' is a text, not 'a list'."),
        ("getParcel", {"id": True}, "'id' is a text, not 'True'."),
        ("getParcel", {"id": "a\0b"}, "'id' is a text, not signs that cannot be kept."), ("moveParcel", {"id": "1"}, "'day' is missing."),
        ("moveParcel", {"id": "1", "day": "x", "ring": "yes"}, "'ring' is yes or no, not 'yes'."),
        ("moveParcel", {"ring": 1, "floor": "x"}, "'id' is missing; 'day' is missing; 'floor' is a whole number, not 'x'; "
         "'ring' is yes or no, not '1'."),
        ("moveParcel", {"id": "1", "day": "x", "made": "y"}, "there is no 'made'."),
    ],
)  # fmt: skip
def test_what_is_missing_unknown_or_of_another_kind_is_told_before_anything_leaves(name: str, values: dict[str, Any], why: str) -> None:
    told = not_sent(name, values)
    assert told.startswith(f"Not called: '{name}' of delivery does not take what was filled in: ") and why in told


@pytest.mark.parametrize("value", ["..", ".", "", "a/b", "../admin", "a\\b", "a\nb", "...."])
def test_a_value_in_the_address_leads_nowhere_else(value: str) -> None:
    assert not_sent("getParcel", {"id": value}).startswith("Not called: 'id'")


@pytest.mark.parametrize("value", ["?admin=1", "#x", "@evil.example", "%2e%2e", ";a", "http://evil.example".replace("/", "|"), "ä"])
def test_signs_of_an_address_in_a_value_are_a_value(value: str) -> None:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(sent("getParcel", {"id": value})["address"])
    assert (parts.hostname, parts.query, parts.fragment) == ("api.quickvan.example", "", "")
    assert unquote(parts.path) == f"/v2/parcels/{value}"


def test_a_header_holds_one_line() -> None:
    assert "'X-Shop' stands in a header" in not_sent("getParcel", {"id": "1", "X-Shop": "a\r\nHost: evil"})


def test_what_is_too_long_does_not_leave() -> None:
    assert "2,000 at most" in not_sent("getParcel", {"id": "x" * 3_000})
    assert "100,000 are sent at most" in not_sent("moveParcel", {"id": "1", "day": "x" * 100_001})


def test_a_body_that_need_not_be_sent_is_whole_if_it_is() -> None:
    made = deepcopy(DOCUMENT)
    made["paths"]["/parcels/{id}"]["put"]["requestBody"]["required"] = False
    content = json.dumps(made).encode()
    free = {"/note": {"post": {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}, "responses": FINE}}}
    assert sent("moveParcel", {"id": "1", "day": "x"}, content)["body"] == {"id": "1", "day": "x"}
    with pytest.raises(Refused, match="'day' is missing"):
        sent("moveParcel", {"id": "1"}, content)  # it stands in the body too, so one would be sent
    assert sent("post_note", {}, document(paths=free))["body"] is None
    assert sent("post_note", {"body": {"a": [1, None, "x"]}}, document(paths=free))["body"] == {"a": [1, None, "x"]}


def test_an_operation_that_there_is_not_is_told_with_one_that_is_near() -> None:
    with pytest.raises(Refused, match=r"delivery offers no 'getParcl'\. Is 'getParcel' meant\?"):
        asking.operation(service(), "getParcl")


# What a recipe is told before it runs


def faults(*acts: Act, services: dict[str, Connection] | None = None) -> list[str]:
    known = {"delivery": through(200, {})} if services is None else services
    told = {
        name: replace(DECLARATIONS[name], faults=partial(asking.faults, known, changes=name == "call service")) for name in connecting.STEPS
    }
    made = Recipe("move", "Move", acts=acts, limits=Limits(runs_per_day=9), alone=Alone())
    return checking.faults(made, {**DECLARATIONS, **told})


def asks(step: str = "ask service", operation: str = "getParcel", service: str = "delivery", **parameters: Any) -> Act:
    return Act(step, "one", {"service": service, "operation": operation, "parameters": parameters})


def test_a_recipe_that_asks_for_what_there_is_passes() -> None:
    assert faults(asks(id="{{message.text}}", days=3)) == []
    assert faults(asks("call service", "moveParcel", id="1", day="{{message.text}}")) == []


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (asks(service="delivry", id="1"), "no service 'delivry' is connected. Is 'delivery' meant?"),
        (asks(operation="getParcl", id="1"), "delivery offers no 'getParcl'. Is 'getParcel' meant?"),
        (asks(operation="moveParcel", id="1", day="x"), "'moveParcel' changes something over there: take the other step for it."),
        (asks("call service", id="1"), "'getParcel' only asks for something: take the other step for it."),
        (asks(), "the parameters: 'id' is missing."),
        (asks(id="1", days="three"), "the parameters: 'days' is a whole number, not 'three'."),
        (asks(id="1", idd="{{message.text}}"), "the parameters: there is no 'idd'. It takes id, with, days, X-Shop."),
    ],
)  # fmt: skip
def test_a_recipe_that_asks_for_what_there_is_not_is_told_so_before_it_runs(act: Act, why: str) -> None:
    assert faults(act) == [f"Step 1, 'One': {why}"]


def test_without_a_service_a_recipe_that_needs_one_is_told_so() -> None:
    assert faults(asks(id="1"), services={}) == [
        "Step 1, 'One': no service is connected. An engineer or an admin proposes one on Installation."
    ]


def test_what_is_connected_is_known_to_whoever_checks_a_recipe(staff: Staff) -> None:
    made = Recipe("ask", "Ask", acts=(asks(id="1"),), alone=Alone())
    assert "no service is connected" in checking.faults(made, connecting.offered(DECLARATIONS))[0]
    in_force(propose(staff), staff)
    assert checking.faults(made, connecting.offered(DECLARATIONS)) == []


# What a value must be


def test_of_an_answer_only_what_is_described_is_kept() -> None:
    odd: list[str] = []
    shape = shape_of({"$ref": "#/components/schemas/Parcel"}, Parcel=PARCEL, Stop=STOP)
    said = {"id": "1", "state": "delivered", "weight": None, "stops": [{"town": "Marlow", "guard": "Jo"}], "iban": "DE1", "pin": "1"}
    assert shapes.came(said, shape, "", odd) == {"id": "1", "state": "delivered", "stops": [{"town": "Marlow"}]} and odd == []
    shapes.came({"id": 7, "state": "eaten", "stops": [{}]}, shape, "", odd)
    assert odd == ["'id' is a text, not '7'", "'state' is one of on its way, delivered, not 'eaten'", "'stops.0.town' is missing"]


def test_a_value_without_a_description_is_looked_at_all_the_same() -> None:
    odd: list[str] = []
    free = Shape("table")
    assert shapes.sent({"a": [Decimal("1.5"), {"b": None}], "c": date(2026, 1, 2)}, free, "", odd) == {
        "a": [1.5, {"b": None}],
        "c": "2026-01-02",
    }
    assert odd == []
    deep: Any = "x"
    for _ in range(40):
        deep = [deep]
    for value in ({"a": deep}, {"a": object()}, {"a": float("nan")}, {"a": "\0"}):
        wrong: list[str] = []
        shapes.sent(value, free, "", wrong)
        assert len(wrong) == 1, value
    assert Named("a", Shape()).shape == shapes.ANY


# How one is connected


def propose(staff: Staff, **changed: Any) -> Proposal:
    told: dict[str, Any] = {
        "name": "delivery", "url": "https://api.quickvan.example/v2", "content": document(), "header": "X-Api-Key", "secret": SECRET,
        "why": "To move parcels.", "by": staff.engineer,
    } | changed  # fmt: skip
    return connecting.propose(told.pop("name"), told.pop("url"), told.pop("content"), told.pop("header"), told.pop("secret"), **told)


def in_force(proposal: Proposal, staff: Staff) -> None:
    approvals.approve(proposal.id, by=staff.admin)
    kept_settings.carry_out(proposal.id, "change_connection")


def test_a_service_that_two_people_wanted_is_there_for_recipes(staff: Staff) -> None:
    proposal = propose(staff)
    assert connecting.in_force() == {}
    with pytest.raises(Denied):
        approvals.approve(proposal.id, by=staff.lead)
    in_force(proposal, staff)
    (found,) = connecting.in_force().values()
    assert (found.service.name, found.service.url, found.service.host) == (
        "delivery",
        "https://api.quickvan.example/v2",
        "api.quickvan.example",
    )
    assert found.credential == {"X-Api-Key": SECRET} and found.service.operations == service().operations
    assert SECRET not in repr(found) + str(found)


def test_who_approves_reads_the_host_and_what_would_change(staff: Staff) -> None:
    proposal = propose(staff)
    assert proposal.title == "let recipes call delivery at api.quickvan.example"
    assert proposal.evidence["sentence"] == (
        "Recipes could ask api.quickvan.example with a credential for what 2 operations offer; 1 of them change something there: "
        "moveParcel. Those leave by the door, as each recipe allows."
    )


def test_a_credential_without_a_header_is_a_bearers(staff: Staff) -> None:
    in_force(propose(staff, header="", url=""), staff)  # the document's own address
    found = connecting.in_force()["delivery"]
    assert found.credential == {"Authorization": f"Bearer {SECRET}"} and found.service.url == "https://api.quickvan.example/v2"
    in_force(propose(staff, header="", secret="", name="open"), staff)
    assert connecting.in_force()["open"].credential == {}


def test_what_it_is_known_by_is_nothing_that_a_recipe_fills_in(staff: Staff) -> None:
    in_force(propose(staff, header="x-shop"), staff)
    found = connecting.in_force()["delivery"].service
    assert "X-Shop" not in {one.name for one in asking.operation(found, "getParcel").parameters}


NOT_A_SERVICE: dict[str, dict[str, Any]] = {
    "no name": {"name": ""}, "a name in capitals": {"name": "Delivery"}, "a name with a dot": {"name": "a.b"},
    "a long name": {"name": "a" * 41},
    "no https": {"url": "http://api.quickvan.example"}, "another scheme": {"url": "ftp://api.quickvan.example"},
    "a name before the host": {"url": "https://api.quickvan.example@evil.example"}, "a question": {"url": "https://evil.example?a=b"},
    "a fragment": {"url": "https://evil.example#x"}, "a walk up": {"url": "https://api.quickvan.example/../x"},
    "letters that look alike": {"url": "https://аpi.quickvan.example"}, "a line's end": {"url": "https://a.example\r\nX: y"},
    "a port that is none": {"url": "https://a.example:99999"}, "no host": {"url": "https:///x"},
    "no address anywhere": {"url": "", "content": document(servers=[])}, "a header alone": {"secret": ""},
    "a short secret": {"secret": "abc"}, "a secret with a line's end": {"secret": f"{SECRET}\r\nX-Other: 1"},
    "a secret of other letters": {"secret": "ключ-ключ-ключ"}, "a header of ours": {"header": "Idempotency-Key"},
    "the host as a header": {"header": "Host"}, "two headers": {"header": "A: b\r\nC"}, "no document": {"content": b""},
}  # fmt: skip


def test_what_is_no_service_is_refused_in_words_and_without_the_secret(staff: Staff) -> None:
    for what, wrong in NOT_A_SERVICE.items():
        with pytest.raises(Refused, match=r"^Not (proposed|read): ") as refused:
            propose(staff, **wrong)
        assert SECRET not in str(refused.value) and len(str(refused.value)) < 300, what
    assert approvals.waiting(by=staff.admin) == []


def test_only_engineers_and_admins_propose_a_service(staff: Staff) -> None:
    for by in (staff.rep, staff.lead):
        with pytest.raises(Denied):
            propose(staff, by=by)
    assert propose(staff, by=staff.admin).state == "open"  # the control


def test_what_was_carried_over_does_not_open(staff: Staff) -> None:
    """Past the form: an insider who puts the sealed value under another address, another name, or one of their own."""
    in_force(propose(staff), staff)
    kept = connections.services()["delivery"]
    tricks = {
        "other": kept.model_copy(update={"name": "other"}), "moved": kept.model_copy(update={"name": "moved", "url": "https://evil.example"}),
        "own": kept.model_copy(update={"name": "own", "sealed_service": sealing.seal("{}", "setting")}),
    }  # fmt: skip
    for name, value in tricks.items():
        in_force(kept_settings.propose_connection(f"service_{name}", value.model_dump(), "x", "x", "x", staff.engineer), staff)
        with pytest.raises(Refused, match="the key that is kept is not of this address"):
            connections.services()[name].opened()
    in_force(kept_settings.propose_connection("service_twin", kept.model_dump(), "x", "x", "x", staff.engineer), staff)
    assert set(connecting.in_force()) == {"delivery"}
    assert kept.opened().secret == SECRET  # the control


# What comes back


PLAIN = {  # operations that take nothing
    "/towns": {"get": {"operationId": "listTowns", "responses": FINE}},
    "/round": {"post": {"operationId": "startRound", "responses": {"204": {"description": ""}}}},
}


def through(status: int, body: Any, header: str = "X-Api-Key", secret: str = SECRET, content: bytes | None = None) -> Connection:
    def send(wanted: Any, allowed: Any, **more: Any) -> calling.Called:
        return calling.Called(wanted, "done", "", status, body)

    return Connection(service(content), header, secret, carry=send)


def ask(connection: Connection, name: str = "getParcel", **values: Any) -> calling.Called:
    one = asking.operation(connection.service, name)
    return asking.asked(connection, asking.what(connection.service, one, {"id": "1"} | values))


def test_a_credential_that_is_repeated_is_taken_out_in_any_letters() -> None:
    said = {"id": f"you sent {SECRET.upper()}", "state": "delivered"}
    assert ask(through(200, said)).body == {"id": "you sent (sealed)", "state": "delivered"}
    bearer = through(200, {"id": SECRET, "state": "delivered"}, "Authorization", f"Bearer {SECRET}")
    assert ask(bearer).body["id"] == "(sealed)"
    with pytest.raises(Refused) as raised:
        ask(through(200, {"id": "1", "state": SECRET}))
    assert SECRET not in str(raised.value) and "'state' is one of on its way, delivered, not '(sealed)'" in str(raised.value)


def test_a_password_that_is_unpacked_and_repeated_is_taken_out() -> None:
    packed = b64encode(b"shop:a password nobody guesses").decode()
    one = replace(through(200, {}), header="Authorization", secret=f"Basic {packed}")
    said = f"shop:a password nobody guesses, {packed}, A password nobody guesses"
    assert one.without_secret(said) == "(sealed), (sealed), (sealed)"
    assert replace(one, secret="Basic nothing-packed").without_secret("nothing-packed") == "(sealed)"


def test_an_answer_is_kept_up_to_a_size() -> None:
    with pytest.raises(Refused, match=r"its answer has 100,0\d\d characters, and 100,000 are kept at most"):
        ask(through(200, {"id": "x" * 100_000, "state": "delivered"}))
    assert ask(through(200, {"id": "x" * 99_000, "state": "delivered"})).status == 200


def test_a_credential_that_is_cut_in_a_sentence_is_taken_out_as_well() -> None:
    long = "abcdefgh" + "0123456789" * 6
    one = replace(through(200, {}), secret=f"Token {long}")
    assert one.sentence(f"it answered with text/{long[:50].upper()}, not with data") == "it answered with text/(sealed), not with data"
    assert one.sentence("abcdefg") == "abcdefg"  # the control: too little to be told from a word


def test_what_was_asked_of_a_service_that_has_moved_since_is_not_sent() -> None:
    before = through(200, {})
    what = asking.what(before.service, asking.operation(before.service, "getParcel"), {"id": "1"})
    moved = replace(before, service=replace(before.service, url="https://api.quickvan.example/v3"))
    with pytest.raises(Refused, match="is connected otherwise since this was asked for"):
        asking.asked(moved, what)
    assert Parameter("a", "path", shapes.ANY, True).required
