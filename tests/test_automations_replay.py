"""A live run done again from what was frozen of it: the same to the last value, or it is said which step differs and how."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from automations import RECIPE, arriving, gallery, going_on, ran, recipe, recipes, replay, tracing, waiting
from automations.arriving import Means
from automations.conversing import Connected
from automations.recipe import Act, Alone, Limits, Recipe
from automations.replay import Replayed
from automations.settling import Ways
from automations.shop.client import Shop
from automations.shop.ledger import Wanted
from automations.steps.all import STEPS
from data import approvals, releases, store
from data.errors import Denied, Refused
from data.tables import Action, Span, Trace
from data.values import Target, now
from language.call import Call
from tests.test_automations_backtest import TOKEN, Market, market

__all__ = ["market"]  # fixture
BY_ITSELF = {"trigger": {"kind": "arrives"}}
SEVEN = [one for one in gallery.ready() if one.name != "about-an-invoice"]  # that one needs a number from the product


def answer(messages: Any) -> dict[str, Any]:
    """As articles would: by what was asked."""
    asked = str(messages[-1]["text"])
    return {"reply": f"On '{asked[:30]}' we say: wait a day.", "declined": False, "confidence": 0.91, "sources": [{"title": "Parcels"}]}


def read_out(messages: Any, schema: Any) -> Call:
    return Call("conversation", "small", tuple(messages), parsed={"mood": "cross"}, tokens_in=90, tokens_out=7, cost=0.002)


def means(market: Market, **more: Any) -> Means:
    told = {"shop": market.shop, "answer": answer, "classify": lambda text: ("Late delivery", 0.93), "ask": read_out} | more
    return Means(Ways(shop=market.shop), Connected(**told), STEPS)


def goes_live(market: Market, made: Recipe) -> Recipe:
    version = recipes.save(made, why="Often.", based_on=None, by=market.staff.rep)
    with store.writing() as db:
        target = Target(RECIPE, made.name, version.target_number)
        releases.go_live(db, target, proposal_id=None, why_before_ends="", by=market.staff.rep)
    return made


def runs(market: Market, *ids: str, **more: Any) -> list[Trace]:
    return arriving.arrived(ids, means=means(market, **more)).live


def yes(market: Market, trace: Trace) -> None:
    """Somebody agrees, it is done, and the run goes on."""
    approvals.approve(str(trace.proposal_id), by=market.staff.lead)
    told = means(market)
    waiting.continue_run(str(trace.proposal_id), ways=told.ways)
    going_on.go_on(trace.id, ways=told.ways, connected=told.connected, steps=STEPS)


def again(market: Market, trace: Trace) -> Replayed:
    return replay.replay(trace.id, steps=STEPS, by=market.staff.lead)


def row(trace: Trace) -> Trace:
    with store.reading() as db:
        return db.get_one(Trace, trace.id, populate_existing=True)


def spans(trace: Trace) -> list[Span]:
    with store.reading() as db:
        return list(db.exec(select(Span).where(Span.trace_id == trace.id).order_by(Span.seq)))  # type: ignore[arg-type]


@contextmanager
def by_hand() -> Iterator[Session]:
    """Somebody at the database's own prompt, who takes its triggers away."""
    with store.writing() as db:
        for name in db.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars() if store.is_sqlite() else ():
            db.execute(text(f"DROP TRIGGER {name}"))
        if not store.is_sqlite():
            db.execute(text("SET LOCAL session_replication_role = replica"))
        yield db


def change(trace: Trace, name: str, **gave: Any) -> None:
    """Of a step that is kept."""
    with by_hand() as db:
        span = db.exec(select(Span).where(Span.trace_id == trace.id, Span.name == name)).first()
        assert span is not None and span.output is not None
        span.output = span.output | {"gave": span.output["gave"] | gave}
        db.add(span)


def test_two_hundred_runs_of_the_ready_recipes_go_exactly_as_they_went(market: Market) -> None:
    for one in SEVEN:
        goes_live(market, recipe.of(one.as_body() | BY_ITSELF))
    ids = [market.comes(days_late=late % 6, paid_back=500 if late % 4 == 3 else 0, days_ago=0.5) for late in range(29)]
    done = runs(market, *ids)
    assert len(done) >= 200
    for trace in done:
        if trace.state == "waiting" and trace.proposal_id:
            yes(market, trace)
    told = [again(market, trace) for trace in done]
    assert [one.sentence for one in told if not one.exact] == []
    assert sum(one.effects for one in told) > 100 and {row(one).state for one in done} >= {"done", "handed_over"}
    paid = next(one for one in done if len(tracing.stretches_of(row(one))) == 2)
    assert again(market, paid).exact
    change(paid, "order", days_late=99)  # the control
    assert "Step 1, 'order' (look up order): it gave days_late 99 then, and" in again(market, paid).sentence


