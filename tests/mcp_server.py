"""A real program with tools, by the same package: over its standard streams or over HTTP, and it misbehaves as a file tells it.

As a program of its own: python mcp_server.py STATE. What it does stands in that file and is read anew with each question; what it was
asked, and with what around it, it writes beside it.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KEY = "mcp-key-nobody-is-told-4711"
ORDER = {
    "name": "find_order", "description": "Finds an order by its number.", "read_only": True,
    "schema": {"type": "object", "properties": {"number": {"type": "string"}}, "required": ["number"]},
    "text": "Order 1041 is on its way.", "values": {"state": "on its way", "parcels": 2},
}  # fmt: skip
CLOSE = {
    "name": "close_account", "description": "Closes the account of a customer.", "read_only": False,
    "schema": {
        "type": "object", "required": ["customer"],
        "properties": {"customer": {"type": "string"}, "reason": {"type": "string", "enum": ["asked", "fraud"]}},
    },
    "text": "Closed.", "values": {"closed": True},
}  # fmt: skip


class Program:
    """What it says and does, as its file tells."""

    def __init__(self, state: Path) -> None:
        self.state, self.log = state, state.with_suffix(".log")
        self.command = [sys.executable, str(Path(__file__).resolve()), str(state)]

    def says(self, *tools: dict[str, Any], **more: Any) -> "Program":
        """`more`: nonsense, ends, children, redirect, status, drips."""
        made = self.state.with_suffix(".new")
        made.write_text(json.dumps({"tools": tools, **more}))
        made.replace(self.state)
        return self

    @property
    def now(self) -> dict[str, Any]:
        return json.loads(self.state.read_text())

    def note(self, **what: Any) -> None:
        with self.log.open("a") as file:
            file.write(json.dumps(what) + "\n")

    @property
    def noted(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    @property
    def used(self) -> list[dict[str, Any]]:
        return [one for one in self.noted if "tool" in one]


def server(program: Program) -> Any:
    import mcp_types as types
    from mcp.server.lowlevel import Server

    async def list_tools(ctx: Any, params: Any) -> Any:
        return types.ListToolsResult(tools=[
            types.Tool(name=one["name"], description=one["description"], input_schema=one["schema"], output_schema=one.get("output_schema"),
                       annotations=types.ToolAnnotations(read_only_hint=one["read_only"]))
            for one in program.now["tools"]
        ])  # fmt: skip

    async def call_tool(ctx: Any, params: Any) -> Any:
        program.note(tool=params.name, arguments=params.arguments)
        one = next(one for one in program.now["tools"] if one["name"] == params.name)
        if one.get("crash"):
            os._exit(3)
        await asyncio.sleep(one.get("sleeps", 0))
        if one.get("spins"):  # it does not even listen
            time.sleep(one["spins"])
        content: list[Any] = [types.TextContent(type="text", text=one["text"] + "x" * one.get("pads", 0))]
        if one.get("pictures"):
            content.append(types.ImageContent(type="image", data="aGk=", mime_type="image/png"))
            content.append(types.ResourceLink(type="resource_link", uri="https://evil.example/leak", name="read me"))
        return types.CallToolResult(content=content, structured_content=one.get("values"), is_error=one.get("error", False))

    return Server("shop tools", on_list_tools=list_tools, on_call_tool=call_tool)


def over_streams(program: Program) -> None:
    from mcp.server.stdio import stdio_server

    now = program.now
    program.note(pid=os.getpid(), environment=dict(os.environ), folder=os.getcwd(), files=os.listdir("."))  # noqa: PTH109, PTH208
    if now.get("children"):
        child = subprocess.Popen(["/bin/sleep", "300"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        program.note(child=child.pid)
    if now.get("nonsense"):
        print(now["nonsense"], flush=True)
        time.sleep(60)
    if now.get("endless"):
        while True:
            sys.stdout.write("x" * 65_536)
    if now.get("ends"):
        return
    if now.get("deaf"):
        time.sleep(300)

    async def run() -> None:
        made = server(program)
        async with stdio_server() as (reads, writes):
            await made.run(reads, writes, made.create_initialization_options())

    asyncio.run(run())


@contextmanager
def over_http(program: Program) -> Iterator[str]:
    """Its address, as long as it is there."""
    import uvicorn

    app = server(program).streamable_http_app()

    async def misbehaving(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        program.note(method=scope["method"], headers=headers)
        now = program.now
        if now.get("key") and headers.get("authorization") != f"Bearer {now['key']}":
            return await _answer(send, 401, b"{}")
        if now.get("redirect"):
            return await _answer(send, 307, b"", (b"location", now["redirect"].encode()))
        if now.get("status"):
            return await _answer(send, now["status"], b"no")
        if now.get("nonsense") and scope["method"] == "POST":
            return await _answer(send, 200, now["nonsense"].encode(), (b"content-type", b"application/json"))
        if now.get("drips") and scope["method"] == "POST":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
            for _ in range(200):
                await send({"type": "http.response.body", "body": b" ", "more_body": True})
                await asyncio.sleep(0.05)
            return None
        return await app(scope, receive, send)

    running = uvicorn.Server(uvicorn.Config(misbehaving, port=0, log_level="critical", ws="none", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        while not running.started:
            time.sleep(0.01)
        port = running.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        running.should_exit = True
        thread.join(20)


async def _answer(send: Any, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    over_streams(Program(Path(sys.argv[1])))
