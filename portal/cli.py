"""The command line. Each command prints for people, with --json for programs; exit 0, 1 for "the answer is no", 2 for misuse."""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from data import config, people, store, tasks
from data.errors import Misuse, Refused
from data.tables import Person

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The portal's command line.")
user = typer.Typer(no_args_is_help=True, help="People and their roles.")
dataset = typer.Typer(no_args_is_help=True, help="Curated datasets.")
audit_commands = typer.Typer(no_args_is_help=True, help="The record of what was done.")
app.add_typer(user, name="user")
app.add_typer(dataset, name="dataset")
app.add_typer(audit_commands, name="audit")

AsPerson = Annotated[str, typer.Option("--by", help="Act as this person (e-mail); otherwise as the console.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        app()
    except Misuse as misuse:
        print(misuse, file=sys.stderr)
        sys.exit(2)
    except Refused as refused:
        print(refused, file=sys.stderr)
        sys.exit(1)
    finally:
        store.close()


def _acting(email: str) -> Person:
    if not email:
        return people.console()
    person = people.by_email(email)
    if person is None or person.disabled_at:
        raise Misuse(f"There is no active person with the address {email}.")
    return person


def _ready() -> None:
    """Commands work on a database of this code's shape; an older one is brought to it first."""
    config.folder("")
    if store.needs_migration():
        from data import migrate

        migrate.upgrade()


def _tell(told: dict[str, Any], sentence: str, as_json: bool) -> None:
    print(json.dumps(told, ensure_ascii=False, default=str) if as_json else sentence)


@app.command()
def up(
    demo: Annotated[bool, typer.Option(help="Fill an empty portal with a fictional company.")] = False,
    port: Annotated[int | None, typer.Option(help="The port to listen on; 0 for any free one.")] = None,
) -> None:
    """Run the portal: web and worker."""
    from portal import up as starting

    starting.up(demo=demo, port=port)


@app.command()
def web(port: Annotated[int | None, typer.Option()] = None) -> None:
    """Run the web process alone."""
    from portal import up as starting
    from portal import web as serving

    if store.needs_migration():
        raise Misuse("The database waits for a migration. Run: portal migrate")
    settings = config.settings()
    starting.check_address(settings.host)
    sock = serving.listening_socket(settings.host, settings.port if port is None else port)
    serving.serve(sock, on_ready=lambda: starting.greet(f"http://{settings.host}:{sock.getsockname()[1]}"))


@app.command()
def worker() -> None:
    """Run the worker alone: background jobs."""
    from portal import worker as working

    if store.needs_migration():
        raise Misuse("The database waits for a migration. Run: portal migrate")
    working.serve()


@app.command()
def migrate(demo: Annotated[bool, typer.Option(help="Then fill an empty portal with the demo.")] = False) -> None:
    """Bring the database to this code's shape."""
    _ready()
    if demo and not people.anybody():
        from portal import demo as showing

        showing.build()


@app.command()
def doctor(as_json: Json = False) -> None:
    """Show the settings in force and what is wrong."""
    from portal import doctor as examining

    findings = examining.examine()
    _tell(findings, examining.in_words(findings), as_json)
    if findings["wrong"]:
        sys.exit(1)


@app.command("import")
def import_(path: Path, by: AsPerson = "", as_json: Json = False) -> None:
    """Import a file of canonical conversations (JSONL)."""
    _ready()
    from data.intake import files

    person = _acting(by)
    report: dict[str, Any] = {}

    def work(progress: Callable[[float, str], None]) -> str:
        report.update(files.import_file(path, by=person, progress=progress))
        return files.in_words(report)

    sentence = _as_job("import", f"Import {path.name}", person, work)
    _tell(report, sentence, as_json)
    if report["refused"] and not report["conversations"]:
        sys.exit(1)


def _as_job(name: str, title: str, by: Person, work: Callable[[Callable[[float, str], None]], str]) -> str:
    """Do it here and now, visible on the Jobs page like any other."""
    with store.writing() as db:
        task = tasks.later(db, name, {"here": True}, title=title, by=by)
        tasks.take(task.id, "command line")
    try:
        result = work(lambda share, doing: tasks.progress(task.id, share, doing))
    except BaseException as error:
        tasks.fail(task.id, str(error) if isinstance(error, Refused) else "It was cut off. The same command goes on where it stopped.")
        raise
    tasks.finish(task.id, result)
    return result


@dataset.command("build")
def dataset_build(
    definition: Path,
    format_name: Annotated[str, typer.Option("--as", help="sft or csv")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write to.")],
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Build a dataset from reviews: files, lineage, card and manifest."""
    _ready()
    from data import datasets

    built = datasets.build(datasets.read_definition(definition), format_name=format_name, out=out, by=_acting(by))
    version = built.version
    told = {
        "name": version.name,
        "number": version.number,
        "counts": version.counts,
        "files": {key: str(path) for key, path in built.files.items()},
    }
    counts = version.counts
    splits = ", ".join(f"{counts[split]:,} {split}" for split in ("train", "validation", "test") if split in counts)
    _tell(
        told,
        f"Built {version.name} {version.number}: {counts['rows']:,} rows ({splits}), {counts['refused']:,} left out; in {out}.",
        as_json,
    )


@user.command("add")
def user_add(
    name: str,
    email: str,
    role: str,
    team: Annotated[str, typer.Option(help="The team's name; a new one is made.")] = "",
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Add a person."""
    _ready()
    console = people.console()
    with store.writing():
        found = people.team_named(team) or people.add_team(team, by=console) if team else None
        person = people.add(name, email, role, by=console, team=found, password=password)
    print(f"Added {person.name} as {person.role}.")


@user.command("disable")
def user_disable(email: str) -> None:
    """Disable an account and end its sign-ins."""
    _ready()
    person = people.by_email(email)
    if person is None:
        raise Misuse(f"There is no person with the address {email}.")
    people.disable(person.id, by=people.console())
    print(f"Disabled {person.name}; their sign-ins have ended.")


@user.command("list")
def user_list(as_json: Json = False) -> None:
    """List people."""
    _ready()
    everybody = people.everybody(by=people.console())
    rows = [{"name": one.name, "email": one.email, "role": one.role, "disabled": bool(one.disabled_at)} for one in everybody]
    _tell({"people": rows}, "\n".join(f"{row['name']:24} {row['role']:9} {row['email']}" for row in rows) or "Nobody yet.", as_json)


@audit_commands.command("verify")
def audit_verify(as_json: Json = False) -> None:
    """Check that nobody changed the record by hand."""
    _ready()
    from data import audit

    broken = audit.first_broken()
    _tell(
        {"holds": broken is None, "first_broken": broken},
        "The record holds." if broken is None else f"Entry {broken} is not as it was written.",
        as_json,
    )
    if broken is not None:
        sys.exit(1)
