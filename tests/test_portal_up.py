"""Starting and stopping: what is wrong is said in one sentence and nothing is changed; nothing is left running."""

import hashlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import psutil
import pytest

from data import config, people
from tests.conftest import SOAK, fresh_sqlite
from tests.server import PASSWORD, Server, environment, eventually, inside, is_running, portal, said, serving


@pytest.fixture(scope="module")
def homes(templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes homes that a portal was started on before, with somebody in them."""
    first = tmp_path_factory.mktemp("used")
    fresh_sqlite(templates, tmp_path_factory, first)
    with inside(first):
        people.add("Rita", "rita@example.com", "rep", by=people.console(), password=PASSWORD)
    (first / "up.lock").touch()
    return lambda name: Path(shutil.copytree(first, tmp_path_factory.mktemp(name), dirs_exist_ok=True))


def listing(home: Path) -> dict[str, str]:
    """Every file of a home with the hash of what is in it."""
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(home.rglob("*"))
    }


# What is wrong: each exits 2, says why in one sentence, and changes nothing


@dataclass
class Misuse:
    words: str
    arguments: tuple[str, ...] = ("up", "--port", "0")
    spoil: Callable[[Path], None] = lambda _home: None
    at: str = ""  # the home, when it is not the one that was prepared
    settings: dict[str, str] = field(default_factory=dict)

    def run(self, home: Path) -> tuple[subprocess.CompletedProcess[str], bool]:
        """What became of it, and whether the home is as it was before."""
        before = listing(home)
        done = portal(*self.arguments, home=self.at.format(home=home) or home, **self.settings)
        return done, listing(home) == before


def from_the_future(home: Path) -> None:
    with closing(sqlite3.connect(home / "portal.db")) as db, db:
        db.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")


def with_demo_people(home: Path) -> None:
    with closing(sqlite3.connect(home / "portal.db")) as db, db:
        db.execute("UPDATE person SET demo = 1")


def no_database(home: Path) -> None:
    (home / "portal.db").write_bytes(b"this is a letter, not a database. " * 1000)


def database(url: str) -> dict[str, str]:
    return {"PORTAL_DATABASE_URL": url}


TOO_NEW = "The database is newer than this code: it is at '9999_from_the_future'"
OPEN_TO_ALL = "demo accounts need no password"
MISUSES = {
    "a taken port": Misuse("cannot be used: address already in use. Choose another with --port.", ("up", "--port", "{taken}")),
    "a taken port for the web alone": Misuse("address already in use", ("web", "--port", "{taken}")),
    "no port at all": Misuse("99999", ("up", "--port", "99999")),
    "a home below a device": Misuse("cannot be written to", at="/dev/null/x"),
    "a home below a file": Misuse("cannot be written to", at="{home}/portal.db/home"),
    "a home that is a file": Misuse("cannot be written to", at="{home}/portal.db"),
    "a database that is newer": Misuse(TOO_NEW, spoil=from_the_future),
    "a newer database, web alone": Misuse(TOO_NEW, ("web", "--port", "0"), from_the_future),
    "a file that is no database": Misuse("portal.db", spoil=no_database),
    "a nonsense database": Misuse("PORTAL_DATABASE_URL cannot be used", settings=database("nonsense")),
    "an unknown kind of database": Misuse("PORTAL_DATABASE_URL cannot be used", settings=database("mongodb://127.0.0.1/portal")),
    "a PostgreSQL that is not there": Misuse("does not answer", settings=database("postgresql://p:hunter2secret@/portal?host=/nowhere")),
    "a PostgreSQL nobody listens at": Misuse("does not answer", settings=database("postgresql://p:hunter2secret@127.0.0.1:1/portal")),
    "demo people for the network": Misuse(OPEN_TO_ALL, spoil=with_demo_people, settings={"PORTAL_HOST": "0.0.0.0"}),  # noqa: S104
    "demo people, web alone": Misuse(OPEN_TO_ALL, ("web", "--port", "0"), with_demo_people, settings={"PORTAL_HOST": "::"}),
    "a host that is none of ours": Misuse("no.such.host.invalid", settings={"PORTAL_HOST": "no.such.host.invalid"}),
}


if not SOAK:  # each is a start of its own: `make soak` tries all, `make test` one of each kind
    for spared in (
        "a taken port for the web alone", "a home below a file", "a home that is a file", "a newer database, web alone",
        "an unknown kind of database", "a PostgreSQL nobody listens at", "demo people, web alone", "a host that is none of ours",
    ):  # fmt: skip
        del MISUSES[spared]


@pytest.fixture(scope="module")
def outcomes(homes: Callable[[str], Path]) -> Iterator[dict[str, Future[tuple[subprocess.CompletedProcess[str], bool]]]]:
    """All of them at once: each is a start of its own, and there are two cores."""
    with ThreadPoolExecutor(3) as pool, socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken, started = str(other.getsockname()[1]), {}
        for name, misuse in MISUSES.items():
            home = homes("misuse")
            misuse.spoil(home)
            arguments = tuple(argument.format(taken=taken) for argument in misuse.arguments)
            started[name] = pool.submit(replace(misuse, arguments=arguments).run, home)
        yield started


@pytest.mark.parametrize("name", list(MISUSES))
def test_what_is_wrong_is_said_in_a_sentence_and_nothing_is_changed(
    outcomes: dict[str, Future[tuple[subprocess.CompletedProcess[str], bool]]], name: str
) -> None:
    done, unchanged = outcomes[name].result()
    told = said(done.stderr)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert len(told) == 1 and MISUSES[name].words in told[0] and told[0].endswith("."), told
    assert done.stdout == "" and "hunter2" not in done.stderr and unchanged


def test_a_taken_port_makes_no_database(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = portal("up", "--demo", "--port", str(other.getsockname()[1]), home=tmp_path / "new")
    assert done.returncode == 2 and "address already in use" in done.stderr
    assert [path for path in listing(tmp_path) if "portal.db" in path or "secrets" in path] == []


def test_a_demo_for_the_network_is_not_even_begun(tmp_path: Path) -> None:
    """That it will be refused is known before the half minute that making it takes."""
    output = tmp_path / "output"
    with output.open("w") as file:
        up = subprocess.Popen(
            [sys.executable, "-m", "portal", "up", "--demo", "--port", "0"],
            cwd=config.ROOT, env=environment(tmp_path / "new", PORTAL_HOST="0.0.0.0"), stdout=file, stderr=file, start_new_session=True,  # noqa: S104
        )  # fmt: skip
    try:
        eventually(lambda: up.poll() is not None or "Making the demo" in output.read_text(), "a refusal")
        assert "Making the demo" not in output.read_text()
        assert up.wait() == 2 and not (tmp_path / "new" / "portal.db").exists()
    finally:
        if up.poll() is None:
            os.killpg(up.pid, signal.SIGKILL)  # it, and the process that makes the demo
            up.wait()


# A portal that runs


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Started on nothing at all, as on the first day."""
    with serving(tmp_path_factory.mktemp("running"), command="up") as server:
        eventually(server.workers, "a worker")
        yield server


def test_a_first_start_needs_nothing(running: Server) -> None:
    assert "Make the first admin here, once:" in running.log() and "demo" not in running.log()
    assert running.port not in (0, 8501)
    assert (running.home / "portal.db").exists()


def test_a_second_start_on_the_same_home_is_refused(running: Server) -> None:
    eventually((running.home / "worker.beat").exists, "a worker that has begun its work")
    before = quiet_files(running.home)
    done = portal("up", "--port", "0", home=running.home)
    told = said(done.stderr)
    assert done.returncode == 2 and len(told) == 1 and f"The portal already runs on {running.home}." in told[0], (done.returncode, told)
    assert quiet_files(running.home) == before
    assert httpx.get(f"{running.base}/api/v1/health").status_code == 200 and running.workers()


def quiet_files(home: Path) -> dict[str, str]:
    """Without what a portal that runs writes all the time."""
    return {name: sha for name, sha in listing(home).items() if not re.search(r"\.db|\.beat|\.log", name)}


def test_the_worker_is_seen_at_work(running: Server) -> None:
    def seen() -> bool:
        return httpx.get(f"{running.base}/api/v1/ready").json()["worker"].startswith("seen ")

    eventually(seen, "a worker that shows itself")


def test_a_killed_worker_is_started_again(running: Server) -> None:
    killed = eventually(running.workers, "a worker")[0]
    killed.kill()
    again = eventually(lambda: [one for one in running.workers() if one.pid != killed.pid], "another worker")
    assert len(again) == 1 and "the worker ended with code -9 and is started again" in running.log()
    assert httpx.get(f"{running.base}/api/v1/health").status_code == 200


def test_sigterm_stops_web_and_worker_at_once(running: Server) -> None:
    """The last test of this portal."""
    workers = eventually(running.workers, "a worker")
    held_open = running.websocket_status()  # a stranger at the door does not hold it up
    assert running.stop(signal.SIGTERM) == 0 and held_open == 403
    assert [one for one in workers if is_running(one)] == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{running.base}/api/v1/health")
    assert "Traceback" not in running.log()


def kill_what_is_left(processes: list[psutil.Process]) -> None:
    for one in processes:
        if is_running(one):
            one.kill()


def test_a_worker_does_not_outlive_a_killed_portal(homes: Callable[[str], Path]) -> None:
    used = homes("killed")
    with serving(used, command="up") as server:
        beat = used / "worker.beat"
        eventually(beat.exists, "a worker that has begun its work")
        workers = server.workers()
        assert len(workers) == 1
        server.stop(signal.SIGKILL)
        try:
            eventually(lambda: not any(is_running(one) for one in workers), "the end of the worker", within=15)
        finally:
            kill_what_is_left(workers)
    again = portal("doctor", "--json", home=used)
    assert again.returncode == 0, again.stdout


def test_a_worker_does_not_outlive_a_portal_that_was_killed_while_it_started(homes: Callable[[str], Path]) -> None:
    """The worker needs seconds to import what it works with; it must notice afterwards that nobody is there any more."""
    used = homes("killed early")
    up = subprocess.Popen(
        [sys.executable, "-m", "portal", "up", "--port", "0"],
        cwd=config.ROOT, env=environment(used), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        workers = eventually(lambda: psutil.Process(up.pid).children(), "a worker that is being started")
    finally:
        up.kill()
        up.wait()
    try:
        eventually(lambda: not any(is_running(one) for one in workers), "the end of the worker", within=20)
    finally:
        kill_what_is_left(workers)


def test_ctrl_c_stops_it_like_sigterm(homes: Callable[[str], Path]) -> None:
    with serving(homes("interrupted"), command="up") as server:
        workers = eventually(server.workers, "a worker")
        assert server.stop(signal.SIGINT) == 0
        assert [one for one in workers if is_running(one)] == []
        assert "Traceback" not in server.log()
