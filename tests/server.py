"""A real portal for tests: a process of its own on a home of its own, spoken to over HTTP and websockets like any browser would."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from data import config
from tests.conftest import let_go, point_at

PASSWORD = "a sentence nobody guesses"
PATIENCE = 40.0  # seconds until a state that never comes is a failure
GREETING = re.compile(r"The portal is ready: (http://\S+)")
Found = TypeVar("Found")
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ [A-Z]+ ")


def eventually(look: Callable[[], Found | None], what: str, *, within: float = PATIENCE) -> Found:
    """The first answer that says yes; a failure that names what was waited for when none came."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {within:.0f} seconds: {what}")


def in_a_loop(ask: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
    """What a coroutine gives, from a thread of its own: in this one a browser's loop may already run."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(ask())).result()


def environment(home: Path | str, url: str = "", **settings: str) -> dict[str, str]:
    """This process's environment with only the given portal settings in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    return kept | {"PORTAL_HOME": str(home)} | ({"PORTAL_DATABASE_URL": url} if url else {}) | settings


def portal(*arguments: str, home: Path | str, url: str = "", given: str | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    """One command, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "portal", *arguments],
        cwd=config.ROOT, env=environment(home, url, **settings), capture_output=True, text=True, timeout=PATIENCE, check=False, input=given,
    )  # fmt: skip


def said(stderr: str) -> list[str]:
    """What a command told the person on stderr: the lines that are not log lines."""
    return [line for line in stderr.splitlines() if line.strip() and not LOG_LINE.match(line)]


@contextmanager
def inside(home: Path, url: str = "") -> Iterator[None]:
    """This process works on the server's home too, to arrange and to look at what the server does not show."""
    with pytest.MonkeyPatch.context() as patch:
        let_go()
        point_at(home, url, patch)
        try:
            yield
        finally:
            let_go()
    config.reset()


@dataclass
class Server:
    """A running portal."""

    home: Path
    url: str = ""
    command: str = "web"
    settings: dict[str, str] = field(default_factory=dict)
    base: str = ""
    process: subprocess.Popen[bytes] | None = None
    clients: list[httpx.Client] = field(default_factory=list)

    def start(self, port: int = 0) -> "Server":
        with (self.home / "server.log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portal", self.command, "--port", str(port)],
                cwd=config.ROOT, env=environment(self.home, self.url, **self.settings), stdout=log, stderr=log,
            )  # fmt: skip
        greeting = eventually(lambda: GREETING.search(self.log()) or self._over(), "the greeting")
        assert isinstance(greeting, re.Match), f"the portal ended with code {self.process.returncode}: {self.log()}"
        self.base = greeting.group(1)
        eventually(self._ready, "an answer from /api/v1/ready")
        return self

    def _over(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def _ready(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.base}/api/v1/ready", timeout=5).status_code == 200
        return False

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def port(self) -> int:
        return int(self.base.rsplit(":", 1)[1])

    @property
    def netloc(self) -> str:
        return self.base.removeprefix("http://")

    def log(self) -> str:
        return (self.home / "server.log").read_text(errors="replace")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def restart(self) -> None:
        self.stop()
        self.start(self.port)

    def workers(self) -> list[psutil.Process]:
        """The worker processes that it started and that run."""
        return [child for child in psutil.Process(self.pid).children() if is_running(child) and "worker" in child.cmdline()]

    def inside(self) -> Any:
        return inside(self.home, self.url)

    def browser(self, *, address: str = "127.0.0.1", cookie: str = "", **headers: str) -> httpx.Client:
        """A client that sends the Origin a browser would. Any 127.x.y.z is an address of its own to the portal."""
        client = httpx.Client(
            base_url=self.base,
            timeout=30,
            transport=httpx.HTTPTransport(local_address=address, verify=False),
            headers={"Origin": self.base, **headers},
        )
        self.clients.append(client)
        if cookie:
            client.cookies.set("portal_session", cookie, domain="127.0.0.1", path="/")
        return client

    def websocket(self, cookie: str = "", *, origin: str | None = "", **headers: str) -> ClientConnection:
        """A screen's websocket; an empty origin is the right one, None sends none."""
        sent = {"Cookie": f"portal_session={cookie}"} if cookie else {}
        return connect(
            f"ws://{self.netloc}/_stcore/stream",
            origin=self.base if origin == "" else origin,  # type: ignore[arg-type]
            subprotocols=["streamlit"],  # type: ignore[list-item]
            additional_headers=sent | headers, open_timeout=20, close_timeout=5, max_size=None, proxy=None,
        )  # fmt: skip

    def websocket_status(self, cookie: str = "", *, origin: str | None = "", **headers: str) -> int:
        """101 when it was accepted, else the status it was refused with."""
        try:
            with self.websocket(cookie, origin=origin, **headers):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code


@contextmanager
def serving(home: Path, url: str = "", command: str = "web", **settings: str) -> Iterator[Server]:
    """A portal that runs as long as the block does."""
    server = Server(home, url, command, settings)
    try:
        yield server.start()
    finally:
        for client in server.clients:
            client.close()
        if server.process is not None:
            server.stop()


def is_running(process: psutil.Process) -> bool:
    """A zombie has ended: in a container nobody may come to collect it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def hidden(page: str, name: str) -> str:
    """A hidden field of a page's first form."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name} in {page}"
    return found.group(1)


def sign_in(client: httpx.Client, email: str, password: str = PASSWORD, onward: str = "/") -> httpx.Response:
    page = client.get("/auth/signin").text
    return client.post("/auth/signin", data={"email": email, "password": password, "csrf": hidden(page, "csrf"), "next": onward})


def choose(client: httpx.Client, person_id: str, onward: str = "/", **headers: str) -> httpx.Response:
    """The demo's one click."""
    page = client.get("/auth/signin").text
    return client.post("/auth/demo", data={"person": person_id, "csrf": hidden(page, "csrf"), "next": onward}, headers=headers)


def cookie_of(client: httpx.Client) -> str:
    return client.cookies.get("portal_session") or ""
