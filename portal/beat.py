"""The worker's sign of life, as a file's time, so that the web process can tell without asking the database."""

import time
from pathlib import Path

from data import config

PARENT = "PORTAL_PARENT"  # tells the worker whose end is its own; asked later, its parent could already be another


def beat_file() -> Path:
    return config.folder("") / "worker.beat"


def worker_age() -> float | None:
    """Seconds since the worker said something; None when it never did."""
    try:
        return max(0.0, time.time() - beat_file().stat().st_mtime)
    except FileNotFoundError:
        return None
