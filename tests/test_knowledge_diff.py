"""What became of an article between two versions, in paragraphs and words."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.diff import ADDED, CHANGED, KEPT, REMOVED, Change, in_words, paragraphs, readable

BEFORE = "# Returns\n\nYou can return plants within 14 days of delivery.\n\nKeep the receipt.\n\nOld news."
AFTER = "# Returns\n\nYou can return plants and tools within 30 days of delivery.\n\nKeep the receipt.\n\nQuite another thing."


def test_each_paragraph_says_what_became_of_it() -> None:
    assert [change.kind for change in readable(BEFORE, AFTER)] == [KEPT, CHANGED, KEPT, REMOVED, ADDED]


def test_a_changed_paragraph_is_told_in_words() -> None:
    changed = readable(BEFORE, AFTER)[1]
    assert [(run.kind, run.text) for run in changed.runs] == [
        (KEPT, "You can return plants "), (ADDED, "and tools "), (KEPT, "within "), (REMOVED, "14"), (ADDED, "30"),
        (KEPT, " days of delivery."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (BEFORE, AFTER, "1 paragraph changed, 1 added, 1 removed"),
        ("a\n\nb", "a\n\nb", "nothing changed"),
        ("a\n\nb", "a  \n\n\n\nb\n", "only spaces and empty lines changed"),
        ("", "a\n\nb", "2 paragraphs added"),
        ("a\n\nb", "", "2 paragraphs removed"),
        ("one two three four\n\nfive six seven eight", "one two three 4\n\nfive six seven 8", "2 paragraphs changed"),
    ],
)
def test_a_sentence_says_how_much(before: str, after: str, told: str) -> None:
    assert in_words(before, after) == told


def test_code_is_one_paragraph_with_its_empty_lines() -> None:
    assert paragraphs("a\n\n```\nb\n\nc\n```\n\nd") == ["a", "```\nb\n\nc\n```", "d"]


def test_a_paragraph_between_two_like_it_is_found_where_it_came() -> None:
    before = "Water it on Monday.\n\nWater it on Friday."
    changes = readable(before, "Water it on Monday.\n\nWater it on Wednesday, not too much.\n\nWater it on Friday.")
    assert [change.kind for change in changes] == [KEPT, ADDED, KEPT]


def said(changes: list[Change], kind: str) -> list[str]:
    """The paragraphs of one side as a diff tells them."""
    return [
        change.before if kind == REMOVED else change.after for change in changes if change.kind != (ADDED if kind == REMOVED else REMOVED)
    ]


def check_complete(before: str, after: str) -> list[Change]:
    changes = readable(before, after)
    assert said(changes, REMOVED) == paragraphs(before) and said(changes, ADDED) == paragraphs(after)
    for change in changes:
        if change.kind == KEPT:
            assert change.before == change.after and not change.runs
        if change.kind == CHANGED:
            assert change.before != change.after
            assert "".join(run.text for run in change.runs if run.kind != ADDED) == change.before
            assert "".join(run.text for run in change.runs if run.kind != REMOVED) == change.after
    return changes


TEXTS = st.lists(st.sampled_from(["a", "b", "c", " ", "\n", "\n\n", ".", "```\n", "one two three", "ä"]), max_size=40).map("".join)


@settings(deadline=None, max_examples=300)
@given(TEXTS, TEXTS)
def test_nothing_of_either_version_is_lost(before: str, after: str) -> None:
    check_complete(before, after)
    assert all(change.kind == KEPT for change in readable(before, before))


def many(paragraphs: int, words: int, of: int, seed: int) -> str:
    draw = random.Random(seed)
    return "\n\n".join(" ".join(f"w{draw.randrange(of)}" for _ in range(words)) for _ in range(paragraphs))


@pytest.mark.parametrize(("count", "words", "of"), [(2_000, 80, 5_000), (100_000, 1, 2), (1, 250_000, 2), (300, 500, 3), (40, 4_000, 50)])
def test_a_megabyte_is_compared_as_well_as_the_effort_allows(count: int, words: int, of: int) -> None:
    """Each of these took minutes where every paragraph was held against every other."""
    before = many(count, words, of, seed=1)
    check_complete(before, many(count, words, of, seed=2))


def test_so_is_one_paragraph_of_a_million_signs() -> None:
    check_complete("." * 1_000_000, "." * 999_999)


def test_a_small_change_in_a_megabyte_is_still_found_word_by_word() -> None:
    before = many(2_000, 80, 5_000, seed=1)
    changes = check_complete(before, before.replace("w17 ", "w4711x "))
    changed = [change for change in changes if change.kind == CHANGED]
    with_it = sum("w17 " in one for one in paragraphs(before))
    assert len(changed) == with_it > 20 and {change.kind for change in changes} == {KEPT, CHANGED}
    assert all("w17" in run.text for change in changed for run in change.runs if run.kind == REMOVED)
    assert not re.search(r"[+-]{2}", in_words(before, before.replace("w17 ", "w4711x ")))
