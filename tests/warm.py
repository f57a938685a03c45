"""What one test leaves for the next, because it holds no data: compiled SQL and screens, the world's certificates. And a cheap hash."""

import os
import ssl
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import certifi
from argon2 import PasswordHasher
from sqlalchemy import Engine

from data import passwords

THE_PORTALS_OWN = passwords._hasher  # as it is before the tests put the cheap one in its place
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # test_data_passwords.py has what the portal itself takes


def keeping_compiled(make: Callable[..., Engine]) -> Callable[..., Engine]:
    """Every test opens a database of its own; the SQL for it was compiled for the one before, and is the same."""
    first: dict[str, Engine] = {}

    def made(url: str, schema: str = "") -> Engine:
        engine = make(url, schema)
        if not schema:  # a dialect knows its schema
            kept = first.setdefault(engine.dialect.name, engine)
            engine.dialect, engine._compiled_cache = kept.dialect, kept._compiled_cache
        return engine

    return made


def keeping_certificates(make: Callable[..., ssl.SSLContext]) -> Callable[..., ssl.SSLContext]:
    """Each HTTP client reads all certificates of the world anew, three times where there is a proxy: most of a small test's time."""
    kept = lru_cache(maxsize=1)(make)
    worlds = {certifi.where(), os.environ.get("SSL_CERT_FILE", "")}

    def made(purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH, **told: Any) -> ssl.SSLContext:
        of_the_world = purpose is ssl.Purpose.SERVER_AUTH and set(told) == {"cafile"} and told["cafile"] in worlds
        return kept(purpose, **told) if of_the_world else make(purpose, **told)

    return made


def keeping_screens(compiled: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Each AppTest compiles its screens anew: a third of the time that a screen takes. One that was changed since is another."""
    kept: dict[tuple[str, int], Any] = {}

    def made(cache: Any, path: str) -> Any:
        key = (path, Path(path).stat().st_mtime_ns)
        if key not in kept:
            kept[key] = compiled(cache, path)
        return kept[key]

    return made
