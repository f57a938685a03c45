"""Graders by name: exact label, what each of them says of itself, and that one which breaks has judged nothing."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from data.errors import Refused
from evals import graders
from evals.graders import exact_label
from evals.graders.face import Asked, Grade, Output
from language.call import Call

EXPECTED = {"label": "Refund", "label_id": "label-1"}


@dataclass(frozen=True)
class Of:
    """A case: what is expected, and what was said before."""

    expected: dict[str, Any]
    input: dict[str, Any] = field(default_factory=dict)


def yes(why: str) -> Grade:
    return Grade(1.0, True, why)


def no(why: str) -> Grade:
    return Grade(0.0, False, why)


# -- exact label --------------------------------------------------------------------------------------------------------------------------


def label(expected: dict[str, Any], output: Output | None) -> Grade:
    return exact_label.grade(Of(expected), output)


def test_the_expected_label_passes() -> None:
    assert label(EXPECTED, {"label": "Refund", "label_id": "label-1"}) == yes("said 'Refund'")


@pytest.mark.parametrize(
    "output",
    [{"label": None, "label_id": None}, {"label": None}, {}, {"silent": True, "confidence": 0.99}],
)
def test_silence_is_not_a_pass(output: dict[str, object]) -> None:
    assert label(EXPECTED, output) == no("kept silent instead of 'Refund'")


def test_a_missing_output_is_not_a_pass() -> None:
    assert label(EXPECTED, None) == no("there was no output")


def test_another_label_is_not_a_pass_and_both_are_named() -> None:
    assert label(EXPECTED, {"label": "Invoice", "label_id": "label-2"}) == no("said 'Invoice' instead of 'Refund'")


@pytest.mark.parametrize("said", ["refund", "Refund ", "Refunds", "", 7, ["Refund"]])
def test_a_label_that_only_looks_alike_is_not_a_pass(said: Any) -> None:
    assert label(EXPECTED, {"label": said, "label_id": "label-2"}).passed is False


def test_a_renamed_label_is_the_same_by_its_id() -> None:
    assert label(EXPECTED, {"label": "Money back", "label_id": "label-1"}).passed is True
    assert label({"label_id": "label-1"}, {"label": "Money back", "label_id": "label-1"}).passed is True
    assert label({"label_id": "label-1"}, {"label": None}).passed is False  # two absent names are not the same label


def test_a_case_without_a_label_id_is_judged_by_name() -> None:
    old = {"label": "Refund"}
    assert label(old, {"label": "Refund"}).passed is True
    assert label(old, {"label": "Invoice"}).passed is False
    assert label(old, {"label": None}).passed is False  # two absent ids are not the same label
    assert label(old, {"label": None, "label_id": None}).passed is False


# -- by name ------------------------------------------------------------------------------------------------------------------------------

ALONE = {
    "exact label", "same labels", "exact text", "contains", "pattern", "reply words", "alike", "tool calls", "end state", "cites article",
    "cites sources", "declines", "length", "reading ease",
}  # fmt: skip


def asked(_messages: Any, _schema: Any) -> Call:
    raise Refused("Nothing was asked: the budget of today is used up.")


def reads(_classifier: str, text: str) -> str | None:
    return {"Thank you!": "friendly", "No.": "curt"}.get(text)


def test_what_is_at_hand_decides_which_graders_there_are() -> None:
    assert set(graders.BY_NAME) == set(graders.with_help()) == ALONE
    assert set(graders.with_help(classify=reads)) == ALONE | {"classifier says"}
    assert set(graders.with_help(ask=asked)) == ALONE | {"rubric", "polite", "clear", "consistent", "preferred"}
    with_vectors = graders.with_help(encode=lambda texts: np.ones((len(texts), 2), np.float32))
    assert (graders.with_help()["alike"].NUMBER, with_vectors["alike"].NUMBER) == (1, 2)  # they judge differently


def test_only_what_a_person_wrote_down_is_exempt_from_being_checked_and_only_what_needs_none_looks_at_live_traffic() -> None:
    known = graders.with_help(ask=asked, classify=reads)
    exempt = {name for name, grader in known.items() if grader.PERSON_WROTE}
    compared = {"exact label", "same labels", "exact text", "contains", "pattern", "tool calls", "end state", "cites article"}
    written = compared | {"length", "reading ease"}
    assert exempt == written
    live = {name for name, grader in known.items() if grader.LIVE}
    assert live == {"polite", "clear", "consistent", "reading ease"}
    assert {name: grader.NUMBER for name, grader in known.items() if grader.NUMBER != 1} == {"tool calls": 2}
    assert all(name == grader.NAME for name, grader in known.items())


def test_a_classifier_reads_the_reply() -> None:
    known = graders.with_help(classify=reads)
    case = Of({"says": {"classifier": "tone", "label": "friendly"}})
    said = [graders.judged(known, "classifier says", case, {"reply": reply}) for reply in ("Thank you!", "No.", "Hm.", "")]
    assert said == [
        yes("'tone' says 'friendly'"), no("'tone' says 'curt' instead of 'friendly'"), no("'tone' kept silent instead of 'friendly'"),
        no("there was no reply"),
    ]  # fmt: skip


# -- a broken grader is a result ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Broken:
    """A grader that says whatever it is told to, or breaks."""

    says: Any
    NAME: str = "broken"
    NUMBER: int = 1
    PERSON_WROTE: bool = True
    LIVE: bool = True
    NEEDS: tuple[str, ...] = ()

    def grade(self, _case: Asked, _output: Output | None) -> Grade:
        if isinstance(self.says, BaseException):
            raise self.says
        return self.says  # type: ignore[no-any-return]


def judged(says: Any) -> Grade:
    return graders.judged({"broken": Broken(says)}, "broken", Of({}), {"reply": "x"})


@pytest.mark.parametrize(
    ("says", "error"),
    [
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (RecursionError("too deep"), "RecursionError: too deep"),
        (Grade(1.5, True, "x"), "its score is 1.5, which is not from 0 to 1"),
        (Grade(-0.1, False, "x"), "its score is -0.1, which is not from 0 to 1"),
        (Grade(float("nan"), True, "x"), "its score is nan, which is not from 0 to 1"),
        (Grade(float("inf"), True, "x"), "its score is inf, which is not from 0 to 1"),
        (Grade("1", True, "x"), "its score is '1', which is not from 0 to 1"),  # type: ignore[arg-type]
        (Grade(True, True, "x"), "its score is True, which is not from 0 to 1"),
        (Grade(1.0, "yes", "x"), "it says 'yes', which is neither passed nor failed"),  # type: ignore[arg-type]
        (Grade(None, True, "x"), "it passed without a score"),
        (Grade(1.0, True, "x", error="the endpoint is down"), "it passed without a score, and says: the endpoint is down"),
        (None, "AttributeError: 'NoneType' object has no attribute 'score'"),
        ((True, "passed"), "AttributeError: 'tuple' object has no attribute 'score'"),
    ],
)
def test_a_grader_that_breaks_has_judged_nothing(says: Any, error: str) -> None:
    assert judged(says) == Grade(None, None, "was not judged: the grader broke", error)


def test_a_sound_grade_goes_through_as_it_is() -> None:  # the control
    for grade in (Grade(0.5, True, "x", cost=0.1), Grade(0, False, "y"), Grade(None, None, "z", "the endpoint is down", 0.2)):
        assert judged(grade) is grade


def test_what_a_broken_grade_cost_is_kept() -> None:
    assert judged(Grade(7.0, True, "x", cost=0.25)).cost == 0.25
    assert judged(Grade(7.0, True, "x", cost=float("nan"))).cost == 0.0


def test_a_refusal_is_told_in_its_own_words() -> None:
    told = "Nothing was asked: no model endpoint is set."
    assert judged(Refused(told)) == Grade(None, None, f"was not judged: {told}", told)


def test_a_grader_that_nobody_knows_has_judged_nothing() -> None:
    grade = graders.judged(graders.BY_NAME, "polite", Of({}), {"reply": "x"})
    assert grade == Grade(None, None, "was not judged: there is no grader named 'polite' here", "unknown grader 'polite'")


def test_who_ends_the_process_is_obeyed() -> None:
    with pytest.raises(KeyboardInterrupt):
        judged(KeyboardInterrupt())


# -- outputs of every shape ---------------------------------------------------------------------------------------------------------------

FULL = {
    "label": "Refund", "label_id": "1", "labels": ["Refund"], "label_ids": ["1"],
    "text": "It comes.", "facts": {"must": ["30 days"], "must_not": ["never"]},
    "pattern": {"matches": ["a+"], "not": ["b"]}, "reply": "It comes tomorrow.", "tool_calls": [{"name": "look", "arguments": {"a": 1}}],
    "end_state": {"a": {"b": 1}}, "decline": True, "sources": True, "articles": ["returns"],
    "length": {"most_words": 9}, "reading_ease": {"least": 50},
    "says": {"classifier": "tone", "label": "friendly"}, "rubric": "Kind.",
}  # fmt: skip
ODD: list[Any] = [
    None,
    "",
    "x",
    7,
    0.5,
    float("nan"),
    True,
    [],
    ["x"],
    {},
    {"name": 1},
    [None],
    [[1]],
    {"x": {"y": []}},
    "\ud800",
    "\0",
    "🙂",
]


@pytest.mark.parametrize("name", sorted(set(graders.with_help(ask=asked, classify=reads))))
def test_no_output_makes_a_grader_raise_or_pass_by_its_oddness(name: str) -> None:
    grader = graders.with_help(ask=asked, classify=reads)[name]
    outputs: list[Any] = [None, {}, [], "x", 7]
    for key in (
        "label",
        "label_id",
        "labels",
        "label_ids",
        "confidence",
        "reply",
        "tool_calls",
        "end_state",
        "declined",
        "sources",
        "articles",
    ):
        outputs += [{key: odd} for odd in ODD] + [{"reply": "It takes 30 days.", key: odd} for odd in ODD]
    for output in outputs:
        grade = grader.grade(Of(FULL), output)
        assert isinstance(grade, Grade) and grade.why, output
        assert grade.passed is not True or (isinstance(output, dict) and output), output
    assert grader.grade(Of(FULL), None).passed is False
