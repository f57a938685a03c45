"""A recipe begun from a conversation, tried on it, and run on what came before beside what people did. The shop is a real one."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from automations import RECIPE, backtest, drafting, recipe, recipes, trying
from automations.conversing import Connected
from automations.recipe import Recipe
from automations.shop import server
from automations.shop.client import Shop, ShopFault
from automations.shop.ledger import Bill, Ledger, Purchase, Wanted
from automations.shop.values import Customer, Item
from automations.steps.all import DECLARATIONS, STEPS
from data import store
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Conversation
from data.values import Target, now
from tests.conftest import Staff
from tests.conversations import canonical

TOKEN = "a token for these tests"
ASKED = "My parcel FG-{} is late. Where is my order?"
SORRY = "I am sorry, parcel FG-{} is late. We pay 5.00 back."


class Market:
    """Conversations with their customers' orders at a real shop."""

    def __init__(self, staff: Staff, shop: Shop, ledger: Ledger) -> None:
        self.staff, self.shop, self.ledger, self.number = staff, shop, ledger, 10_000

    def comes(self, *, days_late: int = 3, paid_back: int = 0, team: str = "Oak", days_ago: float = 5, replies: bool = True) -> str:
        """A customer asks for an order that is late; people pay so much back an hour later, in cents."""
        self.number += 1
        at = now() - timedelta(days=days_ago)
        said = [ASKED.format(self.number), *([SORRY.format(self.number)] if replies else [])]
        messages = [{"role": ("customer", "rep")[place % 2], "text": text} for place, text in enumerate(said)]
        told = canonical(self.number, team=team, opened_at=at, messages=messages, customer=f"Somebody {self.number}")
        (conversation_id,) = door.receive([told], by=self.staff.engineer, classify=False).ids
        with store.reading() as db:
            customer = db.get_one(Conversation, conversation_id).customer_id
        self.orders(customer, at, days_late)
        if paid_back:
            wanted = Wanted("refund", None, f"FG-{self.number}", paid_back, "EUR", "The parcel was late")
            self.ledger.write(entries=[(wanted, f"people-{self.number}", at + timedelta(hours=1))])
        return conversation_id

    def orders(self, customer: str, at: datetime, days_late: int) -> None:
        promised = at.date() - timedelta(days=days_late or -1)  # in time stays in time where it is looked at past midnight
        placed = at - timedelta(days=days_late + 4)
        purchase = Purchase(
            f"FG-{self.number}",
            customer,
            (Item("fern", 1, 1990),),
            490,
            placed,
            promised,
            packed_at=placed,
            shipped_at=placed,
            carrier="Van",
        )
        bill = Bill(f"R-{self.number}", f"FG-{self.number}", 2480, placed.date(), placed.date(), placed)
        self.ledger.write(customers=[Customer(customer, "Somebody", "Marlow", placed.date())], orders=[purchase], bills=[bill])

    @property
    def connected(self) -> Connected:
        return Connected(shop=self.shop)


@pytest.fixture
def market(staff: Staff, tmp_path: Path) -> Iterator[Market]:
    ledger = Ledger(tmp_path / "shop.db")
    with server.running(ledger, TOKEN) as address:
        yield Market(staff, Shop(address, TOKEN), ledger)
    ledger.close()


def pays(amount: str = "5.00", *, at_least: int = 1, **more: Any) -> Recipe:
    body: dict[str, Any] = {
        "name": "late", "title": "Late parcel", "trigger": {"kind": "arrives"},
        "steps": [
            {"name": "order", "step": "look up order"},
            {"name": "back", "step": "refund", "when": {"order.days_late": {"at least": at_least}},
             "with": {"order": "{{order.number}}", "amount": amount, "reason": "The parcel was late"}},
        ],
        "limits": {"money per run": 20, "money per day": 200, "runs per day": 50, "currency": "EUR"},
        "alone": {"money": 20, "changes": ["refund"]},
    }  # fmt: skip
    return recipe.of(body | more)


def kept(market: Market, made: Recipe) -> Target:
    version = recipes.save(made, why="Often.", based_on=None, by=market.staff.rep)
    return Target(RECIPE, made.name, version.target_number)


