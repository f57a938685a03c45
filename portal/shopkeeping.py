"""The embedded shop beside the portal: its ledger stands in the home, `portal up` runs it, and web and worker find it by a file."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from data import config
from portal.beat import PARENT

if TYPE_CHECKING:
    from automations.shop.client import Shop

logger = logging.getLogger("portal.shopkeeping")
LEDGER, TOKEN, ADDRESS = "shop.db", "shop.token", "shop.address"


def file(name: str) -> Path:
    return config.folder("") / name


def is_there() -> bool:
    """Whether this home has a shop: the demo brings one."""
    return file(LEDGER).exists()


def found() -> "Shop | None":
    """The shop that runs beside us; whether it answers, whoever asks it will see."""
    from automations.shop.client import Shop

    try:
        return Shop(file(ADDRESS).read_text().strip(), file(TOKEN).read_text().strip()) if is_there() else None
    except FileNotFoundError:
        return None


@contextmanager
def beside() -> "Iterator[Shop | None]":
    """For a command: the shop that runs, else one that lasts as long as the block."""
    running = found()
    if running is not None or not is_there():
        yield running
        return
    from automations.shop import server
    from automations.shop.__main__ import token_in
    from automations.shop.client import Shop
    from automations.shop.ledger import Ledger

    token = token_in(file(TOKEN))
    with server.running(Ledger(file(LEDGER)), token) as address:
        yield Shop(address, token)


def serve() -> None:
    """Until the process that started us is gone."""
    from automations.shop import server
    from automations.shop.__main__ import end_with, token_in
    from automations.shop.ledger import Ledger

    parent = int(os.environ.get(PARENT) or os.getppid())
    sock = server.listening(0)
    serving = server.server(server.build(Ledger(file(LEDGER)), token_in(file(TOKEN))))

    threading.Thread(target=end_with, args=(serving, parent), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the server stops first, then raises it again for us
    _say(server.address(sock))
    try:
        serving.run(sockets=[sock])
    finally:
        file(ADDRESS).unlink(missing_ok=True)


def _say(address: str) -> None:
    """Whole or not at all: somebody may read it at this moment."""
    new = file(f"{ADDRESS}.new")
    new.write_text(address)
    new.replace(file(ADDRESS))
    logger.info("the shop answers at %s", address)
