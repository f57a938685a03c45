"""Which parts stand out: the narrowest that carries the change, nothing when nothing happened, and a shift of the mix by its name."""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import product

import numpy as np
import pytest
from scipy.stats import norm, t

from data.amounts import Amount
from data.errors import Refused
from evals import parts
from evals.parts import LOOKED_AT, Found
from evals.sure import normal_bar, student_bar
from portal.bench import why
from tests.conftest import SOAK

Cell = tuple[str, str, str]  # intent, channel, team
INTENTS, CHANNELS, TEAMS = {"refunds": 0.2, "orders": 0.5, "billing": 0.3}, {"chat": 0.5, "email": 0.3, "voice": 0.2}, {"A": 0.5, "B": 0.5}
ALONG = {"intent": 0, "channel": 1, "team": 2}
CALM = (0.0, 0.002, -0.002, 0.0)  # by how much the weeks before differ
ALL = tuple(along for along in (*LOOKED_AT, ("intent", "team")) if set(along) <= set(ALONG))
SIMULATIONS = 200 if SOAK else 8


def sizes(week: int = 8_000) -> dict[Cell, float]:
    return {
        (intent, channel, team): week * INTENTS[intent] * CHANNELS[channel] * TEAMS[team]
        for intent, channel, team in product(INTENTS, CHANNELS, TEAMS)
    }


def week(
    off: Callable[[Cell], float], *, of: Mapping[Cell, float] | None = None, along: tuple[tuple[str, ...], ...] = ALL, each: float = 1.0
) -> dict[tuple[str, ...], dict[tuple[str, ...], Amount]]:  # fmt: skip
    """A week in which 80 % of billing and orders and 60 % of refunds are resolved, and by `off` more; each counts for so many."""
    made: dict[tuple[str, ...], dict[tuple[str, ...], Amount]] = {one: {} for one in along}
    for cell, many in (of or sizes()).items():
        n = round(many)
        k = round(n * ((0.6 if cell[0] == "refunds" else 0.8) + off(cell)))
        for one in along:
            key = tuple(cell[ALONG[name]] for name in one)
            made[one][key] = made[one].get(key, Amount()) + Amount(n, n * each, k * each, k * each, None, n * each**2)
    return made


def found(off: Callable[[Cell], float], *, weeks: tuple[float, ...] = CALM, **more: object) -> Found:
    return parts.look([week(lambda _, by=by: by, **more) for by in weeks], week(off, **more))  # type: ignore[arg-type,misc]


def named(one: Found) -> list[tuple[str, ...]]:
    return [tuple(map(str, part.key)) for part in one.outstanding]


# -- the narrowest that carries it --------------------------------------------------------------------------------------------------------


def test_a_fall_of_refunds_in_chat_is_neither_chats_nor_refunds() -> None:
    one = found(lambda cell: -0.2 * (cell[:2] == ("refunds", "chat")))
    assert named(one) == [("refunds", "chat")]
    [part] = one.outstanding
    assert (part.before, part.after) == pytest.approx((0.6, 0.4), abs=0.005)
    assert part.low < -0.2 < part.high < 0 and part.carried == pytest.approx(one.change, abs=0.003), "it carries all of it"


def test_a_fall_of_all_chats_is_chats() -> None:
    assert named(found(lambda cell: -0.1 * (cell[1] == "chat"))) == [("chat",)]


def test_a_fall_of_refunds_everywhere_is_refunds() -> None:
    assert named(found(lambda cell: -0.1 * (cell[0] == "refunds"))) == [("refunds",)]


def test_two_falls_are_both_named_and_a_rise_beside_them() -> None:
    def off(cell: Cell) -> float:
        return {("refunds", "chat"): -0.3, ("orders", "voice"): -0.2, ("billing", "email"): 0.15}.get(cell[:2], 0.0)

    one = found(off)
    assert set(named(one)) == {("refunds", "chat"), ("orders", "voice"), ("billing", "email")}
    assert [part.change > 0 for part in one.outstanding if part.key == ("billing", "email")] == [True]


def test_an_even_fall_is_of_the_whole_and_of_no_part() -> None:
    one = found(lambda _: -0.05)
    assert one.moved and not one.outstanding and not one.shifted


def test_of_two_the_one_that_stood_still_is_not_named() -> None:
    teams = {cell: many * (1.6 if cell[2] == "A" else 0.4) for cell, many in sizes().items()}
    assert named(found(lambda cell: -0.1 * (cell[2] == "A"), of=teams)) == [("A",)], "B did not rise; A fell"


