"""A pattern: shown where it is worth a look, honest about small numbers, and the same one from night to night."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from classifiers import standouts
from classifiers.standouts import Found, Known, is_new, same_as
from tests.test_classifiers_patterns import Traffic


def test_what_is_worth_showing() -> None:
    [found] = Traffic(5).quiet().come("locker", 25, covered=False).shown()
    assert not is_new(found, was_good=False).shown and is_new(found, was_good=False).is_good
    for change, why in (
        ({"members": found.members[:9]}, "9 conversations are too few: 10 are needed"),
        ({"customers": 7}, "7 customers are too few"),
        ({"phrases": ()}, "no words in common"),
        ({"tightness": 0.1}, "only loosely alike"),
        ({"left_out": 3 * found.size}, "lie closer to conversations that have an intent"),
        ({"nearest": ("refund", 0.9)}, "the intent refund is much like it"),
        ({"growth": replace(found.growth, low=0.1, high=0.8)}, "fewer customers"),
        ({"growth": replace(found.growth, low=0.5, high=2.0), "days": 2}, "neither grows nor lasts"),
    ):
        judged = is_new(replace(found, **change))  # type: ignore[arg-type]
        assert not judged.is_good and why in judged.why, change


def test_growth_is_honest_about_small_numbers() -> None:
    for k, n in ((0, 1), (1, 1), (3, 3), (2, 7), (0, 20), (15, 40), (90, 180)):
        exact = binomtest(k, n).proportion_ci(method="exact")
        assert standouts.exact_interval(k, n) == pytest.approx((exact.low, exact.high), abs=1e-6)
    assert standouts._factor(3, 0, 100, 100)[0] < 1 < standouts._factor(9, 0, 100, 100)[0]
    assert standouts._factor(10, 5, 200, 100)[0] < 1, "twice as many of twice as much traffic"


# -- identity -----------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def locker() -> Found:
    [found] = Traffic(9).quiet().come("locker", 40, covered=False).shown()
    return found


def ids(found: Found) -> list[str]:
    return [f"id{place}" for place in range(max(found.members) + 1)]


def known(found: Found, members: tuple[int, ...], name: str = "P", **change: object) -> Known:
    return replace(Known(name, frozenset(f"id{place}" for place in members), found.phrases, found.centroid), **change)  # type: ignore[arg-type]


def test_a_pattern_that_grew_or_shrank_is_the_same(locker: Found) -> None:
    half = locker.members[: locker.size // 2]
    for now, before in ((locker.members, half), (half, locker.members)):
        [match] = same_as([replace(locker, members=now)], [known(locker, before)], ids(locker))
        assert match is not None and match.id == "P" and not match.is_part


def test_of_a_pattern_that_split_the_larger_part_keeps_the_id(locker: Found) -> None:
    small, large = locker.members[:12], locker.members[12:]
    matches = same_as([replace(locker, members=small), replace(locker, members=large)], [known(locker, locker.members)], ids(locker))
    assert [(match.id, match.is_part) for match in matches if match] == [("P", True), ("P", False)]


def test_what_lies_elsewhere_is_another_one_however_alike_its_words(locker: Found) -> None:
    others = tuple(place for place in range(max(locker.members)) if place not in locker.members)[:20]
    assert same_as([locker], [known(locker, others)], ids(locker)) == [None]


def test_after_a_pause_likeness_and_words_tell(locker: Found) -> None:
    def match(**change: object) -> bool:
        gone = replace(known(locker, ()), members=frozenset({"long ago"}), **change)  # type: ignore[arg-type]
        return same_as([locker], [gone], ids(locker)) != [None]

    assert match() and match(centroid=None)
    assert not match(centroid=-locker.centroid) and not match(phrases=("gift card",)) and not match(centroid=None, phrases=("gift card",))
    assert match(centroid=np.ones(3, np.float32)), "of another encoder: words alone tell"


def test_each_finds_its_own(locker: Found) -> None:
    one, other = replace(locker, members=locker.members[:15]), replace(locker, members=locker.members[15:])
    matches = same_as([one, other], [known(locker, other.members, "O"), known(locker, one.members, "N")], ids(locker))
    assert [match.id for match in matches if match] == ["N", "O"]
