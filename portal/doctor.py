"""What the settings in force are, where each comes from, and what is wrong, in words."""

import os
import re
import shutil
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from data import collector, config, connections, people, routing, settings, store, tasks
from data.errors import Misuse
from portal import encoders
from portal.beat import worker_age

SECRETS = ("oidc_client_secret", "openai_api_key")
LITTLE_SPACE = 500_000_000  # bytes
CLOCKS_APART = 60.0  # seconds
SILENT_AFTER = 60.0


def examine() -> dict[str, Any]:
    """Each part is looked at by itself: one that is wrong does not hide the others."""
    notes: list[str] = []
    wrong: list[str] = []
    told: dict[str, dict[str, str]] = {}
    looks: tuple[Callable[[], None], ...] = (
        lambda: told.update(_settings()),
        lambda: _sqlite(notes, wrong),
        lambda: _home(notes, wrong),
        lambda: _database(notes),
        lambda: _clock(notes, wrong),
        lambda: _worker(notes, wrong),
        lambda: _two_people(notes, wrong),
        lambda: _connections(notes, wrong),
    )
    for look in looks:
        try:
            look()
        except Misuse as misuse:
            if str(misuse) not in wrong:
                wrong.append(str(misuse))
    return {"settings": told, "notes": notes, "wrong": wrong}


def _sqlite(notes: list[str], wrong: list[str]) -> None:
    if not store.is_sqlite():
        return
    module = store.sqlite_module()
    version = module.sqlite_version
    notes.append(f"SQLite {version} by {module.__name__}.")
    if (3, 7, 0) <= tuple(map(int, version.split("."))) < (3, 51, 3):
        wrong.append(f"SQLite {version} can damage its file when two processes write. Install pysqlite3, or use PostgreSQL.")
    notes.append("Background jobs are kept in SQLite, which DBOS calls fit for development; several machines need PostgreSQL.")


def _home(notes: list[str], wrong: list[str]) -> None:
    """Room on the disk, and secrets that nobody else on the machine reads."""
    home = config.folder("")
    free = shutil.disk_usage(home).free
    notes.append(f"{free / 1e9:.1f} GB are free where {home} lies.")
    if free < LITTLE_SPACE:
        wrong.append(f"Only {free / 1e6:.0f} MB are free where {home} lies. What cannot be written is refused; make room.")
    mode = config.folder("secrets").stat().st_mode & 0o077
    if mode:
        wrong.append(f"Others on this machine can read {home / 'secrets'}. Close it: chmod 700 {home / 'secrets'}.")


def _database(notes: list[str]) -> None:
    if store.needs_migration():
        notes.append(f"The database at {store.shown_url()} waits for a migration: run portal migrate.")
        return
    notes.append(f"The database at {store.shown_url()} is ready. {people.count()} people have accounts.")
    with store.reading() as db:
        if store.is_sqlite():
            mode = db.connection().execute(text("PRAGMA journal_mode")).scalar()
            safe = db.connection().execute(text("PRAGMA synchronous")).scalar()
            notes.append(f"It is in {mode} mode, synchronous {'full' if safe == 2 else safe}: what was acknowledged is on the disk.")
        else:
            version = db.connection().execute(text("SHOW server_version")).scalar()
            safe = db.connection().execute(text("SHOW synchronous_commit")).scalar()
            notes.append(f"PostgreSQL {version}, synchronous_commit {safe}.")


def _clock(notes: list[str], wrong: list[str]) -> None:
    """Two machines that disagree about the time: nothing breaks, but people are confused."""
    if store.needs_migration() or store.is_sqlite():
        notes.append(f"This machine's clock says {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC.")
        return
    with store.reading() as db:
        there = float(db.connection().execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar() or 0)
    apart = abs(time.time() - there)
    notes.append(f"This machine's clock and the database's are {apart:.1f} seconds apart.")
    if apart > CLOCKS_APART:
        wrong.append(f"This machine's clock and the database's are {apart / 60:.0f} minutes apart. Set them by the same time server.")


def _worker(notes: list[str], wrong: list[str]) -> None:
    age = worker_age()
    notes.append("No worker has run here yet." if age is None else f"The worker was last seen {age:.0f} seconds ago.")
    if store.needs_migration():
        return
    counts = tasks.counts()
    waiting, parked = counts.get("waiting", 0), counts.get("parked", 0)
    if waiting and (age is None or age > SILENT_AFTER) and not tasks.living_runners():
        wrong.append(f"{waiting} jobs wait and no worker runs. Start one: portal up, or portal worker beside portal web.")
    if parked:
        wrong.append(f"{parked} jobs are parked after repeated faults. An engineer sees them on the Jobs page.")


def _two_people(notes: list[str], wrong: list[str]) -> None:
    if config.settings().four_eyes or store.needs_migration():
        return
    if people.active_count() > 1:
        wrong.append("PORTAL_FOUR_EYES is off, and more than one person works here: it is ignored. Take it away.")
    else:
        notes.append("PORTAL_FOUR_EYES is off: the one person here approves their own proposals, marked as such.")


def _connections(notes: list[str], wrong: list[str]) -> None:
    here = config.settings()
    if here.oidc_issuer and not (here.oidc_client_id and here.oidc_client_secret):
        wrong.append("PORTAL_OIDC_ISSUER is set, its client id or secret is not: nobody can sign in through the company.")
    elif not store.needs_migration() and (company := settings.company_sign_in()):
        notes.append(f"People can sign in through {company.issuer}.")
    if not store.needs_migration():
        notes.append(encoders.in_words())
        endpoint = connections.endpoint()
        notes.append(f"Models are asked at {endpoint.url}." if endpoint else "No model endpoint is set; the portal works without one.")
        wrong.extend(routing.faults())
        note, fault = collector.in_words()
        notes.append(note)
        wrong.extend([fault] if fault else [])
    if here.public_url and not here.public_url.startswith("https://") and "127.0.0.1" not in here.public_url:
        wrong.append(f"PORTAL_PUBLIC_URL is {here.public_url}: without https, passwords and cookies can be read on the way.")
    notes.append("The daily mail goes out." if here.smtp_url else "No daily mail: PORTAL_SMTP_URL names no mail server.")


def _settings() -> dict[str, dict[str, str]]:
    here, told = config.settings(), {}
    for name, field in config.Settings.model_fields.items():
        variable = str(field.validation_alias or f"PORTAL_{name.upper()}")
        told[variable] = {"value": str(getattr(here, name)), "source": "environment" if variable in os.environ else "default"}
        if name in SECRETS and getattr(here, name):
            told[variable]["value"] = "***"
    told["PORTAL_DATABASE_URL"]["value"] = _masked(here.url)
    told["PORTAL_SMTP_URL"]["value"] = _masked(here.smtp_url)
    told["OPENAI_BASE_URL"]["value"] = _masked(here.openai_base_url)
    return told


def _masked(url: str) -> str:
    """An address without its password, also where it is no address."""
    return re.sub(r"(?<=:)[^:@/]*(?=@)", "***", url)


def in_words(findings: dict[str, Any]) -> str:
    lines = [f"{name:26} {setting['value']}  ({setting['source']})" for name, setting in findings["settings"].items()]
    lines += ["", *findings["notes"]]
    lines += ["", *(f"Wrong: {one}" for one in findings["wrong"])] if findings["wrong"] else ["", "Nothing is wrong."]
    return "\n".join(lines)
