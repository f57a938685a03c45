"""`portal classify` and `portal classifier`: ask the live version, and take a candidate from training to the customers and back."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from classifiers import KIND, answering
from data import access, approvals, releases, store, tasks
from data.errors import Misuse, Refused
from data.tables import Person, Proposal
from data.values import Target
from portal import jobs, runner
from portal.command import AsPerson, Json, Progress, acting, as_job, on_terminal, ready, tell

app = typer.Typer(no_args_is_help=True, help="Classifiers: train, compare, propose, ship, roll back, export.")
Name = Annotated[str, typer.Argument(help="The classifier's name.")]
OfNewest = Annotated[str, typer.Argument(help="The classifier's name; with @3 that version, else the newest.")]
STEP = 500  # texts at once
SHOWN = 120  # characters of a text


# -- ask --------------------------------------------------------------------------------------------------------------------------------


def classify(classifier: str, texts: list[str], *, file: str, by: Person, as_json: bool) -> None:
    """Prints what a version says of texts. Nothing is stored."""
    if bool(texts) == bool(file):
        raise Misuse("Nothing was classified: give either texts or --file with one text a line.")
    asked = texts or _lines(file)
    name, number = _parts(classifier)
    said: list[answering.Said] = []
    for start in range(0, len(asked), STEP):
        found = answering.answer(name, asked[start : start + STEP], number=number, by=by)
        number = found.target.number  # also of the rest, whatever goes live meanwhile
        said += found.said
    told = {"classifier": name, "version": number, "results": [one.told() for one in said]}
    tell(told, "\n".join(_line(one, text) for one, text in zip(said, asked, strict=True)), as_json)


def _lines(file: str) -> list[str]:
    shown = "standard input" if file == "-" else file
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        lines = content.decode("utf-8-sig").removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        raise Misuse(f"Nothing was classified: {shown} is not text in UTF-8.") from None
    except (OSError, ValueError) as wrong:  # ValueError: a name that no file can have
        raise Misuse(f"Nothing was classified: {shown} cannot be read.") from wrong
    if lines == [""]:
        raise Refused(f"Nothing was classified: {shown} is empty.")
    return [line.removesuffix("\r") for line in lines]


def _line(said: answering.Said, text: str) -> str:
    """A text on one line, without what a terminal would obey."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: SHOWN + 1])
    shown = shown[:SHOWN] + "…" if len(shown) > SHOWN else shown
    return f"{said.label or 'nothing, likeliest ' + said.top[0][0]}\t{said.confidence:.3f}\t{shown}"


# -- from training to the customers -----------------------------------------------------------------------------------------------------


@app.command("list")
def list_(name: Annotated[str, typer.Argument(help="Only this classifier.")] = "", by: AsPerson = "", as_json: Json = False) -> None:
    """Each classifier with what is live and its newest versions."""
    ready()
    found = [one for one in answering.known(by=acting(by)) if name in ("", one.name)]
    if name and not found:
        raise Refused(answering.unknown(name))
    lines = []
    for one in found:
        lines.append(f"{one.name}: {f'version {one.live} is live' if one.live else 'nothing is live'}")
        for line in one.versions:
            right = f"right in {line.accuracy}" if line.accuracy.n else "not checked"
            lines.append(f"  @{line.number:<4} {line.at:%Y-%m-%d %H:%M}  {line.rows:>7,} rows  {right:36} {line.stage}")
    tell({"classifiers": [one.told() for one in found]}, "\n".join(lines) or "No classifier was trained yet.", as_json)


@app.command("train")
def train(name: Name, by: AsPerson = "", as_json: Json = False) -> None:
    """Train the next version on what people named, here and now; the Jobs page shows it."""
    ready()
    person = _somebody(by)
    access.require(person, jobs.RIGHTS["train"])
    arguments = {"name": name}

    def work(progress: Progress) -> str:
        def both(share: float, doing: str) -> None:
            progress(share, doing)
            on_terminal(share, doing)

        return jobs.JOBS["train"](arguments, person, both)

    sentence = as_job("train", arguments, f"Train a candidate for {name}", person, work, again="The same command begins anew.")
    target = _target(name, person)
    tell({"classifier": name, "version": target.number, "sentence": sentence}, sentence, as_json)


