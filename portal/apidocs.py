"""The API's description as a page: made from the same OpenAPI document that programs read, with nothing from another host."""

from html import escape
from typing import Any

from data import signatures

INTRODUCTION = f"""<p>A program sends <code>Authorization: Bearer portal_…</code> with each request. An engineer proposes its token on the
Account page and an admin approves it; the token and its signing key are shown once.</p>
<p>What it <em>sends</em> it signs: <code>{signatures.HEADER}: t=SECONDS,v1=SIGNATURE</code>, where the signature is the HMAC-SHA256 of
<code>SECONDS.BODY</code> under the signing key, in hex. A signature holds for five minutes and is taken once; to send the same again, sign
it again a second later.</p>
<p>Answers are JSON. What was not done says why under <code>detail</code>: 401 not signed in or not signed, 403 not allowed, 415 not JSON,
422 not as it should be, 429 too many (with <code>Retry-After</code>), 503 busy, try again.</p>
<pre>body='[{{"id": "1001", "source": "shop", "channel": "chat", "messages": [{{"role": "customer", "text": "Where is my order?"}}]}}]'
t=$(date +%s)
v1=$(printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac "$SIGNING_KEY" -hex | sed 's/.* //')
curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -H "{signatures.HEADER}: t=$t,v1=$v1" \\
     -d "$body" https://portal.example.com/api/v1/conversations</pre>"""

NEEDED = "needed"


def page(described: dict[str, Any]) -> str:
    routes = "".join(
        _route(method, path, told, described) for path, methods in sorted(described["paths"].items()) for method, told in methods.items()
    )  # fmt: skip
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · Portal</title><link rel="stylesheet" href="/auth/style.css"><link rel="icon" href="/auth/mark.svg"></head>
<body class="api"><main><h1>API</h1>{INTRODUCTION}
<p>For programs: <a href="/api/v1/openapi.json">openapi.json</a></p>{routes}</main></body></html>"""


def _route(method: str, path: str, told: dict[str, Any], described: dict[str, Any]) -> str:
    rows = "".join(
        _row(one["name"], one.get("schema", {}), f"in the {one['in']}{', needed' if one.get('required') else ''}")
        for one in told.get("parameters", [])
    )  # fmt: skip
    body = _json(told.get("requestBody", {}))
    rows += _fields(body.get("items", body), described)
    answer = _fields(_json(told["responses"].get("200", {})), described).replace(NEEDED, "")  # it always has them all
    shown = f"<table><tbody>{rows}</tbody></table>" if rows else ""
    shown += f"<p>It answers with</p><table><tbody>{answer}</tbody></table>" if answer else ""
    return f"<h2><code>{method.upper()} /api{escape(path)}</code></h2><p>{escape(told.get('description') or told['summary'])}</p>{shown}"


def _json(told: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = told.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _fields(schema: dict[str, Any], described: dict[str, Any], within: str = "") -> str:
    """A row for each field, and below it one for each field of its parts: messages[].text."""
    schema = _object(schema, described)
    rows = ""
    for name, field in schema.get("properties", {}).items():
        told = _object(field, described)
        rows += _row(within + name, told, NEEDED if name in schema.get("required", []) else "")
        inner, mark = (told.get("items", {}), "[]") if told.get("type") == "array" else (told, "")
        rows += _fields(inner, described, f"{within}{name}{mark}.")
    return rows


def _object(schema: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    """What is behind a reference, and what is not nothing: a field that may be left out is its one other choice."""
    if "$ref" in schema:
        found: dict[str, Any] = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    some = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    return _object(some[0], described) if len(some) == 1 else schema


def _row(name: str, schema: dict[str, Any], needed: str) -> str:
    return f"<tr><td><code>{escape(name)}</code></td><td>{escape(_kind(schema))}</td><td>{needed}</td></tr>"


def _kind(schema: dict[str, Any]) -> str:
    """What may stand there, in a few words."""
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(str(value) for value in schema["enum"])
    if "$ref" in schema or "properties" in schema:
        return "object"
    kind = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "object": "object"}.get(
        schema.get("type", ""), "anything"
    )
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("format") == "date-time":
        return "time, such as 2026-03-01T14:05:00Z"
    most = schema.get("maximum", schema.get("maxLength"))
    return kind + (f", up to {most:,}" if isinstance(most, int) and most < 1_000_000 else "")
