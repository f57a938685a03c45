"""Right every time: against brute force and by hand, never above one try, honest in simulation; shown wherever a run is."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, pairwise
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import store
from data.errors import Refused
from data.measures import Share, percent
from data.tables import Case, Person, Run
from data.values import RUN, Target, new_id, now
from evals import compare, freezing, passes, runs, scores, sets
from evals.passes import Tried
from evals.runs import Answer
from portal import api_evals
from tests import model_server as server
from tests.conftest import SOAK, Staff, hire
from tests.test_evals_sets import flagged_set
from tests.test_portal_cli import Done, run  # noqa: F401
from tests.test_screens import open_screen, sit_down
from tests.test_screens_evals import words

FIRST, SECOND = Target("outputs", "varies", 1), Target("outputs", "varies", 2)
SETS = 2_000 if SOAK else 400


def tried(*right: int, asked: int = 4, customers: Sequence[str | None] | None = None) -> Tried:
    return Tried(right, (asked,) * len(right), tuple(customers or [None] * len(right)))


# -- the share ----------------------------------------------------------------------------------------------------------------------------


def test_it_is_what_trying_out_all_choices_of_tries_gives() -> None:
    for asked in range(1, 7):
        for right in range(asked + 1):
            outcomes = [True] * right + [False] * (asked - right)
            for tries in range(1, asked + 1):
                chosen = [all(some) for some in combinations(outcomes, tries)]
                assert tried(right, asked=asked).every_time(tries).share == pytest.approx(sum(chosen) / len(chosen))


def test_known_values() -> None:
    """By hand: three right of four leave 3 of 6 pairs and 1 of 4 threes."""
    one = tried(4, 3, 0)
    assert [one.every_time(tries).share for tries in (1, 2, 3, 4)] == pytest.approx([7 / 12, 1.5 / 3, 1.25 / 3, 1 / 3])
    assert one.sentence == "Right every time in 4 tries: 33\xa0% (one try: 58\xa0%)"
    assert [figure["tries"] for figure in one.figures()] == [1, 2, 3, 4]


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 8).flatmap(lambda asked: st.tuples(st.just(asked), st.lists(st.integers(0, asked), min_size=1, max_size=30))))
def test_it_is_never_above_one_try_and_falls_with_each_further_one(drawn: tuple[int, list[int]]) -> None:
    asked, right = drawn
    shares = [tried(*right, asked=asked).every_time(tries) for tries in range(1, asked + 1)]
    assert all(later.share <= earlier.share + 1e-12 for earlier, later in pairwise(shares))
    assert all(0 <= one.low <= one.share + 1e-12 and one.share - 1e-12 <= one.high <= 1 for one in shares)


def test_more_tries_than_were_made_tell_nothing() -> None:
    with pytest.raises(Refused, match=r"in 5 tries: each case was asked 4 times\. Run it again and ask each case 5 times or more"):
        tried(4, 3).every_time(5)
    with pytest.raises(Refused, match="each case was asked once"):
        tried(1, asked=1).every_time(2)
    with pytest.raises(ValueError, match="0 tries"):
        tried(1).every_time(0)
    assert tried(1, asked=1).sentence == ""


def test_where_cases_were_asked_unequally_often_the_fewest_bound_it() -> None:
    one = Tried((2, 5), (2, 5), (None, None))
    assert one.fewest == 2 and one.every_time(2).share == 1.0
    with pytest.raises(Refused):
        one.every_time(3)


# -- how sure -----------------------------------------------------------------------------------------------------------------------------


def test_all_tries_together_have_wilsons_interval() -> None:
    one = tried(*[4] * 60, *[3] * 40).every_time(4)
    assert (one.low, one.high) == pytest.approx(Share(60, 100).interval)
    every = tried(*[4] * 30).every_time(4)
    assert (every.low, every.high) == pytest.approx(Share(30, 30).interval)


def test_cases_of_one_customer_tell_less() -> None:
    right = [4, 4, 4, 4, 0, 0, 0, 0] * 5
    alone, together = tried(*right), tried(*right, customers=[f"customer {place // 4}" for place in range(40)])
    assert together.every_time(4).low < alone.every_time(4).low and together.every_time(4).high > alone.every_time(4).high
    assert "of 10 customers" in together.how and "customers" not in alone.how


def held(bound: Callable[[np.ndarray, int], tuple[float, float]], tries: int, truth: float) -> float:
    """How often an interval holds the truth: 40 cases of unlike difficulty, each asked four times."""
    random = np.random.default_rng(tries)
    inside = 0
    for _ in range(SETS):
        low, high = bound(random.binomial(4, random.beta(2, 1, 40)), tries)
        inside += low <= truth <= high
    return inside / SETS


@pytest.mark.parametrize(("tries", "truth"), [(1, 2 / 3), (4, (2 * 3 * 4 * 5) / (3 * 4 * 5 * 6))])
def test_the_interval_holds_the_truth_nineteen_times_of_twenty(tries: int, truth: float) -> None:
    def ours(right: np.ndarray, tries: int) -> tuple[float, float]:
        one = tried(*right.tolist()).every_time(tries)
        return one.low, one.high

    assert held(ours, tries, truth) > 0.95 - 3 * sqrt(0.95 * 0.05 / SETS)


def test_an_interval_that_takes_each_try_for_a_case_does_not() -> None:
    """The control: four tries at a case are not four cases."""

    def naive(right: np.ndarray, _tries: int) -> tuple[float, float]:
        return Share(int(right.sum()), 160).interval

    assert held(naive, 1, 2 / 3) < 0.95 - 3 * sqrt(0.95 * 0.05 / SETS)


# -- of runs ------------------------------------------------------------------------------------------------------------------------------


def ran(version: str, target: Target, right: Callable[[int, int], bool], *, by: Person, repeats: int) -> Run:
    """`right` of the case's place and of the try."""
    times: dict[str, int] = {}

    def ask(cases: Sequence[Case]) -> Iterator[Answer]:
        for place, case in enumerate(cases):
            times[case.id] = times.get(case.id, 0) + 1
            yield Answer(case, dict(case.expected) if right(place, times[case.id]) else {"label": "no intent of ours"})

    return runs.run(version, target, ask, by=by, repeats=repeats)


