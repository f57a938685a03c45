"""What a reply may make of what was looked up: sums, other ways of writing, plans and refusals; and no figure that belongs elsewhere."""

import json
from typing import Any

import pytest

from automations.door import Held
from automations.guardrails import derived, figures, unsupported
from automations.guardrails.face import LEAVES, Looked
from automations.recipe import Limits, Recipe

STAY = {
    "booking_id": "KX41PQ", "hotel": "Alder", "room": "double", "status": "booked", "breakfast": "no", "created_at": "2025-02-11T09:00:00",
    "nights": [{"night_id": "N7701", "date": "2025-03-04", "price": 120}, {"night_id": "N7702", "date": "2025-03-05", "price": 135}],
    "guests": [{"first_name": "Ida", "last_name": "Holm"}, {"first_name": "Per", "last_name": "Holm"}],
    "paid_with": {"card": "visa", "last_four": "8831"},
}  # fmt: skip
OTHER = {"booking_id": "ZZ90AB", "hotel": "Alder", "nights": [{"night_id": "N9001", "date": "2025-05-20", "price": 99}]}
RULES = (
    "A silver member gets 2 free drinks for each guest. Breakfast cannot be added after arrival. "
    "Refunds reach the card within 5 to 7 business days. A late checkout costs 25 euros."
)
ASKED = "I am a silver member. What about booking KX41PQ? I would like to come on March 4 at 11am and pay no more than 300 euros."


def why(text: str, **more: Any) -> str:
    """Empty where the reply may leave."""
    told = {
        "facts": {"get_booking": STAY, "get_other": OTHER},
        "sources": (RULES, json.dumps(STAY)),
        "held": Held(Recipe("r", limits=Limits())),
    }
    return unsupported.look(Looked(LEAVES, text, asked=ASKED, **{**told, **more})).why


@pytest.mark.parametrize("text", [
    "Your booking KX41PQ is for a double room at the Alder.", "It appears that breakfast was not included in your booking.",
    "Guests: Ida Holm and Per Holm", "The card ending in 8831 was used.", "Night 1: N7701, March 4, 2025, price: €120",
    "The nights cost €120 and €135, a total of €255.", "As a silver member you get 2 free drinks for each guest, a total of 4 free drinks.",
    "Unfortunately, breakfast cannot be added after arrival.", "Refunds reach the card within 5 to 7 business days.",
    "I will first cancel booking KX41PQ and then book a new one. Do you want me to?", "To determine the price, I will need your dates.",
    "I understand your concern, but I am unable to decide this.", "I recommend asking the hotel directly.",
    "You would like to come at 11:00 AM.",
    "Tuesday, March 4, 2025 is your first night.", "Talk to you soon.", "Certainly!", "You have two guests in your booking.",
])  # fmt: skip
def test_what_follows_from_what_is_known_may_be_told_in_other_words(text: str) -> None:
    assert why(text) == ""


@pytest.mark.parametrize(("text", "told"), [
    ("The nights cost €120 and €135, a total of €265.", "'€265' stands neither in what was looked up nor in what the customer wrote"),
    ("Night 1: N7703, March 4, 2025", "'N7703' stands neither"), ("Your booking KX41PQ begins on May 20, 2025.", "beside 'KX41PQ'"),
    ("Booking KX41PQ: N7701\nPrice: €135", "'€135' stands nowhere beside 'N7701'"),
    ("Guests: Ida Holm and Olga Brandt", "'Olga Brandt' stands"),
    ("Your booking is for March 9, 2025.", "'2025-03-09' stands neither"), ("Wednesday, March 4, 2025 is your first night.", "another day"),
    ("Refunds reach the card within 7 to 7 business days.", "'7 to 7' stands"),
    ("You have three guests in your booking.", "'3' stands neither"),
    ("Check-in begins at 14:30.", "its time of day"), ("The card ending in 8832 was used.", "'8832' stands"),
    ("Breakfast can be added after arrival.", "its source denies it"),
    ("We have upgraded your room to a suite.", "an act that this run did not do"),
    ("You will receive a refund of €255.", "promises money"), ("The pool is closed for repairs until the summer.", "no source speaks of"),
])  # fmt: skip
def test_what_does_not_is_named_in_a_sentence_for_a_rep(text: str, told: str) -> None:
    assert told in why(text) and why(text).endswith("A person answers.")


def test_a_figure_is_only_as_good_as_its_source() -> None:
    assert why("Night N7701 costs €120.") == "" != why("Night N7701 costs €120.", facts={}, sources=(RULES,))


def test_arithmetic_is_of_what_stands_near_and_counts_are_small() -> None:
    assert (
        derived.follows("255", ["120", "135"], [])
        and derived.follows("15", ["120"], ["135"])
        and derived.follows("240", ["120"], [], ["2"])
    )
    assert not derived.follows("256", ["120", "135"], []) and not derived.follows("1440", ["120"], [], ["12"])
    assert not derived.follows("half", ["120"], []) and derived.times("4", ["2"]) and not derived.times("5", ["2", "3"])


def test_figures_are_read_however_they_are_written() -> None:
    assert [*figures.hours("11am and 4 p.m.")] == [660, 960] and [*figures.amounts("$1,200.50, 30 EUR")] == [
        ("$1,200.50", "1200.5"),
        ("30 EUR", "30"),
    ]
    assert [*figures.codes("R-1041, PEP4E0, the 19th, 24-hour")] == ["R-1041", "PEP4E0"] and figures.in_digits("Two or drei") == "2 or 3"
    assert figures.without_labels("Flight 1: A").split() == [":", "A"] and [*figures.ranges("5 to 7 days")] == [("5", "7")]
    assert [*figures.beside((2025, 3, 1))] == [(2025, 2, 28), (2025, 3, 2)] and figures.plain_numbers("4 on 2025-03-04 at 10:30") == {"4"}
