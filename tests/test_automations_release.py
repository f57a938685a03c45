"""A recipe from proposed to live and back: what the gate asks, who says yes, for whom it runs at each step, and that twice is once."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, func, select

from automations import RECIPE, arriving, backtest, gate, measuring, recipes, release
from automations.arriving import Means
from automations.conversing import Connected
from automations.recipe import Act, Alone, Limits, Recipe, Trigger
from automations.settling import Ways
from automations.shop.client import Shop
from automations.steps.all import STEPS
from data import approvals, audit, people, releases, store, traces, versions
from data.errors import Denied, Refused
from data.intake import door
from data.people import console
from data.tables import Conversation, Message, Release, Study, Trace
from data.values import LIVE, SHADOW, Subject, Target, now
from evals import changes, freezing, graders, sets
from evals.cases import NewCase
from portal import carrying_out
from tests.conftest import Staff
from tests.conversations import canonical
from tests.test_automations_actions import TOKEN, rows, standing

KNOWN = graders.BY_NAME
SMALL = Recipe(
    "marked", "Late parcels are marked", trigger=Trigger("arrives"), acts=(Act("tag", "tag", {"tag": "late"}),),
    limits=Limits(runs_per_day=500), alone=Alone(changes=("tag",)),
)  # fmt: skip
REFUND = Act("refund", "back", {"order": "{{order.number}}", "amount": "5.00", "reason": "It came late"})
PAYS = Recipe(
    "late parcel", "Late parcel", trigger=Trigger("arrives"), acts=(Act("look up order", "order"), REFUND),
    limits=Limits(Decimal(20), Decimal(500), 500, "EUR"), alone=Alone(changes=("refund",), money=Decimal(20)),
)  # fmt: skip
ASKS = replace(PAYS, name="asks", alone=Alone())


def kept(made: Recipe, staff: Staff, *, based_on: int | None = None) -> Target:
    return versions.target_of(recipes.save(made, why="Often.", based_on=based_on, by=staff.rep))


def backtested(target: Target, *, days: float = 1, eligible: int = 100, breaches: int = 0, agrees: tuple[int, int] = (98, 100)) -> None:
    told = {
        "eligible": eligible, "breaches": breaches, "agrees": list(agrees), "lines": [], "sentence": "It agrees with people.",
        "currency": "", "slices": {},
    }  # fmt: skip
    with store.writing() as db:
        db.add(Study(version_id=versions.get(target).id, kind=backtest.KIND, told=told, at=now() - timedelta(days=days)))


def against(target: Target, staff: Staff) -> str:
    return " ".join(gate.shown(target, steps=STEPS, known=KNOWN, by=staff.rep).against)


# -- the gate


def test_the_stake_is_high_where_money_moves_something_is_sent_or_another_program_is_called() -> None:
    assert gate.stake_of(SMALL, STEPS) == gate.LOW and gate.stake_of(PAYS, STEPS) == gate.HIGH
    nested = replace(SMALL, acts=(Act("tag", "tag", {"tag": "late"}, otherwise=(REFUND,)),))
    assert gate.stake_of(nested, STEPS) == gate.HIGH
    for step in ("send reply", "http call", "credit"):
        assert gate.stake_of(replace(SMALL, acts=(Act(step, "x"),)), STEPS) == gate.HIGH
    drafts = replace(SMALL, acts=(Act("draft reply", "x"), Act("route", "y"), Act("hand over", "z"), Act("set field", "w")))
    assert gate.stake_of(drafts, STEPS) == gate.LOW


def test_a_version_shows_a_backtest_that_is_young_enough(staff: Staff) -> None:
    target = kept(PAYS, staff)
    assert against(target, staff) == "This version was not backtested yet. Open Backtest and start one."
    backtested(target, days=31)
    assert against(target, staff) == "Its backtest is 31 days old. Start another."
    backtested(target, days=29)
    assert against(target, staff) == ""


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        ({"breaches": 3}, "in 3 of 100 conversations, and in 2"), ({"breaches": 2}, ""),
        ({"agrees": (19, 19)}, "was seen on 19 conversations"), ({"agrees": (20, 20)}, ""),
        ({"agrees": (80, 100)}, "It agrees with people about the money in 80"),
    ],
)  # fmt: skip
def test_its_figures_have_to_be_good_enough(staff: Staff, figures: dict[str, Any], why: str) -> None:
    target = kept(PAYS, staff)
    backtested(target, **figures)
    assert (why in against(target, staff)) if why else against(target, staff) == ""


def test_what_asks_a_person_about_all_money_needs_not_agree_with_them(staff: Staff) -> None:
    target = kept(ASKS, staff)
    backtested(target, agrees=(1, 5))
    assert against(target, staff) == ""


def test_one_that_is_not_finished_says_what_is_to_be_mended(staff: Staff) -> None:
    target = kept(replace(SMALL, acts=(Act("tag", "tag"),)), staff)
    backtested(target)
    assert against(target, staff).startswith("It has 1 fault: ")


def test_it_passes_the_sets_that_were_made_for_it(staff: Staff) -> None:
    target = kept(SMALL, staff)
    backtested(target)
    made = sets.create("Recipe", purpose="automation", about=target.name, by=staff.lead)
    ask = measuring.asking(Connected(), STEPS)
    with pytest.raises(Refused, match="no eval set was made for 'marked' and frozen yet"):
        gate.evaluate(target, ask, known=KNOWN, by=staff.rep)
    for number in range(40):  # half of it is something else than it does
        does = {"tool_calls": [{"name": "tag", "arguments": {"tag": "late" if number % 2 else "lost"}}]}
        one = NewCase(({"role": "customer", "text": f"Where is parcel {number}?"},), does, ("tool calls",))
        changes.add(made.id, [one], known=KNOWN, by=staff.lead)
    freezing.freeze(made.id, by=staff.lead)
    assert "was not run on the newest eval set yet" in against(target, staff)
    found = gate.evaluate(target, ask, known=KNOWN, by=staff.rep)
    assert (found.passed.k, found.passed.n) == (20, 40) and "passes 50" in against(target, staff)
    assert rows() == []  # nothing was done by it


# -- proposed, approved


@pytest.fixture
def small(staff: Staff) -> Target:
    target = kept(SMALL, staff)
    backtested(target)
    return target


@pytest.fixture
def pays(staff: Staff) -> Target:
    target = kept(PAYS, staff)
    backtested(target)
    return target


def propose(target: Target, by: Any, **more: Any) -> Any:
    return release.propose(target, why="It helps.", steps=STEPS, known=KNOWN, by=by, **more)


def publish(target: Target, by: Any, **more: Any) -> Release:
    return release.publish(target, why="It helps.", steps=STEPS, known=KNOWN, by=by, **more)


def advance(found: Release, by: Any, percent: int | None = None, **more: Any) -> Release:
    return release.advance(found.id, percent=percent, why="It does well.", steps=STEPS, known=KNOWN, by=by, **more)


def test_with_low_stakes_a_lead_or_an_engineer_needs_nobody(staff: Staff, small: Target) -> None:
    begun = publish(small, staff.lead, audience={"channel": ["chat", "chat"], "team": []})
    assert (begun.stage, begun.by_itself, begun.audience) == ("shadow", True, {"channel": ["chat"]})
    with pytest.raises(Denied):
        publish(small, staff.rep)
    with pytest.raises(Refused, match="say why"):
        release.publish(small, why=" ", steps=STEPS, known=KNOWN, by=staff.lead)


def test_a_rep_asks_somebody_and_it_then_goes_on_by_itself(staff: Staff, small: Target) -> None:
    asked = propose(small, staff.rep)
    assert asked.kind == "publish_small" and releases.under_way(RECIPE, small.name) is None
    with pytest.raises(Refused, match="already waits"):
        propose(small, staff.rep)
    approvals.approve(asked.id, by=staff.lead)
    carrying_out.carry_out(asked.id, by=staff.lead, progress=lambda _share, _doing: None)
    begun = releases.under_way(RECIPE, small.name)
    assert begun is not None and begun.by_itself and arriving.owner_of(begun).id == staff.rep.id


def test_what_moves_money_takes_a_second_person_and_is_led_on_by_people(staff: Staff, pays: Target) -> None:
    with pytest.raises(Refused, match="a second person approves it"):
        publish(pays, staff.lead)
    asked = propose(pays, staff.rep)
    assert asked.kind == "publish_recipe"
    with pytest.raises(Denied):
        approvals.approve(asked.id, by=staff.rep)
    with pytest.raises(Refused):  # not approved yet
        release.publish_approved(asked.id)
    approvals.approve(asked.id, by=staff.lead)
    begun = release.publish_approved(asked.id)
    assert (begun.stage, begun.by_itself) == ("shadow", False)
    with pytest.raises(Denied):
        advance(begun, staff.rep, 10)
    assert advance(begun, staff.engineer, 10).percent == 10


def test_whoever_may_not_ask_for_a_refund_does_not_propose_what_asks_for_one(staff: Staff, pays: Target) -> None:
    with pytest.raises(Refused, match="in the name of whoever proposes it"):
        propose(pays, staff.engineer)


def test_nothing_is_proposed_that_something_speaks_against_nor_for_whom_nobody_knows(staff: Staff, small: Target) -> None:
    bare = kept(replace(SMALL, name="bare"), staff)
    for act, done in ((propose, "proposed"), (publish, "released")):
        with pytest.raises(Refused, match=f"Not {done}: This version was not backtested yet"):
            act(bare, staff.lead)
    with pytest.raises(Refused, match="no audience by moon"):
        publish(small, staff.lead, audience={"moon": ["full"]})


# -- on its way, and back


def test_it_is_led_on_with_a_reason_and_never_past_the_gate(staff: Staff, small: Target) -> None:
    begun = publish(small, staff.lead)
    with pytest.raises(Refused, match="say why"):
        release.advance(begun.id, percent=10, why="", steps=STEPS, known=KNOWN, by=staff.lead)
    assert advance(begun, staff.lead, 25).percent == 25
    with pytest.raises(Refused, match="Not changed: Its backtest is"):
        advance(begun, staff.lead, 50, at=now() + timedelta(days=40))
    live = advance(begun, staff.lead)
    assert (live.stage, live.salt) == ("live", begun.salt)
    with pytest.raises(Refused, match="not under way any more"):
        advance(begun, staff.lead, 50)


def test_one_goes_back_to_what_was_live_and_to_nothing_else(staff: Staff, small: Target) -> None:
    advance(publish(small, staff.lead), staff.lead)
    second = kept(replace(SMALL, title="Marked"), staff, based_on=1)
    with pytest.raises(Refused, match="was never live"):
        release.roll_back(second, why="Better.", by=staff.lead)
    backtested(second)
    advance(publish(second, staff.lead), staff.lead)
    with pytest.raises(Denied):
        release.roll_back(small, why="Worse.", by=staff.rep)
    release.roll_back(small, why="It was worse. Write to jo.doe@example.org.", by=staff.engineer)
    back, ended = releases.live(RECIPE, small.name), releases.steps(RECIPE, small.name)
    assert back is not None and back.target_number == 1
    assert not any("jo.doe" in one.ended_why for one in ended)


def ran(target: Target, count: int, staff: Staff, *, mode: str, state: str = "done") -> None:
    ids = comes(staff, count)
    with store.writing() as db:
        for made in ids:
            trace = traces.answered(db, target, {}, by=None, mode=mode, subject=Subject(made, 1))
            traces.end(db, trace, state)


def comes(staff: Staff, count: int, **more: Any) -> list[str]:
    start = known_so_far() + 1
    told = [
        canonical(number, **{"team": "Oak", "channel": "chat", "customer": f"customer {number}", "opened_at": now()} | more)
        for number in range(start, start + count)
    ]
    return [
        made for place in range(0, count, 100) for made in door.receive(told[place : place + 100], by=staff.engineer, classify=False).ids
    ]


def known_so_far() -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(Conversation)).one()


def look() -> str:
    return release.look(steps=STEPS, known=KNOWN, by=console())


def test_with_low_stakes_each_step_is_taken_when_what_it_asks_is_met(staff: Staff, small: Target) -> None:
    begun = publish(small, staff.lead)
    ran(small, 29, staff, mode=SHADOW)
    assert "It was tried on 29 conversations; the next step asks for 30." in look()
    ran(small, 1, staff, mode=SHADOW)
    assert look() == "marked 1 answers for 10 % of customers."
    ran(small, 49, staff, mode=LIVE)
    assert "the next step asks for 50" in look() and releases.live(RECIPE, small.name) is None
    ran(small, 1, staff, mode=LIVE)
    look()
    live = releases.live(RECIPE, small.name)
    assert live is not None and live.salt == begun.salt


def test_what_moves_money_waits_for_people_however_much_was_seen(staff: Staff, pays: Target) -> None:
    asked = propose(pays, staff.rep)
    approvals.approve(asked.id, by=staff.lead)
    begun = release.publish_approved(asked.id)
    ran(pays, 40, staff, mode=SHADOW)
    look()
    found = releases.under_way(RECIPE, pays.name)
    assert found is not None and (found.id, found.stage) == (begun.id, "shadow")
    assert release.progress_of(begun, steps=STEPS, known=KNOWN, by=staff.rep).ready


def test_harm_ends_it_on_its_way(staff: Staff, small: Target) -> None:
    advance(publish(small, staff.lead), staff.lead, 50)
    ran(small, 20, staff, mode=LIVE)
    assert "taken back" not in look()
    ran(small, 10, staff, mode=LIVE, state="failed")
    assert "was taken back by itself" in look() and releases.under_way(RECIPE, small.name) is None


# -- what comes in, at each step


MEANS = Means(Ways(), Connected(), STEPS)


def arrive(ids: list[str], means: Means = MEANS) -> arriving.Ran:
    return arriving.arrived(ids, means=means)


def tagged(ids: list[str]) -> list[bool]:
    with store.reading() as db:
        return ["late" in db.get_one(Conversation, made, populate_existing=True).tags for made in ids]


def runs(mode: str) -> list[Trace]:
    with store.reading() as db:
        return list(db.exec(select(Trace).where(Trace.mode == mode, Trace.target_kind == RECIPE).order_by(Trace.id)))


def test_as_long_as_it_is_tried_nothing_leaves(staff: Staff, small: Target) -> None:
    publish(small, staff.lead)
    ids = comes(staff, 5)
    came = arrive(ids)
    assert (came.live, came.beside) == ([], 5) and not any(tagged(ids)) and rows() == []
    assert [one.said["would"] for one in runs(SHADOW) if one.said] == [["Tag the conversation 'late'"]] * 5
    assert arrive(ids).beside == 0  # twice is once


def test_at_ten_percent_it_is_a_tenth_of_the_customers_the_same_ones_each_time(staff: Staff, small: Target) -> None:
    begun = advance(publish(small, staff.lead), staff.lead, 10)
    ids = comes(staff, 120)
    arrive(ids)
    now_tagged, first = tagged(ids), {one.conversation_id for one in runs(LIVE)}
    with store.reading() as db:
        expected = [releases.answers_for(begun, db.get_one(Conversation, made).customer_id) for made in ids]
    assert now_tagged == expected and 2 <= sum(expected) <= 28
    assert len(runs(SHADOW)) == 120 - sum(expected)  # the others are looked at too
    advance(begun, staff.lead, 50)
    more = comes(staff, 20, customer="one customer")
    arrive(more)
    assert sum(tagged(more)) in (0, 20)  # by customer, not by conversation
    arrive(ids)
    assert {one.conversation_id for one in runs(LIVE)} >= first


def test_once_live_it_is_for_all_but_those_who_are_held_out(staff: Staff, small: Target) -> None:
    live = advance(publish(small, staff.lead), staff.lead)
    ids = comes(staff, 150)
    arrive(ids)
    with store.reading() as db:
        held = [releases._place(live, db.get_one(Conversation, made).customer_id) >= 95 for made in ids]
    assert [not one for one in held] == tagged(ids) and 1 <= sum(held) <= 22
    assert len(runs(SHADOW)) == sum(held)  # what it would have done for them is known
    later = live.started_at + releases.WATCHED + timedelta(hours=1)
    late = comes(staff, 60, opened_at=later)
    arriving.arrived(late, means=MEANS, at=later)
    assert all(tagged(late))


def test_the_version_before_answers_whom_the_new_one_is_not_for_yet(staff: Staff, small: Target) -> None:
    advance(publish(small, staff.lead), staff.lead)
    with store.writing() as db:
        db.get_one(Release, releases.live(RECIPE, small.name).id).salt = ""  # type: ignore[union-attr]  # watched no more
    second = kept(replace(SMALL, acts=(Act("tag", "tag", {"tag": "belated"}),)), staff, based_on=1)
    backtested(second)
    advance(publish(second, staff.lead), staff.lead, 50)
    ids = comes(staff, 60)
    arrive(ids)
    numbers = [one.target_number for one in runs(LIVE)]
    assert len(numbers) == 60 and 15 <= numbers.count(2) <= 45 and tagged(ids).count(True) == numbers.count(1)


def test_only_whom_it_is_for_is_answered(staff: Staff, small: Target) -> None:
    advance(publish(small, staff.lead, audience={"channel": ["chat"], "team": ["Oak"]}), staff.lead, 99)
    ids = [*comes(staff, 20), *comes(staff, 20, channel="email"), *comes(staff, 20, team="Fern")]
    arrive(ids)
    assert not any(tagged(ids)[20:]) and sum(tagged(ids)[:20]) >= 18
    assert {one.conversation_id for one in runs(SHADOW)} <= set(ids[:20])


def test_a_run_in_the_name_of_somebody_who_left_goes_to_people(staff: Staff, small: Target) -> None:
    advance(publish(small, staff.engineer), staff.engineer)
    people.disable(staff.engineer.id, by=staff.admin)
    ids = comes(replace(staff, engineer=console()), 10)
    came = arrive(ids)
    assert came.live and not any(tagged(ids)) and {one.state for one in came.live} == {"handed_over"}
    assert "does not work here any more" in str((runs(LIVE)[0].state_json or {})["why"])


def test_run_twice_it_is_done_once(staff: Staff, small: Target) -> None:
    advance(publish(small, staff.lead), staff.lead)
    ids = comes(staff, 10)
    for _ in range(3):
        arrive(ids)
    assert len(runs(LIVE)) == sum(tagged(ids)) == len(rows())


@dataclass
class Dies:
    """A step in which the process is killed, the first time."""

    killed: list[bool] = field(default_factory=list)

    def around(self, step: Any) -> Any:
        def run(given: Any, world: Any) -> Any:
            if not self.killed:
                self.killed.append(True)
                raise SystemExit
            return step.run(given, world)

        return SimpleNamespace(declaration=step.declaration, run=run, gave=step.gave)


def test_killed_between_two_refunds_it_goes_on_and_makes_each_once(staff: Staff, home: Path) -> None:
    again = replace(REFUND, name="again", given={**REFUND.given, "amount": "7.00"})
    made = replace(
        PAYS,
        acts=(Act("look up order", "order"), REFUND, Act("tag", "tag", {"tag": "late"}), again),
        alone=replace(PAYS.alone, changes=("refund", "tag")),
    )
    with standing(staff, home) as stand:
        target = kept(made, staff)
        with store.writing() as db:
            releases.go_live(db, target, proposal_id=None, why_before_ends="", by=staff.lead)
        with store.writing() as db:  # it came now
            came_now(db, stand.ids)
        shop, dies = Shop(stand.url, TOKEN, seconds=5), Dies()
        dying = {**STEPS, "tag": dies.around(STEPS["tag"])}
        with pytest.raises(SystemExit):
            arrive(stand.ids, Means(Ways(shop=shop), Connected(shop=shop), dying))
        assert stand.refunded() == [500] and [one.state for one in runs(LIVE)] == ["running"]
        for _ in range(2):
            came = arrive(stand.ids, Means(Ways(shop=shop), Connected(shop=shop), dying))
        assert [one.state for one in came.live] == ["done"] and stand.refunded() == [500, 700] and tagged(stand.ids) == [True]


def came_now(db: Any, ids: list[str]) -> None:
    db.execute(update(Message).where(col(Message.conversation_id).in_(ids)).values(at=now()))


def test_a_button_is_pressed_by_who_may_and_runs_once(staff: Staff) -> None:
    button = replace(SMALL, name="button", trigger=Trigger("button", button="Mark it"))
    target = kept(button, staff)
    (made,) = comes(staff, 1)
    with pytest.raises(Refused, match="no version of 'button' is in force"):
        arriving.press("button", made, by=staff.rep, means=MEANS)
    with store.writing() as db:
        releases.go_live(db, target, proposal_id=None, why_before_ends="", by=staff.lead)
    assert [one.words for one in arriving.buttons(made, by=staff.rep)] == ["Mark it"]
    assert arriving.buttons(made, by=staff.other) == [] == arriving.buttons(made, by=staff.admin)
    for by in (staff.other, staff.admin, console()):
        with pytest.raises(Denied):
            arriving.press("button", made, by=by, means=MEANS)
    for _ in range(2):
        assert arriving.press("button", made, by=staff.rep, means=MEANS).state == "done"
    assert len(runs(LIVE)) == 1 == len(rows()) and arrive([made]).live == []


def test_each_step_is_on_the_record(staff: Staff, small: Target) -> None:
    advance(advance(publish(small, staff.lead), staff.lead, 10), staff.engineer)
    told = [(one.verb, one.by_person_id) for one in audit.newest(by=staff.admin, noun="release")]
    assert told == [("released", staff.engineer.id), ("widened", staff.lead.id), ("began", staff.lead.id)]
