"""The story of Quality: three sentences, from them to ten conversations, to the release behind them, back from it, a note, the digest."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from evals import brief, digest
from knowledge import articles
from tests import quality_story
from tests.browser import desk, drawn, settled, shoot
from tests.quality_story import ARTICLE, person
from tests.server import Server, inside

NOTED = "Version 4 of the article on refunds promised too much; version 3 is back."


@pytest.fixture
def server(demo: Path) -> Iterator[Server]:
    with inside(demo):
        quality_story.a_bad_week()
    running = Server(demo, command="up").start()
    yield running
    running.stop()


def test_a_lead_sees_what_fell_reads_ten_goes_back_and_notes_it(browser: Browser, server: Server) -> None:
    complaints: list[str] = []
    with desk(browser, server.base, "Lena Hoffmann", complaints) as lead:
        opens_quality(lead, server)
        reads_ten(lead, server)
        goes_back(lead, server)
        notes_it(lead, server)
        reads_the_digest(lead, server)
    assert complaints == []


def opens_quality(lead: Page, server: Server) -> None:
    """Computed before anybody came."""
    with server.inside():
        told = brief.newest(by=person("Lena Hoffmann"))
    assert told is not None and told.measure == "resolution"
    lead.goto(f"{server.base}/quality")
    for sentence in (told.moved, told.why, told.needs):
        expect(lead.get_by_text(sentence)).to_be_visible()
    assert re.match(r"Resolved fell \d\d points", told.moved) and "Refund not received" in told.why
    assert "version 4 of the article 'When your refund arrives' was published" in told.why and "Read ten of the" in told.needs
    expect(lead.locator("canvas, svg.marks").first).to_be_visible()
    drawn(lead)
    shoot(lead, "quality-1-monday")


def reads_ten(lead: Page, server: Server) -> None:
    """They are just those that the sentence speaks of."""
    with server.inside():
        told = brief.newest(by=person("Lena Hoffmann"))
    assert told is not None
    many = re.search(r"ten of the (\d+) conversations", told.needs)
    assert many is not None
    lead.get_by_role("link", name="Read ten of them").click()
    expect(lead.get_by_role("heading", name="Conversations", exact=True)).to_be_visible()
    expect(lead.get_by_text(f"{many[1]} conversations", exact=True)).to_be_visible()
    expect(lead.get_by_role("button", name=re.compile(r"Resolved: not, .*Refund not received"))).to_be_visible()
    shoot(lead, "quality-2-ten")


def goes_back(lead: Page, server: Server) -> None:
    lead.goto(f"{server.base}/quality")
    lead.get_by_role("link", name=re.compile("Open 'When your refund arrives'")).click()
    expect(lead.get_by_text(quality_story.TOO_MUCH).first).to_be_visible()
    drawn(lead)
    lead.get_by_role("radio", name="Versions").click(force=True)
    lead.get_by_role("button", name="Publish 3 again").press("Enter")
    field = lead.get_by_label("Why", exact=True)
    field.fill("Nobody has their money within the hour.")
    field.press("Tab")
    settled(lead)
    shoot(lead, "quality-3-back")
    lead.get_by_role("button", name="Publish it again").press("Enter")
    expect(lead.get_by_text(re.compile("Version 3 is published again"))).to_be_visible()
    with server.inside():
        article = articles.get(ARTICLE, by=person("Lena Hoffmann"))
    assert article is not None and article.live == 3


def notes_it(lead: Page, server: Server) -> None:
    """It stands on the line from then on."""
    lead.goto(f"{server.base}/quality")
    drawn(lead)
    lead.get_by_role("button", name="Note what happened").press("Enter")
    lead.get_by_label("What happened", exact=True).fill(NOTED)
    lead.get_by_role("button", name="Write it on the timeline").press("Enter")
    expect(lead.get_by_text("It stands on the timeline.")).to_be_visible()
    drawn(lead)
    lead.get_by_text(re.compile(r"Notes in these days: \d")).click()
    expect(lead.get_by_text(NOTED).first).to_be_visible()
    shoot(lead, "quality-4-noted")


def reads_the_digest(lead: Page, server: Server) -> None:
    """Of the week that ended last, as it was known on Monday at six; the same sentences for everybody who sees the same."""
    with server.inside():
        digest.write_due()
        told = digest.of(by=person("Lena Hoffmann"))
    assert told is not None
    lead.goto(f"{server.base}/digest")
    expect(lead.get_by_role("heading", name="Digest", exact=True)).to_be_visible()
    expect(lead.get_by_text(told.told.brief.moved).first).to_be_visible()
    shoot(lead, "quality-5-digest")
