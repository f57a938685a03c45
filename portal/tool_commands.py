"""`portal tools`: programs with tools, whether they still are what was approved, and what they say otherwise."""

from typing import Annotated

import typer

from automations.outside import money, sources
from automations.outside.sources import Standing
from data.errors import Refused
from portal.command import AsPerson, Json, acting, ready, tell

app = typer.Typer(no_args_is_help=True, help="Tools of programs outside: what was approved, and what is otherwise now.")
Name = Annotated[str, typer.Argument(help="The program's name; otherwise all.")]


@app.command("list")
def list_(by: AsPerson = "", as_json: Json = False) -> None:
    """Every program with its tools, as they were approved and last looked at."""
    ready()
    found = sources.listed(by=acting(by))
    tell({"programs": [_told(one) for one in found]}, "\n".join(map(_lines, found)) or "No program with tools is connected.", as_json)


@app.command()
def check(name: Name = "", by: AsPerson = "", as_json: Json = False) -> None:
    """Ask each program what it offers now. Exit 1 where one cannot be asked, or a tool is not what was approved."""
    ready()
    person = acting(by)
    names = [sources.named(name).name] if name else [one.name for one in sources.listed(by=person)]
    wrong: list[str] = []
    looked: list[Standing] = []
    for each in names:
        try:
            looked.append(sources.look(each, by=person))
        except Refused as refused:
            wrong.append(f"{each}: {refused}")
    sentence = "\n".join([*map(_lines, looked), *wrong]) or "No program with tools is connected."
    tell({"programs": [_told(one) for one in looked], "wrong": wrong}, sentence, as_json)
    if wrong or any(one.changed or one.gone for one in looked):
        raise typer.Exit(1)


def _told(one: Standing) -> dict[str, object]:
    return {
        "name": one.name, "where": one.where, "disabled": one.disabled, "approved": {name: pin.tool.sha for name, pin in one.pins.items()},
        "changed": {name: one.differs(name) for name in one.changed}, "new": [tool.name for tool in one.new], "gone": list(one.gone),
        "left_out": list(one.seen.left_out) if one.seen else [],
        "money": {name: dict(pin.money) for name, pin in one.pins.items() if pin.money},
        "money_not_said": {name: places for name, pin in one.pins.items() if (places := money.unnamed(pin))},
    }  # fmt: skip


def _lines(one: Standing) -> str:
    differs = [f"  {name}: {told}" for name in one.changed for told in one.differs(name)]
    unsaid = [f"  {money.not_said(pin, places)}." for pin in one.pins.values() if (places := money.unnamed(pin))]
    return "\n".join([sources.in_words(one), *differs, *unsaid])
