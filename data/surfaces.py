"""Surface tokens: pages on which customers write to us. An engineer proposes one, an admin approves it, many may revoke it.

A page shows its token to everybody. So it opens nothing but the chat widget, is bound to exact origins, and what it begins belongs to
whoever holds the key of that one conversation.
"""

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from data import access, approvals, audit, people, sealing, store, tokens
from data.errors import Refused
from data.tables import Person, Proposal, Surface
from data.values import now

PREFIX = "surface_"  # so that nobody takes it for a program's token
KIND = "issue_surface"
LONGEST, MOST_ORIGINS = 365, 10  # days; origins of one token
ACTS_AS = ["agent", "ingest"]  # what is done for a visitor, in the name of whoever answers for the page
NAMED = r"(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?\.)*[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?::[1-9][0-9]{0,4})?"
ORIGIN = re.compile(rf"https://{NAMED}")
LOOPBACK = re.compile(r"https?://(?:127\.0\.0\.1|localhost|\[::1\])(?::[1-9][0-9]{0,4})?")


@dataclass(frozen=True)
class Opened:
    """A surface whose token was shown, and holds."""

    surface: Surface
    person: Person  # in whose name what visitors write comes in, narrowed to that

    def is_at(self, origin: str | None) -> bool:
        return origin is not None and origin in self.surface.origins

    def vouches(self, customer: str, signature: str) -> bool:
        """Whether the page's own server signed who this is."""
        told = hmac.new(_identity_key(self.surface.token_sha).encode(), customer.encode(), "sha256").hexdigest()
        return hmac.compare_digest(told.encode(), signature.encode())


def propose(
    name: str, origins: list[str], *, why: str, by: Person, team_id: str | None = None, days: int = LONGEST, at: datetime | None = None
) -> tuple[Proposal, str]:  # fmt: skip
    """Ask for a surface. Its token is shown now and never again; it opens nothing until an admin approved it."""
    access.require(by, "token.propose")
    checked = _checked(name, origins, days)
    secret = PREFIX + secrets.token_urlsafe(32)
    payload = {
        "name": name.strip(), "origins": checked, "team_id": team_id, "days": days, "person_id": by.id, "token_sha": sealing.sha(secret),
    }  # fmt: skip
    told = {"sentence": f"Whoever visits {_and(checked)} could write to us there, for {days} days. Recipes in force would answer."}
    with store.writing() as db:
        title = f"let the pages of '{name.strip()}' begin conversations"
        return approvals.propose(db, KIND, title, payload, why=why, evidence=told, authors=[by.id], by=by, at=at), secret


def issue_approved(proposal_id: str, *, at: datetime | None = None) -> Surface:
    """Carry out an approved proposal."""
    with store.writing() as db:
        proposal, approver = approvals.begin_execution(db, proposal_id, KIND, at=at)
        return _keep(db, proposal.payload, approver, proposal_id, at)


def issue(
    name: str, origins: list[str], person: Person, *, by: Person, team_id: str | None = None, days: int = LONGEST,
    at: datetime | None = None,
) -> str:  # fmt: skip
    """On the console: for somebody, at once. Returns the token, which is kept nowhere."""
    access.require(by, "token.issue")
    checked = _checked(name, origins, days)
    secret = PREFIX + secrets.token_urlsafe(32)
    asked: dict[str, Any] = {"name": name.strip(), "origins": checked, "team_id": team_id, "days": days, "person_id": person.id}
    with store.writing() as db:
        _keep(db, asked | {"token_sha": sealing.sha(secret)}, by, None, at)
    return secret


def identity_key(secret: str) -> str:
    """What the page's server signs a customer's reference with: shown with the token, derived from it, and never sent itself."""
    return _identity_key(sealing.sha(secret))


def _identity_key(token_sha: str) -> str:
    return sealing.hmac_of(token_sha, "who visits a surface")


