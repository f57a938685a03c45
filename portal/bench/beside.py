"""How long an agent's work takes beside its model alone and its guardrails alone: they look while it thinks, so the slower is the floor.

The model answers after a time that is given, as an endpoint would; everything else is what ships.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from automations import running
from automations.door import Faked, Held
from automations.guardrails.all import GUARDRAILS
from automations.guardrails.face import CAME, Declaration, Guardrail, Looked, Verdict
from automations.guardrails.watching import Watch
from automations.recipe import Recipe
from automations.steps.all import STEPS
from automations.world import World
from language.call import Call
from portal.bench import injections
from portal.bench.injections import ASKED, AT, CUSTOMER, HONEST, Blind, said
from portal.bench.obeying import Attack, Obeying

MAIL = " ".join(
    ["We packed the fern on Monday, and the van took it on Tuesday."] * 60
)  # nearly 4 kB, so that there is something to look at


class Slow:
    """One more guardrail, as slow as it is told to be, which looks at what came."""

    declaration = Declaration("slow", "Slow", "Takes its time.", "hourglass", frozenset({CAME}))

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def look(self, at: Looked) -> Verdict:
        time.sleep(self.seconds)
        return Verdict(True)


def run(*, seconds: float, runs: int = 20) -> dict[str, Any]:
    """A model of so many seconds a turn, with the guardrails as they ship and with one that is as slow as the model."""
    known: Mapping[str, Guardrail] = {**GUARDRAILS, "slow": Slow(seconds)}
    alone, shipped, both = (
        _seconds(watching, seconds, runs)
        for watching in (Blind, None, lambda chosen: Watch({**chosen, "slow": {}}, known=known))
    )  # fmt: skip
    guards = _seconds(lambda chosen: Watch({**chosen, "slow": {}}, known=known), 0.0, runs)
    return {
        "runs": runs, "a model's turn, seconds": seconds, "model alone, seconds": alone, "with its guardrails, seconds": shipped,
        "ratio to the model alone": shipped / alone, "guardrails with a slow one, model at once, seconds": guards,
        "model and slow guardrails together, seconds": both, "ratio to the slower of both": both / max(alone, guards),
    }  # fmt: skip


def _seconds(watching: Callable[[Mapping[str, Any]], Any] | None, seconds: float, runs: int) -> float:
    """The median of whole runs: the agent looks an order up and answers, in two turns."""
    made = injections.held()
    with injections.shop() as ledger:
        there = injections.direct(ledger)
        return median(_one(made, there, watching, seconds) for _ in range(runs + 1))


def _one(made: Recipe, shop: Any, watching: Any, seconds: float) -> float:
    model = Obeying(Attack("there is none"), HONEST)

    def talk(job: str, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Call:
        time.sleep(seconds)
        return model(job, messages, tools)

    text = f"{MAIL}\n{ASKED}"
    world = World(Faked(Held(made)), AT, CUSTOMER, "conversation", "email", "en", (said(text),), shop, talk=talk)
    facts = {"conversation": {"id": "conversation", "channel": "email"}, "message": {"text": text}}
    began = time.perf_counter()
    told = running.run(made, facts, replace(world, watching=watching) if watching else world, STEPS)
    if told.state != running.DONE:
        raise RuntimeError(f"the agent did not answer: {told.why}")
    return time.perf_counter() - began
