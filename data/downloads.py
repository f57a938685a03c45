"""Files for people: kept in the home under names that nobody chose, handed out for one ticket, once, to the person who asked."""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from data import access, audit, config, store, tickets
from data.errors import Refused
from data.tables import Person
from data.values import now

KEY = re.compile(r"[0-9a-f]{32}\.[a-z]{2,8}")


@dataclass(frozen=True)
class Offered:
    """What a ticket is good for: a path of ours, and what the browser calls the file."""

    path: Path
    name: str


def keep(content: bytes, suffix: str) -> str:
    """Put a file into the home; returns its key, which is random and says nothing."""
    key = f"{secrets.token_hex(16)}.{suffix}"
    path = config.folder("exports") / key
    path.write_bytes(content)
    path.chmod(0o600)
    return key


def offer(key: str, name: str, *, by: Person, right: str) -> str:
    """A ticket for a file, called by the domain that checked the right. It lives five minutes and opens once, while the right lasts."""
    if not _path(key).is_file():
        raise Refused("Nothing to download: the file is no longer kept. Make it again.")
    with store.writing() as db:
        ticket = tickets.issue(db, "download", by.id, {"key": key, "name": name, "right": right}, by=by)
        audit.record(db, by, "asked for", "download", key, f"{by.name} asked to download {name}.")
        return ticket


def fetch(ticket: str, *, by: Person) -> Offered:
    """Use the ticket up."""
    with store.writing() as db:
        used = tickets.redeem(db, ticket, "download", by=by)
        if right := used.names.get("right"):
            access.require(by, right)
        audit.record(db, by, "downloaded", "download", used.names["key"], f"{by.name} downloaded {used.names['name']}.")
    path = _path(used.names["key"])
    if not path.is_file():
        raise Refused("Nothing to download: the file is no longer kept. Make it again.")
    return Offered(path, used.names["name"])


def forget_old(days: int = 2) -> int:
    """What was made for one download and is not a dataset's own file."""
    old = [path for path in config.folder("exports").glob("*.csv") if now().timestamp() - path.stat().st_mtime > days * 86_400]
    for path in old:
        path.unlink()
    return len(old)


def _path(key: str) -> Path:
    """Keys are ours; one that points elsewhere all the same points nowhere."""
    path = config.folder("exports") / key
    if not KEY.fullmatch(key):
        return Path()
    return path if path.parent == config.folder("exports") and path.resolve().parent == config.folder("exports").resolve() else Path()
