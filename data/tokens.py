"""Tokens: a program acts as a person, with fewer rights. An engineer proposes one, an admin approves it, many may revoke it."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from data import access, approvals, audit, sealing, store
from data.errors import Refused
from data.tables import Person, Proposal, Token
from data.values import now

PREFIX = "portal_"  # so that a scanner of repositories knows one when it sees it
LONGEST = 365  # days
USED_EVERY = timedelta(minutes=1)  # its last use is written no more often


def propose(
    name: str, scopes: list[str], *, why: str, by: Person, days: int = 90, at: datetime | None = None
) -> tuple[Proposal, str]:  # fmt: skip
    """Ask for a token of one's own. It is shown now and never again; it opens nothing until an admin approved it."""
    access.require(by, "token.propose")
    _check(name, scopes, days)
    secret = new_secret()
    payload = {"name": name.strip(), "scopes": sorted(set(scopes)), "days": days, "person_id": by.id, "token_sha": sealing.sha(secret)}
    told = {"sentence": f"A program could act as {by.name}, only to {in_words(scopes)}, for {days} days."}
    with store.writing() as db:
        title = f"issue the token '{name.strip()}'"
        return approvals.propose(db, "issue_token", title, payload, why=why, evidence=told, authors=[by.id], by=by, at=at), secret


def issue_approved(proposal_id: str, *, at: datetime | None = None) -> Token:
    """Carry out an approved proposal."""
    with store.writing() as db:
        proposal, approver = approvals.begin_execution(db, proposal_id, "issue_token", at=at)
        asked = proposal.payload
        return _keep(db, asked["name"], asked["scopes"], asked["days"], asked["person_id"], asked["token_sha"], approver, proposal_id, at)


def issue(name: str, scopes: list[str], person: Person, *, by: Person, days: int = 90, at: datetime | None = None) -> str:
    """On the console: for somebody, at once. Returns the token, which is kept nowhere."""
    access.require(by, "token.issue")
    _check(name, scopes, days)
    secret = new_secret()
    with store.writing() as db:
        _keep(db, name.strip(), sorted(set(scopes)), days, person.id, sealing.sha(secret), by, None, at)
    return secret


def new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def signing_key(secret: str) -> str:
    """What a program signs its requests with: shown with the token, derived from it, and never sent itself."""
    return sealing.hmac_of(sealing.sha(secret), "signing")


def _check(name: str, scopes: list[str], days: int) -> None:
    unknown = sorted(set(scopes) - set(access.SCOPES))
    if not name.strip():
        raise Refused("No token was made: give it a name that says which program uses it.")
    if unknown or not scopes:
        what = f"there is no scope '{unknown[0]}'" if unknown else "it has no scope"
        raise Refused(f"No token was made: {what}. Choose from {', '.join(sorted(access.SCOPES))}.")
    if not 1 <= days <= LONGEST:
        raise Refused(f"No token was made: it can last from 1 to {LONGEST} days, not {days}.")


def _keep(
    db: Session, name: str, scopes: list[str], days: int, person_id: str, token_sha: str, by: Person, proposal_id: str | None,
    at: datetime | None,
) -> Token:  # fmt: skip
    made = at or now()
    token = Token(
        name=name, person_id=person_id, token_sha=token_sha, scopes=scopes, proposal_id=proposal_id, expires_at=made + timedelta(days=days),
        at=made, by_person_id=access.whose(by),
    )  # fmt: skip
    db.add(token)
    owner = db.get_one(Person, person_id)
    sentence = f"Issued the token '{name}' to {owner.name}: {', '.join(scopes)}, for {days} days."
    audit.record(db, by, "issued", "token", token.id, sentence, at=at)
    return token


def revoke(token_id: str, *, by: Person) -> Token:
    """It opens nothing from now on. One's own, or with the right anybody's."""
    with store.writing() as db:
        token = db.get(Token, token_id)
        signed_in = by.scopes is None and by.disabled_at is None  # as the person, not as another program of theirs
        if token is None or token.person_id != by.id or not signed_in:
            access.require(by, "token.revoke")
        if token is None:
            raise Refused("Not revoked: there is no such token.")
        if token.revoked_at is not None:
            raise Refused(f"Not revoked: '{token.name}' opens nothing any more.")
        token.revoked_at = now()
        db.add(token)
        audit.record(db, by, "revoked", "token", token.id, f"Revoked the token '{token.name}'.")
        return token


def all_tokens(*, by: Person) -> list[tuple[Token, Person]]:
    access.require(by, "token.read")
    query = select(Token, Person).join(Person, col(Person.id) == col(Token.person_id)).order_by(col(Token.id).desc())
    with store.reading() as db:
        return [(token, person) for token, person in db.exec(query)]


def person_of(secret: str) -> Person | None:
    """Whom a program with this token acts as, narrowed to its scopes; None where it opens nothing."""
    if not secret.startswith(PREFIX):
        return None
    with store.reading() as db:
        query = select(Token, Person).join(Person, col(Person.id) == col(Token.person_id))
        found = db.exec(query.where(Token.token_sha == sealing.sha(secret))).first()
    if found is None:
        return None
    token, person = found
    if token.revoked_at is not None or token.expires_at <= now() or person.disabled_at is not None:
        return None
    if token.used_at is None or now() - token.used_at > USED_EVERY:
        with store.writing() as db:
            db.execute(update(Token).where(col(Token.id) == token.id).values(used_at=now()))
    return narrowed(person, token.scopes)


def narrowed(person: Person, scopes: list[str]) -> Person:
    """The person with fewer rights: what access.py asks of everybody it then also asks of the scopes."""
    made = Person(**person.model_dump())
    object.__setattr__(made, "scopes", frozenset(scopes))
    return made


def in_words(scopes: list[str]) -> str:
    told = {
        "read": "read conversations", "label": "review and flag", "ingest": "send conversations", "classify": "ask for intents",
        "answer": "ask the articles",
        "export": "fetch datasets and lists", "agent": "run agents, which may only propose", "metrics": "read health figures",
        "eval": "run things on eval sets",
        "monitor": "read figures, opportunities, use cases, product feedback, the team's work and the person's own, "
        "have figures watched and write on the timeline",
    }  # fmt: skip
    return ", ".join(told[scope] for scope in sorted(set(scopes)))
