"""What people wrote on the timeline: what happened, so that whoever sees a bend in a line knows."""

from datetime import datetime

from sqlmodel import Field

from data.tables.base import Row, time_field


class Note(Row, table=True):
    """One of a moment. Empty channel, intent: it is about all of them. Taken back, it stands in the audit only."""

    __tablename__ = "note"
    happened_at: datetime = time_field(index=True)
    kind: str = "note"  # note, incident
    text: str
    channel: str = ""
    intent_id: str = ""
    page: str = ""  # of ours, which shows what it is about
    team_id: str | None = Field(default=None, foreign_key="team.id")  # whose it is about; None: everybody's
    taken_back_at: datetime | None = time_field(default=None)
