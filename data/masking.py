"""What colleagues write themselves: what is personal is masked as at the door, their own names and the company's stay readable."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from sqlmodel import select

from data import config, store
from data.tables import Person
from language import redact

LONG = 10**10  # a number of fewer digits is no card and no phone
OUR_ID = re.compile(r"01[89a-f][0-9a-f]{5}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")  # its digits may add up like a card's


def masked(text: str) -> str:
    return redact.masked(text, keep=_kept()) if text.strip() else text


def _kept() -> list[str]:
    with store.reading() as db:
        return [*db.exec(select(Person.name)).all(), *config.settings().company_names]


def everywhere(value: Any) -> Any:
    """The same in what came as JSON: texts, names, numbers as long as a card's; without the NUL that PostgreSQL cannot keep."""
    kept = _kept()

    @cache  # of a large file most texts are names of fields and the like, a thousand times over
    def masked_once(text: str) -> str:
        return redact.masked(text, keep=kept) if text.strip() else text

    return _everywhere(value, masked_once)


def _everywhere(value: Any, masked_once: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return value if OUR_ID.fullmatch(value) else masked_once(value.replace("\0", ""))
    if isinstance(value, dict):
        return {_everywhere(str(name), masked_once): _everywhere(told, masked_once) for name, told in value.items()}
    if isinstance(value, list | tuple):
        return [_everywhere(one, masked_once) for one in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= LONG:
        told = masked_once(str(value))
        return value if told == str(value) else told
    return value
