"""The story of recipes: from a chat about a late parcel to one that is tried on the last ones, approved, for 10 %, live, and stopped."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import col, select

from automations import RECIPE, backtest, drafting, recipes, trying
from automations.conversing import Connected
from automations.door import ASKED, NOTHING
from automations.steps.all import STEPS
from data import people, releases, store
from data.tables import Conversation, Label, Person, Proposal
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


def test_a_rep_automates_what_a_colleague_did_and_a_lead_takes_it_live_and_stops_it(browser: Browser, server: Server) -> None:
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
        proposes(rep)
    with desk(browser, server.base, "Lena Hoffmann", complaints) as lead:
        with server.inside():
            proposal_id, name = what_waits()
        approves(lead, server.base, proposal_id)
        begins(server, name)
        leads_it_on(lead, server, name)
        stops_it(lead, server, name)
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


def proposes(rep: Page) -> None:
    rep.get_by_role("radio", name="Release").click(force=True)
    settled(rep)
    expect(rep.get_by_text("Nothing speaks against it.")).to_be_visible()
    why = rep.get_by_label("Why", exact=True)
    why.fill("It pays what we pay, and asks us each time.")
    why.press("Enter")
    settled(rep)
    rep.get_by_role("button", name=re.compile("^Propose version 1")).press("Enter")
    expect(rep.get_by_text("Waits for a second person").first).to_be_visible()


def what_waits() -> tuple[str, str]:
    """The newest proposal to release a recipe, and which."""
    with store.reading() as db:
        found = db.exec(select(Proposal).where(Proposal.kind == "publish_recipe", Proposal.state == "open")).one()
    return found.id, str(found.payload["target_name"])


def approves(lead: Page, base: str, proposal_id: str) -> None:
    lead.goto(f"{base}/approvals?proposal={proposal_id}")
    drawn(lead)
    expect(lead.get_by_text("It would move").first).to_be_visible()
    lead.get_by_role("button", name=re.compile("^Approve: ")).press("Enter")
    settled(lead)


def begins(server: Server, name: str) -> None:
    """In the background: with nothing leaving at first."""
    with server.inside():
        for _ in range(300):
            if (begun := releases.under_way(RECIPE, name)) is not None:
                break
            time.sleep(0.2)
        assert begun is not None and (begun.stage, begun.percent) == ("shadow", 0)


def leads_it_on(lead: Page, server: Server, name: str) -> None:
    lead.goto(f"{server.base}/automations?recipe={name}&tab=release")
    drawn(lead)
    goes(lead, "10 %", "Its first hour was fine.")
    expect(lead.get_by_text(re.compile("answers for 10.% of customers"))).to_be_visible()
    drawn(lead)
    shoot(lead, "recipes-3-release")
    goes(lead, "For all", "Nobody was paid who should not be.")
    expect(lead.get_by_text(re.compile("Version 1 is live"))).to_be_visible()
    with server.inside():
        live = releases.live(RECIPE, name)
        assert live is not None and live.salt  # some are held out


def goes(lead: Page, step: str, why: str) -> None:
    box = lead.get_by_label("Lead it on: why")
    box.fill(why)
    box.press("Enter")
    settled(lead)
    lead.get_by_role("button", name=step, exact=True).press("Enter")
    settled(lead)


def stops_it(lead: Page, server: Server, name: str) -> None:
    lead.get_by_role("button", name="Stop", exact=True).press("Enter")
    why = lead.get_by_label("Why", exact=True)
    why.fill("A carrier's strike: nothing is late because of us.")
    why.press("Enter")
    settled(lead)
    lead.get_by_role("button", name="Stop this recipe").press("Enter")
    expect(lead.get_by_text(re.compile("is stopped"))).to_be_visible()
    with server.inside():
        assert releases.live(RECIPE, name) is None and releases.under_way(RECIPE, name) is None
        (ended,) = [one for one in releases.steps(RECIPE, name) if one.percent == releases.EVERYBODY]
        assert "strike" in ended.ended_why
