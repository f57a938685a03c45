"""Quality with nothing, one conversation, one day, three years and the demo, Monitors and Digest: the whole page, in both themes."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from data import store
from data.values import now
from tests.browser import desk, drawn, shoot
from tests.conftest import let_go
from tests.quality_worlds import fill, staffed
from tests.server import Server, serving
from tests.test_shots_review import THEMES

pytestmark = pytest.mark.skipif(not os.environ.get("PORTAL_SHOTS"), reason="`make shots` takes these pictures")

WIDTHS = (1280, 900, 390)
TALLEST = 8_000  # of a page on a phone
WORLDS = {"nothing": (0, 0), "one": (1, 1), "day": (1, 40), "years": (3 * 365, 40)}  # days, conversations a day
PAGES = {"quality": "quality", "monitors": "monitors", "begun": "monitors?measure=resolution", "digest": "digest"}
LEAD = "Lena Hoffmann"


@pytest.mark.parametrize("amount", WORLDS)
def test_quality_can_be_looked_at_with_any_amount(amount: str, browser: Browser, sqlite_home: Path) -> None:
    days, a_day = WORLDS[amount]
    with store.writing():
        world = staffed(demo=True)
    if days:
        fill(world, today=now().date(), days=days, a_day=a_day)
    let_go()  # from here on the server has the database
    shown = PAGES if amount == "nothing" else {"quality": "quality"}
    if amount == "years":
        shown |= {"a-year": "quality?period=A year&by=Week"}
    look_at_all(browser, sqlite_home, world.lead.name, shown, amount)


def test_quality_monitors_and_digest_can_be_looked_at_with_the_demo(browser: Browser, demo: Path) -> None:
    look_at_all(browser, demo, LEAD, PAGES, "demo")


def look_at_all(browser: Browser, home: Path, name: str, addresses: Mapping[str, str], amount: str) -> None:
    complaints: list[str] = []
    with serving(home) as server:
        for theme in THEMES:
            with desk(browser, server.base, name, complaints, theme) as page:
                look_at_each(page, server, addresses, amount, theme)
    assert complaints == []


def look_at_each(page: Page, server: Server, addresses: Mapping[str, str], amount: str, theme: str) -> None:
    for width in WIDTHS:
        for name, address in addresses.items():
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(f"{server.base}/{address}")
            look(page, f"quality-{amount}-{name}-{width}-{theme}")


def look(page: Page, name: str) -> None:
    """From its title to its last line: the window is made as tall as the page is. Nothing is wider than the window."""
    drawn(page)
    size = page.viewport_size
    assert size is not None
    tall = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": min(max(tall, size["height"]), TALLEST)})
    drawn(page)
    shoot(page, name)
    wide = page.evaluate(
        "Math.max(...[document.documentElement, document.querySelector('[data-testid=stMain]')].map(one => one.scrollWidth))"
    )
    assert wide <= size["width"], f"{name} is {wide} wide in a window of {size['width']}"
