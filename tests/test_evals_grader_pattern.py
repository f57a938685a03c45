"""Patterns are matched in linear time: none that a person writes holds up a worker, and what the engine refuses is told in words."""

import random
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from evals.graders import pattern
from evals.graders.face import Grade
from tests.conftest import SOAK
from tests.test_evals_graders import Of, no, yes

LONG = 50_000  # characters
SOON = 0.1  # seconds of this thread's own work, so that a busy machine does not count


@pytest.mark.parametrize(("patterns", "grade"), [
    ({"matches": [r"\b[A-Z]{2}[0-9]{4}\b"]}, yes("fits as it should")),
    ({"matches": ["(?i)your ORDER", "^Dear"], "not": ["refund"]}, Grade(2 / 3, False, "does not fit '^Dear'")),
    ({"not": ["AB[0-9]+", "order"]}, no("fits 'AB[0-9]+' and 'order'")),
    ({"matches": ["nowhere"], "not": ["order"]}, no("does not fit 'nowhere', and fits 'order'")),
])  # fmt: skip
def test_all_of_the_patterns_and_none_of_the_others(patterns: Any, grade: Grade) -> None:
    found = pattern.grade(Of({"pattern": patterns}), {"reply": "Your order AB1234 is on its way."})
    assert (found.score, found.passed, found.why) == (pytest.approx(grade.score), grade.passed, grade.why)


