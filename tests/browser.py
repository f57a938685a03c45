"""Chromium for the tests: the one on the PATH, else installed (apt as root, else Playwright's own), kept off the network."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-default-apps", "--disable-domain-reliability", "--disable-features=OptimizationHints,Translate",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


SHOTS = Path(__file__).parent.parent / "var" / "shots"
HARMLESS = ("404", "Infinite extent", "WARN")  # Streamlit looks for its base path; Vega talks about empty layers


@contextmanager
def desk(browser: Browser, address: str, name: str, complaints: list[str], theme: str = "light") -> Iterator[Page]:
    """A browser of one's own, signed in with one click. What its console complains about is collected."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=theme)  # type: ignore[arg-type]
    context.set_default_timeout(30_000)
    page = context.new_page()

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(word in message.text for word in HARMLESS):
            complaints.append(message.text)

    page.on("console", hear)
    page.goto(address)
    page.get_by_role("button", name=name).click()
    page.get_by_role("heading", name=f"Hello {name.split()[0]}").wait_for()
    yield page
    context.close()


def settled(page: Page) -> None:
    """The screen's script has run to its end."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


QUIET = """() => new Promise(done => {
    let waiting = setTimeout(done, 300);
    const again = () => { clearTimeout(waiting); waiting = setTimeout(done, 300); };
    new MutationObserver(again).observe(document.body, {childList: true, subtree: true});
})"""


def drawn(page: Page) -> None:
    """All of the screen is there: the browser may still draw after the script has ended, and half a screen has half the findings."""
    page.get_by_role("heading", level=1).first.wait_for()
    settled(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.evaluate(QUIET)


def shoot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    settled(page)
    page.screenshot(path=SHOTS / f"{name}.png")


def found() -> str | None:
    """The browser to use, if there is one."""
    on_path = next((path for name in NAMES if (path := shutil.which(name))), None)
    if on_path:
        return on_path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> str:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"check": False, "stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-q"], **quiet)
        subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium", "fonts-dejavu-core"], **quiet)
    if not found():
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    path = found()
    if path is None:
        sys.exit("The browser tests need Chromium, and it could not be installed. Install the package 'chromium', then run this again.")
    return path


if __name__ == "__main__":
    found() or install()


def choose(field: Locator, option: str) -> None:
    """Of a selectbox. Its list closes when the page is drawn anew just then: it is opened again, as a person does."""
    listed = field.page.get_by_role("option", name=option, exact=True)
    for _ in range(10):
        field.click()
        try:
            return listed.click(timeout=3_000)
        except PlaywrightTimeout:
            continue
    raise AssertionError(f"'{option}' cannot be chosen")


def by_hand(lead: Page, step: str) -> None:
    """A step of a release, taken by a lead who says why."""
    lead.get_by_role("button", name=step).click()
    why = lead.get_by_label("Why", exact=True)
    why.fill("Looked at it.")
    why.press("Enter")
    settled(lead)
    lead.get_by_test_id("stPopoverBody").get_by_role("button", name=step).click()
