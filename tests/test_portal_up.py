"""Starting and stopping: what is wrong is said in one sentence and nothing is changed; nothing is left running."""

import hashlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from data import config, people, store
from tests.conftest import fresh_sqlite
from tests.server import PASSWORD, Server, environment, eventually, inside, is_running, portal, said, serving


@pytest.fixture
def used(templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A home that a portal was started on before, with somebody in it."""
    fresh_sqlite(templates, tmp_path_factory, tmp_path)
    with inside(tmp_path):
        people.add("Rita", "rita@example.com", "rep", by=people.console(), password=PASSWORD)
    (tmp_path / "up.lock").touch()
    return tmp_path


def listing(home: Path) -> dict[str, str]:
    """Every file of a home with the hash of what is in it."""
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(home.rglob("*"))
    }


def refused(*arguments: str, home: Path | str, words: str, url: str = "", **settings: str) -> None:
    """The command exits 2 with one sentence that says these words, and says nothing else."""
    done = portal(*arguments, home=home, url=url, **settings)
    told = said(done.stderr)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert len(told) == 1 and words in told[0] and told[0].endswith("."), told
    assert "ready" not in done.stdout


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


# What is wrong


def test_a_taken_port_is_refused(used: Path, taken: int) -> None:
    before = listing(used)
    refused("up", "--port", str(taken), home=used, words=f"Port {taken} on 127.0.0.1 cannot be used: address already in use.")
    assert listing(used) == before


def test_a_taken_port_makes_no_database(tmp_path: Path, taken: int) -> None:
    refused("up", "--demo", "--port", str(taken), home=tmp_path / "new", words="Choose another with --port.")
    assert [path for path in listing(tmp_path) if "portal.db" in path or "secrets" in path] == []


@pytest.mark.parametrize("command", ["up", "web"])
def test_a_port_that_is_no_port_is_refused(used: Path, command: str) -> None:
    before = listing(used)
    refused(command, "--port", "99999", home=used, words="99999")
    assert listing(used) == before


@pytest.mark.parametrize("home", ["/dev/null/x", "{file}/home", "{file}"])
def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path, home: str) -> None:
    file = tmp_path / "a file"
    file.write_text("mine")
    refused("up", "--port", "0", home=home.format(file=file), words="cannot be written to")
    assert file.read_text() == "mine" and list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "arguments", [("worker",), ("web",), ("migrate",), ("user", "list"), ("audit", "verify"), ("import", "x.jsonl")], ids=" ".join
)
def test_other_commands_refuse_such_a_home_too(arguments: tuple[str, ...]) -> None:
    refused(*arguments, home="/dev/null/x", words="/dev/null/x")


def test_a_database_that_is_newer_than_the_code_is_refused(used: Path) -> None:
    with inside(used), store.engine().begin() as db:
        db.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    before = listing(used)
    for command in ("up", "web", "worker"):
        port = () if command == "worker" else ("--port", "0")
        refused(command, *port, home=used, words="The database is newer than this code: it is at '9999_from_the_future'")
    assert listing(used) == before | ({"worker.lock": hashlib.sha256(b"").hexdigest()} if (used / "worker.lock").exists() else {})


URLS = {
    "nonsense": "PORTAL_DATABASE_URL cannot be used",
    "mongodb://127.0.0.1/portal": "PORTAL_DATABASE_URL cannot be used",
    "mysql://root@127.0.0.1/portal": "PORTAL_DATABASE_URL cannot be used",
    "postgresql://127.0.0.1:port/portal": "PORTAL_DATABASE_URL cannot be used",
    "postgresql://portal:hunter2secret@/portal?host=/nowhere": "does not answer",
    "postgresql://portal:hunter2secret@127.0.0.1:1/portal": "does not answer",
    "sqlite:////nowhere/at/all/portal.db": "does not answer",
}


@pytest.mark.parametrize("url", list(URLS))
def test_a_wrong_database_address_is_refused(used: Path, url: str) -> None:
    before = listing(used)
    refused("up", "--port", "0", home=used, url=url, words=URLS[url])
    assert listing(used) == before
    assert "hunter2" not in portal("doctor", home=used, url=url).stdout


def test_a_file_that_is_no_database_is_refused(used: Path) -> None:
    (used / "portal.db").write_bytes(b"this is a letter, not a database. " * 1000)
    before = listing(used)
    refused("up", "--port", "0", home=used, words="portal.db")
    assert listing(used) == before


SETTINGS = {"PORTAL_PORT": "a port", "PORTAL_ALLOWED_HOSTS": "portal.example", "PORTAL_HOST": "no.such.host.invalid"}


@pytest.mark.parametrize("name", list(SETTINGS))
def test_a_setting_that_makes_no_sense_is_refused(used: Path, name: str) -> None:
    before = listing(used)
    refused("up", home=used, words=name if name != "PORTAL_HOST" else SETTINGS[name], **{"PORTAL_PORT": "0", name: SETTINGS[name]})
    assert listing(used) == before


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 it is refused
@pytest.mark.parametrize("command", ["up", "web"])
def test_demo_accounts_are_not_offered_to_the_network(used: Path, command: str, host: str) -> None:
    with inside(used):
        people.add("Dora", "dora@example.com", "rep", by=people.console(), demo=True)
    before = listing(used)
    refused(command, "--port", "0", home=used, PORTAL_HOST=host, words="demo accounts that need no password")
    assert listing(used) == before


def test_a_demo_for_the_network_is_not_even_made(tmp_path: Path) -> None:
    """It is known before the half minute that the demo takes, and before anything is written."""
    home = tmp_path / "new"
    refused("up", "--demo", "--port", "0", home=home, PORTAL_HOST="0.0.0.0", words="demo")  # noqa: S104 it is refused
    assert not (home / "portal.db").exists()


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
    before = {name: sha for name, sha in listing(running.home).items() if "db" not in name and "beat" not in name}
    refused("up", "--port", "0", home=running.home, words=f"The portal already runs on {running.home}.")
    refused("worker", home=running.home, words="A worker already runs on")
    assert {name: sha for name, sha in listing(running.home).items() if "db" not in name and "beat" not in name} == before
    assert httpx.get(f"{running.base}/api/v1/health").status_code == 200


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


def test_a_worker_does_not_outlive_a_killed_portal(used: Path) -> None:
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


def test_a_worker_does_not_outlive_a_portal_that_was_killed_while_it_started(used: Path) -> None:
    """The worker needs seconds to import what it works with; it must notice afterwards that nobody is there any more."""
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


def test_ctrl_c_stops_it_like_sigterm(used: Path) -> None:
    with serving(used, command="up") as server:
        workers = eventually(server.workers, "a worker")
        assert server.stop(signal.SIGINT) == 0
        assert [one for one in workers if is_running(one)] == []
        assert "Traceback" not in server.log()


def test_a_start_that_is_cut_off_leaves_nothing_half_done(tmp_path: Path) -> None:
    """Killed while the database is being made; the next start makes it whole."""
    home = tmp_path / "cut off"
    home.mkdir()
    cut = subprocess.Popen(
        [sys.executable, "-m", "portal", "migrate"],
        cwd=config.ROOT,
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually((home / "portal.db").exists, "the first sign of a database")
    finally:
        cut.kill()
        cut.wait()
    done = portal("migrate", home=home)
    assert done.returncode == 0, done.stderr
    with inside(home):
        assert not store.needs_migration() and people.count() == 0
