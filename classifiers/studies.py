"""What a job found out about a version after it was made: kept beside it, so that a screen shows it without opening a model."""

from datetime import datetime
from typing import Any

from sqlmodel import col, select

from data import access, store
from data.tables import Person, Study, Version
from data.values import now

IMPACT, CURVE = "impact", "curve"


def keep(version: Version, kind: str, told: dict[str, Any], *, by: Person, at: datetime | None = None) -> Study:
    """Called by the jobs that looked."""
    access.require(by, "classifier.read")
    with store.writing() as db:
        made = Study(version_id=version.id, kind=kind, told=told, by_person_id=access.whose(by), at=at or now())
        db.add(made)
        return made


def newest(version: Version, kind: str, *, by: Person) -> Study | None:
    access.require(by, "classifier.read")
    query = select(Study).where(Study.version_id == version.id, Study.kind == kind)
    with store.reading() as db:
        return db.exec(query.order_by(col(Study.at).desc(), col(Study.id).desc()).limit(1)).first()
