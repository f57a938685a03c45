"""Reviewing by the keys in a browser: which conversation is shown, a verdict, and the wait until it is saved."""

import re

from playwright.sync_api import Page, expect

from tests.browser import drawn, settled


def shown(page: Page) -> str:
    """The id of the conversation that Review shows."""
    told = page.locator('[class*="st-key-review_intent_"]').get_attribute("class")
    found = re.search(r"st-key-review_intent_(\S+)", told or "")
    assert found
    return found.group(1)


def verdict(page: Page, key: str) -> None:
    """The verdict is chosen, and the hand is where the sentence goes."""
    page.keyboard.press(key)
    expect(page.locator('[class*="st-key-review_why_"] input')).to_be_focused()
    settled(page)


def gone_on(page: Page, conversation: str) -> None:
    """It is saved and no longer there: what is told of an earlier one may still stand for seconds."""
    expect(page.locator(f".st-key-review_save_{conversation}")).to_have_count(0)
    drawn(page)
