"""`portal work`: what one's own work changed. The console is nobody, so `--by` says whose it is."""

from typing import Annotated

import typer

from portal.command import AsPerson, Json, acting, ready, tell

app = typer.Typer(no_args_is_help=True, help="What one's own work changed.")


@app.callback()
def only_groups() -> None:
    """With one command only, its name would be left out otherwise."""


@app.command()
def show(
    by: AsPerson = "", weeks: Annotated[int, typer.Option(help="4, 12 or 52: this week and those before it.")] = 12, as_json: Json = False
) -> None:  # fmt: skip
    """What this person gave in these weeks, and what became of it."""
    ready()
    from data import work_changed
    from portal import my_work_text

    found = work_changed.of(by=acting(by), weeks=weeks)
    tell(my_work_text.as_json(found), "\n".join(my_work_text.lines(found)), as_json)
