"""How people grow: exercises that were set, and what two people write to each other about the work of one of them."""

from datetime import date, datetime

from sqlmodel import Field

from data.tables.base import Row, json_field, time_field


class Exercise(Row, table=True):
    """Gold examples that somebody is asked to look at. What they said of each is a gold answer: progress is nowhere else."""

    __tablename__ = "exercise"
    person_id: str = Field(foreign_key="person.id", index=True)
    kind: str  # judging, gaps
    why: str
    criterion: str = ""  # what gave the occasion, if anything did
    example_ids: list[str] = json_field()
    due_on: date | None = None
    taken_back_at: datetime | None = time_field(default=None)


class CoachingNote(Row, table=True):
    """Between two people, and for nobody else."""

    __tablename__ = "coaching_note"
    person_id: str = Field(foreign_key="person.id", index=True)  # whose work it is about
    lead_id: str = Field(foreign_key="person.id", index=True)  # who else reads it; either of the two wrote it
    text: str
    criterion: str = ""
    conversation_ids: list[str] = json_field(default_factory=list)
    taken_back_at: datetime | None = time_field(default=None)
