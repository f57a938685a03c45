"""`portal automation`: recipes as files, tried on a conversation and on what came before."""

import json
from pathlib import Path
from typing import Annotated

import typer

from automations import RECIPE, backtest, reading, recipe, recipes, trying
from automations import schema as schemas
from automations.running import Steps
from data import access, releases
from data.errors import Misuse
from data.values import Target
from portal import catalog, shopkeeping
from portal.command import AsPerson, Json, acting, on_terminal, ready, tell

app = typer.Typer(no_args_is_help=True, help="Automations: recipes in and out, checked, tried and backtested.")
Name = Annotated[str, typer.Argument(help="The recipe's name; with @3 that version, else the newest.")]
File = Annotated[Path, typer.Argument(help="A recipe as YAML.")]


@app.command("list")
def list_(by: AsPerson = "", as_json: Json = False) -> None:
    """Every recipe with its newest version and the one that is live."""
    ready()
    found = recipes.listed(by=acting(by))
    rows = [{"name": one.name, "title": one.title, "newest": one.newest.target_number, "live": one.live} for one in found]
    tell({"recipes": rows}, "\n".join(_line(one) for one in found) or "There is no recipe yet.", as_json)


def _line(one: recipes.Kept) -> str:
    live = f", live {one.live}" if one.live else ""
    return f"{one.name}  {one.title}  version {one.newest.target_number}{live}"


@app.command()
def check(file: File, as_json: Json = False) -> None:
    """Say what is wrong with a recipe, and keep nothing. Exit 1 where something is."""
    made = reading.read(_content(file), recipes.declared(_steps()))
    recipe.check(made, recipes.declared(_steps()))
    tell({"name": made.name, "ok": True}, f"Nothing is wrong with '{made.name}'.", as_json)


@app.command("import")
def import_(file: File, why: str = "Brought from a file.", by: AsPerson = "", as_json: Json = False) -> None:
    """Keep a recipe as the next version of its name."""
    ready()
    person = acting(by)
    made = reading.read(_content(file), recipes.declared(_steps()))
    before = next((one.newest.target_number for one in recipes.listed(by=person) if one.name == made.name), None)
    kept = recipes.save(made, why=why, based_on=before, by=person)
    tell({"name": made.name, "number": kept.target_number}, f"Kept as version {kept.target_number} of '{made.name}'.", as_json)


