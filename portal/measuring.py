"""`portal measures`: count the days anew that dashboards read."""

from datetime import datetime
from typing import Annotated

import typer

from data import daily
from portal.command import Json, on_terminal, ready, tell

app = typer.Typer(no_args_is_help=True, help="The figures that dashboards read.")


@app.callback()
def _measures() -> None:
    """The figures that dashboards read."""


@app.command("rebuild")
def rebuild(
    since: Annotated[datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="From this day on; else every day.")] = None,
    as_json: Json = False,
) -> None:
    """Count the days anew from the conversations. By itself the portal does so within a minute for each day that changed."""
    ready()
    counted = daily.rebuild(since=since.date() if since else None, progress=on_terminal)
    tell({"days": counted.days, "figures": counted.rows}, counted.sentence, as_json)
