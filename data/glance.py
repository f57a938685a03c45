"""What lists ask of a conversation among 200,000: its intent, how certain the machine was, whether somebody reviewed it.

It follows from reviews and predictions; whoever writes one of those has it written down here in the same transaction.
"""

from collections.abc import Iterable

from sqlalchemy import Update, bindparam, case, exists, update
from sqlmodel import Session, col, select

from data import standing
from data.labels import INTENT
from data.tables import Conversation, Prediction, Review
from data.values import LIVE


def _statement() -> Update:
    mine = (col(Conversation.id) == col(Review.conversation_id), standing.stands())
    last = select(Review.label_id).where(*mine).order_by(col(Review.at).desc(), col(Review.id).desc()).limit(1).scalar_subquery()
    live = (Prediction.conversation_id == Conversation.id, Prediction.mode == LIVE, Prediction.target_name == INTENT)
    first = select(Prediction).where(*live).order_by(col(Prediction.at), col(Prediction.id)).limit(1)
    confident = first.where(col(Prediction.label_id).is_not(None)).with_only_columns(col(Prediction.label_id))
    reviewed = exists().where(*mine)
    return (
        update(Conversation)
        .where(col(Conversation.id).in_(bindparam("ids", expanding=True)))
        .values(
            reviewed=reviewed,
            intent_id=case((reviewed, last), else_=confident.scalar_subquery()),
            certainty=first.with_only_columns(col(Prediction.confidence)).scalar_subquery(),
        )
    )


REFRESH = _statement()  # written once: it is asked with each review


def refresh(db: Session, conversation_ids: Iterable[str]) -> None:
    """An intent is the last review's label; where nobody reviewed, the first live prediction's that was confident."""
    db.flush()
    db.connection().execute(REFRESH, {"ids": list(conversation_ids)})
