"""Ids: in the order of their making, nowhere the same, and in a made-up world the same in each build of it."""

import threading
from datetime import UTC, datetime

from data.values import drawn_ids, new_id

BEGINS = datetime(2026, 3, 2, tzinfo=UTC)


def drawn(seed: int, count: int) -> list[str]:
    with drawn_ids(BEGINS, seed):
        return [new_id() for _ in range(count)]


def test_ids_sort_by_the_order_in_which_they_were_made_and_differ() -> None:
    for made in ([new_id() for _ in range(9_000)], drawn(7, 9_000)):
        assert made == sorted(made) and len({*made}) == len(made)


def test_a_made_up_world_has_the_same_ids_in_each_build_of_it_and_others_from_another_seed() -> None:
    first = drawn(7, 50)
    assert drawn(7, 50) == first and not {*first} & {*drawn(8, 50)}


def test_ids_are_drawn_in_that_block_of_that_thread_only() -> None:
    beside: list[str] = []
    with drawn_ids(BEGINS, 7):
        other = threading.Thread(target=lambda: beside.append(new_id()))
        other.start()
        other.join()
        within = new_id()
    assert within == drawn(7, 1)[0] and within < beside[0] and within < new_id()
    assert len({within, *beside, new_id()}) == 3