def run(market: Market, made: Recipe, **more: Any) -> dict[str, Any]:
    target = kept(market, made)
    return backtest.run(target, connected=market.connected, steps=STEPS, by=more.pop("by", market.staff.rep), **more).told


# -- begun from a conversation --


def test_a_recipe_is_begun_from_what_a_colleague_did(market: Market) -> None:
    conversation_id = market.comes(days_late=3, paid_back=500)
    made = drafting.from_conversation(conversation_id, shop=market.shop, by=market.staff.rep)
    recipe.check(made, DECLARATIONS)  # it can be used as it is
    look, back, reply = made.acts
    assert (look.step, back.step, reply.step) == ("look up order", "refund", "draft reply")
    assert back.given == {"order": "{{order.number}}", "amount": "5.00", "reason": "The parcel was late"}
    assert back.when == {"order.days_late": {"at least": 3}} and made.limits.currency == "EUR" and made.alone.changes == ("draft reply",)
    assert reply.given["text"] == "I am sorry, parcel {{order.number}} is late. We pay 5.00 back."


def test_where_nobody_replied_the_articles_are_asked(market: Market) -> None:
    made = drafting.from_conversation(market.comes(replies=False), shop=market.shop, by=market.staff.rep)
    recipe.check(made, DECLARATIONS)
    assert [one.step for one in made.acts] == ["look up order", "answer from knowledge", "draft reply"]


def test_without_a_shop_there_is_no_look_up_and_a_dead_one_is_said(market: Market) -> None:
    conversation_id = market.comes(paid_back=500)
    made = drafting.from_conversation(conversation_id, shop=None, by=market.staff.rep)
    assert [one.step for one in made.acts] == ["draft reply"]
    with pytest.raises(ShopFault):
        drafting.from_conversation(conversation_id, shop=Shop("http://127.0.0.1:1", TOKEN), by=market.staff.rep)


def test_each_begun_recipe_has_a_name_of_its_own(market: Market) -> None:
    conversation_id = market.comes()
    first = drafting.from_conversation(conversation_id, shop=None, by=market.staff.rep)
    recipes.save(first, why="", based_on=None, by=market.staff.rep)
    assert drafting.from_conversation(conversation_id, shop=None, by=market.staff.rep).name == f"{first.name}-2"


# -- on one conversation --


def test_it_is_tried_on_a_conversation_as_it_stood_and_nothing_leaves(market: Market) -> None:
    conversation_id = market.comes(days_late=3, paid_back=500)
    tried = trying.on(pays(), conversation_id, connected=market.connected, steps=STEPS, by=market.staff.rep)
    assert tried.sentence == "It would do 1 thing." and tried.told.facts["order"]["refunded"] == 0  # what people paid came later
    assert [did.wanted.told for did in tried.did] == [f"Refund 5.00 EUR of order FG-{market.number}"] or len(tried.did) == 1
    orders = market.shop.orders_of(_customer(conversation_id))
    assert [entry.made_by for order in orders for entry in order.entries] == ["people"]


def _customer(conversation_id: str) -> str:
    with store.reading() as db:
        return db.get_one(Conversation, conversation_id).customer_id


def test_what_a_person_would_be_asked_is_said(market: Market) -> None:
    tried = trying.on(pays(alone={"money": 1}), market.comes(), connected=market.connected, steps=STEPS, by=market.staff.rep)
    assert tried.sentence == "It would do 1 thing, 1 of them after a person's yes."


def test_another_teams_conversation_is_not_tried(market: Market) -> None:
    conversation_id = market.comes(team="Fern")
    with pytest.raises(Denied, match="that conversation is not here"):
        trying.on(pays(), conversation_id, connected=market.connected, steps=STEPS, by=market.staff.rep)


# -- on what came before --


def test_it_is_compared_with_what_people_did(market: Market) -> None:
    for paid in (500, 500, 500, 300, 0):
        market.comes(paid_back=paid)
    market.comes(days_late=0)  # in time: neither pays
    told = run(market, pays())
    assert (told["conversations"], told["covers"], told["agrees"]) == (6, [5, 6], [3, 5])  # it leaves the one in time alone
    assert told["money"] == {"machine": "25.00", "people": "18.00"} and told["breaches"] == 0
    assert (
        "agrees with people about the money in 60" in told["sentence"]
        and "would move 25.00 EUR where people moved 18.00 EUR" in told["sentence"]
    )
    assert [line["agrees"] for line in told["lines"]].count(False) == 2


