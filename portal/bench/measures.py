"""`portal bench measures`: what Quality waits for over a year of conversations, what it takes to count a day, and what noticing costs.

Two weeks of conversations are written as rows, and the portal counts their days as it counts any. What was counted is then laid out over
a year: those figures are what the questions read, and it would take an hour to write a million conversations to get the same ones.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from statistics import median, quantiles
from typing import Any

from sqlalchemy import delete, func, inspect, select, text
from sqlmodel import col

from data import bulk, daily, people, store, trends, worth
from data.tables import Action, Conversation, Customer, Daily, Due, Label, Message, Person, Prediction, Review, Score, Span, Trace
from data.trends import Slice
from data.values import LIVE, Target, new_id
from portal.bench import apart

DAYS, YEAR, ROUNDS = 14, 365, 30
TEAMS, INTENTS = 4, 20
CHANNELS, SEGMENTS, LANGUAGES = ("chat", "email", "voice"), ("small", "medium", "large", None), ("en", "de", "fr")
CLASSIFIERS = tuple(Target("classifier", "intent", number) for number in (3, 4))
RECIPES = tuple(Target("recipe", f"recipe {number}", 1 + number % 3) for number in range(6))
TABLES: tuple[Any, ...] = (Customer, Conversation, Message, Prediction, Review, Trace, Span, Score, Action)
LAST = date(2026, 3, 1)
AT = datetime(2026, 3, 20, tzinfo=UTC)  # when all is settled


def run(conversations: int, *, url: str = "") -> dict[str, Any]:
    told: dict[str, Any] = {"conversations": conversations, "engine": "PostgreSQL" if url else "SQLite", "conversations_a_day": 0}
    with apart.portal(url):
        made = _Made(conversations // YEAR)
        told["conversations_a_day"] = made.a_day
        seconds = _written(made)
        told["counting"] = _counted()
        told["noticing"] = _noticing(made, seconds)
        _lay_out()
        with store.reading() as db:
            told["figures"] = db.execute(select(func.count()).select_from(Daily)).scalar_one()
        told |= {f"{name}_ms": _timed(act) for name, act in _questions(made).items()}
    return told


# -- two weeks ----------------------------------------------------------------------------------------------------------------------------


@dataclass
class _Made:
    """Whose they are, and how many a day."""

    a_day: int
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    admin: Person = field(init=False)
    lead: Person = field(init=False)
    teams: list[str] = field(init=False)
    intents: list[str] = field(init=False)

    def __post_init__(self) -> None:
        console = people.console()
        with store.writing() as db:
            teams = [people.add_team(f"Team {number}", by=console) for number in range(TEAMS)]
            self.admin = people.add("Ada", "ada@example.com", "engineer", by=console)
            self.lead = people.add("Leo", "leo@example.com", "rep", by=console, team=teams[0])
            labels = [Label(classifier_name="intent", name=f"Intent {number}") for number in range(INTENTS)]
            self.teams, self.intents = [team.id for team in teams], [label.id for label in labels]
            db.add_all(labels)


def _written(made: _Made) -> float:
    """Day by day; the seconds that it took to store them."""
    seconds = 0.0
    for back in range(DAYS):
        rows = _rows(made, LAST - timedelta(days=back), str(back))
        seconds += _store(rows)
    return seconds


def _store(rows: dict[Any, list[dict[str, Any]]]) -> float:
    ready = [bulk.ready(table, rows[table]) for table in TABLES]
    started = time.perf_counter()
    with store.writing() as db:
        for one in ready:
            bulk.write(db, one)
    return time.perf_counter() - started


def _rows(made: _Made, day: date, key: str) -> dict[Any, list[dict[str, Any]]]:
    rng, rows = made.rng, {table: list[dict[str, Any]]() for table in TABLES}
    midnight = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    for number in range(made.a_day):
        customer, whose = new_id(), f"{key} {number}"
        segment = rng.choice(SEGMENTS)
        rows[Customer].append({"id": customer, "at": midnight, "source": "bench", "key_hmac": whose, "segment": segment})
        _one(made, rows, customer, whose, midnight + timedelta(seconds=rng.randrange(20 * 3600)))
    return rows


def _one(made: _Made, rows: dict[Any, list[dict[str, Any]]], customer: str, whose: str, opened: datetime) -> None:
    rng, one, channel = made.rng, new_id(), made.rng.choice(CHANNELS)
    intent = made.intents[min(int(rng.expovariate(0.15)), INTENTS - 1)]
    rows[Conversation].append(
        {
            "id": one, "at": opened, "source": "bench", "external_id": whose, "content_hmac": "", "customer_id": customer,
            "channel": channel, "team_id": rng.choice(made.teams), "opened_at": opened, "closed_at": opened + timedelta(hours=2),
            "status": "closed", "resolved": rng.choice([True, True, False, None]), "csat": rng.choice([None, None, 1, 4, 5]),
            "handle_seconds": int(rng.lognormvariate(6, 1)), "language": rng.choice(LANGUAGES), "tags": [], "extra": {}, "revision": 1,
            "place": len(made.teams) * int(opened.timestamp() * 1000) * 1000 + rng.randrange(1_000_000), "intent_id": intent,
            "reviewed": False,
        }
    )  # fmt: skip
    by_machine = rng.random() < 0.4
    for seq, role in enumerate(("customer", "assistant" if by_machine else "rep", "customer", "rep"), start=1):
        if role != "rep" or not by_machine or rng.random() < 0.3:
            at = opened + timedelta(seconds=seq * rng.randrange(20, 900))
            rows[Message].append(
                {"id": new_id(), "at": at, "conversation_id": one, "seq": seq, "role": role, "text": "Words.", "private": False}
            )
    said = rng.choice([intent, intent, intent, None])
    rows[Prediction].append(
        {
            "id": new_id(), "at": opened, "conversation_id": one, "seq": 1, **rng.choice(CLASSIFIERS).columns(), "mode": LIVE,
            "label_id": said, "also": [], "confidence": 0.9, "top": [], "threshold": 0.5, "why": "",
        }
    )  # fmt: skip
    _judged(made, rows, one, opened, intent)
    if by_machine:
        _run(rng, rows, one, opened, RECIPES[made.intents.index(intent) % len(RECIPES)])  # a recipe is for some intents


def _judged(made: _Made, rows: dict[Any, list[dict[str, Any]]], one: str, opened: datetime, intent: str) -> None:
    rng = made.rng
    if rng.random() < 0.1:
        rows[Review].append(
            {
                "id": new_id(), "at": opened, "conversation_id": one, "seq": 1, "verdict": rng.choice(["strong", "weak"]), "reply": "",
                "label_id": intent, "note": "", "by_person_id": made.lead.id, "withdrawn": False,
            }
        )  # fmt: skip
    if rng.random() < 0.1:
        rows[Score].append(
            {
                "id": new_id(), "at": opened, **Target("people", "replies", 0).columns(), "grader_name": "polite", "grader_number": 1,
                "message_id": rows[Message][-1]["id"], "conversation_id": one, "mode": LIVE, "value": rng.random(), "passed": True,
                "why": "", "error": "", "weight": 10.0,
            }
        )  # fmt: skip


def _run(rng: random.Random, rows: dict[Any, list[dict[str, Any]]], one: str, opened: datetime, target: Target) -> None:
    trace = new_id()
    rows[Trace].append(
        {
            "id": trace, "at": opened, **target.columns(), "mode": LIVE, "conversation_id": one, "seq": 1, "tokens": 0, "cost": 0.01,
            "state": rng.choice(["done", "done", "handed_over"]), "said": {"reply": "Yes."}, "outcome": "", "better": "",
            "inputs_sha": "", "cause": "", "cause_why": "",
        }
    )  # fmt: skip
    for seq, (kind, name) in enumerate((("step", "look"), ("guardrail", "money"), ("step", "say")), start=1):
        rows[Span].append(
            {
                "id": new_id(), "at": opened, "trace_id": trace, "seq": seq, "kind": kind, "name": name, "input": {}, "output": {},
                "ms": rng.lognormvariate(6, 1), "tokens": 0, "cost": 0.0, "error": "no" if rng.random() < 0.05 else "",
            }
        )  # fmt: skip
    if rng.random() < 0.2:
        act = new_id()
        rows[Action].append(
            {
                "id": act, "at": opened, "trace_id": trace, "conversation_id": one, **target.columns(), "act": act, "step": "refund",
                "kind": "refund", "payload": {}, "payload_sha": "", "idempotency_key": act, "cents": rng.randrange(9_000),
                "currency": "EUR", "state": "done", "provider_ref": "", "why": "",
            }
        )  # fmt: skip


# -- counted, and what it costs to notice -------------------------------------------------------------------------------------------------


def _counted() -> dict[str, Any]:
    """All days that are due; and once more the one in which a single conversation changed, as in an ordinary minute."""
    started = time.perf_counter()
    counted = daily.bring_up_to_date(at=AT)
    seconds = time.perf_counter() - started
    with store.writing() as db:
        newest = select(col(Conversation.id)).order_by(col(Conversation.opened_at).desc()).limit(1)
        db.execute(text("UPDATE conversation SET csat = 2 WHERE id = :one"), {"one": db.execute(newest).scalar_one()})
    started = time.perf_counter()
    daily.bring_up_to_date(at=AT)
    again = time.perf_counter() - started
    started = time.perf_counter()
    daily.anything_due(at=AT)
    idle = time.perf_counter() - started
    return {
        "days": counted.days, "figures_a_day": counted.rows // max(1, counted.days), "ms_a_day": seconds * 1000 / max(1, counted.days),
        "ms_after_one_change": again * 1000, "ms_when_nothing_is_due": idle * 1000,
    }  # fmt: skip


def _noticing(made: _Made, seconds: float) -> dict[str, Any]:
    """What storing takes with the triggers, beside the same without them."""
    far = LAST + timedelta(days=400)
    with_them, without = list[float](), list[float]()
    for number in range(5):  # in turn: a machine is not always as fast
        with_them.append(_store(_of_import(_rows(made, far, f"with {number}"))))
        rows = _of_import(_rows(made, far, f"without {number}"))
        without.append(_unnoticed(lambda rows=rows: _store(rows)))  # type: ignore[misc]
    with store.writing() as db:
        db.execute(delete(Due))
        db.execute(delete(Message).where(col(Message.at) > AT))
        db.execute(delete(Conversation).where(col(Conversation.opened_at) > AT))
        db.execute(delete(Due))
    return {"storing_seconds_a_day": seconds / DAYS, "import_ratio_to_without": median(with_them) / median(without)}


def _of_import(rows: dict[Any, list[dict[str, Any]]]) -> dict[Any, list[dict[str, Any]]]:
    """What comes in by a file: customers, conversations, messages."""
    return {table: made if table in (Customer, Conversation, Message) else [] for table, made in rows.items()}


def _unnoticed(act: Callable[[], float]) -> float:
    """Without the triggers, which come back afterwards."""
    if store.is_sqlite():
        with store.writing() as db:
            triggers = db.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'due_%'")).all()
            for name, _ in triggers:
                db.execute(text(f'DROP TRIGGER "{name}"'))
        taken = act()
        with store.writing() as db:
            for _, told in triggers:
                db.connection().exec_driver_sql(told)
        return taken
    tables = sorted({table.__tablename__ for table in TABLES} & set(inspect(store.engine()).get_table_names()))
    _switch(tables, "DISABLE")
    taken = act()
    _switch(tables, "ENABLE")
    return taken


def _switch(tables: Sequence[str], how: str) -> None:
    query = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE 'due_%' AND NOT tgisinternal"
    with store.writing() as db:
        for table, name in db.execute(text(query)).all():
            if table in tables:
                db.execute(text(f'ALTER TABLE "{table}" {how} TRIGGER "{name}"'))


# -- a year -------------------------------------------------------------------------------------------------------------------------------


def _lay_out() -> None:
    """The two weeks again and again, back to a year ago."""
    columns = [column.name for column in Daily.__table__.columns if column.name != "day"]  # type: ignore[attr-defined]
    named = ", ".join(f'"{name}"' for name in columns)
    for times in range(1, YEAR // DAYS + 1):
        copied = f"INSERT INTO daily (day, {named}) SELECT day - {times * DAYS}, {named} FROM daily WHERE day > {LAST.toordinal() - DAYS}"
        with store.writing() as db:
            db.execute(text(copied))
    if not store.is_sqlite():
        with store.engine().connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE daily"))


def _questions(made: _Made) -> dict[str, Callable[[], Any]]:
    year: dict[str, Any] = {"since": LAST - timedelta(days=YEAR - 1), "until": LAST}
    month: dict[str, Any] = {"since": LAST - timedelta(days=27), "until": LAST}
    intent, admin, rng = made.intents[0], made.admin, made.rng

    def some() -> str:
        return rng.choice(["volume", "resolution", "csat", "containment", "agreement", "score: polite", "reopen"])

    return {
        "series_of_365_days": lambda: trends.series(some(), by=admin, **year),
        "series_of_365_days_of_a_team": lambda: trends.series(some(), by=made.lead, **year),
        "series_of_an_intent_in_chat": lambda: trends.series(some(), by=admin, of=Slice(intent=intent, channel="chat"), **year),
        "series_of_latency_p95": lambda: trends.series("latency_p95", by=admin, **year),
        "series_of_52_weeks": lambda: trends.series(some(), by=admin, grain="week", **year),
        "by_intent_over_a_year": lambda: trends.broken_down(some(), by=admin, along="intent", **year),
        "by_intent_over_28_days": lambda: trends.broken_down(some(), by=admin, along="intent", **month),
        "handling_by_intent_over_a_year": lambda: trends.broken_down("handling", by=admin, along="intent", **year),
        "by_version_over_a_year": lambda: trends.broken_down(some(), by=admin, along="version", **year),
        "heat_map_over_a_year": lambda: trends.heat(some(), by=admin, **year),
        "heat_map_over_28_days": lambda: trends.heat(some(), by=admin, **month),
        "funnel_over_a_year": lambda: trends.funnel(by=admin, **year),
        "funnel_of_an_intent_over_a_year": lambda: trends.funnel(by=admin, of=Slice(intent=intent), **year),
        "worth_over_28_days": lambda: worth.worth(by=admin, **month),
    }


def _timed(act: Callable[[], Any]) -> dict[str, float]:
    """Beside the time that somebody waits the time that this process worked: where others use the machine too, the two differ. What
    PostgreSQL did is not in it."""
    act()
    taken, worked = list[float](), list[float]()
    for _ in range(ROUNDS):
        started, began = time.perf_counter(), time.process_time()
        act()
        taken.append((time.perf_counter() - started) * 1000)
        worked.append((time.process_time() - began) * 1000)
    return {
        "p50": round(median(taken), 1),
        "p95": round(quantiles(taken, n=20)[-1], 1),
        "p95 of work": round(quantiles(worked, n=20)[-1], 1),
    }