def _checked(name: str, origins: list[str], days: int) -> list[str]:
    if not name.strip():
        raise Refused("No surface token was made: give it a name that says which pages these are.")
    found = list(dict.fromkeys(_origin(one) for one in origins if one.strip()))
    if not 1 <= len(found) <= MOST_ORIGINS:
        raise Refused(f"No surface token was made: it is for 1 to {MOST_ORIGINS} origins, not {len(found)}.")
    if not 1 <= days <= LONGEST:
        raise Refused(f"No surface token was made: it can last from 1 to {LONGEST} days, not {days}.")
    return found


def _origin(told: str) -> str:
    """As a browser names it: what it says is compared letter by letter."""
    origin = told.strip().lower().removesuffix("/")
    if LOOPBACK.fullmatch(origin):
        if not people.demo_people():
            raise Refused("No surface token was made: pages on this machine itself are for the demo. Give an https address.")
    elif not ORIGIN.fullmatch(origin):
        raise Refused(
            f"No surface token was made: '{origin[:80]}' is no origin. It is https:// and a host without stars, such as "
            "https://shop.example.com; other letters than a to z stand as xn--."
        )
    return origin.removesuffix(":443") if origin.startswith("https:") else origin.removesuffix(":80")


def _keep(db: Session, asked: dict[str, Any], by: Person, proposal_id: str | None, at: datetime | None) -> Surface:
    made, days = at or now(), int(asked["days"])
    surface = Surface(
        name=asked["name"], origins=asked["origins"], team_id=asked["team_id"], person_id=asked["person_id"], token_sha=asked["token_sha"],
        proposal_id=proposal_id, expires_at=made + timedelta(days=days), at=made, by_person_id=access.whose(by),
    )  # fmt: skip
    db.add(surface)
    owner = db.get_one(Person, surface.person_id)
    sentence = f"Issued the surface token '{surface.name}' to {owner.name}: {_and(surface.origins)}, for {days} days."
    audit.record(db, by, "issued", "surface", surface.id, sentence, at=at)
    return surface


def _and(origins: list[str]) -> str:
    return ", ".join(origins)


def revoke(surface_id: str, *, by: Person) -> Surface:
    """Nobody begins or continues anything by it from now on; what was written stays here."""
    access.require(by, "token.revoke")
    with store.writing() as db:
        surface = db.get(Surface, surface_id, populate_existing=True)
        if surface is None:
            raise Refused("Not revoked: there is no such surface token.")
        if surface.revoked_at is not None:
            raise Refused(f"Not revoked: '{surface.name}' opens nothing any more.")
        surface.revoked_at = now()
        db.add(surface)
        audit.record(db, by, "revoked", "surface", surface.id, f"Revoked the surface token '{surface.name}'.")
        return surface


def all_surfaces(*, by: Person) -> list[tuple[Surface, Person]]:
    """Newest first, each with who answers for it."""
    access.require(by, "token.read")
    query = select(Surface, Person).join(Person, col(Person.id) == col(Surface.person_id)).order_by(col(Surface.id).desc())
    with store.reading() as db:
        return [(surface, person) for surface, person in db.exec(query)]


def opened(secret: str) -> Opened | None:
    """What this token opens; None where it is unknown, revoked or too old, or nobody answers for it any more."""
    if not secret.startswith(PREFIX):
        return None
    query = select(Surface, Person).join(Person, col(Person.id) == col(Surface.person_id))
    with store.reading() as db:
        found = db.exec(query.where(Surface.token_sha == sealing.sha(secret))).first()
    if found is None or not _holds(*found):
        return None
    surface, person = found
    if surface.used_at is None or now() - surface.used_at > tokens.USED_EVERY:
        with store.writing() as db:
            db.execute(update(Surface).where(col(Surface.id) == surface.id).values(used_at=now()))
    return Opened(surface, tokens.narrowed(person, ACTS_AS))


def _holds(surface: Surface, person: Person) -> bool:
    return surface.revoked_at is None and surface.expires_at > now() and person.disabled_at is None


def any_at(origin: str) -> bool:
    """Whether pages of this origin may ask at all: a browser asks before it sends, and does not say by which token."""
    query = select(Surface, Person).join(Person, col(Person.id) == col(Surface.person_id)).where(col(Surface.revoked_at).is_(None))
    with store.reading() as db:
        return any(origin in surface.origins for surface, person in db.exec(query) if _holds(surface, person))
