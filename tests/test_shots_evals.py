"""Eval sets, Runs and Graders with nothing and with much, wide and narrow, in both themes: where a rep learns what is better."""

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from data import people
from data.tables import Case, Person
from data.values import Target
from evals import changes, compare, freezing, graders, runs, sets
from evals.cases import NewCase
from tests.browser import desk, drawn, shoot
from tests.conftest import let_go
from tests.server import serving
from tests.test_shots_review import INTENTS, MINE, SAID, THEMES, WIDTHS

pytestmark = pytest.mark.skipif(not os.environ.get("PORTAL_SHOTS"), reason="`make shots` takes these pictures")

LONG = "Answers about delivery, returns and what the carrier's Rechnungskorrekturbestätigung says"  # a long name, as there are


@pytest.mark.parametrize("amount", [0, 3, 2_000])
def test_evals_can_be_looked_at_with_any_amount(amount: int, browser: Browser, sqlite_home: Path) -> None:
    lead, pages = arrange(amount)
    complaints: list[str] = []
    with serving(sqlite_home) as server:
        for theme in THEMES:
            with desk(browser, server.base, lead.name, complaints, theme) as page:
                for name, (path, tab) in pages.items():
                    page.goto(f"{server.base}/{path}")
                    drawn(page)
                    if tab:
                        page.get_by_role("radio", name=tab).first.click(force=True)
                    look(page, f"evals-of-{amount}-{name}", theme)
    assert complaints == []


def look(page: Page, name: str, theme: str) -> None:
    """Nothing is wider than the window."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        drawn(page)
        shoot(page, f"{name}-{width}-{theme}")
        wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= window, f"{name} is {wide} wide in a window of {window}"


# -- what is there ------------------------------------------------------------------------------------------------------------------------


def arrange(amount: int) -> tuple[Person, dict[str, tuple[str, str]]]:
    """A set of so many cases, two months of answers to it, more that waits; and where each is looked at."""
    lead = people.add(MINE, "rita@example.com", "lead", by=people.console(), demo=True)
    pages = {"sets": ("eval_sets", ""), "runs": ("runs", ""), "graders": ("graders", "")}
    if amount:
        eval_set = sets.create(LONG, purpose="answer", by=lead)
        for number in (amount, amount // 10 + 1):  # the second half waits
            changes.add(eval_set.id, cases(number), known=graders.BY_NAME, by=lead, why="From the returns of last week, as they came in.")
            if number == amount:
                version = freezing.freeze(eval_set.id, by=lead)
        live, candidate = (answered(version.id, month, lead) for month in (1, 2))
        compared = compare.compare(candidate, live, by=lead)
        tabs = {"results": "Results", "cases": "Cases", "waiting": "Waiting", "changes": "Changes"}
        pages |= {name: (f"eval_sets?set={eval_set.id}", tab) for name, tab in tabs.items()}
        pages |= {"comparison": (f"runs?comparison={compared.id}", ""), "run": (f"runs?run={live.id}", "")}
        pages |= {"judging": ("graders?judge=reply words", "")}
    let_go()  # from here on the server has the database
    return lead, pages


def cases(count: int) -> list[NewCase]:
    rng = random.Random(count)
    return [one(rng, number) for number in range(count)]


def one(rng: random.Random, number: int) -> NewCase:
    asked, answered_so = SAID[number % len(SAID)]
    slices = {"channel": rng.choice(["chat", "email", "voice"]), "intent": rng.choice(INTENTS), "language": rng.choice(["en", "en", "de"])}
    said = {"role": "customer", "text": f"{asked} It is order {rng.randrange(10**6)}."}
    return NewCase((said,), {"reply": answered_so}, ("reply words",), slices=slices)


def answered(set_version_id: str, month: int, by: Person) -> runs.Run:
    """The second month a little better."""
    rng = random.Random(month)

    def said(asked: Sequence[Case]) -> list[dict[str, Any]]:
        return [
            {"reply": case.expected["reply"] if rng.random() < 0.6 + month / 10 else "We have received your message."} for case in asked
        ]

    return runs.run(set_version_id, Target("outputs", "drafts-of-the-reply-tool.jsonl", month), runs.told_at_once(said), by=by)