LOOKS = (
    Act("look up order", "order"), Act("look up customer", "who"),
    Act("model step", "mood", {"instructions": "How do they feel?", "text": "{{message.text}}", "fields": {"mood": "text"}}),
    Act("refund", "back", {"order": "{{order.number}}", "amount": "5.00", "reason": "It came late"}),
    Act("tag", "marked", {"tag": "late"}, when={"order.days_late": {"at least": 9}}, otherwise=(Act("draft reply", "reply", {
        "text": "Dear {{who.name}}, 5.00 EUR went back for {{order.number}}."}),)),
)  # fmt: skip
LIMITS = Limits(money_per_run=recipe.amount_of("20"), money_per_day=recipe.amount_of("200"), runs_per_day=50, currency="EUR")
ALONE = Alone(recipe.amount_of("20") or 0, ("refund", "tag", "draft reply"))  # type: ignore[arg-type]
PAYS = Recipe("pays", "Pays back", acts=LOOKS, limits=LIMITS, alone=ALONE)


@pytest.fixture
def paid(market: Market) -> Trace:
    goes_live(market, PAYS)
    (trace,) = runs(market, market.comes(days_ago=0.1))
    assert trace.state == "done"
    return trace


def test_a_run_that_paid_and_read_by_a_model_is_the_same(market: Market, paid: Trace) -> None:
    told = again(market, paid)
    assert told.exact and told.sentence == "Done again from what was frozen: 6 steps and 2 effects, all are the same."
    assert len(market.ledger.order(f"FG-{market.number}", at=now()).entries) == 1  # nothing left a second time


def test_what_became_of_the_order_since_does_not_count(market: Market, paid: Trace) -> None:
    wanted = Wanted("refund", None, f"FG-{market.number}", 1500, "EUR", "The rest too")
    market.ledger.write(entries=[(wanted, "people", now())])
    assert market.ledger.order(f"FG-{market.number}", at=now()).refunded == 2000
    assert again(market, paid).exact


def test_the_step_that_was_changed_is_named_with_both_values(market: Market, paid: Trace) -> None:
    change(paid, "back", amount="6.00")
    told = again(market, paid)
    assert told.sentence == "Done again, it differs at one place. Step 4, 'back' (refund): it gave amount 6.00 then, and 5.00 now."


def test_a_step_that_is_gone_or_was_added_is_said(market: Market, paid: Trace) -> None:
    with by_hand() as db:
        last = db.exec(select(Span).where(Span.trace_id == paid.id, Span.name == "reply")).one()
        db.delete(last)
    assert "Step 6, 'reply' (draft reply), is done now and was not then." in again(market, paid).differs


def test_frozen_inputs_that_were_changed_are_said(market: Market, paid: Trace) -> None:
    with store.writing() as db:
        trace = db.get_one(Trace, paid.id)
        assert trace.inputs is not None
        began = trace.inputs["stretches"][0]
        trace.inputs = {"stretches": [began | {"facts": began["facts"] | {"message": {"text": "Another story."}}}]}
        db.add(trace)
    told = again(market, paid)
    assert told.changed and not told.exact
    assert told.sentence.startswith("What the run began with was changed since it was kept: its hash is another. Done again, it differs at")
    assert "'mood' (model step): it was given text" in told.sentence


def test_what_was_heard_and_was_changed_shows_in_the_step_that_heard_it(market: Market, paid: Trace) -> None:
    with store.writing() as db:
        trace = db.get_one(Trace, paid.id)
        assert trace.inputs is not None
        began = trace.inputs["stretches"][0]
        heard = [
            note | {"gave": [note["gave"][0] | {"days_late": 12}]} if place == 0 else note for place, note in enumerate(began["heard"])
        ]
        trace.inputs = {"stretches": [began | {"heard": heard}]}
        db.add(trace)
    told = again(market, paid)
    assert told.changed and "Step 1, 'order' (look up order): it gave days_late 3 then, and 12 now." in told.differs
    assert any("'marked'" in one for one in told.differs)  # the path is another


def test_what_left_and_was_changed_in_the_ledger_is_said(market: Market, paid: Trace) -> None:
    with by_hand() as db:
        action = db.exec(select(Action).where(Action.trace_id == paid.id, Action.kind == "refund")).one()
        action.payload = action.payload | {"told": "Refund 4.00 EUR"}
        db.add(action)
    assert "What is kept of 'Refund 4.00 EUR' was changed since" in again(market, paid).sentence


