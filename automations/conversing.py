"""From a conversation to what a recipe knows and works with. Nothing that came after the moment it would have run is among it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from automations.connectors.asking import Connections
from automations.door import Door
from automations.outside.using import Tools
from automations.recipe import BUTTON, NEW_MESSAGE, Recipe
from automations.shop.client import Shop
from automations.world import Answer, Ask, Classify, Talk, World
from data import conversations, predictions, store
from data import labels as labels_of
from data.tables import Conversation, Customer, Message, Prediction, Team
from language import tongue


@dataclass(frozen=True)
class Connected:
    """What there is to look things up in, passed in from above. What is missing, a step says in words."""

    shop: Shop | None = None
    answer: Answer | None = None
    classify: Classify | None = None
    ask: Ask | None = None
    talk: Talk | None = None
    addresses: frozenset[str] = frozenset()
    services: Connections = field(default_factory=dict)
    tools: Tools = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A conversation as it stood when a recipe would have run."""

    conversation: Conversation
    messages: Sequence[Mapping[str, Any]]
    intent: str  # as the machine said it; "" where it kept silent
    confidence: float | None
    team: str
    segment: str
    replied: str = ""  # what a person wrote next
    asked: Mapping[str, Any] = field(default_factory=dict)  # what a program sent along with its button
    intents: tuple[str, ...] = ()  # ids of all labels that the machine said of it when it came

    @property
    def language(self) -> str:
        return self.conversation.language or tongue.of(self.said) or ""

    @property
    def said(self) -> str:
        """The customer's words since anybody last answered them."""
        told: list[str] = []
        for message in reversed(self.messages):
            if message["role"] == "customer":
                told.append(str(message["text"]))
            elif told:
                break
        return "\n".join(reversed(told))

    def facts(self) -> dict[str, Any]:
        """What every recipe may name."""
        one = self.conversation
        intent = {"intent": {"name": self.intent, "confidence": self.confidence}} if self.intent else {}
        asked = {"asked": dict(self.asked)} if self.asked else {}
        return {
            "conversation": {
                "id": one.id, "channel": one.channel, "language": self.language, "subject": one.subject or "", "team": self.team,
                "segment": self.segment, "opened_at": one.opened_at.isoformat(),
            },
            "message": {"text": self.said}, "customer": {"key": one.customer_id}, **intent, **asked,
        }  # fmt: skip

    def world(self, door: Door, connected: Connected, at: datetime | None = None) -> World:
        one = self.conversation
        return World(
            door, at or one.opened_at, one.customer_id, one.id, one.channel, self.language, self.messages, connected.shop, connected.answer,
            connected.classify, connected.ask, connected.talk, addresses=connected.addresses, services=connected.services,
            tools=connected.tools,
        )  # fmt: skip


def as_it_stood(
    recipe: Recipe, conversation: Conversation, messages: Sequence[Mapping[str, Any]], prediction: Prediction | None, *,
    labels: Mapping[str, str], team: str = "", segment: str = "",
) -> Case:  # fmt: skip
    """When the recipe would have begun: as it came, after the customer's last words, or, at a button, whole."""
    intent = labels.get(prediction.label_id or "", "") if prediction else ""
    confidence = prediction.confidence if prediction and intent else None
    seen = _until(recipe, conversation.id, messages)
    last = max((one["seq"] for one in seen), default=0)
    replied = next((str(one["text"]) for one in messages if one["seq"] > last and one["role"] == "rep" and str(one["text"]).strip()), "")
    intents = tuple(made for made in (prediction.label_id, *prediction.also) if made) if prediction else ()
    return Case(conversation, seen, intent, confidence, team, segment, replied, intents=intents)


def as_it_is(recipe: Recipe, conversation_id: str) -> Case | None:
    """The conversation now; None where it is hidden or gone."""
    with store.reading() as db:
        found = db.get(Conversation, conversation_id)
        if found is None or found.hidden_at is not None:
            return None
        customer = db.get_one(Customer, found.customer_id)
        team = db.get(Team, found.team_id) if found.team_id else None
        said = conversations.frozen(conversations.messages_of(db, found.id))
        prediction = predictions.live_by_conversation(db, [found.id]).get(found.id)
    return as_it_stood(
        recipe, found, said, prediction, labels=labels_of.names(), team=team.name if team else "", segment=customer.segment or ""
    )  # fmt: skip


def said_since(conversation_id: str, seq: int) -> str:
    """What the customer wrote after this message."""
    query = select(Message.text).where(
        Message.conversation_id == conversation_id, Message.role == "customer", Message.seq > seq, ~col(Message.private),
        col(Message.gone_at).is_(None),
    )  # fmt: skip
    with store.reading() as db:
        return "\n".join(text.strip() for text in db.exec(query.order_by(col(Message.seq)))).strip()


def _until(recipe: Recipe, conversation_id: str, messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    if recipe.trigger.kind == BUTTON:
        return list(messages)
    if recipe.trigger.kind == NEW_MESSAGE:
        last = max((one["seq"] for one in messages if one["role"] == "customer"), default=0)
    else:
        last = conversations.opening_subject(conversation_id, [dict(one) for one in messages]).seq
    return [one for one in messages if one["seq"] <= last]
