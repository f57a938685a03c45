"""Settings that people change together: numbered, proposed by one and approved by another. What the environment says wins over them."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from data import access, audit, config, sealing, store
from data.errors import Refused
from data.tables import Person, Proposal, Setting
from data.values import now

EMERGENCY_LASTS = timedelta(hours=1)
SEALED = "setting"  # the purpose under which secret values are sealed


class Gate(BaseModel):
    """What a classifier must pass before it ships."""

    model_config = ConfigDict(extra="forbid")

    eval_set_id: str
    eval_set: str  # its name, for people
    bar: Annotated[float, Field(gt=0.0, le=1.0)]
    margin: Annotated[float, Field(ge=0.0, le=0.2)] | None = None  # None: the set's own
    approvers: Annotated[int, Field(ge=1, le=2)] = 1


class CompanySignIn(BaseModel):
    """The OpenID Connect provider that people may sign in with. URL, client and secret are one value: none changes alone."""

    model_config = ConfigDict(extra="forbid")

    issuer: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=500)]
    client_id: Annotated[str, Field(min_length=1, max_length=500)]
    sealed_secret: str
    label: Annotated[str, Field(max_length=40)] = "your company account"

    def secret(self) -> str:
        return sealing.unseal(self.sealed_secret, SEALED)


class Emergency(BaseModel):
    until: datetime


def current(name: str) -> dict[str, Any] | None:
    with store.reading() as db:
        found = latest(db, name)
        return found.value if found else None


# written once: it is asked with each review
LATEST = select(Setting).where(col(Setting.name) == bindparam("name")).order_by(col(Setting.number).desc()).limit(1)


def latest(db: Session, name: str) -> Setting | None:
    """Its last number."""
    return db.exec(LATEST, params={"name": name}).first()


def history(name: str) -> list[Setting]:
    """Newest first."""
    with store.reading() as db:
        return list(db.exec(select(Setting).where(Setting.name == name).order_by(col(Setting.number).desc())))


def gate() -> Gate | None:
    found = current("gate")
    return Gate.model_validate(found) if found else None


def company_sign_in() -> CompanySignIn | None:
    """From the environment where it says so, else what was approved here."""
    here = config.settings()
    if here.oidc_issuer:
        sealed = sealing.seal(here.oidc_client_secret, SEALED)
        return CompanySignIn(issuer=here.oidc_issuer, client_id=here.oidc_client_id, sealed_secret=sealed, label=here.oidc_label)
    found = current("company_sign_in")
    return CompanySignIn.model_validate(found) if found else None


def emergency_until(db: Session, *, at: datetime | None = None) -> datetime | None:
    """Until when admins decide in the place of leads; None on every ordinary day."""
    found = latest(db, "emergency")
    until = Emergency.model_validate(found.value).until if found else None
    return until if until and until > (at or now()) else None


def emergency() -> datetime | None:
    with store.reading() as db:
        return emergency_until(db)


def propose_gate(gate: Gate, *, told: str, why: str, by: Person, at: datetime | None = None) -> Proposal:
    """Called by evals, which knows the sets."""
    access.require(by, "gate.propose")
    return _propose(
        "change_gate", "gate", gate.model_dump(), f"measure releases on '{gate.eval_set}', bar {gate.bar * 100:.0f} %", told, why, by, at
    )


def propose_company_sign_in(issuer: str, client_id: str, secret: str, label: str, *, why: str, by: Person) -> Proposal:
    access.require(by, "connection.propose")
    if config.settings().oidc_issuer:
        raise Refused("Not proposed: the environment sets the company sign-in (PORTAL_OIDC_ISSUER), and what it says wins.")
    if not secret.strip():
        raise Refused("Not proposed: the client secret is empty. Address, client and secret are one value and change together.")
    try:
        value = CompanySignIn(
            issuer=issuer.strip(), client_id=client_id.strip(), sealed_secret=sealing.seal(secret.strip(), SEALED),
            label=label.strip() or "your company account",
        )  # fmt: skip
    except ValidationError as error:
        wrong = error.errors()[0]
        raise Refused(f"Not proposed: {wrong['loc'][0]} cannot be used: {wrong['msg'].lower()}.") from error
    if not is_private_line(value.issuer):
        raise Refused("Not proposed: the issuer must begin with https://. What people sign in with would go readable over the network.")
    host = value.issuer.split("/")[2]
    told = f"People whose account is linked could sign in through {host}. Nobody is found by e-mail address, and roles stay as they are."
    return _propose("change_connection", "company_sign_in", value.model_dump(), f"sign people in through {host}", told, why, by)


def is_private_line(address: str) -> bool:
    """https, or on this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:  # no address at all
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))


def propose_emergency(*, why: str, by: Person) -> Proposal:
    """Two admins may let admins decide in the place of leads, for an hour, seen by everybody."""
    access.require(by, "emergency.propose")
    told = "For an hour admins could approve what otherwise leads and engineers approve, never their own. Everybody sees a banner."
    return _propose("emergency", "emergency", {}, "let admins decide for an hour", told, why, by)


def propose_connection(
    name: str, value: dict[str, Any], title: str, told: str, why: str, by: Person, *, at: datetime | None = None
) -> Proposal:
    """Called by connections.py, which knows what can be reached."""
    access.require(by, "connection.propose")
    return _propose("change_connection", name, value, title, told, why, by, at)


def _propose(
    kind: str, name: str, value: dict[str, Any], title: str, told: str, why: str, by: Person, at: datetime | None = None
) -> Proposal:  # fmt: skip
    from data import approvals

    with store.writing() as db:
        last = latest(db, name)
        payload = {"name": name, "value": value, "after": last.number if last else 0}
        return approvals.propose(db, kind, title, payload, why=why, evidence={"sentence": told}, authors=[by.id], by=by, at=at)


def carry_out(proposal_id: str, kind: str, *, at: datetime | None = None) -> Setting:
    """Put an approved value in force: the next number, unless another came in between."""
    from data import approvals

    with store.writing() as db:
        proposal, approver = approvals.begin_execution(db, proposal_id, kind, at=at)
        name, value = proposal.payload["name"], proposal.payload["value"]
        store.one_at_a_time(db, f"setting {name}")
        last = latest(db, name)
        if (last.number if last else 0) != proposal.payload["after"]:
            raise Refused(f"Not done: '{name.replace('_', ' ')}' was changed after this was proposed. Look at it and propose again.")
        if kind == "emergency":
            value = Emergency(until=(at or now()) + EMERGENCY_LASTS).model_dump(mode="json")
        return put(db, name, value, by=approver, proposal_id=proposal_id, at=at)


def put(
    db: Session, name: str, value: dict[str, Any], *, by: Person, proposal_id: str | None = None, at: datetime | None = None
) -> Setting:  # fmt: skip
    """The next number of a setting. Called by whoever checked the right."""
    last = latest(db, name)
    row = Setting(
        name=name, number=last.number + 1 if last else 1, value=value, proposal_id=proposal_id, at=at or now(),
        by_person_id=access.whose(by),
    )  # fmt: skip
    db.add(row)
    shown = {key: "(sealed)" if key.startswith("sealed") else told for key, told in value.items()}
    audit.record(db, by, "set", "setting", row.id, f"Set {name.replace('_', ' ')}, number {row.number}.", at=at, after=shown)
    db.flush()
    return row
