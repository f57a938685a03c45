"""What colleagues write themselves: what is personal is masked as at the door, their own names and the company's stay readable."""

from typing import Any

from sqlmodel import select

from data import config, store
from data.tables import Person
from language import redact


def masked(text: str) -> str:
    if not text.strip():
        return text
    with store.reading() as db:
        names = db.exec(select(Person.name)).all()
    return redact.masked(text, keep=[*names, *config.settings().company_names])


def everywhere(value: Any) -> Any:
    """The same for every text in what came as JSON, without the NUL that PostgreSQL cannot keep."""
    if isinstance(value, str):
        return masked(value.replace("\0", ""))
    if isinstance(value, dict):
        return {str(name).replace("\0", ""): everywhere(told) for name, told in value.items()}
    return [everywhere(one) for one in value] if isinstance(value, list | tuple) else value
