"""The command line. Each command prints for people, with --json for programs; exit 0, 1 for "the answer is no", 2 for misuse."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from data import access, config, people, store
from data.errors import Misuse, Refused
from data.tables import Person
from portal import automating, bench, classifying, evaluating, knowing, logs, modelling, policy_commands, surface_commands, tool_commands
from portal.command import AsPerson, Json, acting, as_job, ready, tell

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The portal's command line.")
user = typer.Typer(no_args_is_help=True, help="People and their roles.")
dataset = typer.Typer(no_args_is_help=True, help="Curated datasets.")
audit_commands = typer.Typer(no_args_is_help=True, help="The record of what was done.")
encoder = typer.Typer(no_args_is_help=True, help="The sentence encoder.")
token = typer.Typer(no_args_is_help=True, help="Tokens for programs.")
app.add_typer(user, name="user")
app.add_typer(token, name="token")
app.add_typer(dataset, name="dataset")
app.add_typer(audit_commands, name="audit")
app.add_typer(encoder, name="encoder")
app.add_typer(bench.app, name="bench")
app.add_typer(evaluating.app, name="eval")
app.add_typer(classifying.app, name="classifier")
app.add_typer(knowing.app, name="knowledge")
app.add_typer(modelling.app, name="model")
app.add_typer(automating.app, name="automation")
app.add_typer(tool_commands.app, name="tools")
app.add_typer(policy_commands.app, name="policy")
app.add_typer(surface_commands.app, name="surface")
app.command("classify")(classifying.classify)


def main() -> None:
    try:
        logs.begin()
        app()
    except Misuse as misuse:
        print(misuse, file=sys.stderr)
        sys.exit(2)
    except Refused as refused:
        print(refused, file=sys.stderr)
        sys.exit(1)
    finally:
        store.close()


@app.command()
def up(
    demo: Annotated[bool, typer.Option(help="Fill an empty portal with a fictional company.")] = False,
    port: Annotated[int | None, typer.Option(help="The port to listen on; 0 for any free one.")] = None,
) -> None:
    """Run the portal: web and worker."""
    from portal import up as starting

    starting.up(demo=demo, port=port)


@app.command()
def web(port: Annotated[int | None, typer.Option()] = None) -> None:
    """Run the web process alone."""
    from portal import up as starting
    from portal import web as serving

    if store.needs_migration():
        raise Misuse("The database waits for a migration. Run: portal migrate")
    settings = config.settings()
    starting.check_address(settings.host)
    sock = serving.listening_socket(settings.host, settings.port if port is None else port)
    serving.serve(sock, on_ready=lambda: starting.greet(f"http://{settings.host}:{sock.getsockname()[1]}"))


@app.command()
def worker() -> None:
    """Run the worker alone: background jobs."""
    from portal import worker as working

    if store.needs_migration():
        raise Misuse("The database waits for a migration. Run: portal migrate")
    working.serve()


@app.command()
def shop() -> None:
    """Run the embedded shop alone, on this machine: orders, refunds and credits to try recipes on."""
    from portal import shopkeeping

    shopkeeping.serve()


@app.command()
def migrate(demo: Annotated[bool, typer.Option(help="Then fill an empty portal with the demo.")] = False) -> None:
    """Bring the database to this code's shape."""
    ready()
    if demo and not people.anybody():
        from portal import demo as showing

        showing.build()


@app.command()
def doctor(as_json: Json = False) -> None:
    """Show the settings in force and what is wrong."""
    from portal import doctor as examining

    findings = examining.examine()
    tell(findings, examining.in_words(findings), as_json)
    if findings["wrong"]:
        sys.exit(1)


