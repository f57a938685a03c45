"""What a reply claims has to stand in a quote, and the quote in its passage."""

from typing import Any

import pytest

from evals.graders import cites_sources
from evals.graders.face import Grade
from tests.test_evals_graders import Of, no, yes

RETURNS = (
    "You can return any item within 30 days of delivery. Sale items are not refunded. The return label is free; we refund the price "
    "within 5 working days."
)
SHIPPING = "Standard delivery takes 3 to 5 days and costs €4.90. Orders over €50 are delivered free of charge."
ALL = [{"quote": RETURNS, "text": f"Returns. {RETURNS} Contact us."}, {"quote": SHIPPING, "text": SHIPPING}]


def grade(reply: str, sources: Any = ALL, **more: Any) -> Grade:
    return cites_sources.grade(Of({}), {"reply": reply, "sources": sources, **more})


@pytest.mark.parametrize("reply", [
    "You can return items within 30 days of delivery.", "Hello Ann! Returning any item is possible within 30 days. Anything else?",
    "Standard delivery takes 3 to 5 days and costs 4.90 €.", "Sale items aren't refunded.", "Sale items cannot be refunded.",
    "1. You can return any item within 30 days.\n2. The return label is free.",
    "Thanks for reaching out!\nDelivery is free for orders over €50.00.",
])  # fmt: skip
def test_what_the_sources_say_passes(reply: str) -> None:
    assert grade(reply) == yes("takes everything it says from its sources")


@pytest.mark.parametrize(("reply", "why"), [
    ("You can return any item within 60 days of delivery.", "no source says 'You can return any item within 60 days of delivery.'"),
    ("Standard delivery takes 3 to 5 days and costs €5.90.", "no source says 'Standard delivery takes 3 to 5 days and costs €5.90.'"),
    ("Sale items are refunded.", "no source says 'Sale items are refunded.'"),  # they say the contrary
    ("You cannot return any item within 30 days of delivery.", "no source says 'You cannot return any item within 30 days of delivery.'"),
    ("Our warehouse burned down yesterday.", "no source says 'Our warehouse burned down yesterday.'"),
    # the number stands in one source, the words in another
    ("You can return any item within 50 days of delivery.", "no source says 'You can return any item within 50 days of delivery.'"),
])  # fmt: skip
def test_what_no_source_says_does_not_pass(reply: str, why: str) -> None:
    assert grade(reply) == no(why)


def test_the_share_that_stands_in_the_sources_is_the_score() -> None:
    found = grade("The return label is free. It is made of gold. Delivery takes 9 days.")
    assert (found.score, found.passed) == (pytest.approx(1 / 3), False)
    assert found.why == "no source says 'It is made of gold.' and 1 more"


@pytest.mark.parametrize(("sources", "why"), [
    (None, "names no source for what it says"), ([], "names no source for what it says"), ("x", "names no source for what it says"),
    ([7], "a source cannot be read"), ([{"quote": "", "text": RETURNS}], "a source cannot be read"),
    ([{"quote": RETURNS}], "a source cannot be read"),
    ([{"quote": "The return label is free forever.", "text": RETURNS}],
     "the quote 'The return label is free forever.' does not stand in its source"),
])  # fmt: skip
def test_a_quote_has_to_stand_in_its_passage(sources: Any, why: str) -> None:
    assert grade("The return label is free.", sources) == no(why)


def test_a_made_up_quote_beside_a_good_one_is_no_pass() -> None:
    found = grade("The return label is free.", [*ALL, {"quote": "We pay twice.", "text": RETURNS}])
    assert found == no("the quote 'We pay twice.' does not stand in its source")


def test_a_quote_may_be_written_with_other_quotes_and_spaces() -> None:
    assert grade("The label is free.", [{"quote": "the label’s\n free", "text": "THE LABEL'S FREE."}]).passed is True


@pytest.mark.parametrize("reply", [
    "Hello Ann!", "Dear Ann,\nfeel free to contact us.\nBest, Ben", "Thank you for reaching out. How can I help?", "Kind regards",
    "I cannot help with that. A colleague will get back to you.",
    "Guten Tag! Womit kann ich Ihnen helfen?", "Vielen Dank für Ihre Nachricht.",
])  # fmt: skip
def test_what_claims_nothing_needs_no_source(reply: str) -> None:
    assert grade(reply, []) == yes("claims nothing that needs a source")


@pytest.mark.parametrize("reply", ["It is free.", "Hello Ann, the refund is approved.", "42", "Yes, 30 days.", "Refunded!", "Hi. Shipped."])
def test_a_short_claim_is_a_claim(reply: str) -> None:
    assert grade(reply, []) == no("names no source for what it says")


def test_who_declines_needs_no_source_and_who_says_nothing_does_not_pass() -> None:
    assert grade("This is for our lawyers.", [], declined=True).passed is True
    assert grade("This is for our lawyers.", [], declined="yes").passed is False
    assert grade("") == no("there was no reply")
    assert cites_sources.grade(Of({}), None) == no("there was no reply")


def test_german_is_read_too() -> None:
    quote = "Sie können die Ware innerhalb von 14 Tagen zurückgeben. Reduzierte Ware nehmen wir nicht zurück."
    sources = [{"quote": quote, "text": quote}]
    assert grade("Die Ware können Sie innerhalb von 14 Tagen zurückgeben.", sources).passed is True
    assert grade("Die Ware können Sie innerhalb von 30 Tagen zurückgeben.", sources).passed is False
    assert grade("Reduzierte Ware nehmen wir zurück.", sources).passed is False