@app.command()
def export(name: Name, by: AsPerson = "") -> None:
    """Print a recipe as YAML."""
    ready()
    own, number = _parts(name)
    typer.echo(reading.written(recipes.read(recipes.get(own, number, by=acting(by)))), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON schema of a recipe, for editors."""
    typer.echo(json.dumps(schemas.of(recipes.declared(_steps())), indent=2))


@app.command("dry-run")
def dry_run(
    name: Name, conversation: Annotated[str, typer.Argument(help="Its id.")], by: AsPerson = "", as_json: Json = False
) -> None:  # fmt: skip
    """Run a recipe on a conversation as it stood; nothing leaves."""
    ready()
    own, number = _parts(name)
    person = acting(by)
    made = recipes.read(recipes.get(own, number, by=person))
    with shopkeeping.beside() as shop:
        tried = trying.on(made, conversation, connected=catalog.connected_for(person, shop=shop), steps=_steps(), by=person)
    told = {"state": tried.told.state, "sentence": tried.sentence, "steps": [vars(one) for one in tried.told.spans]}
    lines = [f"{one.name}: {one.state}{f'. {one.why}' if one.why else ''}" for one in tried.told.spans]
    tell(told, "\n".join([*lines, *(f"- {did.wanted.told}: {did.state}" for did in tried.did), tried.sentence]), as_json)


@app.command("backtest")
def backtest_(
    name: Name, most: Annotated[int, typer.Option(help="Conversations at most.")] = backtest.MOST, by: AsPerson = "",
    as_json: Json = False,
) -> None:  # fmt: skip
    """Run a recipe on the newest conversations that it is for, beside what people did; nothing leaves."""
    ready()
    own, number = _parts(name)
    person = acting(by)
    version = recipes.get(own, number, by=person)
    with shopkeeping.beside() as shop:
        study = backtest.run(
            Target(RECIPE, own, version.target_number), connected=catalog.connected_for(person, shop=shop), steps=_steps(), by=person,
            most=most, known=catalog.graders_for(person), progress=on_terminal,
        )  # fmt: skip
    tell(study.told, study.told["sentence"], as_json)


Trace = Annotated[str, typer.Argument(help="A run's id, as its page and its decision record name it.")]


@app.command()
def replay(trace: Trace, by: AsPerson = "", as_json: Json = False) -> None:
    """Do a run again from what was frozen of it; nothing leaves. Exit 1 where it does not go exactly as it went."""
    from automations import replay as replaying
    from automations.connectors import connecting
    from automations.outside import sources

    ready()
    done = replaying.replay(trace, steps=_steps(), by=acting(by), services=connecting.in_force(), tools=sources.in_force())
    told = {"exact": done.exact, "steps": done.steps, "effects": done.effects, "differs": list(done.differs), "changed": done.changed}
    tell(told, "\n".join([done.sentence, *(f"- {one}" for one in done.differs[replaying.MOST :])]), as_json)
    if not done.exact:
        raise typer.Exit(1)


@app.command()
def record(
    trace: Trace, out: Annotated[Path, typer.Option(help="A new file, such as f.html.")], by: AsPerson = "", as_json: Json = False
) -> None:  # fmt: skip
    """Write a run's decision record: one page to print."""
    from automations import decision
    from portal import decision_record

    ready()
    page = decision_record.page(decision.record(trace, by=acting(by)))
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(page)
    except OSError as error:
        raise Misuse(f"Nothing was written: {out} exists, or cannot be made.") from error
    tell({"file": str(out)}, f"Written to {out}.", as_json)


@app.command()
def propose(
    name: Name, why: Annotated[str, typer.Option(help="The approver reads it first.")],
    team: Annotated[list[str] | None, typer.Option(help="Only for this team; may be given again.")] = None,
    channel: Annotated[list[str] | None, typer.Option(help="Only for this channel; may be given again.")] = None,
    segment: Annotated[list[str] | None, typer.Option(help="Only for these customers; may be given again.")] = None,
    by: AsPerson = "", as_json: Json = False,
) -> None:  # fmt: skip
    """Ask a second person to release a recipe."""
    from automations import release

    ready()
    own, number = _parts(name)
    person = acting(by)
    target = Target(RECIPE, own, recipes.get(own, number, by=person).target_number)
    audience = {"team": team or [], "channel": channel or [], "segment": segment or []}
    made = release.propose(target, why=why, steps=_steps(), known=catalog.graders_for(person), by=person, audience=audience)
    tell({"proposal": made.id, "kind": made.kind, "state": made.state}, f"Proposed: {made.title}. Another person decides.", as_json)


@app.command()
def status(by: AsPerson = "", as_json: Json = False) -> None:
    """What is in force or on its way: how far each is, and what would trip it."""
    from automations import release, tripping

    ready()
    person = acting(by)
    access.require(person, "automation.read")
    known, rows, lines = catalog.graders_for(person), [], []
    for one in [one for kept in recipes.listed(by=person) for one in releases.steps(RECIPE, kept.name) if one.stage != "ended"]:
        marks = tripping.marks(tripping.of(one, steps=_steps(), known=known, by=person))
        found = release.progress_of(one, steps=_steps(), known=known, by=person) if one.stage != "live" else None
        sentence = found.sentence if found else f"{releases.target_of(one)} is live."
        asks = list(found.asks) if found else []
        told = {"name": one.target_name, "number": one.target_number, "stage": one.stage, "percent": one.percent, "sentence": sentence}
        rows.append(told | {"asks": asks, "trips": [vars(mark) for mark in marks]})
        lines += [" ".join([sentence, *asks]), *(f"  {mark.what}: {mark.so_far}; stops at {mark.trips_at}" for mark in marks)]
    tell({"releases": rows}, "\n".join(lines) or "No recipe is in force.", as_json)


@app.command()
def stop(
    why: Annotated[str, typer.Option(help="Whoever gets the open runs reads it.")],
    name: Annotated[str, typer.Argument(help="The recipe's name.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every recipe that is in force.")] = False,
    by: AsPerson = "", as_json: Json = False,
) -> None:  # fmt: skip
    """Stop a recipe, or all of them, at once. What they had begun goes to people."""
    from automations import stopping

    if every == bool(name):
        raise Misuse("Nothing was stopped: give either a recipe's name or --all.")
    ready()
    person = acting(by)
    stopped = stopping.stop_all(why=why, by=person) if every else stopping.stop(name, why=why, by=person)
    tell({**vars(stopped), "sentence": stopped.sentence}, stopped.sentence, as_json)


def _steps() -> Steps:
    """They load what they ask: only where one is needed."""
    from automations.steps.all import STEPS

    return STEPS


def _parts(name: str) -> tuple[str, int | None]:
    own, at, number = name.partition("@")
    if at and not number.isdigit():
        raise Misuse(f"'{name}' names no recipe: write a name, or a name and a version such as lost-parcel@3.")
    return own, int(number) if at else None


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Misuse(f"Nothing was read: {file} cannot be opened.") from error
