"""A rep finds examples of a new intent with the keyboard: the first by a rule, the next by their likeness to those, and takes one back."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import desk, drawn, settled, shoot
from tests.server import Server


@pytest.fixture
def server(demo: Path) -> Iterator[Server]:
    running = Server(demo, command="web").start()
    yield running
    running.stop()


def test_a_rep_finds_what_teaches_a_new_intent(browser: Browser, server: Server) -> None:
    complaints: list[str] = []
    with desk(browser, server.base, "Alma Berger", complaints) as rep:
        name_it(rep)
        by_rule(rep)
        belongs = say_with_the_keyboard(rep)
        accept(rep, belongs)
        by_likeness(rep)
        take_back(rep)
    assert complaints == []


def name_it(rep: Page) -> None:
    rep.locator("html[data-keys=heard]").wait_for(state="attached")
    rep.keyboard.press("g")
    rep.keyboard.press("x")
    expect(rep.get_by_role("heading", name="Examples", exact=True)).to_be_visible()
    drawn(rep)
    rep.get_by_role("button", name="Name a new one").click()
    name = rep.get_by_label("Intent", exact=True)
    name.fill("Parcel locker full")
    name.press("Enter")
    settled(rep)
    rep.get_by_role("button", name="Name it", exact=True).click()
    expect(rep.get_by_role("heading", name="Parcel locker full")).to_be_visible()
    drawn(rep)


def by_rule(rep: Page) -> None:
    rep.get_by_role("radio", name="Rule").click(force=True)
    for field, words in (("All of", "locker"), ("One of", "full, no room"), ("None of", "refund")):
        rep.get_by_label(field, exact=True).fill(words)
    rep.get_by_role("button", name="Find them").click()
    expect(rep.get_by_text(re.compile("^Holds 'locker', and holds 'full' or 'no room', and does not hold 'refund': "))).to_be_visible()
    drawn(rep)


def say_with_the_keyboard(rep: Page) -> int:
    for number, key in enumerate("yyn", start=1):
        rep.locator("html[data-keys=heard]").wait_for(state="attached")
        rep.keyboard.press(key)
        expect(rep.get_by_text(re.compile(rf"^{number} of \d+ looked at"))).to_be_visible()
    shoot(rep, "examples-1-rule")
    others = rep.get_by_role("button", name=re.compile(r"^Take the other \d+ unread"))
    count = int(others.inner_text().split()[3])
    others.click()
    expect(rep.get_by_text(f"{count + 3} of {count + 3} looked at, {count + 2} belong")).to_be_visible()
    return count + 2


def accept(rep: Page, belongs: int) -> None:
    drawn(rep)
    rep.get_by_role("button", name=f"Accept {belongs} examples").click()
    expect(rep.get_by_text(re.compile(r"by a rule: \d+ to learn from, \d+ kept for testing"))).to_be_visible()
    drawn(rep)


def by_likeness(rep: Page) -> None:
    rep.get_by_role("radio", name="Alike").click(force=True)
    expect(rep.get_by_text(re.compile(r"^The most alike of [\d,]+ conversations of the last 90 days"))).to_be_visible()
    expect(rep.get_by_text(re.compile(r"\d+\s% alike"))).to_be_visible()
    drawn(rep)
    shoot(rep, "examples-2-alike")


def take_back(rep: Page) -> None:
    rep.keyboard.press("u")
    expect(rep.get_by_text("It has no example yet.")).to_be_visible()
