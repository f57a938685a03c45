"""The command line. Each command prints for people, with --json for programs; exit 0, 1 for "the answer is no", 2 for misuse.

A start imports only what its command needs: most of what the portal stands on takes a second or two to read.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from data.errors import Misuse, Refused
from portal import logs
from portal.command import AsPerson, Json, acting, ready, tell
from portal.later import Groups, holding

# the words stand here and not in the modules, which `portal --help` does not import
GROUPS: Groups = {
    "user": ("portal.people_commands:user", "People and their roles."),
    "token": ("portal.people_commands:token", "Tokens for programs."),
    "dataset": ("portal.store_commands:dataset", "Curated datasets."),
    "audit": ("portal.store_commands:audit_commands", "The record of what was done."),
    "encoder": ("portal.store_commands:encoder", "The sentence encoder."),
    "bench": ("portal.bench:app", "Measure the portal's own code on your files."),
    "eval": ("portal.evaluating:app", "Eval sets: run targets on them, compare, gate."),
    "classifier": ("portal.classifying:app", "Classifiers: train, compare, propose, ship, roll back, export."),
    "knowledge": ("portal.knowing:app", "Articles: bring, publish, search, ask, take out."),
    "model": ("portal.modelling:app", "Models: in force, tried, proposed, gone back from."),
    "automation": ("portal.automating:app", "Automations: recipes in and out, checked, tried and backtested."),
    "tools": ("portal.tool_commands:app", "Tools of programs outside: what was approved, and what is otherwise now."),
    "policy": ("portal.policy_commands:app", "What machines may do alone, may propose, may never touch, intent by intent."),
    "surface": ("portal.surface_commands:app", "The chat widget on your own pages."),
    "measures": ("portal.measuring:app", "The figures that dashboards read."),
    "monitor": ("portal.monitoring:app", "Measures that are watched, and what was found."),
    "use-case": ("portal.use_casing:app", "Use cases: what is to be built and why, and how far it is."),
    "product-feedback": ("portal.feedback_commands:app", "Faults of the product: written up, handed to product teams, followed."),
    "note": ("portal.noting:app", "What happened, on the timeline of Quality."),
    "work": ("portal.my_working:app", "What one's own work changed."),
    "team": ("portal.teaming:app", "A team's work: how much was reviewed, what waits, how long decisions took."),
    "opportunity": ("portal.opportuning:app", "What could be automated, by how much of people's time it would save."),
}
app = typer.Typer(
    cls=holding(GROUPS), no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The portal's command line."
)


def main() -> None:
    try:
        logs.begin()
        app()
    except Misuse as misuse:
        print(misuse, file=sys.stderr)
        sys.exit(2)
    except Refused as refused:
        print(refused, file=sys.stderr)
        sys.exit(1)
    finally:
        if store := sys.modules.get("data.store"):  # a command that never came to the database has none to close
            store.close()


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
    from data import config, store
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
    from data import store
    from portal import worker as working

    if store.needs_migration():
        raise Misuse("The database waits for a migration. Run: portal migrate")
    working.serve()


@app.command()
def shop() -> None:
    """Run the embedded shop alone, on this machine: orders, refunds and credits to try recipes on."""
    from portal import shopkeeping

    shopkeeping.serve()


@app.command()
def digest(
    week: Annotated[str, typer.Option("--week", help="Any day of it, such as 2026-11-16; else the newest.")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown file has it, with its links.")] = False,
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """The digest of a week, of the conversations that the person named by --by sees."""
    from portal import digesting

    ready()
    found, words = digesting.told(digesting.day_of(week), markdown=markdown, by=acting(by))
    tell(found, words.rstrip(), as_json)


@app.command()
def migrate(demo: Annotated[bool, typer.Option(help="Then fill an empty portal with the demo.")] = False) -> None:
    """Bring the database to this code's shape."""
    ready()
    from data import people

    if demo and not people.anybody():
        from portal import demo as showing

        showing.build()


@app.command()
def doctor(as_json: Json = False) -> None:
    """Show the settings in force and what is wrong."""
    from portal import doctor as examining

    findings = examining.examine()
    tell(findings, examining.in_words(findings), as_json)
    if findings["wrong"]:
        sys.exit(1)


@app.command("import")
def import_(
    path: Path,
    format_name: Annotated[str, typer.Option("--format", help="auto, jsonl, csv, zendesk, intercom, chatwoot, mbox, eml or vtt")] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would come of it.")] = False,
    source: Annotated[
        str, typer.Option(help="What it comes from, where the file does not say: the same id there is the same conversation.")
    ] = "",
    role: Annotated[list[str], typer.Option("--role", help="Whose words a word of the file means: agent=rep")] = [],  # noqa: B006
    column: Annotated[list[str], typer.Option("--column", help="Which column of a CSV holds what: text=body")] = [],  # noqa: B006
    channel: Annotated[str, typer.Option(help="chat, email or voice, where the file does not say.")] = "",
    zone: Annotated[str, typer.Option("--zone", help="The time zone of times that name none: Europe/Berlin")] = "",
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Import conversations from a file or a folder."""
    ready()
    from portal import importing

    mapping = importing.mapping(source=source, roles=role, columns=column, channel=channel, zone=zone)
    importing.bring(path, format_name=format_name, mapping=mapping, dry_run=dry_run, by=acting(by), as_json=as_json)


@app.command()
def classify(
    classifier: Annotated[str, typer.Argument(help="The classifier's name; with @3 that version, else what is live.")],
    texts: Annotated[list[str] | None, typer.Argument(help="What customers wrote.")] = None,
    file: Annotated[str, typer.Option("--file", help="One text a line instead; - reads standard input.")] = "",
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Print label, confidence and text, a line each; "nothing" where it keeps silent. Nothing is stored."""
    ready()
    from portal import classifying

    classifying.classify(classifier, texts or [], file=file, by=acting(by), as_json=as_json)


@app.command()
def backup(
    path: Annotated[Path | None, typer.Argument(help="Where to; otherwise the home's backups.")] = None, as_json: Json = False
) -> None:
    """Make a backup while people work. The key in secrets/ is not in it: keep that apart."""
    ready()
    from data import backups, people

    made = backups.make(by=people.console(), path=path)
    tell({"path": str(made.path), "bytes": made.size, "rows": made.manifest["rows"]}, f"Made {made.sentence}", as_json)


@app.command()
def restore(
    path: Path,
    check: Annotated[bool, typer.Option("--check", help="Only look whether it is whole.")] = False,
) -> None:
    """Put a backup in the place of what is here, once it was found to be whole."""
    ready()
    from data import backups, people

    print(backups.verify(path) if check else backups.restore(path, by=people.console()))
