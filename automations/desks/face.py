"""What a help desk can be told: a tag, a team or a person, a private note, a draft, a public reply. What else was done stays here.

No help desk of ours takes drafts from outside where a rep would see them: a draft comes as a private note headed "Draft reply".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Protocol

from automations.desks.line import Line, Opens
from data.errors import Refused

DRAFT = "Draft reply"
SLACK = 120  # seconds by which a help desk's clock may be behind ours


@dataclass(frozen=True)
class There:
    """A conversation as its help desk has it now."""

    id: str
    customers: tuple[str, ...]  # by what Intake may know whose it is; none: nobody is named
    others: int = 0  # who would read a public reply beside the customer
    unproven: str = ""  # why nobody vouches that the address is the customer's own; empty: it is, or no address is written to


@dataclass(frozen=True)
class Mark:
    """By which something that was said there is found again."""

    key: str
    since: datetime  # it was not said before


class Face(Protocol):
    """The face of a module in desks/. What is returned is the help desk's own id of what was made; what it will not do is Refused."""

    NAME: str
    opens: Opens

    def there(self, line: Line, key: str) -> There: ...

    def tag(self, line: Line, made: There, name: str) -> str:
        """Beside the tags that it has. Twice is once."""

    def give_to_team(self, line: Line, made: There, team: str) -> str:
        """To the team that has this name over there."""

    def give_to_person(self, line: Line, made: There, person: str) -> str: ...

    def note(self, line: Line, made: There, text: str, mark: Mark) -> str:
        """For reps alone."""

    def reply(self, line: Line, made: There, text: str, mark: Mark) -> str:
        """For the customer, into the conversation as it is: never to an address of our own."""

    def find(self, line: Line, made: There, text: str, mark: Mark, *, public: bool) -> str:
        """The id of what was said under this mark; "" where it is not there."""


def number(key: str, name: str) -> str:
    """A conversation's id, which goes into an address."""
    if not (key.isascii() and key.isdecimal() and len(key) < 20):
        raise Refused(f"Its number at {name} is not kept here, so it cannot be told there.")
    return key


def named(listed: Iterable[Any], name: str, *, line: Line, what: str) -> Any:
    """The id of the one that has this name. Nothing is made over there, and of two of one name none is chosen."""
    known = {one["id"]: str(one.get("name") or "") for one in listed if isinstance(one, dict) and one.get("id") is not None}
    found = [key for key, told in known.items() if told.strip().casefold() == name.strip().casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused(f"{line.name} has {len(found)} {what}s named '{name}'. Give them different names there.")
    there = ", ".join(sorted(told for told in known.values() if told)[:20]) or "none"
    raise Refused(f"{line.name} has no {what} '{name}'. It has: {there}. Give one that name there, or change the recipe.")


def as_html(text: str) -> str:
    """What was written stays text: nothing in it becomes a link or a picture."""
    return "<p>" + escape(text).replace("\n", "<br>") + "</p>"


def as_markdown(text: str) -> str:
    """Nothing in it becomes a link or a picture."""
    for parts in ("](", "][", "]:"):
        text = text.replace(parts, " ".join(parts))
    return text


def signed(text: str, mark: Mark) -> str:
    """A private note shows its key where the help desk has no place for it."""
    return f"{text}\n\n(portal {mark.key})"


def flat(text: str) -> str:
    return " ".join(text.split())


def dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def dict_of(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
