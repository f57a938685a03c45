"""`portal surface`: the chat widget on pages of one's own, from the console."""

from typing import Annotated

import typer

from data import people, surfaces
from data.errors import Misuse
from portal import widget
from portal.command import Json, acting, ready, tell

app = typer.Typer(no_args_is_help=True, help="The chat widget on your own pages.")


@app.command("issue")
def issue(
    name: Annotated[str, typer.Argument(help="Which pages these are.")],
    origin: Annotated[list[str], typer.Option(help="https:// and the host, exactly. May be given several times.")],
    person: Annotated[str, typer.Option("--for", help="Who answers for it (e-mail).")],
    team: Annotated[str, typer.Option(help="Whose the conversations are; empty: everybody's.")] = "",
    days: Annotated[int, typer.Option(help="How long it lasts.")] = surfaces.LONGEST,
    as_json: Json = False,
) -> None:
    """Issue a surface token. The line to paste is printed once and kept nowhere."""
    ready()
    whose = people.team_named(team) if team else None
    if team and whose is None:
        raise Misuse(f"There is no team '{team}'.")
    team_id = whose.id if whose else None
    secret = surfaces.issue(name, origin, acting(person), by=people.console(), team_id=team_id, days=days)
    key, line = surfaces.identity_key(secret), widget.snippet(secret, address=widget.address())
    told = {"name": name, "origins": origin, "days": days, "token": secret, "snippet": line, "identity_key": key}
    tell(told, f"For {name}, shown once: {line}\nThe page's server signs who a customer is with: {key}", as_json)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List surfaces: of which pages, who answers for them, until when."""
    ready()
    found = surfaces.all_surfaces(by=people.console())
    shown = {"id", "name", "origins", "expires_at", "used_at", "revoked_at"}
    lines = [
        f"{one.id}  {one.name:24} {owner.name:20} {','.join(one.origins)} "
        + ("revoked" if one.revoked_at else f"until {one.expires_at:%Y-%m-%d}")
        for one, owner in found
    ]
    rows = [one.model_dump(include=shown) | {"person": owner.name} for one, owner in found]
    tell({"surfaces": rows}, "\n".join(lines) or "No surfaces.", as_json)


@app.command("revoke")
def revoke(surface_id: str) -> None:
    """Revoke a surface token: nobody writes by it from now on."""
    ready()
    typer.echo(f"Revoked the surface token '{surfaces.revoke(surface_id, by=people.console()).name}'.")
