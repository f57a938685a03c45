"""What the settings in force are, where each comes from, and what is wrong, in words."""

import os
from typing import Any

from data import config, people, store
from data.errors import Misuse
from portal.beat import worker_age


def examine() -> dict[str, Any]:
    settings = config.settings()
    notes, wrong = [], []
    if store.is_sqlite():
        module = store.sqlite_module()
        version = module.sqlite_version
        notes.append(f"SQLite {version} by {module.__name__}")
        if (3, 7, 0) <= tuple(map(int, version.split("."))) < (3, 51, 3):
            wrong.append(f"SQLite {version} can damage its file when two processes write. Install pysqlite3, or use PostgreSQL.")
        notes.append("Background jobs are kept in SQLite, which DBOS calls fit for development; several machines need PostgreSQL.")
    try:
        told = "is ready" if not store.needs_migration() else "waits for a migration: run portal migrate"
        notes.append(f"The database at {store.shown_url()} {told}.")
        notes.append(f"{people.count()} people have accounts." if "is ready" in told else "")
    except Misuse as misuse:
        wrong.append(str(misuse))
    age = worker_age()
    notes.append("No worker has run here yet." if age is None else f"The worker was last seen {age:.0f} seconds ago.")
    return {"settings": _settings(settings), "notes": [note for note in notes if note], "wrong": wrong}


def _settings(settings: config.Settings) -> dict[str, dict[str, str]]:
    told = {}
    for name in config.Settings.model_fields:
        variable = f"PORTAL_{name.upper()}"
        value = store.shown_url() if name == "database_url" else str(getattr(settings, name))
        told[variable] = {"value": value, "source": "environment" if variable in os.environ else "default"}
    return told


def in_words(findings: dict[str, Any]) -> str:
    lines = [f"{name:24} {setting['value']}  ({setting['source']})" for name, setting in findings["settings"].items()]
    lines += ["", *findings["notes"]]
    lines += ["", *(f"Wrong: {one}" for one in findings["wrong"])] if findings["wrong"] else ["", "Nothing is wrong."]
    return "\n".join(lines)
