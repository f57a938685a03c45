"""`portal use-case`: use cases read, begun, taken on and reported."""

from typing import Annotated, Any

import typer

from data import use_cases
from portal import api_use_cases, use_case_text
from portal.command import AsPerson, Json, acting, ready, tell

app = typer.Typer(no_args_is_help=True, help="Use cases: what is to be built and why, and how far it is.")
Which = Annotated[str, typer.Argument(help="Its name or its id.")]
Why = Annotated[str, typer.Option(help="Why, in a sentence.")]


@app.command("list")
def list_(by: AsPerson = "", as_json: Json = False) -> None:
    """The own team's and everybody's, newest first."""
    ready()
    found = api_use_cases.all_of(acting(by))
    tell({"use_cases": found}, "\n".join(map(_line, found)) or "No use case was begun yet. Begin one: portal use-case begin NAME.", as_json)


def _line(told: dict[str, Any]) -> str:
    state = "stopped" if told["stopped_at"] else told["stage"]
    missing = f", {len(told['missing'])} missing before the next stage" if told["missing"] and not told["stopped_at"] else ""
    return f"{told['name']}: {state}{missing}"


@app.command()
def show(which: Which, by: AsPerson = "", as_json: Json = False) -> None:
    """One, with what its stage still asks for."""
    ready()
    told = api_use_cases.one(which, acting(by))
    lines = [_line(told), *(f"- {bar['sentence']}" for bar in [*told["owed"], *told["missing"]])]
    tell(told, "\n".join(lines), as_json)


@app.command()
def report(which: Which, by: AsPerson = "", as_json: Json = False) -> None:
    """A page of Markdown for whoever was not there."""
    ready()
    person = acting(by)
    text = use_case_text.markdown(use_cases.get(which, by=person), by=person)
    tell({"markdown": text}, text, as_json)


@app.command()
def begin(
    name: Annotated[str, typer.Argument(help="Such as 'Change of address'.")],
    goal: Annotated[str, typer.Option(help="Of the business, which it serves.")] = "",
    problem: Annotated[str, typer.Option(help="In a sentence or two.")] = "",
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Begin one; the rest is told on its page."""
    ready()
    told = api_use_cases.begin(api_use_cases.Begun(name=name, goal=goal or None, problem=problem or None), acting(by))
    tell(told, f"Begun: {told['name']}. {len(told['missing'])} things are missing before develop.", as_json)


@app.command("go-on")
def go_on(which: Which, why: Why = "", by: AsPerson = "", as_json: Json = False) -> None:
    """Into its next stage. Up to beta a reason may stand in for what is missing; into production nothing may."""
    ready()
    told = api_use_cases.go_on(which, api_use_cases.Moved(why=why), acting(by))
    tell(told, f"{told['name']} is in {told['stage']} now.", as_json)


@app.command("go-back")
def go_back(which: Which, why: Why = "", by: AsPerson = "", as_json: Json = False) -> None:
    """One stage, with a reason."""
    ready()
    told = api_use_cases.go_back(which, api_use_cases.Moved(why=why), acting(by))
    tell(told, f"{told['name']} is in {told['stage']} again.", as_json)


@app.command("sign-off")
def sign_off(which: Which, by: AsPerson = "", as_json: Json = False) -> None:
    """The systems and data that it touches, by an engineer who does not own it."""
    ready()
    told = api_use_cases.sign_off(which, acting(by))
    tell(told, f"Signed off what {told['name']} touches: {', '.join(told['systems'])}.", as_json)


@app.command()
def stop(which: Which, why: Why = "", by: AsPerson = "", as_json: Json = False) -> None:
    """It is not gone on with."""
    ready()
    told = api_use_cases.stop(which, api_use_cases.Moved(why=why), acting(by))
    tell(told, f"Stopped {told['name']}: {told['stopped_why']}", as_json)