def test_what_a_limit_or_the_shop_stops_is_told_with_its_conversation(market: Market) -> None:
    broken = market.comes(paid_back=500)
    told = run(market, pays("20.01"))
    (line,) = told["lines"]
    assert told["breaches"] == 1 and line["conversation"] == broken and "20.01 EUR would be moved in one run" in line["breach"]
    assert told["covers"] == [0, 1] and told["handed_over"] == 1
    above = run(
        market, pays("24.81", name="above", limits={"money per run": 50, "money per day": 200, "runs per day": 50, "currency": "EUR"})
    )
    assert above["breaches"] == 1 and "24.8" in above["lines"][0]["breach"]  # more than was paid


def test_only_what_is_within_reach_and_settled_is_looked_at(market: Market) -> None:
    market.comes()
    market.comes(team="Fern")
    market.comes(days_ago=0.5)
    assert run(market, pays())["conversations"] == 1
    assert run(market, pays(name="all"), by=market.staff.engineer)["conversations"] == 2


def test_where_it_is_for_none_that_is_said(market: Market) -> None:
    market.comes()
    with pytest.raises(Refused, match="no conversation of the past is one that 'Late parcel' is for"):
        run(market, pays(channels=["voice"]))


def test_one_that_is_not_finished_is_not_run(market: Market) -> None:
    market.comes()
    with pytest.raises(Refused, match="cannot be used yet"):
        run(market, pays(limits={}))


def test_the_same_is_told_by_the_same_hash_and_the_newest_is_found(market: Market) -> None:
    market.comes(paid_back=500)
    target = kept(market, pays())
    assert backtest.newest(target, by=market.staff.rep) is None
    first, second = (backtest.run(target, connected=market.connected, steps=STEPS, by=market.staff.rep) for _ in range(2))
    assert first.told == second.told and first.told["inputs"]
    newest = backtest.newest(target, by=market.staff.admin)
    assert newest is not None and newest.id == second.id
    market.comes()
    assert newest.told["lines"] == first.told["lines"] and newest.hidden == 0
    third = backtest.run(target, connected=market.connected, steps=STEPS, by=market.staff.rep)
    assert third.told["inputs"] != first.told["inputs"]


def test_its_replies_are_graded_beside_what_people_wrote(market: Market) -> None:
    first, silent = market.comes(), market.comes(replies=False)
    told = run(
        market, pays(steps=[{"name": "reply", "step": "draft reply", "with": {"text": "I am sorry, your parcel is late."}}], alone={})
    )
    lines = {line["conversation"]: line for line in told["lines"]}
    assert 0.3 < lines[first]["close"] < 1 and lines[silent]["close"] is None
    assert lines[first]["replied"].startswith("I am sorry, parcel FG-") and lines[first]["reply"]
    assert told["close"] == [pytest.approx(lines[first]["close"], abs=1e-4), 1] and "close to what people wrote" in told["sentence"]
    far = run(market, pays(name="far", steps=[{"name": "reply", "step": "draft reply", "with": {"text": "Buy a lemon tree."}}], alone={}))
    assert far["close"][0] < told["close"][0]  # the control


def test_of_another_teams_conversations_only_the_figures_are_shown(market: Market) -> None:
    own, theirs = market.comes(paid_back=500), market.comes(team="Fern", paid_back=500)
    target = kept(market, pays())
    told = backtest.run(target, connected=market.connected, steps=STEPS, by=market.staff.engineer).told
    assert {line["conversation"] for line in told["lines"]} == {own, theirs}
    seen = backtest.newest(target, by=market.staff.rep)
    assert seen is not None and [line["conversation"] for line in seen.told["lines"]] == [own] and seen.hidden == 1
    assert seen.told["covers"] == told["covers"] and theirs not in repr(seen)


def test_what_is_personal_in_a_reply_is_not_kept(market: Market) -> None:
    market.comes()
    steps = [{"name": "reply", "step": "draft reply", "with": {"text": "Write to jo.doe@example.org about {{message.text}}"}}]
    (line,) = run(market, pays(steps=steps, alone={}))["lines"]
    assert "jo.doe@example.org" not in line["reply"] and line["reply"].startswith("Write to ‹")
