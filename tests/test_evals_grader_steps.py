"""What was done: the steps that were taken, in any order, and how things stand afterwards."""

import random
from typing import Any

import pytest

from evals.graders import end_state, tool_calls
from evals.graders.face import Grade
from evals.graders.values import same, told
from tests.test_evals_graders import Of, no, yes


def call(name: str, /, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


LOOK, REFUND, TAG = call("look_up_order", order="7"), call("refund", order="7", amount=20), call("tag", name="late")


@pytest.mark.parametrize(("one", "other", "are"), [
    (1, 1.0, True), (1, True, False), (0, False, False), (True, True, True), ("5", 5, False), (None, None, True), (None, 0, False),
    (None, "", False),
    ({"a": 1, "b": [1, {"c": 2}]}, {"b": [1.0, {"c": 2.0}], "a": 1.0}, True), ({"a": 1}, {"a": 1, "b": None}, False),
    ([1, 2], [2, 1], False), ([1, 2], [1, 2, 3], False), ([], {}, False), (float("nan"), float("nan"), False), (10**20, 1e20, True),
    ({"a": [True]}, {"a": [1]}, False), ("a", "A", False),
])  # fmt: skip
def test_values_are_the_same_by_what_they_are(one: Any, other: Any, are: bool) -> None:
    assert same(one, other) is are and same(other, one) is are


def test_values_are_told_so_that_people_see_the_difference() -> None:
    assert [told(value) for value in ("5", 5, True, None, [1, "a"], {"a": 1})] == ["'5'", "5", "yes", "nothing", '[1, "a"]', '{"a": 1}']
    assert len(told("x" * 500)) < 70


# -- tool calls ---------------------------------------------------------------------------------------------------------------------------


def test_the_same_steps_pass_in_any_order() -> None:
    wanted = [LOOK, REFUND, TAG, LOOK]
    for seed in range(10):
        made = random.Random(seed).sample(wanted, len(wanted))
        assert tool_calls.grade(Of({"tool_calls": wanted}), {"tool_calls": made}) == yes("the same 4 steps")


def test_arguments_are_compared_by_value() -> None:
    case = Of({"tool_calls": [call("refund", order="7", amount=20)]})
    assert tool_calls.grade(case, {"tool_calls": [call("refund", amount=20.0, order="7")]}).passed is True
    assert tool_calls.grade(case, {"tool_calls": [call("refund", order=7, amount=20)]}) == no("refund: order is 7 instead of '7'")
    for nothing in ({"name": "ping"}, {"name": "ping", "arguments": {}}, {"name": "ping", "arguments": None}):
        assert tool_calls.grade(Of({"tool_calls": [call("ping")]}), {"tool_calls": [nothing]}).passed is True


@pytest.mark.parametrize(("wanted", "made", "grade"), [
    ([LOOK, REFUND], [LOOK], Grade(2 / 3, False, "refund is missing")),
    ([LOOK], [LOOK, TAG, TAG], Grade(0.5, False, "tag (2 times) is too much")),
    ([LOOK, LOOK], [LOOK], Grade(2 / 3, False, "look_up_order is missing")),
    ([LOOK], [LOOK, LOOK], Grade(2 / 3, False, "look_up_order is too much")),
    ([REFUND], [call("refund", order="7", amount=25, note="x")], no("refund: amount is 25 instead of 20, note is given as well")),
    ([REFUND], [call("refund", amount=20)], no("refund: order is not given")),
    ([REFUND], [TAG], no("refund is missing; tag is too much")),
    # each is told beside the one that it comes closest to
    ([call("a", x=1, y=1), call("a", x=2, y=2)], [call("a", x=2, y=3), call("a", x=1, y=4)],
     no("a: y is 4 instead of 1; a: y is 3 instead of 2")),
    ([call(name) for name in "abcdef"], [], no("a is missing; b is missing; c is missing; d is missing; and 2 more")),
    ([], [], yes("took no step, as expected")), ([], [TAG], no("tag is too much")),
])  # fmt: skip
def test_what_is_missing_too_much_or_different_is_told(wanted: Any, made: Any, grade: Grade) -> None:
    found = tool_calls.grade(Of({"tool_calls": wanted}), {"tool_calls": made})
    assert (found.score, found.passed, found.why) == (pytest.approx(grade.score), grade.passed, grade.why)


@pytest.mark.parametrize("made", [{"name": "refund"}, "refund", 7, [None], ["refund"], [LOOK, 7], True])
def test_steps_that_cannot_be_read_are_no_pass(made: Any) -> None:
    assert tool_calls.grade(Of({"tool_calls": [LOOK]}), {"tool_calls": made}) == no("its steps cannot be read")
    assert tool_calls.grade(Of({"tool_calls": []}), {"tool_calls": made}).passed is False


@pytest.mark.parametrize(
    "made", [[{}], [{"arguments": {}}], [{"name": None}], [{"name": ["x"], "arguments": "x"}], [{"name": "refund", "arguments": "7"}]]
)
def test_a_step_of_another_shape_is_another_step(made: Any) -> None:
    grade = tool_calls.grade(Of({"tool_calls": [REFUND]}), {"tool_calls": made})
    assert grade.passed is False and grade.why


# -- end state ----------------------------------------------------------------------------------------------------------------------------

STATE = {"ticket": {"status": "closed", "tags": ["late"]}, "refund": {"amount": 20, "paid": True}, "note": None}


def test_what_is_expected_has_to_be_so_and_the_rest_may_be_anything() -> None:
    for wanted in (STATE, {"ticket": {"status": "closed"}}, {"refund": {"amount": 20.0}}, {"note": None}):
        assert end_state.grade(Of({"end_state": wanted}), {"end_state": STATE}) == yes("afterwards everything is as expected")


@pytest.mark.parametrize(("wanted", "grade"), [
    ({"ticket": {"status": "open"}}, no("ticket › status is 'closed' instead of 'open'")),
    ({"refund": {"amount": "20", "paid": True}}, Grade(0.5, False, "refund › amount is 20 instead of '20'")),
    ({"refund": {"paid": 1}}, no("refund › paid is yes instead of 1")), ({"order": None}, no("order is missing")),
    ({"note": {"by": "x"}}, no("note is nothing instead of {\"by\": \"x\"}")), ({"ticket": {}}, no(
        "ticket is {\"status\": \"closed\", \"tags\": [\"late\"]} instead of {}")),
    ({"ticket": {"status": "closed", "tags": ["late", "x"]}}, Grade(0.5, False, 'ticket › tags is ["late"] instead of ["late", "x"]')),
])  # fmt: skip
def test_what_differs_is_told_with_its_place(wanted: Any, grade: Grade) -> None:
    assert end_state.grade(Of({"end_state": wanted}), {"end_state": STATE}) == grade


@pytest.mark.parametrize("there", [None, [], "closed", 7])
def test_an_output_that_says_nothing_of_it_is_no_pass(there: Any) -> None:
    assert end_state.grade(Of({"end_state": {"a": 1}}), {"end_state": there}) == no("it does not say how things stand afterwards")