def test_what_may_be_the_same_conversations_is_told_apart_from_what_is_not() -> None:
    by_team = {cell: many * (1.9 if (cell[2] == "A") == (cell[:2] == ("refunds", "chat")) else 0.1) for cell, many in sizes().items()}
    known = (("intent",), ("channel",), ("team",), ("intent", "channel"))
    one = found(lambda cell: -0.3 * (cell[:2] == ("refunds", "chat")), of=by_team, along=known)
    assert named(one) == [("refunds", "chat")]
    assert [part.key for part in one.overlapping] == [("A",)], "team A has nearly all of them, which the days' figures do not tell"
    apart = found(lambda cell: -0.3 * (cell[:2] == ("refunds", "chat")) - 0.2 * (cell[2] == "B"), along=known)
    assert {("refunds", "chat"), ("B",)} <= set(named(apart))


# -- nothing, or something else -----------------------------------------------------------------------------------------------------------


def test_when_nothing_happened_nothing_is_said() -> None:
    one = found(lambda _: 0.001)
    assert one.silent and one.looked_at > 10 and not one.outstanding


def test_a_fall_such_as_weeks_differ_by_is_not_told_and_the_same_after_calm_weeks_is() -> None:
    assert found(lambda _: -0.03, weeks=(0.03, -0.025, 0.02, -0.03)).silent
    assert found(lambda _: -0.03).moved


def test_few_conversations_are_no_part() -> None:
    few = sizes(400)  # 40 refunds in chat, 80 refunds
    assert ("refunds", "chat") not in named(found(lambda cell: -0.5 * (cell[:2] == ("refunds", "chat")), of=few))
    assert named(found(lambda cell: -0.5 * (cell[:2] == ("refunds", "chat")), of=sizes(800))) == [("refunds", "chat")]


def test_a_sample_does_not_pass_for_all_that_it_stands_for() -> None:
    def off(cell: Cell) -> float:
        return -0.08 * (cell[:2] == ("refunds", "chat"))

    assert found(off, of=sizes(1_000), each=10.0, weeks=(0.0,) * 4).silent
    assert named(found(off, of=sizes(10_000), weeks=(0.0,) * 4)) == [("refunds", "chat")], "ten times as many that were looked at"


def more_refunds(where: str | None = None) -> dict[Cell, float]:
    return {cell: many * (3 if cell[0] == "refunds" and where in (None, cell[1]) else 1) for cell, many in sizes().items()}


def test_more_of_what_is_harder_is_a_shift_and_no_part_fell() -> None:
    one = parts.look([week(lambda _, by=by: by) for by in CALM], week(lambda _: 0.0, of=more_refunds()))  # type: ignore[misc]
    assert one.change < -0.02 and one.moved and not one.outstanding
    assert one.shifted and one.shift is not None and (one.shift.along, one.shift.key) == (("intent",), ("refunds",))
    assert one.shift.carried == pytest.approx(one.change, abs=0.003)
    assert found(lambda _: -0.03).shifted is False


def test_a_channel_with_more_of_what_is_harder_did_not_fall() -> None:
    before, after = [week(lambda _, by=by: by) for by in CALM], week(lambda _: 0.0, of=more_refunds("chat"))  # type: ignore[misc]
    one = parts.look(before, after)
    assert one.shifted and not one.outstanding
    chat = parts.look([{("channel",): held[("channel",)]} for held in before], {("channel",): after[("channel",)]})
    assert named(chat) == [("chat",)], "where nobody knows of intents, it seems so"


def test_what_a_new_version_made_worse_is_the_fall_of_its_intent_and_no_shift_between_versions() -> None:
    def by_version(made: dict[tuple[str, ...], dict[tuple[str, ...], Amount]], version: str) -> parts.Broken:
        pairs = {(intent, version if intent == "refunds" else ""): one for (intent,), one in made[("intent",)].items()}
        both = {key: sum((one for (_, whose), one in pairs.items() if whose == key), Amount()) for key in ("", version)}
        return made | {("intent", "version"): pairs, ("version",): {(key,): one for key, one in both.items()}}

    before = [by_version(week(lambda _, by=by: by), "3") for by in CALM]  # type: ignore[misc]
    one = parts.look(before, by_version(week(lambda cell: -0.2 * (cell[0] == "refunds")), "4"))
    assert named(one) == [("refunds",)] and not one.shifted
    same = parts.look(before, by_version(week(lambda cell: -0.2 * (cell[0] == "refunds")), "3"))
    assert named(same)[0] == ("refunds",), "version 3 holds nothing but refunds"


def test_without_anything_to_compare_it_is_refused() -> None:
    with pytest.raises(Refused, match="nothing to compare, with 0 conversations before"):
        parts.look([{("channel",): {}}], {("channel",): {"chat": Amount(1, 1, 1, 1)}})


# -- how sure ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sure", [0.05, 0.01, 0.0001])
def test_the_bars_are_the_quantiles_of_their_distributions(sure: float) -> None:
    assert normal_bar(sure) == pytest.approx(norm.isf(sure / 2), rel=1e-9)
    for degrees in (6, 15, 200):
        assert student_bar(degrees, sure) == pytest.approx(t.isf(sure / 2, degrees), rel=0.03)


