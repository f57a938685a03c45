"""Two arms: who is in which, what each is judged on, and that a look each day tells no difference where there is none."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log, sqrt

import numpy as np
import pytest

from automations import RECIPE, arms, recipes
from automations.recipe import Act, Recipe, Trigger
from data import releases, store, traces
from data.errors import Denied
from data.intake import door
from data.measures import Share
from data.people import console
from data.tables import Conversation, Release
from data.values import LIVE, SHADOW, Subject, Target, now
from tests.conftest import SOAK, Staff
from tests.conversations import canonical

NAME = "late"
START = now() - timedelta(days=20)
SIMULATIONS, LOOKS = 400, 50


# -- the statistics


def first_told(one: float, other: float, *, count: int, part: float, random: np.random.Generator) -> str:
    """The difference that is told first, of three measures of which one differs, if any; '' where none is."""
    told = ["cannot_tell"]
    in_first = random.random(count) < part
    well = [np.where(in_first, random.random(count) < first, random.random(count) < other) for first in (one, other, other)]
    for until in np.linspace(count / LOOKS, count, LOOKS).astype(int):
        arm = in_first[:until]
        measures = [
            arms.judge("m", "in", [tuple(Share(int(said[:until][own].sum()), int(own.sum())) for own in (arm, ~arm))], asked=3)
            for said in well
        ]  # type: ignore[list-item]
        told.append(arms.overall(measures).verdict)
    return next((one for one in told if one in ("better", "worse")), "")


@pytest.mark.parametrize(("share", "part"), [(0.8, 0.1), (0.5, 0.5), (0.1, 0.1)])
def test_where_nothing_differs_a_difference_is_told_in_one_of_twenty_at_most(share: float, part: float) -> None:
    random, count = np.random.default_rng(5), SIMULATIONS if SOAK else 100
    alarms = sum(bool(first_told(share, share, count=2_000, part=part, random=random)) for _ in range(count))
    print(f"{share} in both, {part} in the first: {alarms} of {count} told a difference over {LOOKS} looks at three measures")
    assert alarms <= 0.05 * count


def naive(one: Share, other: Share) -> bool:
    """By the 95 % interval of every textbook."""
    error = sqrt(sum(share.value * (1 - share.value) / share.n for share in (one, other)))
    return bool(error) and abs(one.value - other.value) > 1.96 * error


def test_an_ordinary_interval_tells_one_far_too_often() -> None:
    """The control: the same looks with the test of a textbook."""
    random, alarms = np.random.default_rng(5), 0
    for _ in range(100):
        first, well = random.random(2_000) < 0.5, random.random(2_000) < 0.5
        pairs = [[Share(int((well & own)[:n].sum()), int(own[:n].sum())) for own in (first, ~first)] for n in range(100, 2_001, 40)]
        alarms += any(naive(*pair) for pair in pairs)
    assert alarms > 20


@pytest.mark.parametrize(("one", "other", "said"), [(0.85, 0.75, "better"), (0.75, 0.85, "worse")])
def test_ten_points_are_found_in_most_with_400_in_each_arm(one: float, other: float, said: str) -> None:
    random, count = np.random.default_rng(6), SIMULATIONS if SOAK else 100
    found = [first_told(one, other, count=800, part=0.5, random=random) for _ in range(count)]
    wrong = count - found.count(said) - found.count("")
    print(f"{one} beside {other}: {found.count(said)} of {count} told {said}, {wrong} the other way")
    assert found.count(said) > 0.5 * count and wrong <= 0.05 * count


def test_the_interval_is_the_one_of_a_normal_mixture() -> None:
    found = arms.Difference(0.05, 0.0009)
    low, high = found.interval(0.05)
    together = 0.0009 + arms.LIKELY**2

    def odds(centre: float) -> float:  # of N(0, likely²) mixed over the difference, against this centre
        far = (found.value - centre) ** 2
        return sqrt(0.0009 / together) * np.exp(far / 2 * (1 / 0.0009 - 1 / together))

    assert log(odds(low)) == pytest.approx(log(20)) == pytest.approx(log(odds(high)))
    assert (low + high) / 2 == pytest.approx(0.05)


def test_a_mix_of_channels_that_differs_is_no_difference() -> None:
    """Within each the two are alike; together the arm with more e-mails looks worse."""
    chat, email = (Share(90, 100), Share(360, 400)), (Share(200, 400), Share(50, 100))
    made = arms.judge("m", "in", [chat, email])
    assert made.with_it.value < made.without.value - 0.2 and made.verdict in ("no_worse", "cannot_tell")
    assert arms.judge("m", "in", [(made.with_it, made.without)]).verdict == "worse"  # the control: in one


def test_fewer_handed_over_is_better() -> None:
    few, many = Share(40, 400), Share(120, 400)
    assert arms.judge("h", "handed over in", [(few, many)], less_is_better=True).verdict == "better"
    assert arms.judge("h", "handed over in", [(many, few)], less_is_better=True).verdict == "worse"
    assert arms.judge("r", "resolved in", [(few, many)]).verdict == "worse"


def test_the_words_say_both_shares_and_how_sure() -> None:
    made = arms.judge("resolution", "resolved in", [(Share(360, 400), Share(300, 400))], asked=3)
    low, high = made.interval or (0, 0)
    assert made.sentence == (
        f"Better: resolved in 90\u00a0% with it and 75\u00a0% without (+15 points, {low * 100:+.0f} to {high * 100:+.0f} at all looks "
        "together)."
    )  # fmt: skip
    few = arms.judge("resolution", "resolved in", [(Share(9, 10), Share(300, 400))])
    assert few.verdict == "cannot_tell" and few.sentence.endswith("10 customers with it, 400 without; 50 are needed in each.")
    alike = arms.judge("satisfaction", "satisfied in", [(Share(2_700, 3_000), Share(2_700, 3_000))])
    assert alike.verdict == "no_worse"
    both = arms.overall([made, few])
    assert both.verdict == "better" and both.sentence.endswith("Of resolution it cannot be told yet.")
    assert arms.overall([alike, few]).verdict == "cannot_tell"
    assert arms.overall([made, arms.judge("s", "in", [(Share(300, 400), Share(360, 400))])]).verdict == "worse"


# -- who is in which arm


@dataclass
class Trial:
    """A recipe on its way, and conversations of two customers' kinds."""

    staff: Staff
    release: Release
    number: int = 0

    def comes(self, mode: str, *, at: datetime, state: str = "done", customer: str = "", target: int = 1, **fields: object) -> str:
        self.number += 1
        whose = customer or f"customer {self.number}"
        told = canonical(self.number, team="Oak", channel="chat", customer=whose, opened_at=at, **{"csat": 5, "resolved": True, **fields})
        (made,) = door.receive([told], by=self.staff.engineer, classify=False).ids
        self.ran(made, mode, at=at, state=state, target=target)
        return made

    def ran(self, conversation_id: str, mode: str, *, at: datetime, state: str = "done", target: int = 1) -> None:
        with store.writing() as db:
            one = Target(RECIPE, NAME, target)
            trace = traces.answered(db, one, {}, by=None, mode=mode, subject=Subject(conversation_id, 1), at=at)
            traces.end(db, trace, state)

    def widen(self, percent: int, at: datetime) -> None:
        with store.writing() as db:
            releases.widen(db, db.get_one(Release, self.release.id), percent, why="So.", by=self.staff.lead, at=at)

    def told(self, *, at: datetime | None = None) -> arms.Arms:
        with store.reading() as db:
            return arms.compare(db.get_one(Release, self.release.id), by=self.staff.lead, at=at)

    def counts(self, at: datetime | None = None) -> dict[str, tuple[tuple[int, int], tuple[int, int]]]:
        return {one.name: ((one.with_it.k, one.with_it.n), (one.without.k, one.without.n)) for one in self.told(at=at).measures}


