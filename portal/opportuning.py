"""`portal opportunity`: what could be automated, as the last night found it."""

import typer

from portal.command import AsPerson, Json, acting, ready, tell

app = typer.Typer(no_args_is_help=True, help="What could be automated, by how much of people's time it would save.")


@app.callback()
def only_groups() -> None:
    """With one command only, its name would be left out otherwise."""


@app.command("list")
def list_(by: AsPerson = "", as_json: Json = False) -> None:
    """What would save most of people's time first."""
    ready()
    from automations import opportunities
    from portal import api_opportunities, opportunity_words

    found = opportunities.newest(by=acting(by))
    if found is None or not found.found:
        words = "Nothing was found yet. The portal looks each night, once conversations with an intent have come in."
    else:
        words = "\n".join([opportunity_words.whose(found), *map(opportunity_words.line, found.found)])
    tell(opportunity_words.as_json(found) if found else api_opportunities.NOBODY_LOOKED, words, as_json)
