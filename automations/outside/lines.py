"""The two lines to programs with tools, as the official client takes them: a process with nothing of ours, and one address looked up once.

The client's own would pass on our folders and names, read a line of any length, wait for seconds when it should end, follow where an answer
points and look a name up as often as it connects.
"""

import os
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import httpx2

from automations.connectors.asking import STATUS, named
from automations.steps import calling
from automations.steps.calling import Address, Place

if TYPE_CHECKING:
    from automations.outside.reaching import Way

LARGEST = 2_000_000  # bytes of all that comes in one conversation
GRACE = 0.5  # seconds in which a process may end by itself
FEW = 0.02
OURS = ("accept", "content-type", "content-length", "last-event-id")  # what the client may say of itself, beside the protocol's own
PLAIN = {"PATH": "/usr/local/bin:/usr/bin:/bin"}  # where commands are found; a process may be given another
Streams = tuple[Any, Any]  # what comes, what leaves


class Ended(Exception):
    """Why nothing more comes, in words."""


class Line(Protocol):
    why: str  # it ended, where the client could only say that it did

    def prepare(self) -> None:
        """What is done before there is a loop."""
        ...

    def open(self) -> AbstractAsyncContextManager[Streams]: ...

    def cut(self) -> None:
        """At once, from any thread."""
        ...


def line_of(way: "Way", folder: Path) -> Line:
    return Process(way.command, way.environment, folder) if way.command else Web(way)


# -- a process ----------------------------------------------------------------------------------------------------------------------------