def frozen(staff: Staff) -> str:
    eval_set, _ = flagged_set(staff, range(1, 11))
    return freezing.freeze(eval_set.id, by=staff.lead).id


def test_a_run_is_read_try_by_try(staff: Staff) -> None:
    """Of ten cases two fail at every second try, and one always."""
    version = frozen(staff)
    made = ran(version, FIRST, lambda place, time: place != 2 and (place > 2 or time % 2 == 1), by=staff.rep, repeats=4)
    one = passes.of_run(made, by=staff.rep)
    assert (sorted(one.right), set(one.asked)) == ([0, 2, 2, *[4] * 7], {4})
    assert one.every_time(4).share == made.passed / made.cases == 0.7
    assert one.every_time(1).share == 0.8 and one.every_time(2).share == pytest.approx((7 + 2 / 6) / 10)
    by_id = {case.id: case.customer_id for case in sets.cases(version)}
    assert sorted(one.customers, key=str) == sorted(by_id.values(), key=str)


def test_what_nobody_judged_is_not_right_and_what_people_say_beside_does_not_count(staff: Staff) -> None:
    made = ran(frozen(staff), FIRST, lambda _place, _time: True, by=staff.rep, repeats=2)
    with store.writing() as db:
        case = sets.cases(made.set_version_id)[0]
        first, second = runs.results(db, made.id, [case.id])[case.id]
        shared = {"at": now(), "grader_number": 1, "mode": RUN, "value": 0.0, "why": "", "error": "", "weight": 1.0, **FIRST.columns()}
        scores.write(db, [
            {**shared, "id": new_id(), "result_id": first.id, "grader_name": scores.PEOPLE, "passed": False},
            {**shared, "id": new_id(), "result_id": second.id, "grader_name": "another", "passed": None},
        ])  # fmt: skip
    assert sorted(passes.of_run(made, by=staff.rep).right) == [1, *[2] * 9]


def test_two_runs_stand_beside_each_other_in_as_many_tries_as_both_had() -> None:
    told = passes.beside(tried(4, 4, 4, 2), tried(4, 4, 2, 2))
    assert told == "Right every time in 4 tries: 75\xa0% beside 50\xa0% (one try: 88\xa0% beside 75\xa0%)"
    uneven = passes.beside(tried(4, 2), tried(1, 1, asked=1))
    assert uneven.startswith("Not asked equally often: each case was asked 4 times now and once before")
    assert uneven.endswith("In one try: 75\xa0% beside 100\xa0%")
    assert passes.beside(tried(1, asked=1), tried(1, asked=1)) == ""


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


def test_a_run_and_a_comparison_show_it(desk: Staff) -> None:
    version = frozen(desk)
    candidate = ran(version, SECOND, lambda place, time: place > 1 or time == 1, by=desk.rep, repeats=4)
    live = ran(version, FIRST, lambda place, _time: place > 4, by=desk.rep, repeats=4)
    once = ran(version, FIRST, lambda _place, _time: True, by=desk.rep, repeats=1)
    app = sit_down(desk.rep)
    told = words(open_screen(app, "runs", run=candidate.id))
    assert "Right every time in 4 tries: 80 % (one try: 85 %)" in told and percent(0.8).replace("\xa0", " ") in told
    assert "every time" not in words(open_screen(sit_down(desk.rep), "runs", run=once.id))
    one = compare.compare(candidate, live, by=desk.rep)
    told = words(open_screen(sit_down(desk.rep), "runs", comparison=one.id))
    assert "Right every time in 4 tries: 80 % beside 50 % (one try: 85 % beside 50 %)" in told


def test_a_program_hears_it_over_http_and_at_the_console(
    desk: Staff,
    run: Callable[..., Done],  # noqa: F811
) -> None:
    version = frozen(desk)
    made = ran(version, FIRST, lambda place, time: place > 1 or time == 1, by=desk.rep, repeats=2)
    told = api_evals.one_run(made.id, by=desk.rep, page=0)
    assert told["repeats"] == 2 and [(one["tries"], one["share"]) for one in told["every_time"]] == [(1, 0.9), (2, 0.8)]
    right = sum(case.expected["label"] == "Refund" for case in sets.cases(version))
    with server.running(server.body({"label": "Refund"})) as program:
        asked = ("eval", "run", "Everyday intents", program.url, "--repeats", "3")
        told = run(*asked, "--json").told
        assert [one["share"] for one in told["every_time"]] == [right / 10] * 3
        assert f"Right every time in 3 tries: {percent(right / 10)} (one try: {percent(right / 10)})." in run(*asked).out
