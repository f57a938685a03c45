"""A pattern in the morning, a classifier for it in the afternoon: a rep names it, teaches it and proposes; a lead approves and looks on."""

import random
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from classifiers import gathering, noticing
from data import inbox, labels, people, predictions, releases, store, tasks, versions
from data.intake import door
from data.intake.canonical import CanonicalConversation
from data.tables import Pattern, Person
from data.values import now
from portal.ferngrove import story
from tests.browser import by_hand, desk, drawn, settled, shoot
from tests.server import Server, eventually


@pytest.fixture
def server(demo: Path) -> Iterator[Server]:
    running = Server(demo, command="up").start()
    yield running
    running.stop()


def test_a_rep_ships_a_classifier_for_a_pattern_that_nobody_had_named(browser: Browser, server: Server) -> None:
    complaints: list[str] = []
    with desk(browser, server.base, "Alma Berger", complaints) as rep:
        asked = open_pattern(rep)
        say_what_belongs(rep, asked)
        name_it(rep, asked - 1)
        train(rep)
        mend_doubtful_labels(rep)
        choose_how_sure(rep)
        see_what_would_change(rep)
        compare_and_propose(rep)
    with server.inside():
        assert [label.name for label in labels.of(drafts=True) if label.draft] == ["Parcel locker full"]
        tuned, trained = versions.all_of("classifier", "intent")[:2]
        assert "Parcel locker full" in trained.manifest["label_names"].values() and tuned.manifest["tuned_from"] == 5
        (pattern,) = (one for one in noticing.standing(by=named("Nora Engel")) if one.label_id)
    with desk(browser, server.base, "Lena Hoffmann", complaints) as lead:
        approve(lead, server)
        on_trial(lead, server, pattern)
        for_everybody(lead)
        comes_back_by_itself(lead, server)
    with server.inside():
        assert any("was taken back by itself" in one.sentence for one in inbox.of(named("Alma Berger")))
    assert complaints == []


def open_pattern(rep: Page) -> int:
    """How many it asks about: at most 40, on some days a few less came."""
    rep.locator("html[data-keys=heard]").wait_for(state="attached")
    rep.keyboard.press("g")
    rep.keyboard.press("o")
    expect(rep.get_by_role("heading", name="Patterns", exact=True)).to_be_visible()
    drawn(rep)
    shoot(rep, "classifiers-1-patterns")
    rep.get_by_role("button", name=re.compile("^Open .*locker")).first.click()
    told = rep.get_by_text(re.compile(r"^0 of \d+ looked at"))
    expect(told).to_be_visible()
    asked = int(told.inner_text().split()[2])
    assert 25 <= asked <= 40
    return asked


def say_what_belongs(rep: Page, asked: int) -> None:
    """A few with the keyboard, read one by one; the others in one press."""
    for number, key in enumerate("yyyyn", start=1):
        rep.locator("html[data-keys=heard]").wait_for(state="attached")
        rep.keyboard.press(key)
        expect(rep.get_by_text(re.compile(rf"^{number} of {asked} looked at"))).to_be_visible()
    settled(rep)
    shoot(rep, "classifiers-2-belongs")
    rep.get_by_role("button", name=f"Take the other {asked - 5} unread").click()
    expect(rep.get_by_text(f"{asked} of {asked} looked at, {asked - 1} belong")).to_be_visible()


def name_it(rep: Page, belong: int) -> None:
    name = rep.get_by_label("Intent", exact=True)
    name.fill("Parcel locker full")
    name.press("Enter")
    settled(rep)
    rep.get_by_role("button", name=f"Name it with {belong} examples").click()
    expect(rep.get_by_text(re.compile(r"\d+ to learn from, \d+ kept for testing\."))).to_be_visible()
    drawn(rep)
    rep.get_by_role("link", name="Train a candidate with it").click()


def train(rep: Page) -> None:
    """One sentence, one number and one example."""
    rep.get_by_role("button", name="Train a candidate").click()
    expect(rep.get_by_role("heading", name="Candidate 5")).to_be_visible()
    drawn(rep)  # what stood there of the candidate before is gone
    expect(rep.get_by_text(re.compile(r"^Most often it takes .+ for .+ times: .+"))).to_be_visible()
    drawn(rep)
    shoot(rep, "classifiers-3-candidate")


def mend_doubtful_labels(rep: Page) -> None:
    tab = rep.get_by_role("radio", name=re.compile(r"^Doubtful labels \d+"))
    before = int((tab.get_attribute("aria-label") or tab.inner_text()).split()[-1])
    tab.click(force=True)
    settled(rep)
    shoot(rep, "classifiers-4-doubtful")
    for mended in range(1, 6):
        rep.locator("html[data-keys=heard]").wait_for(state="attached")
        rep.locator('[class*="st-key-suspect_fix_"]').first.wait_for()  # the key presses what is there
        drawn(rep)
        rep.keyboard.press("y")
        expect(rep.get_by_role("radio", name=f"Doubtful labels {before - mended}")).to_be_attached()
        settled(rep)


def choose_how_sure(rep: Page) -> None:
    rep.get_by_role("radio", name="How sure").click(force=True)
    slider = rep.get_by_role("slider", name="Be right so often, else stay silent")
    slider.focus()
    before = rep.get_by_text(re.compile(r"Be right \d+\s% of the time: it answers")).inner_text()
    for _ in range(3):
        slider.press("ArrowLeft")
    expect(rep.get_by_text(before)).to_be_hidden()
    expect(rep.get_by_text(re.compile(r"Be right \d+\s% of the time: it answers"))).to_be_visible()
    drawn(rep)
    shoot(rep, "classifiers-5-how-sure")
    rep.get_by_role("button", name="Keep it as a new candidate").click()
    expect(rep.get_by_role("heading", name="Candidate 6")).to_be_visible()


