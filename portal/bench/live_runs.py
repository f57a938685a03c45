"""How long a live run of a recipe takes: an order looked up, a refund by the door and a shop over HTTP, a tag, a draft, all of it kept.

In a portal of its own, with conversations and a shop that are made up for it: here nothing is in force and no money moves.
"""

import time
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlmodel import select

from automations import RECIPE, arriving, recipes
from automations.arriving import Means
from automations.conversing import Connected
from automations.recipe import Act, Alone, Limits, Recipe
from automations.settling import Ways
from automations.shop import server
from automations.shop.client import Shop
from automations.shop.ledger import Bill, Ledger, Purchase
from automations.shop.values import Customer, Item
from automations.steps.all import STEPS
from data import people, releases, store
from data.intake import door
from data.intake.canonical import CanonicalConversation
from data.tables import Conversation, Person
from data.values import Target, now
from portal.bench import apart

RUNS, PAID, TOKEN = 200, 8_000, "of-the-benchmark-alone"
EACH = "1.00"
STEPS_OF_IT = (
    Act("look up order", "order"), Act("refund", "refund", {"order": "{{order.number}}", "amount": EACH, "reason": "It came late"}),
    Act("tag", "tag", {"tag": "refunded"}), Act("draft reply", "draft", {"text": "We paid back 1 euro of order {{order.number}}."}),
)  # fmt: skip


def run(url: str = "", *, runs: int = RUNS) -> dict[str, Any]:
    """On SQLite, or in the empty database that the address names."""
    with apart.portal(url) as folder:
        owner = people.add("Bench", "bench@example.com", "rep", by=people.console())
        ids = _arrived(runs)
        with closing(_ledger(folder)) as ledger, server.running(ledger, TOKEN) as address:
            shop = Shop(address, TOKEN)
            _release(owner)
            means = Means(Ways(shop=shop), Connected(shop=shop), STEPS)
            took = sorted(_one(made, means) for made in ids)
    return {"live runs": runs, "a live run, ms p50": took[runs // 2], "a live run, ms p95": took[int(runs * 0.95)]}


def _arrived(runs: int) -> Sequence[str]:
    said = [
        {"id": str(number), "source": "bench", "channel": "chat", "opened_at": now(), "customer": f"customer {number}",
         "messages": [{"role": "customer", "text": "My parcel came late. What do you do about it?"}]}
        for number in range(runs)
    ]  # fmt: skip
    return door.receive([CanonicalConversation.model_validate(one) for one in said], by=people.console(), classify=False).ids


def _ledger(folder: Path) -> Ledger:
    """One paid order of each customer."""
    with store.reading() as db:
        customers = list(db.exec(select(Conversation.customer_id)))
    ledger, at = Ledger(folder / "shop.db"), now() - timedelta(days=30)
    came = (at + timedelta(days=1)).date()
    ledger.write(
        customers=[Customer(key, "Jo", "Marlow", at.date()) for key in customers],
        orders=[Purchase(f"B-{place}", key, (Item("bonsai", 1, PAID),), 0, at, came) for place, key in enumerate(customers)],
        bills=[Bill(f"I-{place}", f"B-{place}", PAID, at.date(), at.date(), at) for place in range(len(customers))],
    )
    return ledger


def _release(owner: Person) -> None:
    limits = Limits(money_per_run=Decimal(5), money_per_day=Decimal(10_000), runs_per_day=100_000, currency="EUR")
    alone = Alone(money=Decimal(5), changes=("refund", "tag", "draft reply"))
    recipes.save(Recipe("bench", "Bench", acts=STEPS_OF_IT, limits=limits, alone=alone), why="Measured.", based_on=None, by=owner)
    with store.writing() as db:
        releases.go_live(db, Target(RECIPE, "bench", 1), proposal_id=None, why_before_ends="", by=owner)


def _one(conversation_id: str, means: Means) -> float:
    began = time.perf_counter()
    ran = arriving.arrived([conversation_id], means=means)
    took = (time.perf_counter() - began) * 1000
    if [one.state for one in ran.live] != ["done"]:
        raise AssertionError(f"a run that was measured is {[(one.state, one.state_json) for one in ran.live]}")
    return took
