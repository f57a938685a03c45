"""Reads the labels of a classifier. They are written by classifiers/labels.py."""

from sqlmodel import Session, col, select

from data import store
from data.tables import Label

INTENT = "intent"  # the classifier whose label a conversation's intent is


def of(classifier_name: str = INTENT) -> list[Label]:
    """The labels in use, by name."""
    with store.reading() as db:
        return list(
            db.exec(select(Label).where(Label.classifier_name == classifier_name, col(Label.retired_at).is_(None)).order_by(Label.name))
        )


def in_use(db: Session, label_id: str | None, classifier_name: str = INTENT) -> Label | None:
    """The label, if the classifier chooses among it today."""
    label = db.get(Label, label_id) if label_id else None
    return label if label and label.classifier_name == classifier_name and label.retired_at is None else None


def names() -> dict[str, str]:
    """Every label's name by id, also of retired ones: a history names them."""
    with store.reading() as db:
        return dict(db.exec(select(Label.id, Label.name)).all())


def guideline(label: Label) -> str:
    """What a reviewer reads where they choose: what it means, what belongs to it and what does not. Line by line, as it was typed."""
    told = [label.description, f"Yes: {label.do}" if label.do else "", f"No: {label.dont}" if label.dont else ""]
    return "\n".join(line for line in told if line)
