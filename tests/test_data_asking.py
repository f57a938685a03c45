"""A model is asked within the budgets of the day, and what was asked, answered and spent is on the record."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel
from sqlalchemy import text
from sqlmodel import col, select

from data import asking, config, people, store, traces
from data.asking import Budget
from data.errors import Refused
from data.intake import door
from data.tables import Conversation, Person, Span, Trace
from data.values import Subject, Target, now
from language import patience
from language.call import Call
from tests import model_server as server
from tests.conftest import Staff
from tests.conversations import canonical
from tests.model_server import Model

HELLO = [{"role": "user", "content": "Hello"}]
PRICES = {"small": (100.0, 1000.0), "large": (100.0, 1000.0)}


class Verdict(BaseModel):
    intent: str


@pytest.fixture
def model() -> Iterator[Model]:
    patience.forget()
    with server.running() as running:
        yield running


def ask(
    model: Model, by: Person, budget: Budget | None = None, *, max_tokens: int = 100, at: datetime | None = None, **more: object
) -> Call:
    line = model.line(prices=PRICES)
    return asking.ask("triage", HELLO, by=by, line=line, budget=budget or Budget(), max_tokens=max_tokens, at=at, **more)  # type: ignore[arg-type]


def rows() -> tuple[list[Trace], list[Span]]:
    with store.reading() as db:
        return list(db.exec(select(Trace).order_by(col(Trace.id)))), list(db.exec(select(Span).order_by(col(Span.id))))


def test_a_call_leaves_one_trace_with_one_span(staff: Staff, model: Model) -> None:
    door.receive([canonical(1)], by=people.console())
    with store.reading() as db:
        found = db.exec(select(Conversation)).one()
    said = [{"role": "user", "content": "Mine is 4111 1111 1111 1111, whose is it?"}]
    model.says(server.text('{"intent": "of 4111 1111 1111 1111"}'))
    line = model.line(prices=PRICES)
    call = asking.ask("triage", said, by=staff.rep, line=line, budget=Budget(), schema=Verdict, subject=Subject(found.id, 1))
    assert call.parsed == Verdict(intent="of 4111 1111 1111 1111")
    (trace,), (span,) = rows()
    assert Target(trace.target_kind, trace.target_name, trace.target_number) == Target("model", "small", 0)
    assert (trace.mode, trace.state, trace.conversation_id, trace.seq, trace.by_person_id) == ("run", "done", found.id, 1, staff.rep.id)
    assert (trace.tokens, trace.cost) == (span.tokens, span.cost) == (15, pytest.approx(0.006))
    assert (span.trace_id, span.kind, span.name, span.error, span.by_person_id) == (trace.id, "model", "triage: small", "", staff.rep.id)
    assert span.input == {"messages": [{"role": "user", "content": "Mine is ‹CARD 1›, whose is it?"}]}
    assert span.output == {"text": '{"intent": "of ‹CARD 1›"}', "parsed": {"intent": "of ‹CARD 1›"}, "tools": []}
    assert span.ms > 0


def test_the_key_stands_nowhere_in_the_database(staff: Staff, model: Model) -> None:
    model.says(server.status(401, f"wrong key {server.KEY}"))
    assert ask(model, staff.rep).error == "refused_key"
    with store.reading() as db:
        told = str([db.execute(text(f"SELECT * FROM {table}")).all() for table in ("trace", "span", "audit_entry", "setting")])
    assert "refuses the key" in told  # the control: the error is there
    assert server.KEY not in told


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        (Budget(tokens_per_day=125), "the portal has used 15 of 125 tokens of today's budget for models, and this needs up to 1"),
        (Budget(tokens_per_person=125), "Rita has used 15 of 125 tokens"),
        (Budget(money_per_day=0.105), "the portal has used 0.0060 of 0.1050 of today's budget for models, and this needs up to 0.1017"),
        (Budget(money_per_person=0.105), "Rita has used 0.0060 of 0.1050"),
    ],
)
def test_what_is_beyond_the_budget_is_refused_before_anything_leaves(staff: Staff, model: Model, budget: Budget, told: str) -> None:
    assert ask(model, staff.rep, budget).ok
    with pytest.raises(Refused, match=rf"^Nothing was asked: {told}.*midnight \(Europe/Berlin\), or an admin raises the budget\."):
        ask(model, staff.rep, budget)
    assert len(model.asked) == len(rows()[0]) == 1
    tomorrow = traces.today() + timedelta(days=1, hours=2)
    assert ask(model, staff.rep, budget, at=tomorrow).ok  # the control: it was the day's budget


def test_an_answer_that_may_be_sent_back_once_needs_room_for_two(staff: Staff, model: Model) -> None:
    model.says(server.text('{"intent": "refund"}'))
    assert ask(model, staff.rep, Budget(tokens_per_day=125)).ok
    with pytest.raises(Refused, match=r"15 of 150 tokens .* needs up to 2"):
        ask(model, staff.rep, Budget(tokens_per_day=150), schema=Verdict)


def test_each_person_has_a_budget_of_their_own(staff: Staff, model: Model) -> None:
    budget = Budget(tokens_per_person=125)
    assert ask(model, staff.rep, budget).ok
    with pytest.raises(Refused, match="Rita has used"):
        ask(model, staff.rep, budget)
    assert ask(model, staff.lead, budget).ok
    assert [ask(model, people.console(), budget).ok for _ in range(2)] == [True, True]  # the portal itself has the day's alone


def test_two_who_ask_at_once_do_not_both_get_the_last_of_it(staff: Staff, model: Model) -> None:
    came: list[str] = []

    def slow(handler: server.Handler) -> None:
        handler.model.over.wait(0.5)
        server.text("ok")(handler)

    def one(by: Person) -> None:
        try:
            came.append("ok" if ask(model, by, Budget(tokens_per_day=200)).ok else "failed")
        except Refused:
            came.append("refused")

    model.says(slow)
    threads = [threading.Thread(target=one, args=(by,)) for by in (staff.rep, staff.lead, staff.engineer)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(came) == ["ok", "refused", "refused"]
    assert ask(model, staff.rep, Budget(tokens_per_day=200)).ok  # it used less than it might have


def test_a_call_whose_process_died_counts_for_a_while(staff: Staff, model: Model) -> None:
    begun = now()
    with store.writing() as db:
        traces.begin(db, Target("model", "small", 0), by=staff.rep, tokens=100, cost=1.0, at=begun)
        since = begun - timedelta(hours=1)
        assert traces.spent(db, since=since, at=begun) == traces.Spent(100, 1.0)
        assert traces.spent(db, since=since, person_id=staff.lead.id, at=begun) == traces.Spent(0, 0.0)
        assert traces.spent(db, since=since, at=begun + traces.COUNTS_FOR + timedelta(seconds=1)) == traces.Spent(0, 0.0)


def test_the_day_begins_at_midnight_where_the_portal_stands(home: object) -> None:
    zone = ZoneInfo(config.settings().time_zone)
    late = datetime(2026, 7, 2, 0, 30, tzinfo=zone)  # in UTC it is still the day before
    assert traces.today(late) == datetime(2026, 7, 2, tzinfo=zone)
    assert traces.today(late - timedelta(hours=1)) == datetime(2026, 7, 1, tzinfo=zone)


def test_without_an_endpoint_it_is_said_what_is_missing(staff: Staff) -> None:
    with pytest.raises(Refused, match=r"^Nothing was asked: no model endpoint is set\. An engineer or an admin can propose one"):
        asking.ask("triage", HELLO, by=staff.rep, line=None, budget=Budget())
    assert rows() == ([], [])


def test_a_mistake_of_ours_raises_and_leaves_no_trace(staff: Staff, model: Model) -> None:
    with pytest.raises(KeyError, match="poetry"):
        asking.ask("poetry", HELLO, by=staff.rep, line=model.line(), budget=Budget())
    assert rows() == ([], [])
    assert model.asked == []


def test_one_that_shows_late_ends_the_trace_and_frees_its_budget(staff: Staff, model: Model) -> None:
    with pytest.raises(Exception, match="is not valid under any of the given schemas"):
        ask(model, staff.rep, schema={"type": "no such type"})
    (trace,), spans = rows()
    assert (trace.state, trace.tokens, spans, model.asked) == ("stopped", 0, [], [])


def test_nothing_is_held_in_the_database_while_the_model_thinks(staff: Staff, model: Model) -> None:
    def meanwhile(handler: server.Handler) -> None:
        with store.writing() as db:  # from another thread; it would wait five seconds and fail
            db.execute(text("UPDATE person SET name = 'Written meanwhile' WHERE name = 'Olga'"))
        server.text("ok")(handler)

    model.says(meanwhile)
    assert ask(model, staff.rep).ok
    with store.reading() as db:
        assert db.execute(text("SELECT count(*) FROM person WHERE name = 'Written meanwhile'")).scalar() == 1
