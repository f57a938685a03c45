"""The switch trips itself: each mark with the numbers that reach it and the control that does not, and weeks in which nothing is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from automations import RECIPE, actions, backtest, gate, measuring, recipes, stopping, tripping
from automations.conversing import Connected
from automations.door import Wanted
from automations.recipe import Act, Alone, Limits, Recipe, Trigger
from automations.running import FAILED, Span
from automations.steps.all import STEPS
from automations.tracing import steps_of
from automations.tripping import Counts
from data import audit, inbox, releases, store, tasks, traces, versions
from data.errors import Denied, Refused
from data.intake import door
from data.measures import Share
from data.people import console
from data.tables import Release, Study, Trace
from data.values import LIVE, SHADOW, Subject, Target, new_id, now
from evals import changes, freezing, graders, sets
from evals.cases import NewCase
from portal import jobs, schedules
from tests.conftest import SOAK, Staff
from tests.conversations import canonical

NAME = "late"
ONE = Target(RECIPE, NAME, 1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = now() - timedelta(days=3)
LIMITS = Limits(money_per_run=Decimal(20), money_per_day=Decimal(200), runs_per_day=500, currency="EUR")
MADE = Recipe(
    NAME, "Late", trigger=Trigger("arrives"), limits=LIMITS, alone=Alone(money=Decimal(20), changes=("tag",)),
    acts=(Act("look up order", "order"), Act("tag", "tag", {"tag": "late"})),
)  # fmt: skip
TAG = Wanted("tag", "tag", "tag", {"tag": "late"}, "Tag late")


# -- the marks, of counts alone


def reached(**counts: Any) -> str:
    return tripping.reasons(Counts(**counts))


def test_three_runs_that_a_limit_stopped_trip_it_where_they_are_surely_more_than_a_backtest_may_have() -> None:
    assert reached(runs=10, breaches=3) == (
        "A limit or the shop had to stop it in 3 of 10 runs within a day: surely more than 2\u00a0%, which is the most that a backtest "
        "may have."
    )
    assert reached(runs=25, breaches=4) and reached(runs=60, breaches=7)
    assert reached(runs=2, breaches=2) == reached(runs=40, breaches=3) == reached(runs=150, breaches=4) == ""


def test_five_that_failed_trip_it_where_they_are_more_than_a_fifth() -> None:
    assert "5 of 20 runs within a day failed" in reached(runs=20, failed=5)
    assert reached(runs=4, failed=4) == reached(runs=25, failed=5) == ""


def test_the_money_of_a_day_trips_it_at_its_limit_or_far_above_the_past_whichever_comes_first() -> None:
    euros = {"limit": Decimal(200), "usual": Decimal(30), "one_run": Decimal(20), "currency": "EUR"}
    assert reached(money=Decimal(200), **(euros | {"usual": None})).startswith(
        "It moved 200.00 EUR today, and its limit of a day is 200.00"
    )
    assert "more than 3 times what its backtest lets expect in a day (30.00 EUR)" in reached(money=Decimal(91), **euros)
    assert reached(money=Decimal(90), **euros) == ""
    assert reached(money=Decimal(60), **(euros | {"usual": Decimal(1)})) == ""  # of so little three runs are no sign yet
    assert reached(money=Decimal(0), limit=Decimal(0)) == ""  # one that may move nothing


def test_customers_who_are_surely_less_satisfied_trip_it() -> None:
    rated = ((Share(12, 40), Share(180, 200)),)
    assert reached(rated=rated) == (
        "30\u00a0% of its 40 customers who said so this week were satisfied, and 90\u00a0% of 200 with the same wish and channel without "
        "it: surely more than 10 points below."
    )
    assert reached(rated=((Share(4, 19), Share(180, 200)),)) == ""  # too few
    assert reached(rated=((Share(4, 30), Share(40, 49)),)) == ""  # ... without it
    assert reached(rated=((Share(32, 40), Share(180, 200)),)) == ""  # ten points may be chance, and are allowed


def test_a_wish_that_satisfies_fewer_is_no_fault_of_the_recipe() -> None:
    """Within each wish it is alike; it has more of the one that few are satisfied with."""
    rated = ((Share(48, 120), Share(40, 100)), (Share(18, 20), Share(540, 600)))
    assert reached(rated=rated) == ""
    assert reached(rated=((Share(66, 140), Share(580, 700)),)) != ""  # the control: taken together it seems less


def test_a_newer_eval_run_that_does_not_pass_trips_it() -> None:
    assert reached(score="It passes 60 %.") == "A newer run on its eval set does not pass: It passes 60 %."


def test_all_that_is_reached_is_told_and_each_mark_says_what_would_trip_it() -> None:
    assert reached(runs=10, breaches=4, failed=6).count("within a day") == 2
    told = tripping.marks(Counts(limit=Decimal(200), usual=Decimal(30), one_run=Decimal(20), currency="EUR"))
    assert [one.trips_at for one in told] == [
        "3 runs, surely more than 2\u00a0%", "5 runs, more than 20\u00a0%", "200.00 EUR, its limit of a day", "more than 90.00 EUR",
        "surely more than 10 points below", "a newer run that does not pass",
    ]  # fmt: skip
    assert not any(one.why for one in told)


def week(random: np.random.Generator, *, runs: int = 60, breach: float = 0.002, failed: float = 0.005, satisfied: float = 0.8) -> bool:
    """Whether it trips within a week of looks each hour. Without a fault: hardly a breach or an error, money and ratings as in the past."""
    at = np.sort(random.random(random.poisson(7 * runs)) * 7 * 24)
    count = len(at)
    stopped, fault, rated = random.random(count) < breach, random.random(count) < failed, random.random(count) < 0.25
    well, money = random.random(count) < satisfied, np.where(random.random(count) < 0.3, 12.0, 0.0)
    without, usual = Share(int(random.binomial(500, 0.8)), 500), Decimal(f"{runs * 0.3 * 12:.2f}")
    for hour in range(1, 7 * 24 + 1):
        day, today, so_far = (at <= hour) & (at > hour - 24), (at <= hour) & (at > (hour - 1) // 24 * 24), at <= hour
        counts = Counts(
            runs=int(day.sum()), breaches=int(stopped[day].sum()), failed=int(fault[day].sum()),
            money=Decimal(f"{money[today].sum():.2f}"), limit=Decimal(2_000), usual=usual, one_run=Decimal(20), currency="EUR",
            rated=((Share(int((rated & well & so_far).sum()), int((rated & so_far).sum())), without),),
        )  # fmt: skip
        if tripping.reasons(counts):
            return True
    return False


def test_in_weeks_in_which_nothing_is_wrong_it_trips_in_one_of_twenty_at_most() -> None:
    random, weeks = np.random.default_rng(3), 200 if SOAK else 60
    tripped = sum(week(random) for _ in range(weeks))
    print(f"nothing is wrong: tripped in {tripped} of {weeks} weeks, looked at each hour")
    assert tripped <= 0.05 * weeks


def test_as_many_breaches_as_the_gate_lets_pass_hardly_ever_trip_it() -> None:
    random = np.random.default_rng(5)
    tripped = sum(week(random, breach=gate.MOST_BREACHES / 2) for _ in range(60))
    print(f"half of what the gate lets pass: tripped in {tripped} of 60 weeks")
    assert tripped <= 3


@pytest.mark.parametrize("wrong", [{"breach": 0.15}, {"failed": 0.5}, {"satisfied": 0.45}])
def test_in_weeks_in_which_something_is_wrong_it_trips(wrong: dict[str, float]) -> None:
    random = np.random.default_rng(4)
    tripped = sum(week(random, **wrong) for _ in range(10))
    print(f"{wrong}: tripped in {tripped} of 10 weeks")
    assert tripped >= 9


# -- looked at, in a store


@dataclass
class Live:
    """A recipe that is live, and what it did."""

    staff: Staff
    release: Release
    number: int = 0

    def comes(self, *, at: datetime, **fields: Any) -> str:
        self.number += 1
        told = canonical(self.number, team="Oak", opened_at=at, **{"channel": "chat", "customer": f"customer {self.number}", **fields})
        (made,) = door.receive([told], by=self.staff.engineer, classify=False).ids
        return made

    def ran(
        self, *, state: str = "done", hours: float = 2, refused: str = "", step: str = "tag", target: Target = ONE, mode: str = LIVE,
        **fields: Any,
    ) -> Trace:  # fmt: skip
        """A run so many hours ago; one of its steps may have been refused."""
        at = now() - hours * HOUR
        subject = Subject(self.comes(at=at, **fields), 1)
        with store.writing() as db:
            trace = traces.begin(db, target, by=self.staff.lead, tokens=0, cost=0.0, subject=subject, mode=mode, at=at)
            spans = [Span("order", "look up order", "done"), Span("act", step, FAILED if refused else "done", why=refused)]
            traces.add_steps(db, trace, steps_of(spans), person_id=None, at=at)
            traces.end(db, trace, state)
            return trace

    def moved(self, cents: int, *, hours: float = 0) -> None:
        trace = self.ran(hours=hours)
        with store.writing() as db:
            wanted = replace(TAG, kind="refund", amount=Decimal(cents) / 100, currency="EUR", what={"amount": f"{cents / 100:.2f}"})
            payload = actions.payload_of(trace, wanted)
            actions.add(db, trace, payload, key=new_id(), customer_id=None, by=self.staff.lead, at=now() - hours * HOUR)

    def look(self, at: datetime | None = None) -> str:
        return tripping.look(steps=STEPS, known=graders.BY_NAME, by=console(), at=at)

    @property
    def is_live(self) -> bool:
        return releases.live(RECIPE, NAME) is not None

    def why(self) -> str:
        with store.reading() as db:
            return db.get_one(Release, self.release.id, populate_existing=True).ended_why


def released(staff: Staff, made: Recipe = MADE, at: datetime = START) -> Release:
    kept = recipes.save(made, why="So.", based_on=None, by=staff.lead)
    with store.writing() as db:
        return releases.go_live(db, versions.target_of(kept), proposal_id=None, why_before_ends="", by=staff.lead, at=at)


@pytest.fixture
def live(staff: Staff) -> Iterator[Live]:
    yield Live(staff, released(staff))


def test_a_recipe_that_does_as_it_should_stays(live: Live) -> None:
    for _ in range(6):
        live.ran()
    assert live.look() == "" and live.is_live


def test_refused_acts_stop_it_and_whoever_answers_for_it_hears_why(live: Live) -> None:
    for _ in range(2):
        live.ran(refused="Not done: 20.00 EUR would be moved in a day.", state="handed_over")
    live.ran(refused="The shop is not there.", step="look up order", state="handed_over")  # it changes nothing, and broke no limit
    live.ran(refused="Not done", hours=25)  # of another day
    live.ran(refused="Not done", mode=SHADOW)  # nothing left
    live.ran(refused="Not done", target=Target(RECIPE, "other", 1))
    assert live.look() == "" and live.is_live
    live.ran(refused="Not done: the recipe's limit.", state="handed_over")
    assert live.look() == "'late' is stopped. 0 open runs are with people now, 0 proposals are withdrawn."
    assert not live.is_live and live.why().startswith("A limit or the shop had to stop it in 3 of 4 runs within a day")
    (told,) = [one for one in inbox.of(live.staff.lead) if "was stopped" in one.sentence]
    assert "It stopped by itself: A limit or the shop" in told.sentence
    assert live.look() == ""  # nothing is in force any more


def test_errors_stop_it(live: Live) -> None:
    for number in range(5):
        assert live.look() == "", number
        live.ran(state="failed")
    assert "is stopped" in live.look() and live.why().startswith("5 of 5 runs within a day failed")


def test_errors_of_the_version_before_do_not_stop_the_one_that_mends_them(live: Live) -> None:
    for _ in range(6):
        live.ran(state="failed")
    kept = recipes.save(replace(MADE, title="Mended"), why="Mended.", based_on=1, by=live.staff.lead)
    with store.writing() as db:
        releases.go_live(db, versions.target_of(kept), proposal_id=None, why_before_ends="mended", by=live.staff.lead)
    assert live.look() == "" and live.is_live


def test_the_money_of_the_day_stops_it(live: Live) -> None:
    at = max(traces.today(), now() - HOUR)
    live.moved(15_000, hours=48)  # not today
    live.moved(19_999, hours=(now() - at).total_seconds() / 3_600)
    assert live.look() == ""
    live.moved(1, hours=(now() - at).total_seconds() / 3_600)
    assert "is stopped" in live.look()
    assert live.why() == "It moved 200.00 EUR today, and its limit of a day is 200.00 EUR."


def test_money_far_above_its_backtest_stops_it(live: Live) -> None:
    seen = [live.comes(at=now() - timedelta(days=days)) for days in (30, 21)]  # ten days
    told = {
        "money": {"machine": "250.00", "people": "0"}, "currency": "EUR", "lines": [{"conversation": one} for one in seen],
    }  # fmt: skip
    with store.writing() as db:
        db.add(Study(version_id=versions.get(ONE).id, kind=backtest.KIND, told=told))
    live.moved(7_500)
    assert live.look() == ""
    live.moved(1)
    assert "is stopped" in live.look() and "3 times what its backtest lets expect in a day (25.00 EUR)" in live.why()


def test_satisfaction_far_below_that_of_others_stops_it(live: Live) -> None:
    for _ in range(60):
        live.comes(at=now() - 5 * DAY, csat=5)
    for number in range(30):
        live.ran(csat=5 if number % 4 else 1)
    assert live.look() == "" and live.is_live  # the control: hardly below
    for _ in range(30):
        live.ran(csat=1)
    for _ in range(60):  # of another channel, so no measure of these
        live.comes(at=now() - 5 * DAY, csat=1, channel="email")
    assert "is stopped" in live.look() and "customers who said so this week were satisfied, and 100\u00a0% of 60" in live.why()


def test_what_was_said_in_the_weeks_before_counts_no_more(live: Live) -> None:
    for _ in range(60):
        live.comes(at=now() - 5 * DAY, csat=5)
    for _ in range(60):
        live.ran(csat=1)
    assert live.look(at=now() + 5 * DAY) == ""
    assert "is stopped" in live.look()


def frozen_cases(live: Live, tag: str, count: int = 20, *, into: str = "") -> str:
    set_id = into or sets.create(NAME, purpose="automation", about=NAME, by=live.staff.lead).id
    does = {"tool_calls": [{"name": "tag", "arguments": {"tag": tag}}]}
    wanted = [
        NewCase(({"role": "customer", "text": f"{'And where' if into else 'Where'} is parcel {number}?"},), does, ("tool calls",))
        for number in range(count)
    ]
    changes.add(set_id, wanted, known=graders.BY_NAME, by=live.staff.lead)
    freezing.freeze(set_id, by=live.staff.lead)
    return set_id


def evaluated(live: Live, at: datetime) -> None:
    gate.evaluate(ONE, measuring.asking(Connected(), STEPS), known=graders.BY_NAME, by=live.staff.lead, at=at)


ALONE = replace(MADE, acts=(Act("tag", "tag", {"tag": "late"}),))


@pytest.mark.parametrize(("tag", "stays"), [("late", True), ("lost", False)])
def test_a_newer_run_on_its_eval_set_that_does_not_pass_stops_it(staff: Staff, tag: str, stays: bool) -> None:
    live = Live(staff, released(staff, ALONE))
    set_id = frozen_cases(live, tag)
    evaluated(live, START - HOUR)
    assert live.look() == ""  # that was known when it was released
    frozen_cases(live, tag, into=set_id)
    assert live.look() == ""  # nobody ran it on these yet
    evaluated(live, now())
    live.look()
    assert live.is_live == stays
    assert stays or "it passes 0\u00a0%" in live.why().lower()


def test_a_set_that_is_too_small_is_no_reason(staff: Staff) -> None:
    live = Live(staff, released(staff, ALONE))
    frozen_cases(live, "late", count=4)
    evaluated(live, now())
    assert live.look() == "" and live.is_live


def test_one_on_its_way_is_watched_too_and_another_goes_on(staff: Staff) -> None:
    live = Live(staff, released(staff))
    other = recipes.save(replace(MADE, name="other"), why="So.", based_on=None, by=staff.lead)
    with store.writing() as db:
        begun = releases.begin(db, versions.target_of(other), proposal_id=None, by_itself=False, by=staff.lead, at=START)
        releases.widen(db, begun, 50, why="So.", by=staff.lead, at=START)
    for _ in range(5):
        live.ran(state="failed", target=Target(RECIPE, "other", 1))
    assert live.look().startswith("'other' is stopped.") and live.is_live and releases.under_way(RECIPE, "other") is None


def test_the_record_says_that_nobody_stopped_it_and_who_may_not_read_does_not_look(live: Live) -> None:
    for _ in range(5):
        live.ran(state="failed")
    with pytest.raises(Denied):
        tripping.look(steps=STEPS, known={}, by=live.staff.rep.model_copy(update={"role": "visitor"}))
    live.look()
    (entry,) = [one for one in audit.newest(by=live.staff.admin, noun="recipe") if one.verb == "stopped"]
    assert entry.by_person_id is None and "5 of 5 runs" in entry.sentence
    with pytest.raises(Refused, match="nothing of it is in force"):
        stopping.trip(NAME, why="Again.")


def test_as_long_as_a_recipe_is_in_force_it_is_looked_at_each_minute(live: Live) -> None:
    (watch,) = [one for one in schedules.SCHEDULES if one.task == "watch_releases"]
    assert watch.minutes == 1 and watch.needed()
    for _ in range(5):
        live.ran(state="failed")
    with store.writing() as db:
        tasks.later(db, watch.task, {}, title=watch.title, by=None)
    assert not watch.needed()  # one at a time
    jobs.run_waiting()
    assert not live.is_live and not watch.needed()
