"""One agent of a recipe: what it is told, which tools it has, what watches over it, and to whom it may hand the conversation.

A tool is a step as any recipe uses it. What the document binds, the agent cannot choose; amounts and addresses are always bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from automations.conditions import Condition

SAYS = ("draft reply", "send reply")  # steps by which its last words leave
DRAFTS, SENDS = SAYS


@dataclass(frozen=True)
class Tool:
    """A step that it may use. What is not bound and is no amount, it chooses."""

    name: str
    step: str
    what: str = ""  # when to use it, in its words
    given: Mapping[str, Any] = field(default_factory=dict)  # bound: constants, and gaps that look-ups fill
    when: Condition | None = None  # none: always


@dataclass(frozen=True)
class Agent:
    name: str
    title: str = ""
    what: str = ""  # what it is for: by this others hand over to it
    instructions: str = ""
    model: str = "conversation"  # the job of a model: small and fast, large, or where being right matters more than being fast
    tools: tuple[Tool, ...] = ()
    guardrails: Mapping[str, Any] = field(default_factory=dict)  # by name with their settings, beside those that everyone has
    hands_to: tuple[str, ...] = ()
    says: str = DRAFTS
    turns: int = 8
    seconds: int = 60  # of models
    tokens: int = 30_000
    cost: Decimal = Decimal("0.50")  # of models, in the money that prices are told in
