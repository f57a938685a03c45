"""Everybody can use it: axe-core finds nothing grave on the screens, and Review is done by keyboard with the focus always in sight."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page, expect

from data import conversations, people, reviews
from data.conversations import Filter
from data.tables import Person, Review
from tests import axe
from tests.browser import desk, drawn, settled
from tests.conftest import SOAK
from tests.reviewing import shown
from tests.server import Server, eventually, serving
from tests.test_shots import ADDRESSES, FOR_ADMINS

ONE_CONVERSATION = "conversation?conversation="
MOST_USED = (  # home has the bare address
    "", "first_week", "review", "conversations", ONE_CONVERSATION, "imports", "knowledge", "ask", "gaps", "ladder", "my_work",
    "my_work?part=Exercises", "opportunities", "use_cases", "product_feedback", "product_feedback?new=1",
)  # fmt: skip
OF_LEADS = ("", "team", "team?part=Coaching", "use_cases?begin=new")


@dataclass(frozen=True)
class Known:
    """A finding that only Streamlit could mend: one rule on one element, and why."""

    rule: str
    selector: str
    why: str

    def covers(self, finding: axe.Finding) -> bool:
        return self.rule == finding.rule and self.selector in finding.matches


KNOWN = (
    Known("list", 'ul[data-testid="stSidebarNavItems"]', "st.navigation puts a <div> around each group of pages, straight into the <ul>"),
    Known("listitem", 'ul[data-testid="stSidebarNavItems"] > div > li', "... and the group's <li> into that <div>"),
)


@pytest.fixture
def server(demo: Path) -> Iterator[Server]:
    with serving(demo) as running:  # no worker: nobody waits for one here
        yield running


# -- axe-core ---------------------------------------------------------------------------------------------------------------------------


def look(page: Page, base: str, addresses: tuple[str, ...], conversation: str) -> list[tuple[str, axe.Finding]]:
    """What axe finds on the screens, each with the screen's name."""
    met = []
    for address in addresses:
        page.goto(f"{base}/{address}{conversation if address == ONE_CONVERSATION else ''}")
        drawn(page)
        met += [(address or "home", finding) for finding in axe.findings(page, [known.selector for known in KNOWN])]
    return met


def assert_nothing_grave(met: list[tuple[str, axe.Finding]]) -> None:
    ours = [f"{screen}: {finding}" for screen, finding in met if not any(known.covers(finding) for known in KNOWN)]
    assert not ours, f"{len(ours)} findings\n" + "\n".join(ours)
    mended = [known for known in KNOWN if not any(known.covers(finding) for _, finding in met)]
    assert not mended, "these are no longer found: take them off the list"


def a_conversation(server: Server) -> str:
    """One that was reviewed, of the rep's own team."""
    with server.inside():
        return conversations.listed(Filter(reviewed=True), by=alma())[0].id


def alma() -> Person:
    return next(person for person in people.demo_people() if person.name == "Alma Berger")


def test_the_screens_used_most_have_nothing_that_keeps_somebody_out(browser: Browser, server: Server) -> None:
    with desk(browser, server.base, "Alma Berger", []) as page:
        assert_nothing_grave(look(page, server.base, MOST_USED, a_conversation(server)))


def test_what_leads_use_has_nothing_that_keeps_somebody_out(browser: Browser, server: Server) -> None:
    with desk(browser, server.base, "Lena Hoffmann", []) as page:
        assert_nothing_grave(look(page, server.base, OF_LEADS, a_conversation(server)))


@pytest.mark.skipif(not SOAK, reason="`make soak` looks at all of them")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_screen_has_anything_that_keeps_somebody_out(theme: str, browser: Browser, server: Server) -> None:
    conversation, everywhere = a_conversation(server), (*ADDRESSES, ONE_CONVERSATION)
    met = [("sign in", finding) for finding in on_the_sign_in_page(browser, server.base, theme)]
    for name, addresses in (("Alma Berger", everywhere), ("Lena Hoffmann", everywhere), ("Otto Braun", FOR_ADMINS)):
        with desk(browser, server.base, name, [], theme) as page:
            met += look(page, server.base, addresses, conversation)
    assert_nothing_grave(met)


def on_the_sign_in_page(browser: Browser, base: str, theme: str) -> list[axe.Finding]:
    page = browser.new_page(color_scheme=theme)  # type: ignore[arg-type]
    page.goto(base)
    page.get_by_role("heading", name="Sign in").wait_for()
    page.get_by_text("Sign in with a password").click()
    found = axe.findings(page)
    page.close()
    return found


BROKEN = """<!doctype html><html><head><title>Broken on purpose</title></head><body><main>
    <h1>Broken on purpose</h1><p style="color: #aaa; background: #fff">too pale to be read</p>
    <img src="data:,"><input type="text"><button></button><ul><div><li>in no list</li></div></ul></main></body></html>"""
