"""`portal monitor`: what is watched, another one, quiet for a while, and what one would have told."""

from datetime import timedelta
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from data import people
from data.errors import Misuse, Refused
from data.tables import Person
from data.values import now
from portal import api_monitors
from portal.command import AsPerson, Json, acting, ready, tell

app = typer.Typer(no_args_is_help=True, help="Measures that are watched, and what was found.")
Which = Annotated[str, typer.Argument(help="The monitor's name, or its id.")]
Why = Annotated[str, typer.Option(help="It stands beside the monitor.")]


@app.command("list")
def list_(by: AsPerson = "", as_json: Json = False) -> None:
    """Each with how it stands, and the alert that is open."""
    from evals import monitors

    ready()
    found = [api_monitors.told(one) for one in monitors.all_of(by=acting(by))]
    tell({"monitors": found}, "\n".join(map(_lines, found)) or "Nothing is watched yet.", as_json)


def _lines(told: dict[str, Any]) -> str:
    asleep = f", snoozed until {told['snoozed_until']:%d.%m. %H:%M} UTC" if told["snoozed_until"] else ""
    head = f"{told['name']}  {told['state'].replace('_', ' ')}{asleep}, {told['owner']}"
    alert = told["alert"]
    more = [f"{alert['sentence']} {alert['acted']}".strip()] if alert else [told["said"]] if told["said"] else []
    return "\n".join([head, *(f"    {one}" for one in (*more, told["by_itself"]))])


@app.command()
def add(
    measure: Annotated[str, typer.Argument(help="Such as resolution, csat, cost, or 'score: polite'.")],
    why: Why,
    name: Annotated[str, typer.Option(help="What it is called; otherwise what it is about.")] = "",
    rule: Annotated[str, typer.Option(help="change, ratio or threshold")] = "change",
    direction: Annotated[str, typer.Option(help="down, up or either; otherwise which way is worse.")] = "",
    alarm_at: Annotated[float | None, typer.Option("--at", help="From where on it tells; of shares 0.6 is 60 %.")] = None,
    clear_at: Annotated[float | None, typer.Option("--clear", help="From where on it is over.")] = None,
    least: Annotated[int, typer.Option(help="With fewer conversations it says that they are too few to tell.")] = 50,
    window: Annotated[str, typer.Option(help="day, or week for what creeps over weeks.")] = "day",
    channel: Annotated[str | None, typer.Option()] = None,
    intent: Annotated[str | None, typer.Option(help="Its name.")] = None,
    segment: Annotated[str | None, typer.Option()] = None,
    team: Annotated[str | None, typer.Option(help="Its name.")] = None,
    arms: Annotated[str, typer.Option(help="none, roll_back or stop: what it does by itself.")] = "none",
    armed_for: Annotated[str, typer.Option("--for", help="Kind and name of what that is, such as classifier:intent.")] = "",
    owner: Annotated[str, typer.Option(help="E-mail of who is told; otherwise who adds it.")] = "",
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Have a measure watched."""
    from evals import monitors

    ready()
    person = acting(by)
    given = {
        "measure": measure, "name": name, "rule": rule, "direction": direction, "alarm_at": alarm_at, "clear_at": clear_at, "least": least,
        "window": window, "channel": channel, "intent": intent, "segment": segment, "team": team, "arms": arms, "armed_for": armed_for,
        "why": why,
    }  # fmt: skip
    try:
        asked = api_monitors.Asked.model_validate(given)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise Misuse(f"{wrong['loc'][0]} cannot be used: {wrong['msg'].lower()}.") from None
    made = monitors.make(name, asked.definition(), owner_id=_owner(owner), why=why, by=person)
    found = monitors.get(made.id, by=person)
    told = api_monitors.told(found) if found else {"id": made.id, "name": made.name, "by_itself": ""}
    tell(told, f"'{made.name}' is watched from now on. {told['by_itself']}".strip(), as_json)


@app.command()
def snooze(
    monitor: Which,
    days: Annotated[float, typer.Option(help="For so many days; 0: it is awake again.")] = 1.0,
    why: Why = "",
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Nothing new is told for a while, and nothing done by itself."""
    from evals import monitors

    ready()
    person = acting(by)
    until = now() + timedelta(days=days) if days > 0 else None
    made = monitors.snooze(_named(monitor, person), until, why=why, by=person)
    words = f"'{made.name}' is quiet until {until:%d.%m. %H:%M} UTC." if until else f"'{made.name}' is awake."
    tell({"id": made.id, "snoozed_until": made.snoozed_until}, words, as_json)


@app.command("test")
def test_(
    monitor: Which,
    days: Annotated[int, typer.Option(help="Over the last so many days.", min=1, max=366)] = 90,
    send: Annotated[bool, typer.Option("--send", help="Also tell each webhook that this is a trial.")] = False,
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Which alerts it would have told, had it been there; it does nothing of what it is armed for."""
    from evals import alerts, monitors
    from portal import alerting

    ready()
    person = acting(by)
    watched = monitors.get(_named(monitor, person), by=person)
    if watched is None:
        raise Refused(f"There is no monitor '{monitor}' within your reach.")
    found = alerts.would_have(watched.definition, by=person, back=days)
    sent = alerting.try_webhooks(watched, by=person) if send else []
    lines = [f"Over {days} days it would have told {len(found):,} {'alert' if len(found) == 1 else 'alerts'}."]
    lines += [f"    {day}: {sentence}" for day, sentence in found]
    lines += [f"Webhook {name}: {why or 'told'}" for name, why in sent]
    told = {
        "days": days, "alerts": [{"day": day, "sentence": sentence} for day, sentence in found],
        "webhooks": [{"name": name, "why_not": why} for name, why in sent],
    }  # fmt: skip
    tell(told, "\n".join(lines), as_json)


def _named(told: str, by: Person) -> str:
    from evals import monitors

    for one in monitors.all_of(by=by):
        if told in (one.monitor.id, one.monitor.name):
            return one.monitor.id
    raise Refused(f"There is no monitor '{told}' within your reach. portal monitor list names them.")


def _owner(email: str) -> str:
    if not email:
        return ""
    person = people.by_email(email)
    if person is None:
        raise Misuse(f"There is nobody with the address {email}.")
    return person.id
