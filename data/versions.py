"""Everything that can be shipped or published: numbered, immutable, named by its content. Called by the owning domain only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from data import sealing, store
from data.errors import Refused
from data.tables import Person, Version
from data.values import Target, now


def add(
    db: Session,
    kind: str,
    name: str,
    *,
    by: Person,
    manifest: dict[str, Any],
    body: dict[str, Any] | None = None,
    file_sha: str | None = None,
    authors: Sequence[str] = (),
    at: datetime | None = None,
) -> Version:
    """The next version of the name."""
    store.one_at_a_time(db, f"version {kind} {name}")
    query = select(func.max(Version.target_number)).where(Version.target_kind == kind, Version.target_name == name)
    last: int | None = db.exec(query).one()
    number = (last or 0) + 1
    version = Version(
        target_kind=kind, target_name=name, target_number=number, body=body or {}, file_sha=file_sha, manifest=manifest, parent_number=last,
        file_hmac=file_seal(Target(kind, name, number), file_sha) if file_sha else None, authors=sorted({by.id, *authors}),
        sha=sealing.sha(f"{kind} {name} {number} {file_sha} {manifest} {body}"), at=at or now(), by_person_id=by.id,
    )  # fmt: skip
    db.add(version)
    return version


def file_seal(target: Target, file_sha: str) -> str:
    """Binds a file to the one version it belongs to: another of our own valid files in its place does not pass."""
    return sealing.hmac_of(f"{target.kind}|{target.name}|{target.number}|{file_sha}", "version file")


def get(target: Target) -> Version:
    with store.reading() as db:
        query = select(Version).where(
            Version.target_kind == target.kind, Version.target_name == target.name, Version.target_number == target.number
        )
        found = db.exec(query).first()
    if found is None:
        raise Refused(f"There is no {target.kind} '{target.name}' number {target.number}.")
    return found


def target_of(version: Version) -> Target:
    return Target(version.target_kind, version.target_name, version.target_number)


def all_of(kind: str, name: str) -> list[Version]:
    """Newest first."""
    with store.reading() as db:
        query = select(Version).where(Version.target_kind == kind, Version.target_name == name)
        return list(db.exec(query.order_by(col(Version.target_number).desc())))


def names(kind: str) -> list[str]:
    with store.reading() as db:
        return list(db.exec(select(Version.target_name).where(Version.target_kind == kind).distinct().order_by(Version.target_name)))
