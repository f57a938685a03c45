"""What classifiers said about conversations. Written through here by classifiers/serving.py, read by everybody."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from data import glance, store
from data.tables import Prediction
from data.values import LIVE


def add(db: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Keep predictions; one that is there already stays as it is. Returns how many are new."""
    if not rows:
        return 0
    insert: Any = sqlite.insert if store.is_sqlite() else postgresql.insert
    added = len(db.scalars(insert(Prediction).on_conflict_do_nothing().returning(Prediction.id), list(rows)).all())
    glance.refresh(db, {row["conversation_id"] for row in rows if row["mode"] == LIVE})
    return added


def live_by_conversation(db: Session, conversation_ids: Sequence[str], name: str = "intent") -> dict[str, Prediction]:
    """Of each conversation the first live prediction."""
    query = select(Prediction).where(
        col(Prediction.conversation_id).in_(conversation_ids), Prediction.mode == LIVE, Prediction.target_name == name
    )
    found: dict[str, Prediction] = {}
    for prediction in db.exec(query.order_by(col(Prediction.at), col(Prediction.id))):
        found.setdefault(prediction.conversation_id, prediction)
    return found


def labels_said(db: Session, conversation_ids: Sequence[str], name: str = "intent") -> dict[str, frozenset[str]]:
    """Of each conversation all labels that were said of it when it came, and no more: for many at once. None of them: it kept silent."""
    query = select(Prediction.conversation_id, Prediction.label_id, Prediction.also).where(
        col(Prediction.conversation_id).in_(conversation_ids), Prediction.mode == LIVE, Prediction.target_name == name
    )
    found: dict[str, frozenset[str]] = {}
    for conversation_id, label_id, also in db.exec(query.order_by(col(Prediction.at), col(Prediction.id))):
        found.setdefault(conversation_id, frozenset(made for made in (label_id, *also) if made))
    return found


def of_conversation(conversation_id: str) -> Prediction | None:
    with store.reading() as db:
        return live_by_conversation(db, [conversation_id]).get(conversation_id)


def beside_intent(conversation_id: str) -> list[Prediction]:
    """What the other classifiers said of it when it came, by their names."""
    query = select(Prediction).where(
        Prediction.conversation_id == conversation_id, Prediction.mode == LIVE, Prediction.target_name != "intent"
    )
    found: dict[str, Prediction] = {}
    with store.reading() as db:
        for prediction in db.exec(query.order_by(col(Prediction.at), col(Prediction.id))):
            found.setdefault(prediction.target_name, prediction)
    return [found[name] for name in sorted(found, key=str.lower)]


def looked_at(name: str = "intent") -> Any:
    """The conversations that have a live prediction, to ask within a query."""
    return select(Prediction.conversation_id).where(Prediction.mode == LIVE, Prediction.target_name == name)