def day(number: float) -> datetime:
    return START + timedelta(days=number)


@pytest.fixture
def trial(staff: Staff) -> Iterator[Trial]:
    made = Recipe(NAME, "Late", trigger=Trigger("arrives"), acts=(Act("tag", "tag", {"tag": "late"}),))
    recipes.save(made, why="So.", based_on=None, by=staff.lead)
    with store.writing() as db:
        begun = releases.begin(db, Target(RECIPE, NAME, 1), proposal_id=None, by_itself=False, by=staff.lead, at=START)
    yield Trial(staff, begun)


def test_as_long_as_it_answers_for_nobody_there_are_no_arms(trial: Trial) -> None:
    trial.comes(SHADOW, at=day(1))
    assert trial.told() == arms.Arms((), "cannot_tell", "Nobody is in either arm yet. They fill as customers write.")


def test_the_arms_are_those_it_answers_for_and_those_beside_since_it_was_widened(trial: Trial) -> None:
    trial.comes(SHADOW, at=day(0.5))  # before: nobody was in the other arm
    trial.widen(10, day(1))
    trial.comes(LIVE, at=day(2))
    trial.comes(LIVE, at=day(3), csat=2, resolved=False)
    for place in range(3):
        trial.comes(SHADOW, at=day(2 + place), csat=4 - place)
    trial.comes("run", at=day(2))  # somebody tried it
    assert trial.counts() == {"resolution": ((1, 2), (3, 3)), "satisfaction": ((1, 2), (1, 3))}  # people are not compared by hand-over


