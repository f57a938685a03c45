"""The story of a use case in a browser: begun, told, its baseline taken, gone on with, held up before production, and its report."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from data import people, store, use_case_bars, use_cases
from data.errors import Refused
from data.tables import Monitor, Person, UseCase, UseCaseMove
from data.use_cases import Link, Step
from data.values import now
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


# -- from an opportunity to the report, eight weeks later ---------------------------------------------------------------------------------

WEEK, MATTER = timedelta(weeks=1), "Damaged item"  # often enough for a baseline of its first weeks
STEPS: dict[str, Any] = {
    "systems": ["Shop: orders", "Photos that customers send"], "risk": "low", "risk_why": "A person looks at it before it is sent.",
    "before": [Step("Ask for a photo", "person", 2.0), Step("Find the order", "person", 2.0), Step("Offer a new one", "person", 3.0)],
    "after": [Step("Say what it is about", "machine"), Step("Ask for a photo", "proposes", 0.5), Step("Offer a new one", "person", 3.0)],
}  # fmt: skip


def test_an_opportunity_is_a_use_case_in_production_eight_weeks_later_and_its_report_goes_up(browser: Browser, server: Server) -> None:
    complaints: list[str] = []
    with desk(browser, server.base, "Lena Hoffmann", complaints) as lead:
        said = begins_from_the_opportunity(lead, server)
        with server.inside():
            eight_weeks_pass()
        sees_how_it_went(lead, server)
    with desk(browser, server.base, "Otto Braun", complaints) as head:
        reads_the_report(head, server, said)
    assert complaints == []


def begins_from_the_opportunity(lead: Page, server: Server) -> str:
    """Its sentence is what the problem begins with."""
    lead.goto(f"{server.base}/opportunities")
    drawn(lead)
    line = lead.locator("[class*='st-key-opportunities_line_']").filter(has_text=MATTER)
    while not line.count():  # on a later page
        lead.get_by_role("button", name="Next page").click()
        drawn(lead)
    said = line.get_by_text(re.compile("a week, .* minutes each")).inner_text()
    shoot(lead, "use-cases-4-opportunity")
    line.get_by_role("link", name="Start a use case").click()
    expect(lead.get_by_role("heading", name="A new use case")).to_be_visible()
    drawn(lead)
    expect(lead.get_by_label("What is it called?")).to_have_value(MATTER)
    expect(lead.get_by_label("Which problem does it solve?")).to_have_value(said)
    choose(
        lead.get_by_test_id("stSelectbox").filter(has_text="goal of the business").locator("input"),
        "Fewer hours on what is always the same",
    )
    lead.get_by_role("button", name="Begin it").press("Enter")
    expect(lead.get_by_text("Before develop", exact=True)).to_be_visible()
    for missing in ("Set a target that is better than the baseline.", "Name the systems and data that it touches."):
        expect(lead.get_by_text(missing).first).to_be_visible()
    return said


def eight_weeks_pass() -> None:
    """It was begun then; what was done since is done on its days, through the verbs that everybody uses, and each bar is asked."""
    lena, nora = (people.by_email(f"{name}@ferngrove.example") for name in ("lena.hoffmann", "nora.engel"))
    assert lena and nora
    began = now() - 8 * WEEK
    case = use_cases.get(MATTER, by=lena)
    with store.writing() as db:
        for row in (db.get_one(UseCase, case.id), *db.exec(select(UseCaseMove).where(UseCaseMove.use_case_id == case.id))):
            row.at = began
            db.add(row)
        watched = db.exec(select(Monitor.id).where(Monitor.name == "Satisfied customers")).one()
    case = use_cases.take_baseline(case.id, by=lena, at=began)
    was = (use_cases.kpi_of(case) or pytest.fail("it has none")).baseline or {}
    links = [Link("classifier", "intent"), Link("set", "Everyday intents"), Link("monitor", watched)]
    kpi = {"measure": "handling", "intent": case.kpi["intent"], "target": was["value"] * 0.95}
    case = use_cases.change(case.id, seen=case.number, by=lena, kpi=kpi, links=links, **STEPS)
    with pytest.raises(Refused, match="An engineer who does not own it signs off"):
        advance(case, lena, began + WEEK, 2)
    use_cases.sign_off(case.id, by=nora, at=began + WEEK)
    advance(case, lena, began + 2 * WEEK, 2)
    with pytest.raises(Refused, match="nobody may go without"):
        advance(case, lena, began + 3 * WEEK, 1)  # too early: too few conversations are known since
    advance(case, lena, began + 6 * WEEK, 1)


def advance(case: UseCase, by: Person, at: datetime, stages: int) -> None:
    for place in range(stages):
        use_case_bars.go_on(case.id, by=by, at=at + place * timedelta(days=1))


def sees_how_it_went(lead: Page, server: Server) -> None:
    lead.goto(f"{server.base}/use_cases")
    drawn(lead)
    opened(lead, MATTER)
    expect(lead.get_by_text("Before upkeep", exact=True)).to_be_visible()
    told = lead.get_by_text(re.compile("entered Develop: ")).inner_text()
    assert [stage in told for stage in ("Develop: ", "Evaluate: ", "Beta: ", "Production: ")] == [True] * 4
    shoot(lead, "use-cases-5-eight-weeks-later")


def reads_the_report(head: Page, server: Server, said: str) -> None:
    """Whoever runs support has it by its address, and as a file to send on."""
    head.goto(f"{server.base}/use_cases")
    drawn(head)
    opened(head, MATTER)
    head.get_by_text("Its report, a page for whoever was not there").click()
    with head.expect_download() as coming:
        head.get_by_role("button", name="Download the report").press("Enter")
    report = coming.value.path().read_text()
    assert report.startswith(f"# {MATTER}\n") and said.split(".")[0] in report.replace("\\", "")
    assert all(stage in report for stage in ("to develop", "to evaluate", "to beta", "to production"))
