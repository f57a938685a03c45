"""Near duplicates: the same, nearly the same, and what only sounds alike."""

import random
import time

import pytest

from evals import near
from tests.conftest import SOAK
from tests.conversations import canonical

ASKED = "My parcel was to come on Tuesday and nobody rang at the door, where is it now?"


def found(new: dict[str, str], known: dict[str, str] | None = None) -> list[tuple[str, str, float]]:
    return [(one.new, one.known, round(one.share, 2)) for one in near.pairs(new, known)]


@pytest.mark.parametrize("same", [ASKED.upper(), f"  {ASKED}\n", ASKED.replace("?", " ???").replace(",", "")])
def test_the_same_words_are_the_same_text(same: str) -> None:
    (one,) = near.pairs({"new": same}, {"known": ASKED})
    assert one.same and (one.new, one.known, one.new_text, one.known_text) == ("new", "known", same, ASKED)


def test_one_other_word_is_nearly_the_same_and_another_question_is_not() -> None:
    nearly, other = ASKED.replace("now", "today"), "Nobody rang, and the parcel is here: can I send it back?"
    assert found({"nearly": nearly, "other": other}, {"known": ASKED}) == [("nearly", "known", 0.88)]
    assert not near.pairs({"nearly": nearly}, {"known": ASKED})[0].same
    assert near.pairs({"short": "Where is my order today?"}, {"known": "Where is my money today?"}) == []
    negated = {"new": "Please do not cancel my order."}
    assert near.pairs(negated, {"known": "Please cancel my order."}) == []  # few words: one of them turns it round


def test_short_texts_are_near_only_when_they_are_the_same() -> None:
    known = {"hello": "Hello", "thanks": "Thank you very"}
    assert found({"a": "hello!", "b": "Hello there", "c": "thank you VERY", "d": "thank you"}, known) == [
        ("a", "hello", 1.0),
        ("c", "thanks", 1.0),
    ]


def test_texts_without_a_word_are_the_same_only_sign_by_sign() -> None:
    assert found({"a": "👍", "b": "👎", "c": " 👍 ", "d": ""}, {"known": "?"}) == [("c", "a", 1.0)]


def test_of_several_the_nearest_is_told_and_the_nearest_pair_first() -> None:
    known = {"far": ASKED.replace("now", "today"), "near": ASKED}
    new = {"one": ASKED.replace("where", "and where"), "two": ASKED + "!"}
    told = found(new, known)
    assert [(one, other) for one, other, _ in told] == [("two", "near"), ("one", "near")] and told[0][2] == 1.0 > told[1][2] >= near.ENOUGH


def test_of_two_new_ones_the_later_is_told_of_and_known_ones_are_not_compared_with_each_other() -> None:
    assert found({"first": ASKED, "second": ASKED, "third": ASKED}) == [("second", "first", 1.0), ("third", "first", 1.0)]
    assert found({"new": "Something else, quite."}, {"one": ASKED, "two": ASKED}) == []


def test_what_very_many_have_in_common_hides_no_duplicate() -> None:
    """The same question a thousand times is told of each time but once, also where it has no rare word."""
    new = {str(number): "Where is my order please?" for number in range(1_000)}
    new |= {f"other {number}": f"Where is my order please, it is number {number}?" for number in range(1_000)}
    told = near.pairs(new)
    assert sum(one.same for one in told) == 999
    assert {one.known for one in told if one.same} == {"0"}


def test_none_is_missed_that_looking_at_every_pair_would_find() -> None:
    rng = random.Random(5)
    words = [f"w{number}" for number in range(12)]
    texts = {str(number): f"{rng.choice(words)} {rng.choice(words)} a b c d e f g {rng.choice(words)}" for number in range(300)}
    pieces = {name: near._pieces(text) for name, text in texts.items()}
    best: dict[str, float] = {}
    names = list(texts)
    for place, name in enumerate(names):
        shares = [len(pieces[name] & pieces[other]) / len(pieces[name] | pieces[other]) for other in names[:place]]
        if max(shares, default=0) >= near.ENOUGH:
            best[name] = max(shares)
    assert {one.new: one.share for one in near.pairs(texts)} == pytest.approx(best) and 50 < len(best) < 300


def test_ten_thousand_texts_take_seconds() -> None:
    count, rng = 10_000 if SOAK else 2_000, random.Random(1)
    words = [f"word{number}" for number in range(2_000)]
    unlike = {str(number): f"Hello, where is my order, {' '.join(rng.choices(words, k=rng.randint(5, 60)))}" for number in range(count)}
    alike = {str(number): canonical(number).messages[0].text for number in range(count)}  # of sixteen templates
    for name, texts in (("unlike", unlike), ("alike", alike), ("the same", dict.fromkeys(unlike, ASKED))):
        began = time.perf_counter()
        told = near.pairs(texts)
        took = time.perf_counter() - began
        print(f"{count:,} texts, {name}: {len(told):,} near in {took:.1f} s")
        assert took < count / 500
