"""`portal team`: how much of a team's work was reviewed, what waits, how long decisions took."""

from typing import Annotated

import typer

from portal.command import AsPerson, Json, acting, ready, tell

app = typer.Typer(no_args_is_help=True, help="A team's work: how much was reviewed, what waits, how long decisions took.")


@app.callback()
def only_groups() -> None:
    """With one command only, its name would be left out otherwise."""


@app.command()
def show(
    team: Annotated[str, typer.Argument(help="Its name; a lead's is their own, without one an admin sees all.")] = "",
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """What is least covered, what waits longest, and how long decisions took by what was proposed."""
    ready()
    from portal import team_text
    from portal.api_monitors import team_of

    person, team_id = acting(by), team_of(team or None)
    tell(
        team_text.as_json(by=person, team_id=team_id) if as_json else {},
        "" if as_json else team_text.in_lines(by=person, team_id=team_id), as_json,
    )  # fmt: skip
