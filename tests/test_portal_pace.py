"""How many requests a program may send: never more in any minute, and one program does not slow another."""

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.pace import Pace


def test_so_many_go_on_and_the_next_one_waits_until_the_first_is_a_minute_old() -> None:
    pace = Pace(3)
    assert [pace.wait("crm", clock=float(second)) for second in (0, 10, 20)] == [0, 0, 0]
    assert [pace.wait("crm", clock=second) for second in (20.0, 30.0, 59.5)] == [40, 30, 1]
    assert pace.wait("crm", clock=60.0) == 0 and pace.wait("crm", clock=60.0) == 10  # the second one was taken at 10


def test_another_program_is_not_slowed() -> None:
    pace = Pace(2)
    assert [pace.wait("crm", clock=0.0) for _ in range(3)] == [0, 0, 60]
    assert [pace.wait("shop", clock=0.0) for _ in range(3)] == [0, 0, 60]


def test_whoever_waits_as_long_as_told_goes_on() -> None:
    pace, clock = Pace(5), 0.0
    for _ in range(40):
        if seconds := pace.wait("crm", clock=clock):
            assert pace.wait("crm", clock=clock + seconds) == 0
            clock += seconds
        clock += 0.7


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.lists(st.floats(0, 25), max_size=60))
def test_in_no_minute_more_are_taken_than_said(most: int, steps: list[float]) -> None:
    pace, clock, taken = Pace(most), 0.0, []
    for step in steps:
        clock += step
        if pace.wait("crm", clock=clock) == 0:
            taken.append(clock)
    assert all(sum(0 <= other - first < 60 for other in taken) <= most for first in taken)


def test_those_who_come_at_once_do_not_share_one_place() -> None:
    pace = Pace(50)
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: pace.wait("crm", clock=1.0), range(200)))
    assert told.count(0) == 50