def test_a_pair_is_asked_for_as_much_as_a_single_one_and_a_smaller_part_for_more() -> None:
    def chance(of: Mapping[Cell, float], off: Callable[[Cell], float]) -> dict[tuple[str, ...], tuple[int, float]]:
        return {tuple(map(str, part.key)): (part.n_after, 2 * norm.sf(part.bar)) for part in found(off, of=of).outstanding}

    def both(cell: Cell) -> float:
        return -0.3 * (cell[:2] == ("refunds", "chat")) - 0.2 * (cell[1] == "voice")

    large, small = chance(sizes(8_000), both), chance(sizes(2_400), both)
    assert large[("refunds", "chat")][1] == pytest.approx(large[("voice",)][1]) and large[("voice",)][1] < parts.SURE_PARTS
    (n_pair, pair), (n_single, single) = small[("refunds", "chat")], small[("voice",)]
    assert (n_pair, n_single) == (240, 480) and pair / single == pytest.approx((n_pair / parts.FULL) ** parts.CARRY, rel=0.01)


def test_of_two_falls_far_beyond_their_bars_the_less_likely_by_chance_is_first() -> None:
    """Errors beyond the bar would put voice first: they weigh more the further out they are."""

    def off(cell: Cell) -> float:
        return -0.4 * (cell[:2] == ("refunds", "chat")) - 0.35 * (cell[1] == "voice" and cell[0] != "refunds")

    assert named(found(off, of=sizes(2_400)))[0] == ("refunds", "chat")


def test_where_customers_write_more_than_once_the_whole_has_to_move_by_more() -> None:
    """Teams that go up and down against each other leave the whole as it is, and tell that conversations are not each one's own."""

    def looked(by: float) -> Found:
        weeks = [week(lambda cell, up=up: by * up * (1 if cell[2] == "A" else -1)) for up in (1, -1, 1, -1)]  # type: ignore[misc]
        return parts.look(weeks, week(lambda _: -0.02))

    calm, restless, beyond = (looked(by) for by in (0.0, 0.02, 0.1))
    assert calm.moved and not restless.moved
    wide = [one.high - one.low for one in (calm, restless, beyond)]
    assert wide[0] < wide[1] <= wide[2] == pytest.approx(wide[0] * parts.CLUSTERED**0.5, rel=0.01), "what happened in a week is not that"


def test_a_whole_that_differs_from_week_to_week_is_seldom_said_to_have_moved() -> None:
    random = np.random.default_rng(0)
    for differ in (0.0, 0.005, 0.01, 0.04):  # chance alone makes 0.005
        told = 0
        for _ in range(2_000 if SOAK else 400):
            rates = 0.7 + random.normal(0, differ, 5)
            weeks = [{("channel",): {"chat": Amount(8_000, 8_000, k, k)}} for k in random.binomial(8_000, rates)]
            told += parts.look(weeks[:-1], weeks[-1]).moved
        assert told / (2_000 if SOAK else 400) < 0.06
    weeks = [{("channel",): {"chat": Amount(8_000, 8_000, k, k)}} for k in (5_600, 5_600, 5_600, 5_600, 5_200)]
    assert parts.look(weeks[:-1], weeks[-1]).moved


# -- drawn traffic: customers who write more than once, parts of every size, days of the week ----------------------------------------------


@cache
def tried() -> list[why.Tried]:
    return [why.planted(seed, low=400 if SOAK else 1_600) for seed in range(SIMULATIONS)]


def test_ten_points_that_fall_in_a_part_are_named_first() -> None:
    if not SOAK:
        assert all(one.first and one.told for one in tried())
        return
    large = [one for one in tried() if one.n >= 800]
    assert sum(one.first and one.told for one in large) >= 0.95 * len(large)
    assert sum(one.first for one in tried()) >= 0.94 * SIMULATIONS, "of 400 conversations ten points are hardly more than chance makes"
    assert sum(one.nearly for one in tried()) >= 0.95 * SIMULATIONS


def test_ten_points_that_a_graders_scores_fall_are_named_first() -> None:
    scored = [why.planted(seed, scores=True) for seed in range(SIMULATIONS)]
    assert sum(one.first and one.told for one in scored) >= 0.95 * SIMULATIONS


@pytest.mark.parametrize("scores", [False, True])
def test_in_drawn_weeks_without_a_change_nothing_is_said(scores: bool) -> None:
    silent = [why.looked(why._week(seed), scores=scores)[0].silent for seed in range(SIMULATIONS)]
    assert sum(silent) >= 0.95 * SIMULATIONS


def test_twice_as_much_of_a_hard_intent_is_named_a_shift() -> None:
    named_so = [why.shifted(seed) for seed in range(SIMULATIONS)]
    assert sum(named_so) >= 0.92 * SIMULATIONS
