"""A reply is shaped as its channel needs it, and loses nothing but markup on the way."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations.steps.shaping import LETTER, mailed, shaped, spoken, written_again

REPLY = """**Your parcel** FG-10001 is late (sorry):

- refund: 19.90 EUR
- track it [here](https://track.example/QV1) or at https://track.example/QV000000001?x=1.

## What now
It comes on 2026-03-06; the carrier has it – really 😀"""


def test_on_the_phone_there_are_only_short_sentences() -> None:
    assert spoken(REPLY) == (
        "Your parcel F G 1 0 0 0 1 is late, sorry. Refund: 19.90 EUR. Track it here. What now. It comes on 2026-03-06. The carrier has it. "
        "Really."
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Order FG-10001.", "Order F G 1 0 0 0 1."),
        ("Tracking QV000000001", "Tracking Q V 0 0 0 0 0 0 0 0 1."),
        ("Invoice INV-10001-B", "Invoice I N V 1 0 0 0 1 B."),
        ("Case 1234567", "Case 1 2 3 4 5 6 7."),
        ("We paid 12345.50 EUR on 2026-03-06, 24h ago", "We paid 12345.50 EUR on 2026-03-06, 24h ago."),
        ("1,290.00 EUR in 2026", "1,290.00 EUR in 2026."),
        ("3 days late", "3 days late."),
    ],
)
def test_what_names_a_thing_is_said_digit_by_digit_and_an_amount_is_not(written: str, said: str) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize("written", ["Order FG-10001 came back.", "Case 1234567.", "We paid 12.50 EUR for 2 pots.", "On 2026-03-06."])
def test_what_was_said_sign_by_sign_can_be_written_again(written: str) -> None:
    assert written_again(spoken(written)) == written


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1. Open the app\n2. Press *Help*", "Open the app. Press Help."),
        ("<b>Hello</b> there<br>you", "Hello there you."),
        ("| a | b |", "A, b."),
        ("See www.shop.example/help.", "See."),
        ("> quoted `code` snake_case 5 * 3", "Quoted code snake_case 5 * 3."),
        ("---\n\n***", ""),
        ("Is it there? Yes!", "Is it there? Yes!"),
    ],
)
def test_markup_is_not_read_aloud(written: str, said: str) -> None:
    assert spoken(written) == said


def test_what_was_spoken_stays_as_it_is() -> None:
    assert spoken(spoken(REPLY)) == spoken(REPLY)


@given(st.text(alphabet=st.sampled_from("abFG .,-*#>[]()|`\n–;😀"), max_size=80))
def test_every_letter_is_still_said_and_on_one_line(text: str) -> None:
    said = spoken(text)
    assert "\n" not in said and "😀" not in said and "**" not in said and "`" not in said
    without_targets = re.sub(r"\[([^\[\]]*)\]\([^()\s]*\)", r"\1", text)  # where a link leads is not said
    assert letters(said) == letters(without_targets)


def letters(text: str) -> list[str]:
    return [sign.lower() for sign in text if sign.isalpha()]


def test_a_mail_has_a_greeting_and_a_closing_in_its_language() -> None:
    assert mailed("Your parcel is late.", "en") == "Hello,\n\nYour parcel is late.\n\nKind regards"
    assert mailed("Ihr Paket kommt später.", "de-AT") == "Guten Tag,\n\nIhr Paket kommt später.\n\nMit freundlichen Grüßen"
    assert (
        mailed("Your parcel is late.", "") == mailed("Your parcel is late.", "xx") == "Your parcel is late."
    )  # none rather than a wrong one
    assert mailed(" ", "en") == ""


@pytest.mark.parametrize("language", LETTER)
def test_a_mail_is_greeted_once(language: str) -> None:
    once = mailed("7 EUR.", language)
    assert once != "7 EUR." and mailed(once, language) == once


def test_a_writers_own_greeting_and_closing_stay() -> None:
    own = "Dear Jo,\n\nit is late.\n\nBest wishes\nThe team"
    assert mailed(own, "en") == own
    assert mailed("Hi Jo, it is late.", "en") == "Hi Jo, it is late.\n\nKind regards"
    assert mailed("It is late.\n\nYours, Kim", "en") == "Hello,\n\nIt is late.\n\nYours, Kim"


def test_each_channel_has_its_own_shape() -> None:
    assert shaped(REPLY, channel="chat", language="en") == REPLY
    assert shaped(REPLY, channel="voice", language="en") == spoken(REPLY)
    assert shaped(REPLY, channel="email", language="en") == mailed(REPLY, "en")