def test_another_version_of_the_code_is_seen(market: Market, paid: Trace) -> None:
    """A step that gives something else than it gave: what an upgrade could do."""

    class Dearer:
        declaration = STEPS["look up order"].declaration

        def run(self, given: Any, context: Any) -> Any:
            return STEPS["look up order"].run(given, context) | {"status": "lost"}

    told = replay.replay(paid.id, steps={**STEPS, "look up order": Dearer()}, by=market.staff.lead)
    assert told.differs[0].startswith("Step 1, 'order' (look up order): it gave status ") and told.differs[0].endswith("and lost now.")


def test_a_run_that_was_refused_its_look_up_is_the_same(market: Market) -> None:
    goes_live(market, PAYS)
    (trace,) = arriving.arrived([market.comes(days_ago=0.1)], means=means(market, shop=Shop("http://127.0.0.1:1", TOKEN))).live
    assert trace.state == "handed_over"
    told = again(market, trace)
    assert told.exact and told.sentence == "Done again from what was frozen: 1 step, it is the same."


def test_a_yes_in_between_is_played_too_and_a_no_ends_it_where_it_waited(market: Market) -> None:
    goes_live(market, replace(PAYS, alone=Alone(changes=("tag", "draft reply"))))
    agreed, refused = runs(market, market.comes(days_ago=0.2), market.comes(days_ago=0.1))
    yes(market, agreed)
    approvals.refuse(str(refused.proposal_id), by=market.staff.lead, why="They had money back already.")
    assert row(agreed).state == "done" and len(tracing.stretches_of(row(agreed))) == 2
    told = again(market, agreed)
    assert told.exact and (told.steps, told.effects) == (7, 2)
    assert again(market, refused).exact and again(market, refused).effects == 0


def test_a_run_that_a_death_cut_off_and_that_began_anew_is_the_same(market: Market) -> None:
    """The second try finds what the first one did, and does not look at what that changed."""
    goes_live(market, PAYS)
    conversation_id, dead = market.comes(days_ago=0.1), {**STEPS}

    class Dies:
        declaration = STEPS["draft reply"].declaration

        def run(self, given: Any, context: Any) -> Any:
            raise KeyboardInterrupt

    dead["draft reply"] = Dies()
    with pytest.raises(KeyboardInterrupt):
        arriving.arrived([conversation_id], means=replace(means(market), steps=dead))
    (trace,) = runs(market, conversation_id)
    assert trace.state == "done" and spans(trace)[3].output["gave"]["ref"]  # type: ignore[index]
    told = again(market, trace)
    assert told.exact and told.effects == 2
    assert len(market.ledger.order(f"FG-{market.number}", at=now()).entries) == 1


def test_whose_conversation_is_out_of_reach_learns_nothing_of_the_run(market: Market, paid: Trace) -> None:
    for trace_id in (paid.id, "01900000-0000-7000-8000-000000000000"):
        with pytest.raises(Denied, match="that run is not here"):
            replay.replay(trace_id, steps=STEPS, by=market.staff.other)
        with pytest.raises(Denied, match="that run is not here"):
            ran.one(trace_id, by=market.staff.other)
    assert ran.newest("pays", by=market.staff.other) == [] and ran.counted("pays", by=market.staff.other) == {}
    assert [one.trace.id for one in ran.newest("pays", by=market.staff.rep)] == [paid.id]
    assert ran.counted("pays", by=market.staff.rep) == {"done": 1} and ran.newest("pays", by=market.staff.rep, state="failed") == []


def test_a_run_without_frozen_inputs_or_without_steps_is_refused_in_words(market: Market, paid: Trace) -> None:
    with pytest.raises(Refused, match="there is no step 'draft reply' any more"):
        replay.replay(paid.id, steps={name: one for name, one in STEPS.items() if name != "draft reply"}, by=market.staff.lead)
    with store.writing() as db:
        trace = db.get_one(Trace, paid.id)
        began = trace.inputs["stretches"][0]  # type: ignore[index]
        trace.inputs = {"stretches": [{name: value for name, value in began.items() if name != "heard"}]}
        db.add(trace)
    with pytest.raises(Refused, match="no step of it was kept"):
        again(market, paid)
    with store.writing() as db:
        trace = db.get_one(Trace, paid.id)
        trace.inputs = None
        db.add(trace)
    with pytest.raises(Refused, match="was not kept yet"):
        again(market, paid)
