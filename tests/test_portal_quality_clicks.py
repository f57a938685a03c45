"""Quality in a browser: a click on a mark opens its conversations, both themes draw, nothing is wider than a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from data import store
from data.values import now
from tests.browser import desk, drawn, shoot
from tests.conftest import let_go
from tests.quality_worlds import fill, staffed
from tests.server import Server


@pytest.fixture
def server(sqlite_home: Path) -> Server:
    with store.writing():
        world = staffed(demo=True)
    fill(world, today=now().date(), days=15, a_day=12)
    let_go()
    return Server(sqlite_home, command="web").start()


def test_a_click_on_a_mark_opens_its_conversations_and_the_page_fits_a_phone(browser: Browser, server: Server) -> None:
    complaints: list[str] = []
    try:
        with desk(browser, server.base, "Leo", complaints) as lead:
            for mark in ("point", "bar"):
                lead.goto(f"{server.base}/quality")
                drawn(lead)
                _click(lead, mark)
                expect(lead.get_by_role("heading", name="Conversations", exact=True)).to_be_visible()
                assert "behind=" in lead.url and "behind_since=" in lead.url
            lead.set_viewport_size({"width": 390, "height": 800})
            lead.goto(f"{server.base}/quality")
            drawn(lead)
            shoot(lead, "quality-small-390-light")
            assert lead.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
            lead.emulate_media(color_scheme="dark")
            lead.set_viewport_size({"width": 1280, "height": 800})
            lead.goto(f"{server.base}/quality?measure=Satisfied")
            drawn(lead)
            expect(lead.get_by_role("heading", name="Satisfied").first).to_be_visible()
            shoot(lead, "quality-small-1280-dark")
    finally:
        server.stop()
    assert not complaints


def _click(page: Page, mark: str) -> None:
    found = page.locator(f"svg path[aria-roledescription='{mark}']").nth(2)
    found.scroll_into_view_if_needed()
    found.click(force=True)