class Process:
    """A program that is started in an empty folder, with nothing of our environment, and ended afterwards with all that it started."""

    def __init__(self, command: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> None:
        self.command, self.folder, self.why = command, folder, ""
        self.environment = {**PLAIN, "HOME": str(folder), **environment}
        self._pid = 0

    def prepare(self) -> None:
        """Nothing."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Streams]:
        try:
            server = await anyio.open_process(
                list(self.command), env=self.environment, cwd=self.folder, stderr=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            raise Ended(f"'{self.command[0]}' cannot be started ({error.strerror})") from None
        self._pid = server.pid
        came, comes = anyio.create_memory_object_stream[Any](0)
        leaves, left = anyio.create_memory_object_stream[Any](0)
        try:
            async with came, comes, leaves, left, anyio.create_task_group() as tasks:
                tasks.start_soon(self._read, server, came)
                tasks.start_soon(_write, server, left)
                try:
                    yield comes, leaves
                finally:
                    tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._end(server)

    async def _read(self, server: Any, came: Any) -> None:
        from mcp.shared.message import SessionMessage
        from mcp_types import jsonrpc_message_adapter

        waiting, size = b"", 0
        async for part in server.stdout:
            size += len(part)
            if size > LARGEST:
                raise Ended(self._because(f"its answer cannot be taken: it is longer than {LARGEST // 1_000_000} MB"))
            *whole, waiting = (waiting + part).split(b"\n") if b"\n" in part else [waiting + part]
            for one in filter(bytes.strip, whole):
                try:
                    message = jsonrpc_message_adapter.validate_json(one, by_name=False)
                except ValueError:
                    raise Ended(self._because("what it writes is none of the protocol's messages")) from None
                await came.send(SessionMessage(message))
        raise Ended(self._because("it ended before its answer was whole"))

    def _because(self, why: str) -> str:
        self.why = why
        return why

    async def _end(self, server: Any) -> None:
        """It may end by itself; then whatever is left of it is ended."""
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            await server.stdin.aclose()
        with anyio.move_on_after(GRACE):
            while server.returncode is None:
                await anyio.sleep(FEW)
        self.cut()
        with anyio.move_on_after(1):
            await server.aclose()

    def cut(self) -> None:
        """It leads a session of its own: its children end with it."""
        if self._pid and hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)


async def _write(server: Any, left: Any) -> None:
    with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):  # it ended: whoever reads says so
        async for one in left:
            told = one.message.model_dump_json(by_alias=True, exclude_unset=True)
            await server.stdin.send(f"{told}\n".encode())


# -- an address ---------------------------------------------------------------------------------------------------------------------------


class Web:
    """One address, looked up once; what we are known by joins each request when it leaves."""

    def __init__(self, way: "Way") -> None:
        self.way, self.why = way, ""
        self._at: Address | None = None

    def prepare(self) -> None:
        self._at = calling.where(self._place(), self.way.resolve)

    def _place(self) -> Place:
        return calling.place(self.way.url, [named(self.way.url)])

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Streams]:
        from mcp.client.streamable_http import streamable_http_client

        assert self._at is not None  # noqa: S101  prepared before
        limits = httpx2.Timeout(self.way.seconds, connect=min(calling.CONNECT, self.way.seconds))
        async with (
            httpx2.AsyncClient(transport=_Pinned(self, self._place(), self._at), timeout=limits, trust_env=False) as client,
            streamable_http_client(self.way.url, http_client=client, max_sse_event_size=LARGEST) as streams,
        ):
            yield streams

    def cut(self) -> None:
        """Its thread is nobody's any more; its connection ends with its own time limit."""


class _Pinned(httpx2.AsyncBaseTransport):
    """To the number that was looked up, in the name of the host; nothing is followed elsewhere, and no more is taken than we would read."""

    def __init__(self, web: Web, to: Place, at: Address) -> None:
        self._web, self._to, self._size = web, to, 0
        self._number = f"[{at}]" if at.version == 6 else str(at)
        self._http = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        to = self._to
        if (request.url.scheme, request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80)) != (
            to.scheme, to.host, to.port,
        ):  # fmt: skip
            raise self._ended("it points elsewhere, and that is not followed")
        headers = [(name, value) for name, value in request.headers.items() if name.lower() in OURS or name.lower().startswith("mcp-")]
        default = 443 if to.scheme == "https" else 80
        headers += [
            ("Host", to.host if to.port == default else f"{to.host}:{to.port}"), ("User-Agent", "portal"), ("Accept-Encoding", "identity"),
            *([(self._web.way.header, self._web.way.secret)] if self._web.way.header else []),
        ]  # fmt: skip
        ours = httpx2.Request(
            request.method, f"{to.scheme}://{self._number}:{to.port}{request.url.raw_path.decode('ascii')}", headers=headers,
            stream=request.stream, extensions={**request.extensions, "sni_hostname": to.host},
        )  # fmt: skip
        return await self._taken(request, await self._sent(ours))

    async def _sent(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return await self._http.handle_async_request(request)
        except httpx2.ConnectTimeout:
            raise self._ended(f"it did not pick up within {calling.CONNECT:g} seconds") from None
        except httpx2.ConnectError:
            raise self._ended("it is not reachable over a safe connection") from None

    async def _taken(self, request: httpx2.Request, answer: httpx2.Response) -> httpx2.Response:
        status, for_a_question = answer.status_code, request.method == "POST"
        why = ""
        if 300 <= status < 400:
            why = f"it points elsewhere ({status}), and that is not followed"
        elif for_a_question and (status in (401, 403, 429) or status >= 500):
            why = f"{STATUS.get(status) or 'it answered with an error of its own'} ({status})"
        elif answer.headers.get("content-encoding", "identity") != "identity":
            why = "its answer is packed, though that was not asked for"
        if why:
            await answer.aclose()
            raise self._ended(why)
        return httpx2.Response(status, headers=answer.headers, stream=_Counted(self, answer.stream), extensions=answer.extensions)

    def count(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > LARGEST:
            raise self._ended(f"its answer cannot be taken: it is longer than {LARGEST // 1_000_000} MB")

    def _ended(self, why: str) -> Ended:
        self._web.why = self._web.why or why
        return Ended(why)

    async def aclose(self) -> None:
        await self._http.aclose()


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, of: _Pinned, stream: Any) -> None:
        self._of, self._stream = of, stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            self._of.count(part)
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
