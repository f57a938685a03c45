"""A conversation's line in every list: by when it was opened, and no two the same."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from data import sealing
from data.intake.canonical import CanonicalConversation
from data.tables import Conversation

A_SECOND = 24  # bits of a place that are left to those who were opened in the same second


class Places:
    """Gives each conversation its line in every list: the second it was opened in, and a number among those of the same second."""

    def __init__(self, db: Session, otherwise: datetime, arriving: Sequence[CanonicalConversation] = ()) -> None:
        self.db = db
        self.asked = {_first_place(conversation, conversation.opened(otherwise)) for conversation in arriving}
        self.taken = self._among(self.asked)

    def _among(self, places: set[int]) -> set[int]:
        return set(self.db.exec(select(Conversation.place).where(col(Conversation.place).in_(places))).all())

    def of(self, conversation: CanonicalConversation, opened: datetime) -> int:
        place = _first_place(conversation, opened)
        while place in self.taken or (place not in self.asked and self._among({place})):
            self.taken.add(place)
            place += 1
        self.taken.add(place)
        return place


def _first_place(conversation: CanonicalConversation, opened: datetime) -> int:
    number = int(sealing.sha(f"{conversation.source} {conversation.id}")[:6], 16)
    return int(opened.timestamp()) << A_SECOND | number


def in_its_second(place: int, opened: datetime) -> bool:
    return int(opened.timestamp()) == place >> A_SECOND
