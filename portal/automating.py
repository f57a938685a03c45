"""`portal automation`: recipes as files, tried on a conversation and on what came before."""

import json
from pathlib import Path
from typing import Annotated

import typer

from automations import RECIPE, backtest, reading, recipe, recipes, trying
from automations import schema as schemas
from automations.running import Steps
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
