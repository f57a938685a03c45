"""What the company knows. The text of each version of an article is a Version; here stands what lists ask of all of them."""

from datetime import datetime

from sqlmodel import Field

from data.tables.base import Row, time_field


class Article(Row, table=True):
    __tablename__ = "article"
    slug: str = Field(unique=True)  # names it for good: versions, releases, cases and answers call it so
    title: str  # this and what follows: of the version that is in force, else of the newest draft
    kind: str  # help, macro, policy
    audience: str  # everyone, staff: an answer to a customer never quotes what is for staff
    area: str = ""  # of the product
    language: str = ""
    owner_id: str | None = Field(default=None, foreign_key="person.id")
    review_by: datetime | None = time_field(default=None)
    newest: int  # the number of its newest version
    live: int | None = None  # the one that is published
    stamp: str = Field(index=True)  # renewed whenever what is published changes: by the highest a process knows that its index is old