REFUSED = {
    "(a": "the pattern '(a' cannot be used: a bracket is opened and not closed",
    "ab)": "the pattern 'ab)' cannot be used: a bracket is closed and was not opened",
    "x[a": "the pattern 'x[a' cannot be used at '[a' (character 2): a square bracket is opened and not closed",
    "ab**": "the pattern 'ab**' cannot be used at '**' (character 3): it is repeated twice",
    "*a": "the pattern '*a' cannot be used at '*' (character 1): nothing stands before it to be repeated",
    "a(?=b)": "the pattern 'a(?=b)' cannot be used at '(?=' (character 2): the engine looks neither ahead nor back",
    "(a)\\1": "the pattern '(a)\\1' cannot be used at '\\1' (character 4): the engine does not know this, and nothing can refer back",
    "[z-a]": "the pattern '[z-a]' cannot be used at 'z-a' (character 2): this is no range of characters",
    "a{2000}": "the pattern 'a{2000}' cannot be used at '{2000}' (character 2): it is repeated more than 1,000 times",
    "a\\": "the pattern 'a\\' cannot be used: it ends with a backslash",
    "a\ud800": "the pattern 'a?' holds half a character",
    "(\\pL{1,20}){1,20}c": "the pattern '(\\pL{1,20}){1,20}c' is too large: repeat less in it, or cut it in two",
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_what_the_engine_refuses_is_not_judged_and_told_with_its_place(wrong: str, capfd: pytest.CaptureFixture[str]) -> None:
    grade = pattern.grade(Of({"pattern": {"not": [wrong]}}), {"reply": "a"})
    assert grade == Grade(None, None, f"was not judged: {REFUSED[wrong]}", REFUSED[wrong])
    assert capfd.readouterr().err == ""  # the engine writes nothing of its own


# -- threat 26 ----------------------------------------------------------------------------------------------------------------------------

# a pattern, and what it is matched against: a beginning, what is repeated, an end
EXPONENTIAL = [
    (r"^(a+)+$", "", "a", "!"), (r"^(a*)*$", "", "a", "!"), (r"^(a|aa)+$", "", "a", "!"), (r"^(a|a?)+$", "", "a", "!"),
    (r"^([a-zA-Z]+)*$", "", "a", "!"), (r"^(\w+\s?)*$", "", "a", "!"), (r"^(.*a)+x$", "", "a", "!"), (r"^(a+)*b$", "", "a", "c"),
    (r"(x+x+)+y", "", "x", ""), (r"^(([a-z])+.)+[A-Z]([a-z])+$", "", "a", ""), (r"^(\d+)+$", "", "1", "x"), (r"^(\d|\d\d)+$", "", "1", "x"),
    (r"^(([a-z]+)+)+$", "", "a", "0"), (r"^([0-9a-z]+)+@x$", "", "a", ""), (r"^(a|b|ab)*c$", "", "ab", "d"),
    (r"^((ab)*)*c$", "", "ab", "d"),
    (r"^(?:(?:a+)+)+b", "", "a", "c"), (r"^(\s*\w*)*\.$", "", "a", "!"), (r"^(\w|\w\w)*-$", "", "w", "!"),
    (r"^(?:.|[\n])*?(?:a+)+z$", "", "a", "!"),
    (r"^([\w.-]+)*@([\w-]+)*\.$", "", "a", "!"), (r"^(\"(\\?.)*\")*x$", "", "\"a\"", "!"), (r"^(<[^>]*>|.)*x$", "", "<b>", "!"),
    (r"^(([^<]+|<)*)*x$", "", "<a", "!"), (r"^((a{1,5}){1,5})*c$", "", "a", "d"), (r"^(ä+)+$", "", "ä", "!"),
    (r"^((.)+,)*x$", "", "a,", "!"),
    (r"^(?i)(A+)+$", "", "aA", "!"), (r"^(0|00|000)*1$", "", "0", "2"), (r"^(a?a?)*b$", "", "a", "c"),
]  # fmt: skip
POLYNOMIAL = [
    (r"\s+$", "", " ", "x"), (r"(.*)(.*)(.*)x$", "", "a", "!"), (r".*.*=.*", "", "x", ""), (r"^.*a.*a.*a.*b$", "", "a", "c"),
    (r"(.*?,){11}P", "", "1,", ""), (r"\d*\d*\d*x", "", "1", ""), (r"[a-z]*[a-z]*[a-z]*1", "", "a", ""), (r"(a|b)*?c.*d", "", "ab", ""),
    (r"<.*>.*</.*>", "", "<", ""), (r"\"[^\"]*\"\s*:\s*\"[^\"]*$x", "", "\"", ""), (r"^\s*(.*?)\s*;$", "", " ", "x"),
    (r"(?s).*/\*.*\*/", "", "/*", ""),
    (r"https?://.*\..*\..*/x$", "http://", "a.", ""), (r"\b\w+\b.*\b\w+\b!$", "", "a ", ""), (r"(\n|.)*?END", "", "a\n", ""),
    (r"^#(.*\s)*#$", "#", "a ", ""), (r"[\w.]+@[\w.]+\.x", "", "a.", ""), (r"(a+)(a+)(a+)b", "", "a", ""), (r"=(.+)=(.+)=\?", "", "=a", ""),
    (r"x*x*x*x*x*y", "", "x", ""),
]  # fmt: skip


def text(begin: str, again: str, end: str, size: int) -> str:
    return begin + again * (size // len(again)) + end


def seconds(act: Callable[[], Any]) -> float:
    began = time.thread_time()
    act()
    return time.thread_time() - began


def test_fifty_known_bad_patterns_are_matched_at_once() -> None:
    assert len(EXPONENTIAL + POLYNOMIAL) == 50
    slow = {}
    for bad, *parts in EXPONENTIAL + POLYNOMIAL:
        case, output = Of({"pattern": {"matches": [bad]}}), {"reply": text(*parts, LONG).strip() or "x"}
        found = pattern.compiled(bad)
        took = min(seconds(lambda case=case, output=output: pattern.grade(case, output)) for _ in range(2))
        # a floor to compare with: the engine itself, looking for what is not there
        floor = seconds(lambda output=output: pattern.compiled("(?s)^.*nowhere").search(output["reply"]))
        if took > max(SOON, 20 * floor):
            slow[bad] = f"{took:.3f} s, the floor is {floor:.4f} s, {found.programsize} steps"
    assert slow == {}


@pytest.mark.parametrize(("bad", "begin", "again", "end"), EXPONENTIAL if SOAK else EXPONENTIAL[:8])
def test_the_engine_of_the_language_would_never_end(bad: str, begin: str, again: str, end: str) -> None:
    """The control: some letters more take it several times as long, and there are 50,000."""
    try:
        known = re.compile(bad)
    except re.error:
        pytest.skip("this engine does not know it")
    taken: list[float] = []
    for size in range(6, 60, 2):
        tried = text(begin, again, end, size)
        taken.append(seconds(lambda tried=tried: known.search(tried)))
        if taken[-1] > 0.05:
            break
    grown = taken[-1] / max(taken[-3], 1e-6)  # by four letters
    assert taken[-1] > 0.05 and grown > 2
    assert seconds(lambda: pattern.compiled(bad).search(text(begin, again, end, 60))) < 0.05


def test_a_pattern_written_to_be_slow_is_small_enough_to_be_borne() -> None:
    """Where no few states tell what may come, the engine takes each step for each letter: the size of a pattern bounds that."""
    draw = "".join(random.Random(1).choices("ab", k=LONG))
    worst = r"[ab]*a[ab]{700}c|[ab]*b[ab]{700}d"
    case = Of({"pattern": {"matches": [worst]}})
    floor = seconds(lambda: pattern.compiled(r"[ab]*a[ab]{70}c").search(draw))
    assert seconds(lambda: pattern.grade(case, {"reply": draw})) < max(2.0, 60 * floor)
    with pytest.raises(pattern.Unusable, match="too large"):
        pattern.compiled("|".join(f"[ab]*{letter}[ab]{{900}}c" for letter in "abcdefgh"))  # the control
