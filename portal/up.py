"""`portal up`: makes the home ready, then runs web and worker together until it is told to stop."""

import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from data import config, people, store
from data.errors import Misuse
from portal import shopkeeping, web
from portal.beat import PARENT

logger = logging.getLogger("portal.up")

OPEN_DOORS = "demo accounts need no password, so they are for this machine alone. Use a home without the demo."
LOCAL = ("127.0.0.1", "::1", "localhost")


def up(*, demo: bool, port: int | None = None) -> None:
    settings = config.settings()
    lock = lock_home()
    sock = web.listening_socket(settings.host, settings.port if port is None else port)
    migrate = store.needs_migration()
    if demo and settings.host not in LOCAL and (migrate or not people.anybody()):
        raise Misuse(f"The demo was not made on {settings.host}: {OPEN_DOORS}")
    address = f"http://{settings.host}:{sock.getsockname()[1]}"
    prepare(migrate=migrate, fill=demo and (migrate or not people.anybody()))
    check_address(settings.host)
    stop = threading.Event()
    commands = ["worker", *(["shop"] if shopkeeping.is_there() else [])]
    supervisors = [threading.Thread(target=_keep, args=(command, stop)) for command in commands]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the server stops first, then raises it again for us
    for supervisor in supervisors:
        supervisor.start()
    try:
        web.serve(sock, on_ready=lambda: greet(address))
    except KeyboardInterrupt:
        logger.info("stopped from the keyboard")
    finally:
        stop.set()
        for supervisor in supervisors:
            supervisor.join()
        lock.close()


def lock_home() -> Any:
    """One `up` a home, and a home we can write to."""
    home = config.settings().home.absolute()
    lock = config.lock_file("up.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Misuse(f"The portal already runs on {home}. Stop it first, or set PORTAL_HOME to another folder.") from error
    return lock


def prepare(*, migrate: bool, fill: bool) -> None:
    """Migration and demo run in a process of their own: what they import would slow every start and stay in memory."""
    if not (migrate or fill):
        return
    if fill:
        print("Making the demo: a fictional company's last 90 days. This takes half a minute, once.", flush=True)
    done = subprocess.run([sys.executable, "-m", "portal", "migrate", *(["--demo"] if fill else [])], cwd=config.ROOT, check=False)
    if done.returncode:
        raise Misuse("The portal was not started: its database could not be made ready. The lines above say why.")


def check_address(host: str) -> None:
    if host not in LOCAL and people.demo_people():
        raise Misuse(f"The portal was not started on {host}: {OPEN_DOORS}")


def greet(address: str) -> None:
    from portal import auth

    print(f"\nThe portal is ready: {address}", flush=True)
    if not people.anybody():
        print(
            f"Nobody has an account yet. Make the first admin here, once: {address}/auth/first?token={auth.new_first_token()}", flush=True
        )
    elif people.demo_people():
        print("Choose one of the five demo people on the first page. Ctrl+C stops the portal.", flush=True)


def _keep(command: str, stop: threading.Event) -> None:
    """Start it, and start it again when it dies, more slowly each time it dies at once."""
    pause = 0.5
    while not stop.is_set():
        started = time.monotonic()
        environment = {**os.environ, PARENT: str(os.getpid())}
        running = subprocess.Popen([sys.executable, "-m", "portal", command], cwd=config.ROOT, start_new_session=True, env=environment)
        while running.poll() is None and not stop.wait(0.2):
            continue
        if stop.is_set():
            running.terminate()
            try:
                running.wait(timeout=8)
            except subprocess.TimeoutExpired:
                running.kill()
            return
        pause = 0.5 if time.monotonic() - started > 30 else min(pause * 2, 30.0)
        logger.warning("the %s ended with code %s and is started again", command, running.returncode)
        stop.wait(pause)
