"""The story of a use case in a browser: begun, told, its baseline taken, gone on with, held up before production, and its report."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from data import people, use_cases
from tests.browser import choose, desk, drawn, settled, shoot
from tests.server import Server, serving


@pytest.fixture
def server(demo: Path) -> Iterator[Server]:
    with serving(demo) as running:  # nobody waits for a worker here
        yield running


def test_a_lead_takes_a_use_case_from_the_problem_to_its_second_stage(browser: Browser, server: Server) -> None:
    complaints: list[str] = []
    with desk(browser, server.base, "Lena Hoffmann", complaints) as lead:
        sees_the_portfolio(lead, server)
        begins(lead)
        tells_what_it_is(lead)
        takes_its_baseline_and_goes_on(lead)
        is_held_up_before_production(lead, server)
    with desk(browser, server.base, "Nora Engel", complaints) as engineer:
        signs(engineer, server)
    assert complaints == []


def opened(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).first.press("Enter")
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    drawn(page)


def sees_the_portfolio(lead: Page, server: Server) -> None:
    """Each goal, what serves it, and how far that is."""
    lead.goto(f"{server.base}/use_cases")
    expect(lead.get_by_text("4 under way: 1 in define, 1 in develop, 1 in beta, 1 in upkeep.")).to_be_visible()
    for words in ("Nobody waits for money or a parcel without knowing why", "Answers promise only what we keep", "target 76"):
        expect(lead.get_by_text(words).first).to_be_visible()
    drawn(lead)
    shoot(lead, "use-cases-1-portfolio")


def begins(lead: Page) -> None:
    lead.get_by_role("button", name="Begin a use case").press("Enter")
    expect(lead.get_by_role("heading", name="A new use case")).to_be_visible()
    drawn(lead)
    lead.get_by_label("What is it called?").fill("Invoices sent again")
    lead.get_by_label("Which problem does it solve?").fill("Customers ask for an invoice that they could fetch, and wait a day for it.")
    choose(
        lead.get_by_test_id("stSelectbox").filter(has_text="goal of the business").locator("input"),
        "Fewer hours on what is always the same",
    )
    lead.get_by_role("button", name="Begin it").press("Enter")
    expect(lead.get_by_role("heading", name="Invoices sent again", exact=True)).to_be_visible()
    expect(lead.get_by_text("Before develop", exact=True)).to_be_visible()
    for sentence in ("Choose the measure by which it is told", "Say how large its risk is, and why."):
        expect(lead.get_by_text(sentence).first).to_be_visible()


def tells_what_it_is(lead: Page) -> None:
    """The table of the work grows by a line."""
    lead.get_by_role("button", name="Change", exact=True).press("Enter")
    expect(lead.get_by_role("button", name="Keep it")).to_be_visible()
    drawn(lead)
    choose(lead.get_by_test_id("stSelectbox").filter(has_text="KPI: by what").locator("input"), "Handling time of people")
    settled(lead)
    lead.get_by_label("Target, in minutes").fill("2")
    lead.get_by_label("Target, in minutes").press("Enter")
    settled(lead)
    systems = lead.get_by_test_id("stMultiSelect").filter(has_text="Systems and data").locator("input")
    systems.fill("Shop: invoices")
    systems.press("Enter")
    settled(lead)
    lead.get_by_role("radio", name="Low").or_(lead.get_by_role("button", name="Low", exact=True)).first.click()
    settled(lead)
    lead.get_by_label("Why is the risk so large?").fill("An invoice goes to whom it was sent before.")
    lead.get_by_label("Why is the risk so large?").press("Control+Enter")
    settled(lead)
    lead.get_by_role("button", name="Keep it").press("Enter")
    expect(lead.get_by_text("An invoice goes to whom it was sent before.")).to_be_visible()
    drawn(lead)


def takes_its_baseline_and_goes_on(lead: Page) -> None:
    lead.get_by_role("button", name="Take the baseline").press("Enter")
    expect(lead.get_by_text(re.compile(r"^Its baseline stands on"))).to_be_visible()
    drawn(lead)
    lead.get_by_role("button", name="Go on to develop").press("Enter")
    expect(lead.get_by_text(re.compile("one thing is missing"))).to_be_visible()  # the work of today is not written down
    why = lead.get_by_label("Why it goes on without")
    why.fill("The steps are timed next week.")
    why.press("Enter")
    settled(lead)
    lead.get_by_role("button", name="Go on to develop").press("Enter")
    expect(lead.get_by_text("Before evaluate", exact=True)).to_be_visible()
    expect(lead.get_by_text("Still open from before", exact=True)).to_be_visible()
    drawn(lead)
    shoot(lead, "use-cases-2-developed")


def is_held_up_before_production(lead: Page, server: Server) -> None:
    """Nobody goes without, whatever they say; the chart carries the stages, and the report tells it all."""
    lead.goto(f"{server.base}/use_cases")
    drawn(lead)
    opened(lead, "Where is my order, answered at once")
    expect(lead.get_by_text("Into production nobody goes without what is open here.")).to_be_visible()
    expect(lead.get_by_role("button", name="Go on to production")).to_have_count(0)
    expect(lead.get_by_text(re.compile("entered Develop: "))).to_be_visible()
    lead.get_by_text("Its report, a page for whoever was not there").click()
    expect(lead.get_by_role("heading", name="Still open")).to_be_visible()
    shoot(lead, "use-cases-3-beta")
    with lead.expect_download() as coming:
        lead.get_by_role("button", name="Download the report").press("Enter")
    assert coming.value.path().read_text().startswith("# Where is my order, answered at once\n")
    point = lead.locator("svg path[aria-roledescription='point']").nth(2)
    point.scroll_into_view_if_needed()
    point.click(force=True)
    expect(lead.get_by_role("heading", name="Conversations", exact=True)).to_be_visible()
    assert "behind=" in lead.url


def signs(engineer: Page, server: Server) -> None:
    engineer.goto(f"{server.base}/use_cases")
    drawn(engineer)
    opened(engineer, "Small refunds without waiting")
    engineer.get_by_role("button", name="Sign off").press("Enter")
    expect(engineer.get_by_text(re.compile("Signed off by Nora Engel")).first).to_be_visible()
    with server.inside():
        nora = people.by_email("nora.engel@ferngrove.example")
        assert nora is not None and use_cases.is_signed(use_cases.get("Small refunds without waiting", by=nora))