def see_what_would_change(rep: Page) -> None:
    drawn(rep)
    rep.get_by_role("radio", name="What would change").click(force=True)
    settled(rep)
    rep.get_by_role("button", name="Look at the last 30 days").click()
    expect(rep.get_by_text(re.compile(r"Version 6 would say something else in [\d,]+ of the [\d,]+ conversations"))).to_be_visible()
    settled(rep)
    shoot(rep, "classifiers-6-what-would-change")


def compare_and_propose(rep: Page) -> None:
    """Few cases test the new intent: it may be tried, and it is said how many more open the next step."""
    rep.get_by_role("button", name="Compare with what is live").click()
    expect(
        rep.get_by_text(re.compile(r"for a trial beside the live version\. 'Intent: Parcel locker full' 1 has \d+ cases"))
    ).to_be_visible()
    rep.get_by_label("Why it should go live").fill("It knows the full parcel lockers.")
    rep.get_by_role("button", name="Propose it").click()
    expect(rep.get_by_role("link", name="See the proposal")).to_be_visible()
    settled(rep)
    shoot(rep, "classifiers-7-proposed")


def approve(lead: Page, server: Server) -> None:
    lead.goto(f"{server.base}/approvals")
    expect(lead.get_by_text(re.compile("Ship version 6 of the intent classifier"))).to_be_visible()
    drawn(lead)
    shoot(lead, "classifiers-8-approval")
    lead.get_by_role("button", name="Approve and next").last.click()
    expect(lead.get_by_text(re.compile("^Approved"))).to_be_visible()
    until(lead, server, "intent 6 runs beside the live version")


def named(name: str) -> Person:
    return next(one for one in people.everybody(by=people.console()) if one.name == name)


def until(lead: Page, server: Server, told: str) -> None:
    """The worker does it: the page is opened again until it says so."""
    for _ in range(60):
        lead.goto(f"{server.base}/classifiers")
        drawn(lead)
        if lead.get_by_text(re.compile(told)).first.is_visible():
            return
        lead.wait_for_timeout(500)
    raise AssertionError(f"the page never said: {told}. It said: {lead.get_by_test_id('stMain').inner_text()[:1500]}")


def come(server: Server, count: int, seed: int) -> None:
    """So many conversations more, and the worker classifies them."""
    end = now()
    with server.inside():
        told = story.conversations(random.Random(seed), start=end - timedelta(hours=20), until=end, count=count)
        sent = [
            {
                "id": f"{seed} {one.external_id}", "source": "ferngrove-helpdesk", "channel": one.channel, "subject": one.subject,
                "opened_at": one.opened_at, "customer": f"{one.customer} {place}", "language": one.language, "team": one.team,
                "messages": [{"role": role, "text": text, "at": at} for role, text, at in one.messages],
            }
            for place, one in enumerate(told)
        ]  # fmt: skip
        ids = list(door.receive([CanonicalConversation.model_validate(one) for one in sent], by=people.console()).ids)
        last = ids[-1]
        eventually(lambda: predictions.of_conversation(last), "the last conversation was classified", within=120)


def look_at_releases(server: Server) -> None:
    """What the worker does each minute, now."""
    with server.inside(), store.writing() as db:
        tasks.later(db, "watch_releases", {}, title="Watch what is being released", by=None)


def on_trial(lead: Page, server: Server, pattern: Pattern) -> None:
    """Both look at what comes; then the cases are there that were missing, and it answers for a tenth of the customers by itself."""
    come(server, 220, 1)
    until(lead, server, "the two differ in")
    expect(lead.get_by_text(re.compile(r"'Intent: Parcel locker full' 1 has \d+ cases, at least 20 are needed"))).to_be_visible()
    shoot(lead, "classifiers-9-trial")
    with server.inside():
        engineer = named("Nora Engel")
        more = [one.conversation_id for one in noticing.members(pattern, by=engineer, most=400)]
        gathering.accept(more, pattern.label_id or "", found="pattern", by=engineer)
        gathering.freeze_kept(by=engineer)
    look_at_releases(server)
    until(lead, server, "intent 6 answers for 10 % of customers")


def for_everybody(lead: Page) -> None:
    by_hand(lead, "Answer for everybody")
    expect(lead.get_by_text("Version 6").first).to_be_visible()
    expect(lead.get_by_text(re.compile(r"5 % of customers stay with version \d"))).to_be_visible()
    drawn(lead)
    shoot(lead, "classifiers-10-live")


def comes_back_by_itself(lead: Page, server: Server) -> None:
    """Its file is lost and the worker starts anew: it fails, the version before answers, and a minute later it does so for good."""
    with server.inside():
        live = releases.live("classifier", "intent")
        assert live is not None
        (server.home / "models" / f"{versions.get(releases.target_of(live)).file_sha}.skops").unlink()
    worker = server.workers()[0]
    worker.kill()
    come(server, 60, 2)
    look_at_releases(server)
    until(lead, server, r"taken back by itself: Roll back: it failed in \d+ of \d+")
    with server.inside():
        before = releases.live("classifier", "intent")
    assert before is not None and before.target_number == 3
    shoot(lead, "classifiers-11-taken-back")
