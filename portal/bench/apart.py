"""A portal of its own for a measurement: a fresh home, forgotten afterwards. What is in force elsewhere is left alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from data import config, migrate, store


@contextmanager
def portal(url: str = "") -> Iterator[Path]:
    """Empty and migrated."""
    before = {name: os.environ.get(name) for name in ("PORTAL_HOME", "PORTAL_DATABASE_URL")}
    store.close()
    with TemporaryDirectory() as folder:
        os.environ |= {"PORTAL_HOME": folder, "PORTAL_DATABASE_URL": url}
        config.reset()
        try:
            migrate.upgrade()
            yield Path(folder)
        finally:
            store.close()
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            config.reset()
