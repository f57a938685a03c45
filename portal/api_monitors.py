"""Monitors over HTTP: what is watched and what was found, another one, and quiet for a while."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from data import labels, people
from data.errors import Refused
from data.tables import Alert
from data.trends import Slice
from evals import alerts, monitors
from evals.monitors import Definition, Watched
from portal.caller import By

router = APIRouter(prefix="/v1")
Id = Annotated[str, Path(max_length=60)]
Name = Annotated[str, Field(max_length=200)]


class Asked(BaseModel):
    """A monitor as it is asked for; what is left out is what is usual for the rule."""

    model_config = ConfigDict(extra="forbid")

    measure: Name
    name: Annotated[str, Field(max_length=80)] = ""
    channel: Name | None = None
    intent: Name | None = Field(default=None, description="Its name.")
    segment: Name | None = None
    team: Name | None = Field(default=None, description="Its name.")
    language: Name | None = None
    version: Name | None = Field(default=None, description="Such as recipe:refunds@4.")
    rule: Literal["threshold", "change", "ratio"] = "change"
    direction: Literal["", "down", "up", "either"] = Field(default="", description="Empty: which way is worse.")
    alarm_at: float | None = Field(default=None, description="Of shares 0.6 is 60 %; of a ratio 0.1 is a tenth of the weeks before.")
    clear_at: float | None = None
    least: int = 50
    window: Literal["day", "week"] = "day"
    arms: Literal["none", "roll_back", "stop"] = "none"
    armed_for: Annotated[str, Field(max_length=200, description="Kind and name, such as classifier:intent.")] = ""
    why: Annotated[str, Field(max_length=1_000)]

    def definition(self) -> Definition:
        kind, _, name = self.armed_for.partition(":")
        of = Slice(
            channel=self.channel, intent=intent_of(self.intent), segment=self.segment, team_id=team_of(self.team), language=self.language,
            version=self.version,
        )  # fmt: skip
        return Definition(
            self.measure, of, self.rule, self.direction, self.alarm_at, self.clear_at, self.least, self.window, self.arms,
            (kind, name) if self.armed_for else None,
        )  # fmt: skip


class Snooze(BaseModel):
    model_config = ConfigDict(extra="forbid")

    until: datetime | None = Field(default=None, description="Null: it is awake again.")
    why: Annotated[str, Field(max_length=1_000)] = ""


@router.get("/monitors")
def all_monitors(by: By) -> list[dict[str, Any]]:
    """Within reach, with the alert that is open."""
    return [told(one) for one in monitors.all_of(by=by)]


@router.get("/monitors/{monitor_id}/alerts")
def alerts_of(monitor_id: Id, by: By) -> list[dict[str, Any]]:
    """What it found, the newest first."""
    return [alert_told(one) for one in alerts.of(monitor_id, by=by)]


@router.post("/monitors")
def add(asked: Asked, by: By) -> dict[str, Any]:
    """The caller is its owner. What it may do by itself is told in words."""
    made = monitors.make(asked.name, asked.definition(), why=asked.why, by=by)
    found = monitors.get(made.id, by=by)
    return told(found) if found else {"id": made.id}


@router.post("/monitors/{monitor_id}/snooze")
def snooze(monitor_id: Id, asked: Snooze, by: By) -> dict[str, Any]:
    """Nothing new is told until then, and nothing done by itself."""
    if asked.until is not None and asked.until.tzinfo is None:
        raise Refused("Not snoozed: the time needs a zone, such as 2026-11-05T08:00:00Z.")
    made = monitors.snooze(monitor_id, asked.until, why=asked.why, by=by)
    return {"id": made.id, "snoozed_until": made.snoozed_until}


def told(watched: Watched) -> dict[str, Any]:
    """One monitor, for programs."""
    monitor, looks_for = watched.monitor, watched.definition
    return {
        "id": monitor.id, "name": monitor.name, "number": monitor.number, "state": monitor.state, "said": monitor.said,
        "looked_on": monitor.looked_on, "snoozed_until": monitor.snoozed_until, "owner": people.names().get(monitor.owner_id, ""),
        "measure": looks_for.measure, "of": looks_for.of.told, "about": watched.subject, "rule": looks_for.rule,
        "direction": looks_for.direction, "alarm_at": looks_for.alarm_at, "clear_at": looks_for.clear_at, "least": looks_for.least,
        "window": looks_for.window, "arms": looks_for.arms, "by_itself": monitors.promise(looks_for),
        "alert": alert_told(watched.alert) if watched.alert else None,
    }  # fmt: skip


def alert_told(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id, "state": alert.state, "from": alert.since, "to": alert.until, "sentence": alert.sentence, "numbers": alert.numbers,
        "acted": alerts.came_of_it(alert), "note": alert.note, "ended_why": alert.ended_why,
    }  # fmt: skip


def intent_of(name: str | None) -> str | None:
    """Its id."""
    if name is None:
        return None
    known = {label.name.casefold(): label.id for label in labels.of()}
    if name.casefold() not in known:
        raise Refused(f"Not done: there is no intent '{name}'. Name it as Classifiers shows it.")
    return known[name.casefold()]


def team_of(name: str | None) -> str | None:
    """Its id."""
    if name is None:
        return None
    found = people.team_named(name)
    if found is None:
        raise Refused(f"Not done: there is no team '{name}'. Name it as People shows it.")
    return found.id
