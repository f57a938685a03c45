"""`portal dataset`, `portal audit` and `portal encoder`: what is built from reviews, what was done, and what reads texts."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from data.errors import Misuse
from portal.command import AsPerson, Json, acting, ready, tell

dataset = typer.Typer(no_args_is_help=True, help="Curated datasets.")
audit_commands = typer.Typer(no_args_is_help=True, help="The record of what was done.")
encoder = typer.Typer(no_args_is_help=True, help="The sentence encoder.")


@dataset.command("build")
def dataset_build(
    definition: Path,
    format_name: Annotated[str, typer.Option("--as", help="sft or csv")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write to.")],
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Build a dataset from reviews: files, lineage, card and manifest."""
    ready()
    from data import datasets

    built = datasets.build(datasets.read_definition(definition), format_name=format_name, out=out, by=acting(by))
    version = built.version
    told = {
        "name": version.name,
        "number": version.number,
        "counts": version.counts,
        "files": {key: str(path) for key, path in built.files.items()},
    }
    counts = version.counts
    splits = ", ".join(f"{counts[split]:,} {split}" for split in ("train", "validation", "test") if split in counts)
    tell(
        told,
        f"Built {version.name} {version.number}: {counts['rows']:,} rows ({splits}), {counts['refused']:,} left out; in {out}.",
        as_json,
    )


@audit_commands.command("head")
def audit_head(as_json: Json = False) -> None:
    """Print the last entry's number and seal, to be kept elsewhere and given to verify later."""
    ready()
    from data import audit

    number, seal = audit.head()
    tell({"number": number, "seal": seal}, f"{number}:{seal}", as_json)


@audit_commands.command("verify")
def audit_verify(
    head: Annotated[str, typer.Option(help="A head that was kept elsewhere, NUMBER:SEAL.")] = "", as_json: Json = False
) -> None:
    """Check that nobody changed the record by hand."""
    ready()
    from data import audit

    number, _, seal = head.partition(":")
    if head and not (number.isdecimal() and seal):
        raise Misuse("The head reads like NUMBER:SEAL, as 'portal audit head' prints it.")
    broken = audit.broken((int(number), seal) if head else None)
    tell(
        {"holds": broken is None, "first_broken": broken.number if broken else None, "why": broken.why if broken else None},
        "The record holds." if broken is None else f"Entry {broken.number:,} {broken.why}.",
        as_json,
    )
    if broken is not None:
        sys.exit(1)


@encoder.command("install")
def encoder_install(
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder with model.safetensors or model.onnx, and tokenizer.json.")
    ] = None,
    language: Annotated[list[str], typer.Option(help="What it was made for: en")] = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Put the sentence encoder into the portal's home: the shipped one, or another from a folder."""
    ready()
    from dataclasses import asdict

    from data import vectors

    made = vectors.install(source, languages=tuple(language))
    agrees = f", least cosine to the exact vectors {made.agreement:.3f}" if made.agreement is not None else ""
    tell(asdict(made), f"Installed {made.name}: {made.size} numbers a text{agrees}.", as_json)


@encoder.command("fill")
def encoder_fill() -> None:
    """Encode what is not encoded yet, here and now. The worker does the same every few minutes."""
    ready()
    from portal import encoders

    print(encoders.fill(lambda share, doing: print(f"{share:4.0%} {doing}", file=sys.stderr)))
