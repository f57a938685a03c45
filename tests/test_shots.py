"""Every screen in a real browser, in both themes, with the demo and empty: nothing complains, nothing is too wide; pictures stay."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from data import people
from tests.browser import SHOTS, desk, settled, shoot
from tests.conftest import SOAK, let_go
from tests.server import Server
from tests.test_screens import SCREENS

FOR_ADMINS = ("installation",)
PARTS = ("team?part=Coaching", "my_work?part=Exercises", "my_work?part=Notes")  # of a screen, that its bare address does not show
ADDRESSES = ("", *(name for name in SCREENS[1:] if name not in FOR_ADMINS), *PARTS)  # home has the bare address
EVERYTHING = SOAK or bool(os.environ.get("PORTAL_SHOTS"))
KINDS = [("demo", "light"), ("demo", "dark"), ("empty", "light"), ("empty", "dark")]


def look_around(page: Page, base: str, kind: str, theme: str, addresses: tuple[str, ...] = ADDRESSES) -> None:
    for address in addresses:
        page.goto(f"{base}/{address}")
        page.get_by_role("heading", level=1).first.wait_for()
        settled(page)
        page.locator('[data-testid="stSkeleton"]').first.wait_for(state="hidden")
        shoot(page, f"{kind}-{address.replace('?part=', '-').lower() or 'home'}-{theme}")
        assert page.get_by_test_id("stException").count() == 0
        wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= window, f"{address} is {wide} wide in a window of {window}"


@pytest.mark.skipif(
    not EVERYTHING, reason="`make shots` and `make soak` look at all of them; `make test` has the journey and tests/test_screens.py"
)
@pytest.mark.parametrize(("kind", "theme"), KINDS)
def test_every_screen_is_sound_in_the_browser(
    kind: str, theme: str, request: pytest.FixtureRequest, browser: Browser, tmp_path: Path
) -> None:
    complaints: list[str] = []
    home = request.getfixturevalue("demo") if kind == "demo" else empty_portal(request)
    name = "Lena Hoffmann" if kind == "demo" else "Leo"
    running = Server(home, command="up").start()
    try:
        if kind == "demo":
            sign_in_page(browser, running.base, theme)
        with desk(browser, running.base, name, complaints, theme) as page:
            look_around(page, running.base, kind, theme)
        if kind == "demo":
            with desk(browser, running.base, "Otto Braun", complaints, theme) as page:
                look_around(page, running.base, kind, theme, FOR_ADMINS)
    finally:
        running.stop()
    assert complaints == []


def sign_in_page(browser: Browser, base: str, theme: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(base)
    page.get_by_role("heading", name="Sign in").wait_for()
    page.screenshot(path=SHOTS / f"signin-{theme}.png")
    context.close()


def empty_portal(request: pytest.FixtureRequest) -> Path:
    """Nothing in it but one lead who can sit down with a click."""
    home: Path = request.getfixturevalue("sqlite_home")
    people.add("Leo", "leo@example.com", "lead", by=people.console(), demo=True)
    let_go()
    return home
