"""What colleagues write themselves: what is personal is masked as at the door, their own names and the company's stay readable."""

from typing import Any

from sqlmodel import select

from data import config, store
from data.tables import Person
from language import redact

LONG = 10**10  # a number of fewer digits is no card and no phone


def masked(text: str) -> str:
    return redact.masked(text, keep=_kept()) if text.strip() else text


def _kept() -> list[str]:
    with store.reading() as db:
        return [*db.exec(select(Person.name)).all(), *config.settings().company_names]


def everywhere(value: Any) -> Any:
    """The same in what came as JSON: texts, names, numbers as long as a card's; without the NUL that PostgreSQL cannot keep."""
    return _everywhere(value, _kept())


def _everywhere(value: Any, kept: list[str]) -> Any:
    if isinstance(value, str):
        text = value.replace("\0", "")
        return redact.masked(text, keep=kept) if text.strip() else text
    if isinstance(value, dict):
        return {_everywhere(str(name), kept): _everywhere(told, kept) for name, told in value.items()}
    if isinstance(value, list | tuple):
        return [_everywhere(one, kept) for one in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= LONG:
        told = redact.masked(str(value), keep=kept)
        return value if told == str(value) else told
    return value
