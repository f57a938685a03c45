"""Slow targets: several at once, none waited for for ever, and what comes too late counts for nothing."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from data.tables import Case
from data.values import Target
from evals import runs, slow
from evals.runs import Answer
from evals.slow import singly
from tests.conftest import Staff
from tests.test_evals_runs import errors_of, intent_case, right, typed_set

MACHINE = Target("model", "https://answers.example.com", 0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "TICK", 0.01)


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """What hangs, hangs until the test is over."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name == "eval target":
            thread.join(20)


def cases(count: int) -> list[Case]:
    return [
        Case(set_version_id="", key=str(number), input={}, expected={"label": "Refund"}, graders=[], slices={}) for number in range(count)
    ]


def asked(say: Callable[[Case], Any], some: Sequence[Case], **how: Any) -> list[Answer]:
    return [answer for answer in singly(say, **how)(some) if answer is not None]


def test_each_case_is_asked_once_and_answered_once() -> None:
    some, seen = cases(23), []

    def say(case: Case) -> Answer:
        seen.append(case.key)
        return right(case, ms=3.0, cost=0.5)

    answers = asked(say, some)
    assert sorted(seen) == sorted(case.key for case in some) == sorted(answer.case.key for answer in answers)
    assert {(answer.error, answer.ms, answer.cost) for answer in answers} == {("", 3.0, 0.5)}
    assert asked(say, []) == []


def test_several_are_asked_at_once_and_never_more() -> None:
    now, most, lock = 0, 0, threading.Lock()

    def say(case: Case) -> Answer:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        return right(case)

    def seconds(at_once: int) -> float:
        began = time.monotonic()
        assert len(asked(say, cases(12), at_once=at_once)) == 12
        return time.monotonic() - began

    one_by_one, _ = seconds(1), most
    assert most == 1
    together = seconds(6)
    assert 1 < most <= 6 and together < one_by_one * 0.7


def test_one_that_hangs_is_timed_out_and_the_others_are_answered(over: threading.Event) -> None:
    some = cases(9)

    def say(case: Case) -> Answer:
        if case is some[4]:
            over.wait(20)
        return right(case)

    answers = {answer.case.key: answer for answer in asked(say, some, at_once=2, timeout=0.3)}
    assert len(answers) == 9
    timed_out = answers.pop("4")
    assert (timed_out.output, timed_out.error, timed_out.ms) == (None, "timed out: no answer within 0.3 seconds", 300.0)
    assert {answer.error for answer in answers.values()} == {""}


@pytest.mark.parametrize(("takes", "passed", "errors"), [(1.2, 2, ["timed out: no answer within 1 seconds"]), (0.0, 3, [])])
def test_what_comes_after_its_time_out_counts_for_nothing(staff: Staff, takes: float, passed: int, errors: list[str]) -> None:
    version, spoke = typed_set(staff, *map(intent_case, range(3))), threading.Event()

    def say(case: Case) -> Answer:
        if case.key == "key 0":
            time.sleep(takes)
            spoke.set()
        else:
            spoke.wait(20)  # so that the run is still at it when the late answer comes
            time.sleep(0.05)
        return right(case)

    made = runs.run(version.id, MACHINE, singly(say, at_once=1, timeout=1), by=staff.rep)
    assert spoke.is_set() and (made.passed, made.cases, made.error, errors_of(made)) == (passed, 3, "", errors)


def test_an_answer_that_came_late_is_late_also_where_it_is_there_before_anybody_looks() -> None:
    def say(case: Case) -> Answer:
        time.sleep(0.2)
        return right(case)

    answers = []
    for answer in singly(say, timeout=0.1)(cases(2)):
        time.sleep(0.3)  # who listens is busy meanwhile: both answers lie there when the clock is looked at
        if answer is not None:
            answers.append(answer)
    assert [answer.error for answer in answers] == ["timed out: no answer within 0.1 seconds"] * 2


@pytest.mark.parametrize("takes", [0.0, 0.1])  # it comes before others are graded, or while they are
def test_an_answer_that_came_in_time_is_no_time_out_because_others_were_graded_meanwhile(takes: float) -> None:
    def say(case: Case) -> Answer:
        time.sleep(takes)
        return right(case)

    answers = []
    for answer in singly(say, at_once=4, timeout=0.3)(cases(8)):
        time.sleep(0.2)  # a model judges it
        if answer is not None:
            answers.append(answer)
    assert [answer.error for answer in answers] == [""] * 8


def test_where_twenty_hang_the_rest_is_not_asked_and_the_run_ends(staff: Staff, over: threading.Event) -> None:
    version, seen = typed_set(staff, *map(intent_case, range(30))), []

    def say(case: Case) -> Answer:
        seen.append(case.key)
        over.wait(60)
        return right(case)

    began = time.monotonic()
    made = runs.run(version.id, MACHINE, singly(say, at_once=5, timeout=0.05), by=staff.rep)
    assert time.monotonic() - began < 15  # 30 in steps of 0.05 seconds, on any machine
    assert slow.MOST_HANGING == 20 <= len(seen) < 25  # what was under way besides is waited for too
    assert (made.state, made.passed, made.cases) == ("done", 0, 30)
    assert errors_of(made) == [f"not asked: {len(seen)} calls before it timed out", "timed out: no answer within 0.05 seconds"]


def test_below_twenty_that_hang_all_are_asked(over: threading.Event) -> None:
    some = cases(30)

    def say(case: Case) -> Answer:
        if int(case.key) < 19:
            over.wait(60)
        return right(case)

    answers = asked(say, some, at_once=10, timeout=0.05)
    assert sum(answer.error == "" for answer in answers) == 11 and len(answers) == 30


def raises(_case: Case) -> Answer:
    raise ConnectionError("the target went away")


@pytest.mark.parametrize(
    ("say", "error"),
    [
        (raises, "ConnectionError: the target went away"),
        (lambda _case: sys.exit(3), "SystemExit: 3"),
        (lambda _case: None, "the target gave no answer to this case"),
        (lambda case: {"label": case.expected["label"]}, "the target gave no answer to this case"),
        (lambda _case: right(cases(1)[0]), "the target gave no answer to this case"),
    ],
)
def test_what_breaks_or_is_no_answer_is_said_at_once(say: Callable[[Case], Any], error: str) -> None:
    began = time.monotonic()
    answers = asked(say, cases(3), timeout=30)
    assert [(answer.output, answer.error) for answer in answers] == [(None, error)] * 3
    assert time.monotonic() - began < 20  # no time-out was waited for


def test_an_answer_to_another_case_is_no_answer_to_that_one() -> None:
    some = cases(2)
    swapped = dict(zip([case.id for case in some], reversed(some), strict=True))
    answers = asked(lambda case: right(swapped[case.id]), some)
    assert [(answer.output, answer.error) for answer in answers] == [(None, "the target gave no answer to this case")] * 2


def test_whoever_runs_it_hears_that_there_is_work_under_way(over: threading.Event) -> None:
    def say(case: Case) -> Answer:
        over.wait(20)
        return right(case)

    under_way = singly(say)(cases(1))
    assert [next(iter(under_way)) for _ in range(3)] == [None] * 3
    over.set()
    assert [answer.error for answer in under_way if answer is not None] == [""]
