"""Portals of several ages for Quality: with nothing, one conversation, one day, three years. Rows are drawn by lot and written at once."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from classifiers import labels
from data import bulk, daily, people, store
from data.tables import Conversation, Customer, Label, Message, Person, Prediction, Team
from data.values import LIVE, new_id

INTENTS = (
    "Refund", "Order status", "Sign-in", "Invoice", "Delivery", "Return", "Damaged", "Change address", "Cancel", "Voucher", "Warranty",
    "Availability",
)  # fmt: skip
CHANNELS = ("chat", "chat", "chat", "email", "voice")
FELL = 10  # days before today from which refunds in chat are resolved less often


@dataclass(frozen=True)
class World:
    """Who may look at it."""

    lead: Person
    rep: Person
    engineer: Person
    oak: Team
    labels: tuple[Label, ...] = ()


def staffed(*, demo: bool = False) -> World:
    """`demo`: they sign in with one click, as whoever photographs does."""
    console = people.console()
    oak = people.add_team("Oak", by=console)
    lead = people.add("Leo", "leo@example.com", "lead", by=console, team=oak, demo=demo)
    rep = people.add("Rita", "rita@example.com", "rep", by=console, team=oak)
    return World(lead, rep, people.add("Emil", "emil@example.com", "engineer", by=console), oak)


def fill(world: World, *, today: date, days: int, a_day: int, seed: int = 5) -> World:
    """So many days until yesterday, so many conversations each; what there is of today is the world's own."""
    rng = random.Random(seed)
    named = tuple(labels.add(name, by=world.lead) for name in INTENTS)
    rows: dict[Any, list[dict[str, Any]]] = {Customer: [], Conversation: [], Message: [], Prediction: []}
    for back in range(days, 0, -1):
        day = today - timedelta(days=back)
        busy = 0.6 if day.weekday() > 4 else 1.1
        for _ in range(max(1, round(a_day * busy * rng.uniform(0.85, 1.15)))):
            _one(rng, rows, world, named, day, fell=back <= FELL)
    with store.writing() as db:
        for table, some in rows.items():
            bulk.insert(db, table, some)
    daily.bring_up_to_date(at=datetime.combine(today, time(12), UTC))
    return World(world.lead, world.rep, world.engineer, world.oak, named)


def _one(
    rng: random.Random, rows: dict[Any, list[dict[str, Any]]], world: World, named: tuple[Label, ...], day: date, *, fell: bool
) -> None:  # fmt: skip
    opened = datetime.combine(day, time(rng.randrange(7, 19), rng.randrange(60), rng.randrange(60)), UTC)
    channel, place = rng.choice(CHANNELS), min(int(rng.expovariate(0.35)), len(named) - 1)
    unlucky = fell and place == 0 and channel == "chat"
    resolved = rng.random() < (0.45 if unlucky else 0.86 - 0.02 * place)
    customer, made = new_id(), new_id()
    said = None if rng.random() < 0.25 else named[place].id
    rows[Customer].append({"id": customer, "at": opened, "source": "lot", "key_hmac": customer, "segment": rng.choice(["small", "large"])})
    rows[Conversation].append(
        {
            "id": made, "at": opened, "source": "lot", "external_id": made, "content_hmac": made, "channel": channel,
            "customer_id": customer, "team_id": world.oak.id, "opened_at": opened, "closed_at": opened + timedelta(hours=2),
            "status": "closed", "resolved": resolved, "language": "en", "handle_seconds": round(rng.lognormvariate(6, 0.5)),
            "csat": rng.choice([4, 5, 5] if resolved else [1, 2, 4]) if rng.random() < 0.4 else None, "tags": [], "extra": {},
            "revision": 1, "place": int(opened.timestamp()) * 1_000_000 + rng.randrange(1_000_000), "intent_id": said, "reviewed": False,
        }
    )  # fmt: skip
    by = "assistant" if rng.random() < 0.3 else "rep"
    for seq, (role, wait) in enumerate((("customer", 0.0), (by, rng.lognormvariate(3.5, 0.8))), 1):
        at = opened + timedelta(seconds=5 + wait)
        words = f"{named[place].name}, please." if seq == 1 else "I look at it."
        rows[Message].append(
            {"id": new_id(), "at": at, "conversation_id": made, "seq": seq, "role": role, "text": words, "private": False}
        )  # fmt: skip
    rows[Prediction].append(
        {
            "id": new_id(), "at": opened, "conversation_id": made, "seq": 1, "target_kind": "classifier", "target_name": "intent",
            "target_number": 1, "mode": LIVE, "label_id": said, "also": [], "confidence": 0.9, "top": [], "threshold": 0.5, "why": "",
        }
    )  # fmt: skip
