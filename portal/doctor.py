"""What the settings in force are, where each comes from, and what is wrong, in words."""

import os
import re
from collections.abc import Callable
from typing import Any

from data import config, people, store
from data.errors import Misuse
from portal.beat import worker_age


def examine() -> dict[str, Any]:
    """Each part is looked at by itself: one that is wrong does not hide the others."""
    notes: list[str] = []
    wrong: list[str] = []
    settings: dict[str, dict[str, str]] = {}
    looks: tuple[Callable[[], None], ...] = (
        lambda: settings.update(_settings()),
        lambda: _sqlite(notes, wrong),
        lambda: _database(notes),
        lambda: _worker(notes),
    )
    for look in looks:
        try:
            look()
        except Misuse as misuse:
            if str(misuse) not in wrong:
                wrong.append(str(misuse))
    return {"settings": settings, "notes": notes, "wrong": wrong}


def _sqlite(notes: list[str], wrong: list[str]) -> None:
    if not store.is_sqlite():
        return
    module = store.sqlite_module()
    version = module.sqlite_version
    notes.append(f"SQLite {version} by {module.__name__}.")
    if (3, 7, 0) <= tuple(map(int, version.split("."))) < (3, 51, 3):
        wrong.append(f"SQLite {version} can damage its file when two processes write. Install pysqlite3, or use PostgreSQL.")
    notes.append("Background jobs are kept in SQLite, which DBOS calls fit for development; several machines need PostgreSQL.")


def _database(notes: list[str]) -> None:
    if store.needs_migration():
        notes.append(f"The database at {store.shown_url()} waits for a migration: run portal migrate.")
    else:
        notes.append(f"The database at {store.shown_url()} is ready. {people.count()} people have accounts.")


def _worker(notes: list[str]) -> None:
    age = worker_age()
    notes.append("No worker has run here yet." if age is None else f"The worker was last seen {age:.0f} seconds ago.")


def _settings() -> dict[str, dict[str, str]]:
    settings, told = config.settings(), {}
    for name in config.Settings.model_fields:
        variable = f"PORTAL_{name.upper()}"
        told[variable] = {"value": str(getattr(settings, name)), "source": "environment" if variable in os.environ else "default"}
    told["PORTAL_DATABASE_URL"]["value"] = _masked(settings.url)
    return told


def _masked(url: str) -> str:
    """The address of the database without its password, also where it is no address."""
    return re.sub(r"(?<=:)[^:@/]*(?=@)", "***", url)


def in_words(findings: dict[str, Any]) -> str:
    lines = [f"{name:24} {setting['value']}  ({setting['source']})" for name, setting in findings["settings"].items()]
    lines += ["", *findings["notes"]]
    lines += ["", *(f"Wrong: {one}" for one in findings["wrong"])] if findings["wrong"] else ["", "Nothing is wrong."]
    return "\n".join(lines)
