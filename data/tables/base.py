"""What every table shares: an id that sorts by time, when it happened, and who did it."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from data.values import new_id, now


class Utc(TypeDecorator[datetime]):
    """Aware UTC on both engines: SQLite drops zones, so they are put back on reading and a naive time is refused on writing."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def json_field(**kwargs: Any) -> Any:
    return Field(sa_type=Json, **kwargs)


def time_field(**kwargs: Any) -> Any:
    return Field(sa_type=Utc, **kwargs)


class Row(SQLModel):
    id: str = Field(default_factory=new_id, primary_key=True)
    at: datetime = Field(default_factory=now, sa_type=Utc, index=True)
    by_person_id: str | None = Field(default=None)  # None: the console or the portal itself


class TargetColumns(SQLModel):
    """The columns of values.Target, under the same names wherever they stand."""

    target_kind: str
    target_name: str
    target_number: int
