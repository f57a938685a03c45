"""Gaps are filled once, with single values that are known; all else in a text stays as it is."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations.filling import LONGEST, alone, filled, names_in, odd_gaps, plain, value_of
from data.errors import Refused

ORDER = {"total": Decimal("19.90"), "count": 3, "share": 0.5, "late": True, "day": date(2026, 11, 22), "items": ["pot"]}
FACTS: dict[str, Any] = {
    "name": "Ada", "order": ORDER,
    "at": datetime(2026, 11, 22, 9, 5, tzinfo=UTC), "sly": "{{order.total}} {{sly}}", "none": None, "blank": " ",
}  # fmt: skip


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hello {{name}}, {{ order.total }} EUR.", "Hello Ada, 19.90 EUR."),
        ("{{order.count}} {{order.share}} {{order.late}} {{order.day}} {{at}}", "3 0.5 yes 2026-11-22 2026-11-22 09:05"),
        ("{{name}}{{name}}", "AdaAda"),
        ("", ""),
        ("{name} {{{name}}} {{name} {{na me}} {{}} {{7*7}} {{name.__class__}} {{name|upper}} }}{{", None),
        ("{{{name}} {{name}}} {{ name }}} {{{{name}}", None),
        ("{% for x in y %} {{{{name}}}} ${name} #{name} %(name)s", None),
    ],
)
def test_gaps_are_filled_and_the_rest_is_plain_text(template: str, text: str | None) -> None:
    assert filled(template, FACTS) == (template if text is None else text)


def test_what_is_filled_in_is_not_read_again() -> None:
    assert filled("{{sly}}", FACTS) == value_of("{{sly}}", FACTS) == "{{order.total}} {{sly}}"
    assert filled("{{half}}order.total}}", {"half": "{{", "order": {"total": 1}}) == "{{order.total}}"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{nobody}}", "'nobody' is not known"),
        ("{{none}}", "'none' is not known"),
        ("{{blank}}", "'blank' is not known"),
        ("{{name.upper}}", "'name.upper' is not known"),
        ("x {{order}}", "'order' is no single text, number or date but a table"),
        ("x {{order.items}}", "but a list"),
        ("x" * (LONGEST + 1), "at most 20,000 characters, this one 20,001"),
        ("{{name}}" * 7_000, "at most 20,000 characters, this one 56,000"),
    ],
)
def test_what_cannot_be_filled_is_refused_with_its_name(template: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        filled(template, FACTS)


def test_a_text_does_not_grow_without_end() -> None:
    long = {"x": "x" * 10_000}
    assert len(filled("{{x}}{{x}}", long)) == LONGEST
    with pytest.raises(Refused, match="more than 20,000 characters"):
        filled("{{x}}" * 1_000, long)


def test_a_gap_alone_keeps_the_kind_of_its_value() -> None:
    assert value_of("{{order.total}}", FACTS) == Decimal("19.90")
    assert value_of(" {{order.items}} ", FACTS) == ["pot"] and value_of("{{order.late}}", FACTS) is True
    assert value_of("{{order.total}} EUR", FACTS) == "19.90 EUR"
    assert value_of({"a": ["{{order.count}}", 5], "{{name}}": "{{name}}!"}, FACTS) == {"a": [3, 5], "{{name}}": "Ada!"}
    assert value_of(7, FACTS) == 7 and value_of(None, FACTS) is None
    with pytest.raises(Refused, match="'nobody' is not known"):
        value_of("{{nobody}}", FACTS)


def test_names_are_found_where_gaps_are() -> None:
    assert names_in("{{b}} {{a.b}} {{b}} {{{c}}} {{d e}}") == ["b", "a.b"]
    assert names_in({"z": "{{z}}", "a": ["{{a}}", 1]}) == ["a", "z"]
    assert alone(" {{a.b}}") == "a.b" and alone("{{a}} ") == "a" and alone("{{a}}{{b}}") == alone("x{{a}}") == alone(5) == ""


def test_what_was_meant_as_a_gap_is_told() -> None:
    assert odd_gaps("{{order total}} {{7*7}} {{ok}} {{{no}}} {no} {{}} {{__x__}}") == ["{{order total}}", "{{7*7}}", "{{}}", "{{__x__}}"]


@given(st.text(alphabet="{}ab. _*", max_size=60))
def test_a_text_without_names_stays_as_it_is(text: str) -> None:
    if not names_in(text):
        assert filled(text, {}) == text


@given(st.text(max_size=50), st.text(max_size=50).filter(str.strip))
def test_a_customers_words_arrive_unchanged(around: str, words: str) -> None:
    around = around.replace("{", "").replace("}", "")
    assert filled(f"{around}{{{{x}}}}{around}", {"x": words}) == f"{around}{words}{around}"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [1, "x", True, None, 1.5]}, ""),
        ("a\0", "a sign that cannot be stored"),
        ("\ud800", "a sign that cannot be stored"),
        (float("nan"), "'nan' is no text"),
        ({"a": {1: 2}}, "'1' cannot be the name of a value"),
        (object(), "'something else' is no text"),
        ([1] * 600, "at most 500 parts"),
        ([[[[[[[[[[1]]]]]]]]]], "at most 8 deep"),
        ("x" * 20_001, "at most 20,000 characters, this one has 20,001"),
    ],
)
def test_only_plain_values_are_kept(value: Any, words: str) -> None:
    assert words in plain(value) and bool(words) == bool(plain(value))


def test_endless_values_end() -> None:
    loop: list[Any] = []
    loop += [loop] * 5
    assert plain(loop)
    with pytest.raises(Refused, match="at most 500 parts"):
        value_of(loop, {})
