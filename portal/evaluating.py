"""`portal eval`: runs, comparisons and the gate at the console and in CI, and cases in and out as files."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from data import store
from data.errors import Misuse, Refused
from data.measures import percent
from data.tables import EvalSet, Person, Run, SetVersion
from portal import catalog
from portal.command import AsPerson, Json, acting, ready, tell

app = typer.Typer(no_args_is_help=True, help="Eval sets: run targets on them, compare, gate.")
OfSet = Annotated[str, typer.Argument(help="The eval set's name; with @3 that version, else the newest.")]
OfTarget = Annotated[str, typer.Argument(help=catalog.HOW)]


@app.command("run")
def run(
    eval_set: OfSet,
    target: OfTarget,
    gate: Annotated[bool, typer.Option("--gate", help="Exit 1 unless it may be released.")] = False,
    against: Annotated[str, typer.Option(help="What it is compared with; otherwise what is live of its kind.")] = "",
    repeats: Annotated[int, typer.Option(help="Ask each case so often; it passes when it passes each time.")] = 1,
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Run a target on a frozen set, compare it with what is live, and say whether it may be released."""
    from evals import compare as comparing
    from evals import passes, runs

    ready()
    person = acting(by)
    found, version = _version(eval_set, person)
    asked = catalog.target(target, by=person)
    made = runs.run(
        version.id, asked.target, asked.ask, by=person, repeats=repeats, again=asked.varies, known=catalog.graders_for(person),
        progress=_progress(as_json),
    )  # fmt: skip
    other = against or catalog.live_beside(asked.target)
    comparison = None
    tried = passes.of_run(made, by=person) if repeats > 1 else None
    often = tried.sentence if tried else ""
    if other:
        beside = catalog.target(other, by=person)
        live = runs.run(
            version.id, beside.target, beside.ask, by=person, repeats=repeats, again=True, known=catalog.graders_for(person),
            progress=_progress(as_json),
        )  # fmt: skip
        comparison = comparing.compare(made, live, by=person)
        often = passes.beside(tried, passes.of_run(live, by=person)) if tried else ""
    decision = comparing.decide([(made, comparison)], known=catalog.graders_for(person), by=person)
    faults = runs.faults(made.id)
    told = _told(found, version, made) | {
        "faults": dict(faults), "remark": made.error, "comparison": comparison.sentence if comparison else None,
        "verdict": comparison.verdict if comparison else None, "gate": {"open": decision.is_open, "rules": decision.as_evidence()},
    }  # fmt: skip
    told |= {"repeats": repeats, "every_time": tried.figures()} if tried else {}
    words = [f"{asked.target} passes {made.passed:,} of {cases(made.cases)} of '{found.name}' {version.number}."]
    words += [f"{often}."] if often else []
    words += [f"{count:,} of the answers: {error.rstrip('.')}." for error, count in faults]
    words += [f"{made.error[:1].upper()}{made.error[1:]}."] if made.error else []
    words += [comparison.sentence] if comparison else []
    words += ["The gate is open." if decision.is_open else f"The gate is closed: {decision.sentence}"]
    tell(told, " ".join(words), as_json)
    if gate and not decision.is_open:
        sys.exit(1)


