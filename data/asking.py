"""Asking a model: within the budgets of the day, and on the record. Called from background work, never from a screen."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from data import access, config, models, routing, store, traces
from data.budgets import Budget
from data.errors import Refused
from data.tables import Person
from data.values import LIVE, SHADOW, Subject, Target
from language import endpoint
from language.call import Call, Line

__all__ = ["Budget", "ask"]

PER_MESSAGE = 8  # tokens that a message costs beside its text


def ask(
    job: str,
    messages: Sequence[Mapping[str, Any]],
    *,
    by: Person,
    line: Line | None,
    budget: Budget,
    subject: Subject | None = None,
    schema: type[BaseModel] | Mapping[str, Any] | None = None,
    tools: Sequence[Mapping[str, Any]] = (),
    max_tokens: int = 1024,
    temperature: float | None = None,
    exactly: Target | None = None,
    beside: str | None = None,
    at: datetime | None = None,
) -> Call:
    """The call, recorded as one trace. The endpoint's faults stand in it; what is beyond the budget is Refused before anything leaves.

    It goes to the model that is in force for the job; to `exactly` that version where cases are run, or where it is asked `beside` a call
    of the live one, whose trace that is."""
    if line is None:
        raise Refused("Nothing was asked: no model endpoint is set. An engineer or an admin can propose one under Installation.")
    way = routing.exactly(exactly, job, line) if exactly else routing.of(job, line, messages, subject=subject, by=by)
    line, model = way.line, way.line.model(job)
    times = 2 if schema is not None or tools else 1  # what does not fit is sent back once
    most_in, most_out = times * _estimate(messages, tools), times * max_tokens
    with store.writing() as db:
        store.one_at_a_time(db, "model budget")  # two who ask at once do not both get the last of it
        tokens, cost = most_in + most_out, line.cost(model, most_in, most_out)
        _within(db, budget, tokens, cost, by, at)
        mode = SHADOW if beside else way.mode
        trace = traces.begin(db, way.target, by=by, tokens=tokens, cost=cost, subject=subject, mode=mode, at=at)
        if beside or way.shadowed:
            trace.state_json = {"beside": beside} if beside else _as_asked(schema, tools, max_tokens, temperature)
    try:
        call = endpoint.ask(line, job, messages, schema=schema, tools=tools, max_tokens=max_tokens, temperature=temperature)
    except BaseException:  # a mistake of ours, or the process is told to end
        with store.writing() as db:
            traces.stop(db, trace)
        raise
    with store.writing() as db:
        traces.record(db, trace, call, at=at)
    if call.ok and not exactly and way.mode != LIVE:
        models.answered(job, model, line.url, at=at)
    return call


def _as_asked(
    schema: type[BaseModel] | Mapping[str, Any] | None, tools: Sequence[Mapping[str, Any]], max_tokens: int, temperature: float | None
) -> dict[str, Any]:
    """How it was asked, so that another model can be asked the same later."""
    told = schema if schema is None or isinstance(schema, Mapping) else schema.model_json_schema()
    return {"schema": told, "tools": [dict(tool) for tool in tools], "max_tokens": max_tokens, "temperature": temperature}


def _estimate(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> int:
    """Four characters a token, and nothing is free."""
    return sum(len(str(part)) // 4 + PER_MESSAGE for part in (*messages, *tools))


def _within(db: Any, budget: Budget, tokens: int, money: float, by: Person, at: datetime | None) -> None:
    since = traces.today(at)
    day = traces.spent(db, since=since, at=at)
    _fits("the portal", day, tokens, money, budget.tokens_per_day, budget.money_per_day)
    if by.role != access.CONSOLE and (budget.tokens_per_person is not None or budget.money_per_person is not None):
        own = traces.spent(db, since=since, person_id=by.id, at=at)
        _fits(by.name, own, tokens, money, budget.tokens_per_person, budget.money_per_person)


def _fits(whose: str, spent: traces.Spent, tokens: int, money: float, most_tokens: int | None, most_money: float | None) -> None:
    if most_tokens is not None and spent.tokens + tokens > most_tokens:
        raise Refused(_over(whose, f"{spent.tokens:,} of {most_tokens:,} tokens", f"up to {tokens:,}"))
    if most_money is not None and spent.money + money > most_money:
        raise Refused(_over(whose, f"{_money(spent.money)} of {_money(most_money)}", f"up to {_money(money)}"))


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.4f}"


def _over(whose: str, used: str, needed: str) -> str:
    zone = config.settings().time_zone
    return (
        f"Nothing was asked: {whose} has used {used} of today's budget for models, and this needs {needed}. "
        f"It begins anew at midnight ({zone}), or an admin raises the budget."
    )
