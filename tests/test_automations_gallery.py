"""The ready recipes: each can be used as it is, runs to its end on a real shop, and moves no money by itself."""

from decimal import Decimal

import pytest

from automations import flowing, gallery, reading, recipe, running, trying
from automations.door import ASKED, Faked, Held
from automations.recipe import Recipe
from automations.steps.all import DECLARATIONS, STEPS
from automations.world import World
from data import store
from data.tables import Conversation
from tests.test_automations_backtest import Market, market

__all__ = ["market"]  # fixture
READY = {one.name: one for one in gallery.ready()}


def test_there_are_ten_and_each_is_told_by_its_own_name_and_words() -> None:
    assert len(READY) == 10 and len({one.title for one in READY.values()}) == 10
    assert all(one.what.endswith(".") and len(one.what) > 40 for one in READY.values())


@pytest.mark.parametrize("name", READY)
def test_each_can_be_used_as_it_is_and_is_drawn(name: str) -> None:
    one = READY[name]
    recipe.check(one, DECLARATIONS)
    assert reading.read(reading.written(one), DECLARATIONS) == one
    assert len(list(flowing.rows(one))) >= len(one.acts) + 1


@pytest.mark.parametrize("name", READY)
def test_none_moves_money_by_itself(name: str) -> None:
    one = READY[name]
    assert one.alone.money == 0 and not any(DECLARATIONS[step].stake == "high" for step in one.alone.changes)


def on(one: Recipe, market: Market, *, days_late: int, paid_back: int = 0) -> tuple[running.Told, list[str]]:
    """With the trigger that fires it; what the conversation's text says is the same for all."""
    conversation_id = market.comes(days_late=days_late, paid_back=paid_back, days_ago=5)
    fired = recipe.of(one.as_body() | {"trigger": {"kind": "arrives"}})
    tried = trying.on(fired, conversation_id, connected=market.connected, steps=STEPS, by=market.staff.rep)
    return tried.told, [f"{did.wanted.step} {did.state}" for did in tried.did]


@pytest.mark.parametrize(
    ("name", "days_late", "state", "did"),
    [
        ("where-is-my-order", 0, running.DONE, ["draft reply would be done"]),
        ("where-is-my-order", 8, running.HANDED_OVER, ["hand over would be done"]),
        ("late-parcel", 4, running.DONE, [f"refund {ASKED}", "draft reply would be done"]),
        ("late-parcel", 0, running.HANDED_OVER, ["hand over would be done"]),
        ("charged-twice", 0, running.HANDED_OVER, ["tag would be done", "hand over would be done"]),
        ("refund-on-its-way", 0, running.HANDED_OVER, ["hand over would be done"]),
        ("complaint-first", 0, running.HANDED_OVER, ["set field would be done", "tag would be done", "hand over would be done"]),
        ("known-incident", 0, running.DONE, []),
        ("answer-from-articles", 0, running.HANDED_OVER, []),  # nothing is published: a person takes over
    ],
)
def test_each_does_what_it_says(market: Market, name: str, days_late: int, state: str, did: list[str]) -> None:
    told, found = on(READY[name], market, days_late=days_late)
    assert (told.state, found) == (state, did), told.why


def test_an_invoice_is_told_where_the_product_sends_its_number(market: Market) -> None:
    conversation_id = market.comes(days_late=0)
    with store.reading() as db:
        conversation = db.get_one(Conversation, conversation_id)
    one = READY["about-an-invoice"]
    world = World(Faked(Held(one)), conversation.opened_at, conversation.customer_id, conversation_id, "chat", "en", shop=market.shop)
    facts = {"conversation": {"id": conversation_id}, "asked": {"invoice": f"R-{market.number}"}}
    told = running.run(one, facts, world, STEPS)
    assert told.state == running.DONE and "is paid. There is nothing left to do." in told.facts["paid"]["text"]
    assert told.facts["invoice"]["amount"] == Decimal("24.80")
    assert running.run(one, {"asked": {}}, world, STEPS).state == running.HANDED_OVER  # the control
