"""What every command needs: who acts, a database of this code's shape, one way to print, and to be seen while it works.

What a function stands on is imported in it: every command imports this module, and few come to all of it.
"""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.errors import Misuse, Refused

if TYPE_CHECKING:
    from data.tables import Person

Progress = Callable[[float, str], None]

AsPerson = Annotated[str, typer.Option("--by", help="Act as this person (e-mail); otherwise as the console.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]


def acting(email: str) -> "Person":
    from data import people

    if not email:
        return people.console()
    person = people.by_email(email)
    if person is None or person.disabled_at:
        raise Misuse(f"There is no active person with the address {email}.")
    return person


def ready() -> None:
    """Commands work on a database of this code's shape; an older one is brought to it first."""
    from data import config, store

    config.folder("")
    if store.needs_migration():
        from data import migrate

        migrate.upgrade()


def tell(told: dict[str, Any], sentence: str, as_json: bool) -> None:
    print(json.dumps(told, ensure_ascii=False, default=str) if as_json else sentence)


def as_job(name: str, arguments: dict[str, Any], title: str, by: "Person", work: Callable[[Progress], str], *, again: str) -> str:
    """Do it here and now, visible on the Jobs page like any other. `again` is what the same command does once this was cut off."""
    from data import store, tasks
    from portal import runner

    with runner.living("command") as me:
        with store.writing() as db:
            task = tasks.later(db, name, arguments, title=title, by=by)
            taken = tasks.take(task.id, me.id)
        if taken is None:
            raise Misuse(f"{title} was taken by another process before it began. Try again.")
        try:
            result = work(lambda share, doing: tasks.progress(taken, share, doing))
        except tasks.Cancelled:
            tasks.stop(taken)
            raise Refused(f"Stopped: somebody cancelled it on the Jobs page. {again}") from None
        except BaseException as error:
            tasks.fail(taken, str(error) if isinstance(error, Refused) else f"It was cut off. {again}")
            raise
        tasks.finish(taken, result)
        return result


def on_terminal(share: float, doing: str) -> None:
    """How far it is, for whoever watches; nothing where nobody does."""
    from data.measures import percent

    if sys.stderr.isatty():
        print(f"\r{percent(share)}  {doing}\x1b[K", end="\n" if share >= 1 else "", file=sys.stderr, flush=True)
