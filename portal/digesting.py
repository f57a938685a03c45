"""`portal digest`: a week as it was known on the Monday after, as lines or as Markdown."""

from datetime import date
from typing import Any

from data.errors import Misuse
from data.tables import Person
from evals import digest
from portal import digest_text


def told(week: date | None, *, markdown: bool, by: Person) -> tuple[dict[str, Any], str]:
    """For programs and for people, of the conversations that the person sees."""
    found = digest.required(week, by=by)
    words = digest_text.markdown(found, by=by) if markdown else "\n".join(digest_text.lines(found, by=by))
    return digest_text.as_json(found, by=by), words


def day_of(given: str) -> date | None:
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:
        raise Misuse(f"'{given}' is no day. A day is written like 2026-11-16.") from None
