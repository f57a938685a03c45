"""Knowledge, Ask, a suggested reply, Gaps and Ladder with nothing and with the demo, wide and narrow, in both themes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import col, select

from data import conversations, people, store
from data.tables import Person, Trace
from knowledge import ANSWERER, gaps
from tests.browser import desk, drawn, shoot
from tests.conftest import let_go
from tests.server import Server, serving
from tests.test_shots_review import MINE, THEMES, WIDTHS

pytestmark = pytest.mark.skipif(not os.environ.get("PORTAL_SHOTS"), reason="`make shots` takes these pictures")

PAGES = {"articles": "knowledge", "ask": "ask", "gaps": "gaps", "ladder": "ladder"}
ONE = {"article": "knowledge?article=returning-plants", "versions": "knowledge?article=returning-plants&tab=versions"}
LEAD = "Lena Hoffmann"
COVERED, FOREIGN = "My parcel is a week late, what do I get back?", "Who won the football match last night?"


@pytest.fixture
def server(demo: Path) -> Iterator[Server]:
    running = Server(demo, command="web").start()
    yield running
    running.stop()


def test_knowledge_can_be_looked_at_with_much(browser: Browser, server: Server) -> None:
    complaints: list[str] = []
    with server.inside():
        lead = next(person for person in people.demo_people() if person.name == LEAD)
        shown = {**PAGES, **ONE, "suggested": a_suggestion(lead), "gap": f"gaps?gap={gaps.standing(by=lead)[0].id}"}
    for theme in THEMES:
        with desk(browser, server.base, LEAD, complaints, theme) as page:
            look_at_each(page, server, shown, "much", theme)
            page.goto(f"{server.base}/ask")
            for name, question in (("answered", COVERED), ("silent", FOREIGN)):
                asks(page, question)
                look(page, f"knowledge-much-{name}", theme)
    assert complaints == []


def test_knowledge_can_be_looked_at_with_nothing(browser: Browser, sqlite_home: Path) -> None:
    lead = people.add(MINE, "rita@example.com", "lead", by=people.console(), demo=True)
    let_go()  # from here on the server has the database
    complaints: list[str] = []
    with serving(sqlite_home) as server:
        for theme in THEMES:
            with desk(browser, server.base, lead.name, complaints, theme) as page:
                look_at_each(page, server, PAGES, "none", theme)
    assert complaints == []


def a_suggestion(lead: Person) -> str:
    """A conversation of the lead's team for which something was suggested, and nobody decided on it."""
    with store.reading() as db:
        found = db.exec(select(Trace).where(Trace.target_kind == ANSWERER, col(Trace.conversation_id).is_not(None), Trace.outcome == ""))
        open_ones = [one for one in found if (one.said or {}).get("reply") and "|" not in one.said["reply"]]  # no line of a table
    surest = sorted(open_ones, key=lambda one: -(one.said or {}).get("confidence", 0))
    made = next(one.conversation_id for one in surest if conversations.get(one.conversation_id or "", by=lead))
    return f"conversation?conversation={made}"


def asks(page: Page, question: str) -> None:
    drawn(page)
    field = page.get_by_role("textbox", name="Your question")
    field.fill(question)
    field.press("Enter")
    expect(page.locator(".st-key-ask_answer").get_by_text(question, exact=True)).to_be_visible()


def look_at_each(page: Page, server: Server, addresses: dict[str, str], amount: str, theme: str) -> None:
    for name, address in addresses.items():
        page.goto(f"{server.base}/{address}")
        look(page, f"knowledge-{amount}-{name}", theme)


def look(page: Page, name: str, theme: str) -> None:
    """Nothing is wider than the window."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        drawn(page)
        shoot(page, f"{name}-{width}-{theme}")
        wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= window, f"{name} is {wide} wide in a window of {window}"
