"""Everyday conversations become a test, two months of answers are compared on it, and a lead judges what a grader judged."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import col, select

from data import conversations, examples, people, store
from data.conversations import Filter
from data.tables import Person, Score
from evals import sets
from evals.scores import PEOPLE
from tests.browser import choose, desk, drawn, settled, shoot
from tests.conftest import let_go
from tests.server import Server

CASES = 30
FAILED_BEFORE = {*range(1, 11), 13, 14}
FAIL_NOW = {11, 12, 13, 14}  # ten are fixed, two break, two fail as before
SET = "Answers about delivery"
BETTER = re.compile(r"Better: 10 fixed, 2 broken of 30, \+27 points \(\+\d+ to \+\d+\)\.")


@pytest.fixture
def server(demo: Path) -> Iterator[Server]:
    flag_thirty()
    let_go()
    running = Server(demo, command="up").start()
    yield running
    running.stop()


def flag_thirty() -> None:
    """A lead makes the set; a rep flags thirty conversations, each of another customer, and says what an answer must hold."""
    rep, lead = by_email("alma.berger"), by_email("lena.hoffmann")
    eval_set = sets.create(SET, purpose="answer", by=lead)
    found = [conversations.get(one.id, by=rep) for one in conversations.listed(Filter(), by=rep, size=100)]
    by_customer = {told[0].customer_id: told[0].id for told in found if told}
    for number, made in enumerate([*by_customer.values()][:CASES], start=1):
        told = {"facts": {"must": [f"{number + 10} days"], "must_not": ["guaranteed"]}}
        examples.flag(
            made, "weak", why=f"It says no day. {number}.", eval_set_id=eval_set.id, by=rep, grader="contains", expected=told
        )  # fmt: skip


def by_email(name: str) -> Person:
    found = people.by_email(f"{name}@ferngrove.example")
    assert found is not None
    return found


def answers(failing: set[int]) -> bytes:
    said = {n: "We look into it." if n in failing else f"It is there within {n + 10} days." for n in range(1, CASES + 1)}
    return "\n".join(json.dumps({"case": number, "reply": reply}) for number, reply in said.items()).encode()


def test_a_rep_learns_what_this_month_s_answers_are_worth(browser: Browser, server: Server) -> None:
    complaints: list[str] = []
    with desk(browser, server.base, "Alma Berger", complaints) as rep:
        freeze(rep)
        for name, failing in (("last-month.jsonl", FAILED_BEFORE), ("this-month.jsonl", FAIL_NOW)):
            bring(rep, name, answers(failing))
        run_and_compare(rep)
        what_broke(rep)
    with desk(browser, server.base, "Lena Hoffmann", complaints) as lead:
        judge_outputs(lead)
    with server.inside(), store.reading() as db:
        mine = select(Score.passed).where(Score.grader_name == PEOPLE, Score.by_person_id == by_email("lena.hoffmann").id)
        assert list(db.exec(mine.order_by(col(Score.id)))) == [True, False, True]
    assert complaints == []


def freeze(rep: Page) -> None:
    rep.locator("html[data-keys=heard]").wait_for(state="attached")
    rep.keyboard.press("g")
    rep.keyboard.press("e")
    expect(rep.get_by_role("heading", name="Eval sets", exact=True)).to_be_visible()
    rep.get_by_role("button", name=f"Open {SET}").click()
    expect(rep.get_by_role("heading", name=SET, exact=True, level=1)).to_be_visible()
    drawn(rep)
    rep.get_by_role("button", name="Freeze 30 flagged").click()
    expect(rep.get_by_text("Frozen as version 1.")).to_be_visible()
    drawn(rep)
    shoot(rep, "evals-1-frozen")


def bring(rep: Page, name: str, content: bytes) -> None:
    """Through the file uploader."""
    if not rep.get_by_test_id("stFileUploader").is_visible():
        rep.get_by_role("button", name="Bring a file of outputs").click()
    rep.get_by_test_id("stFileUploaderDropzoneInput").set_input_files({"name": name, "mimeType": "application/jsonl", "buffer": content})
    expect(rep.get_by_text(name, exact=True)).to_be_visible()
    drawn(rep)  # the popover moves as it grows, and a click beside the button is none
    rep.get_by_role("button", name="Keep it").press("Enter")
    expect(rep.get_by_text(f"Kept as {name} 1.")).to_be_visible()
    settled(rep)
    rep.keyboard.press("Escape")
    expect(rep.get_by_test_id("stFileUploader")).to_be_hidden()


def chosen(rep: Page, field: str, option: str) -> None:
    choose(rep.get_by_role("combobox", name=re.compile(f"{field}$")), option)
    settled(rep)


def run_and_compare(rep: Page) -> None:
    chosen(rep, "Run", "The file this-month.jsonl, 1")
    chosen(rep, "and compare it with", "The file last-month.jsonl, 1")
    rep.get_by_role("button", name="Run", exact=True).click()
    expect(rep.get_by_text(re.compile(r"^Beside last-month\.jsonl 1: Better: 10 fixed"))).to_be_visible()  # the worker has run both
    drawn(rep)
    shoot(rep, "evals-2-better")


def what_broke(rep: Page) -> None:
    """Opened, and stepped through without the mouse."""
    rep.get_by_role("link", name="this-month.jsonl 1").click()
    expect(rep.get_by_role("heading", name="this-month.jsonl 1 beside last-month.jsonl 1")).to_be_visible()
    expect(rep.get_by_text(BETTER)).to_be_visible()
    expect(rep.get_by_role("radio", name="Broken 2")).to_be_checked()
    shows(rep, 11)
    heard(rep)
    rep.keyboard.press("j")
    shows(rep, 12)
    shoot(rep, "evals-3-broken")
    rep.keyboard.press("k")
    shows(rep, 11)
    rep.get_by_role("button", name="How we know").click()
    expect(rep.get_by_text(re.compile(r"McNemar's exact test on the 12 cases that changed: p = 0\.039"))).to_be_visible()
    shoot(rep, "evals-4-how")


def shows(rep: Page, number: int) -> None:
    """The conversation, both answers to it, and why the grader failed the new one."""
    expect(rep.get_by_text(f"It is there within {number + 10} days.", exact=True)).to_be_visible()
    expect(rep.get_by_text("We look into it.", exact=True)).to_be_visible()
    expect(rep.get_by_text(f"contains: does not say '{number + 10} days'")).to_be_visible()
    expect(rep.locator('[class*="st-key-runs_case_"] button[kind=primary]')).to_contain_text(f"Case {number}")
    expect(rep.locator(".transcript li.customer").first).to_be_visible()
    drawn(rep)


def heard(page: Page) -> None:
    """The keys are listened to."""
    page.locator("html[data-keys=heard]").wait_for(state="attached")


def judge_outputs(lead: Page) -> None:
    """By Y and N alone; the grader's word is nowhere."""
    lead.get_by_test_id("stSidebarNav").get_by_role("link", name="Graders", exact=True).click()
    lead.get_by_role("button", name="Judge for 'reply words'").click()
    expect(lead.get_by_role("heading", name="Is this right? For 'reply words'")).to_be_visible()
    keys: Sequence[str] = ("y", "n", "y")
    for place, key in enumerate(keys):
        drawn(lead)
        here = lead.locator('[class*="st-key-graders_right_"]')
        shown = re.search(r"graders_right_[\w-]+", here.get_attribute("class") or "")
        assert shown
        expect(lead.get_by_text(re.compile("Passed|Failed"))).to_have_count(0)
        if place == 1:
            shoot(lead, "evals-5-judge")
        heard(lead)
        lead.keyboard.press(key)
        expect(lead.get_by_text("Kept.").first).to_be_visible()
        expect(lead.locator(f'[class*="{shown[0]}"]')).to_have_count(0)