SOUND = """<!doctype html><html lang="en"><head><title>As it should be</title></head><body><main>
    <h1>As it should be</h1><p style="color: #333; background: #fff">dark enough</p>
    <img src="data:," alt="nothing"><label>Name<input type="text"></label><button>Save</button>
    <ul><li>in a list</li></ul></main></body></html>"""


def test_the_check_finds_what_is_broken_on_purpose_and_nothing_where_nothing_is(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(BROKEN)
    found = axe.findings(page, ["ul > div > li", "p"])
    assert {one.rule for one in found} == {"html-has-lang", "color-contrast", "image-alt", "label", "button-name", "list", "listitem"}
    assert {one.rule: one.matches for one in found if one.matches} == {"color-contrast": ["p"], "listitem": ["ul > div > li"]}
    with pytest.raises(AssertionError, match="7 findings"):
        assert_nothing_grave([("here", one) for one in found])
    page.set_content(SOUND)
    assert axe.findings(page) == []
    page.close()


# -- the keyboard -----------------------------------------------------------------------------------------------------------------------

CLEARLY = 32  # of 255: a ring changes its pixels by 43 and more, a tint that nobody sees by 22 and less
ENOUGH = 60  # pixels that change clearly: a line of one pixel around the smallest sign there is, 15 by 15
MOST_STOPS = 60
FOCUS = """let here = document.activeElement;  // also inside of a component
    while (here.shadowRoot?.activeElement) here = here.shadowRoot.activeElement;"""
HERE = (
    f"() => {{ {FOCUS}"
    """
    const lines = (here.getAttribute("aria-label") || here.innerText).split("\\n").filter(line => line.trim());
    return here === document.body ? "" : lines.slice(0, 2).join(" ");
}"""
)


def picture(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))).convert("RGB")


def focus_is_seen(page: Page) -> bool:
    """Whether the window clearly looks different because the focus is where it is."""
    page.evaluate(f"() => {{ {FOCUS} (window.focused = here).blur() }}")
    page.get_by_role("tooltip").last.wait_for(state="hidden")  # the stop before may have opened one
    without = picture(page)
    page.evaluate("window.focused.focus({preventScroll: true})")
    red, green, blue = ImageChops.difference(picture(page), without).split()
    changed = ImageChops.lighter(ImageChops.lighter(red, green), blue).histogram()
    return sum(changed[CLEARLY:]) >= ENOUGH


def tab_to(page: Page, name: str) -> list[str]:
    """Press Tab until the focus is there; the stops on the way, and there, at which it cannot be seen."""
    unseen = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(HERE)
        if stop and not focus_is_seen(page):
            unseen.append(stop)
        if stop.startswith(name):
            return unseen
    raise AssertionError(f"the Tab key does not lead to {name}")


def saved_by(page: Page, server: Server, *keys: str) -> Review:
    """The review that these keys save; the next conversation is there afterwards, and so is the focus."""
    conversation = shown(page)
    for key in keys:
        page.keyboard.press(key)
    expect(page.locator(f".st-key-review_intent_{conversation}")).to_have_count(0)
    settled(page)
    with server.inside():
        review = reviews.mine(conversation, by=alma())
    assert review is not None
    eventually(lambda: page.evaluate(HERE) == "The conversation", "the conversation takes the focus once it is drawn")
    return review


def test_a_review_is_saved_with_the_keyboard_alone(browser: Browser, server: Server) -> None:
    with desk(browser, server.base, "Alma Berger", []) as page:
        unseen = []
        page.goto(f"{server.base}/review")
        drawn(page)

        unseen += tab_to(page, "Strong")
        page.keyboard.press("Space")
        expect(page.get_by_role("radio", name="Strong (S)")).to_be_checked()
        drawn(page)  # a list that is open while the page is drawn anew is closed again
        unseen += tab_to(page, "Intent")
        page.keyboard.type("Cancel")  # what the form proposed may be that none of ours fits
        expect(page.get_by_role("option")).to_have_count(1)
        page.keyboard.press("Enter")
        drawn(page)  # what was chosen is told to the server, and the form is drawn anew
        unseen += tab_to(page, "Note")
        page.keyboard.type("when sent now")  # the letters of the shortcuts: in a field they are letters
        unseen += tab_to(page, "Save and go on")
        review = saved_by(page, server, "Enter")
        assert (review.verdict, review.note, review.label_id is not None) == ("strong", "when sent now", True)

        assert [saved_by(page, server, key, "Enter").verdict for key in "swo"] == ["strong", "weak", "none"]
        assert saved_by(page, server, "Shift+S", "s", "Control+Enter").verdict == "strong"
        assert unseen == [], "the focus cannot be seen there"


def test_a_focus_that_cannot_be_seen_is_noticed(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("""<style>button { outline: none } .ring:focus-visible { box-shadow: 0 0 0 3px #87bab6 }
        .tint { background: #f6f7f7; border: 0 } .tint:focus-visible { background: #ebecec }</style>
        <button class="ring">Ring</button> <button>Nothing</button> <button class="tint">Tint</button>
        <button class="ring">Last</button>""")
    assert tab_to(page, "Last") == ["Nothing", "Tint"]
    page.close()
