"""What a product team is told of the product's faults: what customers run into, where it stands, and what was sent."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Field

from data.tables.base import Row, json_field, time_field


class ProductFeedback(Row, table=True):
    """One fault, as it stands now. Its conversations are found again each time; only its samples are named."""

    __tablename__ = "product_feedback"
    title: str
    text: str  # what customers run into
    wish: str = ""  # what would help them
    label_id: str | None = Field(default=None, foreign_key="label.id")  # the intent that it is about
    pattern_id: str | None = Field(default=None, foreign_key="pattern.id")  # the pattern that it began with
    words: str = ""  # in the search language: alone, or what narrows the intent down
    sample_ids: list[str] = json_field(default_factory=list)  # conversations that show it well
    team_id: str | None = Field(default=None, foreign_key="team.id", index=True)  # whose it is; None: everybody's
    product_team: str = ""  # who was handed it
    state: str = "noted"  # noted, handed_over, accepted, building, changed, declined
    changed_on: date | None = None  # what came before and since is compared
    taken_back_at: datetime | None = time_field(default=None)


class ProductFeedbackStep(Row, table=True):
    """Where it stood from a day on, in a sentence."""

    __tablename__ = "product_feedback_step"
    feedback_id: str = Field(foreign_key="product_feedback.id", index=True)
    state: str
    day: date
    sentence: str
    product_team: str = ""


class ProductFeedbackSent(Row, table=True):
    """Handed over to a webhook, as it was then. It is tried again until it is there or given up; nothing else waits for it."""

    __tablename__ = "product_feedback_sent"
    feedback_id: str = Field(foreign_key="product_feedback.id", index=True)
    receiver: str  # the webhook's name
    document: dict[str, Any] = json_field()
    state: str = Field(default="waiting", index=True)  # waiting, done, given_up
    tries: int = 0
    not_before: datetime | None = time_field(default=None)
    why: str = ""
    sent_at: datetime | None = time_field(default=None)
