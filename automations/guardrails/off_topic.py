"""Off topic: what the customer wants is not what this agent is for. A greeting, a thank-you and a short answer belong to every topic."""

from collections.abc import Sequence
from typing import Any

from automations.comparisons import OPERATORS
from automations.guardrails.face import CAME, Declaration, Looked, Verdict
from automations.steps.face import Field
from data.values import now
from evals.graders import cites_sources, tokens

declaration = Declaration(
    name="off topic",
    title="Off topic",
    explanation="Stops where the customer wants something else than what the agent is for.",
    icon="wrong_location",
    looks_at=frozenset({CAME}),
    settings=(
        Field("intents", "Intents", "any", required=False, help="A list: what it is for, as the classifier says."),
        Field("words", "Words", "any", required=False, help="A list: one of them in the customer's words is enough."),
        Field("never", "Never about", "any", required=False, help="A list: with one of these in it, a person answers."),
    ),
)
SHORT = 3  # words that tell something: an order number and a yes go on with what was begun


def look(at: Looked) -> Verdict:
    """At the customer's last words, whatever just came: what a tool gave has no topic."""
    asked = at.asked or at.text
    intents, words, never = (_listed(at.settings.get(name)) for name in ("intents", "words", "never"))
    if stray := next((word for word in never if _holds(asked, word)), ""):
        return Verdict(False, f"The customer writes about '{stray}', which is no topic for the machine. A person answers.")
    if not intents and not words:
        return Verdict(True)
    if at.intent and at.intent.casefold() in {one.casefold() for one in intents}:
        return Verdict(True)
    if any(_holds(asked, word) for word in words) or is_slight(asked):
        return Verdict(True)
    about = f"It is about '{at.intent}'" if at.intent else "It is not known what it is about"
    return Verdict(False, f"{about}, and this agent is for {', '.join([*intents, *words][:5])}. A person answers.")


def is_slight(text: str) -> bool:
    """A greeting, a thank-you, a yes, a number: too little to be a topic of its own."""
    return len(cites_sources.telling(tokens.of(text)) - cites_sources.KIND) <= SHORT and not text.rstrip().endswith("?")


def _listed(value: Any) -> Sequence[str]:
    return [value] if isinstance(value, str) and value else [str(one) for one in value] if isinstance(value, list | tuple) else []


def _holds(text: str, word: str) -> bool:
    return OPERATORS["matches word"].fits(text, word, now()) is True
