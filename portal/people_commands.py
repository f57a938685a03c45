"""`portal user` and `portal token`: people, their roles, and the programs that act for them."""

from typing import Annotated

import typer

from data import access, config, people, store, tokens
from data.errors import Misuse
from data.tables import Person
from portal.command import Json, ready, tell

user = typer.Typer(no_args_is_help=True, help="People and their roles.")
token = typer.Typer(no_args_is_help=True, help="Tokens for programs.")


@user.command("add")
def user_add(
    name: str,
    email: str,
    role: str,
    team: Annotated[str, typer.Option(help="The team's name; a new one is made.")] = "",
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Add a person."""
    ready()
    console = people.console()
    with store.writing():
        found = people.team_named(team) or people.add_team(team, by=console) if team else None
        person = people.add(name, email, role, by=console, team=found, password=password)
    print(f"Added {person.name} as {person.role}.")


@user.command("disable")
def user_disable(email: str) -> None:
    """Disable an account and end its sign-ins."""
    ready()
    person = people.disable(_known(email).id, by=people.console())
    print(f"Disabled {person.name}; their sign-ins have ended.")


@user.command("enable")
def user_enable(email: str) -> None:
    """Let somebody back in."""
    ready()
    person = people.enable(_known(email).id, by=people.console())
    print(f"Enabled {person.name}.")


@user.command("role")
def user_role(email: str, role: str) -> None:
    """Give somebody another role. Leads and admins are made here until there are two admins."""
    ready()
    person = people.set_role(_known(email).id, role, by=people.console())
    print(f"{person.name} is {access.a(person.role)}.")


@user.command("invite")
def user_invite(email: str) -> None:
    """Print a link with which somebody sets a password or links their company account."""
    ready()
    person = _known(email)
    ticket = people.invite(person.id, by=people.console())
    base = config.settings().public_url.rstrip("/") or f"http://{config.settings().host}:{config.settings().port}"
    print(f"For {person.name}, once, within a week: {base}/auth/welcome?ticket={ticket}")


def _known(email: str) -> Person:
    person = people.by_email(email)
    if person is None:
        raise Misuse(f"There is no person with the address {email}.")
    return person


@user.command("list")
def user_list(as_json: Json = False) -> None:
    """List people."""
    ready()
    everybody = people.everybody(by=people.console())
    rows = [{"name": one.name, "email": one.email, "role": one.role, "disabled": bool(one.disabled_at)} for one in everybody]
    tell({"people": rows}, "\n".join(f"{row['name']:24} {row['role']:9} {row['email']}" for row in rows) or "Nobody yet.", as_json)


@token.command("issue")
def token_issue(
    name: str,
    scope: Annotated[list[str], typer.Option("--scope", help=f"One or more of {', '.join(sorted(access.SCOPES))}.")],
    person: Annotated[str, typer.Option("--for", help="Whom the program acts as (e-mail).")],
    days: Annotated[int, typer.Option(help="How long it opens.")] = 90,
    as_json: Json = False,
) -> None:
    """Issue a token. It is printed once and kept nowhere."""
    ready()
    secret = tokens.issue(name, scope, _known(person), by=people.console(), days=days)
    key = tokens.signing_key(secret)
    told = {"name": name, "scopes": sorted(set(scope)), "days": days, "token": secret, "signing_key": key}
    tell(told, f"For {name}, shown once: {secret}\nWhat it sends it signs with: {key}", as_json)


@token.command("list")
def token_list(as_json: Json = False) -> None:
    """List tokens: whose, for what, until when."""
    ready()
    found = tokens.all_tokens(by=people.console())
    shown = {"id", "name", "scopes", "expires_at", "used_at", "revoked_at"}
    lines = [
        f"{one.id}  {one.name:24} {owner.name:20} {','.join(one.scopes):20} "
        + ("revoked" if one.revoked_at else f"until {one.expires_at:%Y-%m-%d}")
        for one, owner in found
    ]
    rows = [one.model_dump(include=shown) | {"person": owner.name} for one, owner in found]
    tell({"tokens": rows}, "\n".join(lines) or "No tokens.", as_json)


@token.command("revoke")
def token_revoke(token_id: str) -> None:
    """Revoke a token: it opens nothing from now on."""
    ready()
    print(f"Revoked the token '{tokens.revoke(token_id, by=people.console()).name}'.")
