"""The story of knowledge: asked with one key, answered with its source or not at all; what is missing becomes an article by two people."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from data import approvals, people
from data.tables import Person
from evals import freezing, graders, runs, scores, sets
from knowledge import answerers, articles, files, gaps, in_force
from portal import article_files
from tests.browser import desk, drawn, settled, shoot
from tests.conftest import SOAK
from tests.server import Server, eventually

LAMPS = ("Aster", "Borage", "Clover", "Daisy", "Elder", "Fennel", "Ginger", "Hazel", "Iris", "Juniper")
MATTERS = (
    "The {name} grow lamp, model {number}, draws {watts} watts and lights a shelf of {width} centimetres.",
    "Clean the {name} grow lamp, model {number}, with a dry cloth every {weeks} weeks.",
    "The {name} grow lamp, model {number}, has a guarantee of {years} years from the day of delivery.",
)
MANY = 698 if SOAK else 120
FOREIGN = "Who won the football match last night?"
VISITS = (
    "Can I visit your observatory on a Sunday?",
    "Is the observatory open to visitors on Sundays?",
    "May we come and see the observatory on Sunday?",
)
WRITTEN = (
    "You are welcome to visit our observatory. The observatory is open to visitors on Saturdays and Sundays from 10 to 16 hours. "
    "Whoever wants to come and see the observatory with a school class writes to us a week before. A visit costs nothing."
)


@pytest.fixture
def server(demo: Path, tmp_path: Path) -> Iterator[Server]:
    running = Server(demo, command="up").start()
    yield running
    running.stop()


def test_a_question_that_nothing_covers_becomes_an_article(browser: Browser, server: Server, tmp_path: Path) -> None:
    complaints: list[str] = []
    with server.inside():
        bring(folder_of_lamps(tmp_path / "lamps"))
    with desk(browser, server.base, "Alma Berger", complaints) as rep:
        asks(rep, "How many years of guarantee has the Hazel grow lamp, model 37?")
        expect(rep.get_by_role("link", name=re.compile("Hazel grow lamp 37"))).to_be_visible()
        expect(rep.locator(".st-key-ask_answer").get_by_text(re.compile("guarantee of 3 years"))).to_be_visible()
        shoot(rep, "knowledge-1-answered")
        says(rep, "y", "You said that it helped.")
        asks(rep, FOREIGN)
        expect(rep.get_by_text("I should not answer this.")).to_be_visible()
        for question in VISITS:  # the demo's answerer is bold: it may quote something else, and that is missing as well
            asks(rep, question)
            says(rep, "m", "You said that it is missing.")
        shoot(rep, "knowledge-2-missing")
        slug = writes_it(rep, server)
        with server.inside():
            freezing.freeze(sets.by_name("Everyday questions", by=named("Lena Hoffmann")).id, by=named("Lena Hoffmann"))
        tries_and_proposes(rep)
    with desk(browser, server.base, "Marco Silva", complaints) as lead:
        approves(lead)
    with server.inside():
        eventually(lambda: slug in in_force.numbers(), "it is published", within=60)
        assert passes_its_cases(slug) == (3, 3)
    with desk(browser, server.base, "Alma Berger", complaints) as rep:
        asks(rep, VISITS[1])
        expect(rep.locator(".st-key-ask_answer").get_by_text(re.compile("open to visitors on Saturdays and Sundays"))).to_be_visible()
        shoot(rep, "knowledge-6-covered")
    assert complaints == []


def named(name: str) -> Person:
    return next(one for one in people.everybody(by=people.console()) if one.name == name)


def folder_of_lamps(folder: Path) -> Path:
    """So many articles that are alike: only the name and the number tell them apart."""
    folder.mkdir()
    for number in range(MANY):
        name = LAMPS[number % len(LAMPS)]
        told = [
            matter.format(
                name=name, number=number, watts=10 + number % 40, width=40 + number % 60, weeks=2 + number % 5, years=2 + number % 3
            )
            for matter in MATTERS
        ]
        (folder / f"lamp-{number}.md").write_text(f"---\ntitle: {name} grow lamp {number}\narea: Lamps\n---\n{' '.join(told)}\n")
    return folder


def bring(folder: Path) -> None:
    """As `portal knowledge import` and two people do."""
    before = len(in_force.numbers())
    read = files.read(folder)
    assert len(read.articles) == MANY and not read.refused
    brought = articles.bring(article_files.as_contents(read), source="the lamps' maker", by=named("Lena Hoffmann"))
    proposal = articles.propose(brought.targets, why="We sell lamps now.", by=named("Alma Berger"))
    approvals.approve(proposal.id, by=named("Marco Silva"))
    eventually(lambda: len(in_force.numbers()) == before + MANY, "the lamps are published", within=240)


def asks(page: Page, question: str) -> None:
    """From wherever one is, with one key."""
    page.locator("html[data-keys=heard]").wait_for(state="attached")
    drawn(page)
    page.keyboard.press("a")
    field = page.get_by_role("textbox", name="Your question")
    expect(field).to_be_focused()
    field.fill(question)
    field.press("Enter")
    expect(page.locator(".st-key-ask_answer").get_by_text(question, exact=True)).to_be_visible()
    settled(page)
    page.keyboard.press("Escape")
    expect(field).not_to_be_focused()


def says(page: Page, key: str, told: str) -> None:
    page.keyboard.press(key)
    expect(page.get_by_text(told).first).to_be_visible()
    settled(page)


def writes_it(rep: Page, server: Server) -> str:
    """The gap's questions stand together; the article begins with them."""
    rep.goto(f"{server.base}/gaps")
    drawn(rep)
    rep.get_by_role("button", name="Look now").click()
    card = rep.locator('[class*="st-key-gaps_card_"]').filter(has_text=re.compile("observatory", re.IGNORECASE))
    expect(card).to_be_visible()
    shoot(rep, "knowledge-3-gaps")
    card.get_by_role("button", name="Open it").click()
    rep.get_by_role("button", name="Draft an article").click()
    rep.get_by_role("textbox", name="Text").fill(WRITTEN)
    rep.get_by_role("textbox", name="Title").fill("Visiting the observatory")
    rep.get_by_role("textbox", name="Title").press("Tab")
    settled(rep)
    shoot(rep, "knowledge-4-draft")
    rep.get_by_role("button", name="Save the draft").click()
    expect(rep.get_by_role("heading", name="Visiting the observatory")).to_be_visible()
    expect(rep.get_by_text("Not published: no answer quotes it.")).to_be_visible()
    with server.inside():
        [gap] = [one for one in gaps.standing(by=named("Alma Berger")) if one.article]
    assert (gap.state, gap.told["cases"]) == (gaps.WRITTEN, 3)
    return gap.article


