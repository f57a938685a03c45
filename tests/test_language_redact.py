"""Cards and addresses are found however people write them; what only looks like one is left alone."""

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from language import redact
from tests.conftest import SOAK

CARDS = (
    "4111111111111111",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
    "3530111333300000",
    "4222222222222",
    "2223003122003222",
)
TRIES = settings(max_examples=2000 if SOAK else 150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


def clean(text: str) -> str:
    numbers: dict[tuple[str, str], int] = {}
    return redact.redact(text, lambda finding: numbers.setdefault((finding.kind, finding.value), len(numbers) + 1))[0]


def luhn(digits: str) -> bool:
    """By the book, not by our code: double every second digit from the right, add the digits of what that gives."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(sum(map(int, str(value))) for value in doubled) % 10 == 0


def left_behind(text: str) -> list[str]:
    """An oracle of its own: cards in one piece or in the groups printed on them, with nothing but a digit to forbid it beside them."""
    shapes = (r"\d{13,19}", r"\d{4}(?P<gap>[ -])\d{4}(?P=gap)\d{4}(?P=gap)\d{4}", r"\d{4}(?P<gap>[ -])\d{6}(?P=gap)\d{5}")
    found = [match["card"] for shape in shapes for match in re.finditer(rf"(?<!\d)(?=(?P<card>{shape})(?!\d))", text)]
    digits = [re.sub(r"\D", "", piece) for piece in found]
    return [piece for piece in digits if luhn(piece) and len(set(piece)) > 1]


@st.composite
def cards(draw: st.DrawFn) -> str:
    body = draw(st.sampled_from("3456")) + draw(st.text("0123456789", min_size=11, max_size=17))
    digits = next(body + check for check in "0123456789" if luhn(body + check))
    if len(digits) == 16:
        gap = draw(st.sampled_from(["", " ", "-"]))
        return gap.join(digits[place : place + 4] for place in range(0, 16, 4))
    return digits


names = st.text("abcXYZ019._+-", min_size=1, max_size=12).filter(lambda part: part[0].isalnum())
addresses = st.builds("{}@{}.{}".format, names, st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), st.sampled_from(["de", "com", "co.uk"]))
scraps = st.one_of(
    cards(),
    addresses,
    st.text(max_size=8),
    st.text("0123456789 -.@/", max_size=8),
    st.sampled_from(["12/27", "123", "\n", ", ", "[card 1]"]),
)
texts = st.lists(scraps, max_size=8).flatmap(lambda parts: st.sampled_from(["", " ", "-", ", "]).map(lambda gap: gap.join(parts)))


@TRIES
@given(texts)
@example("4111 1111 1111 1111-jo@example.org")
def test_redacting_again_changes_nothing(text: str) -> None:
    once = clean(text)
    assert clean(once) == once


@TRIES
@given(texts)
@example("4111 1111 1111 1111-jo@example.org")
def test_nothing_that_it_can_find_is_left(text: str) -> None:
    assert redact.find(clean(text)) == []


@TRIES
@given(
    st.lists(st.one_of(cards(), st.sampled_from(["my card is", "12/27", "123", "2026", "and", ",", ".", "7"])), max_size=6).map(" ".join)
)
@example("4111 1111 1111 1111 12/27 123")
def test_no_card_is_left_whatever_stands_beside_it(text: str) -> None:
    assert left_behind(clean(text)) == []


@TRIES
@given(texts)
def test_what_stands_around_a_finding_stays_as_it_was(text: str) -> None:
    rest = text
    for finding in reversed(redact.find(text)):
        rest = rest[: finding.start] + "\1" + rest[finding.end :]
    assert re.sub(r"\[(?:card|email) \d+\]", "\1", clean(text)) == re.sub(r"\[(?:card|email) \d+\]", "\1", rest)


@TRIES
@given(st.text("0123456789", min_size=1, max_size=19))
def test_the_checksum_is_the_one_of_the_book(digits: str) -> None:
    assert redact.passes_luhn(digits) == luhn(digits)


def test_the_oracle_sees_what_is_not_redacted() -> None:
    """The control of the properties above."""
    assert left_behind("card 4111 1111 1111 1111 12/27") == ["4111111111111111"]
    assert left_behind("3782 822463 10005") == ["378282246310005"]
    assert left_behind("card [card 1]") == []


@pytest.mark.parametrize("digits", CARDS)
def test_a_card_is_found_in_each_way_of_writing_it(digits: str) -> None:
    grouped = [digits[place : place + 4] for place in range(0, len(digits), 4)]
    for written in (digits, " ".join(grouped), "-".join(grouped)):
        assert clean(f"My card is {written}.") == "My card is [card 1]."


@pytest.mark.parametrize("after", [" 12/27", " 123", " 12 27", "-123", " 12/27 123", ", CVV 123", " 2027", " 1"])
def test_a_card_is_found_when_its_date_or_code_follows(after: str) -> None:
    assert clean(f"4111 1111 1111 1111{after}") == f"[card 1]{after}"
    assert clean(f"4111111111111111{after}") == f"[card 1]{after}"


@pytest.mark.parametrize("before", ["12 ", "1 ", "2. ", "order 7 ", "04-"])
def test_a_card_is_found_when_a_number_stands_before_it(before: str) -> None:
    assert clean(f"{before}4111 1111 1111 1111") == f"{before}[card 1]"


@pytest.mark.parametrize("gap", ["\u00a0", "\u202f", "  ", ".", "\u2013", "\u2011", "\t"])
def test_a_card_is_found_with_the_gaps_that_people_and_programmes_put_in(gap: str) -> None:
    assert clean(f"Card {gap.join(('4111', '1111', '1111', '1111'))} please") == "Card [card 1] please"


def test_two_cards_side_by_side_are_two() -> None:
    assert clean("4111111111111111 5555555555554444") == "[card 1] [card 2]"
    assert clean("4111 1111 1111 1111 5555 5555 5555 4444") == "[card 1] [card 2]"


def test_the_same_card_written_in_two_ways_has_one_number() -> None:
    assert clean("4111 1111 1111 1111, again 4111-1111-1111-1111, not 5555555555554444") == "[card 1], again [card 1], not [card 2]"


def test_an_address_in_capitals_is_the_same_address() -> None:
    assert clean("Jo.Doe@Example.org or jo.doe@example.org") == "[email 1] or [email 1]"


@pytest.mark.parametrize(
    "address",
    ["jo@example.org", "jo.doe+shop@mail.example.co.uk", "j_d%x-1@a-b.example", "JO@EXAMPLE.ORG", "1@2.de", "x" * 64 + "@example.org"],
)
def test_an_address_is_found(address: str) -> None:
    assert clean(f"Write to <{address}>, please.") == "Write to <[email 1]>, please."


@pytest.mark.parametrize("address", ["jörg@example.org", "jo@bücher.example", "иван@пример.рф", "o'neil@example.org"])
def test_nothing_of_an_address_in_other_letters_is_left(address: str) -> None:
    assert clean(f"Write to {address}, please.") == "Write to [email 1], please."


@pytest.mark.parametrize(
    "text",
    [
        "Order 1234567890", "Order 302-4459871-0038812", "parcel 00340434161094042557", "on 2026-05-12 at 14:30:05",
        "2026-05-12 14:30 to 2026-06-01 15:45", "+49 30 1234567", "0049 (0)170 123 45 67", "call 1-800-555-0199",
        "IBAN DE89 3704 0044 0532 0130 00", "4111 1111 1111 1112", "0000 0000 0000 0000", "1111111111111111", "@support", "a@b",
        "jo at example dot org", "5 @ 3 EUR", "version 1.2.3.4", "4111111111111111" * 3,
    ],
)  # fmt: skip
def test_what_only_looks_like_one_is_left_alone(text: str) -> None:
    assert clean(text) == text


def test_a_long_text_takes_no_more_than_its_length() -> None:
    """Nothing here backtracks over the whole text: 40 kB of the worst pieces come back."""
    for worst in ("1 " * 20_000, "a." * 20_000, "a@" * 20_000, "a@" + "a." * 20_000, "1-" * 20_000 + "x"):
        assert clean(worst) == worst
