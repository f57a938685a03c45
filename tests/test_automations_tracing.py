"""A run as it is kept: frozen at its beginning, its steps in order, without what tells who somebody is."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import select

from automations import arriving, recipe, tracing
from automations.recipe import Act, Alone, Limits, Recipe
from automations.running import Span, Told
from automations.shop.client import Shop
from automations.shop.values import Customer
from automations.steps.all import STEPS
from data import store
from data.tables import Trace
from data.values import now
from tests.test_automations_backtest import TOKEN, Market, market
from tests.test_automations_replay import again, goes_live, means, row, runs, spans

__all__ = ["market"]  # fixture
NAME = "Johanna Maria Winterbottom"
GREETS = Recipe(
    "greets", "Greets",
    acts=(Act("look up customer", "who"), Act("draft reply", "reply", {"text": "{{who.name}}: your order is on its way."})),
    limits=Limits(runs_per_day=50), alone=Alone(changes=("draft reply",)),
)  # fmt: skip


def named(market: Market) -> str:
    """A conversation of a customer whose name the shop knows."""
    conversation_id = market.comes(days_ago=0.1)
    key = market.ledger.order(f"FG-{market.number}", at=now()).customer
    with market.ledger._transaction(writes=True) as db:
        db.execute("UPDATE customer SET name = ? WHERE key = ?", (NAME, key))
    assert market.shop.customer(key) == Customer(key, NAME, "Marlow", market.shop.customer(key).since)
    return conversation_id


def test_a_run_is_frozen_with_its_hash_before_its_first_step(market: Market) -> None:
    goes_live(market, GREETS)
    seen: list[Trace] = []

    class Looks:
        declaration = STEPS["look up customer"].declaration

        def run(self, given: Any, context: Any) -> Any:
            with store.reading() as db:
                seen.extend(db.exec(select(Trace)))
            return STEPS["look up customer"].run(given, context)

    conversation_id = market.comes(days_ago=0.1)
    (trace,) = arriving.arrived([conversation_id], means=replace(means(market), steps={**STEPS, "look up customer": Looks()})).live
    (began,) = seen[0].inputs["stretches"]  # type: ignore[index]
    assert seen[0].state == "running" and "heard" not in began and seen[0].inputs_sha == tracing.sha_of(seen[0].inputs)
    assert began["facts"]["conversation"]["id"] == conversation_id == began["conversation_id"]
    assert began["channel"] == "chat" and [one["role"] for one in began["messages"]] == ["customer"]
    assert datetime.fromisoformat(began["at"]).tzinfo is not None and "the shop" in began["has"]
    kept = row(trace)
    (after,) = kept.inputs["stretches"]  # type: ignore[index]
    assert {name: after[name] for name in began} == began and after["came_to"] == "done"
    assert [note["of"] for note in after["heard"]] == ["the shop", "the door"]
    assert kept.inputs_sha == tracing.sha_of(kept.inputs) != seen[0].inputs_sha


def test_a_name_that_was_looked_up_stands_nowhere_and_the_run_is_the_same_all_the_same(market: Market) -> None:
    goes_live(market, GREETS)
    (trace,) = runs(market, named(market))
    kept = json.dumps([row(trace).inputs, [(one.input, one.output) for one in spans(trace)]])
    assert "Winterbottom" not in kept and "NAME" in kept
    assert again(market, trace).exact


def test_a_credential_stands_in_nothing_that_is_kept(market: Market) -> None:
    goes_live(market, GREETS)
    (trace,) = runs(market, market.comes(days_ago=0.1))
    assert TOKEN not in json.dumps([row(trace).inputs, [(one.input, one.output) for one in spans(trace)]])


def test_a_step_that_failed_says_so_in_its_error_and_one_that_did_not_says_nothing(market: Market) -> None:
    goes_live(market, GREETS)
    (trace,) = runs(market, market.comes(days_ago=0.1), shop=Shop("http://127.0.0.1:1", TOKEN))
    (failed,) = spans(trace)
    assert failed.error == failed.output["why"] and "shop" in failed.error  # type: ignore[index]
    (trace,) = runs(market, market.comes(days_ago=0.05))
    assert [one.error for one in spans(trace)] == ["", ""]


def test_what_a_model_used_stands_beside_its_step_and_counts_once(market: Market) -> None:
    reads = Act("model step", "mood", {"instructions": "How?", "text": "{{message.text}}", "fields": {"mood": "text"}})
    goes_live(market, replace(GREETS, acts=(reads, *GREETS.acts)))
    (trace,) = runs(market, market.comes(days_ago=0.1))
    assert [(one.tokens, one.cost) for one in spans(trace)] == [(97, 0.002), (0, 0.0), (0, 0.0)]
    assert all(one.kind != "model" for one in spans(trace))  # the call itself stands in a trace of its own


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Decimal("5.00"), "5.00"), (datetime(2026, 5, 1, tzinfo=UTC), "2026-05-01T00:00:00+00:00"), (date(2026, 5, 1), "2026-05-01"),
        (("a", 1, None, True), ["a", 1, None, True]), ({"a": {"b": frozenset({"c"})}}, {"a": {"b": ["c"]}}),
        ("reach me at jo@example.com", "reach me at ‹EMAIL 1›"), ("01a203c3-2e97-7000-9ce7-1b4fee4149a2",) * 2, ("", ""),
    ],
)  # fmt: skip
def test_what_is_kept_is_json_without_what_tells_who_somebody_is(market: Market, value: Any, kept: Any) -> None:
    assert tracing.redacted(value) == kept == json.loads(json.dumps(tracing.redacted(value)))


def test_what_is_masked_once_is_masked_wherever_it_is_said_again(market: Market) -> None:
    said = tracing.redacted({"a": f"x{NAME}x", "b": NAME, "c": "nothing of it"}, looked_up={"who": {"name": NAME}})
    assert "Winterbottom" not in str(said) and said["c"] == "nothing of it" and said["a"] == f"x{said['b']}x"
    assert tracing.redacted(said) == said  # so that the run done again says the same


def test_steps_are_kept_behind_those_that_stand_there(market: Market) -> None:
    goes_live(market, GREETS)
    (trace,) = runs(market, market.comes(days_ago=0.1))
    with store.writing() as db:
        tracing.keep(db, db.get_one(Trace, trace.id), Told("done", (Span("more", "tag", "done", {"tag": "x"}, {"tag": "x"}, 1.5),), {}))
    assert [(one.seq, one.name, one.ms > 0) for one in spans(trace)] == [(1, "who", True), (2, "reply", True), (3, "more", True)]
    assert len(tracing.stretches_of(row(trace))) == 1  # nothing was heard of it


def test_a_text_that_looks_like_an_amount_stays_as_it_was_written(market: Market) -> None:
    assert tracing.redacted({"amount": recipe.amount_of("19.90"), "n": 0.1}) == {"amount": "19.90", "n": 0.1}
