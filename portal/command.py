"""What every command needs: who acts, a database of this code's shape, one way to print."""

import json
from typing import Annotated, Any

import typer

from data import config, people, store
from data.errors import Misuse
from data.tables import Person

AsPerson = Annotated[str, typer.Option("--by", help="Act as this person (e-mail); otherwise as the console.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]


def acting(email: str) -> Person:
    if not email:
        return people.console()
    person = people.by_email(email)
    if person is None or person.disabled_at:
        raise Misuse(f"There is no active person with the address {email}.")
    return person


def ready() -> None:
    """Commands work on a database of this code's shape; an older one is brought to it first."""
    config.folder("")
    if store.needs_migration():
        from data import migrate

        migrate.upgrade()


def tell(told: dict[str, Any], sentence: str, as_json: bool) -> None:
    print(json.dumps(told, ensure_ascii=False, default=str) if as_json else sentence)
