"""`portal policy`: what machines may do on each intent; stricter is set, looser is proposed."""

from typing import Annotated

import typer

from automations import mandated, mandates
from automations.mandated import Row
from automations.mandates import WORDS, Line
from data.errors import Misuse
from portal import api_policy
from portal.command import AsPerson, Json, acting, ready, tell

app = typer.Typer(no_args_is_help=True, help="What machines may do alone, may propose, may never touch, intent by intent.")
AS_OTHERS = "else"
Intent = Annotated[str, typer.Argument(help=f"Its name; '{mandates.OTHERS}' or '{mandates.UNKNOWN}' for what stands in the place of one.")]
May = Annotated[str, typer.Argument(help=f"alone, propose or never; '{AS_OTHERS}': as everything else.")]
Judgement = Annotated[bool, typer.Option("--judgement", help="Mark it as judgement work: no machine touches it.")]
Note = Annotated[str, typer.Option(help="Whoever takes over from a machine reads it too.")]


@app.command("list")
def list_(by: AsPerson = "", as_json: Json = False) -> None:
    """What holds for each intent, what came in 30 days, and what machines did of it."""
    ready()
    found = mandated.shown(by=acting(by))
    told = {"number": found.number, "intents": [api_policy.held(row) for row in found.rows]}
    lines = [_line(row) for row in found.rows]
    lines += [] if found.is_set else ["No policy is set: each recipe is held to its own limits alone."]
    tell(told, "\n".join(lines), as_json)


def _line(row: Row) -> str:
    counted = f"  {row.figures.conversations:>7,} came, {row.figures.by_machine:,} by machine" if row.figures else ""
    told = row.line.told if row.own else f"{row.line.told}, as everything else"
    note = f"  ({row.line.note})" if row.own and row.line.note else ""
    return f"{row.title:32} {told:48}{counted}{note}".rstrip()


@app.command("set")
def set_(
    intent: Intent, may: May, why: Annotated[str, typer.Option(help="It stands in the record.")], judgement: Judgement = False,
    note: Note = "", by: AsPerson = "", as_json: Json = False,
) -> None:  # fmt: skip
    """Make it stricter, or change its note: in force at once."""
    ready()
    key, wanted = _key(intent), _wanted(may, judgement, note)
    row = mandates.tighten(key, wanted, why=why, by=acting(by))
    line = mandates.change(key, wanted).after
    tell({"number": row.number, "intent": intent, **line.model_dump()}, f"{intent}: {line.told}. It holds from now on.", as_json)


@app.command()
def propose(
    intent: Intent, may: May, why: Annotated[str, typer.Option(help="The approver reads it first.")], note: Note = "", by: AsPerson = "",
    as_json: Json = False,
) -> None:  # fmt: skip
    """Make it looser, or take the mark of judgement work away: another person approves."""
    ready()
    made = mandates.propose(_key(intent), _wanted(may, False, note), why=why, by=acting(by))
    tell({"proposal": made.id, "title": made.title}, f"Proposed: {made.title}. An engineer or an admin who is not you decides.", as_json)


def _key(intent: str) -> str:
    if key := mandates.key_named(intent):
        return key
    raise Misuse(f"There is no intent '{intent}'. portal policy list names them.")


def _wanted(may: str, judgement: bool, note: str) -> Line | None:
    if may not in (*WORDS, AS_OTHERS):
        raise Misuse(f"There is no '{may}'. There are alone, propose, never and {AS_OTHERS}.")
    return None if may == AS_OTHERS and not judgement else mandates.line(may if may in WORDS else "never", judgement=judgement, note=note)
