"""The switch, pressed in the middle of a run: nothing more leaves, people have what had begun, and what had left is asked after."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from automations import RECIPE, arriving, conversing, going_on, recipes, release, settling, stopping, waiting
from automations.arriving import Means
from automations.conversing import Connected
from automations.recipe import Act, Alone, Recipe, Trigger
from automations.settling import Ways
from automations.shop import faults
from automations.shop.client import Shop
from automations.steps.all import STEPS
from data import approvals, audit, inbox, releases, store, versions
from data.errors import Denied, Refused
from data.people import console
from data.tables import Release, Trace
from data.values import Target
from evals import guards
from evals.releasing import Progress
from tests.conftest import Staff
from tests.test_automations_actions import ALONE, LIMITS, TOKEN, Stand, proposal_row, rows, standing, trace_row

NAME = "late parcel"
FIRST = Act("refund", "first", {"order": "{{order.number}}", "amount": "20.00", "reason": "It came late"})
SECOND = replace(FIRST, name="second", given={**FIRST.given, "amount": "5.00"})
ACTS = (Act("look up order", "order"), FIRST, SECOND, Act("tag", "tag", {"tag": "refunded"}))
MADE = Recipe(NAME, "Late parcel", trigger=Trigger("arrives"), acts=ACTS, limits=LIMITS, alone=ALONE)
ASKS = replace(MADE, name="asks first", alone=Alone(money=Decimal(0)))


@dataclass
class Pressed:
    """A shop that the switch is pressed beside: when the first refund is asked for, and before it is answered."""

    stand: Stand
    releases: dict[str, Release]

    def means(self, url: str = "") -> Means:
        shop = Shop(url or self.stand.url, TOKEN, seconds=20)
        return Means(Ways(shop=shop), Connected(shop=shop), STEPS)

    def run(self, made: Recipe = MADE, place: int = 0, *, url: str = "") -> Trace:
        case = conversing.as_it_is(made, self.stand.ids[place])
        assert case is not None
        trace = arriving.live(self.releases[made.name], made, case, by=self.stand.staff.rep, means=self.means(url))
        assert trace is not None
        return trace


@pytest.fixture
def pressed(staff: Staff, home: Path) -> Iterator[Pressed]:
    with standing(staff, home, 2) as stand:
        yield Pressed(stand, {made.name: released(made, staff) for made in (MADE, ASKS)})


def released(made: Recipe, staff: Staff) -> Release:
    kept = recipes.save(made, why="So.", based_on=None, by=staff.engineer)
    with store.writing() as db:
        return releases.go_live(db, versions.target_of(kept), proposal_id=None, why_before_ends="", by=staff.lead)


def in_between(act: Callable[[], object], *, after: bool) -> tuple[faults.Fault, list[object]]:
    """Does it from another thread while the shop holds an answer back, after it has made the refund or before."""
    came: list[object] = []

    def fault(one: faults.Exchange) -> None:
        answer = one.forwarded() if after else None
        thread = threading.Thread(target=lambda: came.append(act()))
        thread.start()
        thread.join(15)
        one.send(answer or one.forwarded())

    return fault, came


def from_the_first_refund(fault: faults.Fault, then: faults.Fault = faults.passes) -> list[faults.Fault]:
    """What was only looked up before passes."""
    left = [fault]

    def one_of(one: faults.Exchange) -> None:
        is_first = bool(left) and one.request.startswith(b"POST")
        (left.pop() if is_first else faults.passes if left else then)(one)

    return [one_of] * 30


def stops(pressed: Pressed, act: Callable[[], object], *, after: bool = True) -> tuple[Trace, list[object], list[bytes]]:
    fault, came = in_between(act, after=after)
    with faults.before(pressed.stand.url) as line:
        line.next(*from_the_first_refund(fault))
        trace = pressed.run(url=line.url)
        return trace, came, line.seen


WHY = "It pays the wrong people."


def test_the_control_where_nobody_stops_it_all_of_it_is_done(pressed: Pressed) -> None:
    assert pressed.run().state == "done" and pressed.stand.refunded() == [2000, 500] and len(rows()) == 3


@pytest.mark.parametrize("after", [True, False])
def test_stopped_between_two_acts_nothing_more_leaves_and_a_person_has_it(pressed: Pressed, after: bool) -> None:
    trace, came, seen = stops(pressed, lambda: stopping.stop(NAME, why=WHY, by=pressed.stand.staff.rep), after=after)
    (stopped,) = came
    assert isinstance(stopped, stopping.Stopped) and (stopped.runs, stopped.under_way) == (1, 1)
    assert stopped.sentence == (
        "'late parcel' is stopped. 1 open run is with people now, 0 proposals are withdrawn. 1 act had left before; what became of it is "
        "still asked."
    )
    assert sum(request.startswith(b"POST") for request in seen) == 1  # the one that was on its way
    assert pressed.stand.refunded() == [2000]
    row = trace_row(trace)
    assert row.state == "handed_over" and (row.state_json or {})["why"] == f"'{NAME}' was stopped: {WHY}"
    assert [(one.act, one.state) for one in rows()] == [("first", "done")]  # it is known what became of what had left


def test_what_had_left_is_asked_after_until_it_is_known(pressed: Pressed) -> None:
    """The answer is lost too: the shop has made it, and it is found by its key."""

    def lost(one: faults.Exchange) -> None:
        one.forwarded()
        stopping.stop(NAME, why=WHY, by=pressed.stand.staff.rep)
        one.reset()

    with faults.before(pressed.stand.url) as line:
        line.next(*from_the_first_refund(lost, then=faults.dies_before))
        trace = pressed.run(url=line.url)
    assert [(one.act, one.state) for one in rows()] == [("first", "unknown")] and trace_row(trace).state == "handed_over"
    for _ in range(2):
        settling.settle(ways=Ways(shop=pressed.stand.shop))
    assert [(one.act, one.state) for one in rows()] == [("first", "done")] and pressed.stand.refunded() == [2000]
    assert trace_row(trace).state == "handed_over"  # that it is known wakes nothing


def test_what_the_shop_never_heard_of_is_not_sent_again(pressed: Pressed) -> None:
    def lost(one: faults.Exchange) -> None:
        stopping.stop(NAME, why=WHY, by=pressed.stand.staff.rep)
        one.reset()

    with faults.before(pressed.stand.url) as line:
        line.next(*from_the_first_refund(lost, then=faults.dies_before))
        pressed.run(url=line.url)
    settling.settle(ways=Ways(shop=pressed.stand.shop))
    assert pressed.stand.refunded() == [] and rows()[0].state == "refused" and "a person has the run" in rows()[0].why


def test_what_waits_for_a_yes_is_withdrawn_and_cannot_be_carried_out(pressed: Pressed) -> None:
    staff = pressed.stand.staff
    trace = pressed.run(ASKS)
    proposal_id = str(trace_row(trace).proposal_id)
    assert trace.state == "waiting"
    approvals.approve(proposal_id, by=staff.lead)
    stopped = stopping.stop("asks first", why=WHY, by=staff.admin)
    assert (stopped.runs, stopped.proposals) == (1, 1) and proposal_row(proposal_id).state == "withdrawn"
    with pytest.raises(Refused):
        waiting.continue_run(proposal_id, ways=Ways(shop=pressed.stand.shop))
    assert trace_row(trace).state == "handed_over" and pressed.stand.refunded() == [] and rows() == []


def test_a_run_that_was_stopped_does_not_go_on(pressed: Pressed) -> None:
    """Approved and carried out, and stopped before the task that goes on was taken."""
    staff, ways = pressed.stand.staff, Ways(shop=pressed.stand.shop)
    trace = pressed.run(ASKS)
    proposal_id = str(trace_row(trace).proposal_id)
    approvals.approve(proposal_id, by=staff.lead)
    waiting.continue_run(proposal_id, ways=ways)
    assert trace_row(trace).state == "running" and pressed.stand.refunded() == [2000]
    stopping.stop("asks first", why=WHY, by=staff.rep)
    gone = going_on.go_on(trace.id, ways=ways, connected=Connected(shop=pressed.stand.shop), steps=STEPS)
    assert gone.state == "handed_over" and pressed.stand.refunded() == [2000]


def test_after_it_was_stopped_nothing_begins(pressed: Pressed) -> None:
    stopping.stop(NAME, why=WHY, by=pressed.stand.staff.rep)
    case = conversing.as_it_is(MADE, pressed.stand.ids[1])
    assert case is not None
    assert arriving.live(pressed.releases[NAME], MADE, case, by=pressed.stand.staff.rep, means=pressed.means()) is None
    assert releases.live(RECIPE, NAME) is None and pressed.run(ASKS, 1).state == "waiting"  # the control: the other one goes on
    with pytest.raises(Refused, match="nothing of it is in force"):
        stopping.stop(NAME, why=WHY, by=pressed.stand.staff.rep)


def test_a_run_that_began_while_the_switch_was_pressed_is_handed_over_too(pressed: Pressed) -> None:
    """Begun and not committed: on PostgreSQL nobody else sees it yet."""
    case = conversing.as_it_is(MADE, pressed.stand.ids[1])
    assert case is not None
    came: list[stopping.Stopped] = []
    thread = threading.Thread(target=lambda: came.append(stopping.stop(NAME, why=WHY, by=pressed.stand.staff.rep)))
    with store.writing():
        trace = arriving._begun(pressed.releases[NAME], case, pressed.stand.staff.rep, None, {})
        thread.start()
        thread.join(1)
    thread.join(15)
    assert trace is not None and [one.runs for one in came] == [1] and trace_row(trace).state == "handed_over"


def test_what_goes_live_while_the_switch_is_pressed_is_stopped_too(pressed: Pressed) -> None:
    """The next version, in a transaction that is not over yet."""
    staff, came = pressed.stand.staff, []
    second = versions.target_of(recipes.save(replace(MADE, title="Later"), why="So.", based_on=1, by=staff.engineer))
    thread = threading.Thread(target=lambda: came.append(stopping.stop(NAME, why=WHY, by=staff.rep)))
    with store.writing() as db:
        releases.go_live(db, second, proposal_id=None, why_before_ends="followed", by=staff.lead)
        thread.start()
        thread.join(1)
    thread.join(15)
    assert len(came) == 1 and releases.live(RECIPE, NAME) is None


def test_what_is_led_on_while_the_switch_is_pressed_stays_stopped(pressed: Pressed) -> None:
    staff, came = pressed.stand.staff, []
    with store.writing() as db:
        begun = releases.begin(db, Target(RECIPE, "asks first", 1), proposal_id=None, by_itself=True, by=staff.lead)
    found = Progress(begun, 30, 0, 0, (), guards.Verdict("keep", []))
    thread = threading.Thread(target=lambda: came.append(refused_in(lambda: release.STEPS.look_at(found, None))))
    with store.writing():
        stopping.stop("asks first", why=WHY, by=staff.rep)
        thread.start()
        thread.join(1)
    thread.join(15)
    assert releases.under_way(RECIPE, "asks first") is None and len(came) == 1 and "not under way any more" in str(came[0])


def refused_in(act: Callable[[], object]) -> str:
    try:
        return str(act())
    except Refused as refused:
        return str(refused)


def test_all_are_stopped_at_once(pressed: Pressed) -> None:
    staff = pressed.stand.staff
    waits = pressed.run(ASKS, 1)
    trace, came, _ = stops(pressed, lambda: stopping.stop_all(why=WHY, by=staff.lead))
    (stopped,) = came
    assert isinstance(stopped, stopping.Stopped) and sorted(stopped.names) == ["asks first", NAME]
    assert (stopped.runs, stopped.proposals, stopped.under_way) == (2, 1, 1)
    assert {trace_row(one).state for one in (trace, waits)} == {"handed_over"} and pressed.stand.entries() == [2000]
    assert not arriving.anything_in_force()
    assert {one.id for one in stopping.handed_over(by=staff.lead)} == {trace.id, waits.id}
    assert stopping.handed_over(by=staff.other) == []  # of another team


def test_it_trips_in_the_middle_of_a_run_too_and_says_why(pressed: Pressed) -> None:
    trace, _, _ = stops(pressed, lambda: stopping.trip(NAME, why="5 of 20 runs failed."))
    assert trace_row(trace).state == "handed_over" and pressed.stand.refunded() == [2000]
    (told,) = [one for one in inbox.of(pressed.stand.staff.lead) if "was stopped" in one.sentence]
    assert told.sentence.endswith("was stopped. It stopped by itself: 5 of 20 runs failed.")
    (entry,) = [one for one in audit.newest(by=pressed.stand.staff.admin, noun="recipe") if one.verb == "stopped"]
    assert entry.by_person_id is None


def test_who_may_stop_it_needs_nobody_and_says_why(pressed: Pressed) -> None:
    with pytest.raises(Denied):
        stopping.stop(NAME, why=WHY, by=console())
    with pytest.raises(Denied):
        stopping.stop_all(why=WHY, by=console())
    with pytest.raises(Refused, match="say why"):
        stopping.stop(NAME, why="  ", by=pressed.stand.staff.rep)
    assert releases.live(RECIPE, NAME) is not None
    stopping.stop(NAME, why="Write to jo.doe@example.org.", by=pressed.stand.staff.rep)
    with store.reading() as db:
        ended = db.get_one(Release, pressed.releases[NAME].id)
    assert ended.stage == "ended" and "jo.doe" not in ended.ended_why


def test_what_was_stopped_is_not_put_back_by_one_person(pressed: Pressed) -> None:
    stopping.stop(NAME, why=WHY, by=pressed.stand.staff.rep)
    with pytest.raises(Refused, match="propose"):
        release.roll_back(Target(RECIPE, NAME, 1), why="It was fine.", by=pressed.stand.staff.lead)
