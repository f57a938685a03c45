"""Reads the labels of a classifier, and takes back what was added to a guideline. classifiers/labels.py writes them."""

from datetime import datetime

from sqlmodel import Session, col, select

from data import access, audit, store
from data.tables import AuditEntry, Label, Person

INTENT = "intent"  # the classifier whose label a conversation's intent is


def of(classifier_name: str = INTENT, *, drafts: bool = False) -> list[Label]:
    """The labels in use, by name; with those that are only being taught yet, if asked for."""
    query = select(Label).where(Label.classifier_name == classifier_name, col(Label.retired_at).is_(None))
    if not drafts:
        query = query.where(~col(Label.draft))
    with store.reading() as db:
        return list(db.exec(query.order_by(Label.name)))


def in_use(db: Session, label_id: str | None, classifier_name: str = INTENT) -> Label | None:
    """The label, if the classifier chooses among it today."""
    label = db.get(Label, label_id) if label_id else None
    return label if label and label.classifier_name == classifier_name and label.retired_at is None and not label.draft else None


def names() -> dict[str, str]:
    """Every label's name by id, also of retired ones: a history names them."""
    with store.reading() as db:
        return dict(db.exec(select(Label.id, Label.name)).all())


def guideline(label: Label) -> str:
    """What a reviewer reads where they choose: what it means, what belongs to it and what does not. Line by line, as it was typed."""
    told = [label.description, f"Yes: {label.do}" if label.do else "", f"No: {label.dont}" if label.dont else ""]
    return "\n".join(line for line in told if line)


def take_back_guideline(db: Session, entry_id: str, *, by: Person, at: datetime | None = None) -> None:
    """The guideline says what it said before the change that this entry of the record tells, unless it was changed since. For undo.py."""
    entry = db.get_one(AuditEntry, entry_id)
    label = db.get(Label, entry.noun_id, populate_existing=True)
    if label is None or {"do": label.do, "dont": label.dont} != entry.after or not entry.before:
        return
    access.require(by, "label.add")
    label.do, label.dont = entry.before["do"], entry.before["dont"]
    db.add(label)
    told = f"Took back what was added to the guideline of '{label.name}'."
    audit.record(db, by, "took back", "label", label.id, told, before=entry.after, after=entry.before, at=at)
