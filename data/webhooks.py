"""Where alerts are told outside the portal: addresses that two people approved, each with the key that what is sent there is signed with.

The whole address is sealed, for that of a chat room is its key. Who approves reads the host.
"""

import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from data import access, audit, sealing, settings, store
from data.errors import Refused
from data.tables import Person, Proposal, Setting

WEBHOOK = "webhook_"  # and its name
NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")
PORTAL, SLACK, TEAMS = "portal", "slack", "teams"
SHAPES = {PORTAL: "all figures, signed", SLACK: "as Slack takes it, and what speaks like it", TEAMS: "as Microsoft Teams takes it"}
LEAST_SECRET, LONGEST = 16, 1_000
ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?")


class Webhook(BaseModel):
    """Name, host, shape and what is sealed are one value: none is used with another."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}$")]
    host: Annotated[str, Field(max_length=300)] = ""  # empty: nothing is told there any more
    shape: Literal["portal", "slack", "teams"] = "portal"
    sealed_address: str = ""

    def opened(self) -> "Open":
        try:
            told = json.loads(sealing.unseal(self.sealed_address, _purpose(self.name, self.host, self.shape)))
        except (InvalidTag, ValueError):
            raise Refused(
                f"Nothing was sent: what is kept of webhook '{self.name}' was changed, and its seal does not open. Propose it again."
            ) from None
        return Open(self.name, self.host, self.shape, told["url"], told["secret"])


@dataclass(frozen=True)
class Open:
    name: str
    host: str
    shape: str
    url: str = field(repr=False)
    secret: str = field(repr=False)


def _purpose(name: str, host: str, shape: str) -> str:
    return f"webhook {name} {host} {shape}"


def in_force(db: Session) -> dict[str, Webhook]:
    """By name."""
    names = db.exec(select(Setting.name).where(col(Setting.name).startswith(WEBHOOK, autoescape=True)).distinct()).all()
    found = {name.removeprefix(WEBHOOK): settings.latest(db, name) for name in sorted(names)}
    told = {name: Webhook.model_validate(row.value) for name, row in found.items() if row is not None}
    return {name: one for name, one in told.items() if one.host and one.name == name}


def names(db: Session) -> list[str]:
    return list(in_force(db))


def listed(*, by: Person) -> list[Webhook]:
    """Where alerts are told, by name. The whole address stays sealed."""
    access.require(by, "monitor.read")
    with store.reading() as db:
        return list(in_force(db).values())


def propose(name: str, url: str, secret: str, *, shape: str = PORTAL, why: str, by: Person) -> Proposal:
    """The address and the key are typed anew with each proposal."""
    access.require(by, "connection.propose")
    name, url, secret = name.strip().lower(), url.strip(), secret.strip()
    if not NAME.fullmatch(name):
        raise Refused("Not proposed: a webhook's name has 1 to 30 small letters, digits and hyphens, such as on-call.")
    if shape not in SHAPES:
        raise Refused(f"Not proposed: there is no shape '{shape}'. There are {', '.join(SHAPES)}.")
    if len(url) > LONGEST or not ADDRESS.fullmatch(url):
        raise Refused("Not proposed: the address reads like https://host/path, without a name, a password or #.")
    if not settings.is_private_line(url):
        raise Refused("Not proposed: the address must begin with https://. What is sent would go readable over the network.")
    if (shape == PORTAL and len(secret) < LEAST_SECRET) or not (secret + "x").isascii() or not (secret + "x").isprintable():
        raise Refused(f"Not proposed: the key that the receiver checks the signature with has {LEAST_SECRET} plain signs or more.")
    host = urlsplit(url).netloc.lower()
    sealed = sealing.seal(json.dumps({"url": url, "secret": secret or secrets.token_urlsafe(32)}), _purpose(name, host, shape))
    value = Webhook(name=name, host=host, shape=shape, sealed_address=sealed)  # type: ignore[arg-type]
    told = (
        f"Each alert of a monitor would be told to {host} ({SHAPES[shape]}). It holds figures and names of measures, no conversations. "
        "Product feedback that is handed over to it is sent there too: figures, what colleagues wrote and links, "
        "nothing that customers said."
    )
    return settings.propose_connection(f"{WEBHOOK}{name}", value.model_dump(), f"tell alerts to {name} at {host}", told, why, by)


def stop(name: str, *, why: str, by: Person, at: datetime | None = None) -> None:
    """The safe direction needs one person."""
    access.require(by, "connection.propose")
    if not why.strip():
        raise Refused("Not turned off: say why. It stands in the record.")
    with store.writing() as db:
        if name not in in_force(db):
            raise Refused(f"Nothing was changed: there is no webhook '{name}'.")
        row = settings.put(db, f"{WEBHOOK}{name}", Webhook(name=name).model_dump(), by=by, at=at)
        audit.record(db, by, "turned off", "setting", row.id, f"Alerts are not told to {name} any more: {why.strip()}", at=at)
