"""How far something is that leaves piece by piece."""

from typing import Any

from sqlmodel import Field

from data.tables.base import Row, json_field


class Position(Row, table=True):
    """It moves on; what was sent is not kept here."""

    __tablename__ = "position"
    name: str = Field(unique=True)
    value: dict[str, Any] = json_field()
