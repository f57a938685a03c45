"""An hour of reviewing without the mouse: ten reviews, three flags, one undo, a search that is kept, and its link at two other desks."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import col, func, select

from data import people, store
from data.tables import Example, Person, Review
from tests.browser import desk, drawn, settled, shoot
from tests.reviewing import gone_on, shown, verdict
from tests.server import Server


@pytest.fixture
def server(demo: Path) -> Iterator[Server]:
    running = Server(demo, command="web").start()
    yield running
    running.stop()


def alma() -> Person:
    found = people.by_email("alma.berger@ferngrove.example")
    assert found is not None
    return found


def said_so_far(server: Server) -> tuple[int, int]:
    """How many reviews and flags of Alma's there are."""
    with server.inside(), store.reading() as db:
        mine = alma().id
        kept = db.exec(select(func.count()).select_from(Review).where(Review.by_person_id == mine, ~col(Review.withdrawn))).one()
        return kept, db.exec(select(func.count()).select_from(Example).where(Example.by_person_id == mine, Example.use == "loose")).one()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def saved(page: Page, conversation: str) -> None:
    """The next one is there, and the keyboard is with it."""
    gone_on(page, conversation)
    expect(page.get_by_role("region", name="The conversation")).to_be_focused()


def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """By the Tab key, as somebody would who sees no button to press."""
    for _ in range(40):
        page.keyboard.press(key)
        here = page.evaluate("() => (document.activeElement.getAttribute('aria-label') || document.activeElement.innerText || '').trim()")
        if name in here:
            return
    raise AssertionError(f"the Tab key does not lead to {name}")


def test_an_hour_of_reviewing_without_the_mouse(browser: Browser, server: Server) -> None:
    complaints: list[str] = []
    before = said_so_far(server)
    with desk(browser, server.base, "Alma Berger", complaints) as page:
        page.locator("html[data-keys=heard]").wait_for(state="attached")
        press(page, "g", "r")
        expect(page.get_by_role("heading", name="Review", exact=True)).to_be_visible()
        drawn(page)
        ten_reviews_three_flags_one_undo(page)
        after = said_so_far(server)
        assert (after[0] - before[0], after[1] - before[1]) == (11, 3)  # ten, and the one that was taken back and said again
        address = a_search_that_is_kept(page)
        found = page.get_by_text(re.compile(r"^\d+ conversations?$")).inner_text()
    with desk(browser, server.base, "Lena Hoffmann", complaints) as page:  # the lead of the same team
        page.goto(address)
        expect(page.get_by_role("textbox", name="Search")).to_have_value("flag:weak reviewed:yes")
        expect(page.get_by_text(found, exact=True)).to_be_visible()
        shoot(page, "review-4-the-link")
    with desk(browser, server.base, "Marco Silva", complaints) as page:  # another team's
        page.goto(address)
        expect(page.get_by_text("That view is not here, or it belongs to somebody else.")).to_be_visible()
        expect(page.get_by_role("textbox", name="Search")).to_have_value("")
    assert complaints == []


def ten_reviews_three_flags_one_undo(page: Page) -> None:
    for number in range(10):
        conversation = shown(page)
        if number in (1, 4, 7):  # the story's one: w, one sentence, Enter
            verdict(page, "w")
            becomes_a_test(page)
            page.keyboard.type("It does not answer what was asked.")
            if number == 1:
                shoot(page, "review-1-flag")
            press(page, "Enter")
            expect(page.get_by_text(re.compile("Saved and flagged for")).first).to_be_visible()
        elif number == 2:  # the intent is wrong, and the reply could be better
            about_a_refund(page)
            verdict(page, "w")
            press(page, "Escape")
            expect(page.locator('[class*="st-key-review_why_"] input')).not_to_be_focused()
            press(page, "e")
            page.keyboard.type("Your refund left us this morning.")
            press(page, "Control+Enter")
        else:
            verdict(page, "s" if number % 2 else "o")
            press(page, "Enter")
        saved(page, conversation)
        if number == 5:
            undone_and_said_again(page, conversation)
    shoot(page, "review-2-ten")


def becomes_a_test(page: Page) -> None:
    """Of what the demo flagged for its answer already, and where the classifier kept silent, somebody has to say the intent first."""
    tests, not_yet = "Tests (its intent|the answer|what was done)", "With an intent or a better reply it can be a test"
    told = page.get_by_text(re.compile(f"{tests}|{not_yet}"))
    expect(told).to_be_visible()
    if not_yet in told.inner_text():
        press(page, "Escape")
        expect(page.locator('[class*="st-key-review_why_"] input')).not_to_be_focused()
        about_a_refund(page)
        verdict(page, "w")
        expect(page.get_by_text(re.compile(tests))).to_be_visible()


def about_a_refund(page: Page) -> None:
    press(page, "i")
    page.keyboard.type("Refund")
    page.get_by_role("option").first.wait_for()
    press(page, "Enter")
    expect(page.get_by_role("combobox", name=re.compile("Intent"))).not_to_be_focused()
    settled(page)


def undone_and_said_again(page: Page, conversation: str) -> None:
    press(page, "u")
    expect(page.locator(f".st-key-review_save_{conversation}")).to_be_visible()
    expect(page.get_by_role("radio", name=re.compile("Strong"))).to_be_checked()
    settled(page)
    press(page, "Control+Enter")
    saved(page, conversation)


def a_search_that_is_kept(page: Page) -> str:
    """Found by search, saved as a view that the team has; the view's address."""
    press(page, "/")
    expect(page.get_by_role("heading", name="Conversations", exact=True)).to_be_visible()
    expect(page.get_by_role("textbox", name="Search")).to_be_focused()
    drawn(page)
    page.keyboard.type("flag:weak reviewed:yes")
    press(page, "Enter")
    expect(page.get_by_text(re.compile(r"^\d+ conversations?$"))).to_be_visible()
    drawn(page)
    tab_to(page, "Save this view", "Shift+Tab")  # it stands above the search
    press(page, "Enter")
    page.get_by_role("textbox", name="Name").wait_for()
    tab_to(page, "Name")
    page.keyboard.type("Weak ones of ours")
    tab_to(page, "Share it with Team Oak")
    press(page, "Space")
    tab_to(page, "Save view")
    press(page, "Enter")
    expect(page.get_by_text("The view is saved.")).to_be_visible()
    page.wait_for_url(re.compile(r"view=[0-9a-f-]{36}"))
    drawn(page)
    shoot(page, "review-3-view")
    view = re.search(r"view=([0-9a-f-]{36})", page.url)
    assert view
    return f"{page.url.split('/conversations')[0]}/conversations?view={view.group(1)}"
