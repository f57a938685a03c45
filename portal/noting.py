"""`portal note`: the timeline of Quality, written and read, such as by the program that puts a new shop page live."""

from typing import Annotated, Any

import typer
from pydantic import ValidationError

from data.errors import Misuse
from portal import api_notes
from portal.command import AsPerson, Json, acting, ready, tell

app = typer.Typer(no_args_is_help=True, help="What happened, on the timeline of Quality.")


@app.command()
def write(
    text: Annotated[str, typer.Argument(help="What happened, in a sentence.")],
    incident: Annotated[bool, typer.Option("--incident", help="It went wrong: it is a candidate when a change is explained.")] = False,
    happened_at: Annotated[str | None, typer.Option("--at", help="When, such as 2026-11-05T08:00:00Z; otherwise now.")] = None,
    channel: Annotated[str | None, typer.Option(help="chat, email or voice; otherwise all.")] = None,
    intent: Annotated[str | None, typer.Option(help="Its name; otherwise all.")] = None,
    team: Annotated[str | None, typer.Option(help="Its name; otherwise all.")] = None,
    page: Annotated[str, typer.Option(help="Of the portal, such as knowledge?article=refunds.")] = "",
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Say what happened, in a sentence."""
    ready()
    kind = "incident" if incident else "note"
    given = {"text": text, "kind": kind, "happened_at": happened_at, "channel": channel, "intent": intent, "team": team, "page": page}
    try:
        written = api_notes.Written.model_validate(given)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise Misuse(f"{wrong['loc'][0]} cannot be used: {wrong['msg'].lower()}.") from None
    told = api_notes.write(written, acting(by))
    tell(told, f"On the timeline: {told['text']}", as_json)


@app.command("list")
def list_(by: AsPerson = "", as_json: Json = False) -> None:
    """Of the last 90 days, the oldest first."""
    ready()
    found = api_notes.of_days(acting(by))
    tell({"notes": found}, "\n".join(map(_line, found)) or "Nothing stands on the timeline of the last 90 days.", as_json)


def _line(told: dict[str, Any]) -> str:
    about = ", ".join(one for one in (told["channel"], told["intent"], told["team"]) if one)
    return f"{told['id']}  {told['happened_at']:%Y-%m-%d}  {told['kind']}: {told['text']}{f' ({about})' if about else ''}"


@app.command("take-back")
def take_back(
    note_id: Annotated[str, typer.Argument(help="As `portal note list` shows it.")], by: AsPerson = "", as_json: Json = False
) -> None:
    """It leaves the timeline; the audit keeps it."""
    ready()
    told = api_notes.take_back(note_id, acting(by))
    tell(told, f"Taken back: {told['text']}", as_json)
