"""A service is proposed with its document, address and credential as one, approved by an admin, and from then on there for recipes."""

import re
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial

from automations.conditions import shown
from automations.connectors import asking, described
from automations.connectors.asking import LEAST_SECRET, Connection, Service
from automations.connectors.described import RESERVED, Described, Operation
from automations.steps import calling
from automations.steps.face import Declarations
from data import access, connections
from data.connections import OpenService
from data.errors import Refused
from data.tables import Person, Proposal

STEPS = ("ask service", "call service")
BEARER = "Authorization"
LONGEST_SECRET = 4_000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,59}")


def propose(name: str, url: str, content: bytes, header: str, secret: str, *, why: str, by: Person) -> Proposal:
    """Without an address the one that the document names; without a header the secret goes as a bearer's token."""
    access.require(by, "connection.propose")
    found = described.read(content)
    if not _NAME.fullmatch(name.strip()):
        raise Refused("Not proposed: a service has a name of small letters, digits and _, beginning with a letter, such as delivery.")
    address = plain_address(url.strip() or found.address)
    header, secret = plain_credential(header.strip(), secret.strip())
    made = OpenService(name.strip(), address, header, secret, found.document)
    return connections.propose_service(made, _told(made, found), why=why, by=by)


def plain_address(url: str) -> str:
    if not url:
        raise Refused("Not proposed: the address is missing, and the document names none. Write it as https://api.example.com/v1.")
    address = url.rstrip("/")
    try:
        place = calling.place(address, [asking.named(address)])
    except (Refused, ValueError):
        raise Refused(
            f"Not proposed: '{shown(url)}' is no address that recipes may call. Write it as https://api.example.com/v1, in a to z, without "
            "a name, ? or #."
        ) from None
    if "?" in place.path:
        raise Refused("Not proposed: the address holds a question (?). What is asked stands in the document.")
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.lower()}{slash}{path}"


def plain_credential(header: str, secret: str) -> tuple[str, str]:
    if not header and not secret:
        return "", ""
    if not secret:
        raise Refused("Not proposed: the secret is empty. Address and secret are one value and change together.")
    if not secret.isascii() or not secret.isprintable() or not LEAST_SECRET <= len(secret) <= LONGEST_SECRET:
        raise Refused(
            f"Not proposed: a secret has {LEAST_SECRET} to {LONGEST_SECRET:,} characters, and no signs that none has. Copy it again."
        )
    if not header:
        return BEARER, f"Bearer {secret}"
    if not _HEADER.fullmatch(header) or (header.lower() in RESERVED and header.lower() != BEARER.lower()):
        raise Refused(f"Not proposed: '{shown(header)}' is no header that a credential is sent under. Write one such as X-Api-Key.")
    return header, secret


def _told(made: OpenService, found: Described) -> str:
    """For whoever approves it: the host, and how much it can change."""
    changing = [one.name for one in found.operations if one.changes]
    known = "with a credential" if made.header else "without a credential"
    names = f": {', '.join(changing[:5])}{' and others' if len(changing) > 5 else ''}" if changing else ""
    return (
        f"Recipes could ask {made.url.split('/')[2]} {known} for what {len(found.operations):,} operations offer; {len(changing):,} of "
        f"them change something there{names}. Those leave by the door, as each recipe allows."
    )


def in_force() -> dict[str, Connection]:
    """By name. One that does not open here, such as one from a backup without its key, is not there."""
    found: dict[str, Connection] = {}
    for name, one in connections.services().items():
        with suppress(Refused):
            found[name] = _opened(one.name, one.url, one.sealed_service)
    return found


def offered(declarations: Declarations) -> Declarations:
    """The steps that ask services, with what is known of those: a recipe that asks for what there is not is told so before it runs."""
    services = in_force()
    knowing = {
        name: replace(declarations[name], faults=partial(asking.faults, services, changes=declarations[name].changes))
        for name in STEPS if name in declarations
    }  # fmt: skip
    return {**declarations, **knowing}


@lru_cache(maxsize=32)
def _opened(name: str, url: str, sealed: str) -> Connection:
    """Read once: a document is long."""
    one = connections.Service(name=name, url=url, sealed_service=sealed).opened()
    found = described.read(one.document.encode())
    operations = tuple(_without_credential(operation, one.header) for operation in found.operations)
    return Connection(Service(name, url, operations), one.header, one.secret)


def _without_credential(one: Operation, header: str) -> Operation:
    """What it is known by is nothing that a recipe fills in."""
    kept = tuple(each for each in one.parameters if each.where != "header" or each.name.lower() != header.lower())
    return replace(one, parameters=kept)
