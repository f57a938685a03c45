"""Pages of the company's own on which customers write to it, and the conversations that they hold a key of."""

from datetime import datetime

from sqlmodel import Field

from data.tables.base import Row, json_field, time_field


class Surface(Row, table=True):
    """Lets the pages of its origins begin conversations, and nothing else. Its token stands in those pages for everybody to read."""

    __tablename__ = "surface"
    name: str
    person_id: str = Field(foreign_key="person.id", index=True)  # who answers for it
    token_sha: str = Field(unique=True)
    origins: list[str] = json_field()  # exactly as a browser names them
    team_id: str | None = Field(default=None, foreign_key="team.id")  # whose the conversations are
    proposal_id: str | None = None
    expires_at: datetime = time_field()
    used_at: datetime | None = time_field(default=None)
    revoked_at: datetime | None = time_field(default=None)


class Talk(Row, table=True):
    """A conversation that a visitor began, and continues with the key that only their browser holds."""

    __tablename__ = "talk"
    surface_id: str = Field(foreign_key="surface.id", index=True)
    conversation_id: str = Field(foreign_key="conversation.id", unique=True)
    key_sha: str = Field(unique=True)
    looked_seq: int = 0  # the visitor's message up to which recipes were asked
