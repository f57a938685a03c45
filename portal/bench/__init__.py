"""Measures exactly the code that ships, on files that somebody brings: how anybody checks our figures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Measure the portal's own code on your files.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]


def tell(told: dict[str, Any], as_json: bool) -> None:
    """One figure a line, or one object."""
    print(json.dumps(told, ensure_ascii=False) if as_json else "\n".join(_lines(told)))  # noqa: T201


def _lines(told: dict[str, Any], before: str = "") -> list[str]:
    lines = []
    for name, value in told.items():
        if isinstance(value, dict):
            lines += _lines(value, f"{before}{name} ")
        else:
            shown = f"{value:,.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
            lines.append(f"{before + name:44} {shown}")
    return lines


def _run(measure: Callable[[], dict[str, Any]], as_json: bool) -> None:
    tell(measure(), as_json)


@app.command("redact")
def bench_redact(
    texts: Annotated[Path, typer.Option("--texts", help="{full_text, spans} or {text}, one a line or a list.")], as_json: Json = False
) -> None:
    """Recall and precision of redaction, false alarms, texts a second."""
    from portal.bench import redact as measuring

    _run(lambda: measuring.run(texts), as_json)


@app.command("import")
def bench_import(path: Path, as_json: Json = False) -> None:
    """Conversations and messages a second, against bare inserts of the same rows in the same run."""
    from portal.bench import importing

    _run(lambda: importing.run(path), as_json)


@app.command("screens")
def bench_screens(
    conversations: Annotated[int, typer.Option(help="How many stand in the portal while it is measured.")] = 200_000, as_json: Json = False
) -> None:
    """What a rep waits for in the domain layer: the queue's page, a search, a conversation, a save."""
    from portal.bench import screens as measuring

    _run(lambda: measuring.run(conversations), as_json)
