"""A question to the customer for what is missing. The run waits for their next message and goes on with it."""

from collections.abc import Mapping
from typing import Any

from automations.door import Did, Waits, Wanted
from automations.steps import said, shaping, taken, wanting
from automations.steps.face import Declaration, Field
from automations.world import World

KIND = "reply"
declaration = Declaration(
    name="ask for a missing detail",
    title="Ask for a missing detail",
    explanation="Asks the customer for something, such as their order number, and goes on when they have answered.",
    icon="contact_support",
    inputs=(
        Field("question", "Question", "long_text"),
        Field("detail", "Detail", "text", help="What is missing: order number, address."),
    ),
    outputs=(
        Field("question", "Question", "long_text"),
        Field("answer", "Answer", "long_text", help="What the customer wrote then."),
    ),
    changes=True,
    stake="high",
    talks=True,
)


class WaitsForCustomer(Waits):
    """The question is asked; nobody but the customer can go on from here."""

    def __init__(self, wanted: Wanted, detail: str) -> None:
        super().__init__(wanted, f"The customer was asked for the {detail}. The run goes on when they write.")


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    detail = taken.line(declaration, given, "detail")
    question = shaping.shaped(taken.text(declaration, given, "question"), channel=world.channel, language=world.language)
    wanting.require_conversation(world, declaration)
    if answer := said.answer_to(question, world):
        return {"question": question, "answer": answer}
    what = {"text": question, "detail": detail}
    did = wanting.asked(world, declaration, KIND, what, f'Ask the customer for the {detail}: "{wanting.short(question)}"')
    raise WaitsForCustomer(did.wanted, detail)


def gave(did: Did, answer: str) -> dict[str, Any]:
    """Once the customer wrote."""
    return {"question": did.wanted.what["text"], "answer": answer}
