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


def of_conversation(conversation_id: str) -> Prediction | None:
    with store.reading() as db:
        return live_by_conversation(db, [conversation_id]).get(conversation_id)