@app.command("compare")
def compare(
    eval_set: OfSet,
    candidate: OfTarget,
    live: OfTarget,
    repeats: Annotated[int, typer.Option(help="The runs that asked each case so often.")] = 1,
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Compare two targets that were run on the same version; what was not run yet is run now."""
    from evals import compare as comparing
    from evals import passes, runs

    ready()
    person = acting(by)
    found, version = _version(eval_set, person)
    made: list[Run] = []
    for told in (candidate, live):
        asked = catalog.target(told, by=person)
        how: dict[str, Any] = {"repeats": repeats, "known": catalog.graders_for(person), "progress": _progress(as_json)}
        made.append(runs.run(version.id, asked.target, asked.ask, by=person, **how))
    one = comparing.compare(*made, by=person)
    often = passes.beside(*(passes.of_run(run, by=person) for run in made)) if repeats > 1 else ""
    parts = comparing.beside(one, by=person)
    words = [one.sentence, *([f"{often}."] if often else [])]
    tell(
        {
            "set": found.name, "version": version.number, "verdict": one.verdict, "sentence": one.sentence, "fixed": one.fixed,
            "broken": one.broken, "cases": one.cases, "difference": one.difference, "low": one.low, "high": one.high, "p": one.p,
            "more_needed": one.more_needed, "how": one.how, "every_time": often,
            "parts": [{"grader": part.grader_name, "slice": part.slice, "sentence": part.sentence} for part in parts],
        },
        "\n".join([*words, *(f"  {part.slice or part.grader_name}: {part.sentence}" for part in parts)]), as_json,
    )  # fmt: skip
    if one.verdict == "worse":
        sys.exit(1)


@app.command("list")
def list_(by: AsPerson = "", as_json: Json = False) -> None:
    """The sets, their newest version and what was run on it."""
    from evals import runs, sets

    ready()
    person = acting(by)
    found: list[dict[str, Any]] = []
    for eval_set in sets.all_sets(by=person):
        version = sets.latest(eval_set.id)
        ran = [_told(eval_set, version, run) for run in runs.of_version(version.id, by=person)] if version else []
        found.append(
            {
                "name": eval_set.name, "purpose": eval_set.purpose, "kind": eval_set.kind, "bar": sets.bar_of(eval_set),
                "version": version.number if version else None, "cases": sets.case_count(version.id) if version else 0, "runs": ran,
            }
        )  # fmt: skip
    words = []
    for one in found:
        words.append(f"{one['name']}  {cases(one['cases'])}, version {one['version'] or '–'}, bar {percent(one['bar'])}")
        words += [f"    {ran['target']}: {ran['passed']:,} of {ran['cases']:,}" for ran in one["runs"][:5]]
    tell({"sets": found}, "\n".join(words) or "There is no eval set yet.", as_json)


@app.command("import")
def import_(
    eval_set: Annotated[str, typer.Argument(help="The set that the cases are for.")],
    path: Path,
    as_: Annotated[str, typer.Option("--as", help="inspect, promptfoo or openai-evals; otherwise by the look of the file.")] = "",
    freeze: Annotated[bool, typer.Option(help="Freeze the set with them at once.")] = False,
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Add the cases of a file to a set. They are in it once it is frozen."""
    from evals import changes, files, freezing, sets

    ready()
    person = acting(by)
    if not path.is_file():
        raise Misuse(f"There is no file {path}.")
    content = path.read_bytes()
    name = as_ or files.guess(path.name, content)
    if name not in files.READERS:
        raise Misuse(f"Say what it is: --as {', '.join(files.READERS)}.")
    found = sets.by_name(eval_set, by=person)
    read = files.READERS[name](content)
    known = catalog.graders_for(person)
    with store.writing():  # who may not freeze leaves nothing behind that waits for it
        added = changes.add(found.id, read.cases, known=known, by=person, why=f"from {path.name}") if read.cases else []
        version = freezing.freeze(found.id, by=person) if freeze and added else None
    told = {
        "added": len(added), "lost": list(read.lost), "refused": [{"line": line, "why": why} for line, why in read.refused],
        "version": version.number if version else None,
    }  # fmt: skip
    words = [f"Added {cases(len(added))} to '{found.name}'{f', frozen as version {version.number}' if version else ', to be frozen'}."]
    tell(told, "\n".join([*words, *read.lost, *(why for _, why in read.refused)]), as_json)
    if read.refused:
        sys.exit(1)


@app.command("export")
def export(
    eval_set: OfSet,
    as_: Annotated[str, typer.Option("--as", help="inspect, promptfoo or openai-evals")],
    out: Annotated[Path, typer.Option(help="The file that is written.")],
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Write the cases of a version as a file that other tools read."""
    from evals import files, sets

    ready()
    person = acting(by)
    if as_ not in files.WRITERS:
        raise Misuse(f"There is no format '{as_}'. There are {', '.join(files.WRITERS)}.")
    found, version = _version(eval_set, person)
    written = files.WRITERS[as_](sets.as_new(version.id, by=person))
    try:
        out.write_text(written.text, encoding="utf-8")
    except OSError as wrong:
        raise Misuse(f"{out} cannot be written: {wrong.strerror}.") from wrong
    count = sets.case_count(version.id)
    words = [f"Wrote {cases(count)} of '{found.name}' {version.number} to {out}.", *written.lost]
    tell({"cases": count, "version": version.number, "file": str(out), "lost": list(written.lost)}, "\n".join(words), as_json)


def cases(count: int) -> str:
    return f"{count:,} {'case' if count == 1 else 'cases'}"


def _version(told: str, by: Person) -> tuple[EvalSet, SetVersion]:
    from evals import sets

    name, _, number = told.rpartition("@")
    if not name or not number.isdecimal():  # an @ in the set's own name
        name, number = told, ""
    found = sets.by_name(name, by=by)
    versions = sets.versions(found.id, by=by)
    chosen = next((one for one in versions if not number or str(one.number) == number), None)
    if chosen is None:
        raise Refused(f"'{name}' has no version {number}." if versions else f"'{name}' was not frozen yet.")
    return found, chosen


def _told(eval_set: EvalSet, version: SetVersion, run: Run) -> dict[str, Any]:
    return {
        "set": eval_set.name, "version": version.number, "target": f"{run.target_kind}:{run.target_name}@{run.target_number}",
        "cases": run.cases, "passed": run.passed, "cost": run.cost, "run": run.id,
    }  # fmt: skip


def _progress(quiet: bool) -> Any:
    def show(share: float, doing: str) -> None:
        if sys.stderr.isatty() and not quiet:
            print(f"\r{percent(share)}  {doing}", end="\n" if share >= 1 else "", file=sys.stderr, flush=True)

    return show
