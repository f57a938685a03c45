"""The story of recipes, so far: from a chat about a late parcel to a draft that says what it would have done to the last ones."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import col, select

from automations import RECIPE, backtest, drafting, recipes, trying
from automations.conversing import Connected
from automations.door import ASKED, NOTHING
from automations.steps.all import STEPS
from data import people, store
from data.tables import Conversation, Label, Person
from data.values import Target
from portal import catalog, shopkeeping
from tests.browser import desk, drawn, settled, shoot
from tests.server import Server


@pytest.fixture
def server(demo: Path) -> Iterator[Server]:
    running = Server(demo, command="up").start()
    yield running
    running.stop()


def alma() -> Person:
    return next(person for person in people.demo_people() if person.name == "Alma Berger")


def a_late_parcel() -> str:
    """Of her team: one for which a colleague paid something back, as it would be paid back again."""
    with store.reading() as db:
        query = (
            select(Conversation)
            .join(Label, col(Label.id) == col(Conversation.intent_id))
            .where(Conversation.team_id == alma().team_id, Label.name == "Late delivery")
        )
        found = list(db.exec(query.order_by(col(Conversation.place).desc())))
    with shopkeeping.beside() as shop:
        connected = catalog.connected_for(alma(), shop=shop)
        return next(one.id for one in found if backtest.people_moved(shop, one) > NOTHING and would_pay(one.id, connected))


def would_pay(conversation_id: str, connected: Connected) -> bool:
    made = drafting.from_conversation(conversation_id, shop=connected.shop, by=alma())
    tried = trying.on(made, conversation_id, connected=connected, steps=STEPS, by=alma())
    return [one.step for one in made.acts] == ["look up order", "refund", "draft reply"] and any(did.state == ASKED for did in tried.did)


def test_a_rep_automates_what_a_colleague_did_and_knows_beforehand_what_it_would_have_done(browser: Browser, server: Server) -> None:
    complaints: list[str] = []
    with server.inside():
        conversation_id = a_late_parcel()
    with desk(browser, server.base, "Alma Berger", complaints) as rep:
        rep.goto(f"{server.base}/conversation?conversation={conversation_id}")
        drawn(rep)
        rep.get_by_role("link", name="Automate this").click()
        sees_the_steps(rep)
        saves(rep)
        backtests(rep)
    with server.inside():
        made = next(one for one in recipes.listed(by=alma()) if one.newest.body["title"] == "Late delivery")
        (first, *_), steps = recipes.history(made.name, by=alma()), recipes.read(made.newest).acts
        assert (first.target_number, first.manifest["why"]) == (1, "We pay it back by hand every day.")
        assert [one.step for one in steps][:2] == ["look up order", "refund"]
        looked = backtest.newest(Target(RECIPE, made.name, 1), by=alma())
        assert looked is not None and looked.told["conversations"] >= 20 and looked.told["covers"][0] > 0
    assert complaints == []


def sees_the_steps(rep: Page) -> None:
    """Filled from the conversation, each with its result on it."""
    expect(rep.get_by_text("On this conversation:")).to_be_visible()
    drawn(rep)
    expect(rep.get_by_text(re.compile(r"1 · Look up order"))).to_be_visible()
    expect(rep.get_by_text(re.compile(r"2 · Refund"))).to_be_visible()
    expect(rep.get_by_text("needs a yes").first).to_be_visible()
    shoot(rep, "recipes-1-begun")


def saves(rep: Page) -> None:
    why = rep.get_by_label("Why", exact=True)
    why.fill("We pay it back by hand every day.")
    why.press("Enter")
    settled(rep)
    save = rep.get_by_role("button", name=re.compile("^Save"))
    save.press("Enter")
    expect(rep.get_by_text(re.compile("version 1 saved by Alma Berger"))).to_be_visible()
    drawn(rep)


def backtests(rep: Page) -> None:
    rep.get_by_role("radio", name="Backtest").click(force=True)
    settled(rep)
    rep.get_by_role("button", name=re.compile("^Backtest")).press("Enter")
    expect(rep.get_by_text(re.compile(r"It has something for the customer in [\d,]+ of [\d,]+ conversations"))).to_be_visible()
    drawn(rep)
    expect(rep.get_by_text("Agrees with people").first).to_be_visible()
    shoot(rep, "recipes-2-backtest")
