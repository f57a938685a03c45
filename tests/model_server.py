"""A model endpoint over real HTTP, in a thread: it speaks chat completions and embeddings from a script, and misbehaves as told."""

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from language.call import Line

KEY = "sk-test-1234567890"
MODELS = {"triage": "small", "conversation": "large", "accuracy": "thinker"}


@dataclass(frozen=True)
class Asked:
    path: str
    headers: dict[str, str]
    raw: str

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass(repr=False)
class Model:
    """What it was asked, and what it answers: the script's answers in turn, the last one for ever."""

    url: str = ""
    script: list["Answer"] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    most_at_once: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __repr__(self) -> str:
        return f"<a model at {self.url}>"

    def says(self, *script: "Answer") -> None:
        self.script[:] = script
        self.asked.clear()

    def line(self, **more: Any) -> Line:
        return Line(**{"url": self.url, "key": KEY, "models": MODELS, "timeout": 20.0, "pause": 0.01, **more})

    def next(self) -> "Answer":
        with self._lock:
            return (self.script.pop(0) if len(self.script) > 1 else self.script[0]) if self.script else text("ok")

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1


class Handler(BaseHTTPRequestHandler):
    model: Model
    question: Asked  # the one that is being answered

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.question = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, raw.decode())
        self.model.asked.append(self.question)
        try:
            with self.model.counted():
                self.model.next()(self)
        except OSError:
            return  # the client hung up, as it should

    do_GET = do_POST

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


Answer = Callable[[Handler], None]


def completion(message: dict[str, Any], *, finish: str = "stop", usage: Any = None) -> dict[str, Any]:
    told = {"prompt_tokens": 10, "completion_tokens": 5} if usage is None else usage
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": told}


def raw(body: bytes, status: int = 200, **headers: str) -> Answer:
    return lambda handler: handler.send(status, body, **headers)


def body(value: Any, status: int = 200, **headers: str) -> Answer:
    return raw(json.dumps(value).encode(), status, **headers)


def text(said: Any, **more: Any) -> Answer:
    return body(completion({"content": said}, **more))


def tool(name: str, arguments: Any) -> Answer:
    told = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call = {"id": "t1", "type": "function", "function": {"name": name, "arguments": told}}
    return body(completion({"content": None, "tool_calls": [call]}, finish="tool_calls"))


def status(code: int, message: str = "no", error_code: str | None = None, **headers: str) -> Answer:
    return body({"error": {"message": message, "code": error_code, "type": "x", "param": None}}, code, **headers)


def redirect(url: str) -> Answer:
    return raw(b"", 307, Location=url)


def large(size: int) -> Answer:
    return text("x" * size)


def packed(size: int) -> Answer:
    """A small answer that grows when unpacked."""
    return raw(gzip.compress(json.dumps(completion({"content": "x" * size})).encode()), Content_Encoding="gzip")


def hang(handler: Handler) -> None:
    handler.model.over.wait(60)


def drip(handler: Handler) -> None:
    """A byte a second, for ever in time for the next one."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    _drip(handler, b"{" + b" " * 999)


def drip_head(handler: Handler) -> None:
    """The same before there is even a status."""
    _drip(handler, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000)


def _drip(handler: Handler, content: bytes) -> None:
    for byte in content:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        if handler.model.over.wait(0.2):
            return


def hang_up(handler: Handler) -> None:
    """In the middle of the answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')


def embeddings(handler: Handler) -> None:
    """A vector of each text's length and of its first letter, in no order."""
    texts = handler.model.asked[-1].body["input"]
    data = [{"object": "embedding", "index": place, "embedding": [len(said), ord(said[0]), 1.0]} for place, said in enumerate(texts)]
    handler.send(200, json.dumps({"object": "list", "data": data[::-1], "model": "e", "usage": {}}).encode())


def closed_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@cache
def usual_port() -> int:
    """Of this process: who connects a model there again finds a world in which it is connected (worlds.py)."""
    return closed_port()


def _listening(port: int, handler: type[Handler]) -> ThreadingHTTPServer:
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError:  # somebody has taken it meanwhile
        return ThreadingHTTPServer(("127.0.0.1", 0), handler)


@contextmanager
def running(*script: Answer, port: int = 0) -> Iterator[Model]:
    model = Model(script=list(script))
    server = _listening(port, type("Scripted", (Handler,), {"model": model}))
    server.daemon_threads = True
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield model
    finally:
        model.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
