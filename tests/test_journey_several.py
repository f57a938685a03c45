"""A question of one's own: a rep begins "Annoyed", finds examples, trains and tries it; then it answers what comes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from classifiers import gathering, shipping
from data import approvals, labels, people, predictions, releases, versions
from data.intake import door
from data.tables import Person
from data.values import Target
from tests.browser import choose, desk, drawn, settled, shoot
from tests.conversations import canonical
from tests.server import Server, eventually

ANGRY = ("This is a scandal", "It is a scandal how you treat me", "What a scandal, again", "A scandal, I have had enough")
FINE = ("Thank you for the lighthouse", "The lighthouse was kind", "Greetings to your lighthouse", "A question for the lighthouse")
MATTERS = ("the parcel", "my order", "the fern", "the invoice", "your courier")
COMPLAINT = Target("classifier", "Annoyed", 1)


@pytest.fixture
def server(demo: Path) -> Iterator[Server]:
    running = Server(demo, command="up").start()
    yield running
    running.stop()


def test_a_rep_builds_a_classifier_that_says_yes_or_no(browser: Browser, server: Server) -> None:
    complaints: list[str] = []
    with server.inside():
        wrote([f"{ANGRY[number % 4]}, {MATTERS[number % 5]}, number {number}." for number in range(40)], first=910_000)
        wrote([f"{FINE[number % 4]}, {MATTERS[number % 5]}, number {number}." for number in range(40)], first=920_000)
    with desk(browser, server.base, "Alma Berger", complaints) as rep:
        begin(rep, server)
        find(rep, server, "Annoyed: Yes", by_rule, "several-2-rule")
        find(rep, server, "Annoyed: No", by_search, "several-3-search")
        with server.inside():
            say_more()
        train(rep)
        try_it(rep)
        with server.inside():
            ship()
            [made] = wrote(["A scandal, where is the fern? I have had enough."], first=930_000)
            eventually(lambda: any(one.target_name == "Annoyed" for one in predictions.beside_intent(made)), "it was answered", within=120)
        see_it_beside_the_intent(rep, server, made)
    assert complaints == []


def named(name: str) -> Person:
    return next(one for one in people.everybody(by=people.console()) if one.name == name)


def wrote(texts: list[str], *, first: int) -> list[str]:
    """To the rep's team, each by a customer of its own."""
    team = people.teams()[named("Alma Berger").team_id or ""]
    new = [
        canonical(number, team=team, customer=f"customer {number}", messages=[{"role": "customer", "text": text}])
        for number, text in enumerate(texts, start=first)
    ]
    return list(door.receive(new, by=people.console()).ids)


def begin(rep: Page, server: Server) -> None:
    rep.goto(f"{server.base}/classifiers")
    drawn(rep)
    rep.get_by_text("Begin another classifier").click()
    rep.get_by_label("Name", exact=True).fill("Annoyed")
    asks = rep.get_by_label("What it asks of each conversation")
    asks.fill("Is the customer complaining?")
    asks.press("Tab")
    rep.get_by_role("button", name="Begin it").click()
    expect(rep.get_by_text("Is the customer complaining? It learns from the conversations that you accept as examples.")).to_be_visible()
    expect(rep.get_by_text("Nothing was trained yet.")).to_be_visible()
    drawn(rep)
    shoot(rep, "several-1-begun")


def find(rep: Page, server: Server, answer: str, way: object, name: str) -> None:
    rep.goto(f"{server.base}/examples?classifier=Annoyed")
    drawn(rep)
    expect(rep.get_by_text("answers with yes or no. Choose the answer that you want to find examples of.")).to_be_visible()
    choose(rep.get_by_role("combobox", name=re.compile("Label")), f"{answer} (being taught)")
    expect(rep.get_by_role("heading", name=answer.split()[-1], exact=True)).to_be_visible()
    drawn(rep)
    way(rep)  # type: ignore[operator]
    expect(rep.get_by_text("0 of 40 looked at, 0 belong")).to_be_visible()
    drawn(rep)
    rep.locator("html[data-keys=heard]").wait_for(state="attached")
    rep.keyboard.press("y")
    expect(rep.get_by_text("1 of 40 looked at, 1 belong")).to_be_visible()
    settled(rep)
    shoot(rep, name)
    rep.get_by_role("button", name="Take the other 39 unread").click()
    rep.get_by_role("button", name="Accept 40 examples").click()
    expect(rep.get_by_text(re.compile(r"^\d+ to learn from, \d+ kept for testing$"))).to_be_visible()
    drawn(rep)


def by_rule(rep: Page) -> None:
    rep.get_by_role("radio", name="Rule").click(force=True)
    rep.get_by_label("All of", exact=True).fill("scandal")
    rep.get_by_role("button", name="Find them").click()


def by_search(rep: Page) -> None:
    search = rep.get_by_label("Search", exact=True)
    search.fill("lighthouse")
    search.press("Enter")
    settled(rep)
    search.press("Tab")  # out of the field: Y is a letter in it


def say_more() -> None:
    """So many that 20 of them are surely kept for testing: a third is, by whose they are."""
    answers = {label.name: label.id for label in labels.of("Annoyed", drafts=True)}
    for answer, words, first in (("Yes", "This is an outrage", 940_000), ("No", "Regards to your harbour", 950_000)):
        texts = [f"{words}, {MATTERS[number % 5]}, number {number}." for number in range(40)]
        gathering.accept(wrote(texts, first=first), answers[answer], found="search", by=named("Alma Berger"))


def train(rep: Page) -> None:
    rep.get_by_role("link", name="Train a candidate with them").click()
    expect(rep.get_by_role("heading", name="Classifiers", exact=True)).to_be_visible()
    drawn(rep)
    rep.get_by_role("button", name="Train a candidate").click()
    expect(rep.get_by_role("heading", name="Candidate 1")).to_be_visible()
    expect(rep.get_by_text(re.compile(r"of the conversations of customers it had not learned from\. It learned from \d+"))).to_be_visible()
    drawn(rep)
    shoot(rep, "several-4-candidate")


def try_it(rep: Page) -> None:
    rep.get_by_role("radio", name="Try a text").click(force=True)
    text = rep.get_by_label("What a customer might write")
    text.fill("It is a scandal, where is my order?")
    text.press("Control+Enter")
    expect(rep.get_by_text(re.compile(r"Yes \d+\s%"))).to_be_visible()
    settled(rep)
    shoot(rep, "several-5-tried")


def ship() -> None:
    """As the screens do it that are tested elsewhere: measured, proposed by the rep, approved by the lead, carried out by the worker."""
    rep = named("Alma Berger")
    shipping.evaluate(COMPLAINT, by=rep)
    proposal = shipping.propose(COMPLAINT, why="It knows complaints.", by=rep)
    approvals.approve(proposal.id, by=named("Lena Hoffmann"))
    eventually(lambda: releases.live("classifier", "Annoyed"), "the worker ships it", within=120)
    assert [label.name for label in labels.of("Annoyed")] == ["No", "Yes"]
    assert versions.get(COMPLAINT).manifest["labels"] == 2


def see_it_beside_the_intent(rep: Page, server: Server, made: str) -> None:
    rep.goto(f"{server.base}/conversation?conversation={made}")
    expect(rep.get_by_text(re.compile(r"Machine: "))).to_be_visible()
    expect(rep.get_by_text(re.compile(r"Annoyed: Yes · \d+\s% sure · version 1"))).to_be_visible()
    drawn(rep)
    shoot(rep, "several-6-answered")
