"""What every reader shares: the person's mapping, what a reader gives, and the words for what is wrong with a row."""

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from data.errors import Refused
from data.intake.canonical import CanonicalConversation

HEAD = 65_536  # bytes that tell what a file is
MOST_FILES = 100_000  # in one folder
SAYABLE = re.compile(r"(?!.*\d{5})[\w][\w .'/-]{0,39}")  # a word that may stand in a report: no card, no address

ROLES = {  # what help desks and exports call whom, in English and German
    "customer": "user|client|visitor|contact|end-user|end user|enduser|requester|caller|consumer|buyer|lead|"
    "kunde|kundin|anrufer|anruferin|nutzer|nutzerin",
    "rep": "agent|support|operator|staff|human|admin|teammate|employee|representative|advisor|outgoing|"
    "mitarbeiter|mitarbeiterin|berater|beraterin|bearbeiter|bearbeiterin",
    "assistant": "bot|ai|machine|model|chatbot|ai_agent|fin|gpt|virtual agent|agent_bot",
    "system": "event|activity|notification|log",
    "tool": "tool_call|tool_result|function|function_call|observation",
}
KNOWN_ROLES = {word: role for role, words in ROLES.items() for word in (role, *words.split("|"))}


@dataclass(frozen=True)
class Mapping:
    """What a person said about a file, or what was guessed and shown to them."""

    source: str = "import"  # the system it comes from: with the conversation's id there it says which one it is
    channel: str | None = None  # where the file does not say
    roles: dict[str, str] = field(default_factory=dict)  # the source's word -> ours
    columns: dict[str, str] = field(default_factory=dict)  # CSV: our field -> its column
    time_zone: str = "UTC"  # of times that name none

    def role(self, word: str) -> str | None:
        """Ours for theirs; None when nobody has said and it is no word that is known."""
        told = word.strip()
        return self.roles.get(told) or self.roles.get(told.lower()) or KNOWN_ROLES.get(told.lower())


Row = tuple[int, CanonicalConversation | str]  # where it begins (a line, or its number in the file), and it, or what is wrong with it


class Reader(Protocol):
    """The face of a module in readers/. A number given twice for the same file and mapping is of the same row, and they only grow."""

    NAME: str  # zendesk
    WORDS: str  # Zendesk tickets (JSON)
    UNIT: str  # what a number counts: line, ticket, conversation, mail

    @property
    def ENDINGS(self) -> tuple[str, ...]:
        """.json"""

    def looks_like(self, path: Path, head: bytes) -> bool:
        """Whether the file's first 64 kB are of this kind."""

    def check(self, path: Path, mapping: Mapping) -> None:
        """A file that is not what it says is Refused whole, with the reason."""

    def guess(self, path: Path) -> Mapping:
        """What the file itself says of its mapping."""

    def read(self, path: Path, mapping: Mapping) -> Iterator[Row]:
        """Everything, in flat memory. A bad row is told and never spoils the rest."""


def made(raw: dict[str, Any]) -> CanonicalConversation | str:
    """The conversation, or what is wrong with it in words."""
    try:
        return CanonicalConversation.model_validate(raw)
    except ValidationError as error:
        return in_words(error)


def in_words(error: ValidationError) -> str:
    told = [f"{'.'.join(str(part) for part in fault['loc']) or 'conversation'}: {_fault(fault)}" for fault in error.errors()]
    return "; ".join(told[:3]) + (f" (and {len(told) - 3} more)" if len(told) > 3 else "")


def _fault(fault: Any) -> str:
    if fault["loc"][-1:] == ("role",) and fault["type"] == "literal_error":
        return unknown_role(str(fault["input"]))
    return str(fault["msg"]).removeprefix("Value error, ")


def unknown_role(word: str) -> str:
    if SAYABLE.fullmatch(word):
        return f"'{word}' is not known. Say whose words these are: --role {shlex.quote(word)}=rep"
    return "it is no word that can be shown here. Say whose words these are: --role WORD=rep"


def shown(path: Path) -> str:
    """A file's name as it can stand in a sentence."""
    return "".join(letter if letter.isprintable() else "?" for letter in path.name)[:120] or str(path)[:120]


def inputs(path: Path, endings: tuple[str, ...]) -> list[Path]:
    """The one file, or a folder's files of these endings by name: together they are one export."""
    with suppress(OSError, ValueError):  # a name that no file can have
        if path.is_file():
            return [path]
        if path.is_dir():
            found = sorted(one for one in islice(path.iterdir(), MOST_FILES + 1) if one.suffix.lower() in endings and one.is_file())
            if len(found) > MOST_FILES:
                raise Refused(f"Nothing was imported: {shown(path)} holds more than {MOST_FILES:,} files. Import them in several folders.")
            if found:
                return found
            raise Refused(f"Nothing was imported: in the folder {shown(path)} is no file that ends in {' or '.join(endings)}.")
    raise Refused(f"Nothing was imported: {shown(path)} is not a file.")


def head(path: Path) -> bytes:
    """The first 64 kB."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise Refused(f"Nothing was imported: {shown(path)} could not be read: {os.strerror(error.errno or 0).lower()}.") from error
