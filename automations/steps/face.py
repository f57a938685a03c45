"""How a step declares itself: what it takes and gives, whether it changes the world, and what is at stake when it is wrong.

Forms, checks, the JSON schema and the picture of a recipe are drawn from declarations: a new step needs no code for any of them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Kind = Literal["text", "long_text", "number", "money", "yes_no", "choice", "label", "address", "mapping", "any"]
Stake = Literal["none", "low", "high"]
Faults = Callable[[Mapping[str, Any]], Iterable[str]]  # what else is wrong with what a step is given, in words

KINDS: dict[Kind, str] = {  # in a rep's words, with an article: "this is a number"
    "text": "a text",
    "long_text": "a text",
    "number": "a number",
    "money": "an amount",
    "yes_no": "yes or no",
    "choice": "one of a few words",
    "label": "an intent",
    "address": "an address",
    "mapping": "a table of values",
    "any": "any value",
}
TEXTS: frozenset[str] = frozenset({"text", "long_text", "choice", "label", "address"})  # what is a text, whatever it looks like
NUMBERS: frozenset[str] = frozenset({"number", "money"})
OPEN: frozenset[str] = frozenset({"mapping", "any"})  # more names may stand below theirs


@dataclass(frozen=True)
class Field:
    """One thing that a step takes, or gives."""

    name: str  # as recipes write it: order_number
    title: str  # as a form shows it
    kind: Kind
    required: bool = True  # of an output: whether it is there after every run that went well
    choices: tuple[str, ...] = ()  # of a choice
    help: str = ""
    default: Any = None


@dataclass(frozen=True)
class Declaration:
    """All that anybody need know of a step before it runs."""

    name: str  # as recipes write it: look up order
    title: str
    explanation: str
    icon: str
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    changes: bool  # the world: money, mail, a ticket
    stake: Stake
    talks: bool = False  # a customer reads what it does
    ends: bool = False  # the run is over behind it: a person has it now
    done: str = ""  # what is true once it was done, in a sentence with its outputs in braces: an agent may say so
    faults: Faults | None = field(default=None, compare=False, repr=False)  # where what it asks is known before it runs

    @property
    def pays(self) -> bool:
        """Whether it moves money."""
        return self.changes and any(field.kind == "money" for field in self.inputs)


Declarations = Mapping[str, Declaration]  # by name


class Changes(Protocol):
    """A step that changes something."""

    declaration: Declaration

    def gave(self, did: Any) -> Mapping[str, Any]:
        """What it gives, once the door did it."""
        ...


class Step(Protocol):
    """What is run. A module with these two is one as well."""

    declaration: Declaration

    def run(self, given: Mapping[str, Any], context: Any) -> Mapping[str, Any]:
        """What it gives, by the names of its outputs."""
        ...
