"""Curated datasets: what was built, and where each row came from."""

from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from data.tables.base import Row, json_field


class DatasetVersion(Row, table=True):
    __tablename__ = "dataset_version"
    __table_args__ = (UniqueConstraint("name", "number"),)
    name: str
    number: int
    sha: str
    recipe: dict[str, Any] = json_field()
    counts: dict[str, int] = json_field()
    card: str
    format: str
    file_key: str = ""  # the whole build as one file in the home's exports


class DatasetRow(Row, table=True):
    __tablename__ = "dataset_row"
    dataset_version_id: str = Field(foreign_key="dataset_version.id", index=True)
    row: int
    review_id: str | None = Field(default=None, foreign_key="review.id")
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    customer_id: str = Field(foreign_key="customer.id")
    split: str
    messages_sha: str
