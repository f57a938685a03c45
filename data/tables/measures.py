"""What each day held, counted once so that nobody counts a million conversations again; and which days must be counted anew."""

from datetime import datetime

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel

from data.tables.base import Utc


class Daily(SQLModel, table=True):
    """One measure of one day in one part of the conversations. Nothing in it that data/rollups.py would not compute again."""

    __tablename__ = "daily"
    __table_args__ = {"sqlite_with_rowid": False}  # a day is written and read as one stretch of its key
    day: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})  # date.toordinal(): a week is a division
    cut: str = Field(primary_key=True)  # which of the columns below tell the part: "", "channel intent", "intent version", …
    measure: str = Field(primary_key=True)
    team_id: str = Field(primary_key=True)  # in every part: nobody reads another team's; empty: nobody's
    channel: str = Field(primary_key=True)  # empty, here and below: not told by this cut, or not known
    intent_id: str = Field(primary_key=True)
    segment: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    version: str = Field(primary_key=True)  # "recipe:refunds@4"
    n: int  # of what was counted
    weight: float
    weight_sq: float  # of weights w: the sum of w²; with it a weighted share has an honest interval
    sum: float  # of w · x
    sum_sq: float  # of w · x²
    sketch: bytes | None = Field(default=None, sa_type=LargeBinary)  # how often each size came, where sizes count: data/amounts.py


class Due(SQLModel, table=True):
    """A day must be counted anew. Triggers write it wherever a row changes that a measure is made of; nobody can forget to.

    It has no key: many write at once, and none waits for another.
    """

    __tablename__ = "due"
    moment: datetime = Field(sa_column=Column(Utc, primary_key=True))  # in that day, in whatever time zone
    customer_id: str = Field(primary_key=True)  # whose earlier conversations may read differently now; empty: nobody's
