"""A condition is looked at and never run: what it says holds, what is not known decides nothing."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations import comparisons, conditions
from automations.comparisons import OPERATORS
from automations.conditions import DEEPEST, LONGEST_TEXT, MOST_LISTED, MOST_NODES, check, faults, holds, told
from data.errors import Refused

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
FACTS: dict[str, Any] = {
    "order": {
        "total": Decimal("19.90"), "paid": 19.9, "count": 3, "status": " Delivered ", "tags": ["vip", "Plants"],
        "none": None, "blank": "  ",
        "delivered_at": AT - timedelta(days=10), "placed": date(2026, 11, 1), "said": "2026-11-21T12:00:00", "empty": [],
    },
    "customer": {"vip": True, "number": 1, "city": "Köln"},
    "message": {"text": "The pot arrived BROKEN, and unbroken it was not. Refund-me!"},
}  # fmt: skip
NAMES = {
    "order.total": "money", "order.count": "number", "order.status": "choice", "customer.vip": "yes_no", "message.text": "long_text",
    "order.paid": "money", "answer": "mapping", "order.tags": "any",
}  # fmt: skip


def so(name: str, operator: str, than: Any = None) -> bool:
    return holds({name: operator if than is None else {operator: than}}, FACTS, AT)


@pytest.mark.parametrize(
    ("name", "operator", "than"),
    [
        ("order.total", "equals", 19.9),
        ("order.total", "equals", {"value": "order.paid"}),
        ("order.status", "equals", "delivered"),
        ("customer.city", "equals", "KO\u0308LN"),
        ("customer.vip", "equals", True),
        ("order.said", "equals", {"value": "order.said"}),
        ("order.status", "is not", "lost"),
        ("order.total", "at least", 19.90),
        ("order.total", "at most", Decimal("19.9")),
        ("order.total", "more than", 19),
        ("order.count", "less than", 3.5),
        ("order.total", "between", [19.9, 20]),
        ("order.total", "between", [19, 19.9]),
        ("order.tags", "contains", "plants"),
        ("message.text", "contains", "refund-me"),
        ("order.tags", "does not contain", "new"),
        ("order.empty", "does not contain", "new"),
        ("order.count", "is one of", ["x", 3]),
        ("order.status", "is none of", ["lost", "returned"]),
        ("order.total", "is known", None),
        ("order.nothing", "is not known", None),
        ("order.none", "is not known", None),
        ("order.blank", "is not known", None),
        ("nothing.at.all", "is not known", None),
        ("message.text", "matches word", "broken"),
        ("message.text", "matches word", "refund"),
        ("message.text", "matches word", "the pot"),
        ("order.delivered_at", "older than days", 9.5),
        ("order.placed", "older than days", 21),
        ("order.said", "newer than days", 1.5),
        ("order.delivered_at", "newer than days", 11),
    ],
)
def test_what_is_so_holds(name: str, operator: str, than: Any) -> None:
    assert so(name, operator, than)
    if "known" not in operator:
        assert not holds({"not": {name: {operator: than}}}, FACTS, AT)


@pytest.mark.parametrize(
    ("name", "operator", "than"),
    [
        ("order.total", "equals", 19.91),
        ("order.total", "is not", 19.9),
        ("order.total", "at most", 19.89),
        ("order.total", "more than", 19.9),
        ("order.total", "between", [20, 30]),
        ("order.tags", "contains", "plant"),
        ("message.text", "matches word", "broke"),
        ("message.text", "matches word", "arrived unbroken"),
        ("order.count", "is one of", [1, 2]),
        ("order.delivered_at", "older than days", 10),
        ("order.delivered_at", "newer than days", 10),
    ],
)
def test_what_is_not_so_does_not_hold(name: str, operator: str, than: Any) -> None:
    assert not so(name, operator, than)
    assert holds({"not": {name: {operator: than}}}, FACTS, AT)


@pytest.mark.parametrize(
    ("name", "operator", "than"),
    [
        ("order.nothing", "equals", "x"),
        ("order.nothing", "is not", "x"),
        ("order.nothing", "does not contain", "x"),
        ("order.nothing", "is none of", ["x"]),
        ("order.total", "at most", {"value": "order.nothing"}),
        ("order.total", "equals", "19.90"),
        ("order.total", "is not", "19.90"),
        ("order.status", "at most", 50),
        ("customer.vip", "equals", 1),
        ("customer.number", "equals", True),
        ("customer.vip", "at least", 0),
        ("order.count", "contains", 3),
        ("order.status", "older than days", 1),
        ("order.count", "matches word", "3"),
        ("order", "equals", "x"),
        ("order", "contains", "total"),
    ],
)
def test_what_is_not_known_or_of_another_kind_decides_nothing(name: str, operator: str, than: Any) -> None:
    assert not so(name, operator, than)
    assert not holds({"not": {name: {operator: than}}}, FACTS, AT)


def test_all_any_and_not_are_taken_at_their_word() -> None:
    yes, no, unclear = {"customer.vip": {"equals": True}}, {"customer.vip": {"equals": False}}, {"order.nothing": {"equals": 1}}
    assert holds({"all": [yes, yes]}, FACTS, AT) and not holds({"all": [yes, no]}, FACTS, AT)
    assert holds({"any": [no, yes]}, FACTS, AT) and not holds({"any": [no, no]}, FACTS, AT)
    assert holds({"any": [unclear, yes]}, FACTS, AT) and not holds({"any": [unclear, no]}, FACTS, AT)
    assert not holds({"all": [unclear, yes]}, FACTS, AT) and not holds({"not": {"all": [unclear, yes]}}, FACTS, AT)
    assert holds({"not": {"all": [unclear, no]}}, FACTS, AT)
    assert holds({"not": {"not": yes}}, FACTS, AT)


@given(st.text("aab -_é1İ", max_size=9), st.text("aab -_1", min_size=1, max_size=4).filter(str.strip))
def test_a_word_is_found_wherever_it_stands_alone(text: str, word: str) -> None:
    """Against the plain way: each place is looked at."""
    whole, part = f" {text.casefold().strip()} ", word.casefold().strip()
    places = (place for place in range(1, len(whole) - len(part)) if whole.startswith(part, place))
    alone = any(not whole[place - 1].isalnum() and not whole[place + len(part)].isalnum() for place in places)
    assert holds({"x": {"matches word": {"value": "y"}}}, {"x": text, "y": word}, AT) is (alone and bool(text.strip()))


LEAVES = st.sampled_from([
    {"order.total": {"at most": 50}}, {"order.total": {"at most": 5}}, {"order.nothing": {"equals": 1}}, {"order.nothing": "is not known"},
    {"order.status": "is known"}, {"customer.vip": {"equals": "yes"}}, {"order.paid": {"equals": {"value": "order.count"}}},
])  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda part: {"not": part}, inner),
        st.builds(lambda key, parts: {key: parts}, st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)


@given(TREES)
def test_what_holds_and_its_opposite_never_hold_together(tree: dict[str, Any]) -> None:
    if faults(tree, None):
        return
    assert not (holds(tree, FACTS, AT) and (faults({"not": tree}, None) == [] and holds({"not": tree}, FACTS, AT)))


@given(TREES)
def test_what_must_be_known_where_it_holds_is_known(tree: dict[str, Any]) -> None:
    if not faults(tree, None) and holds(tree, FACTS, AT):
        assert all(conditions.found(name, FACTS) is not None for name in conditions.known_where_it_holds(tree))


def test_a_condition_names_what_is_known_where_it_holds() -> None:
    both = {"all": [{"a": "is known"}, {"any": [{"b": {"equals": 1}}, {"b": {"equals": {"value": "c"}}}]}, {"not": {"d": "is not known"}}]}
    assert conditions.known_where_it_holds(both) == {"a", "b", "d"}
    assert conditions.known_where_it_holds({"not": {"a": "is known"}}) == set()
    assert conditions.known_where_it_holds({"any": [{"a": "is known"}, {"b": "is known"}]}) == set()


def test_amounts_are_compared_to_the_last_digit() -> None:
    facts = {"paid": Decimal("0.3"), "sum": Decimal("0.1") + Decimal("0.2"), "float": 0.1 + 0.2}
    assert holds({"paid": {"equals": {"value": "sum"}}}, facts, AT)
    assert not holds({"paid": {"equals": {"value": "float"}}}, facts, AT)  # the control: that sum is a little more


ODD = [Decimal("NaN"), Decimal("sNaN"), float("nan"), float("inf"), 10**5_000, Decimal("1E+999999"), object(), b"x", {1}]


@pytest.mark.parametrize("value", [pytest.param(value, id=str(place)) for place, value in enumerate(ODD)])
@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_no_value_makes_a_comparison_fail(value: Any, operator: str) -> None:
    than = {"nothing": None, "two numbers": [1, 2], "a list": [1, "x"], "a word": "x", "a value": 1, "a number": 1, "days": 1}[
        OPERATORS[operator].takes
    ]
    assert so("order.total", operator, than) in (True, False)
    assert holds({"x": operator if than is None else {operator: than}}, {"x": value}, AT) is (operator == "is known")


class Clever(dict[str, Any]):
    secret = "told"

    def __missing__(self, key: str) -> str:
        raise AssertionError("was asked")


@pytest.mark.parametrize("name", ["x.secret", "x.keys", "x.items", "y.real", "z.format", "z.upper"])
def test_attributes_are_out_of_reach(name: str) -> None:
    assert holds({name: "is not known"}, {"x": Clever(), "y": 1, "z": "text"}, AT)


@pytest.mark.parametrize("name", ["__class__", "x.__init__", "x.", ".x", "x..y", "x y", "1", "ⅹ.y", "x" * 61, "a.b.c.d.e.f.g", "x\n", ""])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(Refused, match=r"is no name of a value|cannot be used"):
        holds({name: "is known"}, {"x": {"y": 1}}, AT)


def test_a_time_without_a_zone_is_utc_and_the_future_is_new() -> None:
    late = AT.astimezone(timezone(timedelta(hours=14)))
    assert holds({"x": {"newer than days": 0}}, {"x": AT + timedelta(days=5)}, AT)
    assert holds({"x": {"equals": {"value": "y"}}}, {"x": late, "y": AT.replace(tzinfo=None)}, AT)
    assert holds({"x": {"older than days": 30_000}}, {"x": "0001-01-01"}, AT)


# Sentences


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"order.totl": {"at most": 5}}, "nothing gives 'order.totl' here. Is order.total meant?"),
        ({"order.total": {"at mots": 5}}, "'at mots' is no comparison. There are: equals,"),
        ({"order.total": {"at most": "5"}}, "'at most' needs a number, not '5'."),
        ({"order.total": {"at most": True}}, "'at most' needs a number, not 'True'."),
        ({"order.total": {"between": [5, 1]}}, "'between' needs two numbers, the smaller first"),
        ({"order.total": {"is one of": []}}, "'is one of' needs a list of 1 to 500 values."),
        ({"order.total": {"is one of": [[1]]}}, "needs a text, a number, or true or false, not 'a list'."),
        pytest.param({"order.total": {"equals": 10**5_000}}, "not 'a number of too many digits'.", id="digits"),
        ({"order.total": {"is known": True}}, "'is known' needs nothing behind it: write 'order.total: is known'."),
        ({"order.total": "at most"}, "behind order.total stands one comparison"),
        ({"order.total": {}}, "behind order.total stands one comparison"),
        ({"order.total": {"at most": 1, "at least": 0}}, "behind order.total stands one comparison"),
        ({"order.total": {"equals": {"value": "a.__class__"}}}, "is compared with a constant, or with another value"),
        ({"order.total": {"matches word": "x"}}, "order.total is an amount, which 'matches word' does not compare."),
        ({"message.text": {"at most": 5}}, "message.text is a text, which 'at most' does not compare."),
        ({"message.text": {"equals": 5}}, "message.text is a text, and '5' is none. Put a text in quotes"),
        ({"customer.vip": {"equals": "yes"}}, "customer.vip is yes or no, and 'yes' is none."),
        ({"message.text": {"matches word": "--"}}, "'matches word' needs a word of at most 200 characters, not '--'."),
        ({"message.text": {"matches word": "x" * 201}}, "needs a word of at most 200 characters"),
        ({"message.text": {"contains": "x" * (LONGEST_TEXT + 1)}}, "at most 2,000 characters, not 2,001."),
        ({"message.text": {"contains": "a\0b"}}, "in signs that can be stored."),
        ({"order.total": {"older than days": 5}}, "order.total is an amount, which 'older than days' does not compare."),
        ({"message.text": {"older than days": -1}}, "a number of days from 0 to 36,500, not '-1'."),
        ({"all": []}, "under 'all' stands a list with at least one part."),
        ({"all": {"x": 1}}, "under 'all' stands a list with at least one part."),
        ({}, "each part is one line"),
        ({"order.total": "is known", "order.paid": "is known"}, "Put several under 'all' or 'any'."),
        ("order.total > 5", "each part is one line"),
        (None, "each part is one line"),
        ({1: 2}, "'1' is no name of a value"),
    ],
)
def test_each_fault_is_a_sentence(tree: Any, words: str) -> None:
    with pytest.raises(Refused) as refused:
        check(tree, NAMES)
    assert words in str(refused.value)


def test_a_fault_names_its_place() -> None:
    tree = {"all": [{"order.total": "is known"}, {"any": [{"not": {"order.total": {"at most": "x"}}}]}]}
    assert faults(tree, NAMES) == ["In 'all' 2 › 'any' 1 › 'not': 'at most' needs a number, not 'x'."]


def test_below_an_open_value_every_name_may_stand() -> None:
    assert faults({"answer.items.first": {"equals": "x"}}, NAMES) == []
    assert faults({"order.total.cents": {"equals": 1}}, NAMES) == ["nothing gives 'order.total.cents' here. Is order.total meant?"]


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"order.total": {"at most": 1050.5}}, "the order's total is at most 1,050.5"),
        ({"order.delivered_at": "is known"}, "the order's delivered at is known"),
        ({"message.text": {"matches word": "broken"}}, "the message's text has the word 'broken'"),
        ({"order.placed": {"older than days": 1}}, "the order's placed is more than 1 day ago"),
        ({"order.total": {"between": [1, 2]}}, "the order's total is between 1 and 2"),
        ({"order.total": {"at most": {"value": "order.paid"}}}, "the order's total is at most the order's paid"),
        ({"order.status": {"is one of": ["a", "b", "c"]}}, "the order's status is one of 'a', 'b' or 'c'"),
        ({"order.status": {"is one of": list("abcdefg")}}, "the order's status is one of 'a', 'b', 'c', 'd', 'e' and 2 more"),
        (
            {"all": [{"customer.vip": {"equals": True}}, {"any": [{"a": "is known"}, {"not": {"b": "is known"}}]}]},
            "the customer's vip is yes and (the a is known or it is not so that the b is known)",
        ),
    ],
)
def test_a_condition_is_told_in_words(tree: dict[str, Any], words: str) -> None:
    assert told(tree) == words


# Bounds


def nested(depth: int) -> dict[str, Any]:
    tree: dict[str, Any] = {"x": "is known"}
    for _ in range(depth - 1):
        tree = {"not": tree}
    return tree


def broad(parts: int) -> dict[str, Any]:
    return {"all": [{"x": "is known"}] * (parts - 1)}


def test_the_largest_that_is_allowed_holds_and_the_next_is_refused() -> None:
    assert holds(nested(DEEPEST - 1), {"x": 1}, AT) and not holds(nested(DEEPEST), {"x": 1}, AT)
    assert holds(broad(MOST_NODES), {"x": 1}, AT)
    assert holds({"x": {"is one of": [1] * MOST_LISTED}}, {"x": 1}, AT)
    long = [{"x": {"is one of": ["x" * LONGEST_TEXT] * 50}}, {"x": {"equals": "x"}}]
    assert not holds(long[0], {"x": 1}, AT)
    with pytest.raises(Refused, match="In 'any' 2: the texts of a condition have at most 100,000 characters together"):
        holds({"any": long}, {"x": 1}, AT)
    refused = [nested(DEEPEST + 1), broad(MOST_NODES + 1), {"x": {"is one of": [1] * (MOST_LISTED + 1)}}]
    for tree, words in zip(refused, ("at most 8 deep", "at most 200", "1 to 500"), strict=True):
        with pytest.raises(Refused, match=words):
            holds(tree, {"x": 1}, AT)


FILES = (conditions.__file__, comparisons.__file__)


@contextmanager
def counted() -> Iterator[list[int]]:
    """How often a function of the two modules is called: work, whatever the machine's speed."""
    calls = [0]

    def look(frame: FrameType, event: str, _arg: Any) -> None:
        calls[0] += event == "call" and frame.f_code.co_filename in FILES

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def bushy(depth: int) -> dict[str, Any]:
    """Each level holds the same list 200 times: written out it would have 200^7 parts."""
    tree: dict[str, Any] = {"x": "is known"}
    for _ in range(depth):
        tree = {"any": [tree] * 200}
    return tree


def test_the_work_is_bounded_whatever_the_tree() -> None:
    hostile = [nested(100_000), broad(1_000_000), bushy(7), bushy(100), {"x": {"is one of": list(range(1_000_000))}}]
    with counted() as calls:
        holds(broad(MOST_NODES), {"x": 1}, AT)
    fair = calls[0]
    for tree in hostile:
        with counted() as calls, pytest.raises(Refused):
            holds(tree, {"x": 1}, AT)
        assert calls[0] <= 3 * fair, "more was looked at than of the largest that is allowed"
    assert fair > MOST_NODES  # the control: the count does count
