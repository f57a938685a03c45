"""One HTTP request to an endpoint: a deadline that holds against any server, an answer of bounded size, and our own headers alone."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeVar

import httpx2

LARGEST = 2_000_000  # bytes of an answer
HEADERS = {"host", "content-type", "content-length", "accept", "connection"}  # what the client may say of its own
T = TypeVar("T")


class TooLarge(Exception):
    """The answer has no end that we would wait for."""


class Expired(Exception):
    """The time was over first."""


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Whom TLS trusts: reading that takes longer than all the rest of a request."""
    return httpx2.create_ssl_context()


class Wire(httpx2.BaseTransport):
    """What requests go out through. It knows its sockets, so that it can hang up in the middle of anything."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._http = httpx2.HTTPTransport(verify=_trusted())
        self._sockets: list[socket.socket] = []
        self._cut = False
        self._lock = threading.Lock()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        # the client would add what stands in the environment (other keys, an organisation) and what machine this is
        headers = [(name, value) for name, value in request.headers.items() if name.lower() in HEADERS]
        headers += [("User-Agent", "portal"), ("Accept-Encoding", "identity")]  # nothing to unpack, so nothing that grows
        if self._key:
            headers.append(("Authorization", f"Bearer {self._key}"))
        extensions = {**request.extensions, "trace": self._trace}
        ours = httpx2.Request(request.method, request.url, headers=headers, stream=request.stream, extensions=extensions)
        answer = self._http.handle_request(ours)
        if answer.headers.get("content-encoding", "identity") != "identity":
            answer.close()
            raise TooLarge("it is packed, though that was not asked for")
        return httpx2.Response(
            answer.status_code, headers=answer.headers, stream=_Counted(answer.stream), extensions=answer.extensions
        )  # fmt: skip

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            found = info["return_value"].get_extra_info("socket")
            with self._lock:
                # a second handle on the same connection: shutting it down wakes whoever reads, also through TLS
                self._sockets.append(socket.socket(fileno=os.dup(found.fileno())))
                cut = self._cut
            if cut:
                self.hang_up()

    def hang_up(self) -> None:
        with self._lock:
            self._cut = True
            for connection in self._sockets:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # it had ended by itself

    def close(self) -> None:
        with self._lock:
            for connection in self._sockets:
                connection.close()
            self._sockets.clear()
        self._http.close()


class _Counted(httpx2.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._stream:
            size += len(part)
            if size > LARGEST:
                raise TooLarge(f"it is longer than {LARGEST // 1_000_000} MB")
            yield part

    def close(self) -> None:
        self._stream.close()


def within(seconds: float, wire: Wire, act: Callable[[], T]) -> T:
    """What the act returns or raises; Expired once the time is over, however the server drips. The act runs in a thread of its own:
    looking up a name cannot be interrupted, so it is left to end by itself."""
    came: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            came.append(act())
        except BaseException as error:
            raised.append(error)
        finally:
            wire.close()

    thread = threading.Thread(target=run, name="model call", daemon=True)
    thread.start()
    thread.join(max(0.0, seconds))
    if thread.is_alive():
        wire.hang_up()
        raise Expired
    if raised:
        raise raised[0]
    return came[0]
