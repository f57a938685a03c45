"""The first three days of a new rep, in a browser, on the demo: each step is taken where its link leads, and the path fills."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from data import people
from tests.browser import choose, desk, drawn, settled, shoot
from tests.conftest import let_go
from tests.reviewing import gone_on, shown, verdict
from tests.server import Server, serving


@pytest.fixture
def server(demo: Path) -> Iterator[Server]:
    """Mira begins today."""
    oak = people.team_named("Team Oak")
    people.add("Mira Holm", "mira.holm@ferngrove.example", "rep", by=people.console(), team=oak, demo=True)
    let_go()
    with serving(demo) as running:  # nobody waits for a worker here
        yield running


def test_a_new_rep_goes_through_the_first_three_days(browser: Browser, server: Server) -> None:
    complaints: list[str] = []
    with desk(browser, server.base, "Mira Holm", complaints) as rep:
        stands(rep, server, "Day 1 of 5: 0 of 12 done, next: Read a conversation.")
        shoot(rep, "first-week-1-home")
        reads_one(rep, server)
        reviews_three(rep, server)
        stands(rep, server, "Day 2 of 5: 2 of 12 done, next: Take five gold examples.")
        takes_gold(rep, server)
        takes_one_back(rep, server)
        stands(rep, server, "Day 3 of 5: 4 of 12 done, next: Flag one, and say why.")
        flags_one_and_freezes(rep, server)
        stands(rep, server, "Day 4 of 5: 6 of 12 done, next: Ask what we know.")
        sees_the_whole_week(rep, server)
        puts_it_away_and_takes_it_up(rep, server)
    assert complaints == []


def stands(rep: Page, server: Server, told: str) -> None:
    rep.goto(server.base)
    expect(rep.get_by_text(told)).to_be_visible()
    settled(rep)


def follow(rep: Page, server: Server, step: str, title: str) -> None:
    """From the page of the whole week, as a person goes."""
    rep.goto(f"{server.base}/first_week")
    drawn(rep)
    rep.get_by_test_id("stMain").get_by_role("link", name=step).click()
    expect(rep.get_by_role("heading", name=title, exact=True)).to_be_visible()
    drawn(rep)


def reads_one(rep: Page, server: Server) -> None:
    follow(rep, server, "Read a conversation", "Conversations")
    table = rep.get_by_test_id("stDataFrame").locator("canvas").first.bounding_box()
    assert table is not None
    rep.mouse.click(table["x"] + 56, table["y"] + 50)  # what opens the first one, beside what chooses it
    expect(rep.get_by_role("link", name="All conversations")).to_be_visible()
    drawn(rep)


def reviews_three(rep: Page, server: Server) -> None:
    follow(rep, server, "Review three", "Review")
    for _ in range(3):
        judge(rep, "s")
    expect(rep.get_by_text("Three looked at. This is what came of them.")).to_be_visible()


def judge(rep: Page, key: str, why: str = "") -> None:
    """By the keys alone."""
    rep.locator("html[data-keys=heard]").wait_for(state="attached")
    drawn(rep)
    conversation = shown(rep)
    verdict(rep, key)
    if why:
        rep.keyboard.type(why)
    rep.keyboard.press("Enter")
    gone_on(rep, conversation)


def takes_gold(rep: Page, server: Server) -> None:
    follow(rep, server, "Take five gold examples", "Calibration")
    for place in range(5):
        choose(rep.get_by_test_id("stSelectbox").filter(has_text="Intent").locator("input"), "Damaged item")
        settled(rep)
        missing = rep.get_by_test_id("stSelectbox").filter(has_text="What was missing").locator("input")
        if missing.count():  # some ask it too
            choose(missing, "Nothing was missing")
            settled(rep)
        rep.get_by_role("button", name="Strong (S)").click()
        expect(rep.get_by_text("You said", exact=True)).to_be_visible()
        drawn(rep)
        if place < 4:
            rep.get_by_role("button", name=re.compile("Next one")).click()
            expect(rep.get_by_text("You said", exact=True)).to_have_count(0)
            drawn(rep)


def takes_one_back(rep: Page, server: Server) -> None:
    follow(rep, server, "Take one back, by the keys", "Review")
    judge(rep, "w")
    rep.keyboard.press("Escape")
    rep.keyboard.press("u")
    expect(rep.get_by_text(re.compile("^Taken back: "))).to_be_visible()


def flags_one_and_freezes(rep: Page, server: Server) -> None:
    follow(rep, server, "Flag one, and say why", "Review")
    judge(rep, "w", "Only one of two questions is answered.")
    follow(rep, server, "See it become a test case", "Eval sets")
    freeze = rep.get_by_role("button", name=re.compile(r"^Freeze \d+ flagged"))
    for _ in range(freeze.count()):
        left = freeze.count()
        freeze.first.click()
        expect(freeze).to_have_count(left - 1)
        drawn(rep)


def sees_the_whole_week(rep: Page, server: Server) -> None:
    rep.goto(f"{server.base}/first_week")
    drawn(rep)
    done = rep.get_by_text("check_circle")
    expect(rep.get_by_text("Flag one, and say why")).to_be_visible()
    expect(rep.get_by_test_id("stMain").get_by_role("link", name="Flag one, and say why")).to_have_count(0)  # what is done steps back
    expect(done.first).to_be_visible()
    shoot(rep, "first-week-2-page")


def puts_it_away_and_takes_it_up(rep: Page, server: Server) -> None:
    rep.goto(server.base)
    rep.get_by_role("button", name="Put it away").click()
    expect(rep.get_by_role("heading", name="Your first week")).to_have_count(0)
    expect(rep.get_by_test_id("stSidebarNav").get_by_role("link", name="First week")).to_have_count(0)
    rep.goto(f"{server.base}/account")
    rep.get_by_role("button", name="Take it up again").click()
    expect(rep.get_by_test_id("stSidebarNav").get_by_role("link", name="First week")).to_be_visible()
    stands(rep, server, "Day 4 of 5: 6 of 12 done, next: Ask what we know.")