def tries_and_proposes(rep: Page) -> None:
    rep.reload()
    drawn(rep)
    rep.get_by_role("button", name="Propose to publish version 1").click()
    rep.get_by_role("button", name="Try it").click()
    fixed = rep.get_by_text(re.compile(r"cases that it touches 3 are fixed, \d+ broken"))
    if not fixed.is_visible():  # a popover closes where the page is drawn anew
        expect(rep.get_by_text(re.compile("Try articles on the cases")).or_(fixed).first).to_be_visible()
    expect(fixed).to_be_visible()
    shoot(rep, "knowledge-5-tried")
    for name, typed in (("Why it is right although it breaks them", "It answers more."), ("Why", "Customers ask for it every week.")):
        field = rep.get_by_role("textbox", name=name, exact=True)
        if field.is_visible():  # the first one only where a case of the demo is answered from it by mistake
            field.fill(typed)
            field.press("Tab")
            settled(rep)
    drawn(rep)  # the popover moves as it is drawn, and a click beside the button is none
    rep.get_by_role("button", name="Propose it").press("Enter")
    expect(rep.get_by_text("Proposed. Another lead or engineer decides.")).to_be_visible()


def approves(lead: Page) -> None:
    lead.get_by_role("link", name="Approvals").click()
    drawn(lead)
    line = lead.locator("div[data-testid=stVerticalBlock]").filter(has_text=re.compile("Publish 'Visiting the observatory'")).last
    line.get_by_role("button", name=re.compile("^Approve")).click()
    expect(lead.get_by_text(re.compile("Approved. Answers may quote it"))).to_be_visible()


def passes_its_cases(slug: str) -> tuple[int, int]:
    """Of the cases that the article was written for."""
    by = named("Lena Hoffmann")
    version = sets.latest(sets.by_name("Everyday questions", by=by).id)
    assert version is not None
    target = answerers.target_in_force()
    run = runs.run(version.id, target, answerers.ask(target), by=by, again=True, known=graders.BY_NAME)
    theirs = [case for case in sets.cases(version.id) if case.expected["articles"] == [slug]]
    said = scores.by_case(run.id)
    return sum(said[case.id].passed for case in theirs), len(theirs)
