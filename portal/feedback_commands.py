"""`portal product-feedback`: faults of the product, written up and handed over, such as by a program that keeps tickets."""

from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from data.errors import Misuse
from data.product_feedback import STATES
from portal import api_product_feedback, feedback_document
from portal.command import AsPerson, Json, acting, ready, tell

app = typer.Typer(no_args_is_help=True, help="Faults of the product: written up, handed to product teams, followed.")
Form = TypeVar("Form", bound=BaseModel)
Id = Annotated[str, typer.Argument(help="As `portal product-feedback list` shows it.")]


@app.command("list")
def list_(by: AsPerson = "", as_json: Json = False) -> None:
    """The newest first, each with its share of the last four weeks."""
    ready()
    found = api_product_feedback.all_of(acting(by))
    tell({"feedback": found}, "\n".join(map(_line, found)) or "Nothing was written up for a product team yet.", as_json)


def _line(told: dict[str, Any]) -> str:
    to = f", {told['product_team']}" if told["product_team"] else ""
    return f"{told['id']}  {STATES[told['state']]}{to}: {told['title']} ({100 * told['share']:.1f} %, {told['conversations']:,})"


@app.command()
def show(feedback_id: Id, by: AsPerson = "", as_json: Json = False) -> None:
    """The page that a product manager reads, as Markdown."""
    ready()
    found = feedback_document.collected(feedback_id, by=acting(by))
    tell(feedback_document.document(found, words_of_customers=True), feedback_document.markdown(found).rstrip(), as_json)


@app.command()
def write(
    title: Annotated[str, typer.Argument(help="The fault, in a few words.")],
    text: Annotated[str, typer.Argument(help="What customers run into.")],
    search: Annotated[str, typer.Option(help="Words that find its conversations.")] = "",
    intent: Annotated[str | None, typer.Option(help="The intent that it is about, by name.")] = None,
    wish: Annotated[str, typer.Option(help="What would help them.")] = "",
    sample: Annotated[list[str], typer.Option("--sample", help="A conversation's id, 3 to 10 times; else the newest.")] = [],  # noqa: B006
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Write a fault up."""
    ready()
    given = {"title": title, "text": text, "search": search, "intent": intent, "wish": wish, "samples": sample}
    told = api_product_feedback.write(_checked(api_product_feedback.Written, given), acting(by))
    tell(told, f"Written up as {told['id']}: {told['title']}", as_json)


@app.command("hand-over")
def hand_over(
    feedback_id: Id,
    product_team: Annotated[str, typer.Argument(help="Its name.")],
    sentence: Annotated[str, typer.Argument(help="What they are asked for, in a sentence.")],
    webhook: Annotated[str, typer.Option(help="One that was approved is sent it too.")] = "",
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Hand it to a product team."""
    ready()
    given = {"product_team": product_team, "sentence": sentence, "webhook": webhook}
    told = api_product_feedback.hand_over(feedback_id, _checked(api_product_feedback.HandedOver, given), acting(by))
    also = f" It is sent to the webhook {webhook} within minutes." if webhook else ""
    tell(told, f"Handed to {told['product_team']}: {told['title']}.{also}", as_json)


@app.command()
def step(
    feedback_id: Id,
    state: Annotated[str, typer.Argument(help="accepted, building, changed or declined.")],
    sentence: Annotated[str, typer.Argument(help="What the product team said.")],
    day: Annotated[str | None, typer.Option("--on", help="Since when, such as 2026-11-16; otherwise today.")] = None,
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Keep what became of it."""
    ready()
    given = {"state": state, "sentence": sentence, "day": day}
    told = api_product_feedback.step(feedback_id, _checked(api_product_feedback.Stepped, given), acting(by))
    tell(told, f"{STATES[told['state']]}: {told['title']}", as_json)


@app.command()
def export(
    feedback_id: Id,
    folder: Annotated[Path, typer.Argument(help="A folder that is there: feedback.md and samples.csv are written into it.")],
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Its page as Markdown and its samples as CSV, personal data masked."""
    ready()
    if not folder.is_dir():
        raise Misuse(f"There is no folder {folder}.")
    names = []
    for name, content in feedback_document.files(feedback_id, by=acting(by)).items():
        (folder / name).write_text(content, newline="")
        names.append(str(folder / name))
    tell({"files": names}, f"Written: {', '.join(names)}", as_json)


def _checked(form: type[Form], given: dict[str, Any]) -> Form:
    try:
        return form.model_validate(given)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise Misuse(f"{wrong['loc'][0]} cannot be used: {wrong['msg'].lower()}.") from None
