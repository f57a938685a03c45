"""A lead has a measure watched, is told, sees to it and closes it: in a real browser, on the narrow screen too, with nothing that keeps
somebody out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from data import people
from evals import alerts, monitors
from tests import axe
from tests.browser import desk, drawn, settled, shoot
from tests.conftest import let_go
from tests.server import Server, serving
from tests.test_accessibility import KNOWN
from tests.test_portal_monitors import fell

WIDTHS = (1280, 900, 390)


@pytest.fixture
def server(sqlite_home: Path) -> Iterator[Server]:
    people.add("Leo", "leo@example.com", "lead", by=people.console(), team=people.add_team("Oak", by=people.console()), demo=True)
    fell()
    let_go()
    with serving(sqlite_home) as running:
        yield running


def because(page: Page, label: str, why: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(why)
    field.blur()
    settled(page)


def is_sound(page: Page, name: str) -> None:
    """At each width: nothing is wider than the window, and nothing grave is found."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        drawn(page)
        wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= window, f"{name} is {wide} wide in a window of {window}"
        shoot(page, f"{name}-{width}")
    page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    page.mouse.move(0, 0)  # a chosen part under the mouse is Streamlit's own colour
    drawn(page)
    found = [one for one in axe.findings(page, [known.selector for known in KNOWN]) if not any(known.covers(one) for known in KNOWN)]
    assert not found, f"{name}: {found}"


def test_a_lead_is_told_of_a_fall_sees_to_it_and_closes_it(browser: Browser, server: Server) -> None:
    complaints: list[str] = []
    with desk(browser, server.base, "Leo", complaints) as lead:
        lead.goto(f"{server.base}/monitors?measure=csat&channel=chat")
        lead.get_by_text("In 90 days it would have told one alert").wait_for()
        is_sound(lead, "monitors-form")
        because(lead, "Why", "We promised four of five.")
        lead.get_by_role("button", name="Have it watched").click()
        lead.get_by_text("Not looked at yet").wait_for()
        with server.inside():
            alerts.look(by=people.console())
        lead.reload()
        lead.get_by_text("'Satisfied' in chat fell to").first.wait_for()
        is_sound(lead, "monitors-alert")
        lead.get_by_role("button", name="See to it").click()
        because(lead, "What you do about it", "I read ten of them.")
        lead.get_by_role("button", name="I see to it").click()
        lead.get_by_text("Leo sees to it, just now: I read ten of them.").wait_for()
        lead.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Close", exact=True).click()
        because(lead, "What it was", "The survey asked twice.")
        lead.get_by_role("button", name="Close the alert").click()
        lead.get_by_text("Closed, waits until it is calm").wait_for()
        lead.get_by_role("button", name="All monitors").click()
        lead.get_by_role("button", name="'Satisfied' in chat", exact=True).wait_for()
        expect(lead.get_by_role("img", name="From 80")).to_have_count(1)
        is_sound(lead, "monitors-list")
    with server.inside():
        (watched,) = monitors.all_of(by=people.console())
        (alert,) = alerts.of(watched.monitor.id, by=people.console())
    assert (alert.state, alert.note, alert.ended_why) == ("closed", "I read ten of them.", "The survey asked twice.")
    assert complaints == []
