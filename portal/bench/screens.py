"""`portal bench screens`: what a rep waits for in the domain layer while so many conversations stand in the portal."""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from data import bulk, conversations, people, queue, reviews, store
from data.conversations import Filter
from data.intake import door
from data.tables import Person
from data.values import new_id
from language import words
from portal.bench import apart

COMMON = (
    "order",
    "refund",
    "parcel",
    "card",
    "invoice",
    "late",
    "please",
    "thanks",
    "where",
    "account",
    "return",
    "plant",
    "pot",
    "broken",
)
STEP = 2000
ROUNDS = 200


def run(count: int) -> dict[str, Any]:
    with apart.portal():
        rep = fill(count)
        rng = random.Random(1)
        listed = [row.id for row in conversations.listed(Filter(), by=rep, size=ROUNDS)]
        two = [" ".join(rng.sample(COMMON, 2)) for _ in range(ROUNDS)]
        rare = [f"rare{rng.randrange(count // 10)} {rng.choice(COMMON)}" for _ in range(ROUNDS)]
        acts: dict[str, Callable[[int], Any]] = {
            "queue_page": lambda _: queue.team(by=rep),
            "list_page": lambda n: conversations.listed(Filter(), by=rep, page=n % 20),
            "search_two_common_words": lambda n: conversations.listed(Filter(words=two[n]), by=rep),
            "search_a_rare_and_a_common_word": lambda n: conversations.listed(Filter(words=rare[n]), by=rep),
            "count_two_common_words": lambda n: conversations.counted(Filter(words=two[n]), by=rep),
            "open": lambda n: conversations.get(listed[n], by=rep),
            "save": lambda n: reviews.record(listed[n], "strong", by=rep),
        }
        return {"conversations": count} | {f"{name}_ms_p50": _p50(act) for name, act in acts.items()}


def _p50(act: Callable[[int], Any]) -> float:
    act(0)
    taken = []
    for number in range(1, ROUNDS):
        started = time.perf_counter()
        act(number)
        taken.append((time.perf_counter() - started) * 1000)
    return round(statistics.median(taken), 2)


def fill(count: int, said: Sequence[str] = ()) -> Person:
    """A team's conversations, written as rows: what is measured is reading them. What customers said is made up, if nobody says what."""
    console = people.console()
    team = people.add_team("Oak", by=console)
    rep = people.add("Rita", "rita@example.com", "rep", by=console, team=team)
    rng, end = random.Random(0), datetime.now(UTC)
    customers = [{"id": new_id(), "at": end, "source": "bench", "key_hmac": str(number)} for number in range(count // 5 + 1)]
    for start in range(0, count, STEP):
        rows = door.Rows(customers=list(customers) if start == 0 else [])
        for number in range(start, min(start + STEP, count)):
            opening = said[number % len(said)] if said else _made_up(rng, count)
            _one(rows, number, count, opening, rng, end, rng.choice(customers), team.id)
        with store.writing() as db:
            for made in rows.ready():
                bulk.write(db, made)
    return rep


def _made_up(rng: random.Random, count: int) -> str:
    return " ".join(rng.choices(COMMON, k=12)) + f" rare{rng.randrange(count // 10)}"


def _one(
    rows: door.Rows, number: int, count: int, opening: str, rng: random.Random, end: datetime, customer: dict[str, Any], team_id: str
) -> None:
    opened = end - timedelta(days=90) * ((count - number) / count)
    made, place = new_id(), (int(opened.timestamp()) << door.A_SECOND) + number
    texts = [opening, "Thank you, I look at it."]
    rows.conversations.append(
        {
            "id": made, "at": end, "source": "bench", "external_id": str(number), "content_hmac": "", "customer_id": customer["id"],
            "channel": rng.choice(["chat", "email"]), "team_id": team_id, "opened_at": opened, "status": "open", "tags": [], "extra": {},
            "revision": 1, "place": place, "certainty": rng.random(), "reviewed": rng.random() < 0.2,
        }
    )  # fmt: skip
    rows.messages += [
        {
            "id": new_id(), "at": opened, "conversation_id": made, "seq": seq, "role": role, "text": told, "private": False,
            "author": None if role == "customer" else "Rita",
        }
        for seq, (role, told) in enumerate(zip(("customer", "rep"), texts, strict=True), start=1)
    ]  # fmt: skip
    rows.words.append({"place": place, "conversation_id": made, "words": words.document(None, texts, ["Rita"], [])})