def test_a_customer_counts_once_by_what_came_first(trial: Trial) -> None:
    trial.widen(10, day(1))
    trial.comes(SHADOW, at=day(2), customer="Jo", csat=1, resolved=False)
    trial.widen(50, day(3))
    trial.comes(LIVE, at=day(4), customer="Jo")
    trial.comes(LIVE, at=day(5))
    assert trial.counts()["resolution"] == ((1, 1), (0, 1))


def test_where_nobody_said_whether_it_was_resolved_that_the_customer_comes_back_tells(trial: Trial) -> None:
    trial.widen(50, day(1))
    trial.comes(LIVE, at=day(2), resolved=None, customer="Stays away")
    trial.comes(LIVE, at=day(2), resolved=None, customer="Comes back")
    told = canonical(900, team="Oak", customer="Comes back", opened_at=day(4))
    door.receive([told], by=trial.staff.engineer, classify=False)
    trial.comes(SHADOW, at=day(16), resolved=None)
    assert trial.counts()["resolution"] == ((1, 2), (1, 1))
    assert trial.counts(at=day(18))["resolution"] == ((1, 2), (0, 0))  # too early to say of the last


def test_beside_a_version_that_was_live_handing_over_is_compared(trial: Trial) -> None:
    trial.widen(50, day(1))
    for place in range(4):
        trial.comes(LIVE, at=day(2), state="handed_over" if place == 0 else "done")
        beside = trial.comes(SHADOW, at=day(2), state="handed_over")  # its own state there counts for nobody
        trial.ran(beside, LIVE, at=day(2), state="failed" if place < 2 else "done", target=2)
    assert trial.counts()["hand-over"] == ((1, 4), (2, 4))


def test_one_that_is_live_is_held_beside_those_who_were_held_out_as_long_as_it_is_watched(trial: Trial) -> None:
    with store.writing() as db:
        trial.release = releases.go_live(db, Target(RECIPE, NAME, 1), proposal_id=None, why_before_ends="", by=trial.staff.lead, at=day(1))
    trial.comes(LIVE, at=day(0.5))  # by the release before
    trial.comes(LIVE, at=day(2))
    trial.comes(SHADOW, at=day(2))
    trial.comes(LIVE, at=day(12))  # nobody is held out any more
    assert trial.counts()["satisfaction"] == ((1, 1), (1, 1))


def test_what_is_hidden_is_in_no_arm_and_who_may_read_recipes_sees_them(trial: Trial) -> None:
    trial.widen(50, day(1))
    hidden = trial.comes(LIVE, at=day(2))
    trial.comes(LIVE, at=day(2))
    with store.writing() as db:
        db.get_one(Conversation, hidden).hidden_at = day(3)
    assert trial.counts()["satisfaction"][0] == (1, 1)
    assert arms.compare(trial.release, by=console()).measures == trial.told().measures
    with pytest.raises(Denied):
        stranger = trial.staff.rep.model_copy(update={"role": "visitor"})
        arms.compare(trial.release, by=stranger)
