"""What whoever decides for an agent sees, a model behind an endpoint or the embedded planner, and the shape of what both decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Offered:
    """A tool that may be used now, or an agent that may be handed to."""

    name: str
    what: str  # what it is for, as the document or the step says it
    step: str = ""  # the step behind it; "" of a handoff
    parameters: Mapping[str, Any] = field(default_factory=dict)  # JSON schema of what may be chosen; the rest comes from the store
    changes: bool = False
    talks: bool = False  # a customer reads it

    @property
    def hands_over(self) -> bool:
        return not self.step


@dataclass(frozen=True)
class Used:
    """A tool that was used in this run."""

    name: str
    step: str
    arguments: Mapping[str, Any]
    gave: Mapping[str, Any]
    why: str = ""  # where it was refused or failed


@dataclass(frozen=True)
class Seen:
    """A run as it stands before its next turn."""

    agent: str
    words: str  # the customer's, since anybody last answered them
    intent: str  # as the classifier says; "" where it keeps silent
    language: str
    channel: str
    offered: Sequence[Offered]
    used: Sequence[Used]
    messages: Sequence[Mapping[str, Any]] = ()  # of the conversation: role, text, seq
