"""Reads the labels of a classifier. They are written by classifiers/labels.py."""

from sqlmodel import col, select

from data import store
from data.tables import Label

INTENT = "intent"  # the classifier whose label a conversation's intent is


def of(classifier_name: str = INTENT) -> list[Label]:
    """The labels in use, by name."""
    with store.reading() as db:
        return list(
            db.exec(select(Label).where(Label.classifier_name == classifier_name, col(Label.retired_at).is_(None)).order_by(Label.name))
        )


def names() -> dict[str, str]:
    """Every label's name by id, also of retired ones: a history names them."""
    with store.reading() as db:
        return dict(db.exec(select(Label.id, Label.name)).all())
