"""A claim is supported by a quote that says the same: words, numbers and what they count, names, promises, and which way it goes."""

import pytest

from knowledge.support import sentences_for, support

RETURNS = "You can return any plant within 30 days of delivery. Sale items are not refunded. Shipping back costs 5 euros."
SHIPPING = "Orders over 50 euros are delivered free of charge. Parcels are delivered within 3 working days."


@pytest.mark.parametrize(("claim", "quote"), [
    ("Plants can be returned within 30 days of delivery.", RETURNS), ("Sale items cannot be refunded.", RETURNS),
    ("You can return a plant within 30 days.", RETURNS), ("Shipping back costs 5.00 euros.", RETURNS),
    ("Orders over 50 euros are delivered free.", SHIPPING), ("Your parcel is delivered within 3 working days.", SHIPPING),
    ("Die Ware können Sie innerhalb von 14 Tagen zurückgeben.", "Sie können die Ware innerhalb von 14 Tagen zurückgeben."),
])  # fmt: skip
def test_what_the_quote_says_in_other_words_is_supported(claim: str, quote: str) -> None:
    found = support(claim, quote)
    assert found and found.holds and "says so" in found.why


@pytest.mark.parametrize(("claim", "quote", "why"), [
    ("You can return a plant within 60 days of delivery.", RETURNS, "the number 60 does not stand in its source"),
    ("You can return a plant within 5 days of delivery.", RETURNS, "5 counts something else in its source"),
    ("Shipping back costs 30 euros.", RETURNS, "30 counts something else in its source"),
    ("Sale items are refunded.", RETURNS, "its source denies it"),
    ("You cannot return any plant within 30 days of delivery.", RETURNS, "it denies what its source says"),
    ("Our greenhouse burned down yesterday.", RETURNS, "its source does not speak of 'greenhouse', 'burned', 'down'"),
    ("Orders under 50 euros are delivered free of charge.", SHIPPING, "it says 'under' where its source says 'over'"),
    ("Parcels are delivered within 3 working days, guaranteed.", SHIPPING, "it promises 'guaranteed', and its source does not"),
    ("You can return any plant by Hermes within 30 days of delivery.", RETURNS, "'Hermes' is not named in its source"),
    ("", RETURNS, "it says nothing"), ("Plants go back.", "", "its source does not speak of 'plants', 'go', 'back'"),
])  # fmt: skip
def test_what_it_does_not_say_is_not_and_the_reason_is_told(claim: str, quote: str, why: str) -> None:
    found = support(claim, quote)
    assert not found and found.why == why


def test_what_the_quote_is_about_may_be_named_by_its_title() -> None:
    quote = "There is no yearly fee in the first year."
    assert support("The Gold Card has no yearly fee in the first year.", quote, "Gold Card").holds
    assert support("The Gold Card has no yearly fee in the first year.", quote).why == "'Gold' is not named in its source"
    assert support("The Silver Card has no yearly fee in the first year.", quote, "Gold Card").why == "'Silver' is not named in its source"


def test_the_fewest_sentences_that_say_it_are_the_quote() -> None:
    text = f"Welcome to our shop.\n{RETURNS}\nPlants travel in a box. The box is made of paper."
    quote, found = sentences_for("Sale items are never refunded.", text)
    assert (quote, found.holds) == ("Sale items are not refunded.", True)
    quote, found = sentences_for("Plants travel in a paper box.", text)
    assert found and quote in ("Plants travel in a box. The box is made of paper.", "Plants travel in a box.")
    quote, found = sentences_for("Sale items are refunded within 30 days.", text)
    assert quote == "" and not found.holds and found.why


def test_words_from_all_over_a_passage_put_together_are_no_support() -> None:
    text = "Plants are sent in May. Gifts are wrapped on request. Roses need water. Letters come by post. Vouchers never expire."
    assert sentences_for("Vouchers wrapped in roses are sent by post in May.", text)[0] == ""
