"""Intake in a real browser: an engineer brings a file and connects the help desk, an admin says yes, and conversations come in."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from data import store
from data.tables import ImportBatch, Proposal
from tests.browser import choose, desk, settled, shoot
from tests.helpdesk import SECRET, Helpdesk, running
from tests.server import Server, eventually
from tests.test_journey import go

CARD = "4111 1111 1111 1111"
CALLS = f"""Ticket,Created,Wer,Worum es geht,Rating
T1,2026-03-01 10:00,customer,"Hello, my name is Anna Schmidt and my card {CARD} was charged twice",
T1,2026-03-01 10:05,agent,"Hi Anna, the second charge is taken back today.",5
T2,2026-03-02 09:00,customer,"Where is my monstera? Call me on +49 170 1234567",
T3,2026-03-03 09:30,parrot,"Hello hello",
"""


@pytest.fixture
def server(demo: Path) -> Iterator[Server]:
    started = Server(demo, command="up").start()
    yield started
    started.stop()


@pytest.fixture
def help_desk() -> Iterator[Helpdesk]:
    with running("intercom") as there:
        for key in range(1, 31):
            there.add(key, time.time() - 86_400 * (31 - key), f"Where is parcel {key}? My card is {CARD}.")
        yield there


def test_conversations_come_from_a_file_and_from_the_help_desk(
    browser: Browser, server: Server, help_desk: Helpdesk, tmp_path: Path
) -> None:
    complaints: list[str] = []
    with desk(browser, server.base, "Nora Engel", complaints) as engineer:
        go(engineer, "Import", "Import")
        decides_on_what_waits(engineer)
        brings_a_file(engineer, tmp_path)
        connects(engineer, help_desk, server)
    with desk(browser, server.base, "Otto Braun", complaints) as admin:
        says_yes(admin, server)
    with desk(browser, server.base, "Nora Engel", complaints) as engineer:
        eventually(lambda: came(server) == 30, "the first thirty", within=120)
        go(engineer, "Import", "Import")
        sees_them_come(engineer, help_desk)
        finds_them(engineer)
    assert complaints == []
    assert CARD not in server.log() and SECRET not in server.log()


def decides_on_what_waits(page: Page) -> None:
    """The demo's own table of calls: what would come, what is refused, before and after."""
    expect(page.get_by_role("button", name="Import 25 conversations")).to_be_visible()
    expect(page.get_by_text("5 names, 5 addresses, 5 cards, 5 phone numbers")).to_be_visible()
    shoot(page, "intake-1-report")
    page.get_by_role("button", name="Forget the file").click()
    expect(page.get_by_text("Browse files").or_(page.get_by_text("Upload")).first).to_be_visible()


def brings_a_file(page: Page, folder: Path) -> None:
    """A column was not guessed; it is said, and the file is read again."""
    (folder / "calls.csv").write_text(CALLS)
    page.locator("input[type=file]").set_input_files(folder / "calls.csv")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text(re.compile("Say which"))).to_be_visible()
    settled(page)
    shoot(page, "intake-2-which-column")
    choose(page.get_by_role("combobox", name="The words", exact=True), "Worum es geht")
    choose(page.get_by_role("combobox", name="Whose words", exact=True), "Wer")
    page.get_by_role("button", name="Read it this way").click()
    expect(page.get_by_role("button", name="Import 2 conversations")).to_be_visible()
    expect(page.get_by_text("‹CARD 1›").first).to_be_visible()
    page.get_by_text("1 line is refused; the rest is not spoilt by it").click()
    page.get_by_role("button", name="Import 2 conversations").press("Enter")  # a click is lost while the lines above fold out
    expect(page.get_by_text(re.compile("2 new, 0 updated and 0 unchanged conversations; 3 messages"))).to_be_visible()
    settled(page)
    shoot(page, "intake-3-imported")


def connects(page: Page, help_desk: Helpdesk, server: Server) -> None:
    page.get_by_role("radio", name="The help desk").or_(page.get_by_role("button", name="The help desk")).first.click()
    expect(page.get_by_text("No help desk is connected.")).to_be_visible()
    choose(page.get_by_role("combobox", name=re.compile("Help desk")), "Intercom")
    expect(page.get_by_placeholder("https://yourcompany.zendesk.com")).to_have_count(0)
    settled(page)
    page.get_by_placeholder("https://api.intercom.io").fill(help_desk.url)
    page.get_by_label("Key", exact=True).fill(SECRET)
    page.get_by_label("Why").fill("Our chats are all there.")
    page.get_by_role("button", name="Propose the connection").click()
    eventually(lambda: proposed(server), "the proposal")


def proposed(server: Server) -> Proposal | None:
    with server.inside(), store.reading() as db:
        return db.exec(select(Proposal).where(Proposal.kind == "change_connection", Proposal.state == "open")).first()


def says_yes(page: Page, server: Server) -> None:
    proposal = proposed(server)
    assert proposal is not None and SECRET not in str(proposal.payload)
    page.goto(f"{server.base}/approvals?proposal={proposal.id}")
    expect(page.get_by_text("Conversations of the last 90 days would come in from 127.0.0.1")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Approve: follow Intercom")).click()
    expect(page.get_by_text(re.compile("carried out, approved by Otto Braun")).first).to_be_visible()


def came(server: Server) -> int:
    with server.inside(), store.reading() as db:
        row = db.exec(select(ImportBatch).where(ImportBatch.state == "following")).first()
        return row.counts.get("new", 0) if row else 0


def sees_them_come(page: Page, help_desk: Helpdesk) -> None:
    page.get_by_role("radio", name="The help desk").or_(page.get_by_role("button", name="The help desk")).first.click()
    expect(page.get_by_text(re.compile("30 conversations came"))).to_be_visible()
    help_desk.add(31, time.time() - 10, "A new one, just now.")
    page.get_by_role("button", name="Ask now").click()
    expect(page.get_by_text(re.compile("31 conversations came"))).to_be_visible()
    settled(page)
    shoot(page, "intake-4-followed")


def finds_them(page: Page) -> None:
    page.goto(page.url.split("/imports")[0] + '/conversations?words=source:intercom "parcel 7"')
    expect(page.get_by_text("1 conversation", exact=True)).to_be_visible()
    settled(page)
    shoot(page, "intake-5-found")
