"""Notes on the timeline over HTTP: what happened, read and written, such as by the program that puts a new shop page live."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from data import config, days, labels, notes, people
from data.errors import Refused
from data.tables import Note
from data.trends import Slice
from data.values import now
from portal.api_monitors import intent_of, team_of
from portal.caller import By

router = APIRouter(prefix="/v1")
Name = Annotated[str, Field(max_length=200)]
BACK = timedelta(days=90)


class Written(BaseModel):
    """What happened. What is left out: it is about all of them, and happened now."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(max_length=1_000)]
    kind: Literal["note", "incident"] = "note"
    happened_at: datetime | None = None
    channel: Name | None = None
    intent: Name | None = Field(default=None, description="Its name.")
    team: Name | None = Field(default=None, description="Its name.")
    page: Annotated[str, Field(max_length=300, description="Of the portal, such as knowledge?article=refunds.")] = ""

    def of(self) -> Slice:
        return Slice(channel=self.channel, intent=intent_of(self.intent), team_id=team_of(self.team))


@router.get("/notes")
def of_days(by: By, since: date | None = None, until: date | None = None) -> list[dict[str, Any]]:
    """What happened from the first day to the last, both included; otherwise in the last 90 days."""
    zone = ZoneInfo(config.settings().time_zone)
    last = until or now().astimezone(zone).date()
    first = since or last - BACK
    return [told(one) for one in notes.between(days.bounds(first, zone)[0], days.bounds(last, zone)[1], by=by)]


@router.post("/notes")
def write(written: Written, by: By) -> dict[str, Any]:
    """A time needs a zone."""
    if written.happened_at is not None and written.happened_at.tzinfo is None:
        raise Refused("Not written: the time needs a zone, such as 2026-11-05T08:00:00Z.")
    return told(notes.write(written.text, by=by, kind=written.kind, happened_at=written.happened_at, of=written.of(), page=written.page))


@router.post("/notes/{note_id}/take-back")
def take_back(note_id: Annotated[str, Path(max_length=60)], by: By) -> dict[str, Any]:
    """It leaves the timeline; the audit keeps it."""
    return told(notes.take_back(note_id, by=by))


def told(note: Note) -> dict[str, Any]:
    """One note, for programs."""
    return {
        "id": note.id, "happened_at": note.happened_at, "kind": note.kind, "text": note.text, "channel": note.channel or None,
        "intent": labels.names().get(note.intent_id), "team": people.teams().get(note.team_id or ""), "page": note.page,
        "by": people.names().get(note.by_person_id or "", ""), "taken_back_at": note.taken_back_at,
    }  # fmt: skip
