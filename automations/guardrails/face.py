"""How a guardrail declares itself, what it looks at, and what it says. It only looks: it asks nobody and changes nothing.

At what came from outside it looks while the model is asked; at what would leave, before it leaves. Whoever holds the door waits for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from automations.door import Held, Wanted
from automations.steps.face import Field

CAME, LEAVES = "came", "leaves"


@dataclass(frozen=True)
class Looked:
    """What a guardrail looks at: the run as it stands, and one thing in it."""

    moment: str  # CAME or LEAVES
    text: str  # that came: the customer's words, what a tool gave; that would leave: a reply, a note; "" where there is none
    wanted: Wanted | None = None  # of what would leave: exactly what would be done
    held: Held | None = None  # the limits, and what was moved so far
    asked: str = ""  # the customer's last words
    intent: str = ""
    sources: tuple[str, ...] = ()  # what articles and look-ups said in this run
    messages: Sequence[Mapping[str, Any]] = ()  # role, text, seq
    facts: Mapping[str, Any] = field(default_factory=dict)  # by the tool's name what it gave, beside conversation, customer, intent
    settings: Mapping[str, Any] = field(default_factory=dict)  # of this guardrail, as the document says
    now: datetime | None = None  # as of when days are counted; none: as it is


@dataclass(frozen=True)
class Verdict:
    passes: bool
    why: str = ""  # where it does not pass: a sentence for whoever takes over


@dataclass(frozen=True)
class Declaration:
    name: str  # as documents write it: personal data
    title: str
    explanation: str
    icon: str
    looks_at: frozenset[str]
    settings: tuple[Field, ...] = ()


class Guardrail(Protocol):
    """A module with these two is one."""

    declaration: Declaration

    def look(self, at: Looked) -> Verdict: ...
