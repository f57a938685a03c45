"""What the journey of Quality begins with: six days ago the fourth version of an article promised too much, and customers came for it."""

import random
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from classifiers import demo as classifiers_demo
from data import config, daily, people
from data.intake import door
from data.tables import Person
from data.values import now
from evals import brief
from knowledge import demo as knowledge_demo
from portal.ferngrove import text
from portal.ferngrove.knowledge import PROMISE
from tests.conversations import canonical

ARTICLE, KEPT, BROKEN = PROMISE
TOO_MUCH = "Your money is with you within the hour."
A_DAY = 26


def person(name: str) -> Person:
    found = people.by_email(f"{name.lower().replace(' ', '.')}@ferngrove.example")
    assert found is not None, name
    return found


def morning(days_ago: int) -> datetime:
    zone = ZoneInfo(config.settings().time_zone)
    return datetime.combine(now().astimezone(zone).date() - timedelta(days=days_ago), time(8), zone)


def a_bad_week() -> None:
    """Version 3 is right; six days ago version 4 came, and since then whoever asks for a refund in chat is not helped."""
    release(morning(20), BROKEN, KEPT, "As it is.")
    release(morning(6), KEPT, TOO_MUCH, "Shorter is clearer.")
    rng = random.Random(4)
    told = [chat(rng, number, days_ago) for number, days_ago in enumerate(day for day in range(6, 0, -1) for _ in range(A_DAY))]
    ids = door.receive(told, by=person("Nora Engel"), classify=False).ids
    classifiers_demo.predict_daily((made, one.opened_at) for made, one in zip(ids, told, strict=True))
    daily.bring_up_to_date()
    brief.compute()


def release(at: datetime, before: str, after: str, why: str) -> None:
    birgit, marco = person("Birgit Lund"), person("Marco Silva")
    knowledge_demo.improve(
        ARTICLE, before, after, why=why, by=birgit, proposer=birgit, approver=marco, at=at - timedelta(hours=3, minutes=21)
    )


def chat(rng: random.Random, number: int, days_ago: int) -> object:
    at, poor = morning(days_ago) + timedelta(minutes=20 * (number % A_DAY)), rng.random() < 0.9
    asked = text.customer_opening("refund_not_received", "chat", rng, customer="Mara Lindt")
    answer = text.rep_reply("refund_not_received", rng, good=not poor)
    messages = [{"role": "customer", "text": asked}, {"role": "rep", "text": answer, "author": "Elif Kaya"}]
    told = {"status": "closed", "closed_at": at + timedelta(minutes=9), "resolved": not poor, "csat": 1 if poor else 5}
    return canonical(
        88_000 + number, team="Team Oak", channel="chat", customer=f"waits for money {number}", opened_at=at, messages=messages, **told
    )