@app.command("compare")
def compare(classifier: OfNewest, by: AsPerson = "", as_json: Json = False) -> None:
    """Run it on the frozen cases beside what is live. Exit 1 unless it may be released."""
    from classifiers import shipping

    ready()
    person = acting(by)
    target = _target(classifier, person)
    found = shipping.evaluate(target, by=person, progress=on_terminal)
    gate = found.decision
    told = {
        "classifier": target.name, "version": target.number, "set": found.eval_set.name, "set_version": found.version.number,
        "cases": found.passed.n, "passed": found.passed.k, "live": found.live_number, "sentence": found.sentence,
        "verdict": found.comparison.verdict if found.comparison else None, "gate": {"open": gate.is_open, "rules": gate.as_evidence()},
    }  # fmt: skip
    tell(told, f"{found.sentence} {'The gate is open.' if gate.is_open else f'The gate is closed: {gate.sentence}'}", as_json)
    if not gate.is_open:
        sys.exit(1)


@app.command("propose")
def propose(
    classifier: OfNewest,
    why: Annotated[str, typer.Option("--why", help="A sentence; the approver reads it first.")],
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Ask a second person to make it live, once it was compared."""
    from classifiers import shipping

    ready()
    person = _somebody(by)
    target = _target(classifier, person)
    made = shipping.propose(target, why=why, by=person)
    following = f"portal classifier ship {target.name}@{target.number}"
    words = (
        [f"Proposed: {made.title}. Another person ships it: {following} --by THEIR-ADDRESS", approvals.nobody_can(made)]
        if made.state == "open"
        else [f"Approved at once, as nobody else works here: {made.title}. The worker carries it out, or: {following} --by {by}"]
    )
    told = {"classifier": target.name, "version": target.number, "proposal": made.id, "state": made.state}
    tell(told, "\n".join(filter(None, words)), as_json)


@app.command("ship")
def ship(
    classifier: Annotated[str, typer.Argument(help="The classifier's name; with @3 that version, else the one that was proposed.")],
    note: Annotated[str, typer.Option("--note", help="What you want to say to it.")] = "",
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Approve what somebody else proposed, and carry it out here. Exit 1 where it needs yet another person."""
    ready()
    person = _somebody(by)
    proposal = _proposed(classifier, person)
    target = Target(KIND, proposal.payload["target_name"], proposal.payload["target_number"])
    approved = _carried_out(proposal, note, person)
    release = releases.of_proposal(proposal.id)
    stage = release.stage if release else proposal.state
    words = {
        "live": f"{target} is live: it answers for everybody.",
        "shadow": f"{target} runs beside the live version. It goes on by itself once what each step asks is met.",
    }.get(stage, f"Approved by {person.name}. {target} goes out once another person has approved it too.")
    tell({"classifier": target.name, "version": target.number, "proposal": proposal.id, "stage": stage}, words, as_json)
    if not approved:
        sys.exit(1)


def _proposed(told: str, by: Person) -> Proposal:
    """What waits for a yes, or for being carried out."""
    name, number = _parts(told)
    found = {
        one.payload["target_number"]: one
        for one in (*approvals.decided(by=by), *approvals.waiting(by=by))
        if one.kind == "ship_classifier" and one.state in ("open", "approved") and one.payload["target_name"] == name
    }
    fitting = [one for version, one in found.items() if number in (None, version)]
    if not fitting:
        raise Refused(f"Not shipped: nobody proposed {told}. Propose it first: portal classifier propose {told} --why …")
    if len(fitting) > 1:
        raise Misuse(f"Not shipped: several are proposed. Say which: {', '.join(f'{name}@{version}' for version in sorted(found))}.")
    return fitting[0]


def _carried_out(proposal: Proposal, note: str, by: Person) -> bool:
    """False: it needs another person too. What does not work is told word for word, and stands beside the proposal."""
    with runner.living("command") as me:
        with store.writing() as db:  # the task that the approval brings is ours before a worker sees it
            if proposal.state == "open":
                proposal = approvals.approve(proposal.id, note=note, by=by)
            if proposal.state != "approved":
                return False
            key = f"carry out {proposal.id}"
            task = tasks.later(db, "carry_out", {"proposal_id": proposal.id}, title=key, by=by, dedup_key=key)
            taken = tasks.take(task.id, me.id)
        if taken is not None:
            jobs.run(taken)
    ended = tasks.get(task.id)
    if ended is None or ended.state != "done":
        raise Refused((ended and ended.error) or f"Not done here: a worker is about to {proposal.title}. The Jobs page shows it.")
    return True


@app.command("rollback")
def rollback(
    classifier: Annotated[str, typer.Argument(help="With @3 to that version, else to the newest before this one that was live.")],
    why: Annotated[str, typer.Option("--why", help="It stands beside the release afterwards.")],
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Go back to a version that was live before, at once."""
    from classifiers import shipping

    ready()
    person = _somebody(by)
    access.require(person, "classifier.roll_back")
    name, number = _parts(classifier)
    target = Target(KIND, name, _before_live(name, person) if number is None else number)
    shipping.roll_back(target, why=why, by=person)
    told = {"classifier": target.name, "version": target.number}
    tell(told, f"{target} is live again: it answers for everybody from now on.", as_json)


def _before_live(name: str, by: Person) -> int:
    """Older than what is live: asked again it goes further back, never to what was just left."""
    live = releases.live(KIND, name)
    if live is None:
        raise Refused(f"Not rolled back: nothing of '{name}' is live.")
    older = [one.target_number for one in releases.history(KIND, name) if one.target_number < live.target_number]
    if not older:
        raise Refused(f"Not rolled back: nothing older than version {live.target_number} of '{name}' was live. Name one with @.")
    return max(older)


@app.command("export")
def export(
    classifier: Annotated[str, typer.Argument(help="The classifier's name; with @3 that version, else what is live, else the newest.")],
    out: Annotated[Path, typer.Option("--out", help="A new folder.")],
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Write a version as a folder that other programs load without the portal."""
    from classifiers import exporting

    ready()
    person = acting(by)
    target = _target(classifier, person, live_first=True)
    folder = exporting.export(target, out, by=person)
    told: dict[str, Any] = {"classifier": target.name, "version": target.number, "folder": str(folder)}
    tell(told, f"Exported {target} to {folder}. Its README.md says how other programs load it.", as_json)


# -- which ------------------------------------------------------------------------------------------------------------------------------


def _somebody(email: str) -> Person:
    """The console may look; what changes what customers get is somebody's."""
    if not email:
        raise Misuse("Say who does it: --by and your e-mail address. Nothing was done.")
    return acting(email)


def _parts(told: str) -> tuple[str, int | None]:
    name, at, number = told.rpartition("@")
    if not told.isprintable():
        raise Misuse("There is no classifier of that name.")
    if not at:
        return told, None
    if not name or not number.isdecimal() or len(number) > 9:
        raise Misuse(f"'{told}' is no version. Version 3 of the classifier intent is intent@3.")
    return name, int(number)


def _target(told: str, by: Person, *, live_first: bool = False) -> Target:
    name, number = _parts(told)
    if number is None:
        found = next((one for one in answering.known(by=by, most=1) if one.name == name), None)
        if found is None:
            raise Refused(answering.unknown(name))
        number = (found.live if live_first else None) or found.versions[0].number
    return Target(KIND, name, number)
