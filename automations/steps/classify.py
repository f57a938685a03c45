"""What the customer wants, by the live classifier."""

from collections.abc import Mapping
from typing import Any

from automations.comparisons import number
from automations.steps import said, taken
from automations.steps.face import Declaration, Field
from automations.world import World
from data.errors import Refused

declaration = Declaration(
    name="classify",
    title="Classify",
    explanation="Asks the live classifier for the intent of a text.",
    icon="label",
    inputs=(Field("text", "Text", "long_text", required=False, help="Left out: what the customer wrote last."),),
    outputs=(
        Field("intent", "Intent", "label", help="Empty where the classifier keeps silent."),
        Field("confidence", "Confidence", "number", help="From 0 to 1."),
    ),
    changes=False,
    stake="none",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    if world.classify is None:
        raise Refused("Nothing was classified: no classifier is live yet. Ship one on Classifiers first.")
    told: Any = world.classify(taken.maybe(given, "text") or said.required_last_words(world))
    if not isinstance(told, tuple) or len(told) != 2 or not isinstance(told[0], str):
        raise _unusable()
    sure = number(told[1])
    if sure is None or not 0 <= sure <= 1:
        raise _unusable()
    return {"intent": told[0], "confidence": float(sure)}


def _unusable() -> Refused:
    return Refused("Nothing was classified: the classifier gave no intent with a confidence from 0 to 1. Tell an engineer.")
