"""What a step works with: the conversation, the one customer it may act for, and the ways out, all passed in from above."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from automations.connectors.asking import Connections
from automations.door import Door
from automations.outside.using import Tools
from automations.recipe import Recipe
from automations.shop.client import Shop
from automations.steps.face import Step
from language.call import Call

Message = Mapping[str, Any]  # role, text, seq
Answer = Callable[[Sequence[Message]], Mapping[str, Any]]  # from articles: reply, sources, declined, confidence
Classify = Callable[[str], tuple[str, float]]  # an intent's name and how sure; "" where it is none
Ask = Callable[[list[dict[str, Any]], Mapping[str, Any]], Call]  # of a model: messages and a JSON schema
Talk = Callable[[str, Sequence[Message], Sequence[Mapping[str, Any]]], Call]  # of a job's model: messages and the tools that it may use


class Passed(Protocol):
    """What one step of this run came to: a span, as a hand-over sums it up."""

    @property
    def step(self) -> str: ...
    @property
    def state(self) -> str: ...  # done, skipped, failed, waiting
    @property
    def gave(self) -> Mapping[str, Any]: ...
    @property
    def why(self) -> str: ...


@dataclass(frozen=True)
class Within:
    """What a step that uses other steps is given of its run."""

    recipe: Recipe
    steps: Mapping[str, Step]
    facts: Mapping[str, Any]
    stood: Mapping[str, Any]  # where it waited; empty at its beginning
    note: Callable[[Any], None]  # keeps a span
    keep: Callable[[Mapping[str, Any]], None]  # where it stands: it goes on from there
    clock: float = 0.0  # when this stretch of the run began, as time.perf_counter tells it


@dataclass(frozen=True)
class World:
    """Of one run. Who the customer is stands here and in no recipe: a step cannot be talked into acting for another."""

    door: Door
    at: datetime  # as of when everything is looked at: a backtest sees an order as it stood then
    customer: str  # as the shop knows them; "" where nobody does
    conversation_id: str = ""
    channel: str = ""
    language: str = ""
    messages: Sequence[Message] = ()
    shop: Shop | None = None
    answer: Answer | None = None
    classify: Classify | None = None
    ask: Ask | None = None
    talk: Talk | None = None
    watching: Callable[[Mapping[str, Any]], Any] | None = None  # what watches over agents in place of guardrails/watching.py
    addresses: frozenset[str] = frozenset()  # hosts that an HTTP call may go to
    services: Connections = field(default_factory=dict)  # programs that a description tells of
    tools: Tools = field(default_factory=dict)  # of programs outside, as approved
    within: Within | None = None
    act: str = ""  # the name of the act that is run, by which a recipe may allow it
    so_far: Callable[[], Sequence[Passed]] = tuple  # the run's spans until now
