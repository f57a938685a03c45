"""Review with nothing, one and 20,000 waiting, wide and narrow, in both themes: pictures of what a rep opens all day."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from classifiers import labels
from data import bulk, people, store
from data.intake import door
from data.tables import Person
from data.values import new_id
from language import words
from tests.browser import desk, settled, shoot
from tests.conftest import let_go
from tests.server import Server, serving

pytestmark = pytest.mark.skipif(not os.environ.get("PORTAL_SHOTS"), reason="`make shots` takes these pictures")

WIDTHS = (1280, 900)
THEMES = ("light", "dark")
STEP = 2000
MINE = "Rita Sommerfeld-Achterberg"  # a long name, as there are
COLLEAGUES = (MINE, "Birgit Lund", "Cem Aydin", "Dario Rossi")
INTENTS = ("Where is my order", "Return or exchange", "Damaged on arrival", "Invoice and payment", "Care advice")
SAID = (
    ("Hi, my order should have been here on Tuesday. Can you tell me where it is?", "It left us on Monday and is with the carrier."),
    ("The pot arrived with a crack down one side. I would like a new one, please.", "I am sorry to hear that. Could you send a picture?"),
    (
        "Guten Tag, meine Bestellung wurde doppelt abgebucht, und die Rechnungskorrekturbestätigung ist bis heute nicht angekommen.",
        "Guten Tag, ich habe die zweite Abbuchung an die Buchhaltung gegeben. Das Geld ist in drei bis fünf Tagen zurück.",
    ),
    ("How often does a calathea want water in winter? Its leaves curl at the edges.", "Once a week, and keep it away from the radiator."),
    ("I want to send back two of the three plants. How do I get a label?", "You find it in your account, under Returns."),
)


@pytest.mark.parametrize("amount", [0, 1, 20_000])
def test_review_can_be_looked_at_with_any_amount_waiting(amount: int, browser: Browser, sqlite_home: Path) -> None:
    rep = arrange(amount)
    complaints: list[str] = []
    with serving(sqlite_home) as server:
        for theme in THEMES:
            with at_review(browser, server, rep, complaints, theme) as page:
                look(page, amount, theme)
    assert complaints == []


@contextmanager
def at_review(browser: Browser, server: Server, rep: Person, complaints: list[str], theme: str) -> Iterator[Page]:
    with desk(browser, server.base, rep.name, complaints, theme) as page:
        page.goto(f"{server.base}/review")
        page.get_by_role("heading", name="Review", exact=True).wait_for()
        yield page


def look(page: Page, amount: int, theme: str) -> None:
    """What waits is on the page before it is photographed, and nothing is wider than the window."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        settled(page)
        if amount:
            page.locator(".transcript li").first.wait_for()
        expect(page.locator('[class*="st-key-review_open_"] button')).to_have_count(min(amount, 12))
        shoot(page, f"review-waiting-{amount}-{width}-{theme}")
        wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= window, f"Review is {wide} wide in a window of {window}"


# -- what waits ---------------------------------------------------------------------------------------------------------------------------


def arrange(amount: int) -> Person:
    """A rep who answered every fourth conversation, or the only one. Written as rows: what is looked at is Review, not the intake."""
    console = people.console()
    team = people.add_team("Oak", by=console)
    rep = people.add(MINE, "rita@example.com", "rep", by=console, team=team, demo=True)
    lead = people.add("Leo", "leo@example.com", "lead", by=console, team=team)
    for name in INTENTS:
        labels.add(name, by=lead)
    rng, at = random.Random(0), datetime.now(UTC)
    customers = [{"id": new_id(), "at": at, "source": "shots", "key_hmac": str(number)} for number in range(amount // 5 + 1)]
    for start in range(0, amount, STEP):
        rows = door.Rows(customers=customers if start == 0 else [])
        for number in range(start, min(start + STEP, amount)):
            one(rows, number, at - timedelta(minutes=7 * (amount - number)), rng.choice(customers)["id"], team.id, rng)
        with store.writing() as db:
            for made in rows.ready():
                bulk.write(db, made)
    let_go()  # from here on the server has the database
    return rep


def one(rows: door.Rows, number: int, opened: datetime, customer_id: str, team_id: str, rng: random.Random) -> None:
    made, place = new_id(), (int(opened.timestamp()) << door.A_SECOND) + number
    author, texts = COLLEAGUES[number % len(COLLEAGUES)], SAID[number % len(SAID)]
    shared: dict[str, Any] = {"at": opened, "conversation_id": made, "private": False}
    rows.conversations.append(
        {
            "id": made, "at": opened, "source": "shots", "external_id": str(number), "content_hmac": "", "customer_id": customer_id,
            "channel": rng.choice(["chat", "email", "voice"]), "team_id": team_id, "opened_at": opened, "status": "open", "tags": [],
            "extra": {}, "revision": 1, "place": place, "certainty": rng.random(), "reviewed": number and rng.random() < 0.2,
            "csat": rng.choice([*[None] * 12, 1, 2, 4]),
        }
    )  # fmt: skip
    rows.messages += [
        {"id": new_id(), "seq": 1, "role": "customer", "text": texts[0], "author": None} | shared,
        {"id": new_id(), "seq": 2, "role": "rep", "text": texts[1], "author": author} | shared,
    ]
    rows.words.append({"place": place, "conversation_id": made, "words": words.document(None, list(texts), [author], [])})
