"""Whether a machine may answer from articles: the policy holds for an answer over HTTP and for a suggested reply as it does for recipes.

What a conversation is about is asked as the door asks it (mandates.of). Of a question that stands in no conversation the live classifier
is asked, of what opened it and of each thing that the customer wrote since; the strictest of what it says counts.

Where no classifier is live nobody looked, and a question is what such conversations are for recipes: without a recognised intent. What
holds for those is "machines act alone" until people say otherwise, so a policy of intents forbids nothing then that was not forbidden
before; people who keep machines out of what is not recognised have kept them out of this too. A classifier that is live and cannot be
asked is no leave to answer: it may be about anything, so the strictest line counts.

A colleague who asks for themselves is a person, who decides; nothing of this is asked of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from automations import mandates
from automations.mandates import ALONE, NEVER, Mandate, Policy
from data import conversations, labels, releases, store
from data.errors import Refused
from data.masking import masked
from data.values import Target

MOST = 20  # of the customer's messages, the last ones; the opening is looked at beside them
CLASSIFIER = "classifier"


def of_question(messages: Sequence[Mapping[str, Any]]) -> Mandate | None:
    """For what a program asks; None: no policy holds it back. Nobody classifies for one that keeps machines out of nothing."""
    policy = mandates.current()
    if policy is None or policy.keeps_out_of_nothing:
        return None
    live = releases.live(CLASSIFIER, labels.INTENT)
    if live is None:
        return mandates.as_it_came(())
    try:
        return mandates.as_it_came(_said(releases.target_of(live), _texts(messages)))
    except Refused:
        return _strictest(policy)


def kept_out(conversation_id: str) -> str:
    """Why no machine suggests a reply to it; empty where one may."""
    with store.reading() as db:
        return why_not(mandates.of(db, conversation_id))


def why_not(mandate: Mandate | None) -> str:
    if mandate is None or mandate.may != NEVER:
        return ""
    judgement = " It takes a person's judgement." if mandate.line.judgement else ""
    note = f" {mandate.line.note.rstrip('.')}." if mandate.line.note else ""
    return f"{mandate.about} is left to people by the policy.{judgement}{note}"


def is_proposal(mandate: Mandate | None) -> bool:
    """Whether a person has to send it."""
    return mandate is not None and mandate.may != ALONE


def _texts(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    spoken = [dict(one) for one in messages]
    written = [one["text"] for one in spoken if one["role"] == "customer"][-MOST:]
    return [masked(text) for text in dict.fromkeys([conversations.text_of(None, spoken), *written]) if text.strip()]


def _said(target: Target, texts: Sequence[str]) -> Iterable[str]:
    from classifiers import serving  # heavy, and asked for by few

    guessed = serving.guess(target, texts) if texts else []
    return {label for one in guessed for label in (one.label_id, *one.also) if label}


def _strictest(policy: Policy) -> Mandate:
    return Mandate(policy.strictest([*policy.intents, mandates.OTHERS, mandates.UNKNOWN])[1], "What could not be classified just now")