@app.command("import")
def import_(
    path: Path,
    format_name: Annotated[str, typer.Option("--format", help="auto, jsonl, csv, zendesk, intercom, chatwoot, mbox, eml or vtt")] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would come of it.")] = False,
    source: Annotated[
        str, typer.Option(help="What it comes from, where the file does not say: the same id there is the same conversation.")
    ] = "",
    role: Annotated[list[str], typer.Option("--role", help="Whose words a word of the file means: agent=rep")] = [],  # noqa: B006
    column: Annotated[list[str], typer.Option("--column", help="Which column of a CSV holds what: text=body")] = [],  # noqa: B006
    channel: Annotated[str, typer.Option(help="chat, email or voice, where the file does not say.")] = "",
    zone: Annotated[str, typer.Option("--zone", help="The time zone of times that name none: Europe/Berlin")] = "",
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Import conversations from a file or a folder."""
    ready()
    from data.intake import files

    person, mapping = acting(by), _mapping(source, role, column, channel, zone)
    report: dict[str, Any] = {}
    if dry_run:
        seen = files.look(path, by=person, format_name=format_name, mapping=mapping)
        report = seen.told() | {"unit": seen.unit}
        samples = files.samples(path, by=person, format_name=format_name, mapping=mapping)
        tell(report, "\n".join(["Nothing was stored. It would be:", files.in_words(report), *_samples(samples)]), as_json)
        sys.exit(1 if report["refused"] and not report["conversations"] else 0)

    def work(progress: Callable[[float, str], None]) -> str:
        report.update(files.import_file(path, by=person, format_name=format_name, mapping=mapping, progress=progress))
        return files.in_words(report)

    sentence = as_job("import", {"here": True}, f"Import {path.name}", person, work, again="The same command goes on where it stopped.")
    tell(report, sentence, as_json)
    if report["refused"] and not report["conversations"]:
        sys.exit(1)


def _mapping(source: str, roles: list[str], columns: list[str], channel: str, zone: str) -> Any:
    """What was said on the command line; the rest is guessed from the file."""
    from zoneinfo import available_timezones

    from data.intake.reading import Mapping

    if channel and channel not in ("chat", "email", "voice"):
        raise Misuse(f"There is no channel '{channel}'. There are chat, email and voice.")
    if zone and zone not in available_timezones():
        raise Misuse(f"There is no time zone '{zone}'. One reads like Europe/Berlin.")
    said = Mapping(
        source=source or Mapping.source, channel=channel or None, roles=_pairs("--role", roles), columns=_pairs("--column", columns),
        time_zone=zone or Mapping.time_zone,
    )  # fmt: skip
    unknown = [ours for ours in said.roles.values() if ours not in ("customer", "rep", "assistant", "system", "tool")]
    if unknown:
        raise Misuse(f"There is no role '{unknown[0]}'. There are customer, rep, assistant, system and tool.")
    return said


def _pairs(option: str, told: list[str]) -> dict[str, str]:
    made = dict(one.partition("=")[::2] for one in told)
    if any(not left or not right for left, right in made.items()):
        raise Misuse(f"{option} reads like {'agent=rep' if option == '--role' else 'text=body'}.")
    return made


def _samples(samples: list[Any]) -> list[str]:
    told = []
    for sample in samples:
        told.append(f"\n{sample.id}")
        for (role, before), (_, after) in zip(sample.before, sample.after, strict=True):
            told.append(f"  {role:9} {' '.join(before.split())[:120]}")
            if before != after:
                told.append(f"  {'becomes':>9} {' '.join(after.split())[:120]}")
    return told


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


@user.command("add")
def user_add(
    name: str,
    email: str,
    role: str,
    team: Annotated[str, typer.Option(help="The team's name; a new one is made.")] = "",
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Add a person."""
    ready()
    console = people.console()
    with store.writing():
        found = people.team_named(team) or people.add_team(team, by=console) if team else None
        person = people.add(name, email, role, by=console, team=found, password=password)
    print(f"Added {person.name} as {person.role}.")


@user.command("disable")
def user_disable(email: str) -> None:
    """Disable an account and end its sign-ins."""
    ready()
    person = people.disable(_known(email).id, by=people.console())
    print(f"Disabled {person.name}; their sign-ins have ended.")


@user.command("enable")
def user_enable(email: str) -> None:
    """Let somebody back in."""
    ready()
    person = people.enable(_known(email).id, by=people.console())
    print(f"Enabled {person.name}.")


@user.command("role")
def user_role(email: str, role: str) -> None:
    """Give somebody another role. Leads and admins are made here until there are two admins."""
    ready()
    person = people.set_role(_known(email).id, role, by=people.console())
    print(f"{person.name} is {access.a(person.role)}.")


@user.command("invite")
def user_invite(email: str) -> None:
    """Print a link with which somebody sets a password or links their company account."""
    ready()
    person = _known(email)
    ticket = people.invite(person.id, by=people.console())
    base = config.settings().public_url.rstrip("/") or f"http://{config.settings().host}:{config.settings().port}"
    print(f"For {person.name}, once, within a week: {base}/auth/welcome?ticket={ticket}")


def _known(email: str) -> Person:
    person = people.by_email(email)
    if person is None:
        raise Misuse(f"There is no person with the address {email}.")
    return person


@user.command("list")
def user_list(as_json: Json = False) -> None:
    """List people."""
    ready()
    everybody = people.everybody(by=people.console())
    rows = [{"name": one.name, "email": one.email, "role": one.role, "disabled": bool(one.disabled_at)} for one in everybody]
    tell({"people": rows}, "\n".join(f"{row['name']:24} {row['role']:9} {row['email']}" for row in rows) or "Nobody yet.", as_json)


@token.command("issue")
def token_issue(
    name: str,
    scope: Annotated[list[str], typer.Option("--scope", help=f"One or more of {', '.join(sorted(access.SCOPES))}.")],
    person: Annotated[str, typer.Option("--for", help="Whom the program acts as (e-mail).")],
    days: Annotated[int, typer.Option(help="How long it opens.")] = 90,
    as_json: Json = False,
) -> None:
    """Issue a token. It is printed once and kept nowhere."""
    ready()
    from data import tokens

    secret = tokens.issue(name, scope, _known(person), by=people.console(), days=days)
    key = tokens.signing_key(secret)
    told = {"name": name, "scopes": sorted(set(scope)), "days": days, "token": secret, "signing_key": key}
    tell(told, f"For {name}, shown once: {secret}\nWhat it sends it signs with: {key}", as_json)


@token.command("list")
def token_list(as_json: Json = False) -> None:
    """List tokens: whose, for what, until when."""
    ready()
    from data import tokens

    found = tokens.all_tokens(by=people.console())
    shown = {"id", "name", "scopes", "expires_at", "used_at", "revoked_at"}
    lines = [
        f"{one.id}  {one.name:24} {owner.name:20} {','.join(one.scopes):20} "
        + ("revoked" if one.revoked_at else f"until {one.expires_at:%Y-%m-%d}")
        for one, owner in found
    ]
    rows = [one.model_dump(include=shown) | {"person": owner.name} for one, owner in found]
    tell({"tokens": rows}, "\n".join(lines) or "No tokens.", as_json)


@token.command("revoke")
def token_revoke(token_id: str) -> None:
    """Revoke a token: it opens nothing from now on."""
    ready()
    from data import tokens

    print(f"Revoked the token '{tokens.revoke(token_id, by=people.console()).name}'.")


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


@app.command()
def backup(
    path: Annotated[Path | None, typer.Argument(help="Where to; otherwise the home's backups.")] = None, as_json: Json = False
) -> None:
    """Make a backup while people work. The key in secrets/ is not in it: keep that apart."""
    ready()
    from data import backups

    made = backups.make(by=people.console(), path=path)
    tell({"path": str(made.path), "bytes": made.size, "rows": made.manifest["rows"]}, f"Made {made.sentence}", as_json)


@app.command()
def restore(
    path: Path,
    check: Annotated[bool, typer.Option("--check", help="Only look whether it is whole.")] = False,
) -> None:
    """Put a backup in the place of what is here, once it was found to be whole."""
    ready()
    from data import backups

    print(backups.verify(path) if check else backups.restore(path, by=people.console()))


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
