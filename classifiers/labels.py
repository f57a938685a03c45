"""The labels a classifier chooses among."""

from datetime import datetime

from sqlmodel import select

from data import access, audit, labels, store
from data.errors import Refused
from data.tables import Label, Person
from data.values import now


def add(
    name: str,
    *,
    by: Person,
    classifier_name: str = labels.INTENT,
    description: str = "",
    do: str = "",
    dont: str = "",
    at: datetime | None = None,
) -> Label:
    access.require(by, "label.add")
    if not name.strip() or len(name) > 80:
        raise Refused("Not added: a label has a name of 1 to 80 characters.")
    with store.writing() as db:
        if db.exec(select(Label).where(Label.classifier_name == classifier_name, Label.name == name.strip())).first():
            raise Refused(f"Not added: there is a label '{name.strip()}' already.")
        label = Label(
            classifier_name=classifier_name,
            name=name.strip(),
            description=description,
            do=do,
            dont=dont,
            at=at or now(),
            by_person_id=by.id,
        )
        db.add(label)
        audit.record(db, by, "added", "label", label.id, f"Added the intent '{label.name}'.", at=at)
        return label
