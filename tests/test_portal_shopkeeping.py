"""The shop beside the portal: found by whoever asks, there for as long as a command lasts, gone with the process that ran it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from automations.shop.client import Shop, ShopFault
from automations.shop.ledger import Ledger
from data import config
from portal import catalog, shopkeeping
from tests.conftest import Staff


def stocked() -> None:
    Ledger(shopkeeping.file(shopkeeping.LEDGER)).close()


def answers(shop: Shop) -> bool:
    """It does not know this customer, and says so itself."""
    with pytest.raises(ShopFault) as fault:
        shop.customer("nobody")
    return fault.value.status == 404


@contextmanager
def process() -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([sys.executable, "-m", "portal", "shop"], cwd=config.ROOT, env=dict(os.environ))
    try:
        while not shopkeeping.file(shopkeeping.ADDRESS).exists():
            assert running.poll() is None
            time.sleep(0.05)
        yield running
    finally:
        running.kill()
        running.wait()


def test_where_there_is_none_nobody_finds_one(sqlite_home: Path) -> None:
    assert not shopkeeping.is_there() and shopkeeping.found() is None
    with shopkeeping.beside() as shop:
        assert shop is None


def test_a_command_has_one_for_as_long_as_it_lasts(sqlite_home: Path) -> None:
    stocked()
    assert shopkeeping.found() is None  # nobody runs it
    with shopkeeping.beside() as shop:
        assert shop is not None and answers(shop)
    with pytest.raises(ShopFault) as fault:
        shop.customer("nobody")
    assert fault.value.status is None
    assert shopkeeping.file(shopkeeping.TOKEN).stat().st_mode & 0o077 == 0


def test_the_one_that_runs_is_found_and_leaves_no_address_behind(staff: Staff) -> None:
    stocked()
    with process() as running:
        shop = shopkeeping.found()
        assert shop is not None and answers(shop)
        assert catalog.connected_for(staff.rep).shop == shop
        with shopkeeping.beside() as beside:
            assert beside == shop
        running.send_signal(signal.SIGTERM)
        running.wait(20)
        assert shopkeeping.found() is None


def test_one_that_died_is_said_to_be_silent_and_the_next_takes_its_place(staff: Staff) -> None:
    stocked()
    with process() as running:
        running.kill()
        running.wait()
        dead = shopkeeping.found()
        assert dead is not None
        with pytest.raises(ShopFault):
            dead.customer("nobody")
        shopkeeping.file(shopkeeping.ADDRESS).unlink()
    with process():
        alive = shopkeeping.found()
        assert alive is not None and alive != dead and answers(alive)
