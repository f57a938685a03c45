"""An agent, or several that hand over to each other, work on the conversation with their tools until one of them answers."""

from collections.abc import Mapping
from typing import Any

from automations.steps import taken
from automations.steps.face import Declaration, Field
from automations.world import World

declaration = Declaration(
    name="agent",
    title="Agent",
    explanation="Has an agent of this recipe work on the conversation, with its tools and within its guardrails.",
    icon="smart_toy",
    inputs=(Field("agent", "Agent", "text", help="The one that begins."),),
    outputs=(
        Field("reply", "Reply", "long_text", help="Empty where a person took over."),
        Field("ended", "Ended", "text"),
        Field("agents", "Agents", "text", help="Who had it, in order."),
        Field("turns", "Turns", "number"),
    ),
    changes=False,
    stake="none",
)


def run(given: Mapping[str, Any], world: World) -> dict[str, Any]:
    from automations.agents import loop  # which uses steps

    return loop.run(taken.line(declaration, given, "agent"), world)
