"""What is personal is found however people write it; what only looks like it is left alone."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from data.errors import Refused
from language import redact
from portal.bench import redact as bench
from tests import redaction_texts
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
    st.sampled_from(
        [
            "12/27",
            "123",
            "\n",
            ", ",
            "‹CARD 1›",
            "‹",
            "›",
            "‹NAME ",
            "My name is ",
            "Anna",
            "Schmidt",
            "call ",
            "+49 30 ",
            "address: ",
            "12 Oak Road",
            "PIN ",
        ]
    ),
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
    assert redact.PLACEHOLDER.sub("\1", clean(text)) == redact.PLACEHOLDER.sub("\1", rest)


@TRIES
@given(st.text("0123456789", min_size=1, max_size=19))
def test_the_checksum_is_the_one_of_the_book(digits: str) -> None:
    assert redact.passes_luhn(digits) == luhn(digits)


def test_the_oracle_sees_what_is_not_redacted() -> None:
    """The control of the properties above."""
    assert left_behind("card 4111 1111 1111 1111 12/27") == ["4111111111111111"]
    assert left_behind("3782 822463 10005") == ["378282246310005"]
    assert left_behind("card ‹CARD 1›") == []


@pytest.mark.parametrize("digits", CARDS)
def test_a_card_is_found_in_each_way_of_writing_it(digits: str) -> None:
    grouped = [digits[place : place + 4] for place in range(0, len(digits), 4)]
    for written in (digits, " ".join(grouped), "-".join(grouped)):
        assert clean(f"My card is {written}.") == "My card is ‹CARD 1›."


@pytest.mark.parametrize("after", [" 12/27", " 123", " 12 27", "-123", " 12/27 123", " 2027", " 1"])
def test_a_card_is_found_when_its_date_or_code_follows(after: str) -> None:
    assert clean(f"4111 1111 1111 1111{after}") == f"‹CARD 1›{after}"
    assert clean(f"4111111111111111{after}") == f"‹CARD 1›{after}"


@pytest.mark.parametrize("before", ["12 ", "1 ", "2. ", "order 7 ", "04-"])
def test_a_card_is_found_when_a_number_stands_before_it(before: str) -> None:
    assert clean(f"{before}4111 1111 1111 1111") == f"{before}‹CARD 1›"


@pytest.mark.parametrize("gap", ["\u00a0", "\u202f", "  ", ".", "\u2013", "\u2011", "\t"])
def test_a_card_is_found_with_the_gaps_that_people_and_programmes_put_in(gap: str) -> None:
    assert clean(f"Card {gap.join(('4111', '1111', '1111', '1111'))} please") == "Card ‹CARD 1› please"


def test_two_cards_side_by_side_are_two() -> None:
    assert clean("4111111111111111 5555555555554444") == "‹CARD 1› ‹CARD 2›"
    assert clean("4111 1111 1111 1111 5555 5555 5555 4444") == "‹CARD 1› ‹CARD 2›"


def test_the_same_card_written_in_two_ways_has_one_number() -> None:
    assert clean("4111 1111 1111 1111, again 4111-1111-1111-1111, not 5555555555554444") == "‹CARD 1›, again ‹CARD 1›, not ‹CARD 2›"


@pytest.mark.parametrize("before", ["Meine Adresse ist ", "Die Adresse lautet ", "Adresse: ", "my address is ", "Address is: "])
def test_the_words_before_an_address_stay_whole(before: str) -> None:
    assert redact.masked(f"{before}Lindenweg 17") == f"{before}‹ADDRESS 1›"


def test_an_address_in_capitals_is_the_same_address() -> None:
    assert clean("Jo.Doe@Example.org or jo.doe@example.org") == "‹EMAIL 1› or ‹EMAIL 1›"


@pytest.mark.parametrize(
    "address",
    ["jo@example.org", "jo.doe+shop@mail.example.co.uk", "j_d%x-1@a-b.example", "JO@EXAMPLE.ORG", "1@2.de", "x" * 64 + "@example.org"],
)
def test_an_address_is_found(address: str) -> None:
    assert clean(f"Write to <{address}>, please.") == "Write to <‹EMAIL 1›>, please."


@pytest.mark.parametrize("address", ["jörg@example.org", "jo@bücher.example", "иван@пример.рф", "o'neil@example.org"])
def test_nothing_of_an_address_in_other_letters_is_left(address: str) -> None:
    assert clean(f"Write to {address}, please.") == "Write to ‹EMAIL 1›, please."


@pytest.mark.parametrize(
    "text",
    [
        "Order 1234567890", "Order 302-4459871-0038812", "parcel 00340434161094042557", "on 2026-05-12 at 14:30:05",
        "2026-05-12 14:30 to 2026-06-01 15:45", "4111 1111 1111 1112", "0000 0000 0000 0000", "1111111111111111", "@support", "a@b",
        "jo at example dot org", "5 @ 3 EUR", "version 1.2.3.4", "4111111111111111" * 3,
    ],
)  # fmt: skip
def test_what_only_looks_like_one_is_left_alone(text: str) -> None:
    assert clean(text) == text


def test_a_long_text_takes_no_more_than_its_length() -> None:
    """Nothing here backtracks over the whole text: 40 kB of the worst pieces come back."""
    for worst in ("1 " * 20_000, "a." * 20_000, "a@" * 20_000, "a@" + "a." * 20_000, "1-" * 20_000 + "x"):
        assert clean(worst) == worst


KINDS = (*redaction_texts.KINDS, "id")


def missed(kind: str) -> list[str]:
    items = list(redaction_texts.national()) if kind == "id" else redaction_texts.labelled(kind)
    assert len(items) >= 200
    return [item.text for item in items if not set(range(item.start, item.end)) <= masked_places(item.text)]


def masked_places(text: str) -> set[int]:
    return {place for finding in redact.find(text) for place in range(finding.start, finding.end)}


@pytest.mark.parametrize("kind", KINDS)
def test_ninety_nine_of_a_hundred_of_each_structured_kind_are_masked_to_the_last_sign(kind: str) -> None:
    assert len(missed(kind)) <= 2, missed(kind)[:5]


def test_one_support_text_in_a_hundred_at_most_is_a_false_alarm() -> None:
    texts = redaction_texts.harmless()
    alarms = [redact.masked(text) for text in texts if redact.find(text)]
    assert len(texts) == 500
    assert len(alarms) <= 5, alarms


def test_the_harmless_texts_would_ring_with_something_personal_in_them() -> None:
    """The control of the one above."""
    texts = [f"{text} Call me at +49 30 1234 5678." for text in redaction_texts.harmless(50)]
    assert all(redact.find(text) for text in texts)


@pytest.mark.parametrize(
    ("text", "clean_text"),
    [
        ("Call +49 30 1234567 or 0049 30 1234567", "Call ‹PHONE 1› or ‹PHONE 1›"),
        ("IBAN DE89 3704 0044 0532 0130 00 or DE89370400440532013000", "IBAN ‹IBAN 1› or ‹IBAN 1›"),
        ("4111 1111 1111 1111, CVV 123", "‹CARD 1›, CVV ‹SECRET 1›"),
        ("from 10.0.0.7 and fe80::1", "from ‹IP 1› and ‹IP 2›"),
        ("My name is Anna Schmidt.", "My name is ‹NAME 1›."),
        ("my name is anna schmidt", "my name is ‹NAME 1›"),
        ("Hi Wanjiku,\nthanks!\n\nBest regards,\nTore Ødegård", "Hi ‹NAME 1›,\nthanks!\n\nBest regards,\n‹NAME 2›"),
        ("Sehr geehrte Frau Yıldız, ich heiße Jürgen Groß", "Sehr geehrte Frau ‹NAME 1›, ich heiße ‹NAME 2›"),
        ("Dr. Nielsen and Mrs. Amy Kupcová", "Dr. ‹NAME 1› and Mrs. ‹NAME 2›"),
        ("I live at 12 Oak Road, Springfield 62704.", "I live at ‹ADDRESS 1›."),
        ("Bitte an Musterstraße 12a, 10115 Berlin liefern", "Bitte an ‹ADDRESS 1› liefern"),
        ("Livrer au 48 rue Descartes, 75005 Paris merci", "Livrer au ‹ADDRESS 1› merci"),
        ("Calle de Alcalá 45, Madrid", "‹ADDRESS 1›"),
        (
            "John Miller\nAcme Inc\n221 Baker Street\nLondon NW1 6XE\nMobile: 020 7946 0958",
            "‹NAME 1›\nAcme Inc\n‹ADDRESS 1›\nMobile: ‹PHONE 1›",
        ),
        ("Send it to P.O. Box 1234", "Send it to ‹ADDRESS 1›"),
        ("my zip code is 94107", "my zip code is ‹ADDRESS 1›"),
        ("born on 12/27/1986 at Siemens", "born on 12/27/1986 at Siemens"),
    ],
)
def test_what_people_say_of_themselves_is_found(text: str, clean_text: str) -> None:
    assert redact.masked(text) == clean_text


def test_what_the_source_knows_of_the_customer_is_found_wherever_it_stands() -> None:
    text = "AMSEL here, zora AMSEL. Ship to 5 Nowhere, Upper Thing. The will of Will Amselig."
    known = ["Zora Amsel", "5 Nowhere, Upper Thing"]
    assert redact.redact(text, lambda _: 1, known)[0] == "‹NAME 1› here, ‹NAME 1›. Ship to ‹ADDRESS 1›. The will of Will Amselig."
    assert "AMSEL here" in redact.redact(text, lambda _: 1)[0]  # the control: nobody would guess it


def test_a_known_name_that_is_an_everyday_word_takes_no_words_away() -> None:
    assert redact.find("the rose will grow", known=["Rose Will"]) == []
    assert [finding.value for finding in redact.find("I am ROSE WILL.", known=["Rose Will"])] == ["rose will"]


def test_a_known_name_is_found_with_and_without_its_accents() -> None:
    assert [finding.kind for finding in redact.find("Jose, José", known=["José"])] == ["name", "name"]


def test_a_placeholder_is_never_touched_and_what_looks_like_one_is_left() -> None:
    for kind in redact.KINDS:
        assert redact.PLACEHOLDER.fullmatch(redact.placeholder(kind, 12))
        text = f"my name is {redact.placeholder(kind, 3)}, call {redact.placeholder(kind, 1)} at 5"
        assert redact.find(text, known=["Name", "Card", "Phone"]) == []


def test_nothing_hides_in_what_looks_like_a_placeholder() -> None:
    assert "4111" not in redact.masked("‹CARD 4111111111111111›")
    assert "30123456" not in redact.masked("call ‹PHONE +493012345678›")


def test_a_plain_link_stays_and_one_that_opens_something_goes() -> None:
    assert redact.find("see https://shop.example.com/plants/monstera-deliciosa-large-2026?page=2") == []
    assert redact.masked("see https://shop.example.com/reset?token=Zk31hs82kd.") == "see ‹URL 1›."


@pytest.mark.parametrize("kind", ["card", "iban", "email", "phone", "id"])
def test_two_ways_of_writing_one_value_are_one(kind: str) -> None:
    pairs = {
        "card": ("4111 1111 1111 1111", "4111-1111-1111-1111"), "iban": ("de89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        "email": ("Jo@Example.org", "jo@example.org"), "phone": ("+49 (0)30 1234567", "0049 30 1234567"),
        "id": ("AB 12 34 56 C", "AB123456C"),
    }  # fmt: skip
    found = [redact.find(f"it is {written}") for written in pairs[kind]]
    assert [[finding.kind for finding in each] for each in found] == [[kind], [kind]]
    assert found[0][0].value == found[1][0].value


def test_the_bench_tells_what_was_found_and_what_was_missed(tmp_path: Path) -> None:
    rows = [
        {"full_text": "I am Anna Schmidt", "spans": [{"entity_type": "PERSON", "start_position": 5, "end_position": 17}]},
        {"full_text": "It was Qqzz", "spans": [{"entity_type": "PERSON", "start_position": 7, "end_position": 11}]},
        {"text": "nobody is here"},
        {"text": "call me: +49 30 1234567"},
    ]
    (tmp_path / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "texts.json").write_text(json.dumps(rows))
    told = bench.run(tmp_path / "texts.jsonl")
    assert (told["recall"], told["precision"], told["false_alarms_per_100"], told["texts"]) == (0.5, 0.5, 50.0, 4)
    assert told["per_type"]["name"]["recall"] == 0.5
    again = bench.run(tmp_path / "texts.json")
    assert {key: again[key] for key in again if key != "texts_per_second"} == {key: told[key] for key in told if key != "texts_per_second"}


def test_the_bench_refuses_what_is_no_list_of_texts(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("hello\n")
    with pytest.raises(Refused, match=r"'x\.jsonl' was not measured: .* Write one object a line"):
        bench.run(tmp_path / "x.jsonl")
