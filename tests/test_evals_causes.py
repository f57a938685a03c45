"""When a change began, and what came shortly before it that could have touched the part: candidates in an order, never a proof."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from data.amounts import Amount
from evals import causes
from evals.causes import Began, Marker

FIRST = date(2026, 3, 2)
REFUNDS_IN_CHAT = {"intent": "refunds", "channel": "chat"}


def day(at: int) -> date:
    return FIRST + timedelta(days=at)


def days(rates: list[float], n: int = 60, seed: int | None = None) -> list[tuple[date, Amount]]:
    random = np.random.default_rng(seed)
    many = [round(n * rate) if seed is None else int(random.binomial(n, rate)) for rate in rates]
    return [(day(at), Amount(n, n, k, k)) for at, k in enumerate(many)]


def marker(
    kind: str, at: int, *, touches: dict[str, frozenset[str]] | None = None, number: int | None = 4, name: str = "refunds"
) -> Marker:
    return Marker(kind, name, number, datetime.combine(day(at), datetime.min.time(), UTC) + timedelta(hours=9), touches, "releases")


def test_a_change_began_on_the_first_day_that_was_otherwise() -> None:
    found = causes.began(days([0.8] * 25 + [0.5] * 5))
    assert found == Began(day(25), day(25), day(25))


def test_where_it_is_hard_to_say_several_days_are_told_and_the_true_one_is_among_them() -> None:
    held, wide = 0, 0
    for seed in range(100):
        found = causes.began(days([0.8] * 28 + [0.65] * 7, seed=seed))
        assert found is not None and found.earliest <= found.day <= found.latest
        held += found.earliest <= day(28) <= found.latest
        wide += found.earliest < found.latest
    assert held >= 90 and wide >= 20


def test_days_with_few_are_put_together_and_of_too_few_nothing_is_told() -> None:
    few = [(one, Amount(2, 2, amount.sum / 30, amount.sum / 30)) for one, amount in days([0.9] * 30 + [0.0] * 9)]
    found = causes.began(few)
    assert found is not None and abs((found.day - day(30)).days) <= 2
    assert causes.began(few[:2]) is None and causes.began([]) is None
    assert causes.began([(day(at), Amount()) for at in range(9)]) is None


def test_what_came_shortly_before_is_a_candidate_and_what_came_long_before_or_after_is_not() -> None:
    release = marker("release", 23)
    found = causes.candidates([marker("policy", 3), release, marker("incident", 29)], {}, Began(day(25), day(24), day(26)))
    assert [(one.marker, one.days) for one in found] == [(release, 2)]
    assert found[0].sentence == "It began 2 days after release 4 of 'refunds' went live."


def test_what_cannot_have_touched_the_part_is_no_candidate() -> None:
    others = [
        marker("release", 25, touches={"intent": frozenset({"orders"})}),
        marker("release", 25, touches={"intent": frozenset({"refunds"}), "channel": frozenset({"email", "voice"})}),
    ]
    right = marker("release", 24, touches={"intent": frozenset({"refunds", "orders"})})
    found = causes.candidates([*others, right], REFUNDS_IN_CHAT, Began(day(25), day(25), day(25)))
    assert [one.marker for one in found] == [right]
    assert causes.candidates(others[:1], {"intent": "orders"}, Began(day(25), day(25), day(25))), "it touches orders"


def test_the_nearest_that_is_meant_for_the_part_comes_first() -> None:
    everything, beside = marker("incident", 25, number=None), marker("article", 25, touches={"language": frozenset({"de"})})
    meant, earlier = (marker("release", at, touches={"intent": frozenset({"refunds"})}) for at in (25, 23))
    found = causes.candidates([everything, earlier, beside, meant], REFUNDS_IN_CHAT, Began(day(25), day(25), day(26)))
    assert [one.marker for one in found] == [meant, beside, everything, earlier]


def test_a_day_is_a_day_of_the_portals_time_zone() -> None:
    late = Marker("policy", "Refund limit", None, datetime.combine(day(24), datetime.min.time(), UTC) + timedelta(hours=23, minutes=30))
    [here] = causes.candidates([late], {}, Began(day(25), day(25), day(25)), zone="Europe/Berlin")
    [there] = causes.candidates([late], {}, Began(day(25), day(25), day(25)))
    assert (here.days, there.days) == (0, 1)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (marker("release", 25), "It began on the day on which release 4 of 'refunds' went live."),
        (marker("classifier", 24, name="intent", number=6), "It began 1 day after version 6 of the classifier 'intent' went live."),
        (marker("article", 23, name="Refund times"), "It began 2 days after version 4 of the article 'Refund times' was published."),
        (marker("article", 23, name="Refund times", number=1), "It began 2 days after the article 'Refund times' was published."),
        (marker("policy", 26, name="refund limit"), "It began at about the time when 'refund limit' was changed."),
        (marker("incident", 25, name="Payments down", number=None), "It began on the day on which the incident 'Payments down' began."),
        (marker("sale", 25, name="Spring", number=None), "It began on the day on which sale 'Spring' began."),
    ],
)
def test_a_candidate_says_when_and_not_that_it_was_it(made: Marker, told: str) -> None:
    [found] = causes.candidates([made], {}, Began(day(25), day(25), day(26)))
    assert found.sentence == told
