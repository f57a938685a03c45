"""Asking a model: within the budgets of the day, and on the record. Called from background work, never from a screen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from data import access, config, store, traces
from data.errors import Refused
from data.tables import Person
from data.values import Subject, Target
from language import endpoint
from language.call import Call, Line

PER_MESSAGE = 8  # tokens that a message costs beside its text


@dataclass(frozen=True)
class Budget:
    """The most that models may use in a day. None: as much as is asked for."""

    tokens_per_day: int | None = None
    money_per_day: float | None = None
    tokens_per_person: int | None = None
    money_per_person: float | None = None


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
    at: datetime | None = None,
) -> Call:
    """The call, recorded as one trace. The endpoint's faults stand in it; what is beyond the budget is Refused before anything leaves."""
    if line is None:
        raise Refused("Nothing was asked: no model endpoint is set. An engineer or an admin can propose one under Installation.")
    model = line.model(job)
    times = 2 if schema is not None or tools else 1  # what does not fit is sent back once
    most_in, most_out = times * _estimate(messages, tools), times * max_tokens
    with store.writing() as db:
        store.one_at_a_time(db, "model budget")  # two who ask at once do not both get the last of it
        tokens, cost = most_in + most_out, line.cost(model, most_in, most_out)
        _within(db, budget, tokens, cost, by, at)
        trace = traces.begin(db, Target("model", model, 0), by=by, tokens=tokens, cost=cost, subject=subject, at=at)
    try:
        call = endpoint.ask(line, job, messages, schema=schema, tools=tools, max_tokens=max_tokens, temperature=temperature)
    except BaseException:  # a mistake of ours, or the process is told to end
        with store.writing() as db:
            traces.stop(db, trace)
        raise
    with store.writing() as db:
        traces.record(db, trace, call, at=at)
    return call


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
