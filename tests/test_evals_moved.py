"""Which of several measures moved most: bad news first, and the more are tried the more each has to show."""

from dataclasses import replace
from datetime import date

import pytest
from scipy.stats import norm, t

from data import defined
from data.defined import Measure
from evals import moved, parts, shifts
from evals.moved import Looked
from evals.parts import Found, Part
from evals.shifts import Shift
from evals.sure import normal_bar, student_bar
from evals.why import Why
from portal.bench import why as bench
from tests.conftest import SOAK
from tests.test_evals_parts import found

RESOLUTION, ESCALATION, SATISFIED = (defined.of(name) for name in ("resolution", "escalation", "csat"))
PLAIN = Found(8_000, 2_000, 0.8, 0.8, -0.02, 0.02, 0.0, student_bar(1e4, parts.SURE_WHOLE), 10)


def looked(measure: Measure, one: Found) -> Looked:
    return Looked(Why(measure, one), date(2026, 4, 6), date(2026, 4, 12))


def whole(measure: Measure, score: float, change: float = -0.05, n: int = 2_000) -> Looked:
    return looked(measure, replace(PLAIN, score=score, after=PLAIN.before + change, n_after=n))


def test_nothing_moved_is_none() -> None:
    assert moved.most([]) is None
    assert moved.most([whole(RESOLUTION, 2.0), whole(SATISFIED, 1.0)]) is None


def test_what_would_do_alone_does_not_among_ten() -> None:
    alone = whole(RESOLUTION, 3.0)
    assert (told := moved.most([alone])) is not None and told.looked == alone
    assert moved.most([alone, *[whole(SATISFIED, 0.1)] * 9]) is None
    assert moved.most([whole(RESOLUTION, 3.8), *[whole(SATISFIED, 0.1)] * 9]) is not None


def test_bad_news_comes_before_good_then_the_surer_then_the_larger() -> None:
    good, bad, worse = whole(RESOLUTION, 9.0, 0.1), whole(ESCALATION, 5.0, 0.05), whole(SATISFIED, 6.0)
    told = [moved.most(some) for some in ([good, bad], [bad, worse, good], [good])]
    assert [one.looked for one in told if one] == [bad, worse, good]
    assert [one.is_worse for one in told if one] == [True, True, False]
    few, many = whole(RESOLUTION, 5.0, n=500), whole(SATISFIED, 5.0, n=5_000)
    assert (tie := moved.most([few, many])) is not None and tie.looked == many


def test_a_part_and_the_mix_are_evidence_too() -> None:
    part = Part(("channel",), ("chat",), 800, 400, 0.2, 0.8, 0.6, -0.2, -0.3, -0.1, 0.0, -0.04, 6.0, 3.5)
    shift = Shift(("channel",), ("chat",), -0.03, -0.03, 0.2, 0.4, 0.6, 9.0, 3.7)
    for one, change in ((replace(PLAIN, parts=(part,)), -0.2), (replace(PLAIN, shift=shift), -0.03)):
        assert (told := moved.most([looked(RESOLUTION, one)])) is not None and told.change == change


@pytest.mark.parametrize("tried", [1, 4, 12])
def test_bars_are_those_of_the_textbook_for_so_many(tried: int) -> None:
    """Far out in the tails of three degrees of freedom Wallace's approximation asks for a tenth more, never for less."""
    as_if = 1 if tried == 1 else moved.CAREFUL * tried
    for degrees, off in ((3.0, 0.2), (15.0, 0.02), (1e4, 0.01)):
        one, asked = replace(PLAIN, bar=student_bar(degrees, parts.SURE_WHOLE)), t.ppf(1 - parts.SURE_WHOLE / as_if / 2, degrees)
        assert 0.995 * asked <= moved._bar_of_whole(one, tried) <= (1 + off) * asked
    assert moved._bar_of_part(normal_bar(0.001), tried) == pytest.approx(norm.ppf(1 - 0.001 / as_if / 2), rel=1e-6)
    shift = Shift(("channel",), ("chat",), 0.0, 0.0, 0.2, 0.4, 0.6, 0.0, student_bar(15, shifts.SURE_MIX / 5))
    assert moved._bar_of_shift(shift, tried) == pytest.approx(t.ppf(1 - shifts.SURE_MIX / 5 / as_if / 2, 15), rel=0.02)


@pytest.mark.skipif(not SOAK, reason="two hundred times eight measures")
def test_of_eight_measures_that_stand_still_none_is_told_and_one_that_falls_is() -> None:
    tried = [bench.told_of(8 * at) for at in range(200)]
    silent, seen, named = (sum(getattr(one, what) for one in tried) for what in ("silent", "measure", "part"))
    print(f"silent {silent}, the measure first {seen}, its part named first {named} of 200")
    assert silent >= 190, "19 of 20, over eight measures"
    assert seen >= 150 and named >= 145


def test_what_could_have_been_seen_is_seen_and_half_of_it_is_not() -> None:
    least = moved.could_be_seen(looked(RESOLUTION, found(lambda _: 0.0)), 6)
    assert 0.005 < least < 0.1
    other = [whole(SATISFIED, 0.1)] * 5
    assert moved.most([looked(RESOLUTION, found(lambda _: -1.2 * least)), *other]) is not None
    assert moved.most([looked(RESOLUTION, found(lambda _: -least / 2)), *other]) is None
