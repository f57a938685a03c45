"""For tests: stands between a client and the shop and spoils what passes, as networks and machines do. The shop itself has no such switch.

with faults.before(address) as line:
    line.next(faults.dies_after)      # the refund is in the ledger, its answer never comes
    Shop(line.url, token).refund(...)
"""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PATIENCE = 20.0  # seconds for whatever the other side does


@dataclass
class Exchange:
    """One request on its way."""

    client: socket.socket
    request: bytes
    upstream: tuple[str, int]
    over: threading.Event

    def forwarded(self) -> bytes:
        """What the shop answers; from here on it has acted."""
        head, _, body = self.request.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        with socket.create_connection(self.upstream, PATIENCE) as shop:
            shop.sendall(b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + body)
            return b"".join(iter(lambda: shop.recv(65_536), b""))

    def send(self, answer: bytes) -> None:
        self.client.sendall(answer)

    def reset(self) -> None:
        """The connection ends as when a machine goes down, not as when a program is done."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.close()


Fault = Callable[[Exchange], None]


def passes(one: Exchange) -> None:
    one.send(one.forwarded())


def dies_before(one: Exchange) -> None:
    """The shop never heard of it, and whoever asked cannot know."""
    one.reset()


def dies_after(one: Exchange) -> None:
    """The classic unknown outcome: it is done, and the answer is lost."""
    one.forwarded()
    one.reset()


def cuts(one: Exchange) -> None:
    """Half of the answer."""
    answer = one.forwarded()
    one.send(answer[: len(answer) - len(answer.partition(b"\r\n\r\n")[2]) // 2 - 1])


def slow(seconds: float, *, acts: bool = True) -> Fault:
    """The answer comes too late for who does not wait that long; `acts` says whether the shop heard of it at once."""

    def fault(one: Exchange) -> None:
        answer = one.forwarded() if acts else None
        one.over.wait(seconds)
        one.send(one.forwarded() if answer is None else answer)

    return fault


def drips(one: Exchange) -> None:
    """A sign now and then, so that no single wait is ever long."""
    for place in range(1, 10_000):
        one.send(b"HTTP/1.1 200 OK\r\n"[place - 1 : place] if place <= 17 else b"X-Long: 1\r\n")
        if one.over.wait(0.05):
            return


def says(
    status: int, body: bytes, media_type: str = "application/json", *, acts: bool = False, **headers: str
) -> Fault:  # fmt: skip
    """This answer in place of the shop's; `acts` has the shop do it all the same."""

    def fault(one: Exchange) -> None:
        if acts:
            one.forwarded()
        told = {"Content-Type": media_type, "Content-Length": str(len(body)), "Connection": "close"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in told.items())]
        one.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return fault


def changes(old: bytes, new: bytes) -> Fault:
    """The shop's answer with a piece of it replaced by one of another shape."""

    def fault(one: Exchange) -> None:
        head, _, body = one.forwarded().partition(b"\r\n\r\n")
        assert old in body, f"there is no {old!r} in {body!r}"  # noqa: S101  a test that spoils nothing shows nothing
        status, _, _ = head.partition(b"\r\n")
        spoilt = body.replace(old, new)
        one.send(status + f"\r\nContent-Type: application/json\r\nContent-Length: {len(spoilt)}\r\n\r\n".encode() + spoilt)

    return fault


html = says(200, b"<!doctype html><title>Sign in</title>", "text/html; charset=utf-8")
error = says(500, b'{"error": "at line 3"}')
busy = says(429, b"slow down", "text/plain", Retry_After="7")


@dataclass
class Line:
    """A connection that can be spoilt: each fault is for one request, and then it passes again."""

    url: str
    waiting: list[Fault] = field(default_factory=list)
    seen: list[bytes] = field(default_factory=list)  # what was asked

    def next(self, *faults: Fault) -> None:
        self.waiting.extend(faults)


@contextmanager
def before(address: str) -> Iterator[Line]:
    """A line to the shop at this address, as long as the block lasts."""
    parts = urlsplit(address)
    upstream = (str(parts.hostname), int(parts.port or 80))
    listener = socket.create_server(("127.0.0.1", 0))
    line, over = Line(f"http://127.0.0.1:{listener.getsockname()[1]}"), threading.Event()
    threading.Thread(target=_take, args=(listener, line, upstream, over), daemon=True).start()
    try:
        yield line
    finally:
        over.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _take(listener: socket.socket, line: Line, upstream: tuple[str, int], over: threading.Event) -> None:
    while not over.is_set():
        try:
            client, _ = listener.accept()
        except OSError:
            return
        client.settimeout(PATIENCE)
        threading.Thread(target=_serve, args=(client, line, upstream, over), daemon=True).start()


def _serve(client: socket.socket, line: Line, upstream: tuple[str, int], over: threading.Event) -> None:
    with suppress(OSError), client:
        request = _whole(client)
        line.seen.append(request)
        fault = line.waiting.pop(0) if line.waiting else passes
        fault(Exchange(client, request, upstream, over))


def _whole(client: socket.socket) -> bytes:
    """The head and as much body as it announces."""
    request, until = b"", time.monotonic() + PATIENCE
    while time.monotonic() < until:
        head, ended, body = request.partition(b"\r\n\r\n")
        lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        if ended and len(body) >= (int(lengths[0]) if lengths else 0):
            return request
        if not (part := client.recv(65_536)):
            return request
        request += part
    return request
