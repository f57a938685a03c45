"""The chat on a product page: written to, answered by a recipe and by a colleague, there after a reload, under a strict CSP."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import col, select

from data import people, store, surfaces
from data.tables import Talk
from portal.widget.demo import Page as Ours
from portal.widget.demo import Shop
from tests.axe import findings
from tests.browser import SHOTS, desk, drawn, settled
from tests.conftest import hire, let_go
from tests.server import Server, serving
from tests.test_api_widget import HOURS, releasing, replies

VIOLATIONS = (
    "window.broken = []; addEventListener('securitypolicyviolation', one => window.broken.push(one.blockedURI + one.violatedDirective))"
)
REP = "Dora Lind"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 780}


@dataclass
class Street:
    """A portal, and beside it a page of another origin."""

    server: Server
    shop: Shop
    token: str
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def visitor(self, browser: Browser, *, theme: str = "light", language: str = "en", size: dict[str, int] = WIDE) -> Iterator[Page]:
        """What its console says and what its policy forbids is collected."""
        self.shop.page = Ours(self.server.base, self.token, language)
        context = browser.new_context(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
        context.set_default_timeout(30_000)
        context.add_init_script(VIOLATIONS)
        page = context.new_page()
        page.on("console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        page.goto(self.shop.origin)
        yield page
        assert page.evaluate("() => window.broken") == []
        context.close()


@pytest.fixture
def street(sqlite_home: Path) -> Iterator[Street]:
    staff, console = hire(), people.console()
    people.add(REP, "dora@example.com", "rep", by=console, team=staff.oak, demo=True)
    with Shop() as shop, ThreadPoolExecutor(1) as pool:
        pool.submit(shop.serve_forever)
        token = surfaces.issue("Shop", [shop.origin], staff.engineer, by=console, team_id=staff.oak.id)
        releasing(replies("opening-hours", HOURS, "hours"), staff.rep)
        let_go()
        with serving(sqlite_home, command="up") as server:
            yield Street(server, shop, token)
        shop.shutdown()


def opens(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Write to us|Schreiben Sie uns")).click()
    expect(page.get_by_role("textbox", name=re.compile("Your message|Ihre Nachricht"))).to_be_focused()


def said(page: Page) -> list[str]:
    return page.locator("portal-chat article .text").all_text_contents()


def shoot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"widget-{name}.png")


def test_a_visitor_is_answered_comes_back_and_a_colleague_answers_too(browser: Browser, street: Street) -> None:
    with street.visitor(browser) as page:
        opens(page)
        page.keyboard.type("What are your hours?")
        page.keyboard.press("Enter")
        answer = page.locator("portal-chat article.machine")
        expect(answer).to_contain_text("We are open from 9 to 17.")
        expect(answer.locator("strong")).to_have_text("On Sundays")
        expect(answer.locator(".who")).to_contain_text("Automatic answer")
        page.reload()
        opens(page)
        expect(page.locator("portal-chat article")).to_have_count(2)
        page.keyboard.type("And do you repot a <b>monstera</b>?")
        page.keyboard.press("Shift+Enter")
        page.keyboard.type("It is big.")
        page.get_by_role("button", name="Send").click()
        expect(page.locator("portal-chat .state")).to_contain_text("A person will answer here")
        shoot(page, "light")
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Write to us")).to_be_focused()
        a_colleague_answers(browser, street)
        expect(page.get_by_role("button", name="Write to us, 1 new")).to_be_visible(timeout=60_000)
        page.get_by_role("button", name="Write to us, 1 new").click()
        expect(page.locator("portal-chat article.person .text")).to_have_text("We do, in spring. Bring it along.")
        assert said(page)[2] == "And do you repot a <b>monstera</b>?\nIt is big."
        assert findings(page) == []
    assert street.complaints == []


def a_colleague_answers(browser: Browser, street: Street) -> None:
    """On the conversation's own page, where the visitor's words stand as text."""
    complaints: list[str] = []
    with street.server.inside(), store.reading() as db:
        made = db.exec(select(Talk).order_by(col(Talk.id).desc())).first()
    assert made is not None
    with desk(browser, street.server.base, REP, complaints) as rep:
        rep.goto(f"{street.server.base}/conversation?conversation={made.conversation_id}")
        drawn(rep)
        expect(rep.get_by_text("And do you repot a <b>monstera</b>?")).to_be_visible()
        rep.get_by_role("textbox", name="Answer in the chat").fill("We do, in spring. Bring it along.")
        rep.get_by_role("button", name="Send the answer").click()
        expect(rep.get_by_text("We do, in spring. Bring it along.").first).to_be_visible()
        settled(rep)
        rep.screenshot(path=SHOTS / "widget-colleague.png")
    assert complaints == []


@pytest.mark.parametrize(("name", "theme", "size"), [("dark", "dark", WIDE), ("narrow", "light", NARROW), ("narrow-dark", "dark", NARROW)])
def test_it_follows_the_page_in_light_and_language_and_fits_a_telephone(
    browser: Browser, street: Street, name: str, theme: str, size: dict[str, int]
) -> None:
    with street.visitor(browser, theme=theme, language="de", size=size) as page:
        shoot(page, f"{name}-closed")
        opens(page)
        page.keyboard.type("What are your hours?")
        page.keyboard.press("Enter")
        expect(page.locator("portal-chat article.machine .who")).to_contain_text("Automatische Antwort")
        shoot(page, name)
        paper = page.evaluate(
            "() => getComputedStyle(document.querySelector('portal-chat').shadowRoot.querySelector('section')).backgroundColor"
        )
        assert paper == ("rgb(27, 33, 34)" if theme == "dark" else "rgb(255, 255, 255)")
        box = page.locator("portal-chat section").bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= size["width"]
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        assert findings(page) == []
    assert street.complaints == []


def test_what_is_not_sent_stays_in_the_hand_and_is_sent_once(browser: Browser, street: Street) -> None:
    with street.visitor(browser) as page:
        opens(page)
        page.keyboard.type("Hello.")
        page.keyboard.press("Enter")
        expect(page.locator("portal-chat .state")).to_contain_text("A person will answer here")
        page.context.set_offline(True)
        page.keyboard.type("Is anybody there?")
        page.keyboard.press("Enter")
        expect(page.locator("portal-chat .state")).to_contain_text("Not sent")
        expect(page.get_by_role("textbox", name="Your message")).to_have_value("Is anybody there?")
        page.context.set_offline(False)
        page.get_by_role("button", name="Send").click()
        expect(page.locator("portal-chat article")).to_have_count(2)
        page.reload()
        opens(page)
        expect(page.locator("portal-chat article")).to_have_count(2)
        assert said(page) == ["Hello.", "Is anybody there?"]
        page.get_by_role("button", name="New conversation").click()
        page.get_by_role("button", name="Begin anew").click()
        expect(page.locator("portal-chat article")).to_have_count(0)
        page.reload()
        opens(page)
        assert said(page) == []


def test_who_is_signed_in_on_the_page_now_does_not_see_the_one_before(browser: Browser, street: Street) -> None:
    with street.visitor(browser) as page:
        opens(page)
        page.keyboard.type("It is me, the first.")
        page.keyboard.press("Enter")
        expect(page.locator("portal-chat .state")).to_contain_text("A person will answer here")
        street.shop.page = Ours(street.server.base, street.token, customer="another", signature="0" * 64)
        page.reload()
        opens(page)
        assert said(page) == []
        street.shop.page = Ours(street.server.base, street.token)
        page.reload()
        opens(page)
        assert said(page) == []  # nor is it there again for whoever comes after


def test_where_the_policy_forbids_the_portal_there_is_no_chat(browser: Browser, street: Street) -> None:
    """The control of the policy: it is in force, and what is not allowed is seen."""
    with street.visitor(browser) as page:
        street.shop.page = Ours("http://127.0.0.1:1", street.token)
        page.goto(street.shop.origin)
        page.evaluate(
            "base => { const s = document.createElement('script'); s.src = base + '/widget.js'; document.head.append(s) }",
            street.server.base,
        )
        page.wait_for_function("() => window.broken.length > 0")
        expect(page.locator("portal-chat")).to_have_count(0)
        page.evaluate("() => { window.broken = [] }")
